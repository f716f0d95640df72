using LambdaStreaming.Testing.Faults;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The limits on concurrent calls of one function and of all functions.</summary>
internal sealed class ConcurrencyLimit(LocalLambdaServerOptions options)
{
    private int _runningCount;

    /// <summary>Reserves one slot, or returns the error if a limit is exceeded.</summary>
    /// <remarks>If this method succeeds, call <see cref="ReleaseAfterAsync"/>.</remarks>
    /// <returns><see langword="null"/> if the slot was reserved; otherwise, the error.</returns>
    public ServiceErrorResponse? AcquireOrGetError(LocalFunction function)
    {
        if (!function.TryAcquireConcurrency()) return Throttling.CreateError(Throttling.ReservedConcurrency);
        if (Interlocked.Increment(ref _runningCount) <= (options.MaxConcurrency ?? int.MaxValue)) return null;
        Release(function);
        return Throttling.CreateError(Throttling.AccountConcurrency);
    }

    /// <summary>Releases a slot when a task has ended: at once if it has already ended.</summary>
    public async Task ReleaseAfterAsync(Task completion, LocalFunction function)
    {
        await completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Release(function);
    }

    private void Release(LocalFunction function)
    {
        Interlocked.Decrement(ref _runningCount);
        function.ReleaseConcurrency();
    }
}
