using System.Runtime.CompilerServices;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>The payload of a response as a stream.</summary>
/// <remarks>
/// Bytes are copied once, from the pipe's segments to the caller's buffer.
/// Only one operation runs at a time. A read or copy that the caller no longer awaits still uses the pipe's buffers.
/// A second operation would return these buffers to the pool. Disposal is allowed from any thread. It aborts the
/// response, and the operation in progress returns the buffers.
/// </remarks>
internal sealed class PayloadStream(PayloadSegmentReader segments, IDisposable owner) : ForwardStream
{
    // Used only by the operation in progress.
    private ReadOnlyMemory<byte> _unread;
    private int _isInUse;
    private volatile bool _isDisposed;

    public override bool CanRead => !_isDisposed;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isDisposed) return ValueTask.FromException<int>(new ObjectDisposedException(nameof(PayloadStream)));
        if (cancellationToken.IsCancellationRequested) return CancelAsync(cancellationToken);
        var span = buffer.Span;
        if (!TryBegin()) return ValueTask.FromException<int>(CreateInUseException());

        var count = Take(span);
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

    private static InvalidOperationException CreateInUseException() => new(
        "Another read or copy of this stream is still in progress, even if it is no longer awaited. "
        + "Await it before the next one.");

    private bool TryBegin() => Interlocked.Exchange(ref _isInUse, 1) == 0;

    private void End() => Volatile.Write(ref _isInUse, 0);

    // Fills the buffer from all received chunks, so that one read can return many small chunks.
    private int Take(Span<byte> buffer)
    {
        var count = Take(_unread, buffer);
        while (count < buffer.Length && segments.TryMoveNext()) count += Take(segments.Current, buffer[count..]);
        return count;
    }

    private int Take(ReadOnlyMemory<byte> source, Span<byte> buffer)
    {
        var taken = Math.Min(buffer.Length, source.Length);
        source.Span[..taken].CopyTo(buffer);
        _unread = source[taken..];
        return taken;
    }

    // Asynchronous, because the task must be cancelled. That of ValueTask.FromException would be faulted.
    private async ValueTask<int> CancelAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        throw segments.CreateCanceledException(null, cancellationToken);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadMoreAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // Cancellation closes the connection, so a cancelled read cannot be repeated, unlike the read of a file.
        var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((PayloadSegmentReader)state!).Abort(token), segments);
        try
        {
            // Also for a zero-byte read, which must complete only when data is available. A PipeReader with
            // UseZeroByteReads depends on that.
            if (_unread.IsEmpty)
            {
                if (!await segments.MoveNextAsync().ConfigureAwait(false)) return 0;
                _unread = segments.Current;
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
            if (!_unread.IsEmpty) segments.Unread(_unread);
            _unread = default;
            segments.RegisterCancellation(cancellationToken);
            await PayloadCopy.ToStreamAsync(segments, destination, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            End();
        }
    }
}
