namespace LambdaStreaming.Tests;

/// <summary>A stream whose reads call a function.</summary>
internal sealed class FuncStream(Func<Memory<byte>, CancellationToken, ValueTask<int>> read) : MemoryStream
{
    /// <summary>Creates a stream that does not pass the cancellation token on.</summary>
    public FuncStream(Func<Memory<byte>, ValueTask<int>> read)
        : this((buffer, _) => read(buffer))
    {
    }

    public bool IsDisposed { get; private set; }

    /// <summary>
    /// Creates a stream that returns <paramref name="bytes"/> in one read. Later reads never end, even if cancelled.
    /// </summary>
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

    /// <summary>Creates a stream whose reads wait until they are cancelled.</summary>
    /// <param name="firstRead">Completed when the first read begins.</param>
    public static FuncStream Idle(TaskCompletionSource? firstRead = null) => new(async (_, cancellationToken) =>
    {
        firstRead?.TrySetResult();
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        return 0;
    });

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        read(buffer, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
        base.Dispose(disposing);
    }
}
