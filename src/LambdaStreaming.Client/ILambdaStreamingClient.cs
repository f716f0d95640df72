namespace LambdaStreaming;

/// <summary>A client that invokes Lambda functions and streams their responses.</summary>
/// <remarks>
/// <see cref="LambdaStreamingClient"/> implements this interface. In tests, use a mock; the <c>Create</c> methods of
/// <see cref="InvokeWithResponseStreamResponse"/> create its responses.
/// </remarks>
public interface ILambdaStreamingClient : IDisposable
{
    /// <summary>Invokes a function and returns when the response headers have been received.</summary>
    /// <remarks>Enumerate the response, or use one of its readers, to read the payload as it arrives.</remarks>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="cancellationToken">
    /// Cancels the complete call: the request, the wait for the response headers, and reading the response. The token
    /// stays in effect after this method has returned, unlike a token that is passed to <see cref="HttpClient"/>.
    /// </param>
    /// <returns>The response. It can be enumerated once. Dispose it.</returns>
    /// <exception cref="ArgumentException">
    /// The request is null, or a member of it is not valid. The message names the member.
    /// </exception>
    /// <exception cref="LambdaConfigurationException">
    /// No region or no credentials were found, or a setting is not valid. The last attempt sent nothing. An earlier
    /// attempt of the same call might have run the function: check
    /// <see cref="LambdaStreamingException.FunctionMayHaveRun"/>.
    /// </exception>
    /// <exception cref="LambdaServiceException">
    /// The service returned an error. Documented errors have their own types.
    /// </exception>
    /// <exception cref="LambdaTransportException">
    /// No response of the service was received. The documentation of the exception type lists the possible causes.
    /// </exception>
    /// <exception cref="ResponseStreamCorruptException">
    /// The service returned a 2xx status other than the expected one (200, or 204 for a dry run). Reading the response
    /// throws the same type if the bytes are not a valid event stream.
    /// </exception>
    /// <exception cref="ResponseStreamTruncatedException">
    /// A handler of a custom <see cref="HttpClient"/> has replaced the response's content, and getting a stream from
    /// the new content failed.
    /// </exception>
    /// <exception cref="ResponseStreamIdleTimeoutException">
    /// Such content was not opened within <see cref="LambdaStreamingClientOptions.IdleTimeout"/>.
    /// </exception>
    /// <exception cref="InvocationCanceledException">
    /// <paramref name="cancellationToken"/> was cancelled. If the request was sent, the function might have run.
    /// Cancellation does not stop the function, which is billed until it ends.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
        InvokeWithResponseStreamRequest request,
        CancellationToken cancellationToken = default);
}
