using System.Collections.Concurrent;
using System.Diagnostics;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using Polly;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Diagnostics;

// Not in parallel with other tests, because the listeners of all tests see the same instruments.
[Collection(NonParallelCollection.Name)]
public sealed class TelemetryTests : IDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly Listeners _listeners = new();

    [Fact]
    public async Task Metrics_ListenerStartsDuringACall_DoesNotCountItsActiveStream()
    {
        // A stream is counted only if a listener existed when the call began.
        using var spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LambdaStreaming",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(spans);
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        _listeners.StopMetrics();
        Assert.False(Telemetry.ActiveStreams.Enabled);
        var response = await InvokeAsync(client);

        using var late = new Listeners(_listeners.Function);
        await response.ReadAsStringAsync(cancellationToken: Ct);

        Assert.Empty(late.GetMeasurements("lambda_streaming.active_streams"));
        Assert.Single(late.GetMeasurements("lambda_streaming.call.duration"));
    }

    [Fact]
    public async Task Call_Completes_HasOneSpanAndOneMeasurementOfEachInstrument()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        var response = await InvokeAsync(client);
        Assert.Empty(_listeners.Stopped);
        Assert.Equal(
            1, _listeners.GetMeasurements("lambda_streaming.active_streams").Sum(measurement => measurement.Value));
        await response.ReadAsStringAsync(cancellationToken: Ct);

        var span = _listeners.Span;
        Assert.Equal("Lambda.InvokeWithResponseStream", span.DisplayName);
        Assert.Equal(ActivityKind.Client, span.Kind);
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
        Assert.Equal("aws-api", span.GetTagItem("rpc.system"));
        Assert.Equal("Lambda", span.GetTagItem("rpc.service"));
        Assert.Equal("InvokeWithResponseStream", span.GetTagItem("rpc.method"));
        Assert.Equal("aws", span.GetTagItem("faas.invoked_provider"));
        Assert.Equal("us-east-1", span.GetTagItem("faas.invoked_region"));
        Assert.Equal("127.0.0.1", span.GetTagItem("server.address"));
        Assert.Equal(lambda.ServiceUrl.Port, span.GetTagItem("server.port"));
        Assert.Equal(200, span.GetTagItem("http.response.status_code"));
        Assert.Equal(response.RequestId, span.GetTagItem("aws.request_id"));
        Assert.Equal("completed", span.GetTagItem("lambda_streaming.outcome"));
        Assert.Equal(3L, span.GetTagItem("lambda_streaming.chunks"));
        Assert.Equal(11L, span.GetTagItem("lambda_streaming.payload.size"));
        Assert.Null(span.GetTagItem("error.type"));
        Assert.Equal(["lambda_streaming.first_chunk"], span.Events.Select(item => item.Name));

        Assert.All(
            ["duration", "time_to_first_chunk", "max_idle"],
            name => Assert.Equal("s", _listeners.GetMeasurement("lambda_streaming.call." + name).Unit));
        Assert.Equal("completed", _listeners.GetMeasurement("lambda_streaming.call.duration").Outcome);
        var duration = _listeners.GetMeasurement("lambda_streaming.call.duration").Value;
        var chunks = _listeners.GetMeasurement("lambda_streaming.call.chunks");
        var size = _listeners.GetMeasurement("lambda_streaming.call.payload.size");
        Assert.InRange(_listeners.GetMeasurement("lambda_streaming.call.time_to_first_chunk").Value, 0, duration);
        Assert.Equal((3, "{chunk}"), (chunks.Value, chunks.Unit));
        Assert.Equal((11, "By"), (size.Value, size.Unit));
        Assert.Equal(
            0, _listeners.GetMeasurements("lambda_streaming.active_streams").Sum(measurement => measurement.Value));
        Assert.Empty(_listeners.GetMeasurements("lambda_streaming.retries"));
    }

    [Theory]
    [InlineData("function_error", "LambdaStreaming.FunctionErrorException")]
    [InlineData("truncated", "LambdaStreaming.ResponseStreamTruncatedException")]
    [InlineData("corrupt", "LambdaStreaming.ResponseStreamCorruptException")]
    [InlineData("stream_error", "LambdaStreaming.ResponseStreamErrorException")]
    [InlineData("service_error", "ResourceNotFoundException")]
    [InlineData("transport_error", "LambdaStreaming.LambdaTransportException")]
    public async Task Call_Fails_EndsTheSpanOnceWithOutcomeAndErrorType(string outcome, string errorType)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(_ => { }, Ct);
        var behavior = lambda.AddFunction(_listeners.Function, async (invocation, response, token) =>
        {
            await Three(invocation, response, token);
            if (outcome == "function_error") response.Fail("Function.Broken", "secret-of-the-function");
        }).OnEveryCall();
        _ = outcome switch
        {
            "truncated" => behavior.TruncateAfterChunks(2, TruncationMode.EndOfBody),
            "corrupt" => behavior.FlipBit(200),
            "stream_error" => behavior.ExceptionAfterChunks(1, "ServiceException", "secret-of-the-service"),
            "service_error" => behavior.RespondWithError("ResourceNotFoundException"),
            "transport_error" => behavior.CloseBeforeHeaders(TruncationMode.Reset),
            _ => behavior,
        };
        using var client = lambda.CreateClient();

        await Assert.ThrowsAnyAsync<LambdaStreamingException>(async () =>
        {
            await using var response = await InvokeAsync(client);
            await response.ReadAsStringAsync(cancellationToken: Ct);
        });

        Assert.Equal(outcome, _listeners.Outcome);
        Assert.Equal(errorType, _listeners.Span.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Error, _listeners.Span.Status);
        Assert.Equal(outcome, _listeners.Span.StatusDescription);
        Assert.DoesNotContain(
            _listeners.Span.TagObjects,
            tag => tag.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) == true);
        var duration = _listeners.GetMeasurement("lambda_streaming.call.duration");
        Assert.Equal((outcome, errorType), (duration.Outcome, duration.Tags["error.type"]));
        Assert.Equal(
            0, _listeners.GetMeasurements("lambda_streaming.active_streams").Sum(measurement => measurement.Value));
        if (outcome == "service_error")
            Assert.Equal(404, _listeners.Span.GetTagItem("http.response.status_code"));
        if (outcome == "function_error")
            Assert.Equal("Function.Broken", _listeners.Span.GetTagItem("lambda_streaming.error_code"));
    }

    [Fact]
    public async Task Call_ConfigurationIsMissing_EndsTheSpan()
    {
        var options = StubbedClient.Options();
        options.Region = null;
        options.Profile = "no-such-profile";
        using var client = new LambdaStreamingClient(options);

        await Assert.ThrowsAsync<LambdaConfigurationException>(() => InvokeAsync(client));

        Assert.Equal("configuration_error", _listeners.Outcome);
    }

    [Fact]
    public async Task Call_DryRun_EndsTheSpanWithTheResponseHeaders()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(
            new(_listeners.Function) { InvocationType = InvocationType.DryRun }, Ct);

        Assert.Equal("completed", _listeners.Outcome);
        Assert.Equal(204, _listeners.Span.GetTagItem("http.response.status_code"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Read_Idle_EndsTheSpanAndMaxIdleIsTheIdleTime(bool afterChunks)
    {
        await using var lambda = await StartAsync(Three, call => call.StallAfterChunks(afterChunks ? 2 : 0));
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var client = lambda.CreateClient(options =>
        {
            options.TimeProvider = clock;
            options.IdleTimeout = TimeSpan.FromMinutes(1);
        });

        await using var response = await InvokeAsync(client);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        for (var i = 0; afterChunks && i < 2; i++) Assert.True(await chunks.MoveNextAsync());
        var move = chunks.MoveNextAsync().AsTask();   // starts the timer
        clock.Advance(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => move.WaitAsync(TooLong, Ct));

        Assert.Equal("idle", _listeners.Outcome);
        Assert.Equal(ActivityStatusCode.Error, _listeners.Span.Status);
        Assert.Equal(60, _listeners.GetMeasurement("lambda_streaming.call.max_idle").Value);
        Assert.Equal(afterChunks ? 2 : 0, _listeners.GetMeasurement("lambda_streaming.call.chunks").Value);
    }

    [Fact]
    public async Task MaxIdle_ConsumerIsSlower_IsTheTimeWithoutBytes()
    {
        var clock = new FakeTimeProvider();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        var bytes = new TaskCompletionSource();
        var body = new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]);
        var late = new FuncStream(async (buffer, cancellationToken) =>
        {
            await bytes.Task;
            return await body.ReadAsync(buffer, cancellationToken);
        });
        using var client = StubbedClient.Streaming(late, options);
        await using var response = await client.InvokeAsync(_listeners.Function);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);

        var pendingMove = chunks.MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromSeconds(3));
        bytes.SetResult();
        Assert.True(await pendingMove);
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.False(await chunks.MoveNextAsync());

        Assert.Equal(3, _listeners.GetMeasurement("lambda_streaming.call.max_idle").Value);
    }

    [Fact]
    public async Task Call_CancelledBeforeTheResponseHeaders_EndsTheSpan()
    {
        await using var lambda = await StartAsync(Three, call => call.StallBeforeHeaders());
        using var client = lambda.CreateClient();
        using var cancellation = new CancellationTokenSource();

        var call = client.InvokeAsync(_listeners.Function, cancellation.Token);
        await lambda.WaitForRequestAsync(Ct);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal("cancelled", _listeners.Outcome);
        Assert.Equal(ActivityStatusCode.Unset, _listeners.Span.Status);
        Assert.Null(_listeners.Span.GetTagItem("error.type"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Read_Cancelled_EndsTheSpanWithoutAnotherMove(bool waiting)
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();
        using var cancellation = new CancellationTokenSource();
        await using var response = await client.InvokeAsync(_listeners.Function, cancellation.Token);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        Assert.True(await chunks.MoveNextAsync());
        Assert.True(await chunks.MoveNextAsync());
        var pendingMove = waiting ? chunks.MoveNextAsync().AsTask() : null;

        await cancellation.CancelAsync();

        Assert.Equal("cancelled", _listeners.Outcome);
        if (pendingMove is not null) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pendingMove);
        Assert.Equal("cancelled", _listeners.Outcome);
    }

    [Fact]
    public async Task Call_CancelledWhenTheResponseHeadersArrive_EndsTheSpan()
    {
        using var cancellation = new CancellationTokenSource();
        using var client = StubbedClient.Create(_ => new HttpResponseMessage
        {
            Content = new OpenedContent(() =>
            {
                cancellation.Cancel();
                return Task.FromResult<Stream>(new MemoryStream(Messages.Complete()));
            }),
        });

        await using var response = await client.InvokeAsync(_listeners.Function, cancellation.Token);

        Assert.Equal("cancelled", _listeners.Outcome);
    }

    [Fact]
    public async Task Read_Break_EndsTheSpanAsAbandoned()
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();
        var response = await InvokeAsync(client);

        await foreach (var _ in response.ReadChunksAsync(Ct)) break;

        Assert.Equal("abandoned", _listeners.Outcome);
        Assert.Equal(ActivityStatusCode.Unset, _listeners.Span.Status);
        Assert.Equal(1, _listeners.GetMeasurement("lambda_streaming.call.chunks").Value);
    }

    [Fact]
    public async Task Read_ConsumerThrows_EndsTheSpanAsAbandoned()
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();

        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await using var response = await InvokeAsync(client);
            await foreach (var _ in response) throw new InvalidTimeZoneException();
        });

        Assert.Equal("abandoned", _listeners.Outcome);
    }

    [Fact]
    public async Task Dispose_ResponseIsNotRead_EndsTheSpanAsAbandoned()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        var response = await InvokeAsync(client);
        response.Dispose();
        response.Dispose();

        Assert.Equal("abandoned", _listeners.Outcome);
        Assert.Equal(
            0, _listeners.GetMeasurements("lambda_streaming.active_streams").Sum(measurement => measurement.Value));
    }

    [Fact]
    public async Task Dispose_FromAnotherThreadDuringARead_EndsTheSpanOnce()
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();
        var response = await InvokeAsync(client);
        var reading = response.ReadAsStringAsync(cancellationToken: Ct);

        await Task.Run(response.Dispose, Ct);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        Assert.Equal("abandoned", _listeners.Outcome);
        Assert.Single(_listeners.GetMeasurements("lambda_streaming.call.duration"));
    }

    [Fact]
    public async Task Read_FunctionErrorIsAnEvent_IsTheOutcome()
    {
        await using var lambda = await StartAsync((_, response, _) =>
        {
            response.Fail("Function.Broken", "details");
            return Task.CompletedTask;
        });
        using var client = lambda.CreateClient(options => options.ThrowOnFunctionError = false);

        await using (var response = await InvokeAsync(client))
        {
            await foreach (var _ in response.WithCancellation(Ct)) continue;
        }

        Assert.Equal("function_error", _listeners.Outcome);
    }

    [Fact]
    public async Task Call_Throttled_RecordsAndCountsEachRetry()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction(_listeners.Function, Three).OnCalls(1, 2).Throttle(), Ct);
        using var client = lambda.CreateClient(options => options.Retry.ThrottlingBaseDelay = TimeSpan.Zero);

        await using var response = await InvokeAsync(client);
        await response.ReadAsStringAsync(cancellationToken: Ct);

        Assert.Equal("completed", _listeners.Outcome);
        Assert.Equal(2, _listeners.Span.GetTagItem("lambda_streaming.retries"));
        var retries = _listeners.Span.Events.Where(item => item.Name == "lambda_streaming.retry").ToList();
        Assert.Equal([2, 3], retries.Select(item => GetTag(item, "lambda_streaming.attempt")));
        Assert.All(retries, item => Assert.Equal("TooManyRequestsException", GetTag(item, "error.type")));
        Assert.Equal(2, _listeners.GetMeasurements("lambda_streaming.retries").Sum(measurement => measurement.Value));
    }

    [Fact]
    public async Task Call_CurrentActivity_IsTheParentAndStaysCurrent()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        using var caller = new Activity("caller").Start();

        var response = await InvokeAsync(client);
        Assert.Same(caller, Activity.Current);
        using var inner = new Activity("inner").Start();
        await foreach (var _ in response.ReadChunksAsync(Ct))
            Assert.Same(inner, Activity.Current);
        Assert.Same(inner, Activity.Current);
        response.Dispose();
        Assert.Same(inner, Activity.Current);

        Assert.Equal(caller.SpanId, _listeners.Span.ParentSpanId);
    }

    [Fact]
    public async Task Dispose_UnderAnotherActivity_KeepsItCurrent()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        using var caller = new Activity("caller").Start();
        var response = await InvokeAsync(client);
        using var later = new Activity("later").Start();

        response.Dispose();

        Assert.Same(later, Activity.Current);
        Assert.Equal("abandoned", _listeners.Outcome);
    }

    [Fact]
    public async Task Call_NoCurrentActivity_LeavesNone()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        Activity.Current = null;

        var call = InvokeAsync(client);
        Assert.Null(Activity.Current);
        await using (var response = await call)
        {
            await response.ReadAsStringAsync(cancellationToken: Ct);
        }

        Assert.Null(Activity.Current);
        Assert.Equal("completed", _listeners.Outcome);
    }

    [Fact]
    public async Task Call_HandlerOfAUserHttpClient_RunsWithinTheSpan()
    {
        await using var lambda = await StartAsync(Three);
        ActivitySpanId? current = null;
        var options = new LambdaStreamingClientOptions
        {
            ServiceUrl = lambda.ServiceUrl,
            Region = lambda.Region,
            Credentials = lambda.Credentials,
        };
        var handler = new CallbackHandler(
            LambdaStreamingClient.CreateHandler(options), () => current = Activity.Current?.SpanId);
        using var httpClient = new HttpClient(handler);
        using var client = new LambdaStreamingClient(options, httpClient);

        await using var response = await InvokeAsync(client);
        await response.ReadAsStringAsync(cancellationToken: Ct);

        Assert.Equal(_listeners.Span.SpanId, current);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Call_PropagatorIsConfigured_HasAnHttpSpanAndSendsNoTraceHeader(bool isConfigured)
    {
        var requests = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = requests.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient(options => options.ConfigureHandler = handler =>
        {
            if (isConfigured)
                handler.ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator();
        });

        await using (var response = await InvokeAsync(client))
        {
            await response.ReadAsStringAsync(cancellationToken: Ct);
        }

        Assert.Equal(isConfigured ? 1 : 0, requests.Count(request => request.ParentSpanId == _listeners.Span.SpanId));
        Assert.False(lambda.Requests[0].Headers.ContainsKey("traceparent"));
    }

    [Fact]
    public async Task Call_UserPipelineDropsAResponse_HasOneSpan()
    {
        await using var lambda = await StartAsync(Three);
        var pipeline = new ResiliencePipelineBuilder()
            .AddStrategy(_ => new TwiceStrategy(), new TwiceOptions())
            .Build();
        using var client = lambda.CreateClient(options => options.ResiliencePipeline = pipeline);

        await using var response = await InvokeAsync(client);
        Assert.Empty(_listeners.Stopped);
        await response.ReadAsStringAsync(cancellationToken: Ct);

        Assert.Equal("completed", _listeners.Outcome);
        Assert.Equal(1, _listeners.Span.GetTagItem("lambda_streaming.retries"));
    }

    [Fact]
    public async Task Call_ListenersThrow_Succeeds()
    {
        using var spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LambdaStreaming",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span => ThrowIf((string?)span.GetTagItem("faas.invoked_name") == _listeners.Function),
        };
        ActivitySource.AddActivityListener(spans);
        using var metrics = Listeners.CreateMeterListener();
        metrics.SetMeasurementEventCallback<double>(
            (_, _, tags, _) => ThrowIf(tags.ToArray().Contains(new("faas.invoked_name", _listeners.Function))));
        metrics.Start();
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient(options => options.TimeProvider = new ManualClock());

        await using var response = await InvokeAsync(client);

        Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
        await lambda.WaitForOpenConnectionsAsync(1, Ct).WaitAsync(TooLong, Ct);
        Assert.Equal(
            0, _listeners.GetMeasurements("lambda_streaming.active_streams").Sum(measurement => measurement.Value));

        static void ThrowIf(bool isOfThisTest)
        {
            if (isOfThisTest) throw new InvalidTimeZoneException("listener");
        }
    }

    // If a response is disposed during a read, the reader can record its ObjectDisposedException before the disposing
    // thread records Abandoned. So both must have the same outcome.
    [Fact]
    public void FromException_ObjectDisposedException_IsAbandoned() =>
        Assert.Equal(CallOutcome.Abandoned, CallOutcome.FromException(new ObjectDisposedException("response")));

    [Fact]
    public void Fail_ObjectDisposedAfterTheResponseHeaders_TheFunctionMayHaveRun()
    {
        var request = new InvokeWithResponseStreamRequest(_listeners.Function);
        var telemetry = CallTelemetry.Start(request, TimeProvider.System)!;
        telemetry.Begin("us-east-1", "localhost", 80);
        telemetry.SetResponse(200, "id", new NoProgress());

        telemetry.Fail(new ObjectDisposedException("response"));

        Assert.Equal(true, _listeners.Span.GetTagItem("lambda_streaming.function_may_have_run"));
    }

    [Theory]
    [InlineData("name", "name")]
    [InlineData("name:7", "name")]
    [InlineData("123456789012:function:name", "name")]
    [InlineData("123456789012:name", "name")]
    [InlineData("123456789012:name:live", "name")]
    [InlineData("123456789012", "123456789012")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:name", "name")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:name:live", "name")]
    [InlineData("function", "function")]
    [InlineData("function:7", "function")]
    public void ShortenName_EachFormOfFunctionName_ReturnsTheBareName(string name, string expected) =>
        Assert.Equal(expected, CallTelemetry.ShortenName(name));

    public void Dispose() => _listeners.Dispose();

    private static object? GetTag(ActivityEvent item, string name) => item.Tags.Single(tag => tag.Key == name).Value;

    private Task<LocalLambdaServer> StartAsync(FunctionHandler handler, Action<CallBehavior>? configure = null) =>
        LocalLambdaServer.StartAsync(
            server =>
            {
                var function = server.AddFunction(_listeners.Function, handler);
                configure?.Invoke(function.OnEveryCall());
            },
            Ct);

    private Task<InvokeWithResponseStreamResponse> InvokeAsync(LambdaStreamingClient client) =>
        client.InvokeAsync(_listeners.Function);

    private sealed class NoProgress : ITransferProgress
    {
        public (long Chunks, long Bytes) ReceivedSoFar => default;
    }

    private sealed class CallbackHandler(HttpMessageHandler inner, Action callback) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            callback();
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class TwiceOptions : ResilienceStrategyOptions;

    /// <summary>Makes two attempts and discards the first response, as hedging does.</summary>
    private sealed class TwiceStrategy : ResilienceStrategy
    {
        protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
            Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback,
            ResilienceContext context,
            TState state)
        {
            var first = await callback(context, state);
            (first.Result as IDisposable)?.Dispose();
            return await callback(context, state);
        }
    }
}
