using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public sealed class RuntimeProcessTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A shell script that runs until the folder of the test is deleted.</summary>
    private string RunUntilTheEnd => $"while [ -d '{_folder.FullName}' ]; do sleep 0.1; done";

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Supervisor_GroupIsTerminatedAndHostIsGone_KillsTheProgram()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid.");
        using var group = StartWithPipes(
            "setsid",
            ["sh", "-c", RuntimeStartInfo.Supervisor, "sh", "sh", "-c", "echo started; " + RunUntilTheEnd]);
        Assert.Equal("started", await group.StandardOutput.ReadLineAsync(Token));

        using (var kill = Process.Start("kill", ["-s", "TERM", "--", $"-{group.Id}"]))
            await kill.WaitForExitAsync(Token);
        group.StandardInput.Close();

        // The output ends when the program has exited.
        var output = group.StandardOutput.ReadToEndAsync(Token);
        Assert.Equal("", await output.WaitAsync(TimeSpan.FromSeconds(60), Token));
    }

    [Fact]
    public async Task Supervisor_GroupIsTerminatedBeforeItWatches_KillsTheProgram()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid.");
        var gate = GetPath("gate");
        await File.WriteAllTextAsync(gate, "", Token);
        // The shell starts to watch when this test has deleted the file.
        var script = RuntimeStartInfo.Supervisor.Replace(
            "child=$!", $"child=$!\nwhile [ -e '{gate}' ]; do :; done", StringComparison.Ordinal);
        Assert.NotEqual(RuntimeStartInfo.Supervisor, script);
        using var group = StartWithPipes(
            "setsid", ["sh", "-c", script, "sh", "sh", "-c", "echo started; " + RunUntilTheEnd]);
        Assert.Equal("started", await group.StandardOutput.ReadLineAsync(Token));

        using (var kill = Process.Start("kill", ["-s", "TERM", "--", $"-{group.Id}"]))
            await kill.WaitForExitAsync(Token);
        group.StandardInput.Close();
        File.Delete(gate);

        var output = group.StandardOutput.ReadToEndAsync(Token);
        Assert.Equal("", await output.WaitAsync(TimeSpan.FromSeconds(60), Token));
    }

    [Fact]
    public async Task Node_StreamingHandler_StreamsWithContextAndLog()
    {
        var gate = GetPath("gate");
        var payload = JsonSerializer.Serialize(new { name = "you", gate });
        await using var server = await StartNodeAsync("text", outputReceived: line =>
        {
            if (line.Contains("called with", StringComparison.Ordinal)) File.WriteAllText(gate, "");
        });
        using var client = server.CreateClient();
        var request = InvokeWithResponseStreamRequest.FromJson("text", payload) with
        {
            LogType = LogType.Tail,
            ClientContext = Convert.ToBase64String("""{"custom":{"k":"v"}}"""u8),
            TenantId = "blue",
        };

        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        var text = await ReadAsync(response);

        Assert.StartsWith("hello you, ", text);
        var context = JsonNode.Parse(text["hello you, ".Length..])!;
        Assert.Equal((response.RequestId, "v"), ((string?)context["id"], (string?)context["client"]?["k"]));
        Assert.Equal("blue", (string?)context["tenant"]);
        Assert.Equal("arn:aws:lambda:us-east-1:123456789012:function:text", (string?)context["arn"]);
        Assert.Contains("called with " + payload, response.InvokeComplete?.DecodeLogResult());
    }

    private const string HttpResponse =
        """{"statusCode":201,"headers":{"content-type":"text/plain"},"cookies":["a=1","b=2"]}"""
        + "\0\0\0\0\0\0\0\0hello wörld";

    [Theory]
    [InlineData("contentType", "data: 1\n\ndata: 2\n\n")]
    [InlineData("nothing", "")]
    [InlineData("buffered", """{"got":{}}""")]
    [InlineData("http", HttpResponse)]
    public async Task Node_EachSuccessfulHandler_StreamsAndCompletes(string handler, string text)
    {
        await using var server = await StartNodeAsync(handler);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new(handler), Token);

        Assert.Equal(text, await ReadAsync(response));
    }

    [Theory]
    [InlineData("failBefore", "", "RangeError", "boom before")]
    [InlineData("failMid", "one two ", "RangeError", "boom mid-stream")]
    [InlineData("bufferedFail", "", "Unhandled", "no stream here")]
    [InlineData("exitMid", "one ", "Runtime.TruncatedResponse", "truncated")]
    [InlineData("exitBefore", "", "Runtime.ExitError", "exit status 3")]
    [InlineData("noSuchExport", "", "Runtime.HandlerNotFound", "noSuchExport")]
    public async Task Node_EachFailingHandler_FailsAfterItsChunks(
        string handler, string text, string errorCode, string details)
    {
        await using var server = await StartNodeAsync(handler);
        using var client = server.CreateClient();
        var received = new StringBuilder();
        var gate = GetPath("gate");

        await using var response = await client.InvokeWithResponseStreamAsync(CreateRequest(handler, gate), Token);
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response, received, gate));

        Assert.Equal((text, errorCode), (received.ToString(), error.ErrorCode));
        Assert.Contains(details, error.ErrorDetails);
    }

    [Fact]
    public async Task Node_AfterACrash_NextCallUsesANewProcess()
    {
        await using var server = await StartNodeAsync("exitMid");
        using var client = server.CreateClient();

        for (var call = 0; call < 2; call++)
        {
            var gate = GetPath($"gate-{call}");
            await using var response = await client.InvokeWithResponseStreamAsync(
                CreateRequest("exitMid", gate), Token);
            var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response, gate: gate));
            Assert.Equal("Runtime.TruncatedResponse", error.ErrorCode);
        }
    }

    [Fact]
    public async Task Node_SequentialCalls_UseOneProcess()
    {
        Interop.NeedsNodeRuntime();
        // The second call waits for the process, however long it takes to request a call.
        var process = Interop.Node("who") with { MaxProcesses = 1 };
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("who", process), Token);
        using var client = server.CreateClient();

        var first = (await InvokeAsync(client, "who", "{}")).Split(' ');
        var second = (await InvokeAsync(client, "who", "{}")).Split(' ');

        Assert.Equal((first[0], "1", "2"), (second[0], first[1], second[1]));
    }

    [Fact]
    public async Task Node_ConcurrentCalls_UseSeparateProcesses()
    {
        await using var server = await StartNodeAsync("never");
        using var client = server.CreateClient();

        // An abandoned call occupies its process.
        var processes = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => AbandonAsync(client, new("never"))));

        Assert.Equal(3, processes.Distinct().Count());
    }

    [Fact]
    public async Task Node_Timeout_EndsTheCallAndKillsTheProcess()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartNodeAsync(
            "never", function => function.WithTimeout(TimeSpan.FromSeconds(4)), clock);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("never"), Token);
        await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await chunks.MoveNextAsync());
        var process = ParseProcessId(Encoding.UTF8.GetString(chunks.Current.ToArray()));
        clock.Advance(TimeSpan.FromSeconds(4));
        var error = await Assert.ThrowsAsync<FunctionErrorException>(async () => await chunks.MoveNextAsync());

        Assert.Equal("Sandbox.Timedout", error.ErrorCode);
        await WaitForExitAsync(process);
    }

    [Fact]
    public async Task DisposeAsync_ProcessIsRunning_KillsTheProcess()
    {
        var server = await StartNodeAsync("who");
        using var client = server.CreateClient();
        var process = ParseProcessId((await InvokeAsync(client, "who", "{}")).Split(' ')[0]);
        Assert.True(IsAlive(process));

        await server.DisposeAsync();

        await WaitForExitAsync(process);
    }

    [Fact]
    public async Task Supervisor_StandardInputCloses_KillsTheProgramAndItsChildren()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid, which creates process groups on Linux.");
        using var shell = StartWithPipes(
            "/bin/sh",
            ["-c", RuntimeStartInfo.Supervisor, "test", "sh", "-c", "sleep 300 & echo ready; wait"]);
        Assert.Equal("ready", await shell.StandardOutput.ReadLineAsync(Token));

        shell.StandardInput.Close();    // the system does this when the parent process is killed

        // The output ends when all processes of the group have exited.
        Assert.Equal("", await shell.StandardOutput.ReadToEndAsync(Token).WaitAsync(Soon, Token));
        await shell.WaitForExitAsync(Token).WaitAsync(Soon, Token);
        Assert.Equal(128 + 9, shell.ExitCode);
    }

    [Fact]
    public async Task Node_ClientDisconnects_TheFunctionContinues()
    {
        var gate = GetPath("gate");
        var continued = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await StartNodeAsync("continueLater", outputReceived: line =>
        {
            if (line.Contains("continued", StringComparison.Ordinal)) continued.TrySetResult();
        });
        using var client = server.CreateClient();

        var process = await AbandonAsync(client, CreateRequest("continueLater", gate));

        await server.Requests[0].ClientDisconnected.WaitAsync(Soon, Token);
        Assert.True(IsAlive(process));
        await File.WriteAllTextAsync(gate, "", Token);
        await continued.Task.WaitAsync(Soon, Token);
    }

    [Fact]
    public async Task Bootstrap_AnyExecutable_Responds()
    {
        Interop.NeedsCurl();
        var process = new RuntimeProcessOptions(Path.Combine(Interop.Functions, "bootstrap"))
        {
            TaskRoot = Interop.Functions,
            // The script creates a temporary file for each request, and is killed during the last one.
            Environment = new Dictionary<string, string?> { ["TMPDIR"] = _folder.FullName },
        };
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("boot", process), Token);
        using var client = server.CreateClient();

        Assert.Equal("echo: \"hi\"", await InvokeAsync(client, "boot", "\"hi\""));
        Assert.Equal("echo: \"again\"", await InvokeAsync(client, "boot", "\"again\""));
    }

    [Fact]
    public async Task Supervisor_ProgramExits_KillsItsChildren()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid, which creates process groups on Linux.");
        using var shell = StartWithPipes(
            "/bin/sh", ["-c", RuntimeStartInfo.Supervisor, "test", "sh", "-c", "sleep 300 & exit 3"]);

        Assert.Equal("", await shell.StandardOutput.ReadToEndAsync(Token).WaitAsync(Soon, Token));
        await shell.WaitForExitAsync(Token).WaitAsync(Soon, Token);
        Assert.Equal(3, shell.ExitCode);
    }

    // macOS does not have setsid, and its shell is bash.
    [Theory]
    [InlineData("exit 3", false, 3)]
    [InlineData("wait", true, 128 + 9)]
    public async Task Supervisor_BashWithoutSetsid_KillsTheProgramAndItsChildren(
        string end, bool closesInput, int exitCode)
    {
        Assert.SkipUnless(!OperatingSystem.IsWindows() && File.Exists("/bin/bash"), "Needs bash.");
        var commands = _folder.CreateSubdirectory("commands").FullName;
        foreach (var name in (string[])["sh", "sleep"])
            File.CreateSymbolicLink(Path.Combine(commands, name), "/bin/" + name);
        string[] program = ["sh", "-c", "sleep 300 & echo ready; " + end];
        using var shell = StartWithPipes(
            "/usr/bin/env",
            ["PATH=" + commands, "/bin/bash", "-c", RuntimeStartInfo.Supervisor, "test", .. program]);
        Assert.Equal("ready", await shell.StandardOutput.ReadLineAsync(Token));

        if (closesInput) shell.StandardInput.Close();

        // The output ends when all processes of the group have exited.
        Assert.Equal("", await shell.StandardOutput.ReadToEndAsync(Token).WaitAsync(Soon, Token));
        await shell.WaitForExitAsync(Token).WaitAsync(Soon, Token);
        Assert.Equal(exitCode, shell.ExitCode);
    }

    [Fact]
    public async Task Program_ExitsButItsChildKeepsTheOutputOpen_FailsTheCallAndKillsTheChild()
    {
        await using var server = await StartShellAsync($"sleep 300 & echo $! > '{GetPath("child")}'; exit 3");

        var error = await FailAsync(server);

        Assert.Equal("Runtime.ExitError", error.ErrorCode);
        Assert.Contains("exit status 3", error.ErrorDetails);
        await WaitForExitAsync(int.Parse(await File.ReadAllTextAsync(GetPath("child"), Token)));
    }

    [Fact]
    public async Task Program_LeavesAChildOutsideItsGroup_ExitIsDetected()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs setsid.");
        await File.WriteAllTextAsync(GetPath("child.sh"), $"({RunUntilTheEnd}) & echo $! > child", Token);
        await using var server = await StartShellAsync($"cd '{_folder.FullName}'; setsid sh child.sh; exit 3");

        var error = await FailAsync(server);

        Assert.Equal("Runtime.ExitError", error.ErrorCode);
        Assert.True(IsAlive(int.Parse(await File.ReadAllTextAsync(GetPath("child"), Token))));
    }

    [Fact]
    public async Task Program_IsKilled_LogHasOnlyItsLines()
    {
        var gate = GetPath("gate");
        var lines = new ConcurrentQueue<string>();
        // The server can lose a line that it receives after the exit.
        await using var server = await StartShellAsync(
            $"echo mine; until [ -e '{gate}' ]; do sleep 0.01; done; kill -s KILL $$",
            line =>
            {
                lines.Enqueue(line);
                File.WriteAllText(gate, "");
            });

        var error = await FailAsync(server);

        Assert.Contains("signal 9", error.ErrorDetails);
        Assert.Equal(["mine"], lines);
    }

    [Fact]
    public async Task EnvironmentProvider_VariablesAreKnownAfterTheCall_OverrideEnvironment()
    {
        var variables = new TaskCompletionSource<IReadOnlyDictionary<string, string?>>();
        await using var server = await StartShellAsync(process => process with
        {
            Arguments = ["-c", "echo \"$COLOR $SIZE ${SHAPE-none}\" > \"$OUTPUT\"; exit 3"],
            Environment = new Dictionary<string, string?>
            {
                ["COLOR"] = "red",
                ["SIZE"] = "5",
                ["SHAPE"] = "round",
                ["OUTPUT"] = GetPath("variables"),
            },
            EnvironmentProvider = _ => variables.Task,
        });

        var call = FailAsync(server);
        await server.WaitForRequestAsync(Token).WaitAsync(Soon, Token);
        variables.SetResult(new Dictionary<string, string?> { ["COLOR"] = "green", ["SHAPE"] = null });

        Assert.Equal("Runtime.ExitError", (await call).ErrorCode);
        Assert.Equal("green 5 none\n", await File.ReadAllTextAsync(GetPath("variables"), Token));
    }

    [Theory]
    [InlineData(3, "exit status 3")]
    [InlineData(128, "exit status 128")]
    [InlineData(137, "signal 9")]
    [InlineData(143, "signal 15")]
    [InlineData(145, "exit status 145")]
    [InlineData(150, "exit status 150")]
    [InlineData(151, "exit status 151")]
    [InlineData(152, "signal 24")]
    [InlineData(156, "exit status 156")]
    public async Task Program_ExitsWithAStatus_ErrorHasTheStatusOrTheSignal(int status, string exit)
    {
        await using var server = await StartShellAsync($"exit {status}", static _ => { });

        var error = await FailAsync(server);

        Assert.Equal("Runtime.ExitError", error.ErrorCode);
        Assert.EndsWith(exit, error.ErrorDetails);
    }

    [Fact]
    public async Task Program_DotNetVersionIsNotInstalled_ErrorHasAdvice()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        var program = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(program, "#!/bin/sh\nexit 150\n", Token);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            await using var server = await StartShellAsync(_ => RuntimeProcessOptions.DotNet(program));

            var error = await FailAsync(server);

            Assert.Contains("exit status 150", error.ErrorDetails);
            Assert.Contains("Install it", error.ErrorDetails);
        }
        finally
        {
            File.Delete(program);
        }
    }

    [Theory]
    [InlineData("ConnectionStrings__orders-db")]
    [InlineData("a.b")]
    [InlineData("a:b")]
    [InlineData("1st")]
    [InlineData("-u")]
    [InlineData("DYLD_LIBRARY_PATH")]
    public async Task Environment_NameDoesNotReachTheShell_ReachesTheProgram(string name)
    {
        Assert.SkipWhen(
            OperatingSystem.IsMacOS() && name.StartsWith("DYLD_", StringComparison.Ordinal),
            "macOS also removes the variable from the program of this test, which is part of the system.");
        var lines = new ConcurrentQueue<string>();
        await using var server = await StartShellAsync(process => process with
        {
            FileName = "env",
            OutputReceived = lines.Enqueue,
            Environment = new Dictionary<string, string?> { [name] = "a 'value' $HOME", ["c-d"] = "" },
        });

        await FailAsync(server);

        Assert.True(SpinWait.SpinUntil(() => lines.Contains($"{name}=a 'value' $HOME"), Soon));
        Assert.Contains("c-d=", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("LAMBDASTREAMING_ENV_", StringComparison.Ordinal));
    }

    // macOS removes these variables when it starts a program of the system, such as the shell.
    [Fact]
    public void Environment_DynamicLinkerVariable_IsNotAVariableOfTheShell()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Starts the program without a shell.");
        var options = new RuntimeProcessOptions("program")
        {
            Environment = new Dictionary<string, string?> { ["DYLD_LIBRARY_PATH"] = "a" },
        };

        var info = RuntimeStartInfo.Create(options, new LocalLambdaServerOptions(), "f", "127.0.0.1:1");

        Assert.DoesNotContain("DYLD_LIBRARY_PATH", info.Environment.Keys);
        var variable = Assert.Single(info.Environment, pair => pair.Value == "DYLD_LIBRARY_PATH=a");
        Assert.StartsWith("LAMBDASTREAMING_ENV_", variable.Key);
    }

    [Fact]
    public async Task Environment_NameIsNotAShellIdentifier_ValueIsNotInTheCommandLineOfTheShell()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        var lines = new ConcurrentQueue<string>();
        await using var server = await StartShellAsync(process => process with
        {
            Arguments = ["-c", "tr '\\0' '\\n' < /proc/$PPID/cmdline; exit 3"],
            OutputReceived = lines.Enqueue,
            Environment = new Dictionary<string, string?> { ["my-password"] = "secret" },
        });

        await FailAsync(server);

        Assert.True(SpinWait.SpinUntil(() => lines.Contains("lambda-runtime"), Soon));
        Assert.DoesNotContain(lines, line => line.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EnvironmentProvider_Throws_FailsTheCall()
    {
        await using var server = await StartShellAsync(process => process with
        {
            EnvironmentProvider = _ => throw new InvalidOperationException("The color is unknown."),
        });

        var error = await FailAsync(server);

        Assert.Equal("Runtime.InvalidEntrypoint", error.ErrorCode);
        Assert.Contains("The color is unknown.", error.ErrorDetails);
    }

    [Fact]
    public async Task EnvironmentProvider_VariablesAreNeverKnown_DisposalEnds()
    {
        var variables = new TaskCompletionSource<IReadOnlyDictionary<string, string?>>();
        await using var server = await StartShellAsync(process => process with
        {
            EnvironmentProvider = _ => variables.Task,
        });

        var call = FailAsync(server);
        await server.WaitForRequestAsync(Token).WaitAsync(Soon, Token);
        await server.DisposeAsync().AsTask().WaitAsync(Soon, Token);

        await Assert.ThrowsAnyAsync<Exception>(() => call);
    }

    [Fact]
    public async Task EnvironmentProvider_CallbackOfItsTokenThrows_DisposalKillsTheProcess()
    {
        var ids = new ConcurrentQueue<string>();
        await using var server = await StartShellAsync(process => process with
        {
            Arguments = ["-c", "echo $$; " + RunUntilTheEnd],
            OutputReceived = ids.Enqueue,
            EnvironmentProvider = token =>
            {
                token.Register(() => throw new InvalidOperationException());
                return Task.FromResult<IReadOnlyDictionary<string, string?>>(new Dictionary<string, string?>());
            },
        });
        var call = FailAsync(server);
        Assert.True(SpinWait.SpinUntil(() => !ids.IsEmpty, Soon));

        await server.DisposeAsync().AsTask().WaitAsync(Soon, Token);

        await Assert.ThrowsAnyAsync<Exception>(() => call);
        await WaitForExitAsync(ParseProcessId(ids.Single()));
    }

    [Fact]
    public async Task OutputReceived_Throws_ExceptionIsIgnored()
    {
        await using var server = await StartShellAsync(
            "echo one; exit 3", _ => throw new InvalidOperationException("No test is currently active."));

        Assert.Equal("Runtime.ExitError", (await FailAsync(server)).ErrorCode);
    }

    [Theory]
    [InlineData("streaming", "RangeError")]
    [InlineData("buffered", "Unhandled")]
    public async Task Node_LargeError_ArrivesCompletely(string handler, string errorCode)
    {
        Interop.NeedsNodeRuntime();
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "large.mjs"), """
                const fail = async () => { throw new RangeError('x'.repeat(100_000)); };
                export const streaming = awslambda.streamifyResponse(fail);
                export const buffered = async () => fail();
                """, Token);
            var process = RuntimeProcessOptions.Node(
                folder.FullName, "large." + handler, Interop.RuntimeInterfaceClient);
            await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("large", process), Token);
            using var client = server.CreateClient();

            await using var response = await client.InvokeWithResponseStreamAsync(new("large"), Token)
                .WaitAsync(Soon, Token);
            var error = await Assert.ThrowsAsync<FunctionErrorException>(() =>
                ReadAsync(response).WaitAsync(Soon, Token));

            Assert.Equal(errorCode, error.ErrorCode);
            Assert.Contains(new string('x', 100_000), error.ErrorDetails);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task FileName_ProgramDoesNotExist_FailsWithRuntimeInvalidEntrypoint()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("none", new RuntimeProcessOptions("no-such-program-at-all")), Token);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("none"), Token);
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response));

        Assert.Equal("Runtime.InvalidEntrypoint", error.ErrorCode);
        Assert.Contains("no-such-program-at-all", error.ErrorDetails);
    }

    [Fact]
    public void Create_TaskRootDoesNotExist_ThrowsDirectoryNotFoundException()
    {
        var options = new RuntimeProcessOptions("program") { TaskRoot = GetPath("nope") };

        Assert.Throws<DirectoryNotFoundException>(
            () => RuntimeStartInfo.Create(options, new LocalLambdaServerOptions(), "f", "127.0.0.1:9001"));
    }

    [Fact]
    public async Task FileName_RelativePath_BeginsAtTheCurrentDirectory()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        var shell = GetPath("sh");
        File.CreateSymbolicLink(shell, "/bin/sh");
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, shell);
        // A deeper folder than the current directory, so that the path has another target there.
        var depth = relative.Split('/').Count(part => part == "..");
        var taskRoot = Path.Combine([_folder.FullName, .. Enumerable.Repeat("code", depth + 1)]);
        Directory.CreateDirectory(taskRoot);
        await using var server = await StartShellAsync(process => process with
        {
            FileName = relative.Contains('/', StringComparison.Ordinal) ? relative : "./" + relative,
            Arguments = ["-c", "exit 3"],
            TaskRoot = taskRoot,
        });

        var error = await FailAsync(server);

        Assert.EndsWith("exit status 3", error.ErrorDetails);
    }

    private string GetPath(string name) => Path.Combine(_folder.FullName, name);

    private static Task<LocalLambdaServer> StartShellAsync(string script, Action<string>? outputReceived = null) =>
        StartShellAsync(process => process with { Arguments = ["-c", script], OutputReceived = outputReceived });

    private static Task<LocalLambdaServer> StartShellAsync(Func<RuntimeProcessOptions, RuntimeProcessOptions> configure)
    {
        Assert.SkipUnless(!OperatingSystem.IsWindows(), "Needs a Unix shell.");
        var process = configure(new("/bin/sh"));
        return LocalLambdaServer.StartAsync(s => s.AddFunction("shell", process), Token);
    }

    private static Process StartWithPipes(string fileName, string[] arguments) =>
        Process.Start(new ProcessStartInfo(fileName, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;

    private static async Task<FunctionErrorException> FailAsync(LocalLambdaServer server)
    {
        using var client = server.CreateClient();
        await using var response = await client.InvokeWithResponseStreamAsync(new("shell"), Token)
            .WaitAsync(Soon, Token);
        return await Assert.ThrowsAsync<FunctionErrorException>(() => ReadAsync(response).WaitAsync(Soon, Token));
    }

    private static Task<LocalLambdaServer> StartNodeAsync(
        string handler,
        Action<LocalFunction>? configure = null,
        TimeProvider? clock = null,
        Action<string>? outputReceived = null)
    {
        Interop.NeedsNodeRuntime();
        return LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock ?? s.TimeProvider;
                var process = Interop.Node(handler) with { OutputReceived = outputReceived };
                var function = s.AddFunction(handler, process);
                configure?.Invoke(function);
            },
            Token);
    }

    private static async Task<string> InvokeAsync(LambdaStreamingClient client, string function, string payload)
    {
        var request = InvokeWithResponseStreamRequest.FromJson(function, payload);
        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        return await ReadAsync(response);
    }

    /// <summary>Creates a request for a handler that waits until the file exists.</summary>
    private static InvokeWithResponseStreamRequest CreateRequest(string handler, string gate) =>
        InvokeWithResponseStreamRequest.FromJson(handler, JsonSerializer.Serialize(new { gate }));

    /// <summary>Reads the response and creates the file of <see cref="CreateRequest"/> after a chunk.</summary>
    private static async Task<string> ReadAsync(
        InvokeWithResponseStreamResponse response, StringBuilder? text = null, string? gate = null)
    {
        text ??= new StringBuilder();
        await foreach (var chunk in response.ReadChunksAsync(Token))
        {
            text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
            if (gate is not null) await File.WriteAllTextAsync(gate, "", Token);
        }

        return text.ToString();
    }

    private static int ParseProcessId(string text) => int.Parse(text.Replace("pid ", ""));

    /// <summary>Disconnects after the first chunk, which is the id of the process, and returns the id.</summary>
    private static async Task<int> AbandonAsync(LambdaStreamingClient client, InvokeWithResponseStreamRequest request)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await chunks.MoveNextAsync());
        return ParseProcessId(Encoding.UTF8.GetString(chunks.Current.ToArray()));
    }

    private static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static async Task WaitForExitAsync(int id)
    {
        Process process;
        try
        {
            process = Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return;
        }

        using (process) await process.WaitForExitAsync(Token).WaitAsync(Soon, Token);
    }
}
