using System.Buffers;
using System.Collections.Frozen;
using LambdaStreaming.Http;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Rules for the headers that are forwarded, and for valid header names and values.</summary>
internal static class HeaderRules
{
    // Source: RFC 9110, section 5.6.2, tchar.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    // Headers that this server controls: the length of a streamed body is not known, and the server identifies itself
    // and its time.
    private static readonly FrozenSet<string> ServerManaged = new[]
    {
        "Content-Length", "Server", "Date",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // These headers control a proxy or cache in front of this server. A function could make the proxy send another file
    // or URL, or make the cache store responses that must not be stored.
    // Sources: nginx, ngx_http_proxy_module, proxy_ignore_headers; Apache mod_xsendfile; lighttpd, X-Sendfile;
    // LiteSpeed wiki, response headers; Perlbal, reproxying; Envoy, HTTP filters, router; Fastly, Surrogate-Control and
    // Surrogate-Key; Akamai, Edge-Control and Edge-Cache-Tag; Cloudflare, Cache-Tag; Netlify and Vercel, cache tags;
    // RFC 9213 (targeted cache control); RFC 9875 (cache groups).
    private static readonly string[] ProxyControlPrefixes =
    [
        "X-Accel-", "X-Sendfile", "X-Lighttpd-", "X-LiteSpeed-", "X-Reproxy-", "X-Envoy-", "Surrogate-", "Cache-Group",
        "Edge-Control",
    ];

    private static readonly string[] ProxyControlSuffixes = ["Cache-Tag", "CDN-Cache-Control"];

    // Browsers apply these headers to the entire host, beyond this response.
    // Sources: RFC 7838 (Alt-Svc), RFC 6797, RFC 7469, RFC 8942 (Accept-CH), RFC 9163 (Expect-CT); W3C Clear Site Data,
    // Service Workers, Network Error Logging, Reporting API 1 (Report-To), Federated Credential Management (Set-Login),
    // Device Bound Session Credentials (two names); RFC 9842 (Use-As-Dictionary).
    private static readonly FrozenSet<string> ControlHeaders = new[]
    {
        "Accept-CH", "Alt-Svc", "Clear-Site-Data", "Critical-CH", "Expect-CT", "NEL", "Public-Key-Pins",
        "Public-Key-Pins-Report-Only", "Report-To", "Sec-Session-Registration", "Secure-Session-Registration",
        "Service-Worker-Allowed", "Set-Login", "Strict-Transport-Security", "Use-As-Dictionary",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Returns whether a header of the function can be sent by this server.</summary>
    /// <param name="name">The header name.</param>
    /// <param name="connectionTokens">
    /// The result of <see cref="HopByHopHeaders.ParseConnection"/>. Parse once for all headers of a message.
    /// </param>
    public static bool CanForward(string name, HashSet<string> connectionTokens) =>
        !HopByHopHeaders.Contains(name) && !connectionTokens.Contains(name) && !ServerManaged.Contains(name);

    /// <summary>Returns whether the header controls a front proxy or applies to the entire host.</summary>
    /// <remarks>Such a header is dropped unless the app allows it by name.</remarks>
    public static bool IsControlHeader(string name) =>
        ControlHeaders.Contains(name)
        || Array.Exists(ProxyControlSuffixes, suffix => name.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
        || Array.Exists(ProxyControlPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));

    /// <summary>Returns whether the header controls which other sites can read the response.</summary>
    public static bool IsCorsHeader(string name) =>
        name.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase);

    public static bool IsName(string name) => name.Length > 0 && !name.AsSpan().ContainsAnyExcept(TokenCharacters);

    /// <summary>Returns whether servers accept the text as a header value: printable ASCII, spaces and tabs.</summary>
    public static bool IsValue(string value) =>
        value.Length > 0 && value.All(character => character is '\t' or (>= ' ' and <= '~'));
}
