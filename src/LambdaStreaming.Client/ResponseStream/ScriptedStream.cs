namespace LambdaStreaming.ResponseStream;

/// <summary>The body of a response that a test creates.</summary>
/// <remarks>
/// Each chunk is one message. A read returns bytes of at most one message. After the last chunk, an
/// <c>InvokeComplete</c> or a failure follows.
/// </remarks>
internal sealed class ScriptedStream(
    IAsyncEnumerable<ReadOnlyMemory<byte>> chunks,
    InvokeComplete complete,
    Exception? failure)
    : ForwardStream
{
    private readonly CancellationTokenSource _closed = new();
    private IAsyncEnumerator<ReadOnlyMemory<byte>>? _enumerator;
    private Task<bool> _move = Task.FromResult(false);
    private ReadOnlyMemory<byte> _unread;
    private bool _hasEnded;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // The reader accepts a zero-byte read that returns before data is available, so this one does not wait.
        if (buffer.IsEmpty) return 0;
        if (_unread.IsEmpty)
        {
            if (_hasEnded) return 0;
            _unread = await NextMessageAsync(cancellationToken).ConfigureAwait(false);
        }

        var count = Math.Min(buffer.Length, _unread.Length);
        _unread[..count].CopyTo(buffer);
        _unread = _unread[count..];
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_closed.IsCancellationRequested)
        {
            _closed.Cancel();
            if (_enumerator is { } enumerator) _ = EndAsync(enumerator, _move);
        }

        base.Dispose(disposing);
    }

    private async ValueTask<byte[]> NextMessageAsync(CancellationToken cancellationToken)
    {
        try
        {
            _enumerator ??= chunks.GetAsyncEnumerator(_closed.Token);

            // The test's enumerator might ignore cancellation. WaitAsync ends the reader's wait anyway when the reader
            // is cancelled.
            _move = _enumerator.MoveNextAsync().AsTask();
            if (await _move.WaitAsync(cancellationToken).ConfigureAwait(false))
                return EventStreamEncoder.Encode(_enumerator.Current.Span);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ScriptedFailureException(exception);
        }

        if (failure is not null) throw new ScriptedFailureException(failure);
        _hasEnded = true;
        return EventStreamEncoder.Encode(complete);
    }

    // An enumerator must not be disposed during its MoveNextAsync.
    private static async Task EndAsync(IAsyncEnumerator<ReadOnlyMemory<byte>> enumerator, Task move)
    {
        await move.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await enumerator.DisposeAsync().ConfigureAwait(false);
    }
}

/// <summary>The failure of a response that a test creates. The reader throws <see cref="Failure"/> unchanged.</summary>
internal sealed class ScriptedFailureException(Exception failure) : Exception(null, failure)
{
    public Exception Failure { get; } = failure;
}
