using System.Diagnostics;
using System.Globalization;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>One running program with a Runtime API of its own, so that its exit tells which call it had.</summary>
internal sealed class RuntimeProcess : IAsyncDisposable
{
    // On Unix a shell stands between: it kills the program, with its process group, when our end of its input closes, also because we were killed.
    internal const string Supervisor = """
        exec 3<&0
        if command -v setsid >/dev/null 2>&1; then setsid "$@" </dev/null 3<&- & else "$@" </dev/null 3<&- & fi
        child=$!
        { read -r _ <&3; kill -s KILL -- "-$child" || kill -s KILL "$child"; } >/dev/null 2>&1 &
        watch=$!
        exec 3<&-
        wait "$child"
        code=$?
        kill "$watch" 2>/dev/null
        exit "$code"
        """;

    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(5);

    // A line that was written before the answer ended may still be in the pipe.
    private static readonly TimeSpan LogWait = TimeSpan.FromMilliseconds(20);

    private readonly RuntimeEndpoint _endpoint;
    private readonly KestrelServer _kestrel;
    private readonly ConnectionCount _connections;
    private readonly Process _process;
    private readonly Action<string>? _lineWritten;
    private readonly Lazy<Task> _disposal;

    private RuntimeProcess(RuntimeEndpoint endpoint, KestrelServer kestrel, ConnectionCount connections, Process process, Action<string>? lineWritten)
    {
        _endpoint = endpoint;
        _kestrel = kestrel;
        _connections = connections;
        _process = process;
        _lineWritten = lineWritten;
        _disposal = new(DisposeOnceAsync);
    }

    public bool HasExited => _disposal.IsValueCreated || _process.HasExited;

    public static async Task<RuntimeProcess> StartAsync(RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName, CancellationToken cancellationToken)
    {
        string arn = $"arn:{server.Region.PartitionName}:lambda:{server.Region.SystemName}:{server.AccountId}:function:{functionName}";
        var endpoint = new RuntimeEndpoint(arn);
        var connections = new ConnectionCount();
        KestrelServer kestrel = Loopback.Create(0, server.LoggerFactory, async (connection, next) =>
        {
            using IDisposable counted = connections.Enter();
            await next(connection).ConfigureAwait(false);
        });
        try
        {
            await kestrel.StartAsync(endpoint, cancellationToken).ConfigureAwait(false);
            var process = new Process { StartInfo = StartInfo(options, server, functionName, Loopback.AddressOf(kestrel).Authority) };
            var started = new RuntimeProcess(endpoint, kestrel, connections, process, options.LineWritten);
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
    public async Task InvokeAsync(RuntimeInvocation call)
    {
        _endpoint.Give(call);
        Task exited = _process.WaitForExitAsync(CancellationToken.None);
        if (await Task.WhenAny(call.Done, exited).ConfigureAwait(false) == exited && !call.Done.IsCompleted)
        {
            // What it had sent may still be on its way to us. An answer that had begun breaks with the process's connection, and says so itself.
            await _connections.WaitForOpenAsync(0, CancellationToken.None).WaitAsync(KillWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (call.Done.IsCompleted || call.Answering) await call.Done.WaitAsync(KillWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else if (_endpoint.InitError is { } error) call.Fail(error.Type, error.Details);
            else call.Fail("Runtime.ExitError", $"RequestId: {call.Invocation.RequestId} Error: Runtime exited {Reason(_process.ExitCode)}");
        }

        if (call.Invocation.LogType == "Tail") await Task.Delay(LogWait, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
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
                await _process.WaitForExitAsync(CancellationToken.None).WaitAsync(KillWait, TimeProvider.System, CancellationToken.None)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (_process.HasExited) return;
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or System.ComponentModel.Win32Exception)
        {
            // It was never started, or has gone.
        }
    }

    private void OnLine(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is not { } text) return;
        _endpoint.Current?.Response.Log(text);
        _lineWritten?.Invoke(text);
    }

    private static string Reason(int exitCode) => exitCode switch
    {
        0 => "without providing a reason",
        > 128 => string.Create(CultureInfo.InvariantCulture, $"with error: signal {exitCode - 128}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"with error: exit status {exitCode}"),
    };

    private static ProcessStartInfo StartInfo(RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName, string runtimeApi)
    {
        string taskRoot = Path.GetFullPath(options.TaskRoot);
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
            foreach (string argument in (string[])["-c", Supervisor, "lambda-runtime", options.FileName]) info.ArgumentList.Add(argument);
        }

        foreach (string argument in options.Arguments) info.ArgumentList.Add(argument);

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
        foreach (string name in (string[])["NO_PROXY", "no_proxy"])
            info.Environment[name] = info.Environment.TryGetValue(name, out string? hosts) && hosts?.Length > 0 ? hosts + ",127.0.0.1" : "127.0.0.1";
        foreach ((string name, string? value) in options.Environment)
        {
            if (value is null) info.Environment.Remove(name);
            else info.Environment[name] = value;
        }

        return info;
    }
}
