using System.Globalization;
using System.Net;

namespace LambdaStreaming.Invocation;

/// <summary>A proxy rejected the request.</summary>
/// <remarks>
/// Replaces the exception of .NET, whose message contains the user name and password of the proxy.
/// </remarks>
internal sealed class ProxyException : HttpRequestException
{
    private ProxyException(string message, string advice, HttpStatusCode? statusCode, Exception? innerException = null)
        : base(HttpRequestError.ProxyTunnelError, message, innerException, statusCode) => Advice = advice;

    /// <summary>What to do.</summary>
    public string Advice { get; }

    /// <summary>Whether the proxy would also reject a second attempt.</summary>
    public bool IsPermanent => (int?)StatusCode is >= 400 and < 500 and not (408 or 429);

    /// <summary>
    /// True if the proxy blocked the request. The function then did not run, even if the content had already been
    /// requested.
    /// </summary>
    public bool IsRequestBlocked { get; private init; }

    /// <summary>Creates the exception that replaces <paramref name="exception"/>.</summary>
    /// <param name="exception">The exception of .NET.</param>
    /// <param name="request">The request after the failure. .NET might have added credentials for a proxy.</param>
    /// <param name="handler">The handler that uses the proxy; <see langword="null"/> if it is not known.</param>
    /// <param name="wasAuthenticated">Whether the request had credentials for a proxy before it was sent.</param>
    /// <returns><see langword="null"/> if a proxy is not the cause.</returns>
    public static ProxyException? From(
        Exception exception,
        HttpRequestMessage request,
        HttpMessageHandler? handler,
        bool wasAuthenticated)
    {
        if (exception is ProxyException known) return known;
        var url = request.RequestUri!;
        if (exception is HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } rejected)
            return Rejected(rejected, url, handler);

        // After a 407, .NET adds the credentials and sends the request again, which the content rejects. A
        // DuplicateSendException and new credentials together therefore show that the proxy requires authentication.
        // Source: dotnet/runtime, AuthenticationHelper.SendWithAuthAsync.
        var isRepeated = exception is DuplicateSendException || exception.InnerException is DuplicateSendException;
        var isChallenged = !wasAuthenticated && IsAuthenticated(request);
        return isRepeated && isChallenged ? AuthenticationRequired(url, handler) : null;
    }

    /// <summary>Returns whether <paramref name="request"/> has credentials for a proxy.</summary>
    public static bool IsAuthenticated(HttpRequestMessage request) =>
        request.Headers.NonValidated.Contains("Proxy-Authorization");

    /// <summary>Creates the exception for a response with status 407.</summary>
    /// <remarks>
    /// Also used for a request that .NET repeats after such a response.
    /// Source: RFC 9110, section 15.5.8: only a proxy sends 407, instead of forwarding the request.
    /// </remarks>
    public static ProxyException AuthenticationRequired(Uri url, HttpMessageHandler? handler)
    {
        var (text, advice) = url.Scheme == Uri.UriSchemeHttp
            ? ($"The proxy{GetProxyName(handler, url)} requires authentication (HTTP 407), which works only for https.",
                "Use an https endpoint, or exclude this host from the proxy (NO_PROXY).")
            : ("HTTP 407 is not a response of Lambda: a proxy between this client and Lambda requires authentication.",
                "Check the proxies between this client and the endpoint.");
        return new(text, advice, HttpStatusCode.ProxyAuthenticationRequired) { IsRequestBlocked = true };
    }

    private static ProxyException Rejected(HttpRequestException exception, Uri url, HttpMessageHandler? handler)
    {
        var statusCode = GetStatusCode(exception);
        var status = statusCode is { } code ? $" with HTTP {(int)code}" : "";
        var advice = statusCode switch
        {
            HttpStatusCode.ProxyAuthenticationRequired => "Check the user name and password for the proxy.",
            HttpStatusCode.Forbidden => "Check that the proxy allows connections to this host.",
            _ => "Check the proxy.",
        };
        // Unlike GetLeftPart, Authority does not include a user name and password.
        var endpoint = $"{url.Scheme}://{url.Authority}";
        return new(
            $"The proxy{GetProxyName(handler, url)} rejected the connection to {endpoint}{status}.",
            advice,
            statusCode,
            exception.InnerException);
    }

    // In .NET 8, only the message has the status. There is an extra quote at its end: "The proxy tunnel request to
    // proxy '...' failed with status code '407'.".
    // Source: dotnet/runtime, release/8.0, System.Net.Http, Strings.resx,
    // net_http_proxy_tunnel_returned_failure_status_code.
    private static HttpStatusCode? GetStatusCode(HttpRequestException exception)
    {
        if (exception.StatusCode is { } statusCode) return statusCode;
        var digits = exception.Message.AsSpan().TrimEnd("'.\"");
        if (digits.Length <= 3 || digits[^4] != '\'') return null;
        var isNumber = int.TryParse(digits[^3..], NumberStyles.None, CultureInfo.InvariantCulture, out var status);
        return isNumber && status is >= 100 and <= 999 ? (HttpStatusCode)status : null;
    }

    private static string GetProxyName(HttpMessageHandler? handler, Uri url) =>
        FindProxy(handler)?.GetProxy(url) is { } address ? $" {address.Authority}" : "";

    private static IWebProxy? FindProxy(HttpMessageHandler? handler) => handler switch
    {
        SocketsHttpHandler { UseProxy: true } sockets => sockets.Proxy ?? HttpClient.DefaultProxy,
        HttpClientHandler { UseProxy: true } client => client.Proxy ?? HttpClient.DefaultProxy,
        DelegatingHandler delegating => FindProxy(delegating.InnerHandler),
        _ => null,
    };
}
