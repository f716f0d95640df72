namespace LambdaStreaming;

/// <summary>A client that invokes Lambda functions and streams their responses.</summary>
/// <remarks>
/// <see cref="LambdaStreamingClient"/> implements it. Mock this interface in tests. The <c>Create</c> methods of
/// <see cref="InvokeWithResponseStreamResponse"/> create fake responses.
/// </remarks>
public interface ILambdaStreamingClient : IDisposable
{
    /// <summary>Invokes a function and returns when the response headers have been received.</summary>
    /// <remarks>Enumerate the response, or use one of its readers, to read the payload as it arrives.</remarks>
    /// <param name="request">The function to invoke and its payload.</param>
    /// <param name="cancellationToken">
    /// Cancels the complete call: the request, the wait for the response headers, and reading the response. In contrast
    /// to a token of <see cref="HttpClient"/>, it stays in effect after this method has returned.
    /// </param>
    /// <returns>The response. It can be enumerated once. Dispose it.</returns>
    /// <exception cref="ArgumentException">
    /// The request is null, or a member of it is not valid. The message names the member.
    /// </exception>
    /// <exception cref="LambdaConfigurationException">
    /// No region or no credentials were found, or a setting is not valid. Nothing was sent, unless an earlier attempt
    /// was.
    /// </exception>
    /// <exception cref="LambdaServiceException">
    /// The service returned an error. Documented errors have their own types.
    /// </exception>
    /// <exception cref="LambdaTransportException">
    /// No response was received: the connection or TLS handshake failed, the connection was reset, or the response
    /// headers did not arrive in time.
    /// </exception>
    /// <exception cref="ResponseStreamCorruptException">
    /// The status of the response does not fit the request. Reading the response throws the same type if its bytes are
    /// not an event stream.
    /// </exception>
    /// <exception cref="InvocationCanceledException">
    /// <paramref name="cancellationToken"/> was cancelled. If the request was sent, the function might have run; it is
    /// not stopped and is billed until it ends.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
        InvokeWithResponseStreamRequest request,
        CancellationToken cancellationToken = default);
}
