using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.Http;

/// <summary>Rejects requests that a web page in a browser on this machine can cause.</summary>
/// <remarks>
/// A page can reach a server on loopback in two ways. With DNS rebinding, the page's host name resolves to 127.0.0.1;
/// the Host header then contains that name. A cross-site request has an Origin or a Sec-Fetch-Site header, which a
/// page cannot set or remove.
/// Source: Fetch Standard, "Forbidden request-header" and "Origin header"; W3C Fetch Metadata Request Headers.
/// </remarks>
internal sealed class WebPageGuard
{
    private const string LocalDomain = ".localhost";
    private const string Option = $"{nameof(LocalLambdaServerOptions)}.{nameof(LocalLambdaServerOptions.AllowedHosts)}";
    private const string CallFromAProgram =
        "Pages cannot call this server. Call it from a program, for example from the page's own server.";

    private readonly HashSet<string> _allowedHosts = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Creates a guard.</summary>
    /// <param name="allowedHosts">The hosts that are accepted in addition to loopback.</param>
    /// <exception cref="ArgumentException">An entry is not a host.</exception>
    public WebPageGuard(IEnumerable<string> allowedHosts)
    {
        foreach (var host in allowedHosts) _allowedHosts.Add(Normalize(host));
    }

    /// <summary>Checks whether a request must be rejected.</summary>
    /// <returns>The reason and a remedy, or <see langword="null"/> if the request is accepted.</returns>
    public string? FindRejectionReason(HttpContext context)
    {
        var request = context.Request;
        if (!IsExpectedHost(request.Host, context.Connection.LocalPort)) return DescribeUnexpectedHost(request.Host);
        if (request.Headers.Origin.Count > 0)
            return $"The request has an Origin header, so a web page sent it. {CallFromAProgram}";
        // This also rejects "same-site", which browsers send for pages from another port on this machine.
        if (request.Headers["Sec-Fetch-Site"] is { Count: > 0 } site && site != "none" && site != "same-origin")
            return $"The Sec-Fetch-Site header shows that a web page caused the request. {CallFromAProgram}";
        return null;
    }

    /// <summary>Checks whether a text is the name or the address of a host, without port.</summary>
    /// <remarks>LambdaStreaming.Tool uses this rule.</remarks>
    public static bool IsHost(string text) =>
        Ascii.IsValid(text) && Uri.CheckHostName(text) != UriHostNameType.Unknown;

    /// <summary>Checks whether a host, with any port, is this machine or allowed.</summary>
    public bool IsAllowed(string host) => IsLoopback(host) || _allowedHosts.Contains(host);

    /// <summary>Checks whether a host is this machine, so that it does not depend on a name server.</summary>
    /// <remarks>
    /// Names that end in .localhost are loopback. Source: RFC 6761, section 6.3. LambdaStreaming.Tool uses this rule.
    /// </remarks>
    public static bool IsLoopback(string host) =>
        host.Equals(LocalDomain[1..], StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(LocalDomain, StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static string DescribeUnexpectedHost(HostString host) =>
        $"The Host header '{host.Value}' does not name this server on loopback, so a web page might have sent the "
        + $"request (DNS rebinding). If clients reach this server by that host, add it, without port, to {Option} "
        + "(lambda-stream serve: --allow-host).";

    private bool IsExpectedHost(HostString host, int ownPort)
    {
        if (_allowedHosts.Contains(host.Host)) return true;
        // Clients omit the default port of the scheme, so a missing port means 80 or 443.
        var hasOwnPort = host.Port is { } port ? port == ownPort : ownPort is 80 or 443;
        return hasOwnPort && IsLoopback(host.Host);
    }

    private static string Normalize(string host)
    {
        if (!IsHost(host))
        {
            throw new ArgumentException(
                $"{Option} contains '{host}', which is not a host. "
                + "Write a name or an address without scheme, port and path, e.g. host.docker.internal.");
        }

        var isAddress = Uri.CheckHostName(host) == UriHostNameType.IPv6;
        return isAddress && host[0] != '[' ? $"[{host}]" : host;
    }
}
