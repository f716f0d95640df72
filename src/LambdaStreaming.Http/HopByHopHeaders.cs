using System.Collections.Frozen;

namespace LambdaStreaming.Http;

/// <summary>Headers that apply to one connection only. LambdaStreaming.AspNetCore compiles this file, too.</summary>
internal static class HopByHopHeaders
{
    // Source: RFC 9110, section 7.6.1, and headers that older proxies use.
    private static readonly FrozenSet<string> Names = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string name) => Names.Contains(name);

    /// <summary>Returns the names that a value of the <c>Connection</c> field lists.</summary>
    /// <remarks><c>Host</c> is omitted, because it belongs to each request.</remarks>
    public static HashSet<string> ParseConnection(string connection)
    {
        const StringSplitOptions Options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        var names = connection.Split(',', Options).ToHashSet(StringComparer.OrdinalIgnoreCase);
        names.Remove("Host");
        return names;
    }
}
