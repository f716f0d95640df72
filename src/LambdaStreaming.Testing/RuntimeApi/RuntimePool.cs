using System.ComponentModel;
using System.Diagnostics;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The processes of one function: started on demand, reused, killed at a timeout or on disposal.</summary>
#pragma warning disable CA1001 // The semaphore has no wait handle to dispose. An abandoned call might still use it.
internal sealed class RuntimePool(string functionName, RuntimeProcessOptions options, LocalLambdaServerOptions server)
    : IAsyncDisposable
#pragma warning restore CA1001
{
    // After its response, a process requests the next call within milliseconds. A new call waits up to this time for
    // such a process before another process is started.
    private static readonly TimeSpan ReturnTimeout = TimeSpan.FromSeconds(1);

    private readonly RuntimeProgram _program = new(options);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _slots = new(options.MaxProcesses * options.ConcurrencyPerProcess);
    private readonly object _gate = new();
    private readonly List<Worker> _workers = [];
    private readonly HashSet<Task> _returning = [];

    /// <summary>Builds the program if it is a .NET project.</summary>
    /// <exception cref="FunctionBuildException">
    /// The project cannot be built, or the program cannot be started.
    /// </exception>
    public Task PrepareAsync(CancellationToken cancellationToken) => _program.GetVersionAsync(cancellationToken);

    public async Task InvokeAsync(
        FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        var call = new RuntimeInvocation(invocation, response);
        var running = RunAsync(call);
        // Not call.Completed, because the next call could then begin before this process is in _returning, and would
        // start another process.
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

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        Worker[] workers;
        lock (_gate) workers = [.. _workers];
        await Task.WhenAll(workers.Select(worker => worker.Process.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private async Task RunAsync(RuntimeInvocation call)
    {
        Worker? worker = null;
        try
        {
            // Repeat if a reused process ended before it received the call. A new process always completes the call,
            // with a response or an error.
            while (!call.Completed.IsCompleted && !_stopping.IsCancellationRequested)
            {
                if (worker is not null) await EndCallAsync(worker, retire: true).ConfigureAwait(false);
                worker = null;
                worker = await AcquireAsync().ConfigureAwait(false);
                if (!call.Completed.IsCompleted) await worker.Process.InvokeAsync(call).ConfigureAwait(false);
            }
        }
        catch (FunctionBuildException exception)
        {
            call.FailWithReason("Runtime.BuildFailed", exception.Message);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The server stops during a build.
        }
        catch (Exception exception) when (exception is Win32Exception or IOException)
        {
            call.FailWithReason(
                "Runtime.InvalidEntrypoint", $"The program {options.FileName} did not start: {exception.Message}");
        }
        finally
        {
            call.SetCompleted();
            if (worker is not null && !call.IsFaulted && !_stopping.IsCancellationRequested)
            {
                _ = ReturnAsync(worker, call.Invocation.Deadline);
            }
            else
            {
                if (worker is not null) await EndCallAsync(worker, retire: true).ConfigureAwait(false);
                _slots.Release();
            }
        }
    }

    /// <summary>Returns a process of the current version that has fewer calls than it can handle.</summary>
    /// <remarks>End the call with <see cref="EndCallAsync"/>.</remarks>
    private async Task<Worker> AcquireAsync()
    {
        var version = await _program.GetVersionAsync(_stopping.Token).ConfigureAwait(false);
        await RetireOthersAsync(version).ConfigureAwait(false);
        for (var since = Stopwatch.GetTimestamp(); ;)
        {
            Task[] returning;
            lock (_gate)
            {
                var worker = _workers.Find(
                    worker => worker.IsUsable(version) && worker.Calls < options.ConcurrencyPerProcess);
                if (worker is not null)
                {
                    worker.Calls++;
                    return worker;
                }

                returning = [.. _returning];
            }

            var remaining = ReturnTimeout - Stopwatch.GetElapsedTime(since);
            if (returning.Length == 0 || remaining <= TimeSpan.Zero) break;
            Task first = Task.WhenAny(returning);
            await first.WaitAsync(remaining, TimeProvider.System, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

#pragma warning disable CA2000 // The pool disposes it.
        var process = await RuntimeProcess.StartAsync(version.Command, server, functionName, CancellationToken.None)
            .ConfigureAwait(false);
#pragma warning restore CA2000
        var started = new Worker(process, version) { Calls = 1 };
        lock (_gate) _workers.Add(started);
        if (_stopping.IsCancellationRequested) await process.DisposeAsync().ConfigureAwait(false);
        return started;
    }

    /// <summary>Retires the processes that have exited or run an old version.</summary>
    private async Task RetireOthersAsync(RuntimeProgram.Version version)
    {
        Worker[] unused;
        lock (_gate)
        {
            foreach (var worker in _workers.Where(worker => !worker.IsUsable(version))) worker.IsRetired = true;
            unused = [.. _workers.Where(worker => worker is { IsRetired: true, Calls: 0 })];
            _workers.RemoveAll(unused.Contains);
        }

        foreach (var worker in unused) await worker.Process.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Makes a process available again when it requests its next call.</summary>
    /// <remarks>As on AWS, work after the response counts against the deadline of the last call.</remarks>
    private async Task ReturnAsync(Worker worker, DateTimeOffset deadline)
    {
        var returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) _returning.Add(returned.Task);
        try
        {
            var remaining = deadline - server.TimeProvider.GetUtcNow();
            var timeout = remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
            var isIdle = await worker.Process.WaitForNextRequestAsync(timeout, server.TimeProvider)
                .ConfigureAwait(false);
            await EndCallAsync(worker, retire: !isIdle || _stopping.IsCancellationRequested).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _returning.Remove(returned.Task);
            returned.SetResult();
            _slots.Release();
        }
    }

    /// <summary>Ends a call of a process. A retired process is killed when its last call ends.</summary>
    private async Task EndCallAsync(Worker worker, bool retire)
    {
        lock (_gate)
        {
            worker.Calls--;
            worker.IsRetired |= retire;
            if (!worker.IsRetired || worker.Calls > 0) return;
            _workers.Remove(worker);
        }

        await worker.Process.DisposeAsync().ConfigureAwait(false);
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

    /// <summary>A process and the number of its calls. Its members are protected by the pool's lock.</summary>
    private sealed class Worker(RuntimeProcess process, RuntimeProgram.Version version)
    {
        public RuntimeProcess Process => process;

        /// <summary>The number of calls that occupy the process, until it requests the next call.</summary>
        public int Calls { get; set; }

        /// <summary>Whether the process gets no further calls.</summary>
        public bool IsRetired { get; set; }

        public bool IsUsable(RuntimeProgram.Version current) =>
            !IsRetired && ReferenceEquals(version, current) && !process.HasExited;
    }
}
