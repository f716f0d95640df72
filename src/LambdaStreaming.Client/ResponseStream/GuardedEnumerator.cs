namespace LambdaStreaming.ResponseStream;

/// <summary>Lets the enumerator of an iterator method be disposed from any thread, also during a move.</summary>
/// <remarks>
/// The compiler's enumerator must not be disposed while it moves: its <c>finally</c> blocks would run on two threads and return
/// pooled arrays twice. Here, disposal aborts the source and runs them only if no move is in progress; else the move does.
/// After a failure or an early disposal a move throws; the compiler's enumerator would return false, which looks complete.
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

    // A copy: disposal on another thread clears the one of the compiler's enumerator.
    public T Current { get; private set; } = default!;

    public ValueTask<bool> MoveNextAsync()
    {
        switch (Interlocked.CompareExchange(ref _state, Moving, Ready))
        {
            case Ready:
                break;
            case Disposed:
                return _hasEnded ? new ValueTask<bool>(false) : ValueTask.FromException<bool>(_failure ?? CreateDisposedException());
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
        nameof(InvokeWithResponseStreamResponse), "The enumerator was disposed before the response was read to its end.");

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

    private ValueTask<bool> FailAsync() => _failure is null ? source.ThrowAbortedAsync() : ValueTask.FromException<bool>(_failure);

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

/// <summary>The source of a <see cref="GuardedEnumerator{T}"/>. <see cref="IDisposable.Dispose"/> ends it from any thread.</summary>
internal interface IAbortable : IDisposable
{
    /// <summary>True if the source was ended from outside: the next move must throw.</summary>
    bool IsAborted { get; }

    /// <summary>Throws the reason why <see cref="IsAborted"/> is true.</summary>
    ValueTask<bool> ThrowAbortedAsync();
}
