using System.Buffers;
using System.Collections.Frozen;

namespace LambdaStreaming.Http;

/// <summary>Rules for header fields that are forwarded.</summary>
internal static class HeaderNames
{
    public const string Authorization = "Authorization";
    public const string Connection = "Connection";
    public const string ContentLength = "Content-Length";
    public const string ContentType = "Content-Type";
    public const string Cookie = "Cookie";
    public const string SetCookie = "Set-Cookie";

    // Source: RFC 9110, section 7.6.1, and headers that older proxies use.
    private static readonly FrozenSet<string> HopByHop = new[]
    {
        Connection, "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // Header values from .NET never contain these characters; those of a function's prelude can. Source: RFC 9110,
    // section 5.5.
    private static readonly SearchValues<char> InvalidInValues = SearchValues.Create("\r\n\0");

    public static bool IsHopByHop(string name) => HopByHop.Contains(name);

    public static bool IsValidValue(string value) => !value.AsSpan().ContainsAny(InvalidInValues);

    /// <summary>Adds the names that a value of the <c>Connection</c> field lists.</summary>
    public static void AddConnectionOptions(ISet<string> names, string connection)
    {
        foreach (var name in connection.Split(',', StringSplitOptions.TrimEntries)) names.Add(name);
    }
}
