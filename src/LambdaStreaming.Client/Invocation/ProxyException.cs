using System.Globalization;
using System.Net;

namespace LambdaStreaming.Invocation;

/// <summary>A proxy refused the request.</summary>
/// <remarks>It replaces .NET's exception, whose message shows the proxy's user name and password.</remarks>
internal sealed class ProxyException : HttpRequestException
{
    private ProxyException(string message, string advice, HttpStatusCode? statusCode, Exception? innerException = null)
        : base(HttpRequestError.ProxyTunnelError, message, innerException, statusCode) => Advice = advice;

    /// <summary>What to do.</summary>
    public string Advice { get; }

    /// <summary>Whether a second attempt would be refused as well.</summary>
    public bool IsPermanent => (int?)StatusCode is >= 400 and < 500 and not (408 or 429);

    /// <summary>Whether the proxy kept the request to itself although the content was asked for.</summary>
    public bool KeptTheRequest { get; private init; }

    /// <summary>The exception in place of <paramref name="exception"/>, if a proxy caused that.</summary>
    /// <param name="exception">.NET's exception.</param>
    /// <param name="request">The request, as it is after it failed.</param>
    /// <param name="handler">The handler that has the proxy; <see langword="null"/> if it is not known.</param>
    /// <param name="wasAuthenticated">Whether the request had credentials for a proxy from the beginning.</param>
    public static ProxyException? From(
        Exception exception,
        HttpRequestMessage request,
        HttpMessageHandler? handler,
        bool wasAuthenticated)
    {
        if (exception is ProxyException known) return known;
        var url = request.RequestUri!;
        if (exception is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } refused)
            return Refused(refused, url, handler);

        // .NET adds the credentials after a 407 and sends the request again, which its content refuses.
        // Source: dotnet/runtime, AuthenticationHelper.SendWithAuthAsync.
        var isRepeated = exception is DuplicateSendException || exception.InnerException is DuplicateSendException;
        var isChallenged = !wasAuthenticated && IsAuthenticated(request);
        return isRepeated && isChallenged ? AuthenticationRequired(url, handler) : null;
    }

    /// <summary>Throws the exception of <see cref="From"/>, if there is one.</summary>
    public static void ThrowIfProxyFailed(
        Exception exception,
        HttpRequestMessage request,
        HttpMessageHandler? handler,
        bool wasAuthenticated)
    {
        if (From(exception, request, handler, wasAuthenticated) is { } failure) throw failure;
    }

    /// <summary>Whether <paramref name="request"/> has credentials for a proxy.</summary>
    public static bool IsAuthenticated(HttpRequestMessage request) =>
        request.Headers.NonValidated.Contains("Proxy-Authorization");

    /// <summary>The exception for a response with status 407, and for a request that .NET repeats after one.</summary>
    /// <remarks>Source: RFC 9110, section 15.5.8: only a proxy sends 407, instead of forwarding the request.</remarks>
    public static ProxyException AuthenticationRequired(Uri url, HttpMessageHandler? handler)
    {
        var (text, advice) = url.Scheme == Uri.UriSchemeHttp
            ? ($"The proxy{GetProxyName(handler, url)} requires authentication (HTTP 407), which works for https only.",
                "Use an https endpoint, or exclude this host from the proxy (NO_PROXY).")
            : ("HTTP 407 is not a response of Lambda: a proxy between this client and Lambda requires authentication.",
                "Check the proxies on the way to the endpoint.");
        return new(text, advice, HttpStatusCode.ProxyAuthenticationRequired) { KeptTheRequest = true };
    }

    private static ProxyException Refused(HttpRequestException exception, Uri url, HttpMessageHandler? handler)
    {
        var statusCode = GetStatusCode(exception);
        var status = statusCode is { } code ? $" with HTTP {(int)code}" : "";
        var advice = statusCode switch
        {
            HttpStatusCode.ProxyAuthenticationRequired => "Check the proxy's user name and password.",
            HttpStatusCode.Forbidden => "Check that the proxy allows connections to this host.",
            _ => "Check the proxy.",
        };
        var endpoint = url.GetLeftPart(UriPartial.Authority);
        return new(
            $"The proxy{GetProxyName(handler, url)} refused the connection to {endpoint}{status}.",
            advice,
            statusCode,
            exception.InnerException);
    }

    // .NET 8 has the status in the message only: "The proxy tunnel request to proxy '...' failed with status code '407'.", with a stray quote.
    // Source: dotnet/runtime, release/8.0, System.Net.Http, Strings.resx, net_http_proxy_tunnel_returned_failure_status_code.
    private static HttpStatusCode? GetStatusCode(HttpRequestException exception)
    {
        if (exception.StatusCode is { } statusCode) return statusCode;
        var digits = exception.Message.AsSpan().TrimEnd("'.\"");
        return digits.Length > 3 && digits[^4] == '\'' && int.TryParse(digits[^3..], NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= 100 and <= 999
            ? (HttpStatusCode)status
            : null;
    }

    private static string GetProxyName(HttpMessageHandler? handler, Uri url) =>
        Find(handler)?.GetProxy(url) is { } address ? $" {address.Authority}" : "";

    private static IWebProxy? Find(HttpMessageHandler? handler) => handler switch
    {
        SocketsHttpHandler { UseProxy: true } sockets => sockets.Proxy ?? HttpClient.DefaultProxy,
        HttpClientHandler { UseProxy: true } client => client.Proxy ?? HttpClient.DefaultProxy,
        DelegatingHandler delegating => Find(delegating.InnerHandler),
        _ => null,
    };
}
