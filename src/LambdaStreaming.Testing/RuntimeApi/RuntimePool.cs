using System.Collections.Concurrent;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The processes of one function: started when needed, used again, killed at a time-out and at the end.</summary>
internal sealed class RuntimePool(string functionName, RuntimeProcessOptions options, LocalLambdaServerOptions server) : IAsyncDisposable
{
    private readonly SemaphoreSlim _slots = new(options.MaxProcesses);
    private readonly ConcurrentStack<RuntimeProcess> _idle = new();
    private readonly ConcurrentDictionary<RuntimeProcess, bool> _all = new();
    private volatile bool _disposed;

    public async Task InvokeAsync(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        var call = new RuntimeInvocation(invocation, response);
        Task running = RunAsync(call);
        try
        {
            await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!running.IsCompleted)
        {
            // The client has left: as on AWS the function runs on, to its end or its deadline. When its time is over this kills it at once.
            _ = KillAtDeadlineAsync(call, running);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        foreach (RuntimeProcess process in _all.Keys) await process.DisposeAsync().ConfigureAwait(false);
        _slots.Dispose();
    }

    private async Task RunAsync(RuntimeInvocation call)
    {
        RuntimeProcess? process = null;
        try
        {
            process = await TakeAsync().ConfigureAwait(false);
            call.Process = process;
            await process.InvokeAsync(call).ConfigureAwait(false);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            call.Fail("Runtime.InvalidEntrypoint", $"RequestId: {call.Invocation.RequestId} Error: The program did not start: {e.Message}");
        }
        finally
        {
            if (process is { HasExited: false } && !call.RuntimeBroke && !_disposed) _idle.Push(process);
            else if (process is not null) await RemoveAsync(process).ConfigureAwait(false);
            if (!_disposed) _slots.Release();
        }
    }

    private async Task<RuntimeProcess> TakeAsync()
    {
        while (_idle.TryPop(out RuntimeProcess? idle))
        {
            if (!idle.HasExited) return idle;
            await RemoveAsync(idle).ConfigureAwait(false);
        }

        RuntimeProcess started = await RuntimeProcess.StartAsync(options, server, functionName, CancellationToken.None).ConfigureAwait(false);
        _all[started] = true;
        if (_disposed) await RemoveAsync(started).ConfigureAwait(false);
        return started;
    }

    private async Task KillAtDeadlineAsync(RuntimeInvocation call, Task running)
    {
        TimeSpan left = call.Invocation.Deadline - server.TimeProvider.GetUtcNow();
        if (left > TimeSpan.Zero)
            await running.WaitAsync(left, server.TimeProvider, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!running.IsCompleted && call.Process is { } process) await process.DisposeAsync().ConfigureAwait(false);
        call.SetDone();
    }

    private async Task RemoveAsync(RuntimeProcess process)
    {
        _all.TryRemove(process, out _);
        await process.DisposeAsync().ConfigureAwait(false);
    }
}
