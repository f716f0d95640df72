namespace LambdaStreaming.Testing.Functions;

/// <summary>How fast an answer may flow: a burst, then a steady rate.</summary>
internal sealed class Bandwidth(TimeProvider timeProvider)
{
    // Source: Lambda developer guide, response streaming, Bandwidth limits: the first 6 MB uncapped, then 2 MBps; in Lambda's own code 6 MiB and 2 MiB/s (interop/model.go).
    private const double BurstBytes = 6 * 1024 * 1024;
    private const double BytesPerSecond = 2 * 1024 * 1024;

    private double _available = BurstBytes;
    private long _asOf = timeProvider.GetTimestamp();

    public async Task TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        var now = timeProvider.GetTimestamp();
        _available = Math.Min(BurstBytes, _available + (timeProvider.GetElapsedTime(_asOf, now).TotalSeconds * BytesPerSecond)) - bytes;
        _asOf = now;
        if (_available < 0)
            await Task.Delay(TimeSpan.FromSeconds(-_available / BytesPerSecond), timeProvider, cancellationToken).ConfigureAwait(false);
    }
}
