using System.Globalization;
using System.Net;
using System.Net.Sockets;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Serve;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tool.Tests;

public sealed class ServeTests
{
    // A build takes seconds; on a busy machine, minutes.
    private static readonly TimeSpan TestTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Starts the server as a process and reads the environment variables that it prints.</summary>
    private static Task<(ToolProcess Process, string Url, string[] Environment)> ServeAsync(params string[] args) =>
        ServeAsync(new Dictionary<string, string>(), args);

    private static async Task<(ToolProcess Process, string Url, string[] Environment)> ServeAsync(
        Dictionary<string, string> variables,
        params string[] args)
    {
        const int EnvironmentLines = 6;
        var process = ToolProcess.Start(["serve", "--port", "0", .. args], readError: false, variables);
        var lines = new List<string>();
        while (lines.Count < EnvironmentLines && await ReadLineAsync(process.OutputReader) is { } line)
            lines.Add(line);
        if (lines.Count < EnvironmentLines)
            Assert.Fail(await process.ErrorReader.ReadToEndAsync(TestContext.Current.CancellationToken));
        return (process, lines[0].Split('=')[1], [.. lines]);
    }

    private static Task<string?> ReadLineAsync(StreamReader reader) =>
        reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TestTimeout);

    private static Task<Run> InvokeAsync(string url, params string[] args) =>
        Run.ExecuteAsync([.. args, "--local", "--endpoint-url", url]);

    private static Task<LocalLambdaServer> StartAsync(string text) => LocalLambdaServer.StartAsync(options =>
        options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync(text, ct)));

    /// <summary>Reads the log up to the line that contains the text.</summary>
    /// <remarks>Call it before the server is stopped: requests that are then in progress are not logged.</remarks>
    private static async Task<string> ReadLogAsync(ToolProcess process, string text)
    {
        var log = "";
        while (!log.Contains(text, StringComparison.Ordinal))
        {
            var line = await ReadLineAsync(process.ErrorReader);
            Assert.True(line is not null, $"The log ends without '{text}': {log}");
            log += line + "\n";
        }

        return log;
    }

    private static async Task<string> StopAsync(ToolProcess process)
    {
        process.Signal(ToolProcess.SigInt);
        var reading = process.ErrorReader.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await reading.WaitAsync(TestTimeout);
        Assert.Equal(0, await process.WaitForExitCodeAsync());
        return error;
    }

    private static void SkipOnWindows() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Requires signals.");

    [Fact]
    public async Task Serve_RecordingWithFaults_IsServedLoggedAndStopped()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var path = folder.File("chat.jsonl");
        await using (var server = await StartAsync("recorded"))
        {
            var recorded = await Run.ExecuteAsync(["record", "f", "--to", path, .. Run.EndpointOptions(server)]);
            Assert.Equal((0, ""), (recorded.ExitCode, recorded.Output));
        }

        var (process, url, environment) = await ServeAsync(
            "--replay", path, "--fault", "chat@2=truncate:10", "--fault", "chat@3=throttle");
        using (process)
        {
            var complete = await InvokeAsync(url, "invoke", "chat");
            var truncated = await InvokeAsync(url, "invoke", "chat");
            Assert.Contains("<- chat 200, truncated after 10 B", await ReadLogAsync(process, "truncated"));
            var throttled = await InvokeAsync(url, "invoke", "chat", "--retry", "never");

            Assert.Equal(
                [
                    "AWS_ENDPOINT_URL_LAMBDA", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY",
                ],
                environment[..5].Select(line => line.Split(' ', '=')[1]));
            Assert.Equal(
                "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_USE_FIPS_ENDPOINT AWS_USE_DUALSTACK_ENDPOINT "
                + "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                environment[5]);
            Assert.Equal((0, "recorded"), (complete.ExitCode, complete.Output));
            Assert.Equal(4, truncated.ExitCode);
            Assert.Equal(5, throttled.ExitCode);
            Assert.Contains("-> chat, 0 B", await ReadLogAsync(process, "<- chat 429 TooManyRequestsException"));
            Assert.EndsWith("lambda-stream: stopped\n", await StopAsync(process));
        }
    }

    [Fact]
    public async Task Serve_Stopped_EndsTheProcessesOfFunctions()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var program = folder.Write("bootstrap", "#!/bin/sh\necho \"I am $$\"\nexec sleep 3600\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(
                program,
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        var (process, url, _) = await ServeAsync("--function", "f=exec:" + program);
        using (process)
        {
            var invocation = InvokeAsync(url, "invoke", "f");
            var log = await ReadLogAsync(process, "I am ");
            var function = int.Parse(log.Split(' ')[^1], CultureInfo.InvariantCulture);
            Assert.True(ToolProcess.Exists(function));

            await StopAsync(process);

            Assert.NotEqual(0, (await invocation).ExitCode);
            // A killed process exists until its parent or process 1 has read its exit code.
            Assert.True(SpinWait.SpinUntil(() => !ToolProcess.Exists(function), TestTimeout));
        }
    }

    [Fact]
    public async Task Serve_NodeFunction_Streams()
    {
        SkipOnWindows();
        Interop.NeedsNodeRuntime();
        var function = $"f=node:{Path.Combine(Interop.Functions, "index.mjs")}#text";
        var ric = Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric");
        var (process, url, _) = await ServeAsync("--function", function, "--ric", ric);
        using (process)
        {
            var run = await InvokeAsync(url, "invoke", "f", "--payload", """{"name":"Ada"}""");

            Assert.Equal(0, run.ExitCode);
            Assert.StartsWith("hello Ada, ", run.Output);
            await ReadLogAsync(process, "f | ");
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task Serve_Demo_StreamsToTheToolAndToItsFunctionUrl()
    {
        SkipOnWindows();
        var (process, url, _) = await ServeAsync("--demo", "--function-urls", "--function", "hi=text:Hello there");
        using (process)
        {
            var log = await ReadLogAsync(process, "function URL of demo: ");
            var address = log.Split("function URL of hi: ")[1].Split('\n')[0];
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            using var page = await http.GetAsync(
                new Uri(address + "/any/path"), TestContext.Current.CancellationToken);
            using var rebound = new HttpRequestMessage(HttpMethod.Get, address) { Headers = { Host = "page.example" } };
            using var rejected = await http.SendAsync(rebound, TestContext.Current.CancellationToken);
            var demo = await InvokeAsync(url, "invoke", "demo");

            Assert.StartsWith("Hello from lambda-stream.", demo.Output);
            Assert.Equal("Hello there", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            Assert.Equal(HttpStatusCode.Forbidden, rejected.StatusCode);
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task FunctionUrls_SecondSignalWhileTheLogIsNotRead_EndsTheProcess()
    {
        SkipOnWindows();
        var name = new string('f', 64);
        var (process, _, _) = await ServeAsync("--function", name + "=text:x", "--function-urls");
        using (process)
        {
            var log = await ReadLogAsync(process, "function URL of ");
            var url = new Uri(log.Split("function URL of ")[1].Split(' ')[1]);
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            // A request adds more than 200 bytes to the log, and a pipe stores 16 pages.
            for (var request = 0; request < Environment.SystemPageSize / 8; request++)
                await http.GetStringAsync(url, TestContext.Current.CancellationToken);
            process.WaitForKernelFunction("pipe_write");

            // Two equal signals could be combined into one.
            process.Signal(ToolProcess.SigInt);
            process.Signal(ToolProcess.SigTerm);

            Assert.Contains(await process.WaitForExitCodeAsync(), (int[])[130, 143]);
        }
    }

    [Fact]
    public async Task Serve_FolderOfAFunctionCannotBeRead_MessageStatesTheCause()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires the maximum length of a path of Linux, 4,096 bytes.");
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync("");
        const string Script = """
            cd "$2"; touch program; chmod +x program
            name=$(printf '%0250d' 0)
            trap "rm -r $name" EXIT
            (for i in $(seq 20); do mkdir $name; cd $name; done)
            timeout 30 "$1" serve --port 0 --function f=exec:./program 2>&1 || true
            """;

        var output = await Interop.RunAsync(
            server, "bash", "-c", Script, "bash", ToolProcess.Path, Path.GetDirectoryName(folder.File("program"))!);

        Assert.StartsWith("lambda-stream: ", output);
        Assert.Contains("(PathTooLongException)", output);
        Assert.DoesNotContain("--port", output);
    }

    [Fact]
    public async Task FunctionUrls_FunctionIsIdleLongerThanTheDefaultTimeout_ResponseIsComplete()
    {
        var resume = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new FakeTimeProvider();
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            options.TimeProvider = clock;
            options.AddFunction("f", async (_, response, ct) =>
            {
                await response.WriteTextAsync("a", ct);
                await resume.Task.WaitAsync(ct);
                await response.WriteTextAsync("b", ct);
            }).WithTimeout(TimeSpan.FromHours(1));
        });
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var urls = await FunctionUrls.StartAsync(server, ["f"], 0, [], cancellationToken);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await using var body = await http.GetStreamAsync(new Uri(urls.Addresses[0].Url), cancellationToken);
        using var reader = new StreamReader(body);
        var first = new char[1];
        await reader.ReadAsync(first, cancellationToken).AsTask().WaitAsync(TestTimeout, cancellationToken);

        clock.Advance(TimeSpan.FromMinutes(17));
        resume.SetResult();

        var rest = await reader.ReadToEndAsync(cancellationToken).WaitAsync(TestTimeout, cancellationToken);
        Assert.Equal("ab", first[0] + rest);
    }

    [Fact]
    public async Task Serve_EnvironmentHasAProxy_PrintsNoProxy()
    {
        SkipOnWindows();
        var variables = new Dictionary<string, string>
        {
            ["http_proxy"] = "http://127.0.0.1:1",
            ["NO_PROXY"] = "corp.example",
            ["no_proxy"] = "*",
        };
        var (process, _, lines) = await ServeAsync(variables, "--demo");
        using (process)
        {
            Assert.Equal(["export NO_PROXY='corp.example,127.0.0.1'"], lines[5..]);
            Assert.Equal("export no_proxy='*'", await ReadLineAsync(process.OutputReader));
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task Fault_RangeIsRepeated_LastOneOnTheCommandLineApplies()
    {
        SkipOnWindows();
        var (process, url, _) = await ServeAsync(
            "--function",
            "f=text:hello",
            "--fault",
            "f@2=delay:1ms",
            "--fault",
            "f=slow:1ms",
            "--fault",
            "f@2=throttle");
        using (process)
        {
            Assert.Equal(0, (await InvokeAsync(url, "invoke", "f", "--retry", "never")).ExitCode);
            Assert.Equal(5, (await InvokeAsync(url, "invoke", "f", "--retry", "never")).ExitCode);
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task Serve_CtrlCWhileARecordingIsRead_MessageIsThatOfServe()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var recording = folder.Write("f.jsonl", "");
        using var error = Run.CreateErrorWriter();
        var console = new ToolConsole { Input = Stream.Null, Output = Stream.Null, Error = error };

        var exitCode = await LambdaStreamCommand.RunAsync(
            ["serve", "--replay", recording, "--port", "0"], console, new CancellationToken(canceled: true));

        Assert.Equal(130, exitCode);
        Assert.Contains("before the server started", error.ToString());
    }

    [Fact]
    public async Task Serve_DefaultProfileIsRejected_FunctionUrlResponds()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var variables = new Dictionary<string, string>
        {
            ["AWS_CONFIG_FILE"] = folder.Write("config", "[default]\nretry_mode = legacy\n"),
        };
        var (process, _, _) = await ServeAsync(variables, "--function", "hi=text:Hello there", "--function-urls");
        using (process)
        {
            var log = await ReadLogAsync(process, "function URL of hi: ");
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

            var page = await http.GetStringAsync(
                new Uri(log.Split("function URL of hi: ")[1].Trim()), TestContext.Current.CancellationToken);

            Assert.Equal("Hello there", page);
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task Serve_FunctionUrlOfAWebFunction_AppliesThePrelude()
    {
        SkipOnWindows();
        Interop.NeedsNodeRuntime();
        var ric = Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric");
        var (process, _, _) = await ServeAsync(
            "--function",
            $"f=node:{Path.Combine(Interop.Functions, "index.mjs")}#http",
            "--ric",
            ric,
            "--function-urls");
        using (process)
        {
            var log = await ReadLogAsync(process, "function URL of f: ");
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false });
            using var page = await http.GetAsync(
                new Uri(log.Split("function URL of f: ")[1].Trim()), TestContext.Current.CancellationToken);

            Assert.Equal(201, (int)page.StatusCode);
            Assert.Equal(["a=1", "b=2"], page.Headers.GetValues("Set-Cookie"));
            Assert.Equal("hello wörld", await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            await StopAsync(process);
        }
    }

    [Theory]
    [InlineData("Chat", "", "version one ")]
    [InlineData("Greeter", "#Greeter::Greeter.Function::GreetAsync", "hello \"Ada\"")]
    public async Task Serve_DotNetFunction_IsBuiltAndStreams(string project, string handler, string expected)
    {
        Nightly.SkipUnlessRequested("Builds projects.");
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        DotNetFunctions.CopyTo(folder.File(""));
        var (process, url, _) = await ServeAsync("--function", $"f=dotnet:{folder.File(project)}{handler}");
        using (process)
        {
            var run = await InvokeAsync(url, "invoke", "f", "--payload", "\"Ada\"");

            Assert.StartsWith(expected, run.Output);
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task Serve_BuildFails_ExitCode1AndPrintsTheErrorsUnchanged()
    {
        Nightly.SkipUnlessRequested("Builds projects.");
        using var folder = new TemporaryFolder();
        folder.Write("Bad.csproj", """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
              </PropertyGroup>
            </Project>
            """);
        folder.Write("Program.cs", "System.Console.WriteLin();");

        var run = await Run.ExecuteAsync("serve", "--function", $"f=dotnet:{folder.File("Bad.csproj")}", "--port", "0");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Program.cs(1,16): error CS0117", run.Error);
        Assert.Contains("lambda-stream: The build of a function failed", run.Error);
    }

    [Fact]
    public async Task Serve_TemporaryFolderDoesNotExist_ExitCode1AndMessageNamesTheProject()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var project = folder.Write("Chat.csproj", "<Project />");

        using var process = ToolProcess.Start(
            ["serve", "--function", $"f=dotnet:{project}", "--port", "0"],
            variables: new Dictionary<string, string> { ["TMPDIR"] = "/nonexistent" });

        Assert.Equal(1, await process.WaitForExitCodeAsync());
        var error = await process.Error;
        Assert.Contains($"{project} cannot be built", error);
        Assert.DoesNotContain("Port", error);
    }

    [Theory]
    [InlineData("f=exec:sh", "sh", new string[0], null)]
    [InlineData("f=exec:sh -c 'exec \"$0\"' two\\ words", "sh", new[] { "-c", "exec \"$0\"", "two words" }, null)]
    [InlineData("f=exec:sh \"a \\\"b\\\" '#'\" #app.handler", "sh", new[] { "a \"b\" '#'" }, "app.handler")]
    [InlineData("f=exec:sh ''", "sh", new[] { "" }, null)]
    public void Function_Command_IsSplitAsAShellDoes(string text, string program, string[] arguments, string? handler)
    {
        SkipOnWindows();

        var function = ServedFunction.Parse(text);

        Assert.Equal((FunctionKind.Exec, program, handler), (function.Kind, function.Target, function.Handler));
        Assert.Equal(arguments, function.Arguments);
    }

    [Theory]
    [InlineData("node:./chat.mjs", "the name is missing")]
    [InlineData("f=./chat.mjs", "the kind")]
    [InlineData("f=0:./chat.mjs", "the kind")]
    [InlineData("f=node,exec:sh", "the kind")]
    [InlineData("f=text:", "nothing follows the kind")]
    [InlineData("f=node:#handler", "the file or the handler is missing")]
    [InlineData("f=node:./no-such-file.mjs", "does not exist")]
    [InlineData("f=dotnet:./no-such-folder", "does not exist")]
    [InlineData("f=exec:no-such-program-at-all", "not in PATH")]
    [InlineData("f=exec:./no-such-program", "does not exist")]
    [InlineData("f=exec:sh 'x", "a quotation mark is not closed")]
    [InlineData("f=exec:sh #", "the program or the handler is missing")]
    public void Function_InvalidForm_MessageStatesTheReason(string text, string reason)
    {
        var exception = Assert.Throws<ToolException>(() => ServedFunction.Parse(text));

        Assert.Equal(2, exception.ExitCode);
        Assert.Contains(reason, exception.Message);
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("#Chat::Chat.Function::Handle", "Chat::Chat.Function::Handle")]
    public void Function_FolderWithANumberSign_IsFound(string suffix, string? handler)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("C#"));

        var function = ServedFunction.Parse($"f=dotnet:{folder.File("C#")}{suffix}");

        Assert.Equal((folder.File("C#"), handler), (function.Target, function.Handler));
    }

    [Theory]
    [InlineData("chat.js")]
    [InlineData("chat")]
    public void Function_NodeFileWithAnotherOfItsName_MessageNamesBoth(string other)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("chat.mjs", "");
        folder.Write(other, "");

        var exception = Assert.Throws<ToolException>(() => ServedFunction.Parse($"f=node:{path}"));

        Assert.Contains($"rename {path} or {folder.File(other)}", exception.Message);
    }

    [Theory]
    [InlineData("chat.js", true)]
    [InlineData("chat.mjs", false)]
    public void Function_NodeFileWithAFolderOfItsName_IsAcceptedForJs(string file, bool isAccepted)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write(file, "");
        Directory.CreateDirectory(folder.File("chat"));

        Assert.Equal(isAccepted, NodeFile.FindProblem(path) is null);
    }

    [Fact]
    public void Function_ProgramOfTheCurrentFolderWithASpace_AdviceIsQuoted()
    {
        SkipOnWindows();
        const string Name = "lambda stream";
        File.WriteAllText(Name, "");
        try
        {
            var exception = Assert.Throws<ToolException>(() => ServedFunction.Parse($"f=exec:'{Name}'"));

            Assert.Contains($"write './{Name}'.", exception.Message);
        }
        finally
        {
            File.Delete(Name);
        }
    }

    [Fact]
    public void Function_ProgramInAFolderWithASpace_CommandIsQuoted()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("my functions"));
        var program = folder.Write(Path.Combine("my functions", "bootstrap"), "#!/bin/sh\n");

        var exception = Assert.Throws<ToolException>(() => ServedFunction.Parse($"f=exec:'{program}'"));

        Assert.EndsWith($"chmod +x '{program}'", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" #app.handler")]
    public async Task Function_ProgramRunsInAnotherFolderThanItsFile_ServesItAndAdvisesTheCurrentFolder(string handler)
    {
        SkipOnWindows();
        const string File = "bootstrap of a test.py";
        using var folder = new TemporaryFolder();
        var program = folder.Write("python", "#!/bin/sh\n");
        if (!OperatingSystem.IsWindows())
            System.IO.File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        System.IO.File.WriteAllText(File, "");
        try
        {
            var command = $"{program} -u '{File}'{handler}";
            var (process, _, _) = await ServeAsync("--function", $"f=exec:{command}");
            using (process)
            {
                var advice = $"write exec:'env {program} -u '\\''{File}'\\''{handler}'.";
                Assert.Contains(advice, await ReadLogAsync(process, "serving f"));
                await StopAsync(process);
            }

            folder.Write(File, "");
            Assert.Null(ServedFunction.Parse($"f=exec:{command}").DescribeFileElsewhere());
        }
        finally
        {
            System.IO.File.Delete(File);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Function_NodePackageIsTooOld_MessageHasItsVersion(bool isSpecified)
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var package = folder.File(Path.Combine("node_modules", "aws-lambda-ric"));
        Directory.CreateDirectory(package);
        folder.Write(
            Path.Combine("node_modules", "aws-lambda-ric", "package.json"),
            """{"name":"aws-lambda-ric","version":"3.3.0"}""");
        var file = folder.Write("chat.mjs", "");
        string[] ric = isSpecified ? ["--ric", package] : [];

        using var process = ToolProcess.Start(
            ["serve", "--port", "0", "--function", $"f=node:{file}", .. ric], variables: CreateNode(folder));

        Assert.Equal(2, await process.WaitForExitCodeAsync());
        Assert.Contains($"Version 3.3.0 in {package} is too old; version 4 or later is required.", await process.Error);
    }

    [Theory]
    [InlineData("3.3.0", true)]
    [InlineData("4.0.2", false)]
    [InlineData("10.0.0", false)]
    public void DescribeOldVersion_AnyVersion_DescribesOnlyThoseBefore4(string version, bool isOld)
    {
        using var folder = new TemporaryFolder();
        folder.Write("package.json", $$"""{"name":"aws-lambda-ric","version":"{{version}}"}""");

        Assert.Equal(isOld, RuntimeInterfaceClient.DescribeOldVersion(folder.File(".")) is not null);
    }

    [Fact]
    public async Task Function_NodeFileInAFolderWithASpace_CommandIsQuoted()
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("my functions"));
        var file = folder.Write(Path.Combine("my functions", "chat.mjs"), "");
        using var process = ToolProcess.Start(
            ["serve", "--port", "0", "--function", $"f=node:{file}"], variables: CreateNode(folder));

        Assert.Equal(2, await process.WaitForExitCodeAsync());
        Assert.Contains(
            $"npm install --prefix '{Path.GetDirectoryName(file)}' aws-lambda-ric ", await process.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Function_NodePackageHasNoNativePart_MessageNamesTheMissingFile(bool isSpecified)
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var package = CreateNodePackage(folder, "my functions", isComplete: false);
        var file = folder.Write(Path.Combine("my functions", "chat.mjs"), "");
        string[] options = isSpecified ? ["--ric", package] : [];
        using var process = ToolProcess.Start(
            ["serve", "--port", "0", "--function", $"f=node:{file}", .. options],
            variables: CreateNode(folder));

        Assert.Equal(2, await process.WaitForExitCodeAsync());
        var error = await process.Error;
        Assert.Contains(Path.Combine(package, "rapid-client.node"), error);
        Assert.Contains("use exec:", error);
        Assert.Contains($"npm rebuild --prefix '{folder.File("my functions")}' aws-lambda-ric", error);
    }

    [Fact]
    public void Function_NearestNodePackageHasNoNativePart_UsesThatOfAParentFolder()
    {
        using var folder = new TemporaryFolder();
        CreateNodePackage(folder, "packages/chat", isComplete: false);
        var complete = CreateNodePackage(folder, "", isComplete: true);

        Assert.Equal(complete, RuntimeInterfaceClient.Find(folder.File("packages/chat"), folder.File("bin/node")));
    }

    /// <summary>Creates a program node, whose path is needed to search for packages near it.</summary>
    /// <returns>A variable PATH that begins with its folder.</returns>
    private static Dictionary<string, string> CreateNode(TemporaryFolder folder)
    {
        Directory.CreateDirectory(folder.File("bin"));
        var node = folder.Write(Path.Combine("bin", "node"), "");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(node, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new() { ["PATH"] = folder.File("bin") + ":" + Environment.GetEnvironmentVariable("PATH") };
    }

    private static string CreateNodePackage(TemporaryFolder folder, string parent, bool isComplete)
    {
        var package = folder.File(Path.Combine(parent, "node_modules", "aws-lambda-ric"));
        Directory.CreateDirectory(package);
        folder.Write(Path.Combine(package, "index.mjs"), "");
        if (isComplete) folder.Write(Path.Combine(package, "rapid-client.node"), "");
        return package;
    }

    [Fact]
    public async Task Serve_PortIsInUse_ExitCode1AndSuggestsAnotherPort()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));
        await Run.ExecuteAsync(["record", "f", "--to", folder.File("f.jsonl"), .. Run.EndpointOptions(server)]);
        var port = server.ServiceUrl.Port.ToString(CultureInfo.InvariantCulture);

        var run = await Run.ExecuteAsync("serve", "--replay", folder.File("f.jsonl"), "--port", port);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--port 0", run.Error);
    }

    [Fact]
    public async Task FunctionUrls_SecondPortIsInUse_MessageNamesThatPort()
    {
        await using var server = await StartAsync("x");
        var (free, used) = FindAdjacentPorts();
        using (used)
        {
            var start = () => FunctionUrls.StartAsync(
                server, ["f", "f"], free, [], TestContext.Current.CancellationToken);

            var exception = await Assert.ThrowsAsync<ToolException>(start);

            Assert.Equal(1, exception.ExitCode);
            Assert.Contains($"Port {free + 1} ", exception.Message);
        }
    }

    /// <summary>Finds a free port whose next port is in use.</summary>
    private static (int Free, TcpListener Used) FindAdjacentPorts()
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var used = new TcpListener(IPAddress.Loopback, 0);
            used.Start();
            var port = ((IPEndPoint)used.LocalEndpoint).Port - 1;
            using var candidate = new TcpListener(IPAddress.Loopback, port);
            try
            {
                candidate.Start();
                return (port, used);
            }
            catch (SocketException)
            {
                used.Dispose();
            }
        }

        throw new InvalidOperationException("No free port whose next port is in use was found.");
    }

    [Fact]
    public async Task Serve_OtherRegion_PrintsTheCommandWithTheRegion()
    {
        SkipOnWindows();
        var (process, url, _) = await ServeAsync("--demo", "--region", "eu-central-1");
        using (process)
        {
            var log = await ReadLogAsync(process, "lambda-stream invoke demo --local");
            var command = log.Split("lambda-stream invoke ")[1].Split(". Press")[0];
            var run = await Run.ExecuteAsync(["invoke", .. command.Split(' ')]);

            Assert.Equal($"demo --local --endpoint-url {url} --region eu-central-1", command);
            Assert.Equal(0, run.ExitCode);
            await StopAsync(process);
        }
    }

    [Theory]
    [InlineData("AWS_REGION", "f=exec:sh", true)]
    [InlineData("AWS_DEFAULT_REGION", "f=exec:sh", true)]
    [InlineData("AWS_REGION", "f=text:x", false)]
    [InlineData("AWS_REGION", "f=exec:sh", false, "--region", "us-east-1")]
    public async Task Serve_EnvironmentHasAnotherRegion_StatesTheRegionOfFunctions(
        string variable, string function, bool isStated, params string[] args)
    {
        SkipOnWindows();
        var variables = new Dictionary<string, string> { [variable] = "eu-central-1" };
        var (process, _, _) = await ServeAsync(variables, ["--function", function, .. args]);
        using (process)
        {
            var log = await ReadLogAsync(process, "serving f");

            Assert.Equal(isStated, log.Contains("AWS_REGION=us-east-1", StringComparison.Ordinal));
            Assert.Equal(isStated, log.Contains("--region eu-central-1", StringComparison.Ordinal));
            await StopAsync(process);
        }
    }

    [Fact]
    public async Task AllowHost_OneHost_ServerAndFunctionUrlAcceptOnlyIt()
    {
        SkipOnWindows();
        var (process, url, _) = await ServeAsync(
            "--demo", "--function-urls", "--any-signature", "--allow-host", "host.docker.internal");
        using (process)
        {
            var log = await ReadLogAsync(process, "function URL of demo: ");
            var page = log.Split("function URL of demo: ")[1].Trim();
            var invocation = url + "/2021-11-15/functions/demo/response-streaming-invocations";

            foreach (var address in (string[])[page, invocation])
            {
                Assert.Equal(HttpStatusCode.OK, (await PostAsync(address, "host.docker.internal:80")).Status);
                var (status, body) = await PostAsync(address, "page.example");
                Assert.Equal(HttpStatusCode.Forbidden, status);
                Assert.Contains("--allow-host", body);
            }

            await StopAsync(process);
        }
    }

    private static async Task<(HttpStatusCode Status, string Body)> PostAsync(string address, string host)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Headers = { Host = host } };
        using var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("")]
    [InlineData("--demo")]
    [InlineData("http://host.docker.internal")]
    [InlineData("host.docker.internal:9001")]
    public async Task AllowHost_NotAHost_ExitCode2(string value)
    {
        var run = await Run.ExecuteAsync("serve", "--demo", "--port", "0", "--allow-host", value);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"--allow-host: '{value}' is not a host", run.Error);
    }

    [Theory]
    [InlineData("tale.jsonl", "tale=")]
    [InlineData("tale.v2.jsonl", "tale-v2=")]
    [InlineData("my \u00FCber 'tale'.jsonl", "my--ber--tale-=")]
    [InlineData(".jsonl", "recording=")]
    [InlineData("-.jsonl", "recording=")]
    [InlineData("LONG.jsonl", "NAME=")]
    public async Task Record_AnyFileName_PrintsAReplayThatServeAccepts(string file, string name)
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var path = folder.File(file.Replace("LONG", new string('a', 70), StringComparison.Ordinal));
        name = name.Replace("NAME", new string('a', 64), StringComparison.Ordinal);
        await using var server = await StartAsync("recorded");

        var run = await Run.ExecuteAsync(["record", "f", "--to", path, .. Run.EndpointOptions(server)]);

        var argument = run.Error.Split("lambda-stream serve --replay ")[1].TrimEnd('\n');
        Assert.Equal(name + path, await Interop.RunAsync(server, "/bin/sh", "-c", $"printf %s {argument}"));
        Assert.Equal(name[..^1], ServedFunction.CheckName(name[..^1], "--replay"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Record_TemporaryFolderIsNotWritable_Records(bool toOutput)
    {
        SkipOnWindows();
        using var folder = new TemporaryFolder();
        var path = folder.File("recording.jsonl");
        await using var server = await StartAsync("recorded");

        using var process = ToolProcess.Start(
            ["record", "f", "--to", toOutput ? "-" : path, .. Run.EndpointOptions(server)],
            variables: new Dictionary<string, string> { ["TMPDIR"] = "/nonexistent" });
        var output = await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await process.WaitForExitCodeAsync());
        if (toOutput) await File.WriteAllTextAsync(path, output, TestContext.Current.CancellationToken);

        var recording = await RecordedStream.LoadAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(1, recording.ChunkCount);
        Assert.Equal(["recording.jsonl"], folder.Files());
    }

    [Fact]
    public async Task Record_TruncatedResponse_ExitCode4AndReplayIsTruncated()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("truncated.jsonl");
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("beginning", ct))
            .OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Close));

        var run = await Run.ExecuteAsync(["record", "f", "--to", path, .. Run.EndpointOptions(server)]);

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("before InvokeComplete", run.Error);
        Assert.Contains("recorded an incomplete response: 1 chunk", run.Error);
        Assert.Equal(["truncated.jsonl"], folder.Files());
        var recording = await RecordedStream.LoadAsync(path, TestContext.Current.CancellationToken);
        server.AddFunction("f", recording, ReplayTiming.Immediate);
        var replayed = await Run.InvokeAsync(server);
        Assert.Equal((4, "beginning"), (replayed.ExitCode, replayed.Output));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 3)]
    public async Task Record_LogTail_PrintsTheLog(bool fails, int exitCode)
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", (_, response, _) =>
            {
                response.Log("a line of the log");
                if (fails)
                    response.Fail("RangeError", "{}");
                return Task.CompletedTask;
            }));
        var path = folder.File("recording.jsonl");

        var run = await Run.ExecuteAsync(["record", "f", "--log-tail", "--to", path, .. Run.EndpointOptions(server)]);

        Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        Assert.Contains("a line of the log", run.Error);
        Assert.Equal(fails, run.Error.Contains("failed with RangeError", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Record_ToStandardOutput_PrintsTheRecording()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync("recorded");

        var run = await Run.ExecuteAsync(["record", "f", "--to", "-", .. Run.EndpointOptions(server)]);

        var path = folder.Write("recording.jsonl", run.Output);
        var recording = await RecordedStream.LoadAsync(path, TestContext.Current.CancellationToken);
        server.AddFunction("f", recording, ReplayTiming.Immediate);
        Assert.Equal("recorded", (await Run.InvokeAsync(server)).Output);
    }

    [Theory]
    [InlineData("f=throttle")]
    [InlineData("f@2=error:KMSAccessDeniedException")]
    [InlineData("f@1-3=status:503")]
    [InlineData("f=close")]
    [InlineData("f=close:reset")]
    [InlineData("f=truncate:0:end-of-body")]
    [InlineData("f=truncate:2chunks:reset")]
    [InlineData("f=truncate:end")]
    [InlineData("f=flip:13")]
    [InlineData("f=exception:1:ServiceException")]
    [InlineData("f=fail:0:RangeError")]
    [InlineData("f=stall")]
    [InlineData("f=stall:3")]
    [InlineData("f=delay:2s")]
    [InlineData("f=slow:200ms")]
    [InlineData("f=fragments:1")]
    public void Fault_ValidForm_IsAccepted(string text) => Assert.Equal("f", ServedFault.Parse(text).Function);

    [Theory]
    [InlineData("truncate:3", "function name is missing")]
    [InlineData("f=", "is not a fault")]
    [InlineData("f=throttle:1", "is not a fault")]
    [InlineData("f=close:end-of-body", "is not a fault")]
    [InlineData("f=fail:1", "is not a fault")]
    [InlineData("f=fail:1: :text", "is not a fault")]
    [InlineData("f=exception:1:\v", "is not a fault")]
    [InlineData("f=truncate:x", "is not an integer")]
    [InlineData("f=truncate:1:soft", "is not close, reset or end-of-body")]
    [InlineData("f@0=throttle", "at least 1")]
    [InlineData("f@3-2=throttle", "at least 3")]
    [InlineData("f=delay:soon", "is not a duration")]
    public void Fault_InvalidForm_MessageStatesTheReason(string text, string reason)
    {
        var exception = Assert.Throws<ToolException>(() => ServedFault.Parse(text));

        Assert.Equal(2, exception.ExitCode);
        Assert.Contains(reason, exception.Message);
    }

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("1.5s", 1.5)]
    [InlineData("2m", 120)]
    [InlineData("1h", 3600)]
    [InlineData("7", 7)]
    public void Duration_ValidForm_IsAccepted(string text, double seconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));

        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("lambda-stream inv", "invoke")]
    [InlineData("lambda-stream serve --any", "--any-signature")]
    [InlineData("lambda-stream serve --replay-", "--replay-immediately")]
    [InlineData("lambda-stream serve --allow-host ", "host.docker.internal")]
    [InlineData("lambda-stream invoke f --region eu-central-", "eu-central-1\neu-central-2")]
    public async Task Suggest_PartialCommandLine_PrintsTheCompletions(string line, string expected)
    {
        // Runs a process, because only then is the root command named lambda-stream.
        using var process = ToolProcess.Start([$"[suggest:{line.Length}]", line]);

        var output = await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.Equal(expected, output.ReplaceLineEndings("\n").TrimEnd('\n'));
        Assert.Equal(0, await process.WaitForExitCodeAsync());
    }

    [Theory]
    [InlineData("[mine]\naws_access_key_id = a\naws_secret_access_key = SECRET\n", "mine")]
    [InlineData("[mine]\naws_secret_access_key SECRET\n", "")]
    public async Task Suggest_CredentialsFile_PrintsTheProfilesUnlessItIsMalformed(string text, string expected)
    {
        using var folder = new TemporaryFolder();
        var variables = new Dictionary<string, string>
        {
            ["AWS_SHARED_CREDENTIALS_FILE"] = folder.Write("credentials", text),
        };
        const string Line = "lambda-stream invoke f --profile ";
        using var process = ToolProcess.Start([$"[suggest:{Line.Length}]", Line], variables: variables);

        var output = await process.OutputReader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.Equal((expected, ""), (output.ReplaceLineEndings("\n").TrimEnd('\n'), await process.Error));
        Assert.Equal(0, await process.WaitForExitCodeAsync());
    }
}
