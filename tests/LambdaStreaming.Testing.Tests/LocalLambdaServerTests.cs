using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Testing.Tests;

public class LocalLambdaServerTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DisposeAsync_ConcurrentSecondCall_WaitsForTheFirst()
    {
        var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), Token);

        var first = server.DisposeAsync().AsTask();
        await server.DisposeAsync();

        Assert.True(first.IsCompletedSuccessfully);
    }

    // Kestrel's loop that accepts connections ends at an exception of its logger.
    [Fact]
    public async Task StartAsync_LoggerThrows_NextConnectionsAreAccepted()
    {
        using var loggers = new CallbackLogger { Logging = (_, _) => throw new TimeZoneNotFoundException() };
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.LoggerFactory = loggers;
                s.AddFunction("f", (_, response, cancellationToken) =>
                    response.WriteTextAsync("text", cancellationToken));
            },
            Token);

        for (var connection = 0; connection < 2; connection++)
        {
            using var client = server.CreateClient();
            await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token)
                .WaitAsync(Soon, Token);
            Assert.Equal("text", await response.ReadAsStringAsync(cancellationToken: Token));
        }
    }

    [Fact]
    public async Task WriteServerSentEventAsync_DataHasOtherSeparators_KeepsThem()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", (_, response, cancellationToken) => response.WriteServerSentEventAsync(
                "a\u2028b\u0085c\fd\re\r\nf", cancellationToken: cancellationToken)),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hello");
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(["data: a\u2028b\u0085c\fd\ndata: e\ndata: f\n\n"], Messages.GetChunks(body));
    }

    [Theory]
    [InlineData("a\ndata: b", null, "eventType")]
    [InlineData("a\r", null, "eventType")]
    [InlineData(null, "1\n\ndata: b", "eventId")]
    [InlineData("a", "1\0", "eventId")]
    public async Task WriteServerSentEventAsync_FieldHasLineBreak_Throws(string? type, string? id, string parameter)
    {
        ArgumentException? exception = null;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", async (_, response, cancellationToken) =>
                exception = await Assert.ThrowsAsync<ArgumentException>(
                    () => response.WriteServerSentEventAsync("data", type, id, cancellationToken))),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hello");
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Empty(Messages.GetChunks(body));
        Assert.Equal(parameter, exception?.ParamName);
    }

    [Fact]
    public async Task Invoke_FunctionWritesThreeTimes_SendsThreeChunksAndCompletes()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", async (_, response, cancellationToken) =>
            {
                await response.WriteAsync("one"u8.ToArray(), cancellationToken);
                await response.WriteTextAsync("twö", cancellationToken);
                await response.WriteServerSentEventAsync("a\nb", "delta", cancellationToken: cancellationToken);
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hello");
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/vnd.amazon.eventstream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("$LATEST", response.Headers.GetValues("X-Amz-Executed-Version").Single());
        Assert.True(Guid.TryParse(response.Headers.GetValues("x-amzn-RequestId").Single(), out _));
        Assert.Equal(["one", "twö", "event: delta\ndata: a\ndata: b\n\n"], Messages.GetChunks(body));
        Assert.Equal("{}", Messages.GetInvokeComplete(body).ToJsonString());
    }

    [Theory]
    [InlineData("text/pläin")]
    [InlineData("text/plain\n")]
    public async Task ContentType_CannotBeSent_Throws(string contentType)
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("typed", (_, response, _) =>
            {
                Assert.Throws<ArgumentException>("ContentType", () => response.ContentType = contentType);
                return Task.CompletedTask;
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("typed");

        var body = await response.Content.ReadAsByteArrayAsync(Token);
        Assert.Equal("{}", Messages.GetInvokeComplete(body).ToJsonString());
    }

    [Fact]
    public async Task Invoke_FunctionIsStillRunning_SendsItsChunksImmediately()
    {
        var release = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("slow", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("first", cancellationToken);
                await release.Task.WaitAsync(cancellationToken);
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("slow");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var first = new byte[12 + 90 + "first".Length + 4];
        await body.ReadExactlyAsync(first, Token).AsTask().WaitAsync(Soon, Token);

        Assert.Equal(["first"], Messages.GetChunks(first));
        Assert.False((await server.WaitForRequestAsync(Token)).ClientDisconnected.IsCompleted);
        release.SetResult();
    }

    [Fact]
    public async Task Invoke_Handler_ReceivesTheRequest()
    {
        FunctionInvocation? received = null;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", (invocation, _, _) =>
            {
                received = invocation;
                return Task.CompletedTask;
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(
            "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ahello",
            """{"a":1}"""u8.ToArray(),
            headers =>
            {
                headers.Add("X-Amz-Client-Context", "e30=");
                headers.Add("X-Amz-Tenant-Id", "blue");
                headers.Add("X-Amz-Log-Type", "Tail");
                headers.Add("amz-sdk-invocation-id", "one");
            },
            "Qualifier=live");
        var request = await server.WaitForRequestAsync(Token);
        await request.Completed.WaitAsync(Soon, Token);

        Assert.NotNull(received);
        Assert.Equal(("hello", "live"), (received.FunctionName, received.Qualifier));
        Assert.Equal(("e30=", "blue"), (received.ClientContext, received.TenantId));
        Assert.Equal(("Tail", "RequestResponse"), (received.LogType, received.InvocationType));
        Assert.Equal("""{"a":1}""", received.PayloadAsString());
        Assert.Equal(received.RequestId, response.Headers.GetValues("x-amzn-RequestId").Single());
        Assert.Equal((received.RequestId, 200), (request.RequestId, request.StatusCode));
        Assert.Equal(("one", 1), (request.SdkInvocationId, request.Attempt));
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(request.Payload.Span));
    }

    [Theory]
    [InlineData("hello", "hello", null)]
    [InlineData("hello:7", "hello", "7")]
    [InlineData("123456789012:function:hello", "hello", null)]
    [InlineData("123456789012:function:hello:live", "hello", "live")]
    [InlineData("function:hello", "hello", null)]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:hello:$LATEST", "hello", "$LATEST")]
    [InlineData("function", "function", null)]
    [InlineData("my-fn-1:live", "my-fn-1", "live")]
    [InlineData("arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:hello", "hello", null)]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function", "function", null)]
    public void FunctionReference_EachFormat_IsParsed(string text, string name, string? qualifier)
    {
        var reference = Functions.FunctionReference.Parse(text);

        Assert.Equal((name, qualifier), (reference?.Name, reference?.Qualifier));
    }

    [Fact]
    public async Task Fail_AfterAChunk_CompletesWithTheError()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("fails", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("part", cancellationToken);
                response.Log("about to fail");
                response.Fail("Function.Broken", "details");
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("fails", headers: headers => headers.Add("X-Amz-Log-Type", "Tail"));
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(["part"], Messages.GetChunks(body));
        var complete = Messages.GetInvokeComplete(body);
        Assert.Equal("Function.Broken", (string?)complete["ErrorCode"]);
        Assert.Equal("details", (string?)complete["ErrorDetails"]);
        Assert.Equal("about to fail\n", DecodeLog(complete));
    }

    [Fact]
    public async Task Invoke_HandlerThrows_CompletesWithUnhandled()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("throws", (_, _, _) => throw new InvalidOperationException("boom")), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("throws");
        var complete = Messages.GetInvokeComplete(await response.Content.ReadAsByteArrayAsync(Token));
        var details = JsonNode.Parse((string)complete["ErrorDetails"]!)!;

        Assert.Equal("Unhandled", (string?)complete["ErrorCode"]);
        Assert.Equal("boom", (string?)details["errorMessage"]);
        Assert.Equal("InvalidOperationException", (string?)details["errorType"]);
    }

    [Fact]
    public async Task Log_MoreThan4KB_KeepsTheLast4096Bytes()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("chatty", (_, response, _) =>
            {
                for (var i = 0; i < 2000; i++) response.Log($"line {i}");
                return Task.CompletedTask;
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(
            "chatty", headers: headers => headers.Add("X-Amz-Log-Type", "Tail"));
        var complete = Messages.GetInvokeComplete(await response.Content.ReadAsByteArrayAsync(Token));

        var all = string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n"));
        Assert.Equal(all[^4096..], DecodeLog(complete));
    }

    [Fact]
    public async Task Invoke_DryRun_Returns204WithoutRunning()
    {
        var ran = false;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", (_, _, _) =>
            {
                ran = true;
                return Task.CompletedTask;
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(
            "hello", headers: headers => headers.Add("X-Amz-Invocation-Type", "DryRun"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.False(ran);
    }

    [Theory]
    [InlineData("nope", "", "", 404, "ResourceNotFoundException")]
    [InlineData("hello", "{", "", 400, "InvalidRequestContentException")]
    [InlineData("hello:one", "", "Qualifier=two", 400, "InvalidParameterValueException")]
    public async Task Invoke_InvalidRequest_ReturnsTheServicesError(
        string function, string payload, string query, int status, string errorCode)
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("hello"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(function, Encoding.UTF8.GetBytes(payload), query: query);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(errorCode, response.Headers.GetValues("x-amzn-ErrorType").Single());
        Assert.Equal(errorCode, (await server.WaitForRequestAsync(Token)).ErrorCode);
        Assert.Equal("User", (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!["Type"]);
    }

    [Fact]
    public async Task Invoke_PayloadOver6MB_ReturnsRequestTooLargeException()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("hello"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hello", new byte[(6 * 1024 * 1024) + 101]);

        Assert.Equal(413, (int)response.StatusCode);
        Assert.Equal("RequestTooLargeException", response.Headers.GetValues("x-amzn-ErrorType").Single());
    }

    [Fact]
    public async Task VerifySignatures_UnsignedRequest_Returns403UnlessFalse()
    {
        await using var strict = await LocalLambdaServer.StartAsync(s => s.AddFunction("hello"), Token);
        await using var loose = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.VerifySignatures = false;
                s.AddFunction("hello");
            },
            Token);
        using var toStrict = new SignedHttp(strict);
        using var toLoose = new SignedHttp(loose);

        using var rejected = await toStrict.InvokeAsync("hello", sign: false);
        using var accepted = await toLoose.InvokeAsync("hello", sign: false);

        Assert.Equal(403, (int)rejected.StatusCode);
        Assert.Equal(
            "MissingAuthenticationTokenException", rejected.Headers.GetValues("x-amzn-ErrorType").Single());
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    [Fact]
    public async Task Invoke_SessionCredentials_AreVerified()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.Credentials = new SessionAWSCredentials("AKIDEXAMPLE", "secret", "token");
                s.AddFunction("hello");
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hello");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    public static IEnumerable<TheoryDataRow<string, int, string>> DocumentedErrors() =>
        from row in ConformanceData.LoadFile(
            Path.Combine(ConformanceData.Root, "responses", "documented-errors.json")).AsArray()
        let fields = row!["members"]!.AsObject().Select(member => member.Key)
        let messageField = fields.Single(name => name is "message" or "Message")
        select new TheoryDataRow<string, int, string>((string)row!["error"]!, (int)row!["status"]!, messageField);

    [Theory, MemberData(nameof(DocumentedErrors))]
    public async Task RespondWithError_DocumentedError_HasItsStatusAndFields(
        string errorCode, int status, string messageField)
    {
        var error = new ServiceErrorResponse(errorCode) { Message = "m", RetryAfter = TimeSpan.FromSeconds(2) };
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("fails").RespondWithError(error), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("fails");
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!;

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(errorCode, response.Headers.GetValues("x-amzn-ErrorType").Single());
        Assert.Equal("m", (string?)body[messageField]);
        Assert.Equal(status >= 500 ? "Service" : "User", (string?)body["Type"]);
        Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter?.Delta);
        Assert.Contains(errorCode, ServiceErrors.DocumentedNames);
    }

    public static IEnumerable<TheoryDataRow<TruncationMode, bool>> Ends =>
    [
        new(TruncationMode.EndOfBody, false),
        new(TruncationMode.Close, true),
        new(TruncationMode.Reset, true),
    ];

    [Theory, MemberData(nameof(Ends))]
    public async Task RespondWithRaw_EachEnd_SendsTheBytesThenEnds(TruncationMode end, bool broken)
    {
        TruncationModes.SkipIfLossy(end);
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("raw").RespondWithRaw(new RawResponse
            {
                StatusCode = 201,
                Headers = [new("X-One", "1"), new("Content-Type", "text/plain")],
                BodySegments = ["ab"u8.ToArray(), "cde"u8.ToArray()],
                End = end,
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("raw");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var bytes = new byte[5];
        await body.ReadExactlyAsync(bytes, Token);
        var error = await Record.ExceptionAsync(async () => Assert.Equal(0, await body.ReadAsync(new byte[1], Token)));

        Assert.Equal((201, "abcde"), ((int)response.StatusCode, Encoding.ASCII.GetString(bytes)));
        Assert.Equal("1", response.Headers.GetValues("X-One").Single());
        Assert.Equal(broken, error is IOException);
        var isEarlyEnd = error is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded };
        Assert.Equal(end == TruncationMode.Close, isEarlyEnd);
        var request = await server.WaitForRequestAsync(Token);
        response.Dispose();
        await request.Completed.WaitAsync(Soon, Token);
        Assert.False(request.ClientDisconnected.IsCompleted);
        Assert.Equal(5, request.BytesSent);
    }

    [Fact]
    public async Task ClientDisconnected_ClientClosesEarly_CompletesAndCancelsTheFunction()
    {
        var cancelled = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("endless", async (_, response, cancellationToken) =>
            {
                try
                {
                    await response.WriteTextAsync("first", cancellationToken);
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }
                finally
                {
                    cancelled.SetResult();
                }
            }),
            Token);
        var http = new SignedHttp(server);
        var response = await http.InvokeAsync("endless");
        var request = await server.WaitForRequestAsync(Token);
        Assert.Equal((1, 1), (server.TotalConnections, server.OpenConnections));
        Assert.False(request.ClientDisconnected.IsCompleted);

        response.Dispose();
        http.Dispose();

        await request.ClientDisconnected.WaitAsync(Soon, Token);
        await request.Completed.WaitAsync(Soon, Token);
        await cancelled.Task.WaitAsync(Soon, Token);
        await server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(Soon, Token);
    }

    [Fact]
    public async Task Requests_SeveralAttempts_AreCountedBySdkInvocationId()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("hello"), Token);
        using var http = new SignedHttp(server);

        foreach (var id in (string[])["a", "b", "a"])
        {
            using var response = await http.InvokeAsync(
                "hello", headers: headers => headers.Add("amz-sdk-invocation-id", id));
            await response.Content.ReadAsByteArrayAsync(Token);
        }

        Assert.Equal([1, 1, 2], server.Requests.Select(request => request.Attempt));
        Assert.Equal(1, server.TotalConnections);
        Assert.Same(server.Requests[2], await server.WaitForRequestAsync(request => request.Attempt == 2, Token));
    }

    [Fact]
    public async Task DisposeAsync_FunctionIsRunning_CancelsTheFunction()
    {
        var cancelled = new TaskCompletionSource();
        var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("endless", async (_, response, cancellationToken) =>
            {
                try
                {
                    await response.StartAsync(cancellationToken);
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }
                finally
                {
                    cancelled.SetResult();
                }
            }),
            Token);
        using var http = new SignedHttp(server);
        using var response = await http.InvokeAsync("endless");

        await server.DisposeAsync().AsTask().WaitAsync(Soon, Token);

        await cancelled.Task.WaitAsync(Soon, Token);
        Assert.False(server.Requests[0].ClientDisconnected.IsCompleted);
        await Assert.ThrowsAnyAsync<Exception>(() => response.Content.ReadAsByteArrayAsync(Token));
    }

    [Theory]
    [InlineData("f", 200, null)]
    [InlineData("g", 404, "ResourceNotFoundException")]
    public async Task Requests_BeforeARequestIsAcceptedOrRejected_DoNotContainIt(
        string name, int status, string? errorCode)
    {
        var visible = new List<int>();
        LocalLambdaServer? started = null;
        // The server reads this clock while it verifies the signature. At that time, the request must not be visible
        // yet.
        var clock = new ObservedClock(() => visible.Add(started?.Requests.Count ?? 0));
        await using var server = started = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("f");
            },
            Token);
        using var http = new SignedHttp(server);
        visible.Clear();

        using var response = await http.InvokeAsync(name);
        await response.Content.ReadAsByteArrayAsync(Token);

        Assert.NotEmpty(visible);
        Assert.All(visible, count => Assert.Equal(0, count));
        Assert.Equal((status, errorCode), (server.Requests[0].StatusCode, server.Requests[0].ErrorCode));
    }

    [Theory]
    [InlineData("Port", -1)]
    [InlineData("Port", 65_536)]
    [InlineData("MaxRecordedRequests", 0)]
    [InlineData("MaxPayloadBytes", -1)]
    [InlineData("MaxResponseBytes", -1)]
    [InlineData("MaxConcurrency", -1)]
    public async Task StartAsync_NumberIsOutOfRange_ThrowsBeforeABuild(string name, int value)
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            // The build would fail.
            var project = Path.Combine(folder.FullName, "Chat.csproj");
            await File.WriteAllTextAsync(project, "", Token);
            var options = new LocalLambdaServerOptions();
            options.AddFunction("f", RuntimeProcessOptions.DotNet(project));
            if (name == "Port") options.Port = value;
            if (name == "MaxRecordedRequests") options.MaxRecordedRequests = value;
            if (name == "MaxPayloadBytes") options.MaxPayloadBytes = value;
            if (name == "MaxResponseBytes") options.MaxResponseBytes = value;
            if (name == "MaxConcurrency") options.MaxConcurrency = value;

            var exception = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                () => LocalLambdaServer.StartAsync(options, Token));

            Assert.Equal(name, exception.ParamName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Requests_MoreThanMaxRecordedRequests_ContainTheMostRecent()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            options.MaxRecordedRequests = 2;
            options.AddFunction("f");
        });
        using var client = server.CreateClient();
        for (var i = 0; i < 3; i++)
        {
            var request = new InvokeWithResponseStreamRequest("f") { Payload = Encoding.UTF8.GetBytes($"{i}") };
            await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        }

        var payloads = server.Requests.Select(request => Encoding.UTF8.GetString(request.Payload.Span));
        Assert.Equal(["1", "2"], payloads);
        Assert.Same(server.Requests[0], await server.WaitForRequestAsync(Token));
        Assert.Same(
            server.Requests[1], await server.WaitForRequestAsync(request => request.Payload.Span[0] == '2', Token));
    }

    private static string DecodeLog(JsonNode complete) =>
        Encoding.UTF8.GetString(Convert.FromBase64String((string)complete["LogResult"]!));

    private sealed class ObservedClock(Action onRead) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            onRead();
            return base.GetUtcNow();
        }
    }
}
