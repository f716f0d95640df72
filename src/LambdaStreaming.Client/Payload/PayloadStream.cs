using System.Runtime.CompilerServices;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>The payload of a response as a stream: one copy, from the pipe's segments into the caller's buffer.</summary>
/// <remarks>
/// One operation at a time, to its real end: a read or copy that the caller no longer awaits still uses the pipe's buffers, and a
/// second one would return them to the pool. Disposal may come from any thread; it aborts and leaves the buffers to the operation.
/// </remarks>
internal sealed class PayloadStream(PayloadSegmentReader cursor, IDisposable owner) : ForwardStream
{
    // Belongs to the operation in progress.
    private ReadOnlyMemory<byte> _unread;
    private int _isInUse;
    private volatile bool _isDisposed;

    public override bool CanRead => !_isDisposed;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isDisposed) return ValueTask.FromException<int>(new ObjectDisposedException(nameof(PayloadStream)));
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        if (!TryBegin()) return ValueTask.FromException<int>(CreateInUseException());

        var count = Take(buffer.Span);
        if (count == 0) return ReadMoreAsync(buffer, cancellationToken);
        End();
        return new ValueTask<int>(count);
    }

    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ValidateCopyToArguments(destination, bufferSize);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (!TryBegin()) throw CreateInUseException();
        return CopyAsync(destination, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        if (disposing) owner.Dispose();
        base.Dispose(disposing);
    }

    private static InvalidOperationException CreateInUseException() =>
        new("Another read or copy of this stream is still in progress, although it may not be awaited any more. Await it before the next one.");

    private bool TryBegin() => Interlocked.Exchange(ref _isInUse, 1) == 0;

    private void End() => Volatile.Write(ref _isInUse, 0);

    // Fills the buffer from what is available: many small chunks make one read.
    private int Take(Span<byte> buffer)
    {
        var count = Take(_unread, buffer);
        while (count < buffer.Length && cursor.TryMoveNext()) count += Take(cursor.Current, buffer[count..]);
        return count;
    }

    private int Take(ReadOnlyMemory<byte> source, Span<byte> buffer)
    {
        var taken = Math.Min(buffer.Length, source.Length);
        source.Span[..taken].CopyTo(buffer);
        _unread = source[taken..];
        return taken;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadMoreAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // Unlike a file's, a cancelled read of a response cannot be repeated: the connection is closed.
        var registration = cancellationToken.UnsafeRegister(static (cursor, token) => ((PayloadSegmentReader)cursor!).Abort(token), cursor);
        try
        {
            // A zero-byte read completes when data is available; StreamPipeReader depends on that.
            if (_unread.IsEmpty)
            {
                if (!await cursor.MoveNextAsync().ConfigureAwait(false)) return 0;
                _unread = cursor.Current;
            }

            return Take(buffer.Span);
        }
        finally
        {
            registration.Unregister();
            End();
        }
    }

    private async Task CopyAsync(Stream destination, CancellationToken cancellationToken)
    {
        try
        {
            if (!_unread.IsEmpty) cursor.Unread(_unread);
            _unread = default;
            cursor.RegisterCancellation(cancellationToken);
            await PayloadCopy.ToStreamAsync(cursor, destination, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            End();
        }
    }
}
