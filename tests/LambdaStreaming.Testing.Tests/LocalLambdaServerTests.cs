using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing.Tests;

public class LocalLambdaServerTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task DisposeAsync_ASecondTimeMeanwhile_WaitsForTheFirst()
    {
        var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f"), TestContext.Current.CancellationToken);

        var first = server.DisposeAsync().AsTask();
        await server.DisposeAsync();

        Assert.True(first.IsCompletedSuccessfully);
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
        Assert.Equal(["one", "twö", "event: delta\ndata: a\ndata: b\n\n"], Messages.Chunks(body));
        Assert.Equal("{}", Messages.Complete(body).ToJsonString());
    }

    [Fact]
    public async Task Invoke_FunctionStillRuns_HasSentWhatItWrote()
    {
        var goOn = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("slow", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("first", cancellationToken);
                await goOn.Task.WaitAsync(cancellationToken);
            }),
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("slow");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var first = new byte[12 + 90 + "first".Length + 4];
        await body.ReadExactlyAsync(first, Token).AsTask().WaitAsync(Soon, Token);

        Assert.Equal(["first"], Messages.Chunks(first));
        Assert.False((await server.WaitForRequestAsync(Token)).ClientDisconnected.IsCompleted);
        goOn.SetResult();
    }

    [Fact]
    public async Task Invoke_Handler_SeesTheRequest()
    {
        FunctionInvocation? seen = null;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", (invocation, _, _) =>
            {
                seen = invocation;
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

        Assert.NotNull(seen);
        Assert.Equal(("hello", "live", "e30=", "blue", "Tail", "RequestResponse"), (seen.FunctionName, seen.Qualifier, seen.ClientContext, seen.TenantId, seen.LogType, seen.InvocationType));
        Assert.Equal("""{"a":1}""", seen.PayloadAsString());
        Assert.Equal(seen.RequestId, response.Headers.GetValues("x-amzn-RequestId").Single());
        Assert.Equal((seen.RequestId, "one", 1, 200), (request.RequestId, request.SdkInvocationId, request.Attempt, request.StatusCode));
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
    public void FunctionReference_EachForm_IsUnderstood(string text, string name, string? qualifier)
    {
        Assert.True(Functions.FunctionReference.TryParse(text, out var reference));

        Assert.Equal((name, qualifier), (reference.Name, reference.Qualifier));
    }

    [Fact]
    public async Task Invoke_FunctionFailsMidway_CompletesWithItsError()
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

        Assert.Equal(["part"], Messages.Chunks(body));
        var complete = Messages.Complete(body);
        Assert.Equal(("Function.Broken", "details"), ((string?)complete["ErrorCode"], (string?)complete["ErrorDetails"]));
        Assert.Equal("about to fail\n", Encoding.UTF8.GetString(Convert.FromBase64String((string)complete["LogResult"]!)));
    }

    [Fact]
    public async Task Invoke_HandlerThrows_CompletesAsUnhandled()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("throws", (_, _, _) => throw new InvalidOperationException("boom")), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("throws");
        var complete = Messages.Complete(await response.Content.ReadAsByteArrayAsync(Token));
        var details = JsonNode.Parse((string)complete["ErrorDetails"]!)!;

        Assert.Equal(("Unhandled", "boom", "InvalidOperationException"), ((string?)complete["ErrorCode"], (string?)details["errorMessage"], (string?)details["errorType"]));
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

        using var response = await http.InvokeAsync("chatty", headers: headers => headers.Add("X-Amz-Log-Type", "Tail"));
        var tail = Convert.FromBase64String((string)Messages.Complete(await response.Content.ReadAsByteArrayAsync(Token))["LogResult"]!);

        var all = string.Concat(Enumerable.Range(0, 2000).Select(i => $"line {i}\n"));
        Assert.Equal(all[^4096..], Encoding.UTF8.GetString(tail));
    }

    [Fact]
    public async Task Invoke_DryRun_Answers204WithoutRunning()
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

        using var response = await http.InvokeAsync("hello", headers: headers => headers.Add("X-Amz-Invocation-Type", "DryRun"));

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.False(ran);
    }

    [Theory]
    [InlineData("nope", "", "", 404, "ResourceNotFoundException")]
    [InlineData("hello", "{", "", 400, "InvalidRequestContentException")]
    [InlineData("hello:one", "", "Qualifier=two", 400, "InvalidParameterValueException")]
    public async Task Invoke_CannotBeRun_AnswersTheServicesError(string function, string payload, string query, int status, string errorCode)
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
    public async Task Invoke_PayloadOver6MB_AnswersRequestTooLarge()
    {
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("hello"), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("hello", new byte[(6 * 1024 * 1024) + 101]);

        Assert.Equal(413, (int)response.StatusCode);
        Assert.Equal("RequestTooLargeException", response.Headers.GetValues("x-amzn-ErrorType").Single());
    }

    [Fact]
    public async Task Invoke_NotSigned_Answers403UnlessSwitchedOff()
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

        using var refused = await toStrict.InvokeAsync("hello", sign: false);
        using var accepted = await toLoose.InvokeAsync("hello", sign: false);

        Assert.Equal((403, "MissingAuthenticationTokenException"), ((int)refused.StatusCode, refused.Headers.GetValues("x-amzn-ErrorType").Single()));
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
        ConformanceData.LoadFile(Path.Combine(ConformanceData.Root, "responses", "documented-errors.json")).AsArray()
            .Select(row => new TheoryDataRow<string, int, string>(
                (string)row!["error"]!, (int)row["status"]!, row["members"]!.AsObject().Select(member => member.Key).Single(key => key is "message" or "Message")));

    [Theory, MemberData(nameof(DocumentedErrors))]
    public async Task RespondWithError_DocumentedError_HasItsStatusAndMembers(string errorCode, int status, string messageMember)
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("fails").RespondWithError(new ServiceErrorResponse(errorCode) { Message = "m", RetryAfter = TimeSpan.FromSeconds(2) }), Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("fails");
        var body = JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!;

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(errorCode, response.Headers.GetValues("x-amzn-ErrorType").Single());
        Assert.Equal("m", (string?)body[messageMember]);
        Assert.Equal(status >= 500 ? "Service" : "User", (string?)body["Type"]);
        Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter?.Delta);
        Assert.Contains(errorCode, ServiceErrors.DocumentedNames);
    }

    public static IEnumerable<TheoryDataRow<TruncationMode, bool>> Ends => [new(TruncationMode.EndOfBody, false), new(TruncationMode.Close, true), new(TruncationMode.Reset, true)];

    [Theory, MemberData(nameof(Ends))]
    public async Task RespondWithRaw_EachEnd_GivesTheBytesThenThatEnd(TruncationMode end, bool broken)
    {
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

        Assert.Equal((201, "1", "abcde"), ((int)response.StatusCode, response.Headers.GetValues("X-One").Single(), Encoding.ASCII.GetString(bytes)));
        Assert.Equal(broken, error is IOException);
        Assert.Equal(end == TruncationMode.Close, error is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded });
        var request = await server.WaitForRequestAsync(Token);
        response.Dispose();
        await request.Completed.WaitAsync(Soon, Token);
        Assert.False(request.ClientDisconnected.IsCompleted);
        Assert.Equal(5, request.BytesSent);
    }

    [Fact]
    public async Task ClientDisconnected_ClientClosesEarly_EndsAndCancelsTheFunction()
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
            using var response = await http.InvokeAsync("hello", headers: headers => headers.Add("amz-sdk-invocation-id", id));
            await response.Content.ReadAsByteArrayAsync(Token);
        }

        Assert.Equal([1, 1, 2], server.Requests.Select(request => request.Attempt));
        Assert.Equal(1, server.TotalConnections);
        Assert.Same(server.Requests[2], await server.WaitForRequestAsync(request => request.Attempt == 2, Token));
    }

    [Fact]
    public async Task DisposeAsync_FunctionRuns_CancelsIt()
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
    public async Task Requests_BeforeARequestIsAcceptedOrRefused_DoNotContainIt(string name, int status, string? errorCode)
    {
        var visible = new List<int>();
        LocalLambdaServer? started = null;
        // The signature is verified by this clock.
        var clock = new ObservedClock(() => visible.Add(started?.Requests.Count ?? 0));
        await using var server = started = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("f");
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(name);
        await response.Content.ReadAsByteArrayAsync(Token);

        Assert.All(visible, count => Assert.Equal(0, count));
        Assert.Equal((status, errorCode), (server.Requests[0].StatusCode, server.Requests[0].ErrorCode));
    }

    [Fact]
    public async Task Requests_MoreThanAreKept_TheLastOnes()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            options.MaxRecordedRequests = 2;
            options.AddFunction("f");
        });
        using var client = server.CreateClient();
        for (var i = 0; i < 3; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f") { Payload = System.Text.Encoding.UTF8.GetBytes($"{i}") }, TestContext.Current.CancellationToken);
        }

        Assert.Equal("12", string.Concat(server.Requests.Select(request => System.Text.Encoding.UTF8.GetString(request.Payload.Span))));
        Assert.Same(server.Requests[0], await server.WaitForRequestAsync(TestContext.Current.CancellationToken));
        Assert.Same(server.Requests[1], await server.WaitForRequestAsync(request => request.Payload.Span[0] == '2', TestContext.Current.CancellationToken));
    }

    private sealed class ObservedClock(Action onRead) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow()
        {
            onRead();
            return base.GetUtcNow();
        }
    }
}
