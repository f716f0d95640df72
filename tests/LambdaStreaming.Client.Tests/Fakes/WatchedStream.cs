namespace LambdaStreaming.Tests;

/// <summary>A stream that records its disposal.</summary>
internal sealed class WatchedStream(byte[] bytes) : MemoryStream(bytes)
{
    public bool IsDisposed { get; private set; }

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
