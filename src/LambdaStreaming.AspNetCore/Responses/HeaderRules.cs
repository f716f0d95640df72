using System.Buffers;
using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Which headers may cross this server, and which texts may be a header at all.</summary>
internal static class HeaderRules
{
    // Source: RFC 9110, section 5.6.2, tchar.
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // Source: RFC 9110, section 7.6.1, and what older proxies use.
    private static readonly FrozenSet<string> HopByHop = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // This server controls them: the body is streamed, so its length is not known, and this server identifies itself and its time.
    private static readonly FrozenSet<string> ServerManaged = new[]
    {
        "Content-Length", "Server", "Date",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // A proxy or cache in front of this server obeys them: it sends another file or URL, or caches what this app does not want cached.
    // Sources: nginx, ngx_http_proxy_module, proxy_ignore_headers; Apache mod_xsendfile; lighttpd, X-Sendfile; LiteSpeed wiki, response headers;
    // Perlbal, reproxying; Envoy, HTTP filters, router; Fastly, Surrogate-Control and Surrogate-Key; Cloudflare, Cache-Tag; Akamai, Edge-Control;
    // RFC 9213 (targeted cache control).
    private static readonly string[] ProxyControlPrefixes = ["X-Accel-", "X-Sendfile", "X-Lighttpd-", "X-LiteSpeed-", "X-Reproxy-", "X-Envoy-", "Surrogate-"];
    private const string TargetedCacheControlSuffix = "CDN-Cache-Control";

    // Browsers apply these beyond this response, to the entire host.
    // Sources: RFC 7838 (Alt-Svc), RFC 6797, RFC 7469, RFC 8942 (Accept-CH), RFC 9163 (Expect-CT); W3C Clear Site Data, Service Workers,
    // Network Error Logging, Reporting API 1 (Report-To), Federated Credential Management (Set-Login).
    private static readonly FrozenSet<string> ControlHeaders = new[]
    {
        "Cache-Tag", "Edge-Cache-Tag", "Edge-Control",
        "Accept-CH", "Alt-Svc", "Clear-Site-Data", "Critical-CH", "Expect-CT", "NEL", "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Report-To",
        "Service-Worker-Allowed", "Set-Login", "Strict-Transport-Security",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // Of these HTTP knows one each; a browser refuses an answer that has two.
    private static readonly FrozenSet<string> Single = new[]
    {
        "Content-Disposition", "Content-Type", "Location",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool IsSingle(string name) => Single.Contains(name);

    /// <param name="name">A header's name.</param>
    /// <param name="named">What <c>Connection</c> names: <see cref="ParseConnectionTokens"/>, once for all headers of a message.</param>
    public static bool IsHopByHop(string name, HashSet<string> named) => HopByHop.Contains(name) || named.Contains(name);

    public static bool MayReachBrowser(string name, HashSet<string> named) => !IsHopByHop(name, named) && !ServerManaged.Contains(name);

    /// <summary>Whether a front proxy obeys the header, or browsers apply it to the entire host. Dropped unless the app allows it by name.</summary>
    public static bool IsControlHeader(string name) =>
        ControlHeaders.Contains(name)
        || name.EndsWith(TargetedCacheControlSuffix, StringComparison.OrdinalIgnoreCase)
        || Array.Exists(ProxyControlPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    public static bool IsName(string name) => name.Length > 0 && !name.AsSpan().ContainsAnyExcept(TokenCharacters);

    /// <summary>Whether a text may stand in a header as servers write it: printable ASCII, spaces and tabs.</summary>
    public static bool IsValue(string value)
    {
        foreach (var character in value)
        {
            if (character is not ('\t' or (>= ' ' and <= '~'))) return false;
        }

        return value.Length > 0;
    }

    /// <summary>The headers that a <c>Connection</c> header names.</summary>
    public static HashSet<string> ParseConnectionTokens(StringValues connection) =>
        connection.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)).ToHashSet(StringComparer.OrdinalIgnoreCase);
}
