using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Primitives;

namespace LambdaStreaming.AspNetCore.Answers;

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

    // What is this server's to say, not a function's: how long the body is (it is streamed), who answers and when, and what holds for the whole host.
    private static readonly FrozenSet<string> ThisServers = new[]
    {
        "Content-Length", "Server", "Date", "Alt-Svc", "Strict-Transport-Security",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    // Of these HTTP knows one each; a browser refuses an answer that has two.
    private static readonly FrozenSet<string> Single = new[]
    {
        "Content-Disposition", "Content-Type", "Location",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool IsSingle(string name) => Single.Contains(name);

    /// <param name="name">A header's name.</param>
    /// <param name="named">What <c>Connection</c> names: <see cref="NamedIn"/>, once for all headers of a message.</param>
    public static bool IsHopByHop(string name, HashSet<string> named) => HopByHop.Contains(name) || named.Contains(name);

    public static bool MayReachBrowser(string name, HashSet<string> named) => !IsHopByHop(name, named) && !ThisServers.Contains(name);

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

    [SuppressMessage("Globalization", "CA1308", Justification = "Names of headers are lower case in the events of function URLs.")]
    public static string LowerCase(string name) => name.ToLowerInvariant();

    /// <summary>The headers that a <c>Connection</c> header names.</summary>
    public static HashSet<string> NamedIn(StringValues connection) =>
        connection.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)).ToHashSet(StringComparer.OrdinalIgnoreCase);
}
