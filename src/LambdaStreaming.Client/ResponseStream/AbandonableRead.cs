using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace LambdaStreaming.ResponseStream;

/// <summary>Awaits a pending read until the read ends or <see cref="Abandon"/> is called.</summary>
/// <remarks>
/// A stream that ignores its cancellation token would otherwise block the consumer. An abandoned read continues in the
/// background; its result and its exception are observed and ignored.
/// Reusable for one read at a time. A read does not allocate.
/// </remarks>
internal sealed class AbandonableRead : IValueTaskSource<ReadResult>, IThreadPoolWorkItem
{
    private const int Ready = 0;
    private const int Waiting = 1;
    private const int Abandoned = 2;

    private readonly Action _onReadEnded;
    private ManualResetValueTaskSourceCore<ReadResult> _source;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _awaiter;
    private int _state;

    public AbandonableRead() => _onReadEnded = OnReadEnded;

    /// <summary>True if a read was abandoned. It might still be running and writing to its buffer.</summary>
    public bool IsAbandoned => Volatile.Read(ref _state) == Abandoned;

    /// <summary>Waits for <paramref name="read"/>, which has not ended yet.</summary>
    /// <exception cref="BodyAbortedException">
    /// <see cref="Abandon"/> was called before or during the wait.
    /// </exception>
    public ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read)
    {
        _awaiter = read.ConfigureAwait(false).GetAwaiter();
        _source.Reset();
        if (Interlocked.CompareExchange(ref _state, Waiting, Ready) != Ready)
            _source.SetException(new BodyAbortedException());
        _awaiter.UnsafeOnCompleted(_onReadEnded);
        return new ValueTask<ReadResult>(this, _source.Version);
    }

    /// <summary>Ends the current wait and all later waits.</summary>
    /// <remarks>Callable from any thread. The consumer continues on the thread pool.</remarks>
    public void Abandon()
    {
        if (Interlocked.Exchange(ref _state, Abandoned) == Waiting)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => _source.SetException(new BodyAbortedException());

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void OnReadEnded()
    {
        var isAwaited = Interlocked.CompareExchange(ref _state, Ready, Waiting) == Waiting;
        ReadResult result;
        try
        {
            result = _awaiter.GetResult();
        }
        catch (Exception exception)
        {
            if (isAwaited) _source.SetException(exception);
            return;
        }

        if (isAwaited) _source.SetResult(result);
    }
}
