namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>A stream whose reads are given by a function. It passes no cancellation token on.</summary>
internal sealed class FuncStream(Func<Memory<byte>, ValueTask<int>> read) : MemoryStream
{
    public bool IsDisposed { get; private set; }

    /// <summary>Gives <paramref name="bytes"/> in one read, then never ends another read, whatever is cancelled.</summary>
    public static FuncStream Stuck(byte[] bytes)
    {
        var isRead = false;
        return new FuncStream(memory =>
        {
            if (memory.IsEmpty && !isRead) return new ValueTask<int>(0);
            if (isRead) return new ValueTask<int>(new TaskCompletionSource<int>().Task);
            isRead = true;
            bytes.CopyTo(memory);
            return new ValueTask<int>(bytes.Length);
        });
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => read(buffer);

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
