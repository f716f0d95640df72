using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Tool.Tests;

public sealed class InvokeTests
{
    private static Task<LocalLambdaServer> RespondingAsync(params byte[][] chunks) => LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
    {
        foreach (var chunk in chunks) await response.WriteAsync(chunk, ct);
    }));

    private static Task<LocalLambdaServer> RespondingAsync(params string[] chunks) => RespondingAsync([.. chunks.Select(Encoding.UTF8.GetBytes)]);

    private static Task<LocalLambdaServer> EchoAsync(bool requireJson = true) => LocalLambdaServer.StartAsync(options =>
    {
        options.RequireJsonPayload = requireJson;
        options.AddFunction("f", (invocation, response, ct) => response.WriteAsync(invocation.Payload, ct));
    });

    [Fact]
    public async Task Raw_AnyBytes_ComeUnchanged()
    {
        byte[] bytes = [0, 0xFF, 13, 10, 27, 0xC3];
        await using var server = await RespondingAsync([bytes, bytes]);

        var run = await Run.InvokeAsync(server);

        Assert.Equal([.. bytes, .. bytes], run.Bytes);
    }

    [Theory]
    [InlineData("--text", "w\u00F6rld\r\n\uFFFD")]
    [InlineData("--lines", "w\u00F6rld\n\uFFFD\n")]
    public async Task TextForms_SplitAndBadUtf8_AreWholeCharacters(string form, string expected)
    {
        await using var server = await RespondingAsync([[.. "w"u8, 0xC3], [0xB6, .. "rld\r\n"u8, 0xFF]]);

        var run = await Run.InvokeAsync(server, form);

        Assert.Equal((0, expected), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Json_ArrayInPieces_OneElementALine()
    {
        await using var server = await RespondingAsync("[{\"a\": 1.50,", " \"b\":\"w\u00F6rld\"}, nul", "l]");

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal("{\"a\":1.50,\"b\":\"w\u00F6rld\"}\nnull\n", run.Output);
    }

    [Fact]
    public async Task Sse_EventsOfALanguageModel_DataWithoutEndMark()
    {
        await using var server = await RespondingAsync("event: x\ndata: {\"a\":1}\n\nda", "ta: {\"a\":2}\n\ndata: [DONE]\n\n");

        var run = await Run.InvokeAsync(server, "--sse");

        Assert.Equal("{\"a\":1}\n{\"a\":2}\n", run.Output);
    }

    [Fact]
    public async Task Http_WithLines_HeadToErrorAndBodyToOutput()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
        {
            await response.WriteHttpPreludeAsync(201, new Dictionary<string, string> { ["x-a"] = "1" }, ["c=1", "d=2"], ct);
            await response.WriteTextAsync("one\r\ntwo", ct);
        }));

        var run = await Run.InvokeAsync(server, "--http", "--lines");

        Assert.Equal((0, "one\ntwo\n"), (run.ExitCode, run.Output));
        Assert.Equal("< HTTP 201\n< x-a: 1\n< set-cookie: c=1\n< set-cookie: d=2\n\n", run.Error);
    }

    [Fact]
    public async Task Http_SetCookieAmongTheHeaders_IsPrintedOnce()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
            await response.WriteHttpPreludeAsync(200, new Dictionary<string, string> { ["Set-Cookie"] = "c=1" }, ["d=2"], ct)));

        var run = await Run.InvokeAsync(server, "--http");

        Assert.Equal("< HTTP 200\n< set-cookie: d=2\n< set-cookie: c=1\n\n", run.Error);
    }

    [Fact]
    public async Task Http_NoPrelude_BodyAndASentence()
    {
        await using var server = await RespondingAsync("plain");

        var run = await Run.InvokeAsync(server, "--http");

        Assert.Equal((0, "plain"), (run.ExitCode, run.Output));
        Assert.Contains("no HTTP status", run.Error);
    }

    [Fact]
    public async Task Events_WholeAnswer_HeadChunksComplete()
    {
        await using var server = await RespondingAsync([[.. "hi"u8], [0xFF]]);

        var run = await Run.InvokeAsync(server, "--events", "--log-tail");

        JsonElement[] events = [.. run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(["head", "chunk", "chunk", "complete"], events.Select(e => e.GetProperty("event").GetString()));
        Assert.Equal(server.Requests[0].RequestId, events[0].GetProperty("requestId").GetString());
        Assert.Equal("hi", events[1].GetProperty("text").GetString());
        Assert.Equal([0xFF], events[2].GetProperty("base64").GetBytesFromBase64());
    }

    [Theory]
    [InlineData("TooManyRequestsException", 5, false)]
    [InlineData(null, 4, true)]
    public async Task Events_AnyFailure_LastLineIsTheError(string? error, int exitCode, bool mayHaveRun)
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            var function = options.AddFunction("f");
            if (error is not null) function.RespondWithError(error);
            else function.OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody);
        });

        var run = await Run.InvokeAsync(server, "--events", "--retry", "never");

        var last = JsonDocument.Parse(run.Output.TrimEnd('\n').Split('\n')[^1]).RootElement;
        Assert.Equal("error", last.GetProperty("event").GetString());
        Assert.Equal((exitCode, exitCode), (run.ExitCode, last.GetProperty("exitCode").GetInt32()));
        Assert.Equal(mayHaveRun, last.GetProperty("functionMayHaveRun").GetBoolean());
    }

    [Fact]
    public async Task Payload_Text_IsSentAsItIs()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--payload", """{ "a" : "w\u00f6" }""");

        Assert.Equal("""{ "a" : "w\u00f6" }""", run.Output);
    }

    [Fact]
    public async Task Payload_File_IsSentAsItIs()
    {
        using var folder = new TemporaryFolder();
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "-p", "@" + folder.Write("payload.json", "[1,\n2]\n"));

        Assert.Equal("[1,\n2]\n", run.Output);
    }

    [Fact]
    public async Task Payload_Dash_IsStandardInput()
    {
        await using var server = await EchoAsync();

        var run = await Run.OfAsync(["invoke", "f", "--payload", "-", .. Run.At(server)], new MemoryStream("\"from a pipe\""u8.ToArray()));

        Assert.Equal("\"from a pipe\"", run.Output);
    }

    [Fact]
    public async Task Payload_None_StandardInputIsLeftAlone()
    {
        await using var server = await EchoAsync();
        var input = new MemoryStream("{}"u8.ToArray());

        var run = await Run.OfAsync(["invoke", "f", .. Run.At(server)], input);

        Assert.Equal((0, "", 0L), (run.ExitCode, run.Output, input.Position));
        Assert.Equal(0, server.Requests[0].Payload.Length);
    }

    [Fact]
    public async Task Payload_NoJson_SaysWhereAndWhatToDo()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--payload", "{\n name: 1}");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("line 2, byte 2", run.Error);
        Assert.Contains("--as-is", run.Error);
        Assert.Contains("Nothing was sent", run.Error);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("{name:1}", "line 1, byte 2: 'n' is not expected")]
    [InlineData("[1,\n\n \u00E9]", "line 3, byte 2: '\u00E9' is not expected")]
    [InlineData("{\"a\":", "line 1, byte 6: it ends too early")]
    [InlineData("{\"a\":1} x", "line 1, byte 9: 'x' is not expected")]
    public async Task Payload_NotJson_SaysWhere(string payload, string expected)
    {
        var run = await Run.OfAsync("invoke", "f", "--local", "--payload", payload);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error);
    }

    [Theory]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, (byte)'1' }, "byte order mark")]
    [InlineData(new byte[] { 0xFF, 0xFE, (byte)'1', 0 }, "UTF-16")]
    public async Task Payload_FileOfAnotherEncoding_SaysWhich(byte[] bytes, string expected)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File("payload.json"), bytes, TestContext.Current.CancellationToken);

        var run = await Run.OfAsync("invoke", "f", "--local", "--payload", "@" + folder.File("payload.json"));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error);
    }

    public static TheoryData<byte[], int> NotUtf8 => new()
    {
        { [(byte)'"', 0xFF, (byte)'"'], 1 },
        { [.. "{\"a\":\""u8, 0xED, 0xA0, 0x80, .. "\"}"u8], 6 },
        { [.. Encoding.UTF8.GetBytes("\"" + new string('\u00E9', 5000)), 0xC0, 0x80, (byte)'"'], 10_001 },
    };

    [Theory, MemberData(nameof(NotUtf8))]
    public async Task Payload_NotUtf8_SaysWhereAndIsSentOnlyAsIs(byte[] payload, int offset)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File("payload.json"), payload, TestContext.Current.CancellationToken);
        await using var server = await EchoAsync(requireJson: false);

        var refused = await Run.InvokeAsync(server, "--payload", "@" + folder.File("payload.json"));
        var sent = await Run.InvokeAsync(server, "--payload", "@" + folder.File("payload.json"), "--as-is");

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"byte offset {offset} ", refused.Error);
        Assert.Contains("Lambda accepts only JSON in UTF-8", refused.Error);
        Assert.Contains("Nothing was sent", refused.Error);
        Assert.Equal(0, sent.ExitCode);
        Assert.Equal(payload, sent.Bytes);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(65)]
    [InlineData(100_000)]
    public async Task Payload_NestedDeep_IsSent(int depth)
    {
        using var folder = new TemporaryFolder();
        var json = new string('[', depth) + new string(']', depth);
        await using var server = await EchoAsync(requireJson: false);

        var run = await Run.InvokeAsync(server, "--payload", "@" + folder.Write("payload.json", json));

        Assert.Equal((0, json), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData(65)]
    [InlineData(999)]
    public async Task Json_NestedDeep_IsPrinted(int depth)
    {
        var json = new string('[', depth) + new string(']', depth);
        await using var server = await RespondingAsync("{\"a\":" + json + "}");

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal((0, "{\"a\":" + json + "}\n"), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData("@file")]
    [InlineData("base64")]
    public async Task ClientContext_NotUtf8_SaysWhere(string form)
    {
        using var folder = new TemporaryFolder();
        byte[] context = [.. "{\"a\":\""u8, 0xFF, .. "\"}"u8];
        await File.WriteAllBytesAsync(folder.File("context"), context, TestContext.Current.CancellationToken);

        var run = await Run.OfAsync("invoke", "f", "--local", "--client-context", form == "base64" ? Convert.ToBase64String(context) : "@" + folder.File("context"));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("byte offset 6 ", run.Error);
    }

    [Theory]
    [InlineData("bm8=")]
    [InlineData("W10=")]
    [InlineData("@file")]
    public async Task ClientContext_NotAJsonObject_IsRefused(string argument)
    {
        using var folder = new TemporaryFolder();

        var run = await Run.OfAsync("invoke", "f", "--local", "--client-context", argument == "@file" ? "@" + folder.Write("context", "[]") : argument);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("client context", run.Error);
        Assert.Contains("Nothing was sent", run.Error);
    }

    [Fact]
    public async Task Payload_AsIs_IsSentThoughNoJson()
    {
        await using var server = await EchoAsync(requireJson: false);

        var run = await Run.InvokeAsync(server, "--payload", "no json", "--as-is");

        Assert.Equal((0, "no json"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task RequestOptions_All_ReachTheService()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (invocation, response, ct) =>
        {
            response.Log("a line of the log");
            await response.WriteTextAsync($"{invocation.Qualifier} {invocation.TenantId} {Encoding.UTF8.GetString(Convert.FromBase64String(invocation.ClientContext!))}", ct);
        }));

        var run = await Run.InvokeAsync(server, "--qualifier", "live", "--tenant-id", "t1", "--client-context", """{"custom":{"a":1}}""", "--log-tail");

        Assert.Equal("""live t1 {"custom":{"a":1}}""", run.Output);
        Assert.Contains("a line of the log", run.Error);
    }

    [Fact]
    public async Task DryRun_Allowed_SaysSoAndPrintsNothing()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--dry-run");

        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Contains("did not run", run.Error);
    }

    [Fact]
    public async Task DryRun_WithOutput_IsRefusedAndTheFileStays()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("answer", "old");
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--dry-run", "--output", path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--dry-run and --output exclude each other", run.Error);
        Assert.Equal("old", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(["answer"], folder.Files());
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("when-not-started", 1)]
    [InlineData("at-least-once", 2)]
    [InlineData("never", 1)]
    public async Task Retry_FunctionMayHaveRun_SentAgainOnlyWhenAskedTo(string when, int sends)
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f").OnCall(1).RespondWithStatus(503));

        await Run.InvokeAsync(server, "--retry", when, "--max-attempts", "2");

        Assert.Equal(sends, server.Requests.Count);
    }

    [Fact]
    public async Task Stats_WholeAnswer_AreOnStandardError()
    {
        await using var server = await RespondingAsync("Hello, ", "Ada");

        var run = await Run.InvokeAsync(server, "--stats");

        Assert.Equal("Hello, Ada", run.Output);
        Assert.Contains($"request id   {server.Requests[0].RequestId}\n", run.Error);
        Assert.Contains("version      $LATEST\nchunks       2\nbytes        10\n", run.Error);
    }

    [Theory]
    [InlineData("--lines")]
    [InlineData("--http")]
    public async Task Stats_OtherReadings_CountTheChunksOfTheWire(string form)
    {
        await using var server = await RespondingAsync("one ", "two\nthree", "\n");

        var run = await Run.InvokeAsync(server, form, "--stats");

        Assert.Contains("chunks       3\nbytes        14\n", run.Error);
    }

    [Fact]
    public async Task Output_WholeAnswer_ReplacesTheFile()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("answer", "an older and longer answer");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal((0, "", ""), (run.ExitCode, run.Output, run.Error));
        Assert.Equal("new", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(["answer"], folder.Files());
    }

    [Fact]
    public async Task Output_CutAnswer_KeepsTheOldFileAndWhatCame()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("answer", "old");
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("beginning", ct))
            .OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Reset));

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal(4, run.ExitCode);
        Assert.Equal("old", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal("beginning", await File.ReadAllTextAsync(path + ".partial", TestContext.Current.CancellationToken));
        Assert.Contains("answer.partial", run.Error);
    }

    [Fact]
    public async Task Output_NothingCame_LeavesNothingBehind()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f").RespondWithError("KMSDisabledException"));

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"));

        Assert.Equal(5, run.ExitCode);
        Assert.Empty(folder.Files());
    }

    [Theory]
    [InlineData("ResourceNotFoundException", 5)]
    [InlineData("TooManyRequestsException", 5)]
    [InlineData(null, 6)]
    public async Task Output_NextCallGetsNoAnswer_KeepsWhatCameBefore(string? error, int exitCode)
    {
        using var folder = new TemporaryFolder();
        var partial = folder.Write("answer.partial", "what came before");
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            var function = options.AddFunction("f");
            if (error is not null) function.RespondWithError(error);
            else function.OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);
        });

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"), "--retry", "never");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal("what came before", await File.ReadAllTextAsync(partial, TestContext.Current.CancellationToken));
        Assert.DoesNotContain(".partial", run.Error);
    }

    [Fact]
    public async Task Output_NextAnswerIsCutSooner_HoldsNothingOfTheOneBefore()
    {
        using var folder = new TemporaryFolder();
        var partial = folder.Write("answer.partial", "what came before, and was longer");
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("beginning", ct))
            .OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Reset));

        await Run.InvokeAsync(server, "--output", folder.File("answer"));

        Assert.Equal("beginning", await File.ReadAllTextAsync(partial, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Output_CompleteResponseIsEmpty_IsAnEmptyFile()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["answer"], folder.Files());
        Assert.Equal("", await File.ReadAllTextAsync(folder.File("answer"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Output_NothingOfTheAnswerIsWritten_SaysOfNoFileThatItIsThere()
    {
        using var folder = new TemporaryFolder();
        await using var server = await RespondingAsync("no JSON");

        var run = await Run.InvokeAsync(server, "--json", "--output", folder.File("answer"));

        Assert.Equal(8, run.ExitCode);
        Assert.Empty(folder.Files());
        Assert.DoesNotContain(".partial", run.Error);
    }

    [Theory]
    [InlineData(false, "answer")]
    [InlineData(true, "answer.partial")]
    public async Task Output_OthersMayNotReadTheFile_NorMayTheyAfterwards(bool cut, string name)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs Unix permissions.");
        using var folder = new TemporaryFolder();
        var path = folder.Write("answer", "old");
        const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, OwnerOnly);
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            var function = options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("secret", ct));
            if (cut) function.OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Reset);
        });

        await Run.InvokeAsync(server, "--output", path);

        Assert.Equal("secret", await File.ReadAllTextAsync(folder.File(name), TestContext.Current.CancellationToken));
        if (!OperatingSystem.IsWindows()) Assert.Equal(OwnerOnly, File.GetUnixFileMode(folder.File(name)));
    }

    public static TheoryData<string, bool> LinksOfThePartialFile => new()
    {
        { "symbolic", false }, { "symbolic", true }, { "hard", false }, { "hard", true },
    };

    [Theory, MemberData(nameof(LinksOfThePartialFile))]
    public async Task Output_PartialFileIsALink_NothingIsWrittenThroughIt(string kind, bool truncated)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs links.");
        using var folder = new TemporaryFolder();
        var other = folder.Write("other", "precious");
        if (kind == "hard") Assert.Equal(0, CreateHardLink(Encoding.UTF8.GetBytes(other + "\0"), Encoding.UTF8.GetBytes(folder.File("answer.partial") + "\0")));
        else File.CreateSymbolicLink(folder.File("answer.partial"), other);
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            var function = options.AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("new", ct));
            if (truncated) function.OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Reset);
        });

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"));

        Assert.Equal(truncated ? 4 : 0, run.ExitCode);
        Assert.Equal("precious", await File.ReadAllTextAsync(other, TestContext.Current.CancellationToken));
        Assert.Equal("new", await File.ReadAllTextAsync(folder.File(truncated ? "answer.partial" : "answer"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Output_PartialFileCannotBeReplaced_MessageNamesTheFileThatHasTheData()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("answer.partial"));
        await using var server = await LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync("beginning", ct))
            .OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Reset));

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"));

        var file = Assert.Single(folder.Files());
        Assert.Contains($"is in {folder.File(file)}", run.Error);
        Assert.Equal("beginning", await File.ReadAllTextAsync(folder.File(file), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Output_IsALinkToAFile_LinkStaysAndTheFileIsReplaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs symbolic links.");
        using var folder = new TemporaryFolder();
        folder.Write("target", "old");
        File.CreateSymbolicLink(folder.File("answer"), "target");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("target", new FileInfo(folder.File("answer")).LinkTarget);
        Assert.Equal("new", await File.ReadAllTextAsync(folder.File("target"), TestContext.Current.CancellationToken));
        Assert.Equal(["answer", "target"], folder.Files());
    }

    [Fact]
    public async Task Output_LinksInACircle_FailsBeforeTheCall()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs symbolic links.");
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("answer"), "other");
        File.CreateSymbolicLink(folder.File("other"), "answer");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", folder.File("answer"));

        Assert.Equal(1, run.ExitCode);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Output_FileMayNotBeWritten_FailsBeforeTheCall()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess, "Needs a user whom permissions bind.");
        using var folder = new TemporaryFolder();
        var path = folder.Write("answer", "old");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead);
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("old", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Output_LinkInALinkedFolder_WritesWhereTheSystemWould()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs symbolic links.");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("real/below"));
        Directory.CreateSymbolicLink(folder.File("linked"), "real/below");
        File.CreateSymbolicLink(folder.File("real/below/answer"), "../target");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", folder.File("linked/answer"));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("new", await File.ReadAllTextAsync(folder.File("real/target"), TestContext.Current.CancellationToken));
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void LogOf_NoBase64_IsTheLogAsItCame()
    {
        Assert.Equal("no base64!", InvocationOptions.GetLog(new InvokeComplete { LogResult = "no base64!" }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Output_PersonLooks_ProgressIsShown(bool personLooks)
    {
        using var folder = new TemporaryFolder();
        await using var server = await RespondingAsync("Hello, ", "Ada");

        var run = await Run.OfAsync(["invoke", "f", "--output", folder.File("answer"), .. Run.At(server)], Stream.Null, errorIsTerminal: personLooks);

        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Equal(personLooks, run.Error.Contains("10 B in 2 chunks", StringComparison.Ordinal));
        Assert.Equal(personLooks, run.Error.Contains('\e', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("no line end", true)]
    [InlineData("a line end\n", false)]
    public async Task Raw_Terminal_WhatIsSaidBeginsALine(string answer, bool added)
    {
        await using var server = await RespondingAsync(answer);

        var run = await Run.OfAsync(["invoke", "f", .. Run.At(server)], Stream.Null, errorIsTerminal: true, outputIsTerminal: true);

        Assert.Equal((answer, added ? Environment.NewLine : ""), (run.Output, run.Error));
    }

    [Fact]
    public async Task Error_Colours_OnlyWhereAskedFor()
    {
        var with = await Run.OfAsync(["invoke", "f", "--payload", "{"], Stream.Null, errorIsTerminal: true, colours: true);
        var without = await Run.OfAsync(["invoke", "f", "--payload", "{"], Stream.Null, errorIsTerminal: true);

        Assert.Contains("\e[1;", with.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', without.Error);
    }

    [DllImport("libc", EntryPoint = "link")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CreateHardLink(byte[] existing, byte[] created);
}
