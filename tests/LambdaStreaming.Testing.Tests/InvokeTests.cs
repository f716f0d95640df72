using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The operation Invoke (2015-03-31): complete responses, and asynchronous invocations.</summary>
public class InvokeTests
{
    private const int MaxResponseBytes = 6_291_556;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Invoke_FunctionWritesChunks_ReturnsThemAsOneBody()
    {
        await using var server = await StartAsync(s => s.AddFunction("f", async (invocation, response, _) =>
        {
            await response.StartAsync(Token);
            await response.WriteTextAsync("{\"echo\":", Token);
            await response.WriteAsync(invocation.Payload, Token);
            await response.WriteTextAsync("}", Token);
        }).AddVersion("7").AddAlias("live", "7"));

        var result = await InvokeAsync(server, "f%3Alive", "{\"a\":1}");

        Assert.Equal((200, """{"echo":{"a":1}}"""), (result.Status, result.Body));
        Assert.Equal("application/json", result.Headers["Content-Type"]);
        Assert.Equal("16", result.Headers["Content-Length"]);
        Assert.Equal("7", result.Headers["X-Amz-Executed-Version"]);
        Assert.DoesNotContain("X-Amz-Function-Error", result.Headers);
        Assert.DoesNotContain("X-Amz-Log-Result", result.Headers);
        var request = Assert.Single(server.Requests);
        // The client can have the complete body before the server has counted it.
        await request.Completed.WaitAsync(TimeSpan.FromSeconds(30), Token);
        Assert.Equal((LambdaOperation.Invoke, 200, 16), (request.Operation, request.StatusCode, request.BytesSent));
        Assert.Equal(request.RequestId, result.Headers["x-amzn-RequestId"]);
        Assert.Null(request.FunctionErrorCode);
    }

    [Fact]
    public async Task Operation_EachOperation_IsVisibleToTheFunctionAndTheTest()
    {
        var operations = new List<LambdaOperation>();
        await using var server = await StartAsync(s => s.AddFunction("f", (invocation, _, _) =>
        {
            operations.Add(invocation.Operation);
            return Task.CompletedTask;
        }));
        using var http = new SignedHttp(server);

        using var stream = await http.InvokeAsync("f");
        await stream.Content.ReadAsByteArrayAsync(Token);
        using var buffered = await http.InvokeBufferedAsync("f");

        LambdaOperation[] expected = [LambdaOperation.InvokeWithResponseStream, LambdaOperation.Invoke];
        Assert.Equal(expected, operations);
        Assert.Equal(expected, server.Requests.Select(request => request.Operation!.Value));
    }

    [Fact]
    public async Task Invoke_FunctionWritesNothing_ReturnsAnEmptyBody()
    {
        await using var server = await StartAsync(s => s.AddFunction("f"));

        var result = await InvokeAsync(server, "f");

        Assert.Equal((200, "", "0"), (result.Status, result.Body, result.Headers["Content-Length"]));
    }

    [Fact]
    public async Task Invoke_LogTypeTail_ReturnsTheLogInAHeader()
    {
        await using var server = await StartAsync(s => s.AddFunction("f", (_, response, _) =>
        {
            response.Log("first");
            response.Log("second");
            return Task.CompletedTask;
        }));
        using var http = new SignedHttp(server);

        using var response = await http.InvokeBufferedAsync("f", headers: h => h.Add("X-Amz-Log-Type", "Tail"));

        var log = response.Headers.GetValues("X-Amz-Log-Result").Single();
        Assert.Equal("first\nsecond\n", Encoding.UTF8.GetString(Convert.FromBase64String(log)));
    }

    [Theory]
    [InlineData("it \"broke\"", """{"errorType":"Function.Broken","errorMessage":"it \"broke\""}""")]
    [InlineData("42", """{"errorType":"Function.Broken","errorMessage":"42"}""")]
    [InlineData("", """{"errorType":"Function.Broken","errorMessage":""}""")]
    [InlineData("""{"errorMessage":"é", "trace":[]}""", """{"errorMessage":"é", "trace":[]}""")]
    public async Task Fail_AfterAChunk_ReturnsOnlyTheErrorWithStatus200(string details, string body)
    {
        await using var server = await StartAsync(s => s.AddFunction("f", async (_, response, _) =>
        {
            await response.WriteTextAsync("part", Token);
            response.Fail("Function.Broken", details);
        }));

        var result = await InvokeAsync(server, "f");

        Assert.Equal((200, body), (result.Status, result.Body));
        Assert.Equal("Unhandled", result.Headers["X-Amz-Function-Error"]);
        Assert.Equal("$LATEST", result.Headers["X-Amz-Executed-Version"]);
        var request = Assert.Single(server.Requests);
        Assert.Equal(("Function.Broken", details), (request.FunctionErrorCode, request.FunctionErrorDetails));
    }

    [Fact]
    public async Task Invoke_FunctionThrows_ReturnsTheExceptionAsJson()
    {
        await using var server = await StartAsync(
            s => s.AddFunction("f", (_, _, _) => throw new InvalidOperationException("boom")));

        var result = await InvokeAsync(server, "f");

        var error = JsonNode.Parse(result.Body)!;
        Assert.Equal("boom", (string?)error["errorMessage"]);
        Assert.Equal("InvalidOperationException", (string?)error["errorType"]);
        Assert.NotEmpty(error["stackTrace"]!.AsArray());
        Assert.Equal("Unhandled", result.Headers["X-Amz-Function-Error"]);
    }

    [Fact]
    public async Task WithTimeout_Elapses_ReturnsSandboxTimedout()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(s =>
        {
            s.TimeProvider = clock;
            s.AddFunction("f", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("part", cancellationToken);
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }).WithTimeout(TimeSpan.FromSeconds(3));
        });

        var pending = InvokeAsync(server, "f");
        var request = await server.WaitForRequestAsync(Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        var result = await pending;

        var message = $"RequestId: {request.RequestId} Error: Task timed out after 3.00 seconds";
        Assert.Equal($$"""{"errorType":"Sandbox.Timedout","errorMessage":"{{message}}"}""", result.Body);
        Assert.Equal((200, "Unhandled"), (result.Status, result.Headers["X-Amz-Function-Error"]));
    }

    [Theory]
    [InlineData(null, MaxResponseBytes, null)]
    [InlineData(null, MaxResponseBytes + 1, MaxResponseBytes)]
    [InlineData(1000L, 1000, null)]
    [InlineData(1000L, 1001, 1000)]
    [InlineData(long.MaxValue, MaxResponseBytes + 1, MaxResponseBytes)]
    public async Task Invoke_LargeResponse_IsLimited(long? limit, int length, int? limitInError)
    {
        await using var server = await StartAsync(s =>
        {
            s.MaxResponseBytes = limit;
            s.AddFunction("f", async (_, response, cancellationToken) =>
            {
                await response.WriteAsync(new byte[length - 1], cancellationToken);
                await response.WriteAsync(new byte[1], cancellationToken);
            });
        });

        var result = await InvokeAsync(server, "f");

        Assert.Equal(200, result.Status);
        if (limitInError is null)
        {
            Assert.Equal(length, result.Body.Length);
            return;
        }

        var message = $"Response payload size exceeded maximum allowed payload size ({limitInError} bytes).";
        Assert.Equal($$"""{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"{{message}}"}""", result.Body);
        Assert.Equal("Unhandled", result.Headers["X-Amz-Function-Error"]);
    }

    [Fact]
    public async Task Invoke_DryRun_Returns204WithoutRunning()
    {
        var ran = false;
        await using var server = await StartAsync(s => s.AddFunction("f", (_, _, _) =>
        {
            ran = true;
            return Task.CompletedTask;
        }));

        var result = await InvokeAsync(server, "f", invocationType: "DryRun");

        Assert.Equal((204, "", false), (result.Status, result.Body, ran));
    }

    [Fact]
    public async Task Invoke_ClientDisconnects_CancelsTheFunction()
    {
        var cancelled = new TaskCompletionSource();
        await using var server = await StartAsync(s => s.AddFunction("f", async (_, response, cancellationToken) =>
        {
            cancellationToken.Register(cancelled.SetResult);
            await response.WriteTextAsync("part", cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }));

        var http = new SignedHttp(server);
        var pending = http.InvokeBufferedAsync("f");
        var request = await server.WaitForRequestAsync(Token);
        http.Dispose();

        await Assert.ThrowsAnyAsync<Exception>(() => pending);
        await request.ClientDisconnected.WaitAsync(Soon, Token);
        await cancelled.Task.WaitAsync(Soon, Token);
    }

    [Fact]
    public async Task Event_FunctionSucceeds_RunsOnceAfterTheResponse()
    {
        var release = new TaskCompletionSource();
        var received = new List<FunctionInvocation>();
        await using var server = await StartAsync(s => s.AddFunction("f", async (invocation, response, token) =>
        {
            received.Add(invocation);
            await release.Task.WaitAsync(token);
            await response.WriteTextAsync("nobody reads this", token);
        }));

        var result = await InvokeAsync(
            server, "f", "{\"a\":1}", "Event", headers => headers.Add("X-Amz-Client-Context", "e30="));
        var request = Assert.Single(server.Requests);

        Assert.Equal((202, "", "0"), (result.Status, result.Body, result.Headers["Content-Length"]));
        Assert.Equal(request.RequestId, result.Headers["x-amzn-RequestId"]);
        string[] absent = ["Content-Type", "X-Amz-Executed-Version", "X-Amz-Function-Error", "X-Amz-Log-Result"];
        Assert.DoesNotContain(result.Headers.Keys, name => absent.Contains(name, StringComparer.OrdinalIgnoreCase));
        Assert.False(request.Completed.IsCompleted);
        release.SetResult();
        await request.Completed.WaitAsync(Soon, Token);
        var invocation = Assert.Single(received);
        Assert.Equal(("Event", "{\"a\":1}"), (invocation.InvocationType, invocation.PayloadAsString()));
        Assert.Null(invocation.ClientContext);
        Assert.Equal((202, null), (request.StatusCode, request.FunctionErrorCode));
    }

    [Fact]
    public async Task Event_FunctionFails_RecordsTheErrorAndDoesNotRetry()
    {
        var calls = 0;
        await using var server = await StartAsync(s => s.AddFunction("f", (_, response, _) =>
        {
            calls++;
            response.Fail("Function.Broken", "it broke");
            return Task.CompletedTask;
        }));

        var result = await InvokeAsync(server, "f", invocationType: "Event");
        var request = await server.WaitForRequestAsync(Token);
        await request.Completed.WaitAsync(Soon, Token);

        Assert.Equal((202, 1), (result.Status, calls));
        Assert.Equal(("Function.Broken", "it broke"), (request.FunctionErrorCode, request.FunctionErrorDetails));
        Assert.DoesNotContain("X-Amz-Function-Error", result.Headers);
    }

    [Fact]
    public async Task Event_TimeoutElapses_RecordsSandboxTimedout()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(s =>
        {
            s.TimeProvider = clock;
            s.AddFunction("f", (_, _, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken))
                .WithTimeout(TimeSpan.FromSeconds(3));
        });

        await InvokeAsync(server, "f", invocationType: "Event");
        var request = await server.WaitForRequestAsync(Token);
        Assert.False(request.Completed.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(3));
        await request.Completed.WaitAsync(Soon, Token);

        Assert.Equal("Sandbox.Timedout", request.FunctionErrorCode);
    }

    [Fact]
    public async Task Event_FunctionIsRunning_CountsAsConcurrentUntilItEnds()
    {
        var release = new TaskCompletionSource();
        await using var server = await StartAsync(s => s
            .AddFunction("f", (_, _, cancellationToken) => release.Task.WaitAsync(cancellationToken))
            .WithReservedConcurrency(1));

        var first = await InvokeAsync(server, "f", invocationType: "Event");
        var second = await InvokeAsync(server, "f");
        release.SetResult();
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        Result third;
        do third = await InvokeAsync(server, "f");
        while (third.Status == 429);

        Assert.Equal((202, 429, 200), (first.Status, second.Status, third.Status));
        var reason = (string?)JsonNode.Parse(second.Body)!["Reason"];
        Assert.Equal("ReservedFunctionConcurrentInvocationLimitExceeded", reason);
    }

    [Fact]
    public async Task DisposeAsync_EventIsRunning_CancelsTheFunction()
    {
        var cancelled = new TaskCompletionSource();
        var server = await StartAsync(s => s.AddFunction("f", async (_, _, cancellationToken) =>
        {
            cancellationToken.Register(cancelled.SetResult);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }));

        await InvokeAsync(server, "f", invocationType: "Event");
        await server.DisposeAsync();

        await cancelled.Task.WaitAsync(Soon, Token);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
    }

    [Fact]
    public async Task Invoke_NotSigned_Returns403()
    {
        await using var server = await StartAsync(s => s.AddFunction("f"));
        using var http = new SignedHttp(server);

        using var response = await http.InvokeBufferedAsync("f", sign: false);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("MissingAuthenticationTokenException", GetErrorType(response));
    }

    [Fact]
    public async Task Invoke_PayloadIsTooLarge_Returns413()
    {
        await using var server = await StartAsync(s =>
        {
            s.MaxPayloadBytes = 10;
            s.AddFunction("f");
        });

        var result = await InvokeAsync(server, "f", "\"123456789\"");

        Assert.Equal((413, "RequestEntityTooLargeException"), (result.Status, result.Headers["x-amzn-ErrorType"]));
        const string Message = "Request must be smaller than 10 bytes for the InvokeFunction operation";
        Assert.Equal($$"""{"message":"{{Message}}"}""", result.Body);
    }

    [Theory]
    [InlineData(1_048_576, 202)]
    [InlineData(1_048_577, 413)]
    public async Task Event_Payload_IsLimitedTo1MiB(int length, int status)
    {
        await using var server = await StartAsync(s => s.AddFunction("f"));

        var result = await InvokeAsync(server, "f", "\"" + new string('x', length - 2) + "\"", "Event");

        Assert.Equal(status, result.Status);
        if (status == 202) return;
        Assert.Equal("RequestEntityTooLargeException", result.Headers["x-amzn-ErrorType"]);
        const string Message =
            "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)";
        Assert.Equal($$"""{"message":"{{Message}}"}""", result.Body);
    }

    private static Task<LocalLambdaServer> StartAsync(Action<LocalLambdaServerOptions> configure) =>
        LocalLambdaServer.StartAsync(configure, Token);

    private static string GetErrorType(HttpResponseMessage response) =>
        response.Headers.GetValues("x-amzn-ErrorType").Single();

    private static async Task<Result> InvokeAsync(
        LocalLambdaServer server,
        string functionName,
        string payload = "{}",
        string? invocationType = null,
        Action<System.Net.Http.Headers.HttpRequestHeaders>? headers = null)
    {
        using var http = new SignedHttp(server);
        using var response = await http.InvokeBufferedAsync(
            functionName, Encoding.UTF8.GetBytes(payload), invocationType, headers);
        var body = await response.Content.ReadAsByteArrayAsync(Token);
        var all = response.Headers.Concat(response.Content.Headers).ToDictionary(
            header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase);
        return new((int)response.StatusCode, Encoding.UTF8.GetString(body), all);
    }

    private sealed record Result(int Status, string Body, Dictionary<string, string> Headers);
}
