using System.Diagnostics;
using System.Globalization;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>One running program with a Runtime API of its own, so that its exit tells which call it had.</summary>
internal sealed class RuntimeProcess : IAsyncDisposable
{
    // On Unix a shell stands between: it kills the program's process group when the program ends, so that no child of it is left,
    // and when our end of the shell's input closes, also because we were killed; a signal to our own group, as of timeout(1), must not end what waits for that. What the shell itself has to say is no part of the log.
    internal const string Supervisor = """
        exec 3<&0
        if command -v setsid >/dev/null 2>&1; then setsid "$@" </dev/null 3<&- & else "$@" </dev/null 3<&- & fi
        child=$!
        exec >/dev/null 2>&1
        { trap '' HUP INT TERM; read -r _ <&3; kill -s KILL -- "-$child" || kill -s KILL "$child"; } &
        watch=$!
        exec 3<&-
        wait "$child"
        code=$?
        kill -s KILL -- "-$child"
        kill -s KILL "$watch"
        exit "$code"
        """;

    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(5);

    // Runtimes put a whole error, its message and its stack, into a header or a trailer.
    private const int MaxHeaderBytes = 8 * 1024 * 1024;

    // A line that was written before the answer ended may still be in the pipe.
    private static readonly TimeSpan LogWait = TimeSpan.FromMilliseconds(20);

    // A process that left the group may hold the output open for ever.
    private static readonly TimeSpan DrainWait = TimeSpan.FromMilliseconds(500);

    private readonly RuntimeEndpoint _endpoint;
    private readonly KestrelServer _kestrel;
    private readonly ConnectionCount _connections;
    private readonly Process _process;
    private readonly Action<string>? _outputReceived;
    private readonly Lazy<Task> _disposal;
    private readonly TaskCompletionSource<int> _exit = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _fileName;
    private bool _used;

    private RuntimeProcess(RuntimeEndpoint endpoint, KestrelServer kestrel, ConnectionCount connections, Process process, RuntimeProcessOptions options)
    {
        _endpoint = endpoint;
        _kestrel = kestrel;
        _connections = connections;
        _process = process;
        _outputReceived = options.OutputReceived;
        _fileName = options.FileName;
        _disposal = new(DisposeOnceAsync);
    }

    public bool HasExited => _disposal.IsValueCreated || _exit.Task.IsCompleted;

    public static async Task<RuntimeProcess> StartAsync(RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName, CancellationToken cancellationToken)
    {
        var arn = $"arn:{server.Region.PartitionName}:lambda:{server.Region.SystemName}:{server.AccountId}:function:{functionName}";
        var endpoint = new RuntimeEndpoint(arn, new WebPageGuard(server.AllowedHosts));
        var connections = new ConnectionCount();
        var kestrel = Loopback.Create(
            0,
            server.LoggerFactory,
            async (connection, next) =>
            {
                using var counted = connections.Enter();
                await next(connection).ConfigureAwait(false);
            },
            MaxHeaderBytes);
        try
        {
            await kestrel.StartAsync(endpoint, cancellationToken).ConfigureAwait(false);
            var process = new Process { StartInfo = StartInfo(options, server, functionName, Loopback.GetAddress(kestrel).Authority) };
            var started = new RuntimeProcess(endpoint, kestrel, connections, process, options);
            process.EnableRaisingEvents = true;
            process.Exited += started.OnExit;
            process.OutputDataReceived += started.OnLine;
            process.ErrorDataReceived += started.OnLine;
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return started;
        }
        catch
        {
            kestrel.Dispose();
            endpoint.Dispose();
            throw;
        }
    }

    /// <summary>Gives the process a call, and ends when the call has ended, or the process.</summary>
    /// <remarks>The call is left as it was when a process that had other calls before ended without having been given this one.</remarks>
    public async Task InvokeAsync(RuntimeInvocation call)
    {
        var isNew = !_used;
        _used = true;
        _endpoint.Give(call);
        if (await Task.WhenAny(call.Done, _exit.Task).ConfigureAwait(false) == _exit.Task && !call.Done.IsCompleted)
        {
            await DrainAsync().ConfigureAwait(false);
            // What it had sent may still be on its way to us. An answer that had begun breaks with the process's connection, and says so itself.
            await _connections.WaitForOpenAsync(0, CancellationToken.None).WaitAsync(KillWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (call.Responding) await call.Done.WaitAsync(KillWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!call.Done.IsCompleted && !call.IsDelivered && !isNew) return;
            if (!call.Done.IsCompleted) FailAtExit(call, await _exit.Task.ConfigureAwait(false));
        }

        if (call.Invocation.LogType == "Tail") await Task.Delay(LogWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Waits until the process asks for a call.</summary>
    /// <returns>Whether it does; else it has ended, or its time is over.</returns>
    public async Task<bool> WaitForNextRequestAsync(TimeSpan patience, TimeProvider timeProvider)
    {
        var asks = _endpoint.Asks;
        Task either = Task.WhenAny(asks, _exit.Task);
        await either.WaitAsync(patience, timeProvider, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return asks.IsCompleted && !HasExited;
    }

    public ValueTask DisposeAsync() => new(_disposal.Value);

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
                await ExitAsync().ConfigureAwait(false);
            }

            if (!_exit.Task.IsCompleted)
            {
                _process.Kill(entireProcessTree: true);
                await ExitAsync().ConfigureAwait(false);
            }

            await DrainAsync().ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
        {
            // It was never started, or has gone.
        }
        finally
        {
            _exit.TrySetResult(-1);
        }

        async Task ExitAsync()
        {
            Task exit = _exit.Task;
            await exit.WaitAsync(KillWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Waits for the last lines of a process that has ended.</summary>
    private async Task DrainAsync()
    {
        try
        {
            await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(DrainWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException)
        {
            // Somebody else holds the output, or it was disposed of meanwhile.
        }
    }

    private void FailAtExit(RuntimeInvocation call, int exitCode)
    {
        if (call.Responding) call.FailWith("Runtime.TruncatedResponse", "The runtime's response ended before its end.");
        else if (!call.IsDelivered && exitCode is 126 or 127 && !OperatingSystem.IsWindows()) call.FailWith("Runtime.InvalidEntrypoint", $"The program {_fileName} was not found, or cannot be run (exit status {exitCode}).");
        else call.FailWith("Runtime.ExitError", $"Runtime exited {Reason(exitCode)}");
    }

    private void OnExit(object? sender, EventArgs e)
    {
        try
        {
            _exit.TrySetResult(_process.ExitCode);
        }
        catch (InvalidOperationException)
        {
            _exit.TrySetResult(-1);     // disposed of meanwhile
        }
    }

    private void OnLine(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not { } text) return;
        _endpoint.Current?.Response.Log(text);
        try
        {
            _outputReceived?.Invoke(text);
        }
#pragma warning disable CA1031 // On this thread it would end the whole program.
        catch (Exception)
        {
            // Said in its documentation.
        }
#pragma warning restore CA1031
    }

    private static string Reason(int exitCode) => exitCode switch
    {
        0 => "without providing a reason",
        > 128 => string.Create(CultureInfo.InvariantCulture, $"with error: signal {exitCode - 128}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"with error: exit status {exitCode}"),
    };

    private static ProcessStartInfo StartInfo(RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName, string runtimeApi)
    {
        var taskRoot = Path.GetFullPath(options.TaskRoot);
        var info = new ProcessStartInfo
        {
            FileName = OperatingSystem.IsWindows() ? options.FileName : "/bin/sh",
            WorkingDirectory = taskRoot,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (!OperatingSystem.IsWindows())
        {
            foreach (var argument in (string[])["-c", Supervisor, "lambda-runtime", options.FileName]) info.ArgumentList.Add(argument);
        }

        foreach (var argument in options.Arguments) info.ArgumentList.Add(argument);

        // Source: Lambda developer guide, "Defined runtime environment variables"; without the first eight aws-lambda-ric stops.
        info.Environment["AWS_LAMBDA_RUNTIME_API"] = runtimeApi;
        info.Environment["_HANDLER"] = options.Handler;
        info.Environment["LAMBDA_TASK_ROOT"] = taskRoot;
        info.Environment["AWS_LAMBDA_FUNCTION_NAME"] = functionName;
        info.Environment["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
        info.Environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "128";
        info.Environment["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/" + functionName;
        info.Environment["AWS_LAMBDA_LOG_STREAM_NAME"] = "local";
        info.Environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
        info.Environment["AWS_REGION"] = info.Environment["AWS_DEFAULT_REGION"] = server.Region.SystemName;
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
            info.Environment[name] = info.Environment.TryGetValue(name, out var hosts) && hosts?.Length > 0 ? hosts + ",127.0.0.1" : "127.0.0.1";
        foreach ((var name, var value) in options.Environment)
        {
            if (value is null) info.Environment.Remove(name);
            else info.Environment[name] = value;
        }

        return info;
    }
}
