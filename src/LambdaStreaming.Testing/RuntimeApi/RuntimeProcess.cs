using System.ComponentModel;
using System.Diagnostics;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>A running program.</summary>
/// <remarks>
/// Each program has a separate Runtime API, so that the server knows which call the program had when it exits.
/// </remarks>
internal sealed class RuntimeProcess : IAsyncDisposable
{
    // Runtimes send a complete error, with its message and stack trace, in a header or a trailer.
    private const int MaxHeaderBytes = 8 * 1024 * 1024;

    // A runtime with one connection does not use it while a call runs, and some runtimes crash if it is closed.
    // Lambda's Runtime API does not have this timeout. Kestrel adds it to a time, so it must not be infinite.
    private static readonly TimeSpan KeepAliveTimeout = TimeSpan.FromDays(365);

    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(5);

    // A log line that was written before the response ended might still be in the pipe.
    private static readonly TimeSpan LogDelay = TimeSpan.FromMilliseconds(20);

    // A child process that left the process group might keep the output open forever.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromMilliseconds(500);

    private readonly RuntimeEndpoint _endpoint;
    private readonly KestrelServer _kestrel;
    private readonly ConnectionCount _connections;
    private readonly Process _process;
    private readonly RuntimeProcessOptions _options;
    private readonly Lazy<Task> _disposal;
    private readonly TaskCompletionSource<int> _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isUsed;

    private RuntimeProcess(
        RuntimeEndpoint endpoint,
        KestrelServer kestrel,
        ConnectionCount connections,
        Process process,
        RuntimeProcessOptions options)
    {
        _endpoint = endpoint;
        _kestrel = kestrel;
        _connections = connections;
        _process = process;
        _options = options;
        _disposal = new(DisposeOnceAsync);
    }

    public bool HasExited => _disposal.IsValueCreated || _exit.Task.IsCompleted;

    /// <summary>The clock of the waits for the exit of a process and for its last output.</summary>
    internal TimeProvider ExitClock { get; set; } = TimeProvider.System;

    /// <summary>Kills the process and its descendants.</summary>
    internal Action<Process> Kill { get; set; } = static process => process.Kill(entireProcessTree: true);

    public static async Task<RuntimeProcess> StartAsync(
        RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName)
    {
        var arn = $"arn:{server.Region.PartitionName}:lambda:{server.Region.SystemName}:{server.AccountId}"
            + $":function:{functionName}";
        var endpoint = new RuntimeEndpoint(arn, new WebPageGuard(server.AllowedHosts));
        var connections = new ConnectionCount();
        var kestrel = Loopback.Create(
            0,
            server.LoggerFactory,
            async (connection, next) =>
            {
                using var counted = connections.Add();
                await next(connection).ConfigureAwait(false);
            },
            SetLimits);
        try
        {
            await kestrel.StartAsync(endpoint, CancellationToken.None).ConfigureAwait(false);
            var runtimeApi = Loopback.GetAddress(kestrel).Authority;
            var startInfo = RuntimeStartInfo.Create(options, server, functionName, runtimeApi);
            var process = new Process { StartInfo = startInfo };
            var started = new RuntimeProcess(endpoint, kestrel, connections, process, options);
            started.Start();
            return started;
        }
        catch
        {
            kestrel.Dispose();
            endpoint.Dispose();
            throw;
        }
    }

    /// <summary>Gives a call to the process and waits until the call has completed or the process has exited.</summary>
    /// <remarks>
    /// If a reused process exits before it receives the call, the call stays incomplete, for another process. If a
    /// process exits before it requests a call, all calls that wait for it fail.
    /// </remarks>
    public async Task InvokeAsync(RuntimeInvocation call)
    {
        var isNew = !_isUsed;
        _isUsed = true;
        _endpoint.Enqueue(call);
        var first = await Task.WhenAny(call.Completed, _exit.Task).ConfigureAwait(false);
        if (first == _exit.Task && !call.Completed.IsCompleted)
        {
            await DrainAsync().ConfigureAwait(false);
            // Bytes from the process might not have arrived yet. A response that has started fails by itself when the
            // connection of the process ends.
            await WaitAsync(_connections.WaitForOpenAsync(0, CancellationToken.None)).ConfigureAwait(false);
            if (call.HasResponseStarted) await WaitForResponseAsync(call).ConfigureAwait(false);
            var wasReused = !isNew && _endpoint.IsInitialized;
            if (!call.Completed.IsCompleted && !call.IsDelivered && wasReused) return;
            if (!call.Completed.IsCompleted) FailAtExit(call, await _exit.Task.ConfigureAwait(false));
        }

        if (call.Invocation.WantsLogTail)
            await Task.Delay(LogDelay, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Waits until the process requests a call.</summary>
    /// <returns>False if the process has exited or the timeout has elapsed.</returns>
    public async Task<bool> WaitForNextRequestAsync(TimeSpan timeout, TimeProvider timeProvider)
    {
        var nextRequested = _endpoint.NextRequested;
        Task first = Task.WhenAny(nextRequested, _exit.Task);
        await first.WaitAsync(timeout, timeProvider, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return nextRequested.IsCompleted && !HasExited;
    }

    public ValueTask DisposeAsync() => new(_disposal.Value);

    /// <summary>Sets the limits of the Runtime API.</summary>
    internal static void SetLimits(KestrelServerLimits limits)
    {
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;    // also limits trailers
        limits.MaxRequestBufferSize = MaxHeaderBytes;
        limits.MaxRequestHeaderCount = 1000;
        limits.KeepAliveTimeout = KeepAliveTimeout;
    }

    private void Start()
    {
        _process.EnableRaisingEvents = true;
        _process.Exited += OnExited;
        _process.OutputDataReceived += OnLineReceived;
        _process.ErrorDataReceived += OnLineReceived;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task DisposeOnceAsync()
    {
        await KillAsync().ConfigureAwait(false);
        _endpoint.Dispose();
        await _kestrel.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        _kestrel.Dispose();
        _process.Dispose();
    }

    private async Task KillAsync()
    {
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                _process.StandardInput.Close();
                await WaitAsync(_exit.Task).ConfigureAwait(false);
            }

            if (!_exit.Task.IsCompleted)
            {
                Kill(_process);
                await WaitAsync(_exit.Task).ConfigureAwait(false);
            }

            await DrainAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (
            exception is InvalidOperationException or IOException or Win32Exception or AggregateException)
        {
            // The process was never started, has exited, or cannot be killed completely because a descendant has
            // other privileges.
        }
        finally
        {
            _exit.TrySetResult(-1);
        }
    }

    /// <summary>Waits for the end of a response, while the client reads it or bytes of the process arrive.</summary>
    private async Task WaitForResponseAsync(RuntimeInvocation call)
    {
        int writes;
        do
        {
            writes = call.ClientWrites;
            await WaitAsync(call.Completed).ConfigureAwait(false);
        }
        while (!call.Completed.IsCompleted && (call.IsWritingToClient || call.ClientWrites != writes));
    }

    /// <summary>Waits for a task, at most for <see cref="KillTimeout"/>.</summary>
    private async Task WaitAsync(Task task) =>
        await task.WaitAsync(KillTimeout, ExitClock, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>Waits for the last output of a process that has exited.</summary>
    private async Task DrainAsync()
    {
        try
        {
            await _process.WaitForExitAsync(CancellationToken.None)
                .WaitAsync(DrainTimeout, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException)
        {
            // Another process keeps the output open, or the process was disposed during the wait.
        }
    }

    private void FailAtExit(RuntimeInvocation call, int exitCode)
    {
        if (call.HasResponseStarted)
        {
            call.FailAsTruncated();
        }
        else if (!call.IsDelivered && exitCode is 126 or 127 && !OperatingSystem.IsWindows())
        {
            call.FailWithReason(
                "Runtime.InvalidEntrypoint",
                $"The program {_options.FullFileName} was not found or cannot be run (exit status {exitCode}).");
        }
        else
        {
            var exit = RuntimeExit.Describe(exitCode, _options.DotNetProgram is not null);
            call.FailWithReason("Runtime.ExitError", $"Runtime exited {exit}");
        }
    }

    private void OnExited(object? sender, EventArgs e)
    {
        try
        {
            _exit.TrySetResult(_process.ExitCode);
        }
        catch (InvalidOperationException)
        {
            _exit.TrySetResult(-1);     // the process was disposed concurrently
        }
    }

    private void OnLineReceived(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not { } text) return;
        foreach (var call in _endpoint.Calls) call.Response.Log(text);
        _options.ReportLine(text);
    }
}
