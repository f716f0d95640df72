using System.Globalization;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool.Tests;

public sealed class ServeTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Starts the server as a process, and reads where it listens from what it prints.</summary>
    private static async Task<(ToolProcess Process, string Url, string[] Environment)> ServeAsync(params string[] args)
    {
        var process = ToolProcess.Start(["serve", "--port", "0", .. args], readError: false);
        var lines = new List<string>();
        while (lines.Count < 6 && await process.OutputText.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience) is { } line) lines.Add(line);
        if (lines.Count < 6) Assert.Fail(await process.ExceptionMessages.ReadToEndAsync(TestContext.Current.CancellationToken));
        return (process, lines[0].Split('=')[1], [.. lines]);
    }

    private static Task<Run> InvokeAsync(string url, params string[] args) => Run.OfAsync([.. args, "--local", "--endpoint-url", url]);

    // Up to the line that holds the words. What is under way when the server is stopped is not logged.
    private static async Task<string> ReadLogAsync(ToolProcess process, string words)
    {
        var log = "";
        while (!log.Contains(words, StringComparison.Ordinal))
        {
            var line = await process.ExceptionMessages.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
            Assert.True(line is not null, $"The log ends without '{words}': {log}");
            log += line + "\n";
        }

        return log;
    }

    private static async Task<string> StopAsync(ToolProcess process)
    {
        process.Signal(ToolProcess.SigInt);
        var error = await process.ExceptionMessages.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        Assert.Equal(0, await process.ExitCodeAsync());
        return error;
    }

    [Fact]
    public async Task Serve_RecordedAnswerWithAFault_IsServedLoggedAndStopped()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs signals.");
        using var folder = new TemporaryFolder();
        await using (var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("recorded", ct))))
        {
            var recorded = await Run.OfAsync(["record", "f", "--to", folder.File("tale.jsonl"), .. Run.At(server)]);
            Assert.Equal((0, ""), (recorded.ExitCode, recorded.Output));
        }

        var (process, url, environment) = await ServeAsync("--replay", folder.File("tale.jsonl"), "--fault", "tale@2=cut:10", "--fault", "tale@3=throttle");
        using (process)
        {
            var whole = await InvokeAsync(url, "invoke", "tale");
            var cut = await InvokeAsync(url, "invoke", "tale");
            var throttled = await InvokeAsync(url, "invoke", "tale", "--retry", "never");

            Assert.Equal(["AWS_ENDPOINT_URL_LAMBDA", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], environment[..5].Select(line => line.Split(' ', '=')[1]));
            Assert.Equal((0, "recorded"), (whole.ExitCode, whole.Output));
            Assert.Equal(4, cut.ExitCode);
            Assert.Equal(5, throttled.ExitCode);
            Assert.Contains("-> tale, 0 B", await ReadLogAsync(process, "<- tale 429 TooManyRequestsException"));
            Assert.EndsWith("lambda-stream: stopped\n", await StopAsync(process));
        }
    }

    [Fact]
    public async Task Serve_Stopped_LeavesNoProcessBehind()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs signals.");
        using var folder = new TemporaryFolder();
        var program = folder.Write("bootstrap", "#!/bin/sh\necho \"I am $$\"\nexec sleep 3600\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var (process, url, _) = await ServeAsync("--function", "f=exec:" + program);
        using (process)
        {
            var call = InvokeAsync(url, "invoke", "f");
            var log = await ReadLogAsync(process, "I am ");
            var function = int.Parse(log.Split(' ')[^1], CultureInfo.InvariantCulture);
            Assert.True(ToolProcess.IsThere(function));

            await StopAsync(process);

            Assert.NotEqual(0, (await call).ExitCode);
            Assert.False(ToolProcess.IsThere(function));
        }
    }

    [Fact]
    public async Task Serve_NodeFunction_Streams()
    {
        Interop.NeedsNodeRuntime();
        var (process, url, _) = await ServeAsync(
            "--function", $"f=node:{Path.Combine(Interop.Functions, "index.mjs")}#text", "--ric", Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric"));
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
    public async Task Serve_PortIsTaken_1AndSaysWhatToDo()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));
        await Run.OfAsync(["record", "f", "--to", folder.File("f.jsonl"), .. Run.At(server)]);

        var run = await Run.OfAsync("serve", "--replay", folder.File("f.jsonl"), "--port", server.ServiceUrl.Port.ToString(CultureInfo.InvariantCulture));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("--port 0", run.Error);
    }

    [Fact]
    public async Task Record_CutAnswer_4AndIsReplayedCut()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("beginning", ct)).OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Close));

        var run = await Run.OfAsync(["record", "f", "--to", folder.File("cut.jsonl"), .. Run.At(server)]);

        Assert.Equal(4, run.ExitCode);
        Assert.Equal(["cut.jsonl"], folder.Files());
        server.AddFunction("f", await RecordedStream.LoadAsync(folder.File("cut.jsonl"), TestContext.Current.CancellationToken), ReplayTiming.Immediate);
        var again = await Run.InvokeAsync(server);
        Assert.Equal((4, "beginning"), (again.ExitCode, again.Output));
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 3)]
    public async Task Record_LogTail_PrintsTheLogAsInvokeDoes(bool fails, int exitCode)
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", (_, response, _) =>
        {
            response.Log("a line of the log");
            if (fails) response.Fail("RangeError", "{}");
            return Task.CompletedTask;
        }));

        var run = await Run.OfAsync(["record", "f", "--log-tail", "--to", folder.File("tale.jsonl"), .. Run.At(server)]);

        Assert.Equal((exitCode, ""), (run.ExitCode, run.Output));
        Assert.Contains("a line of the log", run.Error);
    }

    [Fact]
    public async Task Record_ToStandardOutput_IsARecordingThere()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("recorded", ct)));

        var run = await Run.OfAsync(["record", "f", "--to", "-", .. Run.At(server)]);

        server.AddFunction("f", await RecordedStream.LoadAsync(folder.Write("tale.jsonl", run.Output), TestContext.Current.CancellationToken), ReplayTiming.Immediate);
        Assert.Equal("recorded", (await Run.InvokeAsync(server)).Output);
    }

    [Theory]
    [InlineData("f=throttle")]
    [InlineData("f@2=error:KMSAccessDeniedException")]
    [InlineData("f@1-3=status:503")]
    [InlineData("f=no-answer:reset")]
    [InlineData("f=cut:0:clean")]
    [InlineData("f=cut:2chunks:reset")]
    [InlineData("f=cut:end")]
    [InlineData("f=flip:13")]
    [InlineData("f=exception:1:ServiceException")]
    [InlineData("f=silence")]
    [InlineData("f=silence:3")]
    [InlineData("f=delay:2s")]
    [InlineData("f=slow:200ms")]
    [InlineData("f=pieces:1")]
    public void Fault_KnownForm_IsTaken(string text) => Assert.Equal("f", ServedFault.Parse(text).Function);

    [Theory]
    [InlineData("cut:3", "names no function")]
    [InlineData("f=", "is no fault")]
    [InlineData("f=throttle:1", "is no fault")]
    [InlineData("f=cut:x", "no whole number")]
    [InlineData("f=cut:1:soft", "no end")]
    [InlineData("f@0=throttle", "from 1")]
    [InlineData("f@3-2=throttle", "from 3")]
    [InlineData("f=delay:soon", "no time")]
    public void Fault_WrongForm_SaysWhatIsWrong(string text, string why)
    {
        var exception = Assert.Throws<ToolException>(() => ServedFault.Parse(text));

        Assert.Equal(2, exception.ExitCode);
        Assert.Contains(why, exception.Message);
    }

    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("1.5s", 1.5)]
    [InlineData("2m", 120)]
    [InlineData("1h", 3600)]
    [InlineData("7", 7)]
    public void Duration_KnownForm_IsTaken(string text, double seconds)
    {
        Assert.True(Duration.TryParse(text, out var duration));

        Assert.Equal(seconds, duration.TotalSeconds);
    }

    [Theory]
    [InlineData("lambda-stream inv", "invoke")]
    [InlineData("lambda-stream serve --any", "--any-signature")]
    [InlineData("lambda-stream invoke f --region eu-central-", "eu-central-1\neu-central-2")]
    public async Task Suggest_PartOfACommandLine_TheRest(string line, string expected)
    {
        // In another program's process the root has that one's name.
        using var process = ToolProcess.Start([$"[suggest:{line.Length}]", line]);

        Assert.Equal(expected, (await process.OutputText.ReadToEndAsync(TestContext.Current.CancellationToken)).TrimEnd('\n'));
        Assert.Equal(0, await process.ExitCodeAsync());
    }
}
