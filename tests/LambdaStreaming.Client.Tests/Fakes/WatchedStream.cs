namespace LambdaStreaming.Tests;

/// <summary>A stream that records its disposal.</summary>
internal sealed class WatchedStream(byte[] bytes) : MemoryStream(bytes)
{
    public bool IsDisposed { get; private set; }

    /// <summary>Called when the stream is disposed.</summary>
    public Action? Disposed { get; set; }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        Disposed?.Invoke();
        base.Dispose(disposing);
    }
}
