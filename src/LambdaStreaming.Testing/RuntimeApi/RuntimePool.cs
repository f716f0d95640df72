using System.ComponentModel;
using System.Diagnostics;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The processes of one function: started on demand, reused, killed at a timeout or on disposal.</summary>
#pragma warning disable CA1001 // The token source has no timer to dispose. An abandoned call might still use it.
internal sealed class RuntimePool(string functionName, RuntimeProcessOptions options, LocalLambdaServerOptions server)
    : IAsyncDisposable
#pragma warning restore CA1001
{
    // After its response, a process requests the next call within milliseconds. A new call waits up to this time for
    // such a process before another process is started.
    private static readonly TimeSpan ReturnTimeout = TimeSpan.FromSeconds(1);

    private readonly RuntimeProgram _program = new(options);
    private readonly CancellationTokenSource _stopping = new();
    private readonly CallSlots _slots = new(options, server);
    private readonly object _gate = new();
    private readonly List<RuntimeWorker> _workers = [];
    private readonly HashSet<Task> _running = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _returning;

    /// <summary>Builds the program if it is a .NET project.</summary>
    /// <exception cref="FunctionBuildException">The program cannot be built or started.</exception>
    public Task PrepareAsync(CancellationToken cancellationToken) => TrackAsync(async () =>
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await GetVersionAsync(linked.Token).ConfigureAwait(false);
    });

    public async Task InvokeAsync(
        FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        var call = new RuntimeInvocation(invocation, response);
        var running = TrackAsync(() => RunAsync(call));
        // Not call.Completed, because the next call could then begin before this process is counted in _returning, and
        // would start another process.
        invocation.Completion = running;
        try
        {
            await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!running.IsCompleted)
        {
            // If the client has disconnected, the function continues until its end or its deadline, as on AWS.
            // If the function has timed out, EndAtDeadlineAsync ends it immediately.
            _ = EndAtDeadlineAsync(call, running);
            throw;
        }
    }

    /// <summary>Kills the processes and a running build, and waits for their end.</summary>
    public async ValueTask DisposeAsync()
    {
        // A callback of the app's EnvironmentProvider might throw.
        await _stopping.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        RuntimeWorker[] workers;
        lock (_gate) workers = [.. _workers];
        await Task.WhenAll(workers.Select(worker => worker.DisposeAsync().AsTask())).ConfigureAwait(false);
        while (true)
        {
            Task[] running;
            lock (_gate) running = [.. _running];
            if (running.Length == 0) return;
            await Task.WhenAll(running).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a task that disposal waits for. It must end soon after <see cref="_stopping"/>.</summary>
    private async Task TrackAsync(Func<Task> run)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) _running.Add(ended.Task);
        try
        {
            await run().ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _running.Remove(ended.Task);
            ended.SetResult();
        }
    }

    private Task<RuntimeProgram.Version> GetVersionAsync(CancellationToken cancellationToken) =>
        _program.GetVersionAsync(() => RetireOthersAsync(null), cancellationToken);

    private async Task RunAsync(RuntimeInvocation call)
    {
        RuntimeWorker? worker = null;
        var isInvoked = false;
        try
        {
            // Repeat if a reused process ended before it received the call. A new process always completes the call,
            // with a response or an error.
            while (!call.Completed.IsCompleted && !_stopping.IsCancellationRequested)
            {
                if (worker is not null) await EndCallAsync(worker, retire: true).ConfigureAwait(false);
                worker = null;
                worker = await AcquireAsync(call).ConfigureAwait(false);
                if (worker is null) break;
                var process = await worker.Started.ConfigureAwait(false);
                isInvoked = !call.Completed.IsCompleted;
                if (isInvoked) await process.InvokeAsync(call).ConfigureAwait(false);
            }
        }
        catch (FunctionBuildException exception)
        {
            call.FailWithReason("Runtime.BuildFailed", exception.Message);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The server stops during a build, or before a process starts.
        }
        catch (Exception exception) when (exception is Win32Exception or IOException || worker is { HasStarted: false })
        {
            call.FailWithReason(
                "Runtime.InvalidEntrypoint", $"The program {options.FullFileName} did not start: {exception.Message}");
        }
        finally
        {
            call.SetCompleted();
            await EndRunAsync(call, worker, isInvoked).ConfigureAwait(false);
        }
    }

    private async Task EndRunAsync(RuntimeInvocation call, RuntimeWorker? worker, bool isInvoked)
    {
        if (worker is { HasStarted: true } && isInvoked && !call.IsFaulted && !_stopping.IsCancellationRequested)
        {
            _ = TrackAsync(() => ReturnAsync(worker, call.Invocation.Deadline));
            return;
        }

        // A process that did not get the call, because the call timed out before, can handle the next one.
        try
        {
            if (worker is not null)
                await EndCallAsync(worker, retire: isInvoked || !worker.HasStarted).ConfigureAwait(false);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Returns a process of the current version that has fewer calls than it can handle.</summary>
    /// <remarks>The process might not have started yet. End the call with <see cref="EndCallAsync"/>.</remarks>
    /// <returns><see langword="null"/> if the call has ended, for example during a build.</returns>
    private async Task<RuntimeWorker?> AcquireAsync(RuntimeInvocation call)
    {
        long? since = null;
        while (true)
        {
            var version = await GetVersionAsync(_stopping.Token).ConfigureAwait(false);
            await RetireOthersAsync(version).ConfigureAwait(false);
            since ??= Stopwatch.GetTimestamp();
            var remaining = ReturnTimeout - Stopwatch.GetElapsedTime(since.Value);
            Task changed;
            bool isFull;
            lock (_gate)
            {
                if (call.Completed.IsCompleted) return null;
                isFull = _workers.Count >= options.MaxProcesses;
                var worker = _workers.Find(
                    worker => worker.IsUsable(version) && worker.Calls < options.ConcurrencyPerProcess);
                if (worker is null && !isFull && (_returning == 0 || remaining <= TimeSpan.Zero))
                    worker = AddWorker(version);
                if (worker is not null)
                {
                    worker.Calls++;
                    return worker;
                }

                // A process might have exited since the others were retired.
                if (_workers.Exists(worker => !worker.IsUsable(version) && worker is { Calls: 0, IsEnding: false }))
                    continue;
                changed = _changed.Task;
            }

            // The other calls of a retired process must end before another process can start.
            Task first = Task.WhenAny(changed, call.Completed);
            await first.WaitAsync(isFull ? Timeout.InfiniteTimeSpan : remaining, TimeProvider.System, _stopping.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Starts a process. Requires the lock, so that a call that arrives now finds it.</summary>
    private RuntimeWorker AddWorker(RuntimeProgram.Version version)
    {
        // Disposal has the complete list.
        _stopping.Token.ThrowIfCancellationRequested();
        var worker = new RuntimeWorker(version, Task.Run(() => StartAsync(version)));
        _workers.Add(worker);
        return worker;
    }

    private async Task<RuntimeProcess> StartAsync(RuntimeProgram.Version version)
    {
        var command = await RuntimeStartInfo.AddProvidedVariablesAsync(version.Command, _stopping.Token)
            .ConfigureAwait(false);
        return await RuntimeProcess.StartAsync(command, server, functionName).ConfigureAwait(false);
    }

    /// <summary>Retires the processes that have exited or run another version.</summary>
    private async Task RetireOthersAsync(RuntimeProgram.Version? version)
    {
        RuntimeWorker[] unused;
        lock (_gate)
        {
            foreach (var worker in _workers.Where(worker => !worker.IsUsable(version))) worker.IsRetired = true;
            unused = [.. _workers.Where(worker => worker is { IsRetired: true, Calls: 0, IsEnding: false })];
            foreach (var worker in unused) worker.IsEnding = true;
        }

        foreach (var worker in unused) await EndAsync(worker).ConfigureAwait(false);
    }

    /// <summary>Makes a process available again when it requests its next call.</summary>
    /// <remarks>As on AWS, work after the response counts against the deadline of the last call.</remarks>
    private async Task ReturnAsync(RuntimeWorker worker, DateTimeOffset deadline)
    {
        lock (_gate) _returning++;
        try
        {
            var remaining = deadline - server.TimeProvider.GetUtcNow();
            var timeout = remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
            var process = await worker.Started.ConfigureAwait(false);
            var isIdle = await process.WaitForNextRequestAsync(timeout, server.TimeProvider).ConfigureAwait(false);
            await EndCallAsync(worker, retire: !isIdle || _stopping.IsCancellationRequested).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _returning--;
                SetChanged();
            }

            _slots.Release();
        }
    }

    /// <summary>Ends a call of a process. A retired process is killed when its last call ends.</summary>
    private async Task EndCallAsync(RuntimeWorker worker, bool retire)
    {
        lock (_gate)
        {
            worker.Calls--;
            worker.IsRetired |= retire;
            worker.IsEnding = worker is { IsRetired: true, Calls: 0 };
            SetChanged();
            if (!worker.IsEnding) return;
        }

        await EndAsync(worker).ConfigureAwait(false);
    }

    /// <summary>Kills a process. It counts until it has exited.</summary>
    private async Task EndAsync(RuntimeWorker worker)
    {
        try
        {
            await worker.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _workers.Remove(worker);
                SetChanged();
            }
        }
    }

    /// <summary>Wakes the calls that wait for a process. Requires the lock.</summary>
    private void SetChanged()
    {
        _changed.SetResult();
        _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private async Task EndAtDeadlineAsync(RuntimeInvocation call, Task running)
    {
        var remaining = call.Invocation.Deadline - server.TimeProvider.GetUtcNow();
        if (remaining > TimeSpan.Zero)
        {
            await running.WaitAsync(remaining, server.TimeProvider, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (running.IsCompleted) return;
        call.IsFaulted = true;
        call.SetCompleted();
    }
}
