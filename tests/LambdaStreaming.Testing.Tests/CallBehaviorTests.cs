using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class CallBehaviorTests
{
    // The function "ab" writes two chunks of one byte. Then an empty InvokeComplete follows.
    private const int ChunkBytes = 12 + 90 + 1 + 4;
    private const int CompleteBytes = ChunkBytes + ChunkBytes + 102;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(ChunkBytes)]
    [InlineData(137)]
    [InlineData(CompleteBytes - 1)]
    public async Task TruncateAfterBytes_EachOffset_SendsThatManyBytes(int bytes)
    {
        foreach (var mode in TruncationModes.WithoutLoss)
        {
            await using var server = await StartAsync(f => f.OnEveryCall().TruncateAfterBytes(bytes, mode));

            (var body, var error) = await ReadAsync(server);

            Assert.Equal(bytes, body.Length);
            Assert.Equal(mode != TruncationMode.EndOfBody, error is IOException);
            var isEarlyEnd = error is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded };
            Assert.Equal(mode == TruncationMode.Close, isEarlyEnd);
        }
    }

    [Fact]
    public async Task TruncateAfterBytes_BeyondEndOfResponse_ResponseIsComplete()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().TruncateAfterBytes(CompleteBytes + 1, TruncationMode.Reset));

        (var body, var error) = await ReadAsync(server);

        Assert.Null(error);
        Assert.Equal(["a", "b"], Messages.GetChunks(body));
        Assert.Equal(CompleteBytes, body.Length);
    }

    [Fact]
    public async Task OnCall_SeveralCalls_OnlyThatCallHasTheFault()
    {
        await using var server = await StartAsync(f => f
            .OnCall(2).TruncateAfterBytes(1, TruncationMode.EndOfBody)
            .OnCalls(3, 4).Throttle());

        var lengths = new int[5];
        for (var i = 0; i < 5; i++) lengths[i] = (await ReadAsync(server)).Body.Length;

        Assert.Equal([CompleteBytes, 1, lengths[2], lengths[2], CompleteBytes], lengths);
        Assert.Equal([200, 200, 429, 429, 200], server.Requests.Select(request => request.StatusCode));
    }

    [Fact]
    public async Task OnEveryCall_ThenOnCall_LastBehaviorApplies()
    {
        await using var server = await StartAsync(f =>
        {
            f.OnEveryCall().RespondWithStatus(503);
            f.OnCall(2).Delay(TimeSpan.Zero);
        });

        await ReadAsync(server);
        await ReadAsync(server);

        Assert.Equal([503, 200], server.Requests.Select(request => request.StatusCode));
    }

    [Theory]
    [InlineData(TruncationMode.Close)]
    [InlineData(TruncationMode.Reset)]
    public async Task CloseBeforeHeaders_EachMode_RequestFailsWithoutResponse(TruncationMode mode)
    {
        await using var server = await StartAsync(f => f.OnEveryCall().CloseBeforeHeaders(mode));
        using var http = new SignedHttp(server);

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => http.InvokeAsync("ab"));

        var cause = (error.InnerException as IOException)?.InnerException;
        var isReset = cause is SocketException { SocketErrorCode: SocketError.ConnectionReset };
        Assert.Equal(mode == TruncationMode.Reset, isReset);
        Assert.Null((await server.WaitForRequestAsync(Token)).StatusCode);
    }

    [Fact]
    public void CloseBeforeHeaders_EndOfBody_ThrowsArgumentException() =>
        Assert.Throws<ArgumentException>(() => CreateBehavior().CloseBeforeHeaders(TruncationMode.EndOfBody));

    [Fact]
    public async Task TruncateAfterChunks_One_EndsBetweenMessages()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().TruncateAfterChunks(1, TruncationMode.EndOfBody));

        (var body, var error) = await ReadAsync(server);

        Assert.Equal((ChunkBytes, null), (body.Length, error));
    }

    [Fact]
    public async Task TruncateAfterChunks_MoreThanTheFunctionWrites_EndsBeforeInvokeComplete()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().TruncateAfterChunks(9, TruncationMode.EndOfBody));

        (var body, var error) = await ReadAsync(server);

        Assert.Equal((2 * ChunkBytes, null), (body.Length, error));
    }

    [Fact]
    public async Task TruncateBeforeInvokeComplete_EndOfBody_OmitsInvokeComplete()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody));

        (var body, var error) = await ReadAsync(server);

        Assert.Equal((2 * ChunkBytes, null), (body.Length, error));
    }

    [Fact]
    public async Task FlipBit_OneByte_ChangesOnlyThatBit()
    {
        await using var server = await StartAsync(f => f.OnCall(2).FlipBit(50).WriteInFragments(7));

        var good = (await ReadAsync(server)).Body;
        var bad = (await ReadAsync(server)).Body;

        good[50] ^= 1;
        Assert.Equal(good, bad);
    }

    [Fact]
    public async Task UnknownEventAfterChunks_One_IsBetweenTheChunks()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().UnknownEventAfterChunks(1, "Novelty"));

        var messages = Messages.Decode((await ReadAsync(server)).Body);

        Assert.Equal(
            ["PayloadChunk", "Novelty", "PayloadChunk", "InvokeComplete"],
            messages.Select(message => message.Headers[":event-type"]));
    }

    [Fact]
    public async Task ExceptionAfterChunks_One_EndsTheStream()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().ExceptionAfterChunks(1, "ServiceException", "no \"luck\""));

        var messages = Messages.Decode((await ReadAsync(server)).Body);

        Assert.Equal(2, messages.Count);
        Assert.Equal("exception", messages[1].Headers[":message-type"]);
        Assert.Equal("ServiceException", messages[1].Headers[":exception-type"]);
        Assert.Equal("""{"message":"no \"luck\""}""", Encoding.UTF8.GetString(messages[1].Payload));
    }

    [Fact]
    public async Task ErrorAfterChunks_MoreThanTheFunctionWrites_ReplacesInvokeComplete()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().ErrorAfterChunks(9, "InternalError", "sorry"));

        var messages = Messages.Decode((await ReadAsync(server)).Body);

        Assert.Equal(3, messages.Count);
        var headers = messages[2].Headers;
        Assert.Equal("error", headers[":message-type"]);
        Assert.Equal(("InternalError", "sorry"), (headers[":error-code"], headers[":error-message"]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    public async Task FunctionErrorAfterChunks_EachNumber_FunctionFailsAfterTheseChunks(int chunks)
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().FunctionErrorAfterChunks(chunks, "Bad", "\"no\""));
        using var client = server.CreateClient();
        var texts = new List<string>();

        var failure = await Assert.ThrowsAsync<FunctionErrorException>(async () =>
        {
            await foreach (var text in client.InvokeTextAsync("ab", cancellationToken: Token)) texts.Add(text);
        });

        Assert.Equal(new[] { "a", "b" }.Take(chunks), texts);
        Assert.Equal(("Bad", "Bad"), (failure.ErrorCode, failure.FunctionErrorType));
        Assert.Equal("\"no\"", failure.FunctionErrorMessage);
        var request = Assert.Single(server.Requests);
        Assert.Equal(("Bad", failure.ErrorDetails), (request.FunctionErrorCode, request.FunctionErrorDetails));
    }

    [Fact]
    public async Task StallAfterChunks_One_KeepsTheConnectionUntilTheClientDisconnects()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().StallAfterChunks(1));
        var http = new SignedHttp(server);
        var response = await http.InvokeAsync("ab");
        var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[ChunkBytes], Token);
        var request = await server.WaitForRequestAsync(Token);
        Assert.False(request.Completed.IsCompleted);

        response.Dispose();
        http.Dispose();

        await request.ClientDisconnected.WaitAsync(Soon, Token);
        await request.Completed.WaitAsync(Soon, Token);
        Assert.Equal(ChunkBytes, request.BytesSent);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StallAfterChunks_FunctionTimesOut_SendsNothingMore(bool oversized)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var timedOut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.VerifySignatures = false;
                var function = s.AddFunction("ab", async (_, response, cancellationToken) =>
                {
                    cancellationToken.Register(timedOut.SetResult);
                    await response.WriteTextAsync("a", cancellationToken);
                }).WithTimeout(TimeSpan.FromMinutes(1));
                if (oversized) function.OnEveryCall().OversizedMessageAfterChunks(1, uint.MaxValue);
                else function.OnEveryCall().StallAfterChunks(1);
            },
            Token);
        using var http = new SignedHttp(server);
        var sent = ChunkBytes + (oversized ? 12 : 0);

        using var response = await http.InvokeAsync("ab");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[sent], Token);
        clock.Advance(TimeSpan.FromMinutes(1));
        await timedOut.Task.WaitAsync(Soon, Token);
        await InvokeOtherFunctionAsync(server, http);
        var request = server.Requests[0];
        Assert.True(SpinWait.SpinUntil(() => request.BytesSent >= sent, Soon));
        var completed = request.Completed.IsCompleted;
        await server.DisposeAsync();

        Assert.IsAssignableFrom<IOException>(await Record.ExceptionAsync(() => body.CopyToAsync(Stream.Null, Token)));
        Assert.Equal((false, sent), (completed, request.BytesSent));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(205)]
    [InlineData(304)]
    public async Task RespondWithStatus_StatusWithoutBody_SendsEmptyBody(int status)
    {
        await using var server = await StartAsync(f => f.OnEveryCall().RespondWithStatus(status));
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("ab");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
        Assert.Null(response.Content.Headers.ContentType);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(600)]
    public void RespondWithStatus_NotAFinalStatus_ThrowsArgumentOutOfRangeException(int status) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => CreateBehavior().RespondWithStatus(status));

    [Fact]
    public async Task OversizedMessageAfterChunks_LambdaStreamingClient_ThrowsResponseStreamCorruptException()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().OversizedMessageAfterChunks(1, uint.MaxValue));
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("ab"), Token);
        var error = await Assert.ThrowsAsync<ResponseStreamCorruptException>(async () =>
        {
            await foreach (var chunk in response.ReadChunksAsync(Token))
                Assert.Equal("a"u8.ToArray(), chunk.ToArray());
        });

        Assert.Equal(1, error.ChunksReceived);
    }

    [Fact]
    public async Task Delay_ServerClock_DelaysTheHeaders()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(f => f.OnEveryCall().Delay(TimeSpan.FromMinutes(1)), clock);
        using var http = new SignedHttp(server);

        var pending = http.InvokeAsync("ab");
        var request = await server.WaitForRequestAsync(Token);
        await InvokeOtherFunctionAsync(server, http);
        Assert.Equal((false, null), (pending.IsCompleted, request.StatusCode));
        clock.Advance(TimeSpan.FromMinutes(1));

        using var response = await pending;
        Assert.Equal(200, request.StatusCode);
    }

    [Fact]
    public void Delay_Negative_ThrowsArgumentOutOfRangeException()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => CreateBehavior().Delay(TimeSpan.FromTicks(-1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => CreateBehavior().DelayEachChunk(Timeout.InfiniteTimeSpan));
    }

    [Fact]
    public async Task RespondWithError_DryRun_ReturnsTheError()
    {
        await using var server = await StartAsync(f => f.RespondWithError("AccessDeniedException"));
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("ab", headers: RequestDryRun);

        Assert.Equal(403, (int)response.StatusCode);
        Assert.Equal("AccessDeniedException", Assert.Single(server.Requests).ErrorCode);
    }

    [Fact]
    public async Task OnCall_EarlierCallIsADryRun_CountsIt()
    {
        await using var server = await StartAsync(f => f.OnCall(2).Throttle());
        using var http = new SignedHttp(server);

        using var first = await http.InvokeAsync("ab", headers: RequestDryRun);
        using var second = await http.InvokeAsync("ab", headers: RequestDryRun);
        using var third = await http.InvokeAsync("ab");

        Assert.Equal([204, 429, 200], new[] { first, second, third }.Select(response => (int)response.StatusCode));
    }

    [Fact]
    public async Task Delay_DryRun_DelaysTheResponse()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(f => f.OnEveryCall().Delay(TimeSpan.FromMinutes(1)), clock);
        using var http = new SignedHttp(server);

        var pending = http.InvokeAsync("ab", headers: RequestDryRun);
        var request = await server.WaitForRequestAsync(Token).WaitAsync(Soon, Token);
        await InvokeOtherFunctionAsync(server, http);
        Assert.Null(request.StatusCode);
        clock.Advance(TimeSpan.FromMinutes(1));
        using var response = await pending.WaitAsync(Soon, Token);

        Assert.Equal(204, (int)response.StatusCode);
    }

    [Fact]
    public async Task TruncateAfterBytes_DryRun_HasNoEffect()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().TruncateAfterBytes(0, TruncationMode.Reset));
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("ab", headers: RequestDryRun);

        Assert.Equal(204, (int)response.StatusCode);
        Assert.False(Assert.Single(server.Requests).IsTruncated);
    }

    public static TheoryData<string, bool> Ends => new()
    {
        { "complete", false },
        { "slow", false },
        { "error", false },
        { "raw", false },
        { "function error", false },
        { "truncated raw", true },
        { "bytes", true },
        { "bytes, end of body", true },
        { "chunks", true },
        { "exception", true },
        { "before headers", true },
        { "by the function", true },
    };

    [Theory, MemberData(nameof(Ends))]
    public async Task IsTruncated_EachEnd_IsTrueIfTheServerEndsTheResponseEarly(string end, bool expected)
    {
        await using var server = await StartAsync(f => _ = end switch
        {
            "slow" => f.OnEveryCall().WriteInFragments(7),
            "error" => f.OnEveryCall().Throttle(),
            "raw" => f.OnEveryCall().RespondWithStatus(503),
            "function error" => f.OnEveryCall().FunctionErrorAfterChunks(1, "Bad", "no"),
            "truncated raw" => f.OnEveryCall().RespondWithRaw(new RawResponse { End = TruncationMode.Close }),
            "bytes" => f.OnEveryCall().TruncateAfterBytes(10, TruncationMode.Close),
            "bytes, end of body" => f.OnEveryCall().TruncateAfterBytes(10, TruncationMode.EndOfBody),
            "chunks" => f.OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.Close),
            "exception" => f.OnEveryCall().ExceptionAfterChunks(1, "ServiceException", "no"),
            "before headers" => f.OnEveryCall().CloseBeforeHeaders(TruncationMode.Reset),
            _ => null,
        });
        server.AddFunction("aborted", (_, response, cancellationToken) =>
            response.AbortAsync(TruncationMode.Close, cancellationToken));
        var http = new SignedHttp(server);

        await Record.ExceptionAsync(async () =>
        {
            using var response = await http.InvokeAsync(end == "by the function" ? "aborted" : "ab");
            await response.Content.ReadAsByteArrayAsync(Token);
        });
        http.Dispose();
        var request = Assert.Single(server.Requests);
        await request.Completed.WaitAsync(Soon, Token);

        Assert.Equal(expected, request.IsTruncated);
    }

    private static void RequestDryRun(HttpRequestHeaders headers) => headers.Add("X-Amz-Invocation-Type", "DryRun");

    private static CallBehavior CreateBehavior() => new LocalLambdaServerOptions().AddFunction("f").OnCall(1);

    private static Task<LocalLambdaServer> StartAsync(Action<LocalFunction> configure, TimeProvider? clock = null) =>
        LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock ?? TimeProvider.System;
                configure(s.AddFunction("ab", async (_, response, cancellationToken) =>
                {
                    await response.WriteTextAsync("a", cancellationToken);
                    await response.WriteTextAsync("b", cancellationToken);
                }));
            },
            Token);

    // During these calls, a call that should wait could continue.
    private static async Task InvokeOtherFunctionAsync(LocalLambdaServer server, SignedHttp http)
    {
        server.AddFunction("other");
        for (var call = 0; call < 20; call++) (await http.InvokeAsync("other")).Dispose();
    }

    private static async Task<(byte[] Body, Exception? Error)> ReadAsync(LocalLambdaServer server)
    {
        using var http = new SignedHttp(server);
        using var response = await http.InvokeAsync("ab");
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var body = new MemoryStream();
        var error = await Record.ExceptionAsync(() => stream.CopyToAsync(body, 1, Token));
        return (body.ToArray(), error);
    }
}
