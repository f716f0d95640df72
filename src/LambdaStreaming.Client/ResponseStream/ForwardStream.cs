namespace LambdaStreaming.ResponseStream;

/// <summary>Base class of the streams of a response: forward-only, read-only and asynchronous.</summary>
internal abstract class ForwardStream : Stream
{
    public override bool CanRead => true;

    public sealed override bool CanSeek => false;

    public sealed override bool CanWrite => false;

    public sealed override long Length =>
        throw new NotSupportedException("The length of a response is not known before its end.");

    public sealed override long Position
    {
        get => throw CreateSeekException();
        set => throw CreateSeekException();
    }

    public abstract override ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default);

    public sealed override Task<int> ReadAsync(
        byte[] buffer,
        int offset,
        int count,
        CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public sealed override IAsyncResult BeginRead(
        byte[] buffer,
        int offset,
        int count,
        AsyncCallback? callback,
        object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    public sealed override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    public sealed override int Read(byte[] buffer, int offset, int count) => throw CreateSynchronousReadException();

    public sealed override int Read(Span<byte> buffer) => throw CreateSynchronousReadException();

    public sealed override int ReadByte() => throw CreateSynchronousReadException();

    public sealed override void CopyTo(Stream destination, int bufferSize) => throw CreateSynchronousReadException();

    public sealed override void Flush()
    {
    }

    public sealed override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed override long Seek(long offset, SeekOrigin origin) => throw CreateSeekException();

    public sealed override void SetLength(long value) => throw CreateWriteException();

    public sealed override void Write(byte[] buffer, int offset, int count) => throw CreateWriteException();

    private static NotSupportedException CreateSynchronousReadException() => new(
        "The stream of a response can only be read asynchronously. A synchronous read would block a thread until the "
        + "function produces data. Use ReadAsync or CopyToAsync.");

    private static NotSupportedException CreateSeekException() =>
        new("The stream of a response is forward-only. It has no position and cannot seek.");

    private static NotSupportedException CreateWriteException() => new("The stream of a response is read-only.");
}
