using System.Buffers;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Writes server-sent events, and a comment after each interval in which nothing was forwarded.</summary>
/// <remarks>One method writes at a time: comments are written by the method that waits for data.</remarks>
internal sealed class EventStreamWriter(TrackingPipeWriter body, TimeProvider timeProvider, TimeSpan keepAliveInterval)
    : IDisposable
{
    private readonly KeepAliveTimer _timer = new(timeProvider, keepAliveInterval);
    private EventBoundary _boundary;
    private int _heldBytes;
    private bool _hasForwarded;
    private bool _hasWrittenComment;

    private static ReadOnlySpan<byte> Comment => ": keep-alive\n\n"u8;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Waits for an operation that precedes the function's first byte. Writes comments meanwhile.</summary>
    public async Task<T> WaitAsync<T>(Task<T> task, CancellationToken cancellationToken)
    {
        try
        {
            await WaitAsync(task.ConfigureAwait(false).GetAwaiter(), task.IsCompleted, cancellationToken)
                .ConfigureAwait(false);
        }
        catch
        {
            // The caller ends the operation. Observe its failure, because nothing else awaits it.
            _ = task.ContinueWith(
                static ended => _ = ended.Exception,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            throw;
        }

        return await task.ConfigureAwait(false);
    }

    /// <summary>Copies the function's events until they end or the client no longer reads.</summary>
    public async Task CopyFromAsync(Stream events, CancellationToken cancellationToken)
    {
        while (true)
        {
            // A read without a buffer completes when data is available. Until then, no memory of the body is in use.
            var available = events.ReadAsync(Memory<byte>.Empty, cancellationToken);
            await WaitAsync(available, cancellationToken).ConfigureAwait(false);

            var memory = body.GetMemory(_heldBytes + 1);
            ByteOrderMark[.._heldBytes].CopyTo(memory.Span);
            var count = await events.ReadAsync(memory[_heldBytes..], cancellationToken).ConfigureAwait(false);
            if (count + _heldBytes == 0) return;
            body.Advance(Append(memory.Span[..(_heldBytes + count)], isEnd: count == 0));
            _timer.Restart();
            var flushed = await body.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (count == 0 || flushed.IsCanceled || flushed.IsCompleted) return;
        }
    }

    /// <summary>Whether <see cref="EndEvent"/> is permitted: the incomplete event does not have an id.</summary>
    /// <remarks>
    /// If it has one, the empty line would make clients store that id. After they have reconnected, a function that
    /// resumes after the id would skip the event, although they have not received it.
    /// </remarks>
    public bool CanEndEvent => !_boundary.HasId;

    /// <summary>Ends an incomplete line and an incomplete event, so that another event can follow.</summary>
    /// <remarks>
    /// The empty line makes clients process the incomplete event. The field <c>event: incomplete</c> replaces the type
    /// of that event, so listeners for the function's own types do not receive it. An incomplete <c>id</c> or
    /// <c>retry</c> must have no effect. Parsers ignore an id that contains a NUL, a time that is not a number, and an
    /// unknown name. Source: WHATWG HTML, "Interpreting an event stream".
    /// </remarks>
    public void EndEvent()
    {
        if (_boundary.IsInIdOrRetry) body.Write("\0incomplete"u8);
        if (_boundary.NeedsLineEnd) body.Write("\n"u8);
        if (_boundary.IsInEvent) body.Write("event: incomplete\n\n"u8);
    }

    public void Dispose() => _timer.Dispose();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(ValueTask<int> read, CancellationToken cancellationToken)
    {
        var awaiter = read.ConfigureAwait(false).GetAwaiter();
        await WaitAsync(awaiter, awaiter.IsCompleted, cancellationToken).ConfigureAwait(false);
        awaiter.GetResult();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync<TAwaiter>(
        TAwaiter operation,
        bool isCompleted,
        CancellationToken cancellationToken)
        where TAwaiter : ICriticalNotifyCompletion
    {
        if (isCompleted) return;
        _timer.BeginOperation();
        operation.UnsafeOnCompleted(_timer.OnOperationCompleted);
        while (!await _timer.WaitForOperationOrIntervalAsync().ConfigureAwait(false))
        {
            _timer.Restart();

            // A comment must not send the headers: a failure before the first byte can still change the status.
            if (!body.HasStarted || !_boundary.IsBetweenEvents) continue;
            body.Write(Comment);
            _hasWrittenComment = true;
            var flushed = await body.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (!flushed.IsCanceled && !flushed.IsCompleted) continue;
            throw new ClientStoppedReadingException(cancellationToken);
        }
    }

    /// <returns>The number of bytes to forward.</returns>
    private int Append(Span<byte> bytes, bool isEnd)
    {
        // The next read shows whether these bytes begin a byte order mark. Hold them back until then.
        var isIncomplete = !_hasForwarded && !isEnd
            && bytes.Length < ByteOrderMark.Length && ByteOrderMark.StartsWith(bytes);
        _heldBytes = isIncomplete ? bytes.Length : 0;
        if (isIncomplete) return 0;

        // Parsers ignore a byte order mark at the beginning of the response. After a comment, it would be part of a
        // field name, and the field would be lost.
        var hasMark = !_hasForwarded && bytes.StartsWith(ByteOrderMark);
        _hasForwarded = true;
        var rest = hasMark ? bytes[ByteOrderMark.Length..] : bytes;
        _boundary.Append(rest);
        if (!hasMark || !_hasWrittenComment) return bytes.Length;
        rest.CopyTo(bytes);
        return rest.Length;
    }
}
