using System.Diagnostics;
using System.Runtime.InteropServices;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>The built program as a process of its own.</summary>
internal sealed class ToolProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigTerm = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _error;

    private ToolProcess(Process process, bool readError)
    {
        _process = process;
        _error = readError ? process.StandardError.ReadToEndAsync() : Task.FromResult("");
    }

    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "lambda-stream.exe" : "lambda-stream");

    public Stream Output => _process.StandardOutput.BaseStream;

    public StreamReader OutputText => _process.StandardOutput;

    /// <summary>For a process started with its error stream unread.</summary>
    public StreamReader ExceptionMessages => _process.StandardError;

    public Task<string> Error => _error.WaitAsync(Patience);

    public static ToolProcess Invoke(LocalLambdaServer server, params string[] args) => Start(["invoke", "f", .. args, .. Run.At(server)]);

    public static ToolProcess Start(string[] args, bool readError = true)
    {
        // A shell starts background jobs with SIGINT ignored, and that is inherited, by a test run too: the program is to have it as a terminal gives it.
        var info = new ProcessStartInfo(OperatingSystem.IsLinux() ? "/usr/bin/env" : Path, OperatingSystem.IsLinux() ? ["--default-signal=INT", Path, .. args] : args) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var name in info.Environment.Keys.Where(name => name.StartsWith("AWS_", StringComparison.Ordinal)).ToArray()) info.Environment.Remove(name);
        info.Environment["AWS_EC2_METADATA_DISABLED"] = "true";
        info.Environment["AWS_CONFIG_FILE"] = info.Environment["AWS_SHARED_CREDENTIALS_FILE"] = "/nonexistent";
        info.Environment["NO_PROXY"] = info.Environment["no_proxy"] = "127.0.0.1";
        return new ToolProcess(Process.Start(info)!, readError);
    }

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>Whether a process is there, ours or another's.</summary>
    public static bool IsThere(int process) => Kill(process, 0) == 0;

    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
