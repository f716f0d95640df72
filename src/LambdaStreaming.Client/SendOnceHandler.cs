using LambdaStreaming.Invocation;

namespace LambdaStreaming;

/// <summary>
/// The innermost handler of a custom <see cref="HttpClient"/>, which sends each attempt of a
/// <see cref="LambdaStreamingClient"/> at most once.
/// </summary>
/// <remarks>
/// <para>
/// This handler must wrap the connection handler (<see cref="SocketsHttpHandler"/>) directly, inside all other
/// handlers. A handler between the two could send a request several times.
/// </para>
/// <para>
/// The content of the client's requests rejects a second send. Handlers that buffer the content
/// (<see cref="HttpContent.LoadIntoBufferAsync()"/>, <see cref="HttpContent.ReadAsStringAsync()"/>) or copy the
/// request bypass that check. This handler therefore has its own check.
/// </para>
/// <para>
/// It identifies the attempt from the headers <c>amz-sdk-invocation-id</c> and <c>amz-sdk-request</c>, and
/// lets one request of each attempt pass. If another handler has buffered or replaced the content of that request, this
/// handler wraps it in content that can be sent only once. Therefore, redirects and retries inside .NET cannot send the
/// request again. A second request of the attempt fails, so that the call throws a
/// <see cref="LambdaTransportException"/>. The client's own retries (<see cref="LambdaStreamingClientOptions.Retry"/>)
/// are new attempts.
/// </para>
/// <para>
/// Other requests pass, including those that a handler sends itself, for example to get a token.
/// </para>
/// <para>
/// If a proxy rejects a request (the client's, or one that a handler sends itself), this handler throws its own
/// exception. It names the target and the proxy's status, host and port, if they are known, but no user name and no
/// password.
/// </para>
/// </remarks>
/// <param name="innerHandler">
/// The handler that sends, for example the result of <see cref="LambdaStreamingClient.CreateHandler"/>.
/// </param>
public sealed class SendOnceHandler(HttpMessageHandler innerHandler) : DelegatingHandler(innerHandler)
{
    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var wasAuthenticated = ProxyException.IsAuthenticated(request);
        if (!SendGuard.TryPass(request)) throw new DuplicateSendException();
        try
        {
            return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not ProxyException)
        {
            if (ProxyException.From(exception, request, InnerHandler, wasAuthenticated) is { } failure) throw failure;
            throw;
        }
    }

    /// <inheritdoc/>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var wasAuthenticated = ProxyException.IsAuthenticated(request);
        if (!SendGuard.TryPass(request)) throw new DuplicateSendException();
        try
        {
            return base.Send(request, cancellationToken);
        }
        catch (Exception exception) when (exception is not ProxyException)
        {
            if (ProxyException.From(exception, request, InnerHandler, wasAuthenticated) is { } failure) throw failure;
            throw;
        }
    }
}
