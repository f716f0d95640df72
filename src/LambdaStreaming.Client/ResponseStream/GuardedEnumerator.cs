namespace LambdaStreaming.ResponseStream;

/// <summary>Wraps the enumerator of an iterator method so that any thread can dispose it at any time.</summary>
/// <remarks>
/// The compiler's enumerator must not be disposed during a <c>MoveNextAsync</c>. It throws, or, in a race, runs its
/// <c>finally</c> blocks on two threads, which return pooled arrays twice. Here, disposal always aborts the source. It
/// runs the <c>finally</c> blocks only if no <c>MoveNextAsync</c> is in progress; otherwise that <c>MoveNextAsync</c>
/// runs them.
/// After a failure or an early disposal, <c>MoveNextAsync</c> throws. The compiler's enumerator would return false,
/// which looks like normal completion.
/// </remarks>
internal sealed class GuardedEnumerator<T>(IAsyncEnumerator<T> inner, IAbortable source) : IAsyncEnumerator<T>
{
    private const int Ready = 0;
    private const int Moving = 1;
    private const int DisposedWhileMoving = 2;
    private const int Disposed = 3;

    private int _state = Ready;
    private bool _hasEnded;
    private Exception? _failure;

    // A copy, because disposal on another thread clears the value of the compiler's enumerator.
    public T Current { get; private set; } = default!;

    public ValueTask<bool> MoveNextAsync()
    {
        switch (Interlocked.CompareExchange(ref _state, Moving, Ready))
        {
            case Ready:
                break;
            case Disposed when _hasEnded:
                return new ValueTask<bool>(false);
            case Disposed:
                return ValueTask.FromException<bool>(_failure ?? CreateDisposedException());
            default:
                return ValueTask.FromException<bool>(ResponseStreamBody.CreateMoveInProgressException());
        }

        if (_failure is not null || source.IsAborted) return AwaitMoveAsync(FailAsync());
        var move = inner.MoveNextAsync();
        if (!move.IsCompletedSuccessfully) return AwaitMoveAsync(move);
        var moved = EndInnerMove(move.Result);
        return TryEndMove() ? new ValueTask<bool>(moved) : FinishDisposalAsync(moved);
    }

    public ValueTask DisposeAsync()
    {
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case Ready when Interlocked.CompareExchange(ref _state, Disposed, Ready) == Ready:
                    source.Dispose();
                    return inner.DisposeAsync();
                case Moving when Interlocked.CompareExchange(ref _state, DisposedWhileMoving, Moving) == Moving:
                    source.Dispose();
                    return default;
                case DisposedWhileMoving or Disposed:
                    return default;
            }
        }
    }

    private static ObjectDisposedException CreateDisposedException() => new(
        nameof(InvokeWithResponseStreamResponse),
        "The enumerator was disposed before the response was read to its end.");

    private async ValueTask<bool> AwaitMoveAsync(ValueTask<bool> move)
    {
        bool moved;
        try
        {
            moved = EndInnerMove(await move.ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            _failure = exception;
            if (!TryEndMove()) await DisposeInnerAsync().ConfigureAwait(false);
            throw;
        }

        return TryEndMove() ? moved : await FinishDisposalAsync(moved).ConfigureAwait(false);
    }

    private bool EndInnerMove(bool moved)
    {
        Current = moved ? inner.Current : default!;
        _hasEnded = !moved;
        return moved;
    }

    private ValueTask<bool> FailAsync() =>
        _failure is null ? source.ThrowIfAbortedAsync() : ValueTask.FromException<bool>(_failure);

    private bool TryEndMove() => Interlocked.CompareExchange(ref _state, Ready, Moving) == Moving;

    private async ValueTask<bool> FinishDisposalAsync(bool moved)
    {
        await DisposeInnerAsync().ConfigureAwait(false);
        return moved ? throw CreateDisposedException() : false;
    }

    private ValueTask DisposeInnerAsync()
    {
        Volatile.Write(ref _state, Disposed);
        return inner.DisposeAsync();
    }
}

/// <summary>The source of a <see cref="GuardedEnumerator{T}"/>.</summary>
/// <remarks><see cref="IDisposable.Dispose"/> aborts it and can be called from any thread.</remarks>
internal interface IAbortable : IDisposable
{
    /// <summary>
    /// True if the source was aborted. The next <c>MoveNextAsync</c> must then call
    /// <see cref="ThrowIfAbortedAsync"/> instead of reading.
    /// </summary>
    bool IsAborted { get; }

    /// <summary>
    /// Ends a <c>MoveNextAsync</c> after an abort. Throws the exception that describes why the source was aborted, or
    /// returns false if the response had been read to its end before.
    /// </summary>
    /// <returns>Never true.</returns>
    ValueTask<bool> ThrowIfAbortedAsync();
}
