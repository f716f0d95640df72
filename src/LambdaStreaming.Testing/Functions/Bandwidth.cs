namespace LambdaStreaming.Testing.Functions;

/// <summary>The bandwidth of one response: a burst without limit, then a constant rate.</summary>
internal sealed class Bandwidth(TimeProvider timeProvider)
{
    // Source: Lambda developer guide, response streaming, Bandwidth limits: the first 6 MB uncapped, then 2 MBps; in
    // Lambda's own code 6 MiB and 2 MiB/s (interop/model.go).
    private const double BurstBytes = 6 * 1024 * 1024;
    private const double BytesPerSecond = 2 * 1024 * 1024;

    private double _available = BurstBytes;
    private long _lastUpdate = timeProvider.GetTimestamp();

    public async Task TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        var now = timeProvider.GetTimestamp();
        var refill = timeProvider.GetElapsedTime(_lastUpdate, now).TotalSeconds * BytesPerSecond;
        _available = Math.Min(BurstBytes, _available + refill) - bytes;
        _lastUpdate = now;
        if (_available >= 0) return;
        var delay = TimeSpan.FromSeconds(-_available / BytesPerSecond);
        await Task.Delay(delay, timeProvider, cancellationToken).ConfigureAwait(false);
    }
}
