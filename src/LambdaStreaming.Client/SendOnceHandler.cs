using LambdaStreaming.Invocation;


namespace LambdaStreaming;

/// <summary>Stands innermost in an <see cref="HttpClient"/> of your own and sends each attempt of a <see cref="LambdaStreamingClient"/> once, whatever the handlers above it do.</summary>
/// <remarks>
/// This library's content refuses a second send by itself. A handler that reads the content into memory (<see cref="HttpContent.LoadIntoBufferAsync()"/>, <see cref="HttpContent.ReadAsStringAsync()"/>) or copies the request takes that away;
/// this handler looks at the attempt: it lets one request with the attempt's signature pass, and gives that a content which can be sent once, so that neither a redirect nor the platform sends it again below.
/// A second one ends in a <see cref="LambdaTransportException"/>. Resends of <see cref="LambdaStreamingClientOptions.Retry"/> are attempts of their own.
/// Requests that don't come from a <see cref="LambdaStreamingClient"/> pass, and so do those that a handler makes for itself, e.g. for a token.
/// </remarks>
/// <param name="innerHandler">What sends, e.g. that of <see cref="LambdaStreamingClient.CreateHandler"/>.</param>
public sealed class SendOnceHandler(HttpMessageHandler innerHandler) : DelegatingHandler(innerHandler)
{
    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var wasAuthenticated = ProxyException.IsAuthenticated(request);
        if (!SendGuard.TryPass(request)) throw new SecondSendException();
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
        if (!SendGuard.TryPass(request)) throw new SecondSendException();
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
