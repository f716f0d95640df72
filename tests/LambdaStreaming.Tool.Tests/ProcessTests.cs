using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Behavior that only a separate process shows: pipes, signals, and the time of each write.</summary>
public sealed class ProcessTests
{
    private static readonly TimeSpan TestTimeout = TimeSpan.FromSeconds(60);

    private static void SkipOnWindows() =>
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Requires Unix pipes and signals.");

    private static void SkipWithoutFullDevice() => Assert.SkipUnless(File.Exists("/dev/full"), "Requires /dev/full.");

    private static Task<LocalLambdaServer> StartAsync(string text) => LocalLambdaServer.StartAsync(options =>
        options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync(text, ct)));

    private static Task<LocalLambdaServer> StartEmptyAsync() =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("f"));

    private static Task<string> RunShellAsync(LocalLambdaServer server, string script, string file = "") =>
        Interop.RunAsync(server, "/bin/sh", "-c", script, "sh", ToolProcess.Path, file);

    private static Task<string> ReadFileAsync(string path) =>
        File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);

    private static async Task<string> ReadAsync(Stream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken).AsTask().WaitAsync(TestTimeout);
        return Encoding.UTF8.GetString(bytes);
    }

    [Theory]
    [InlineData("--raw", "first\n")]
    [InlineData("--lines", "first\n")]
    [InlineData("--text", "first\n")]
    public async Task Invoke_FunctionWaitsAfterAChunk_ChunkIsAlreadyPrinted(string format, string expected)
    {
        var resume = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (_, response, ct) =>
            {
                await response.WriteTextAsync("first\n", ct);
                await resume.Task.WaitAsync(ct);
                await response.WriteTextAsync("second\n", ct);
            }));
        using var process = ToolProcess.Invoke(server, format);

        Assert.Equal(expected, await ReadAsync(process.Output, expected.Length));
        resume.SetResult();
        var remaining = await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal("second\n", remaining);
        Assert.Equal(0, await process.WaitForExitCodeAsync());
    }

    [Fact]
    public async Task Invoke_PipeIsClosed_ExitCode141AndClosesTheConnection()
    {
        SkipOnWindows();
        var resume = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (_, response, ct) =>
            {
                await response.WriteTextAsync("first\n", ct);
                await resume.Task.WaitAsync(ct);

                // A process that another test starts can have a copy of the pipe for a moment.
                for (; ; await Task.Delay(10, ct)) await response.WriteTextAsync("second\n", ct);
            }));
        using var process = ToolProcess.Invoke(server);
        await ReadAsync(process.Output, 6);

        process.Output.Dispose();
        resume.SetResult();

        Assert.Equal(141, await process.WaitForExitCodeAsync());
        Assert.Equal("", await process.Error);
        await server.Requests[0].ClientDisconnected.WaitAsync(TestTimeout);
    }

    [Theory]
    [InlineData(ToolProcess.SigInt, 130, "--raw")]
    [InlineData(ToolProcess.SigTerm, 143, "--raw")]
    [InlineData(ToolProcess.SigInt, 130, "--lines")]
    [InlineData(ToolProcess.SigInt, 130, "--http")]
    [InlineData(ToolProcess.SigInt, 130, "--events")]
    [InlineData(ToolProcess.SigTerm, 143, "--events")]
    public async Task Invoke_SignalDuringTheResponse_ClosesTheConnectionAndStatesThatTheFunctionMightBeRunning(
        int signal,
        int exitCode,
        string format)
    {
        SkipOnWindows();
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("first\n", ct))
            .OnEveryCall().StallAfterChunks(1));
        using var process = ToolProcess.Invoke(server, format);
        await ReadAsync(process.Output, 6);

        process.Signal(signal);

        Assert.Equal(exitCode, await process.WaitForExitCodeAsync());
        Assert.Contains("might still be running", await process.Error);
        await server.Requests[0].ClientDisconnected.WaitAsync(TestTimeout);
        var output = await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken);
        if (format == "--events")
            Assert.Equal(exitCode, (int?)JsonNode.Parse(output.TrimEnd().Split('\n')[^1])!["exitCode"]);
    }

    [Fact]
    public async Task Invoke_CtrlCBeforeTheHeaders_ExitCode130()
    {
        SkipOnWindows();
        await using var server = await LocalLambdaServer.StartAsync(
            options => options.AddFunction("f").OnEveryCall().StallBeforeHeaders());
        using var process = ToolProcess.Invoke(server);
        var request = await server.WaitForRequestAsync(TestContext.Current.CancellationToken);

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.WaitForExitCodeAsync());
        Assert.Contains("might have run", await process.Error);
        await request.ClientDisconnected.WaitAsync(TestTimeout);
    }

    [Theory]
    [InlineData("--raw")]
    [InlineData("--events")]
    public async Task Invoke_CtrlCWhileTheOutputIsNotRead_ExitCode130(string format)
    {
        SkipOnWindows();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (_, response, ct) =>
            {
                // More than pipe, sockets and buffers can store.
                while (true)
                    await response.WriteAsync(new byte[1024 * 1024], ct);
            }));
        using var process = ToolProcess.Invoke(server, format);
        await ReadAsync(process.Output, 1);
        process.WaitForKernelFunction("pipe_write");

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.WaitForExitCodeAsync());
        Assert.Contains("might still be running", await process.Error);
    }

    [Fact]
    public async Task Invoke_CtrlCWhileTheErrorEventIsNotRead_ExitCodeIsThatOfTheFailure()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("first\n", ct))
            .OnEveryCall().TruncateAfterChunks(1, TruncationMode.Close));
        using var stopping = new CancellationTokenSource();
        using var output = new FullPipe("\"event\":\"error\"", stopping);
        using var error = Run.CreateErrorWriter();
        var console = new ToolConsole { Input = Stream.Null, Output = output, Error = error };

        string[] args = ["invoke", "f", "--events", .. Run.EndpointOptions(server)];
        var exitCode = await LambdaStreamCommand.RunAsync(args, console, stopping.Token).WaitAsync(TestTimeout);

        Assert.True(stopping.IsCancellationRequested);
        Assert.Equal(4, exitCode);
        Assert.DoesNotContain("Nothing was sent", error.ToString());
    }

    // These outputs are written after the end of the response.
    [Theory]
    [InlineData("last line", "invoke", "f", "--lines")]
    [InlineData("\"event\":\"complete\"", "invoke", "f", "--events")]
    [InlineData("last line", "record", "f", "--to", "-")]
    public async Task AnyCommand_CtrlCAfterTheResponse_StatesThatTheFunctionHasEnded(string text, params string[] args)
    {
        await using var server = await StartAsync("last line");
        using var stopping = new CancellationTokenSource();
        using var output = new FullPipe(text, stopping);
        using var error = Run.CreateErrorWriter();
        var console = new ToolConsole { Input = Stream.Null, Output = output, Error = error };

        args = [.. args, .. Run.EndpointOptions(server)];
        var exitCode = await LambdaStreamCommand.RunAsync(args, console, stopping.Token).WaitAsync(TestTimeout);

        Assert.Equal(130, exitCode);
        Assert.Contains("after the end of the response", error.ToString());
        Assert.EndsWith("The function has ended.\n", error.ToString());
    }

    [Fact]
    public void OnSignal_AfterDispose_DoesNotThrow()
    {
        var signals = new ShutdownSignals(
            new ToolConsole { Input = Stream.Null, Output = Stream.Null, Error = Run.CreateErrorWriter() });
        signals.Dispose();

        signals.OnSignal(new PosixSignalContext(PosixSignal.SIGINT));

        Assert.True(signals.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task OnSignal_SecondOneAndTerminalAcceptsNothing_Returns()
    {
        using var error = new FullTerminal();
        var console = new ToolConsole
        {
            Input = Stream.Null,
            Output = Stream.Null,
            Error = error,
            ErrorIsTerminal = true,
        };
        using var signals = new ShutdownSignals(console);
        signals.OnSignal(new PosixSignalContext(PosixSignal.SIGINT));
        var second = new PosixSignalContext(PosixSignal.SIGINT);

        await Task.Run(() => signals.OnSignal(second)).WaitAsync(TestTimeout);

        Assert.False(second.Cancel);
    }

    [Fact]
    public async Task Invoke_WithoutPayload_DoesNotReadStandardInput()
    {
        await using var server = await StartAsync("done");

        // Standard input is a pipe that stays open.
        using var process = ToolProcess.Invoke(server);

        Assert.Equal("done", await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await process.WaitForExitCodeAsync());
    }

    [Theory]
    [InlineData("AWS_USE_FIPS_ENDPOINT", "true")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT", "true")]
    [InlineData("AWS_MAX_ATTEMPTS", "1")]
    [InlineData("AWS_CONFIG_FILE", "")]
    [InlineData("http_proxy", "http://127.0.0.1:1")]
    public async Task Invoke_LocalAndSettingsOfTheMachine_CallsTheLocalServer(string name, string value)
    {
        using var folder = new TemporaryFolder();
        if (name == "AWS_CONFIG_FILE")
            value = folder.Write("config", "[default]\nretry_mode = legacy\nuse_fips_endpoint = true\n");
        await using var server = await StartAsync("done");
        using var process = ToolProcess.Start(
            ["invoke", "f", .. Run.EndpointOptions(server)],
            variables: new Dictionary<string, string> { [name] = value, ["NO_PROXY"] = "", ["no_proxy"] = "" });

        Assert.Equal("done", await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, await process.WaitForExitCodeAsync());
        Assert.Equal("attempt=1; max=3", Assert.Single(server.Requests).Headers["amz-sdk-request"]);
    }

    [Fact]
    public async Task Invoke_OutputRedirectedToAFile_LaterOutputFollowsTheResponse()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync("response ");

        await RunShellAsync(server, "(printf 'before '; \"$1\" invoke f; printf after) > \"$2\"", folder.File("out"));

        Assert.Equal("before response after", await ReadFileAsync(folder.File("out")));
    }

    [Fact]
    public async Task Invoke_OutputDeviceIsFull_ExitCode1AndMessage()
    {
        SkipWithoutFullDevice();
        await using var server = await StartAsync("response");

        var run = await Run.InvokeAsync(server, "--output", "/dev/full");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("cannot be written", run.Error);
    }

    [Fact]
    public async Task Record_OutputDeviceIsFull_AlsoReportsTheFailureOfTheFunction()
    {
        SkipWithoutFullDevice();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", (_, response, _) =>
            {
                response.Fail("RangeError", "{}");
                return Task.CompletedTask;
            }));

        var run = await Run.ExecuteAsync(["record", "f", "--to", "/dev/full", .. Run.EndpointOptions(server)]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("failed with RangeError", run.Error);
        Assert.Contains("cannot be written", run.Error);
    }

    [Fact]
    public async Task Invoke_OutputBecomesAFolder_MessageNamesTheFileWithTheData()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("out");
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (_, response, ct) =>
            {
                Directory.CreateDirectory(path);
                await response.WriteTextAsync("all of it", ct);
            }));

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal(1, run.ExitCode);
        var data = run.Error[(run.Error.IndexOf(": ", StringComparison.Ordinal) + 2)..run.Error.IndexOf(
            " contains all data", StringComparison.Ordinal)];
        Assert.Equal("all of it", await ReadFileAsync(data));
    }

    [Fact]
    public async Task Invoke_ErrorEventCannotBeWritten_ReportsTheFailureItself()
    {
        SkipWithoutFullDevice();
        await using var server = await LocalLambdaServer.StartAsync(_ => { });

        var output = await RunShellAsync(server, "\"$1\" invoke f --events 2>&1 >/dev/full; echo $?");

        Assert.EndsWith("\n5\n", output);
        Assert.Contains("ResourceNotFoundException", output);
        Assert.DoesNotContain("cannot be written", output);
    }

    [Fact]
    public async Task Completion_Bash_CompletesTheValueOfAnOption()
    {
        SkipOnWindows();
        await using var server = await StartEmptyAsync();
        const string Script = """
            PATH="$1:$PATH"; eval "$(lambda-stream completion bash)"
            COMP_LINE='lambda-stream invoke f --retry n'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=($COMP_LINE); COMP_CWORD=4
            _lambda_stream; echo "${COMPREPLY[@]}"
            """;
        var folder = Path.GetDirectoryName(ToolProcess.Path)!;

        var output = await Interop.RunAsync(server, "bash", "-c", Script, "bash", folder);

        Assert.Equal("never\n", output);
    }

    [Fact]
    public async Task Completion_BashAndProfilesWithShellText_RunsNothingAndQuotesTheNames()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        const string Keys = "\naws_access_key_id = a\naws_secret_access_key = b\n";
        folder.Write("credentials", $"[x$(touch {folder.File("executed")})]{Keys}[x'y]{Keys}");
        await using var server = await StartEmptyAsync();
        const string Script = """
            export AWS_SHARED_CREDENTIALS_FILE="$2"
            PATH="$1:$PATH"; eval "$(lambda-stream completion bash)"
            COMP_LINE='lambda-stream invoke f --profile x'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=($COMP_LINE); COMP_CWORD=4
            _lambda_stream; printf '%s\n' "${COMPREPLY[@]}"
            """;
        var tool = Path.GetDirectoryName(ToolProcess.Path)!;

        var output = await Interop.RunAsync(server, "bash", "-c", Script, "bash", tool, folder.File("credentials"));

        Assert.Contains("x\\'y\n", output);
        Assert.Contains("x\\$\\(touch", output);
        Assert.False(File.Exists(folder.File("executed")));
    }

    [Theory]
    [InlineData("2>&-")]
    [InlineData("2>/dev/full")]
    public async Task Invoke_StandardErrorCannotBeWritten_ExitCodeIsThatOfTheFailure(string redirection)
    {
        SkipWithoutFullDevice();
        await using var server = await LocalLambdaServer.StartAsync(_ => { });

        var output = await RunShellAsync(server, $"\"$1\" invoke f {redirection}; echo $?");

        Assert.Equal("5\n", output);
    }

    [Fact]
    public void Report_BrokenPipe_ExitCode141AndNoMessage()
    {
        using var error = Run.CreateErrorWriter();
        var console = new ToolConsole { Input = Stream.Null, Output = Stream.Null, Error = error };

        Assert.Equal(141, Failure.Report(console, new IOException("Broken pipe", 32), debug: false));

        Assert.Empty(error.ToString());
    }

    [Fact]
    public async Task Invoke_CtrlCWhileThePayloadPipeHasNoWriter_ExitCode130()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        await using var server = await StartEmptyAsync();
        await Interop.RunAsync(server, "mkfifo", folder.File("pipe"));
        using var process =
            ToolProcess.Start(["invoke", "f", "--local", "--debug", "--payload", "@" + folder.File("pipe")]);

        // This waits until the process has opened the pipe for reading. Nothing is written.
        await using var writer = await Task.Run(
            () => new FileStream(folder.File("pipe"), FileMode.Open, FileAccess.Write),
            TestContext.Current.CancellationToken).WaitAsync(TestTimeout);

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.WaitForExitCodeAsync());
    }

    [Fact]
    public async Task Invoke_OutputIsALinkToAPipe_WritesThePipe()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires /dev/stdout.");
        await using var server = await StartAsync("response");

        var output = await RunShellAsync(server, "\"$1\" invoke f --output /dev/stdout | cat");

        Assert.Equal("response", output);
    }

    [Theory]
    [InlineData("invoke", "--output /dev/stdout")]
    [InlineData("invoke", "--output /dev/fd/3")]
    [InlineData("record", "--to /dev/stdout")]
    [InlineData("record", "--to /dev/fd/3")]
    [InlineData("record", "--to -")]
    public async Task AnyCommand_ShellAppendsToAFile_KeepsTheContentOfTheFile(string command, string option)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires /dev/fd of Linux.");
        using var folder = new TemporaryFolder();
        var log = folder.Write("log", "before ");
        await using var server = await StartAsync("response");

        var script = $"cd \"$2\"; \"$1\" {command} f {option} 3>> log >> log";
        await RunShellAsync(server, script, Path.GetDirectoryName(log)!);

        var text = await ReadFileAsync(log);
        Assert.StartsWith("before ", text);
        Assert.Contains("response", text);
    }

    [Fact]
    public async Task Invoke_OutputIsADeviceInALinkedFolder_WritesTheDevice()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires /proc.");
        using var folder = new TemporaryFolder();

        // Not a link to /dev: if this test failed there, a regular file would replace a device.
        Directory.CreateSymbolicLink(folder.File("linked"), "/proc/self/fd");
        await using var server = await StartAsync("response");

        var output = await RunShellAsync(server, "\"$1\" invoke f --output \"$2\" | cat", folder.File("linked/1"));

        Assert.Equal("response", output);
    }

    [Fact]
    public async Task Invoke_OutputIsANamedPipe_WritesThePipe()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync("response");

        const string Script = "mkfifo \"$2\"; \"$1\" invoke f --output \"$2\" & cat \"$2\"; wait";
        var output = await RunShellAsync(server, Script, folder.File("pipe"));

        Assert.Equal("response", output);
        Assert.Equal(["pipe"], folder.Files());
    }

    [Fact]
    public async Task Invoke_CtrlCWhileTheOutputPipeHasNoReader_ExitCode130AndNoRequest()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        await using var server = await StartEmptyAsync();
        await Interop.RunAsync(server, "mkfifo", folder.File("pipe"));
        // Without this variable, a thread of .NET also waits at a pipe, for a debugger.
        var variables = new Dictionary<string, string> { ["DOTNET_EnableDiagnostics"] = "0" };
        string[] args = ["invoke", "f", "--debug", "--output", folder.File("pipe"), .. Run.EndpointOptions(server)];
        using var process = ToolProcess.Start(args, variables: variables);
        process.WaitForKernelFunction("wait_for_partner");

        process.Signal(ToolProcess.SigInt);

        Assert.Equal(130, await process.WaitForExitCodeAsync());
        Assert.Contains("Nothing was sent", await process.Error);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Invoke_OutputInSharedMemory_ReplacesTheFile()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "Requires /dev/shm.");
        var path = "/dev/shm/" + Path.GetRandomFileName();
        await using var server = await StartAsync("response");
        try
        {
            await File.WriteAllTextAsync(path, "something longer", TestContext.Current.CancellationToken);

            Assert.Equal(0, (await Run.InvokeAsync(server, "--output", path)).ExitCode);

            Assert.Equal("response", await ReadFileAsync(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Invoke_TwoInvocationsWriteOneFile_FileIsOneOfTheResponses()
    {
        using var folder = new TemporaryFolder();
        var resume = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (invocation, response, ct) =>
            {
                await response.WriteAsync(invocation.Payload, ct);
                await resume.Task.WaitAsync(ct);
                await response.WriteAsync(invocation.Payload, ct);
            }));
        var first = Run.InvokeAsync(server, "--payload", "1", "--output", folder.File("out"));
        var second = Run.InvokeAsync(server, "--payload", "2", "--output", folder.File("out"));
        await server.WaitForRequestAsync(TestContext.Current.CancellationToken);
        await server.WaitForRequestAsync(TestContext.Current.CancellationToken);

        resume.SetResult();

        Assert.Equal((0, 0), ((await first).ExitCode, (await second).ExitCode));
        Assert.Contains(await ReadFileAsync(folder.File("out")), (string[])["11", "22"]);
        Assert.Equal(["out"], folder.Files());
    }

    /// <summary>A terminal that accepts no output until the test ends.</summary>
    private sealed class FullTerminal : StringWriter
    {
        private readonly ManualResetEventSlim _ended = new();

        public override void Write(string? value) => _ended.Wait();

        protected override void Dispose(bool disposing)
        {
            _ended.Set();
            base.Dispose(disposing);
        }
    }

    /// <summary>An output whose write of a text never completes, and which then cancels, as Ctrl-C does.</summary>
    private sealed class FullPipe(string text, CancellationTokenSource stopping) : MemoryStream
    {
        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!Encoding.UTF8.GetString(buffer.Span).Contains(text, StringComparison.Ordinal))
                return;
            await stopping.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, CancellationToken.None);
        }
    }
}
