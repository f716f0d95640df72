using System.Runtime.CompilerServices;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Payload;

/// <summary>The payload of an answer as a stream: one copy, from the pipe's segments into the caller's buffer.</summary>
internal sealed class PayloadStream(PayloadCursor cursor, IDisposable owner) : ForwardStream
{
    private ReadOnlyMemory<byte> _unread;
    private bool _disposed;

    public override bool CanRead => !_disposed;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_disposed) return ValueTask.FromException<int>(new ObjectDisposedException(nameof(PayloadStream)));
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);

        var count = Take(buffer.Span);
        return count > 0 ? new ValueTask<int>(count) : ReadSlowlyAsync(buffer, cancellationToken);
    }

    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!_unread.IsEmpty) cursor.Keep(_unread);
        _unread = default;
        cursor.AbortOn(cancellationToken);
        return PayloadCopy.ToStreamAsync(cursor, destination, cancellationToken);
    }

    public override ValueTask DisposeAsync()
    {
        _unread = default;
        cursor.Dispose();
        return base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        // May come from any thread, so that buffers are left to the reading one; the connection closes all the same.
        _disposed = true;
        if (disposing) owner.Dispose();
        base.Dispose(disposing);
    }

    // Fills the buffer from what is here already: many small chunks make one read.
    private int Take(Span<byte> buffer)
    {
        var count = Take(_unread, buffer);
        while (count < buffer.Length && cursor.TryMoveNext()) count += Take(cursor.Current, buffer[count..]);
        return count;
    }

    private int Take(ReadOnlyMemory<byte> piece, Span<byte> buffer)
    {
        var taken = Math.Min(buffer.Length, piece.Length);
        piece.Span[..taken].CopyTo(buffer);
        _unread = piece[taken..];
        return taken;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadSlowlyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // A read without room waits until there is something to read, as pipes ask it to.
        if (!_unread.IsEmpty) return 0;

        // Unlike a file's, a read of an answer that is cancelled can't be taken up again: the connection is closed.
        var registration = cancellationToken.UnsafeRegister(static (cursor, token) => ((PayloadCursor)cursor!).Abort(token), cursor);
        try
        {
            if (!await cursor.MoveNextAsync().ConfigureAwait(false)) return 0;
            _unread = cursor.Current;
        }
        finally
        {
            registration.Unregister();
        }

        return Take(buffer.Span);
    }
}
