using System.Collections.Concurrent;

namespace LambdaStreaming.Signing;

/// <summary>How far each endpoint's clock is from ours, from the <c>Date</c> of its answers, so that a wrong clock does not make every signature invalid.</summary>
internal sealed class ClockSkew
{
    // Source: AWSSDK.Core 4.0.102, its correction of clock skew: above 4 minutes, and by no answer that took over 15.
    private static readonly TimeSpan Tolerated = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan SlowestTrustedResponse = TimeSpan.FromMinutes(15);

    private readonly ConcurrentDictionary<string, TimeSpan> _skews = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What to add to our clock for the endpoint's.</summary>
    public TimeSpan GetOffset(Uri endpoint) => _skews.GetValueOrDefault(endpoint.Authority);

    /// <summary>Learns from an answer that refused a signature; a cached or slow answer says nothing of the clock.</summary>
    /// <param name="endpoint">Whose answer it is.</param>
    /// <param name="now">When its head came, by our clock.</param>
    /// <param name="response">The answer.</param>
    /// <param name="elapsed">How long it took.</param>
    /// <param name="signedWith">The skew that the request was signed with. Another call may have learned a better one meanwhile.</param>
    /// <returns>Whether the next signature will be corrected by another skew than this one was.</returns>
    public bool TryUpdate(Uri endpoint, DateTimeOffset now, HttpResponseMessage response, TimeSpan elapsed, TimeSpan signedWith)
    {
        if (response.Headers.Date is not { } date || response.Headers.Age is not null || elapsed > SlowestTrustedResponse) return false;
        // A date that no clock can show would leave no room for the time since: every later signature would overflow.
        if (date.Year is < 1970 or > 9000) return false;
        var skew = date - now;
        var known = _skews.GetValueOrDefault(endpoint.Authority);
        if ((skew - known).Duration() > Tolerated) _skews[endpoint.Authority] = known = skew;
        return (known - signedWith).Duration() > Tolerated;
    }
}
