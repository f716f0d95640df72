namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>A process and the number of its calls. Its members are protected by the pool's lock.</summary>
internal sealed class RuntimeWorker(RuntimeProgram.Version version, Task<RuntimeProcess> started) : IAsyncDisposable
{
    public Task<RuntimeProcess> Started => started;

    public bool HasStarted => started.IsCompletedSuccessfully;

    /// <summary>The number of calls that occupy the process, until it requests the next call.</summary>
    public int Calls { get; set; }

    /// <summary>Whether the process gets no further calls.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Whether the process is being killed.</summary>
    public bool IsEnding { get; set; }

    public bool IsUsable(RuntimeProgram.Version? current) =>
        !IsRetired
        && ReferenceEquals(version, current)
        && (!started.IsCompleted || (HasStarted && !started.Result.HasExited));

    public async ValueTask DisposeAsync()
    {
        await ((Task)started).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (HasStarted) await (await started.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
    }
}
