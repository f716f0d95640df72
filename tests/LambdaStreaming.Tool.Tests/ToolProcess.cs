using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Tool.Tests;

/// <summary>A process that runs the built program.</summary>
internal sealed class ToolProcess : IDisposable
{
    public const int SigInt = 2;
    public const int SigTerm = 15;

    private const string PathVariable = "LAMBDASTREAMING_TOOL";

    private static readonly TimeSpan TestTimeout = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _error;

    private ToolProcess(Process process, bool readError)
    {
        _process = process;
        _error = readError ? process.StandardError.ReadToEndAsync() : Task.FromResult("");
    }

    /// <summary>Whether an environment variable names the program, for example the native executable.</summary>
    public static bool IsChosen { get; } = Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 };

    public static string Path { get; } = IsChosen
        ? System.IO.Path.GetFullPath(Environment.GetEnvironmentVariable(PathVariable)!)
        : System.IO.Path.Combine(
            AppContext.BaseDirectory,
            OperatingSystem.IsWindows() ? "lambda-stream.exe" : "lambda-stream");

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    public StreamReader OutputReader => _process.StandardOutput;

    /// <summary>Standard error of a process that was started with <c>readError: false</c>.</summary>
    public StreamReader ErrorReader => _process.StandardError;

    public Task<string> Error => _error.WaitAsync(TestTimeout);

    public static ToolProcess Invoke(LocalLambdaServer server, params string[] args) =>
        Start(["invoke", "f", .. args, .. Run.EndpointOptions(server)]);

    public static ToolProcess Start(
        string[] args,
        bool readError = true,
        IReadOnlyDictionary<string, string>? variables = null)
    {
        var info = CreateStartInfo(args);
        info.RedirectStandardInput = true;
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        info.UseShellExecute = false;
        var environment = info.Environment;
        var awsNames = environment.Keys.Where(name => name.StartsWith("AWS_", StringComparison.Ordinal));
        foreach (var name in awsNames.ToArray())
            environment.Remove(name);
        foreach (var name in (string[])["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
            environment.Remove(name);
        environment["AWS_EC2_METADATA_DISABLED"] = "true";
        // Without these files, AWSSDK.Core reads those of the user.
        environment["AWS_CONFIG_FILE"] = ModuleSetup.ConfigFile;
        environment["AWS_SHARED_CREDENTIALS_FILE"] = ModuleSetup.CredentialsFile;
        environment["NO_PROXY"] = "127.0.0.1";
        environment["no_proxy"] = "127.0.0.1";
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
            environment[name] = value;
        return new ToolProcess(Process.Start(info)!, readError);
    }

    /// <summary>Sends a signal. On Linux, first waits until the process has a handler for the signal.</summary>
    /// <remarks>
    /// On Linux, the process starts as /usr/bin/env, which then runs the tool (see <see cref="CreateStartInfo"/>). A
    /// signal that is sent too soon would reach env, which can ignore it.
    /// </remarks>
    public void Signal(int signal)
    {
        if (OperatingSystem.IsLinux())
            Assert.True(SpinWait.SpinUntil(() => HandlesSignal(signal), TestTimeout), $"No handler: signal {signal}.");
        Assert.Equal(0, Kill(_process.Id, signal));
    }

    /// <summary>Waits until a thread of the process waits in a function of the Linux kernel.</summary>
    /// <param name="name">The end of the function's name. A prefix depends on the version of the kernel.</param>
    public void WaitForKernelFunction(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires /proc.");
        string[] functions = [];
        var isThere = SpinWait.SpinUntil(
            () =>
            {
                functions = ReadKernelFunctions();
                return functions.Any(function => function.EndsWith(name, StringComparison.Ordinal));
            },
            TestTimeout);
        // Source: proc_pid_wchan(5): without access to the names, the content is 0.
        Assert.SkipWhen(!isThere && functions.All(function => function == "0"), "Requires /proc/*/wchan.");
        Assert.True(isThere, $"No thread waits in {name}: {string.Join(' ', functions)}.");
    }

    /// <summary>Determines whether a process exists.</summary>
    public static bool Exists(int processId) => Kill(processId, 0) == 0;

    public async Task<int> WaitForExitCodeAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TestTimeout);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private string[] ReadKernelFunctions()
    {
        try
        {
            return [.. Directory.GetDirectories($"/proc/{_process.Id}/task")
                .Select(thread => File.ReadAllText(System.IO.Path.Combine(thread, "wchan")))];
        }
        catch (IOException)
        {
            return [];    // a thread has ended
        }
    }

    // Source: proc_pid_status(5), SigCgt: a mask of the caught signals, in hexadecimal digits.
    private bool HandlesSignal(int signal)
    {
        const string Field = "SigCgt:";
        var status = File.ReadLines($"/proc/{_process.Id}/status");
        var line = status.First(line => line.StartsWith(Field, StringComparison.Ordinal));
        var mask = ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (mask >> (signal - 1) & 1) == 1;
    }

    // A shell starts background jobs with SIGINT ignored, and the child processes of a test run inherit that. The
    // option of env restores the default effect, which SIGINT has on a terminal.
    private static ProcessStartInfo CreateStartInfo(string[] args)
    {
        if (!OperatingSystem.IsLinux())
            return new ProcessStartInfo(Path, args);
        string[] arguments = ["--default-signal=INT", Path, .. args];
        return new ProcessStartInfo("/usr/bin/env", arguments);
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
