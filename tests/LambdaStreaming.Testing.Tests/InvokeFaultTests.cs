using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Injected faults with the operation Invoke.</summary>
public class InvokeFaultTests
{
    // The function "ab" writes two chunks with 4 bytes each.
    private const string Body = "\"a\",\"b\"";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    public async Task TruncateAfterBytes_EachOffset_SendsThatManyBytes(int bytes)
    {
        foreach (var mode in TruncationModes.WithoutLoss)
        {
            await using var server = await StartAsync(f => f.OnEveryCall().TruncateAfterBytes(bytes, mode));

            var result = await ReadAsync(server);

            Assert.Equal((200, Body[..bytes]), (result.Status, result.Body));
            Assert.Equal(mode == TruncationMode.EndOfBody ? bytes : Body.Length, result.ContentLength);
            AssertEnd(mode, result.Error);
        }
    }

    [Fact]
    public async Task TruncateAfterBytes_BeyondEndOfResponse_ResponseIsComplete()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().TruncateAfterBytes(Body.Length + 1, TruncationMode.Reset));

        var result = await ReadAsync(server);

        Assert.Equal((Body, null), (result.Body, result.Error));
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "\"a\"")]
    [InlineData(2, Body)]
    [InlineData(9, Body)]
    [InlineData(int.MaxValue, Body)]
    public async Task TruncateAfterChunks_EachNumber_SendsTheseChunks(int chunks, string expected)
    {
        foreach (var mode in TruncationModes.WithoutLoss)
        {
            await using var server = await StartAsync(f =>
            {
                if (chunks == int.MaxValue) f.OnEveryCall().TruncateBeforeInvokeComplete(mode);
                else f.OnEveryCall().TruncateAfterChunks(chunks, mode);
            });

            var result = await ReadAsync(server);

            Assert.Equal((200, expected), (result.Status, result.Body));
            Assert.Equal(expected.Length + (mode == TruncationMode.EndOfBody ? 0 : 1), result.ContentLength);
            AssertEnd(mode, result.Error);
        }
    }

    [Fact]
    public async Task FlipBit_InFragments_ChangesOnlyThatBit()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().FlipBit(5).WriteInFragments(2));

        var result = await ReadAsync(server);

        Assert.Equal((Body.Replace('b', 'c'), null), (result.Body, result.Error));
    }

    [Fact]
    public async Task ExceptionAfterChunks_One_IsAServiceError()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().ExceptionAfterChunks(1, "ServiceException", "it broke"));

        var result = await ReadAsync(server);

        Assert.Equal((500, """{"Type":"Service","Message":"it broke"}"""), (result.Status, result.Body));
        var request = Assert.Single(server.Requests);
        Assert.Equal((500, "ServiceException"), (request.StatusCode, request.ErrorCode));
    }

    [Fact]
    public async Task FunctionErrorAfterChunks_One_IsTheErrorOfTheFunction()
    {
        await using var server = await StartAsync(f => f.OnEveryCall().FunctionErrorAfterChunks(1, "Bad", "it broke"));

        var result = await ReadAsync(server);

        Assert.Equal(
            (200, """{"errorMessage":"it broke","errorType":"Bad","stackTrace":[]}"""), (result.Status, result.Body));
    }

    [Fact]
    public async Task ErrorAfterChunks_MoreThanTheFunctionWrites_IsAServiceError()
    {
        await using var server = await StartAsync(f =>
            f.OnEveryCall().ErrorAfterChunks(9, "InternalFailure", "it broke"));

        var result = await ReadAsync(server);

        Assert.Equal((500, """{"message":"it broke"}"""), (result.Status, result.Body));
    }

    [Theory]
    [InlineData("UnknownEvent", null)]
    [InlineData("Bytes", null)]
    [InlineData("OversizedMessage", null)]
    [InlineData("UnknownEvent", "Event")]
    [InlineData("Bytes", "Event")]
    [InlineData("OversizedMessage", "Event")]
    public async Task EventStreamFault_EachFault_IsRejectedWithoutRunning(string fault, string? invocationType)
    {
        var ran = false;
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                var call = s.AddFunction("ab", (_, _, _) =>
                {
                    ran = true;
                    return Task.CompletedTask;
                }).OnEveryCall();
                _ = fault switch
                {
                    "UnknownEvent" => call.UnknownEventAfterChunks(1, "Novelty"),
                    "Bytes" => call.BytesAfterChunks(1, new byte[1]),
                    _ => call.OversizedMessageAfterChunks(1, uint.MaxValue),
                };
            },
            Token);

        var result = await ReadAsync(server, invocationType).WaitAsync(Soon, Token);

        Assert.Equal((400, false), (result.Status, ran));
        Assert.Equal("InvalidParameterValueException", Assert.Single(server.Requests).ErrorCode);
        Assert.Contains("applies only to InvokeWithResponseStream", (string?)JsonNode.Parse(result.Body)!["message"]);
    }

    [Fact]
    public async Task EventStreamFault_DryRun_HasNoEffect()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("ab", (_, _, _) => Task.CompletedTask)
                .OnEveryCall().UnknownEventAfterChunks(1, "Novelty"),
            Token);

        Assert.Equal(204, (await ReadAsync(server, "DryRun").WaitAsync(Soon, Token)).Status);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task StallAfterChunks_EachNumber_SendsNothing(int chunks)
    {
        await using var server = await StartAsync(f => f.OnCall(1).StallAfterChunks(chunks));
        var http = new SignedHttp(server);

        var pending = http.InvokeBufferedAsync("ab");
        var request = await server.WaitForRequestAsync(Token);
        // Without the stall, the first call would end before the second, or soon after it.
        Assert.Equal(Body, (await ReadAsync(server)).Body);
        http.Dispose();
        await Record.ExceptionAsync(() => pending);
        await request.Completed.WaitAsync(Soon, Token);

        Assert.Equal((null, 0L), (request.StatusCode, request.BytesSent));
        Assert.True(request.ClientDisconnected.IsCompleted);
    }

    [Fact]
    public async Task DelayEachChunk_ServerClock_DelaysTheResponse()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(
            f => f.WithTimeout(TimeSpan.FromDays(40)).OnEveryCall().DelayEachChunk(TimeSpan.FromSeconds(1)), clock);

        var pending = ReadAsync(server);
        await server.WaitForRequestAsync(Token);
        Assert.False(pending.IsCompleted);
        while (!pending.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Token);   // lets the server set its next timer
        }

        Assert.Equal(Body, (await pending).Body);
    }

    [Fact]
    public async Task Delay_EventInvocation_DelaysTheResponseAndTheFunction()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(f => f.OnEveryCall().Delay(TimeSpan.FromMinutes(1)), clock);

        var pending = ReadAsync(server, "Event");
        var request = await server.WaitForRequestAsync(Token);
        Assert.False(pending.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(202, (await pending).Status);
        await request.Completed.WaitAsync(Soon, Token);
        Assert.Null(request.FunctionErrorCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Event")]
    [InlineData("DryRun")]
    public async Task ServiceFaults_EachCall_ReplaceTheResponse(string? invocationType)
    {
        var calls = 0;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("ab", (_, _, _) =>
            {
                calls++;
                return Task.CompletedTask;
            })
            .OnCall(1).Throttle()
            .OnCall(2).RespondWithStatus(503)
            .OnCall(3).CloseBeforeHeaders(TruncationMode.Close)
            .OnCall(4).RespondWithError("KMSAccessDeniedException"),
            Token);

        var first = await ReadAsync(server, invocationType);
        var second = await ReadAsync(server, invocationType);
        await Assert.ThrowsAsync<HttpRequestException>(() => ReadAsync(server, invocationType));
        var fourth = await ReadAsync(server, invocationType);

        Assert.Equal((429, 503, 502, 0), (first.Status, second.Status, fourth.Status, calls));
    }

    [Fact]
    public async Task ChunkFaults_EventInvocation_DoNotReachTheFunction()
    {
        var completed = false;
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("ab", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("a", cancellationToken);
                await response.WriteTextAsync("b", cancellationToken);
                completed = true;
            }).OnEveryCall().TruncateAfterChunks(1, TruncationMode.Reset),
            Token);

        var result = await ReadAsync(server, "Event");
        await server.Requests[0].Completed.WaitAsync(Soon, Token);

        Assert.Equal((202, true), (result.Status, completed));
    }

    [Fact]
    public async Task AbortAsync_AfterAChunk_SendsAnIncompleteBody()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("ab", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("a", cancellationToken);
                await response.AbortAsync(TruncationMode.Close, cancellationToken);
            }),
            Token);

        var result = await ReadAsync(server);

        Assert.Equal(("a", 2L), (result.Body, result.ContentLength));
        AssertEnd(TruncationMode.Close, result.Error);
    }

    private static void AssertEnd(TruncationMode mode, Exception? error)
    {
        Assert.Equal(mode != TruncationMode.EndOfBody, error is IOException);
        var isEarlyEnd = error is HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded };
        Assert.Equal(mode == TruncationMode.Close, isEarlyEnd);
    }

    private static Task<LocalLambdaServer> StartAsync(Action<LocalFunction> configure, TimeProvider? clock = null) =>
        LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock ?? TimeProvider.System;
                configure(s.AddFunction("ab", async (_, response, cancellationToken) =>
                {
                    await response.WriteTextAsync("\"a\"", cancellationToken);
                    await response.WriteTextAsync(",\"b\"", cancellationToken);
                }));
            },
            Token);

    private static async Task<(int Status, string Body, long? ContentLength, Exception? Error)> ReadAsync(
        LocalLambdaServer server, string? invocationType = null)
    {
        using var http = new SignedHttp(server);
        using var response = await http.InvokeBufferedAsync("ab", invocationType: invocationType);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var body = new MemoryStream();
        var error = await Record.ExceptionAsync(() => stream.CopyToAsync(body, 1, Token));
        var text = Encoding.UTF8.GetString(body.ToArray());
        return ((int)response.StatusCode, text, response.Content.Headers.ContentLength, error);
    }
}
