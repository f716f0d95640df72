using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Each exit code that needs no signal; those that do are in <see cref="ProcessTests"/>.</summary>
public sealed class ExitCodeTests
{
    private static Task<LocalLambdaServer> HelloAsync(Action<LocalFunction>? configure = null) => LocalLambdaServer.StartAsync(options =>
    {
        var function = options.AddFunction("f", async (_, response, ct) =>
        {
            await response.WriteTextAsync("Hello, ", ct);
            await response.WriteTextAsync("Ada", ct);
        });
        configure?.Invoke(function);
    });

    [Fact]
    public async Task Invoke_WholeAnswer_0AndNothingElseIsSaid()
    {
        await using var server = await HelloAsync();

        var run = await Run.InvokeAsync(server);

        Assert.Equal((0, "Hello, Ada", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Fact]
    public async Task Invoke_OutputFolderIsNotThere_1AndNothingIsSent()
    {
        await using var server = await HelloAsync();

        var run = await Run.InvokeAsync(server, "--output", "/nonexistent/answer");

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("Nothing was sent", run.Error);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("no function", "invoke")]
    [InlineData("unknown option", "invoke", "f", "--nope")]
    [InlineData("no command")]
    [InlineData("two forms", "invoke", "f", "--lines", "--json")]
    [InlineData("no time", "invoke", "f", "--idle-timeout", "soon")]
    [InlineData("no address", "invoke", "f", "--endpoint-url", "127.0.0.1")]
    [InlineData("no attempts", "invoke", "f", "--max-attempts", "0")]
    [InlineData("attempts in letters", "invoke", "f", "--max-attempts", "x")]
    [InlineData("port in letters", "serve", "--port", "x")]
    [InlineData("port too large", "serve", "--port", "99999999999")]
    [InlineData("bytes in letters", "serve", "--max-response-bytes", "x")]
    [InlineData("empty region", "invoke", "f", "--local", "--region", "")]
    [InlineData("no region", "invoke", "f", "--local", "--region", "a b")]
    [InlineData("a word for a region", "invoke", "f", "--local", "--region", "mars")]
    [InlineData("a word for a region", "serve", "--function", "f=exec:/bin/sh", "--region", "mars")]
    [InlineData("empty file", "invoke", "f", "--local", "--output", "")]
    [InlineData("empty version", "invoke", "f", "--local", "--qualifier", "")]
    [InlineData("empty tenant", "invoke", "f", "--local", "--tenant-id", " ")]
    [InlineData("empty payload", "invoke", "f", "--local", "--payload", "")]
    [InlineData("empty client context", "invoke", "f", "--local", "--client-context", "")]
    [InlineData("empty recording", "record", "f", "--local", "--to", "")]
    [InlineData("no program", "serve", "--function", "f=exec:")]
    [InlineData("payload is a folder", "invoke", "f", "--payload", "@/")]
    [InlineData("error that no header takes", "serve", "--function", "f=exec:/bin/sh", "--fault", "f=error:\u00D6 x")]
    [InlineData("bad JSON", "invoke", "f", "--payload", "{name:1}")]
    [InlineData("no file", "invoke", "f", "--payload", "@/nonexistent")]
    [InlineData("bad context", "invoke", "f", "--client-context", "not base64!")]
    [InlineData("bad name", "invoke", "..", "--local")]
    [InlineData("nothing to serve", "serve")]
    [InlineData("no such file", "serve", "--function", "a=exec:/nonexistent")]
    [InlineData("nowhere to record to", "record", "f")]
    [InlineData("unknown shell", "completion", "tcsh")]
    public async Task AnyCommand_CommandLineIsWrong_2(string what, params string[] args)
    {
        var run = await Run.OfAsync(args);

        Assert.True(run.ExitCode == 2, $"{what}: {run.ExitCode} {run.Error}");
        Assert.StartsWith("lambda-stream: ", run.Error);
        Assert.Empty(run.Output);
        Assert.DoesNotContain("   at ", run.Error);
    }

    [Fact]
    public async Task Invoke_FunctionFails_3AndItsWordsAreShown()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
        {
            await response.WriteTextAsync("one ", ct);
            response.Fail("RangeError", """{"errorType":"RangeError","errorMessage":"boom \u001b[2J","trace":[]}""");
        }));

        var run = await Run.InvokeAsync(server);

        Assert.Equal((3, "one "), (run.ExitCode, run.Output));
        Assert.Contains("The function f failed with RangeError: boom \uFFFD[2J. It ran. Received before that: 1 chunk with 4 bytes", run.Error);
        Assert.DoesNotContain('\e', run.Error);
        Assert.Equal(1, run.Error.Count(c => c == '\n'));
    }

    public static TheoryData<string> Breaks => ["cut", "flipped", "silent", "exception"];

    [Theory, MemberData(nameof(Breaks))]
    public async Task Invoke_AnswerIsNotWhole_4AfterWhatCame(string how)
    {
        await using var server = await HelloAsync(function => _ = how switch
        {
            "cut" => function.OnEveryCall().TruncateAfterChunks(1, TruncationMode.EndOfBody),
            "flipped" => function.OnEveryCall().FlipBit(150),
            "silent" => function.OnEveryCall().StallAfterChunks(1),
            _ => function.OnEveryCall().ExceptionAfterChunks(1, "ServiceException", "sorry"),
        });

        // The first call of a process takes longer than half a second on a busy machine.
        var run = await Run.InvokeAsync(server, how == "silent" ? ["--idle-timeout", "3s"] : []);

        Assert.Equal((4, "Hello, "), (run.ExitCode, run.Output));
        Assert.Matches("(may|might) have run", run.Error);
    }

    [Fact]
    public async Task Invoke_ErrorWithCarriageReturn_WritesOverNothing()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", (_, response, _) =>
        {
            response.Fail("RangeError", """{"errorType":"RangeError","errorMessage":"boom\rall is well"}""");
            return Task.CompletedTask;
        }));

        var run = await Run.InvokeAsync(server);

        Assert.Contains("boom\uFFFDall is well", run.Error);
    }

    [Fact]
    public async Task Record_ToAFolder_NamesItsOwnOption()
    {
        var run = await Run.OfAsync("record", "f", "--local", "--to", Path.GetTempPath());

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--to: ", run.Error);
    }

    [Fact]
    public async Task Invoke_ServiceSaysNo_5AndThatTheFunctionDidNotRun()
    {
        await using var server = await HelloAsync();

        var run = await Run.OfAsync(["invoke", "other", .. Run.At(server)]);

        Assert.Equal((5, ""), (run.ExitCode, run.Output));
        Assert.Contains("ResourceNotFoundException", run.Error);
        Assert.Contains("did not run", run.Error);
    }

    [Theory]
    [InlineData("FUNCTION: ", "..")]
    [InlineData("--tenant-id: ", "f", "--tenant-id", "\u00E9")]
    [InlineData("--qualifier: ", "f", "--qualifier", "a\u0001")]
    public async Task Invoke_ArgumentThatCannotBeSent_NamesTheOption(string option, params string[] args)
    {
        var run = await Run.OfAsync(["invoke", "--local", .. args]);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"lambda-stream: {option}", run.Error);
    }

    public static TheoryData<OperationCanceledException, bool> Cancellations => new()
    {
        { new InvocationCanceledException("x", functionMayHaveRun: false), false },
        { new InvocationCanceledException("x", functionMayHaveRun: true), true },
        { new OperationCanceledException(), true },
    };

    [Theory, MemberData(nameof(Cancellations))]
    public void Interrupted_BeforeTheResponse_SaysWhetherTheFunctionMightHaveRun(OperationCanceledException cancellation, bool mayHaveRun)
    {
        var exception = InterruptedException.BeforeResponse(cancellation);

        Assert.Equal(mayHaveRun, exception.FunctionMayHaveRun);
        Assert.Contains(mayHaveRun ? "might have run" : "did not run", Failure.GetText(exception));
        Assert.Equal(130, Failure.GetExitCode(exception));
    }

    [Fact]
    public async Task Invoke_FunctionTimesOut_PrintsTheAdvice()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", (_, response, _) =>
        {
            response.Fail(FunctionErrorCodes.SandboxTimedout, "Task timed out");
            return Task.CompletedTask;
        }));

        var run = await Run.InvokeAsync(server);

        Assert.Contains("f failed with Sandbox.Timedout: Task timed out. It ran into its timeout", run.Error);
    }

    [Fact]
    public async Task Invoke_NobodyListens_6AndAHintAtServe()
    {
        Uri url;
        await using (var server = await HelloAsync()) url = server.ServiceUrl;

        var run = await Run.OfAsync("invoke", "f", "--local", "--max-attempts", "1", "--endpoint-url", url.ToString());

        Assert.Equal((6, ""), (run.ExitCode, run.Output));
        Assert.Contains("did not run", run.Error);
        Assert.Contains("`lambda-stream serve`", run.Error);
    }

    [Fact]
    public async Task Invoke_NoRegionAndNoCredentials_7InWordsOfTheCommandLine()
    {
        using var process = ToolProcess.Start(["invoke", "f"]);

        Assert.Equal(7, await process.ExitCodeAsync());
        var error = await process.Error;
        Assert.Contains("The function did not run. On the command line, use --region, --profile and --endpoint-url.", error);
    }

    [Fact]
    public async Task Invoke_PayloadIsNoJson_8()
    {
        await using var server = await HelloAsync();

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal((8, ""), (run.ExitCode, run.Output));
        Assert.EndsWith(" --raw prints the payload as it is. The function ran.", run.Error.TrimEnd());
    }

    [Fact]
    public async Task Invoke_Debug_ShowsStackTraceAndLog()
    {
        await using var server = await HelloAsync(function => function.RespondWithError("KMSDisabledException"));

        var run = await Run.InvokeAsync(server, "--debug");

        Assert.Equal(5, run.ExitCode);
        Assert.Contains("   at LambdaStreaming.", run.Error);
    }
}
