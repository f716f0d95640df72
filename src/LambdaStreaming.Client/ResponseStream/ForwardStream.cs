namespace LambdaStreaming.ResponseStream;

/// <summary>What the streams of an answer have in common: they are read forwards, once, and asynchronously.</summary>
internal abstract class ForwardStream : Stream
{
    public override bool CanRead => true;

    public sealed override bool CanSeek => false;

    public sealed override bool CanWrite => false;

    public sealed override long Length => throw new NotSupportedException("The length of an answer is not known before its end.");

    public sealed override long Position { get => throw NotSeekable(); set => throw NotSeekable(); }

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public sealed override int Read(byte[] buffer, int offset, int count) => throw NotSynchronous();

    public sealed override int Read(Span<byte> buffer) => throw NotSynchronous();

    public sealed override int ReadByte() => throw NotSynchronous();

    public sealed override void CopyTo(Stream destination, int bufferSize) => throw NotSynchronous();

    public sealed override void Flush()
    {
    }

    public sealed override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed override long Seek(long offset, SeekOrigin origin) => throw NotSeekable();

    public sealed override void SetLength(long value) => throw NotWritable();

    public sealed override void Write(byte[] buffer, int offset, int count) => throw NotWritable();

    private static NotSupportedException NotSynchronous() => new("An answer can only be read asynchronously: a synchronous read would hold a thread for as long as the function is silent. Use ReadAsync or CopyToAsync.");

    private static NotSupportedException NotSeekable() => new("An answer can only be read forwards, once.");

    private static NotSupportedException NotWritable() => new("An answer can only be read.");
}
