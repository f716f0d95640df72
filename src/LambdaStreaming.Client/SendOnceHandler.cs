using LambdaStreaming.Invocation;

namespace LambdaStreaming;

/// <summary>
/// Sends each attempt of a <see cref="LambdaStreamingClient"/> once, whatever the handlers above it do. It is the
/// innermost handler of an <see cref="HttpClient"/> of your own.
/// </summary>
/// <remarks>
/// <para>
/// The client's request content can be sent once. A handler that buffers the content
/// (<see cref="HttpContent.LoadIntoBufferAsync()"/>, <see cref="HttpContent.ReadAsStringAsync()"/>) or copies the
/// request defeats that. This handler recognises the attempt by its headers <c>amz-sdk-invocation-id</c> and
/// <c>amz-sdk-request</c>, lets one request of it pass, and gives that a content that can be sent once, so that neither
/// a redirect nor .NET sends it again. A second request ends in a <see cref="LambdaTransportException"/>. Retries of
/// <see cref="LambdaStreamingClientOptions.Retry"/> are attempts of their own.
/// </para>
/// <para>
/// Requests of others pass, and so do those that a handler makes for itself, e.g. for a token. If a proxy refuses a
/// request, the exception has the proxy's host, port and status, without its user name and password.
/// </para>
/// </remarks>
/// <param name="innerHandler">
/// The handler that sends, e.g. that of <see cref="LambdaStreamingClient.CreateHandler"/>.
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
            ProxyException.ThrowIfProxyFailed(exception, request, InnerHandler, wasAuthenticated);
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
            ProxyException.ThrowIfProxyFailed(exception, request, InnerHandler, wasAuthenticated);
            throw;
        }
    }
}
