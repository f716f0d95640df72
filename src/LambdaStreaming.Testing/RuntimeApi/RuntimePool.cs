using System.Collections.Concurrent;
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

    private readonly SemaphoreSlim _slots = new(options.MaxProcesses);
    private readonly ConcurrentStack<RuntimeProcess> _idle = new();
    private readonly ConcurrentDictionary<RuntimeProcess, Task> _returning = new();
    private readonly ConcurrentDictionary<RuntimeProcess, bool> _all = new();
    private volatile bool _disposed;

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
        _disposed = true;
        await Task.WhenAll(_all.Keys.Select(process => process.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private async Task RunAsync(RuntimeInvocation call)
    {
        RuntimeProcess? process = null;
        try
        {
            // Repeat if a reused process ended before it received the call. A new process always completes the call.
            while (!call.Completed.IsCompleted && !_disposed)
            {
                if (process is not null) await RemoveAsync(process).ConfigureAwait(false);
                process = await AcquireAsync().ConfigureAwait(false);
                if (!call.Completed.IsCompleted) await process.InvokeAsync(call).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is Win32Exception or IOException)
        {
            call.FailWithReason(
                "Runtime.InvalidEntrypoint", $"The program {options.FileName} did not start: {exception.Message}");
        }
        finally
        {
            call.SetCompleted();
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

    private async Task<RuntimeProcess> AcquireAsync()
    {
        for (var since = Stopwatch.GetTimestamp(); ;)
        {
            Task[] returning = [.. _returning.Values];
            while (_idle.TryPop(out var idle))
            {
                if (!idle.HasExited) return idle;
                await RemoveAsync(idle).ConfigureAwait(false);
            }

            var remaining = ReturnTimeout - Stopwatch.GetElapsedTime(since);
            if (returning.Length == 0 || remaining <= TimeSpan.Zero) break;
            Task first = Task.WhenAny(returning);
            await first.WaitAsync(remaining, TimeProvider.System, CancellationToken.None)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var started = await RuntimeProcess.StartAsync(options, server, functionName, CancellationToken.None)
            .ConfigureAwait(false);
        _all[started] = true;
        if (_disposed) await RemoveAsync(started).ConfigureAwait(false);
        return started;
    }

    /// <summary>Makes a process idle when it requests its next call.</summary>
    /// <remarks>As on AWS, work after the response counts against the deadline of the last call.</remarks>
    private async Task ReturnAsync(RuntimeProcess process, DateTimeOffset deadline)
    {
        var returned = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _returning[process] = returned.Task;
        try
        {
            var remaining = deadline - server.TimeProvider.GetUtcNow();
            var timeout = remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
            var isIdle = await process.WaitForNextRequestAsync(timeout, server.TimeProvider).ConfigureAwait(false);
            if (isIdle && !_disposed) _idle.Push(process);
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

    private async Task RemoveAsync(RuntimeProcess process)
    {
        _all.TryRemove(process, out _);
        await process.DisposeAsync().ConfigureAwait(false);
    }
}
