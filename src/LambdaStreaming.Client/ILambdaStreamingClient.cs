namespace LambdaStreaming;

/// <summary>Invokes Lambda functions and reads their answers while they are being made. Mock this one in tests.</summary>
public interface ILambdaStreamingClient : IDisposable
{
    /// <summary>Invokes a function and returns when the head of its answer is there; the answer itself is then enumerated.</summary>
    /// <param name="request">Which function, and what it is given.</param>
    /// <param name="cancellationToken">Governs the whole call: the request, the wait for the head, and (unlike an <see cref="HttpClient"/>'s) the reading of the answer.</param>
    /// <returns>The answer, to be enumerated once and disposed.</returns>
    /// <exception cref="ArgumentException">A member of the request can never be right; the message names it.</exception>
    /// <exception cref="LambdaConfigurationException">There is no region, or there are no credentials. Nothing was sent.</exception>
    /// <exception cref="LambdaServiceException">The service answered with an error. Documented errors have types of their own.</exception>
    /// <exception cref="LambdaTransportException">No answer came: connect, TLS, a reset, or no head within the limit.</exception>
    /// <exception cref="ResponseStreamCorruptException">The answer's status does not fit the request. That its bytes are no event stream is found while they are read.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled. If the request had been sent, the function may have run, and is billed to its end.</exception>
    Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest request, CancellationToken cancellationToken = default);
}
