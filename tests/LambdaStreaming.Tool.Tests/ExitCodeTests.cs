using LambdaStreaming.Testing;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Exit codes, except those of signals, which are in <see cref="ProcessTests"/>.</summary>
public sealed class ExitCodeTests
{
    private const string LongRegion = "us-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcdefghij-abcc-1";

    private static Task<LocalLambdaServer> StartHelloAsync(Action<LocalFunction>? configure = null) =>
        LocalLambdaServer.StartAsync(options =>
        {
            var function = options.AddFunction("f", async (_, response, ct) =>
            {
                await response.WriteTextAsync("Hello, ", ct);
                await response.WriteTextAsync("Ada", ct);
            });
            configure?.Invoke(function);
        });

    private static Task<LocalLambdaServer> StartFailingAsync(string errorCode, string details) =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("f", (_, response, _) =>
        {
            response.Fail(errorCode, details);
            return Task.CompletedTask;
        }));

    [Fact]
    public async Task Invoke_ResponseIsComplete_ExitCode0AndNoMessage()
    {
        await using var server = await StartHelloAsync();

        var run = await Run.InvokeAsync(server);

        Assert.Equal((0, "Hello, Ada", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task Invoke_EndpointIsNotAnHttpUrl_MessageDoesNotContainItsPassword()
    {
        var run = await Run.ExecuteAsync("invoke", "f", "--endpoint-url", "htps://ada:SECRET@host");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("not an http or https URL", run.Error);
        Assert.DoesNotContain("SECRET", run.Error);
    }

    [Fact]
    public async Task Invoke_OutputFolderDoesNotExist_ExitCode1AndNoRequest()
    {
        await using var server = await StartHelloAsync();

        var run = await Run.InvokeAsync(server, "--output", "/nonexistent/response");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Nothing was sent", run.Error);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("missing function", "invoke")]
    [InlineData("unknown option", "invoke", "f", "--nope")]
    [InlineData("unknown command", "invok", "f")]
    [InlineData("unknown option in place of the function", "invoke", "--jsn")]
    [InlineData("function twice", "invoke", "f", "--function-name", "f")]
    [InlineData("asynchronous invocation", "invoke", "f", "--invocation-type", "Event")]
    [InlineData("invocation type is an option", "invoke", "f", "--invocation-type", "--dry-run")]
    [InlineData("unknown log type", "invoke", "f", "--log-type", "tail")]
    [InlineData("log type is an option", "invoke", "f", "--log-type", "--dry-run")]
    [InlineData("base64 payloads of the AWS CLI", "invoke", "f", "--cli-binary-format", "base64")]
    [InlineData("dry run with output", "invoke", "f", "--invocation-type", "DryRun", "--output", "x")]
    [InlineData("invocation type without a value", "invoke", "f", "--invocation-type")]
    [InlineData("flag with two values", "invoke", "f", "--json=true", "--json=true")]
    [InlineData("two formats", "invoke", "f", "--lines", "--json")]
    [InlineData("invalid duration", "invoke", "f", "--idle-timeout", "soon")]
    [InlineData("URL without scheme", "invoke", "f", "--endpoint-url", "127.0.0.1")]
    [InlineData("zero attempts", "invoke", "f", "--max-attempts", "0")]
    [InlineData("attempts in letters", "invoke", "f", "--max-attempts", "x")]
    [InlineData("unknown retry policy", "invoke", "f", "--retry", "always")]
    [InlineData("retry policy is an option", "invoke", "f", "--retry", "--dry-run")]
    [InlineData("port in letters", "serve", "--port", "x")]
    [InlineData("port too large", "serve", "--port", "99999999999")]
    [InlineData("bytes in letters", "serve", "--max-response-bytes", "x")]
    [InlineData("empty region", "invoke", "f", "--local", "--region", "")]
    [InlineData("region with a space", "invoke", "f", "--local", "--region", "a b")]
    [InlineData("region without parts", "invoke", "f", "--local", "--region", "mars")]
    [InlineData("region with 64 characters", "invoke", "f", "--local", "--region", LongRegion)]
    [InlineData("region with 64 characters", "serve", "--demo", "--region", LongRegion)]
    [InlineData("region without parts", "serve", "--function", "f=exec:/bin/sh", "--region", "mars")]
    [InlineData("empty file", "invoke", "f", "--local", "--output", "")]
    [InlineData("empty version", "invoke", "f", "--local", "--qualifier", "")]
    [InlineData("empty tenant", "invoke", "f", "--local", "--tenant-id", " ")]
    [InlineData("empty payload", "invoke", "f", "--local", "--payload", "")]
    [InlineData("empty client context", "invoke", "f", "--local", "--client-context", "")]
    [InlineData("empty recording", "record", "f", "--local", "--to", "")]
    [InlineData("empty function", "invoke", "--local", "--function-name", "")]
    [InlineData("function is an option", "invoke", "--local", "--function-name", "--dry-run")]
    [InlineData("tenant is an option", "invoke", "f", "--local", "--tenant-id", "--dry-run")]
    [InlineData("version is an alias of an option", "invoke", "f", "--local", "--qualifier", "-o", "--dry-run")]
    [InlineData("recording is an option", "record", "f", "--local", "--to", "--log-tail")]
    [InlineData("missing program", "serve", "--function", "f=exec:")]
    [InlineData("payload is a folder", "invoke", "f", "--payload", "@/")]
    [InlineData("invalid error name", "serve", "--function", "f=exec:/bin/sh", "--fault", "f=error:\u00D6 x")]
    [InlineData("invalid JSON", "invoke", "f", "--payload", "{name:1}")]
    [InlineData("missing payload file", "invoke", "f", "--payload", "@/nonexistent")]
    [InlineData("invalid client context", "invoke", "f", "--client-context", "not base64!")]
    [InlineData("invalid function name", "invoke", "..", "--local")]
    [InlineData("nothing to serve", "serve")]
    [InlineData("missing program file", "serve", "--function", "a=exec:/nonexistent")]
    [InlineData("no ports after the last", "serve", "--demo", "--function-urls", "--port", "65535")]
    [InlineData("replay without a file", "serve", "--replay", "f=")]
    [InlineData("replay of a blank path", "serve", "--replay", "f= ")]
    [InlineData("missing destination", "record", "f")]
    [InlineData("unknown shell", "completion", "tcsh")]
    public async Task AnyCommand_InvalidCommandLine_ExitCode2(string description, params string[] args)
    {
        var run = await Run.ExecuteAsync(args);

        Assert.True(run.ExitCode == 2, $"{description}: {run.ExitCode} {run.Error}");
        Assert.StartsWith("lambda-stream: ", run.Error);
        Assert.Empty(run.Output);
        Assert.DoesNotContain("   at ", run.Error);
    }

    [Fact]
    public async Task NoArguments_ExitCode2AndHelpOnStandardError()
    {
        var run = await Run.ExecuteAsync();

        Assert.Equal((2, ""), (run.ExitCode, run.Output));
        Assert.Contains("Commands:", run.Error);
        Assert.Contains("Exit codes:", run.Error);
    }

    [Fact]
    public async Task Invoke_FunctionFails_ExitCode3AndPrintsItsMessage()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (_, response, ct) =>
            {
                await response.WriteTextAsync("one ", ct);
                const string Details = """{"errorType":"RangeError","errorMessage":"boom \u001b[2J","trace":[]}""";
                response.Fail("RangeError", Details);
            }));

        var run = await Run.InvokeAsync(server);

        Assert.Equal((3, "one "), (run.ExitCode, run.Output));
        Assert.Contains(
            "The function f ran and failed with RangeError: boom \uFFFD[2J. Received 1 chunk (4 bytes).",
            run.Error);
        Assert.DoesNotContain('\e', run.Error);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
    }

    public static TheoryData<string> Faults => ["truncated", "corrupt", "stalled", "exception"];

    [Theory, MemberData(nameof(Faults))]
    public async Task Invoke_ResponseIsIncomplete_ExitCode4AndPrintsThePartialPayload(string fault)
    {
        await using var server = await StartHelloAsync(function => _ = fault switch
        {
            "truncated" => function.OnEveryCall().TruncateAfterChunks(1, TruncationMode.EndOfBody),
            "corrupt" => function.OnEveryCall().FlipBit(150),
            "stalled" => function.OnEveryCall().StallAfterChunks(1),
            _ => function.OnEveryCall().ExceptionAfterChunks(1, "ServiceException", "sorry"),
        });

        // The timeout also limits the time until the headers arrive, which can take seconds on a busy machine.
        var run = await Run.InvokeAsync(server, fault == "stalled" ? ["--idle-timeout", "10s"] : []);

        Assert.Equal((4, "Hello, "), (run.ExitCode, run.Output));
        Assert.Matches("(may|might) have run", run.Error);
    }

    [Fact]
    public async Task Invoke_ErrorWithCarriageReturn_ReplacesTheCarriageReturn()
    {
        await using var server =
            await StartFailingAsync("RangeError", """{"errorType":"RangeError","errorMessage":"boom\rall is well"}""");

        var run = await Run.InvokeAsync(server);

        Assert.Contains("boom\uFFFDall is well", run.Error);
    }

    [Fact]
    public async Task Record_ToIsAFolder_MessageNamesTheOption()
    {
        var run = await Run.ExecuteAsync("record", "f", "--local", "--to", Path.GetTempPath());

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--to: ", run.Error);
    }

    [Fact]
    public async Task Invoke_ServiceReturnsError_ExitCode5AndStatesThatTheFunctionDidNotRun()
    {
        await using var server = await StartHelloAsync();

        var run = await Run.ExecuteAsync(["invoke", "other", .. Run.EndpointOptions(server)]);

        Assert.Equal((5, ""), (run.ExitCode, run.Output));
        Assert.Contains("ResourceNotFoundException", run.Error);
        Assert.Contains("did not run", run.Error);
    }

    [Theory]
    [InlineData("FUNCTION: ", "..")]
    [InlineData("--tenant-id: ", "f", "--tenant-id", "\u00E9")]
    [InlineData("--qualifier: ", "f", "--qualifier", "a\u0001")]
    public async Task Invoke_InvalidArgument_MessageNamesTheOption(string option, params string[] args)
    {
        var run = await Run.ExecuteAsync(["invoke", "--local", .. args]);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"lambda-stream: {option}", run.Error);
    }

    [Fact]
    public async Task Serve_FolderOfThePackageIsEmpty_MessageNamesTheOption()
    {
        var run = await Run.ExecuteAsync("serve", "--ric", "");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--ric is empty", run.Error);
    }

    [Fact]
    public async Task Invoke_PayloadFileCannotBeRead_SentencesOfTheMessageAreSeparate()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Requires /proc.");

        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", "@/proc/self/mem");

        Assert.Equal(2, run.ExitCode);
        Assert.EndsWith("'. Nothing was sent.\n", run.Error);
    }

    public static TheoryData<OperationCanceledException, bool> Cancellations => new()
    {
        { new InvocationCanceledException("x", functionMayHaveRun: false), false },
        { new InvocationCanceledException("x", functionMayHaveRun: true), true },
        { new OperationCanceledException(), true },
    };

    [Theory, MemberData(nameof(Cancellations))]
    public void BeforeResponse_AnyCancellation_StatesWhetherTheFunctionMightHaveRun(
        OperationCanceledException cancellation,
        bool mayHaveRun)
    {
        var exception = InterruptedException.BeforeResponse(cancellation);
        var console = new ToolConsole { Input = Stream.Null, Output = Stream.Null, Error = TextWriter.Null };

        Assert.Equal(mayHaveRun, exception.FunctionMayHaveRun);
        Assert.Contains(mayHaveRun ? "might have run" : "did not run", Failure.GetText(exception));
        Assert.Equal(130, Failure.GetExitCode(exception, console));
    }

    [Fact]
    public async Task Invoke_FunctionTimesOut_PrintsTheAdvice()
    {
        await using var server = await StartFailingAsync(FunctionErrorCodes.SandboxTimedout, "Task timed out");

        var run = await Run.InvokeAsync(server);

        Assert.Matches(@"f ran and failed with Sandbox\.Timedout: Task timed out\. .*timeout", run.Error);
    }

    [Fact]
    public async Task Invoke_ServerIsNotRunning_ExitCode6AndSuggestsServe()
    {
        using var port = new RefusingPort();

        var run = await Run.ExecuteAsync(
            "invoke", "f", "--local", "--max-attempts", "1", "--endpoint-url", port.Url.ToString());

        Assert.Equal((6, ""), (run.ExitCode, run.Output));
        Assert.Contains("did not run", run.Error);
        Assert.Contains("`lambda-stream serve`", run.Error);
    }

    [Fact]
    public async Task Invoke_NoRegionAndNoCredentials_ExitCode7AndNamesTheOptions()
    {
        using var process = ToolProcess.Start(["invoke", "f"]);

        Assert.Equal(7, await process.WaitForExitCodeAsync());
        var error = await process.Error;
        Assert.Contains(
            "The function did not run. On the command line, use --region, --profile or --endpoint-url.",
            error);
    }

    [Fact]
    public async Task Invoke_PayloadIsNotJson_ExitCode8()
    {
        await using var server = await StartHelloAsync();

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal((8, ""), (run.ExitCode, run.Output));
        Assert.EndsWith(
            " The function ran. Use --raw to print the payload without parsing it.",
            run.Error.TrimEnd());
    }

    [Fact]
    public async Task Invoke_Debug_PrintsStackTraceAndLog()
    {
        await using var server = await StartHelloAsync(function => function.RespondWithError("KMSDisabledException"));

        var run = await Run.InvokeAsync(server, "--debug");

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("   at LambdaStreaming.", run.Error);
    }
}
