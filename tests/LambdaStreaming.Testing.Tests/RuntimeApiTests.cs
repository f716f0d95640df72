using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>The Runtime API with requests that the official runtimes do not send.</summary>
public class RuntimeApiTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_LargeErrorInTrailers_ArrivesCompletely()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();
        string details = new('x', 100_000);

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var connection = await process.StartStreamingAsync(
            await process.NextIdAsync(),
            "part",
            "Lambda-Runtime-Function-Error-Type: RangeError\r\n"
            + $"Lambda-Runtime-Function-Error-Body: {Convert.ToBase64String(Encoding.UTF8.GetBytes(details))}\r\n");

        Assert.Equal(new("part", "RangeError", details), await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Error_LargeCauseInHeader_ArrivesCompletely()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();
        string details = new('x', 100_000);

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.PostAsync(
            $"invocation/{await process.NextIdAsync()}/error",
            details,
            ("lambda-runtime-function-xray-error-cause", details));

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal(new("", "Unhandled", details), await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Error_ConnectionEndsDuringTheBody_FailsTheCall()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var path = $"invocation/{await process.NextIdAsync()}/error";
        using (await process.SendRawAsync(BeginPost(path)))
        {
        }

        Assert.Equal("Runtime.TruncatedResponse", (await call.WaitAsync(Soon, Token)).ErrorCode);
    }

    [Fact]
    public async Task InitError_ConnectionEndsDuringTheBody_FailsTheCall()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using (await process.SendRawAsync(BeginPost("init/error")))
        {
        }

        Assert.Equal("Runtime.ImportModuleError", (await call.WaitAsync(Soon, Token)).ErrorCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("text/plain; name=ä")]
    public async Task Response_ContentTypeIsInvalid_IsIgnored(string contentType)
    {
        using var runtime = CreateRuntime();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.SendFunctionContentType = true;
                s.AddFunction("fake", runtime.Options);
            },
            Token);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.PostAsync(
            $"invocation/{await process.NextIdAsync()}/response", "good", ("Content-Type", contentType));

        Assert.Equal(new("good", null, null), await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Response_StartsASecondTime_IsRejectedAndTheFirstContinues()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = client.InvokeWithResponseStreamAsync(new("fake"), Token);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        using var first = await process.StartStreamingAsync(id, "part", trailers: null);
        await using var response = await call.WaitAsync(Soon, Token);
        await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await chunks.MoveNextAsync().AsTask().WaitAsync(Soon, Token));   // the first one has started
        Assert.Equal("part"u8, chunks.Current.ToArray());
        using var second = await process.RespondAsync(id, "again");
        await first.GetStream().WriteAsync("0\r\n\r\n"u8.ToArray(), Token);

        Assert.Equal((HttpStatusCode.Forbidden, "InvalidStateTransition"), await ReadErrorAsync(second));
        Assert.False(await chunks.MoveNextAsync().AsTask().WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task Response_FaultIsInjected_ClientSeesTheFaultAndTheProcessContinues()
    {
        using var runtime = CreateRuntime(maxProcesses: 1);
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("fake", runtime.Options)
                .OnCall(1).TruncateAfterChunks(1, TruncationMode.Close)
                .OnCall(2).Throttle(),
            Token);
        using var client = server.CreateClient(options => options.Retry.Policy = LambdaRetryPolicy.Never);

        var truncated = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "part");
        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => truncated.WaitAsync(Soon, Token));
        await Assert.ThrowsAsync<TooManyRequestsException>(() => InvokeAsync(client).WaitAsync(Soon, Token));
        var next = InvokeAsync(client);
        using var acceptedToo = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("good", (await next.WaitAsync(Soon, Token)).Text);
    }

    [Fact]
    public async Task Response_IdIsUnknown_IsRejected()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        using var unknown = await process.RespondAsync("8476a536-e9f4-11e8-9739-2dfe598c3fcd", "lost");
        using var accepted = await process.RespondAsync(id, "good");
        await call.WaitAsync(Soon, Token);
        var next = InvokeAsync(client);
        var nextId = await process.NextIdAsync();
        using var late = await process.PostAsync($"invocation/{id}/error", "{}");
        using var acceptedToo = await process.RespondAsync(nextId, "next");

        Assert.Equal((HttpStatusCode.BadRequest, "InvalidRequestID"), await ReadErrorAsync(unknown));
        Assert.Equal((HttpStatusCode.BadRequest, "InvalidRequestID"), await ReadErrorAsync(late));
        Assert.Equal("next", (await next.WaitAsync(Soon, Token)).Text);
    }

    [Theory]
    [InlineData("response")]
    [InlineData("error")]
    public async Task Response_FirstHasEnded_SecondIsRejected(string path)
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        using var accepted = await process.RespondAsync(id, "good");
        Assert.Equal("good", (await call.WaitAsync(Soon, Token)).Text);
        using var repeated = await process.PostAsync($"invocation/{id}/{path}", "{}");

        Assert.Equal((HttpStatusCode.Forbidden, "InvalidStateTransition"), await ReadErrorAsync(repeated));
    }

    [Fact]
    public async Task Response_ModeIsUnknown_FailsTheCall()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var rejected = await process.PostAsync(
            $"invocation/{await process.NextIdAsync()}/response",
            "good",
            ("Lambda-Runtime-Function-Response-Mode", "buffered"));

        Assert.Equal((HttpStatusCode.BadRequest, "InvalidFunctionResponseMode"), await ReadErrorAsync(rejected));
        Assert.Equal("Runtime.InvalidResponseModeHeader", (await call.WaitAsync(Soon, Token)).ErrorCode);
    }

    [Fact]
    public async Task InitError_AfterTheFirstNext_IsRejected()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        using var rejected = await process.PostAsync("init/error", "{}");
        using var accepted = await process.RespondAsync(id, "good");

        Assert.Equal((HttpStatusCode.Forbidden, "InvalidStateTransition"), await ReadErrorAsync(rejected));
        Assert.Equal("good", (await call.WaitAsync(Soon, Token)).Text);
    }

    [Fact]
    public async Task Next_RequestHasNoTraceId_HasATraceId()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var next = await process.NextAsync();
        var id = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        using var accepted = await process.RespondAsync(id, "good");
        await call.WaitAsync(Soon, Token);

        Assert.Matches(
            "^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$",
            next.Headers.GetValues("Lambda-Runtime-Trace-Id").Single());
    }

    [Fact]
    public async Task Delay_RuntimeProcess_DeadlineIncludesTheDelay()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var delay = TimeSpan.FromMinutes(1);
        var timeout = TimeSpan.FromSeconds(3);
        var deadline = clock.GetUtcNow() + delay + timeout;
        using var runtime = CreateRuntime();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("fake", runtime.Options).WithTimeout(timeout).OnEveryCall().Delay(delay);
            },
            Token);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        await server.WaitForRequestAsync(Token).WaitAsync(Soon, Token);
        clock.Advance(delay);
        var process = await runtime.NextProcessAsync();
        using var next = await process.NextAsync();
        var id = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        using var accepted = await process.RespondAsync(id, "good");

        Assert.Equal("good", (await call.WaitAsync(Soon, Token)).Text);
        Assert.Equal(
            deadline.ToUnixTimeMilliseconds().ToString(),
            next.Headers.GetValues("Lambda-Runtime-Deadline-Ms").Single());
    }

    [Fact]
    public async Task ConcurrencyPerProcess_TwoPollers_AreServedByOneProcess()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 1, concurrencyPerProcess: 2);
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var firstId = await process.NextIdAsync();
        var second = InvokeAsync(client);
        var secondId = await process.NextIdAsync();
        var third = InvokeAsync(client);
        using var acceptedSecond = await process.RespondAsync(secondId, "two");
        Assert.Equal("two", (await second.WaitAsync(Soon, Token)).Text);
        var thirdId = await process.NextIdAsync();
        using var acceptedFirst = await process.RespondAsync(firstId, "one");
        using var acceptedThird = await process.RespondAsync(thirdId, "three");

        Assert.Equal("one", (await first.WaitAsync(Soon, Token)).Text);
        Assert.Equal("three", (await third.WaitAsync(Soon, Token)).Text);
        Assert.False(runtime.HasAnotherProcess());
    }

    [Fact]
    public async Task ConcurrencyPerProcess_CallsArriveTogether_StartOneProcess()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 1, concurrencyPerProcess: 8);
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        Task<CallResult>[] calls = [.. Enumerable.Range(0, 8).Select(_ => InvokeAsync(client))];
        var process = await runtime.NextProcessAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => process.NextIdAsync()));
        foreach (var id in ids)
        {
            using var accepted = await process.RespondAsync(id, "good");
        }

        Assert.All(await Task.WhenAll(calls).WaitAsync(Soon, Token), call => Assert.Equal("good", call.Text));
        Assert.False(runtime.HasAnotherProcess());
    }

    [Fact]
    public async Task ConcurrencyPerProcess_ProcessDoesNotStart_FailsEachCallUntilItStarts()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 1, concurrencyPerProcess: 2);
        var folder = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("fake", runtime.Options with { TaskRoot = folder }), Token);
        using var client = server.CreateClient();

        var failed = await Task.WhenAll(InvokeAsync(client), InvokeAsync(client), InvokeAsync(client))
            .WaitAsync(Soon, Token);
        Directory.CreateDirectory(folder);
        try
        {
            var call = InvokeAsync(client);
            var process = await runtime.NextProcessAsync();
            using var accepted = await process.RespondAsync(await process.NextIdAsync(), "good");
            Assert.Equal("good", (await call.WaitAsync(Soon, Token)).Text);
        }
        finally
        {
            Directory.Delete(folder);
        }

        Assert.All(failed, call => Assert.Equal("Runtime.InvalidEntrypoint", call.ErrorCode));
    }

    // With a process for each call, one after another, the last calls would wait for their timeout.
    [Fact]
    public async Task ConcurrencyPerProcess_ProcessExitsBeforeItsFirstRequest_FailsTheCallsThatWaitForIt()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 1, concurrencyPerProcess: 8);
        var gate = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString());
        var starts = 0;
        var options = runtime.Options with
        {
            Arguments = ["-c", $"echo started; until [ -e '{gate}' ]; do sleep 0.01; done; exit 3"],
            OutputReceived = _ => Interlocked.Increment(ref starts),
        };
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("fake", options), Token);
        using var client = server.CreateClient();

        Task<CallResult>[] calls = [.. Enumerable.Range(0, 8).Select(_ => InvokeAsync(client))];
        CallResult[] results;
        try
        {
            // The server can lose a line that it receives after the exit.
            Assert.True(SpinWait.SpinUntil(
                () => server.Requests.Count == 8 && Volatile.Read(ref starts) > 0, Soon));
            File.WriteAllText(gate, "");
            results = await Task.WhenAll(calls).WaitAsync(Soon, Token);
        }
        finally
        {
            File.Delete(gate);
        }

        Assert.All(results, call => Assert.Equal("Runtime.ExitError", call.ErrorCode));
        // A call that arrived after the exit starts another process.
        Assert.InRange(starts, 1, 7);
    }

    [Fact]
    public async Task ConcurrencyPerProcess_ResponseIsTruncated_OtherCallEndsInItsProcess()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 2, concurrencyPerProcess: 2);
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var truncated = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var connection = await process.StartStreamingAsync(await process.NextIdAsync(), "part", trailers: null);
        var other = InvokeAsync(client);
        var otherId = await process.NextIdAsync();
        connection.Dispose();
        Assert.Equal("Runtime.TruncatedResponse", (await truncated.WaitAsync(Soon, Token)).ErrorCode);
        using var accepted = await process.RespondAsync(otherId, "other");
        Assert.Equal("other", (await other.WaitAsync(Soon, Token)).Text);
        var next = InvokeAsync(client);
        var another = await runtime.NextProcessAsync();
        using var acceptedToo = await another.RespondAsync(await another.NextIdAsync(), "next");

        Assert.Equal("next", (await next.WaitAsync(Soon, Token)).Text);
    }

    [Theory]
    [InlineData("Lambda-Runtime-Aws-Tenant-Id", "blüe", null)]
    [InlineData("Lambda-Runtime-Trace-Id", null, "Root=ü")]
    public async Task Next_ValueIsNotAscii_FailsTheCallAndServesTheNextCall(
        string header, string? tenant, string? trace)
    {
        using var runtime = CreateRuntime(maxProcesses: 1);
        await using var server = await StartAsync(runtime, verifySignatures: false);
        using var client = server.CreateClient();

        var bad = await SendAsync(server, tenant, trace);
        var process = await runtime.NextProcessAsync();
        var next = process.NextIdAsync();
        var good = InvokeAsync(client);
        using var accepted = await process.RespondAsync(await next, "good");

        Assert.Equal("Runtime.Unknown", (string?)bad["ErrorCode"]);
        Assert.Contains(header, (string?)bad["ErrorDetails"]);
        Assert.Equal("good", (await good.WaitAsync(Soon, Token)).Text);
    }

    [Theory]
    [InlineData("{\"name\":\"Zoë\",\n\t\"tab\":\"\\t\",\"face\":\"😀\",\"delete\":\"\u007f\",\"é\":[1, 1.0, 1E400]}")]
    [InlineData("{}")]
    public async Task Next_ClientContextIsAnObject_ArrivesAsOneLineOfAscii(string context)
    {
        var arrived = await DeliverClientContextAsync(context);

        Assert.Equal(JsonNode.Parse(context)!.ToJsonString(), JsonNode.Parse(arrived)!.ToJsonString());
        Assert.DoesNotContain(arrived, c => c is < ' ' or > '~');
    }

    [Fact]
    public async Task Next_ClientContextHasAnEscapedLoneSurrogate_ArrivesUnchanged() =>
        Assert.Equal("""{"a":"\ud800","a":2}""", await DeliverClientContextAsync("""{"a":"\ud800","a":2}"""));

    [Fact]
    public async Task Next_ClientContextIsDeeplyNested_ArrivesUnchanged()
    {
        var deep = "{\"a\":" + new string('[', 1_100) + new string(']', 1_100) + "}";

        Assert.Equal(deep, await DeliverClientContextAsync(deep));
    }

    [Fact]
    public async Task Process_ExitsAfterItsResponse_NextCallUsesANewProcess()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "one");
        Assert.Equal("one", (await first).Text);
        var second = InvokeAsync(client);
        await server.WaitForRequestAsync(Token);
        await server.WaitForRequestAsync(Token);
        process.Kill();
        process = await runtime.NextProcessAsync();
        using var acceptedToo = await process.RespondAsync(await process.NextIdAsync(), "two");

        Assert.Equal(new("two", null, null), await second.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task InvokeAsync_ReusedProcessExitsBeforeDelivery_LeavesTheCallIncomplete()
    {
        using var runtime = CreateRuntime();
        await using var process = await RuntimeProcess.StartAsync(
            runtime.Options, new LocalLambdaServerOptions(), "fake");
        var program = await runtime.NextProcessAsync();
        var first = CreateCall();
        var firstInvocation = process.InvokeAsync(first);
        await program.NextIdAsync();
        first.SetCompleted();
        await firstInvocation;
        var second = CreateCall();

        var secondInvocation = process.InvokeAsync(second);
        program.Kill();
        await secondInvocation.WaitAsync(Soon, Token);

        Assert.True(process.HasExited);
        Assert.False(second.IsDelivered);
        Assert.False(second.Completed.IsCompleted);
    }

    [Fact]
    public async Task InvokeAsync_ProcessExitsWhileTheClientReadsSlowly_ResponseIsComplete()
    {
        using var runtime = CreateRuntime();
        await using var process = await RuntimeProcess.StartAsync(
            runtime.Options, new LocalLambdaServerOptions(), "fake");
        var clock = new TimerClock();
        process.ExitClock = clock;
        var program = await runtime.NextProcessAsync();
        var body = new SlowlyReadBody();
        using var cancellation = new CancellationTokenSource();
        var output = CreateOutput(body, cancellation);
        var call = CreateCall(output);

        var invocation = process.InvokeAsync(call);
        using var connection = await program.StartStreamingAsync(await program.NextIdAsync(), "part", trailers: "");
        await body.WriteStarted.WaitAsync(Soon, Token);
        program.Kill();
        // One wait for the end of the connections, and two for the end of the response.
        for (var wait = 0; wait < 3; wait++)
        {
            await Task.WhenAny(clock.WaitForTimerAsync(), invocation).WaitAsync(Soon, Token);
            clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.False(invocation.IsCompleted);
        body.Continue();
        await invocation.WaitAsync(Soon, Token);
        Assert.Null(output.Error);
    }

    // Kestrel cancels RequestAborted as soon as the peer has closed its side, even if it still has bytes of the body.
    [Fact]
    public async Task ReceiveAsync_ProcessHasClosedItsConnection_ResponseIsComplete()
    {
        var body = new SlowlyReadBody();
        body.Continue();
        using var cancellation = new CancellationTokenSource();
        var output = CreateOutput(body, cancellation);
        var call = CreateCall(output);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RuntimeResponse.ReceiveAsync(CreateClosedRequest("text"), call));

        Assert.Null(output.Error);
        Assert.True(call.Completed.IsCompletedSuccessfully);
        Assert.True(body.WriteStarted.IsCompleted);
    }

    [Fact]
    public async Task TryReadErrorAsync_ProcessHasClosedItsConnection_ReturnsTheError() =>
        Assert.Equal("{}", await RuntimeMessages.TryReadErrorAsync(CreateClosedRequest("{}")));

    [Fact]
    public async Task DisposeAsync_ADescendantCannotBeKilled_EndsAndStopsTheRuntimeApi()
    {
        using var runtime = CreateRuntime();
        var script = runtime.Options.Arguments[1];
        // The supervisor, a shell, cannot kill the program while it is stopped.
        var options = runtime.Options with { Arguments = ["-c", "kill -s STOP $PPID; " + script] };
        var process = await RuntimeProcess.StartAsync(options, new LocalLambdaServerOptions(), "fake");
        var clock = new TimerClock();
        process.ExitClock = clock;
        process.Kill = supervisor =>
        {
            supervisor.Kill(entireProcessTree: true);
            throw new AggregateException(new Win32Exception(1));
        };
        var program = await runtime.NextProcessAsync();

        var disposal = process.DisposeAsync().AsTask();
        await clock.WaitForTimerAsync().WaitAsync(Soon, Token);
        clock.Advance(TimeSpan.FromMinutes(1));
        await disposal.WaitAsync(Soon, Token);

        await Assert.ThrowsAsync<HttpRequestException>(() => program.NextAsync());
    }

    [Fact]
    public void Connection_IsIdleDuringTheLongestCall_StaysOpen()
    {
        using var kestrel = Loopback.Create(0, null, null, RuntimeProcess.SetLimits);

        Assert.True(kestrel.Options.Limits.KeepAliveTimeout > TimeSpan.FromDays(50));
    }

    [Fact]
    public async Task Process_RequestsItsNextCallLate_NextCallWaitsForIt()
    {
        using var runtime = CreateRuntime(maxProcesses: 1);
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "one");
        Assert.Equal("one", (await first).Text);
        var second = InvokeAsync(client);
        await server.WaitForRequestAsync(Token);
        await server.WaitForRequestAsync(Token);
        using var acceptedToo = await process.RespondAsync(await process.NextIdAsync(), "two");

        Assert.Equal("two", (await second.WaitAsync(Soon, Token)).Text);
        Assert.False(runtime.HasAnotherProcess());
    }

    [Fact]
    public async Task Process_PostsInitErrorAndKeepsRunning_IsReplaced()
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        // After this error, the server stops the process and its Runtime API. The request can fail, because that might
        // happen before the reply has arrived.
        var errorType = ("Lambda-Runtime-Function-Error-Type", "Runtime.ImportModuleError");
        await Record.ExceptionAsync(async () =>
            (await process.PostAsync("init/error", "no such file", errorType)).Dispose());
        Assert.Equal(new("", "Runtime.ImportModuleError", "no such file"), await first.WaitAsync(Soon, Token));
        var second = InvokeAsync(client);
        process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("good", (await second.WaitAsync(Soon, Token)).Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Concurrency_ClientDisconnects_IsHeldUntilTheProcessResponds(bool reserved)
    {
        using var runtime = CreateRuntime(maxProcesses: 1);
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                var function = s.AddFunction("fake", runtime.Options);
                if (reserved) function.WithReservedConcurrency(1);
                else s.MaxConcurrency = 1;
            },
            Token);
        using var cancellation = new CancellationTokenSource();
        using var http = new SignedHttp(server);
        using var client = server.CreateClient();

        var abandoned = client.InvokeWithResponseStreamAsync(new("fake"), cancellation.Token);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        using var throttled = await http.InvokeAsync("fake").WaitAsync(Soon, Token);
        using var accepted = await process.RespondAsync(id, "late");
        var next = process.NextIdAsync();
        var again = http.InvokeAsync("fake");
        while (await Task.WhenAny(again, next).WaitAsync(Soon, Token) == again) again = http.InvokeAsync("fake");
        using var acceptedToo = await process.RespondAsync(await next, "again");
        using var good = await again.WaitAsync(Soon, Token);

        Assert.Equal([HttpStatusCode.TooManyRequests, HttpStatusCode.OK], [throttled.StatusCode, good.StatusCode]);
    }

    [Fact]
    public async Task Concurrency_FunctionTimesOut_IsReleased()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var runtime = CreateRuntime();
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock;
                s.AddFunction("fake", runtime.Options).WithTimeout(TimeSpan.FromSeconds(3)).WithReservedConcurrency(1);
            },
            Token);
        using var client = server.CreateClient();

        var late = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        await process.NextIdAsync();
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal("Sandbox.Timedout", (await late.WaitAsync(Soon, Token)).ErrorCode);
        await server.Requests[0].Completed.WaitAsync(Soon, Token);
        var second = InvokeAsync(client);
        process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("good", (await second.WaitAsync(Soon, Token)).Text);
    }

    /// <summary>Returns the beginning of a request that reports an error.</summary>
    private static string BeginPost(string path) =>
        $"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {{address}}\r\nContent-Length: 100\r\n"
        + "Lambda-Runtime-Function-Error-Type: Runtime.ImportModuleError\r\n\r\n{\"errorMessage\":";

    private static async Task<(HttpStatusCode, string?)> ReadErrorAsync(HttpResponseMessage response) =>
        (response.StatusCode, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(Token))!["errorType"]);

    private static FakeRuntime CreateRuntime(int maxProcesses = 10)
    {
        FakeRuntime.SkipIfNotSupported();
        return new(maxProcesses);
    }

    private static Task<LocalLambdaServer> StartAsync(FakeRuntime runtime, bool verifySignatures = true) =>
        LocalLambdaServer.StartAsync(
            s =>
            {
                s.VerifySignatures = verifySignatures;
                s.AddFunction("fake", runtime.Options);
            },
            Token);

    /// <summary>Sends headers that LambdaStreamingClient rejects.</summary>
    private static async Task<JsonNode> SendAsync(LocalLambdaServer server, string? tenant, string? trace)
    {
        using var http = new SignedHttp(server);
        using var response = await http.InvokeAsync(
            "fake",
            headers: headers =>
            {
                if (tenant is not null) headers.TryAddWithoutValidation("X-Amz-Tenant-Id", tenant);
                if (trace is not null) headers.TryAddWithoutValidation("X-Amzn-Trace-Id", trace);
            },
            sign: false).WaitAsync(Soon, Token);
        return Messages.GetInvokeComplete(await response.Content.ReadAsByteArrayAsync(Token).WaitAsync(Soon, Token));
    }

    /// <summary>Returns the client context that the process receives.</summary>
    private static async Task<string> DeliverClientContextAsync(string context)
    {
        using var runtime = CreateRuntime();
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient();

        var call = InvokeAsync(client, Convert.ToBase64String(Encoding.UTF8.GetBytes(context)));
        var process = await runtime.NextProcessAsync();
        using var next = await process.NextAsync();
        var id = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        using var accepted = await process.RespondAsync(id, "good");

        Assert.Equal("good", (await call.WaitAsync(Soon, Token)).Text);
        return next.Headers.GetValues("Lambda-Runtime-Client-Context").Single();
    }

    private static DefaultHttpContext CreateClosedRequest(string body)
    {
        var context = new DefaultHttpContext { RequestAborted = new CancellationToken(canceled: true) };
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        return context;
    }

    private static FunctionOutput CreateOutput(IResponseBody body, CancellationTokenSource cancellation) => new(
        body,
        InjectedFaults.None,
        TestCall.CreateRequest(),
        TimeProvider.System,
        cancellation,
        functionCancellation: cancellation,
        aborted: CancellationToken.None);

    private static RuntimeInvocation CreateCall(FunctionOutput? output = null)
    {
        var invocation = new FunctionInvocation
        {
            RequestId = Guid.NewGuid().ToString(),
            FunctionName = "fake",
            ExecutedVersion = "1",
            InvocationType = "RequestResponse",
            LogType = "None",
            Headers = new Dictionary<string, string>(),
        };
        return new(invocation, new(output!));
    }

    private static async Task<CallResult> InvokeAsync(LambdaStreamingClient client, string? clientContext = null)
    {
        var request = new InvokeWithResponseStreamRequest("fake") { ClientContext = clientContext };
        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
        var text = new StringBuilder();
        try
        {
            await foreach (var chunk in response.ReadChunksAsync(Token))
                text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
            return new(text.ToString(), null, null);
        }
        catch (FunctionErrorException exception)
        {
            return new(text.ToString(), exception.ErrorCode, exception.ErrorDetails);
        }
    }

    private sealed record CallResult(string Text, string? ErrorCode, string? ErrorDetails);

    /// <summary>A clock whose timers a test can wait for.</summary>
    private sealed class TimerClock : FakeTimeProvider
    {
        private readonly Channel<ITimer> _created = Channel.CreateUnbounded<ITimer>();

        public Task WaitForTimerAsync() => _created.Reader.ReadAsync(Token).AsTask();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _created.Writer.TryWrite(timer);
            return timer;
        }
    }

    private sealed class SlowlyReadBody : IResponseBody
    {
        private readonly TaskCompletionSource _writeStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _continued = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task WriteStarted => _writeStarted.Task;

        public long? MaxPayloadBytes => null;

        public bool HasEnded => false;

        public void Continue() => _continued.SetResult();

        public Task StartAsync(string contentType) => Task.CompletedTask;

        public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            _writeStarted.TrySetResult();
            return _continued.Task;
        }

        public Task InterruptAsync(Interruption interruption) => Task.CompletedTask;

        public Task AbortAsync(TruncationMode mode) => Task.CompletedTask;

        public Task CompleteAsync(FunctionError? error, LogTail log) => Task.CompletedTask;
    }
}
