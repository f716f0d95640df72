using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Tool.Tests;

public sealed class InvokeTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // Windows discards the bytes before a reset that the client has not read.
    private static readonly TruncationMode Reset =
        OperatingSystem.IsWindows() ? TruncationMode.Close : TruncationMode.Reset;

    private static Task<LocalLambdaServer> RespondingAsync(params byte[][] chunks) =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("f", async (_, response, ct) =>
        {
            foreach (var chunk in chunks)
                await response.WriteAsync(chunk, ct);
        }));

    private static Task<LocalLambdaServer> RespondingAsync(params string[] chunks) =>
        RespondingAsync([.. chunks.Select(Encoding.UTF8.GetBytes)]);

    private static Task<LocalLambdaServer> TruncatingAsync(string text) =>
        LocalLambdaServer.StartAsync(options => options
            .AddFunction("f", async (_, response, ct) => await response.WriteTextAsync(text, ct))
            .OnEveryCall().TruncateBeforeInvokeComplete(Reset));

    private static Task<LocalLambdaServer> EchoAsync(bool requireJson = true) => LocalLambdaServer.StartAsync(options =>
    {
        options.RequireJsonPayload = requireJson;
        options.AddFunction("f", (invocation, response, ct) => response.WriteAsync(invocation.Payload, ct));
    });

    private static Task<string> ReadFileAsync(string path) =>
        File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);

    private static void SkipOnWindows(string reason) => Assert.SkipWhen(OperatingSystem.IsWindows(), reason);

    [Fact]
    public async Task Raw_AnyBytes_ArePrintedUnchanged()
    {
        byte[] bytes = [0, 0xFF, 13, 10, 27, 0xC3];
        await using var server = await RespondingAsync([bytes, bytes]);

        var run = await Run.InvokeAsync(server);

        Assert.Equal([.. bytes, .. bytes], run.Bytes);
    }

    [Theory]
    [InlineData("--text", "w\u00F6rld\r\n\uFFFD")]
    [InlineData("--lines", "w\u00F6rld\n\uFFFD\n")]
    public async Task TextFormats_SplitAndInvalidUtf8_PrintCompleteCharacters(string format, string expected)
    {
        await using var server = await RespondingAsync([[.. "w"u8, 0xC3], [0xB6, .. "rld\r\n"u8, 0xFF]]);

        var run = await Run.InvokeAsync(server, format);

        Assert.Equal((0, expected), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Json_FragmentedArray_PrintsOneElementPerLine()
    {
        await using var server = await RespondingAsync("[{\"a\": 1.50,", " \"b\":\"w\u00F6rld\"}, nul", "l]");

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal("{\"a\":1.50,\"b\":\"w\u00F6rld\"}\nnull\n", run.Output);
    }

    // Valid JSON can contain half of a surrogate pair as an escape, which is not a text.
    [Fact]
    public async Task Json_EscapeIsNotAText_PrintsTheValueWithItsEscapes()
    {
        await using var server = await RespondingAsync("{ \"a b\":\r\n\"\\ud800 \\\" c\\\\\" }\t[ \"\\udc00\" ]");

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal((0, "{\"a b\":\"\\ud800 \\\" c\\\\\"}\n[\"\\udc00\"]\n"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Sse_EventsOfALanguageModel_PrintsDataWithoutEndMarker()
    {
        await using var server = await RespondingAsync(
            "event: x\ndata: {\"a\":1}\n\nda",
            "ta: {\"a\":2}\n\ndata: [DONE]\n\n");

        var run = await Run.InvokeAsync(server, "--sse");

        Assert.Equal("{\"a\":1}\n{\"a\":2}\n", run.Output);
    }

    [Fact]
    public async Task Http_WithLines_PrintsHeadersToErrorAndBodyToOutput()
    {
        var headers = new Dictionary<string, string> { ["x-a"] = "1" };
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (_, response, ct) =>
            {
                await response.WriteHttpPreludeAsync(201, headers, ["c=1", "d=2"], ct);
                await response.WriteTextAsync("one\r\ntwo", ct);
            }));

        var run = await Run.InvokeAsync(server, "--http", "--lines");

        Assert.Equal((0, "one\ntwo\n"), (run.ExitCode, run.Output));
        Assert.Equal("< HTTP 201\n< x-a: 1\n< set-cookie: c=1\n< set-cookie: d=2\n\n", run.Error);
    }

    [Fact]
    public async Task Http_SetCookieAmongTheHeaders_IsPrintedOnce()
    {
        var headers = new Dictionary<string, string> { ["Set-Cookie"] = "c=1" };
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction(
            "f",
            async (_, response, ct) => await response.WriteHttpPreludeAsync(200, headers, ["d=2"], ct)));

        var run = await Run.InvokeAsync(server, "--http");

        Assert.Equal("< HTTP 200\n< set-cookie: d=2\n< set-cookie: c=1\n\n", run.Error);
    }

    [Fact]
    public async Task Http_NoPrelude_PrintsBodyAndMessage()
    {
        await using var server = await RespondingAsync("plain");

        var run = await Run.InvokeAsync(server, "--http");

        Assert.Equal((0, "plain"), (run.ExitCode, run.Output));
        Assert.Contains("does not begin with an HTTP status", run.Error);
    }

    [Fact]
    public async Task Events_CompleteResponse_PrintsHeadersChunksAndComplete()
    {
        await using var server = await RespondingAsync([[.. "hi"u8], [0xFF]]);

        var run = await Run.InvokeAsync(server, "--events", "--log-tail");

        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        JsonElement[] events = [.. lines.Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(
            ["headers", "chunk", "chunk", "complete"],
            events.Select(e => e.GetProperty("event").GetString()));
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
            if (error is not null)
                function.RespondWithError(error);
            else
                function.OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody);
        });

        var run = await Run.InvokeAsync(server, "--events", "--retry", "never");

        var last = JsonDocument.Parse(run.Output.TrimEnd('\n').Split('\n')[^1]).RootElement;
        Assert.Equal("error", last.GetProperty("event").GetString());
        Assert.Equal((exitCode, exitCode), (run.ExitCode, last.GetProperty("exitCode").GetInt32()));
        Assert.Equal(mayHaveRun, last.GetProperty("functionMayHaveRun").GetBoolean());
    }

    [Fact]
    public async Task Payload_Text_IsSentUnchanged()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--payload", """{ "a" : "w\u00f6" }""");

        Assert.Equal("""{ "a" : "w\u00f6" }""", run.Output);
    }

    [Fact]
    public async Task Payload_File_IsSentUnchanged()
    {
        using var folder = new TemporaryFolder();
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "-p", "@" + folder.Write("payload.json", "[1,\n2]\n"));

        Assert.Equal("[1,\n2]\n", run.Output);
    }

    [Fact]
    public async Task Payload_Dash_ReadsStandardInput()
    {
        await using var server = await EchoAsync();
        var input = new MemoryStream("\"from a pipe\""u8.ToArray());

        var run = await Run.ExecuteAsync(["invoke", "f", "--payload", "-", .. Run.EndpointOptions(server)], input);

        Assert.Equal("\"from a pipe\"", run.Output);
    }

    [Fact]
    public async Task Payload_Omitted_StandardInputIsNotRead()
    {
        Assert.SkipWhen(ToolProcess.IsChosen, "Requires a run inside this process: a test reads its streams.");
        await using var server = await EchoAsync();
        var input = new MemoryStream("{}"u8.ToArray());

        var run = await Run.ExecuteAsync(["invoke", "f", .. Run.EndpointOptions(server)], input);

        Assert.Equal((0, "", 0L), (run.ExitCode, run.Output, input.Position));
        Assert.Equal(0, server.Requests[0].Payload.Length);
    }

    [Fact]
    public async Task Payload_NotJson_MessageSuggestsAsIsAndNothingIsSent()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--payload", "{\n name: 1}");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("line 2, byte 2", run.Error);
        Assert.Contains(OperatingSystem.IsWindows() ? "--payload file://FILE" : "'{\"name\":\"Ada\"}'", run.Error);
        Assert.Contains("--as-is", run.Error);
        Assert.Contains("Nothing was sent", run.Error);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("{name:1}", "line 1, byte 2: unexpected 'n'")]
    [InlineData("[1,\n\n \u00E9]", "line 3, byte 2: unexpected '\u00E9'")]
    [InlineData("{\"a\":", "line 1, byte 6: unexpected end")]
    [InlineData("{\"a\":1} x", "line 1, byte 9: unexpected 'x'")]
    public async Task Payload_NotJson_MessageHasThePosition(string payload, string expected)
    {
        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", payload);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error);
    }

    [Theory]
    [InlineData(new byte[] { 0xEF, 0xBB, 0xBF, (byte)'1' }, "byte order mark")]
    [InlineData(new byte[] { 0xFF, 0xFE, (byte)'1', 0 }, "UTF-16")]
    public async Task Payload_FileInAnotherEncoding_MessageNamesTheEncoding(byte[] bytes, string expected)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File("payload.json"), bytes, TestContext.Current.CancellationToken);

        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--payload", "@" + folder.File("payload.json"));

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
    public async Task Payload_NotUtf8_MessageHasTheOffsetAndOnlyAsIsSendsIt(byte[] payload, int offset)
    {
        using var folder = new TemporaryFolder();
        var file = "@" + folder.File("payload.json");
        await File.WriteAllBytesAsync(folder.File("payload.json"), payload, TestContext.Current.CancellationToken);
        await using var server = await EchoAsync(requireJson: false);

        var refused = await Run.InvokeAsync(server, "--payload", file);
        var sent = await Run.InvokeAsync(server, "--payload", file, "--as-is");

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
    public async Task Payload_DeeplyNested_IsSent(int depth)
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
    public async Task Json_DeeplyNested_IsPrinted(int depth)
    {
        var json = new string('[', depth) + new string(']', depth);
        await using var server = await RespondingAsync("{\"a\":" + json + "}");

        var run = await Run.InvokeAsync(server, "--json");

        Assert.Equal((0, "{\"a\":" + json + "}\n"), (run.ExitCode, run.Output));
    }

    [Theory]
    [InlineData("@file")]
    [InlineData("base64")]
    public async Task ClientContext_NotUtf8_MessageHasTheOffset(string form)
    {
        using var folder = new TemporaryFolder();
        byte[] context = [.. "{\"a\":\""u8, 0xFF, .. "\"}"u8];
        await File.WriteAllBytesAsync(folder.File("context"), context, TestContext.Current.CancellationToken);
        var argument = form == "base64" ? Convert.ToBase64String(context) : "@" + folder.File("context");

        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--client-context", argument);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("byte offset 6 ", run.Error);
    }

    [Theory]
    [InlineData("bm8=")]
    [InlineData("W10=")]
    [InlineData("@file")]
    public async Task ClientContext_NotAJsonObject_IsRejected(string argument)
    {
        using var folder = new TemporaryFolder();
        if (argument == "@file")
            argument = "@" + folder.Write("context", "[]");

        var run = await Run.ExecuteAsync("invoke", "f", "--local", "--client-context", argument);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("client context", run.Error);
        Assert.Contains("Nothing was sent", run.Error);
    }

    [Fact]
    public async Task AsIs_PayloadIsNotJson_IsSent()
    {
        await using var server = await EchoAsync(requireJson: false);

        var run = await Run.InvokeAsync(server, "--payload", "no json", "--as-is");

        Assert.Equal((0, "no json"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task Invoke_AllRequestOptions_ReachTheService()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f", async (invocation, response, ct) =>
            {
                response.Log("a line of the log");
                var context = Encoding.UTF8.GetString(Convert.FromBase64String(invocation.ClientContext!));
                await response.WriteTextAsync($"{invocation.Qualifier} {invocation.TenantId} {context}", ct);
            }));

        const string Context = """{"custom":{"a":1}}""";
        var run = await Run.InvokeAsync(
            server, "--qualifier", "live", "--tenant-id", "t1", "--client-context", Context, "--log-tail");

        Assert.Equal($"live t1 {Context}", run.Output);
        Assert.Contains("a line of the log", run.Error);
    }

    [Fact]
    public async Task DryRun_Allowed_PrintsAMessageAndNoOutput()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--dry-run");

        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Contains("did not run", run.Error);
    }

    [Fact]
    public async Task DryRun_Http_PrintsOneMessage()
    {
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--dry-run", "--http");

        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task DryRun_WithOutput_IsRejectedAndKeepsTheFile()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("response", "old");
        await using var server = await EchoAsync();

        var run = await Run.InvokeAsync(server, "--dry-run", "--output", path);

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--dry-run and --output cannot be used together", run.Error);
        Assert.Equal("old", await ReadFileAsync(path));
        Assert.Equal(["response"], folder.Files());
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("at-most-once", 1)]
    [InlineData("at-least-once", 2)]
    [InlineData("never", 1)]
    public async Task Retry_FunctionMightHaveRun_RetriesOnlyAtLeastOnce(string policy, int attempts)
    {
        await using var server = await LocalLambdaServer.StartAsync(
            options => options.AddFunction("f").OnCall(1).RespondWithStatus(503));

        await Run.InvokeAsync(server, "--retry", policy, "--max-attempts", "2");

        Assert.Equal(attempts, server.Requests.Count);
    }

    [Fact]
    public async Task Stats_CompleteResponse_ArePrintedToStandardError()
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
    public async Task Stats_OtherFormats_CountTheReceivedChunks(string format)
    {
        await using var server = await RespondingAsync("one ", "two\nthree", "\n");

        var run = await Run.InvokeAsync(server, format, "--stats");

        Assert.Contains("chunks       3\nbytes        14\n", run.Error);
    }

    [Fact]
    public async Task Output_CompleteResponse_ReplacesTheFile()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("response", "an older and longer response");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal((0, "", ""), (run.ExitCode, run.Output, run.Error));
        Assert.Equal("new", await ReadFileAsync(path));
        Assert.Equal(["response"], folder.Files());
    }

    [Fact]
    public async Task Output_TruncatedResponse_KeepsTheOldFileAndThePartialData()
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("response", "old");
        await using var server = await TruncatingAsync("beginning");

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal(4, run.ExitCode);
        Assert.Equal("old", await ReadFileAsync(path));
        Assert.Equal("beginning", await ReadFileAsync(path + ".partial"));
        Assert.Contains("response.partial", run.Error);
    }

    [Fact]
    public async Task Output_NoDataReceived_CreatesNoFile()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(
            options => options.AddFunction("f").RespondWithError("KMSDisabledException"));

        var run = await Run.InvokeAsync(server, "--output", folder.File("response"));

        Assert.Equal(5, run.ExitCode);
        Assert.Empty(folder.Files());
    }

    [Theory]
    [InlineData("ResourceNotFoundException", 5, "--raw")]
    [InlineData("TooManyRequestsException", 5, "--raw")]
    [InlineData(null, 6, "--raw")]
    [InlineData("TooManyRequestsException", 5, "--events")]
    [InlineData(null, 6, "--events")]
    public async Task Output_NoResponse_KeepsAnExistingPartialFile(string? error, int exitCode, string format)
    {
        using var folder = new TemporaryFolder();
        var partial = folder.Write("response.partial", "older data");
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            var function = options.AddFunction("f");
            if (error is not null)
                function.RespondWithError(error);
            else
                function.OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);
        });

        var run = await Run.InvokeAsync(server, format, "--output", folder.File("response"), "--retry", "never");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Equal("older data", await ReadFileAsync(partial));
        Assert.DoesNotContain(".partial", run.Error);
        Assert.Equal(["response.partial"], folder.Files());
    }

    [Fact]
    public async Task Output_EventsOfATruncatedResponse_AreKeptInThePartialFile()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options =>
            options.AddFunction("f").OnEveryCall().TruncateBeforeInvokeComplete(Reset));

        var run = await Run.InvokeAsync(server, "--events", "--output", folder.File("response"));

        Assert.Equal(4, run.ExitCode);
        var lines = await File.ReadAllLinesAsync(
            folder.File("response.partial"), TestContext.Current.CancellationToken);
        Assert.StartsWith("""{"event":"headers",""", lines[0]);
        Assert.StartsWith("""{"event":"error",""", lines[^1]);
    }

    [Fact]
    public async Task Output_ShorterTruncatedResponse_ReplacesTheExistingPartialFile()
    {
        using var folder = new TemporaryFolder();
        var partial = folder.Write("response.partial", "older data, and more of it");
        await using var server = await TruncatingAsync("beginning");

        await Run.InvokeAsync(server, "--output", folder.File("response"));

        Assert.Equal("beginning", await ReadFileAsync(partial));
    }

    [Fact]
    public async Task Output_CompleteResponseIsEmpty_CreatesAnEmptyFile()
    {
        using var folder = new TemporaryFolder();
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("f"));

        var run = await Run.InvokeAsync(server, "--output", folder.File("response"));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["response"], folder.Files());
        Assert.Equal("", await ReadFileAsync(folder.File("response")));
    }

    [Fact]
    public async Task Output_NoDataWritten_CreatesNoFileAndNamesNone()
    {
        using var folder = new TemporaryFolder();
        await using var server = await RespondingAsync("no JSON");

        var run = await Run.InvokeAsync(server, "--json", "--output", folder.File("response"));

        Assert.Equal(8, run.ExitCode);
        Assert.Empty(folder.Files());
        Assert.DoesNotContain(".partial", run.Error);
    }

    [Theory]
    [InlineData(false, "response")]
    [InlineData(true, "response.partial")]
    public async Task Output_FileIsNotReadableByOthers_NewFileHasTheSamePermissions(bool truncated, string name)
    {
        SkipOnWindows("Requires Unix permissions.");
        using var folder = new TemporaryFolder();
        var path = folder.Write("response", "old");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, OwnerOnly);
        await using var server = await (truncated ? TruncatingAsync("secret") : RespondingAsync("secret"));

        await Run.InvokeAsync(server, "--output", path);

        Assert.Equal("secret", await ReadFileAsync(folder.File(name)));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(folder.File(name)));
    }

    public static TheoryData<string, bool> LinksOfThePartialFile => new()
    {
        { "symbolic", false }, { "symbolic", true }, { "hard", false }, { "hard", true },
    };

    [Theory, MemberData(nameof(LinksOfThePartialFile))]
    public async Task Output_PartialFileIsALink_DoesNotWriteThroughTheLink(string kind, bool truncated)
    {
        SkipOnWindows("Requires links.");
        using var folder = new TemporaryFolder();
        var other = folder.Write("other", "precious");
        var partial = folder.File("response.partial");
        if (kind == "hard")
            Assert.Equal(0, CreateHardLink(ToCString(other), ToCString(partial)));
        else
            File.CreateSymbolicLink(partial, other);
        await using var server = await (truncated ? TruncatingAsync("new") : RespondingAsync("new"));

        var run = await Run.InvokeAsync(server, "--output", folder.File("response"));

        Assert.Equal(truncated ? 4 : 0, run.ExitCode);
        Assert.Equal("precious", await ReadFileAsync(other));
        Assert.Equal("new", await ReadFileAsync(truncated ? partial : folder.File("response")));
    }

    [Fact]
    public async Task Output_PartialFileCannotBeReplaced_MessageNamesTheFileThatHasTheData()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("response.partial"));
        await using var server = await TruncatingAsync("beginning");

        var run = await Run.InvokeAsync(server, "--output", folder.File("response"));

        var file = Assert.Single(folder.Files());
        Assert.Contains($"is in {folder.File(file)}", run.Error);
        Assert.Equal("beginning", await ReadFileAsync(folder.File(file)));
    }

    [Fact]
    public async Task Output_TargetIsInALinkedFolder_MessageNamesTheFileThatHasTheData()
    {
        SkipOnWindows("Requires symbolic links.");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("real/response.partial"));
        Directory.CreateSymbolicLink(folder.File("linked"), "real");
        await using var server = await TruncatingAsync("beginning");

        var run = await Run.InvokeAsync(server, "--output", folder.File("linked/response"));

        var file = Assert.Single(Directory.GetFiles(folder.File("real")));
        Assert.Contains($"is in {file}", run.Error);
        Assert.Equal("beginning", await ReadFileAsync(file));
    }

    [Fact]
    public async Task Output_LinkToAFile_KeepsTheLinkAndReplacesItsTarget()
    {
        SkipOnWindows("Requires symbolic links.");
        using var folder = new TemporaryFolder();
        folder.Write("target", "old");
        File.CreateSymbolicLink(folder.File("response"), "target");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", folder.File("response"));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("target", new FileInfo(folder.File("response")).LinkTarget);
        Assert.Equal("new", await ReadFileAsync(folder.File("target")));
        Assert.Equal(["response", "target"], folder.Files());
    }

    [Fact]
    public async Task Output_CircularLinks_FailsBeforeTheInvocation()
    {
        SkipOnWindows("Requires symbolic links.");
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("response"), "other");
        File.CreateSymbolicLink(folder.File("other"), "response");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", folder.File("response"));

        Assert.Equal(1, run.ExitCode);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Output_FileIsReadOnly_FailsBeforeTheInvocation()
    {
        Assert.SkipWhen(
            OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess,
            "Requires Unix permissions and an unprivileged user.");
        using var folder = new TemporaryFolder();
        var path = folder.Write("response", "old");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead);
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", path);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("old", await ReadFileAsync(path));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Output_LinkInALinkedFolder_WritesTheTargetOfTheOperatingSystem()
    {
        SkipOnWindows("Requires symbolic links.");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("real/below"));
        Directory.CreateSymbolicLink(folder.File("linked"), "real/below");
        File.CreateSymbolicLink(folder.File("real/below/response"), "../target");
        await using var server = await RespondingAsync("new");

        var run = await Run.InvokeAsync(server, "--output", folder.File("linked/response"));

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("new", await ReadFileAsync(folder.File("real/target")));
        Assert.Empty(folder.Files());
    }

    [Fact]
    public void GetLog_NotBase64_ReturnsTheTextUnchanged()
    {
        Assert.Equal("no base64!", InvocationOptions.GetLog(new InvokeComplete { LogResult = "no base64!" }));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Output_ErrorIsATerminal_ShowsProgress(bool errorIsTerminal)
    {
        using var folder = new TemporaryFolder();
        await using var server = await RespondingAsync("Hello, ", "Ada");
        string[] args = ["invoke", "f", "--output", folder.File("response"), .. Run.EndpointOptions(server)];

        var run = await Run.ExecuteAsync(args, Stream.Null, errorIsTerminal: errorIsTerminal);

        Assert.Equal((0, ""), (run.ExitCode, run.Output));
        Assert.Equal(errorIsTerminal, run.Error.Contains("10 B in 2 chunks", StringComparison.Ordinal));
        Assert.Equal(errorIsTerminal, run.Error.Contains('\e', StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("no line end", true)]
    [InlineData("a line end\n", false)]
    public async Task Raw_Terminal_EndsTheLastLine(string response, bool addsLineEnd)
    {
        await using var server = await RespondingAsync(response);
        string[] args = ["invoke", "f", .. Run.EndpointOptions(server)];

        var run = await Run.ExecuteAsync(args, Stream.Null, errorIsTerminal: true, outputIsTerminal: true);

        Assert.Equal((response, addsLineEnd ? "\n" : ""), (run.Output, run.Error));
    }

    [Fact]
    public async Task Output_TerminalAndNoLineEnd_AddsNoLineToTheProgress()
    {
        using var folder = new TemporaryFolder();
        await using var server = await RespondingAsync("no line end");
        string[] args = ["invoke", "f", "--output", folder.File("response"), .. Run.EndpointOptions(server)];

        var run = await Run.ExecuteAsync(args, Stream.Null, errorIsTerminal: true, outputIsTerminal: true);

        // The only line end is that of the last message.
        Assert.Equal(run.Error.Length - 1, run.Error.IndexOf('\n', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Error_Colors_AreUsedOnlyIfEnabled()
    {
        string[] args = ["invoke", "f", "--payload", "{"];

        var with = await Run.ExecuteAsync(args, Stream.Null, errorIsTerminal: true, useColors: true);
        var without = await Run.ExecuteAsync(args, Stream.Null, errorIsTerminal: true);

        Assert.Contains("\e[1;", with.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', without.Error);
    }

    private static byte[] ToCString(string text) => Encoding.UTF8.GetBytes(text + "\0");

    [DllImport("libc", EntryPoint = "link")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int CreateHardLink(byte[] existing, byte[] created);
}
