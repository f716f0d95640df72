using System.Collections.Concurrent;

namespace LambdaStreaming.Signing;

/// <summary>The offsets between the local clock and the clocks of endpoints.</summary>
/// <remarks>
/// The offsets are computed from the <c>Date</c> of responses, so that a wrong local clock does not make every
/// signature invalid.
/// </remarks>
internal sealed class ClockSkew
{
    // An offset is updated only if it changes by more than 4 minutes, and never from a response whose headers took
    // longer than 15 minutes. Source: AWSSDK.Core 4.0.102, which has the same limits.
    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan MaxTrustedElapsed = TimeSpan.FromMinutes(15);

    private readonly ConcurrentDictionary<string, TimeSpan> _offsets = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Gets the offset to add to the local clock for requests to an endpoint.</summary>
    public TimeSpan GetOffset(Uri endpoint) => _offsets.GetValueOrDefault(endpoint.Authority);

    /// <summary>Updates the offset from a response that rejected a signature.</summary>
    /// <remarks>A cached or slow response is ignored, because it does not show the current time.</remarks>
    /// <param name="endpoint">The endpoint that sent the response.</param>
    /// <param name="now">The local time at which the response headers were received.</param>
    /// <param name="response">The response.</param>
    /// <param name="elapsed">The time from the request to the response headers.</param>
    /// <param name="signedWith">
    /// The offset with which the request was signed. Another call might have updated the offset since then.
    /// </param>
    /// <returns>
    /// True if a retry can succeed, because its offset will differ from <paramref name="signedWith"/> by more than 4
    /// minutes.
    /// </returns>
    public bool TryUpdate(
        Uri endpoint,
        DateTimeOffset now,
        HttpResponseMessage response,
        TimeSpan elapsed,
        TimeSpan signedWith)
    {
        if (response.Headers.Date is not { } date) return false;
        if (response.Headers.Age is not null || elapsed > MaxTrustedElapsed) return false;

        // Ignore an extreme date. Adding its offset to the local time would overflow when a later request is signed.
        if (date.Year is < 1970 or > 9000) return false;
        var offset = date - now;
        var known = _offsets.GetValueOrDefault(endpoint.Authority);
        if ((offset - known).Duration() > Tolerance) _offsets[endpoint.Authority] = known = offset;
        return (known - signedWith).Duration() > Tolerance;
    }
}
