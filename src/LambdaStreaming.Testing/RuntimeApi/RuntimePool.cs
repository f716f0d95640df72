using System.Collections.Concurrent;
using System.Diagnostics;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The processes of one function: started when needed, used again, killed at a time-out and at the end.</summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing; and a call left behind may still come to it.
internal sealed class RuntimePool(string functionName, RuntimeProcessOptions options, LocalLambdaServerOptions server) : IAsyncDisposable
#pragma warning restore CA1001
{
    // How long a call waits for a process that has answered to ask for another, which takes it milliseconds, before a new one is started.
    private static readonly TimeSpan ReturnWait = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _slots = new(options.MaxProcesses);
    private readonly ConcurrentStack<RuntimeProcess> _idle = new();
    private readonly ConcurrentDictionary<RuntimeProcess, Task> _returning = new();
    private readonly ConcurrentDictionary<RuntimeProcess, bool> _all = new();
    private volatile bool _disposed;

    public async Task InvokeAsync(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        var call = new RuntimeInvocation(invocation, response);
        var running = RunAsync(call);
        // Not call.Done: the call that then enters would start another process, because this one is not yet known to return.
        invocation.Completion = running;
        try
        {
            await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!running.IsCompleted)
        {
            // The client has left: as on AWS the function runs on, to its end or its deadline. When its time is over this ends it at once.
            _ = EndAtDeadlineAsync(call, running);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await Task.WhenAll(_all.Keys.Select(process => process.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private async Task RunAsync(RuntimeInvocation call)
    {
        RuntimeProcess? process = null;
        try
        {
            // Again where the process ended before it was given the call, which is none of the call's doing. A new one always ends the call.
            while (!call.Done.IsCompleted && !_disposed)
            {
                if (process is not null) await RemoveAsync(process).ConfigureAwait(false);
                process = await TakeAsync().ConfigureAwait(false);
                if (!call.Done.IsCompleted) await process.InvokeAsync(call).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException)
        {
            call.FailWith("Runtime.InvalidEntrypoint", $"The program {options.FileName} did not start: {exception.Message}");
        }
        finally
        {
            call.SetDone();
            if (process is not null && !call.IsFaulted && !_disposed)
            {
                _ = ReturnAsync(process, call.Invocation.Deadline);
            }
            else
            {
                if (process is not null) await RemoveAsync(process).ConfigureAwait(false);
                _slots.Release();
            }
        }
    }

    private async Task<RuntimeProcess> TakeAsync()
    {
        for (var since = Stopwatch.GetTimestamp(); ;)
        {
            Task[] returning = [.. _returning.Values];
            while (_idle.TryPop(out var idle))
            {
                if (!idle.HasExited) return idle;
                await RemoveAsync(idle).ConfigureAwait(false);
            }

            var left = ReturnWait - Stopwatch.GetElapsedTime(since);
            if (returning.Length == 0 || left <= TimeSpan.Zero) break;
            Task one = Task.WhenAny(returning);
            await one.WaitAsync(left, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var started = await RuntimeProcess.StartAsync(options, server, functionName, CancellationToken.None).ConfigureAwait(false);
        _all[started] = true;
        if (_disposed) await RemoveAsync(started).ConfigureAwait(false);
        return started;
    }

    /// <summary>Makes a process idle once it asks for its next call. As on AWS, what it does before that is on the time of the last one.</summary>
    private async Task ReturnAsync(RuntimeProcess process, DateTimeOffset deadline)
    {
        var returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _returning[process] = returned.Task;
        try
        {
            var left = deadline - server.TimeProvider.GetUtcNow();
            var asks = await process.WaitForNextRequestAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, server.TimeProvider).ConfigureAwait(false);
            if (asks && !_disposed) _idle.Push(process);
            else await RemoveAsync(process).ConfigureAwait(false);
        }
        finally
        {
            _returning.TryRemove(process, out _);
            returned.SetResult();
            _slots.Release();
        }
    }

    private async Task EndAtDeadlineAsync(RuntimeInvocation call, Task running)
    {
        var left = call.Invocation.Deadline - server.TimeProvider.GetUtcNow();
        if (left > TimeSpan.Zero)
            await running.WaitAsync(left, server.TimeProvider, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.IsCompleted) return;
        call.IsFaulted = true;
        call.SetDone();
    }

    private async Task RemoveAsync(RuntimeProcess process)
    {
        _all.TryRemove(process, out _);
        await process.DisposeAsync().ConfigureAwait(false);
    }
}
