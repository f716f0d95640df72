using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class LocalServerLimitTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithTimeout_FunctionIgnoresItsToken_EndsWithSandboxTimedout()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var never = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("slow", async (_, response, _) =>
                {
                    await response.WriteTextAsync("part", CancellationToken.None);
                    await never.Task;
                }).WithTimeout(TimeSpan.FromSeconds(3));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("slow");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[12 + 90 + 4 + 4], Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        var remaining = new MemoryStream();
        await body.CopyToAsync(remaining, Token);
        var complete = Messages.GetInvokeComplete(remaining.ToArray());

        Assert.Equal("Sandbox.Timedout", (string?)complete["ErrorCode"]);
        Assert.EndsWith("Error: Task timed out after 3.00 seconds", (string?)complete["ErrorDetails"]);
        never.SetResult();
    }

    [Fact]
    public async Task WithTimeout_ElapsesWhenTheRequestIsVisible_EndsWithSandboxTimedout()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("slow", (_, _, cancellationToken) => Task.Delay(Timeout.Infinite, cancellationToken))
                    .WithTimeout(TimeSpan.FromSeconds(3));
            },
            Token);
        using var http = new SignedHttp(server);

        var pending = http.InvokeAsync("slow");
        await server.WaitForRequestAsync(Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        using var response = await pending.WaitAsync(Soon, Token);

        var complete = Messages.GetInvokeComplete(await response.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal("Sandbox.Timedout", (string?)complete["ErrorCode"]);
    }

    [Fact]
    public async Task WithTimeout_WriteWaitsForTheClient_EndsWithSandboxTimedout()
    {
        const int ChunkBytes = 16 * 1024 * 1024;    // more than the sockets can buffer
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var writing = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var cancelled = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("large", async (_, response, cancellationToken) =>
                {
                    var write = response.WriteAsync(new byte[ChunkBytes], cancellationToken);
                    writing.SetResult(write.IsCompleted);
                    await write.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    cancelled.SetResult(cancellationToken.IsCancellationRequested);
                }).WithTimeout(TimeSpan.FromSeconds(3));
            },
            Token);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("large"), Token);
        Assert.False(await writing.Task.WaitAsync(Soon, Token));
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await cancelled.Task.WaitAsync(Soon, Token));
        var failure = await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.CopyToAsync(Stream.Null, Token).WaitAsync(Soon, Token));

        Assert.Equal(("Sandbox.Timedout", ChunkBytes), (failure.ErrorCode, failure.BytesReceived));
    }

    [Theory]
    [InlineData(LambdaOperation.InvokeWithResponseStream)]
    [InlineData(LambdaOperation.Invoke)]
    public async Task WithTimeout_ElapsesDuringAWrite_WriteIsComplete(LambdaOperation operation)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var text = new string('x', 1024);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("large", async (_, response, cancellationToken) =>
                {
                    await response.WriteTextAsync(text, cancellationToken);
                    // Only this sends the chunk with Invoke.
                    if (operation == LambdaOperation.Invoke)
                        await response.AbortAsync(TruncationMode.EndOfBody, cancellationToken);
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }).WithTimeout(TimeSpan.FromSeconds(3)).OnEveryCall().WriteInFragments(1);
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = operation == LambdaOperation.Invoke
            ? await http.InvokeBufferedAsync("large")
            : await http.InvokeAsync("large");
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var first = new byte[1];
        await stream.ReadExactlyAsync(first, Token).AsTask().WaitAsync(Soon, Token);
        var body = new MemoryStream();
        body.Write(first);
        clock.Advance(TimeSpan.FromSeconds(3));
        await stream.CopyToAsync(body, Token).WaitAsync(Soon, Token);

        if (operation == LambdaOperation.Invoke)
        {
            Assert.Equal(text, Encoding.UTF8.GetString(body.ToArray()));
            return;
        }

        Assert.Equal([text], Messages.GetChunks(body.ToArray()));
        Assert.Equal("Sandbox.Timedout", (string?)Messages.GetInvokeComplete(body.ToArray())["ErrorCode"]);
    }

    [Fact]
    public void WithTimeout_LongerThanATimerAllows_Throws()
    {
        var function = new LocalLambdaServerOptions().AddFunction("f");

        foreach (var duration in (TimeSpan[])[TimeSpan.FromDays(50), TimeSpan.MaxValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => function.WithTimeout(duration));
            Assert.Throws<ArgumentOutOfRangeException>(() => function.OnEveryCall().Delay(duration));
            Assert.Throws<ArgumentOutOfRangeException>(() => function.OnEveryCall().DelayEachChunk(duration));
        }
    }

    [Fact]
    public async Task WithTimeout_LongestWithTheLongestDelay_CallEnds()
    {
        var longest = TimeSpan.FromDays(49);
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("f").WithTimeout(longest).OnEveryCall().Delay(longest);
            },
            Token);
        using var http = new SignedHttp(server);

        var call = http.InvokeAsync("f");
        await server.WaitForRequestAsync(Token).WaitAsync(Soon, Token);
        clock.Advance(longest);
        using var response = await call.WaitAsync(Soon, Token);

        Assert.True(response.IsSuccessStatusCode);
    }

    [Fact]
    public async Task RunAsync_TimeoutElapsesDuringATruncation_WaitsForTheTruncation()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var options = new LocalLambdaServerOptions { TimeProvider = clock };
        var function = options.AddFunction("f").WithTimeout(TimeSpan.FromSeconds(3));
        var truncation = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var body = new SlowlyTruncatedBody(truncation.Task);
        var invocation = TestCall.CreateInvocation();
        var request = TestCall.CreateRequest();
        using var run = new Functions.FunctionRun(
            options, function, TruncateAsync, invocation, TimeSpan.Zero, CancellationToken.None);

        var running = run.RunAsync(body, Faults.InjectedFaults.None, request);
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True(SpinWait.SpinUntil(() => request.FunctionErrorCode == "Sandbox.Timedout", Soon));
        Assert.False(running.IsCompleted);
        truncation.SetResult();

        await running.WaitAsync(Soon, Token);

        static Task TruncateAsync(FunctionInvocation _, FunctionResponse response, CancellationToken token) =>
            response.AbortAsync(TruncationMode.Close, token);
    }

    [Theory]
    [InlineData(true, "ReservedFunctionConcurrentInvocationLimitExceeded")]
    [InlineData(false, "ConcurrentInvocationLimitExceeded")]
    public async Task Concurrency_LimitExceeded_ReturnsTooManyRequestsExceptionWithReason(bool reserved, string reason)
    {
        var release = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                var function = s.AddFunction("held", async (_, response, cancellationToken) =>
                {
                    await response.StartAsync(cancellationToken);
                    await release.Task.WaitAsync(cancellationToken);
                });
                if (reserved) function.WithReservedConcurrency(1);
                else s.MaxConcurrency = 1;
            },
            Token);
        using var http = new SignedHttp(server);

        using var held = await http.InvokeAsync("held");
        using var throttled = await http.InvokeAsync("held");
        release.SetResult();
        await held.Content.ReadAsByteArrayAsync(Token);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        using var again = await http.InvokeAsync("held");

        Assert.Equal([200, 429, 200], new[] { held, throttled, again }.Select(response => (int)response.StatusCode));
        Assert.Equal(reason, (string?)JsonNode.Parse(await throttled.Content.ReadAsStringAsync(Token))!["Reason"]);
    }

    [Fact]
    public async Task OnCall_EarlierAttemptWasThrottledByALimit_CountsThatAttempt()
    {
        var release = new TaskCompletionSource();
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("held", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("text", cancellationToken);
                await release.Task.WaitAsync(cancellationToken);
            }).WithReservedConcurrency(1).OnCall(3).TruncateAfterChunks(1, TruncationMode.EndOfBody),
            Token);
        using var http = new SignedHttp(server);

        using var first = await http.InvokeAsync("held");
        using var throttled = await http.InvokeAsync("held");
        release.SetResult();
        await first.Content.ReadAsByteArrayAsync(Token);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        using var third = await http.InvokeAsync("held");
        var messages = Messages.Decode(await third.Content.ReadAsByteArrayAsync(Token));

        Assert.Equal([200, 429, 200], new[] { first, throttled, third }.Select(response => (int)response.StatusCode));
        Assert.Equal(["PayloadChunk"], messages.Select(message => message.Headers[":event-type"]));
    }

    public static TheoryData<string, Type> EarlierEnds => new()
    {
        { "timeout", typeof(OperationCanceledException) },
        { "size limit", typeof(OperationCanceledException) },
        { "injected error", typeof(OperationCanceledException) },
        { "Fail", typeof(InvalidOperationException) },
    };

    [Theory, MemberData(nameof(EarlierEnds))]
    public async Task WriteAsync_AfterTheEndOfTheResponse_ThrowsTheExceptionOfItsReason(string end, Type expected)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var failure = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                if (end == "size limit") s.MaxResponseBytes = 1;
                var function = s.AddFunction("late", async (_, response, cancellationToken) =>
                {
                    await response.WriteTextAsync("text", CancellationToken.None)
                        .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    if (end == "Fail") response.Fail("Bad", "no");
                    else await ended.Task.WaitAsync(Soon, Token);
                    failure.SetResult(await Record.ExceptionAsync(
                        () => response.WriteTextAsync("late", cancellationToken)));
                }).WithTimeout(TimeSpan.FromSeconds(3));
                if (end == "injected error") function.OnEveryCall().FunctionErrorAfterChunks(1, "Bad", "no");
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("late");
        if (end == "timeout") clock.Advance(TimeSpan.FromSeconds(3));
        await response.Content.ReadAsByteArrayAsync(Token).WaitAsync(Soon, Token);
        ended.SetResult();

        Assert.IsType(expected, await failure.Task.WaitAsync(Soon, Token), exactMatch: false);
    }

    [Fact]
    public async Task MaxResponseBytes_FunctionWritesMore_TruncatesWithResponseSizeTooLarge()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.MaxResponseBytes = 10;
                s.AddFunction("large", async (_, response, cancellationToken) =>
                {
                    while (true) await response.WriteTextAsync("1234", cancellationToken);
                });
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("large");
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(["1234", "1234", "12"], Messages.GetChunks(body));
        Assert.Equal("Function.ResponseSizeTooLarge", (string?)Messages.GetInvokeComplete(body)["ErrorCode"]);
    }

    [Fact]
    public async Task LimitBandwidth_BeyondSixMiB_SendsTwoMiBPerSecond()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var bandwidth = new Functions.Bandwidth(clock);

        await bandwidth.TakeAsync(6 * 1024 * 1024, Token);
        var next = bandwidth.TakeAsync(1024 * 1024, Token);
        clock.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(next.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));

        await next.WaitAsync(Soon, Token);
    }

    [Fact]
    public async Task LimitBandwidth_SmallResponse_IsNotDelayed()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.LimitBandwidth = true;
                s.AddFunction("small", WriteText("x"));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync("small");

        Assert.Equal(["x"], Messages.GetChunks(await response.Content.ReadAsByteArrayAsync(Token)));
    }

    [Theory]
    [InlineData("f", 200, "$LATEST", "new")]
    [InlineData("f:1", 200, "1", "old")]
    [InlineData("f:live", 200, "1", "old")]
    [InlineData("f:%24LATEST", 200, "$LATEST", "new")]
    [InlineData("f:2", 404, null, null)]
    [InlineData("any:whatever", 200, "$LATEST", "any")]
    [InlineData("any:7", 200, "7", "any")]
    public async Task Versions_EachQualifier_RunsItsVersion(string name, int status, string? version, string? text)
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.AddFunction("f", WriteText("new")).AddVersion("1", WriteText("old")).AddAlias("live", "1");
                s.AddFunction("any", WriteText("any"));
            },
            Token);
        using var http = new SignedHttp(server);

        using var response = await http.InvokeAsync(name);
        var body = await response.Content.ReadAsByteArrayAsync(Token);

        Assert.Equal(status, (int)response.StatusCode);
        if (version is null)
        {
            Assert.Contains(":function:f:2", Encoding.UTF8.GetString(body));
            return;
        }

        Assert.Equal(version, response.Headers.GetValues("X-Amz-Executed-Version").Single());
        Assert.Equal([text!], Messages.GetChunks(body));
    }

    private static FunctionHandler WriteText(string text) =>
        (_, response, cancellationToken) => response.WriteTextAsync(text, cancellationToken);

    private sealed class SlowlyTruncatedBody(Task truncation) : Functions.IResponseBody
    {
        public long? MaxPayloadBytes => null;

        public bool HasEnded { get; private set; }

        public Task StartAsync(string contentType) => Task.CompletedTask;

        public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
            Task.CompletedTask;

        public Task InterruptAsync(Faults.Interruption interruption) => Task.CompletedTask;

        public Task AbortAsync(TruncationMode mode)
        {
            HasEnded = true;
            return truncation;
        }

        public Task CompleteAsync(Functions.FunctionError? error, Functions.LogTail log) =>
            throw new InvalidOperationException("The response has ended.");
    }
}
