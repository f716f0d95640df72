using System.Diagnostics;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using Polly;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Diagnostics;

public sealed class TelemetryTests : IDisposable
{
    private readonly Listeners _heard = new();

    [Fact]
    public async Task Metrics_ListenerComesMidway_CountsNoStreamThatItHasNotSeenBegin()
    {
        // What counts is whether somebody listened when the call began.
        using var spans = new ActivityListener { ShouldListenTo = source => source.Name == "LambdaStreaming", Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded };
        ActivitySource.AddActivityListener(spans);
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        _heard.StopMetrics();
        Assert.SkipWhen(Telemetry.ActiveStreams.Enabled, "A listener of another test that runs at the same time is there.");
        var response = await InvokeAsync(client);

        using var late = new Listeners(_heard.Function);
        await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Empty(late.Of("lambda_streaming.active_streams"));
        Assert.Single(late.Of("lambda_streaming.call.duration"));
    }

    [Fact]
    public async Task Call_Whole_IsOneSpanOverTheStreamAndOneMeasurementOfEach()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        var response = await InvokeAsync(client);
        Assert.Empty(_heard.Stopped);
        Assert.Equal(1, _heard.Of("lambda_streaming.active_streams").Sum(measured => measured.Value));
        await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        var span = _heard.Span;
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

        Assert.All(["duration", "time_to_first_chunk", "max_idle"], name => Assert.Equal("s", _heard.One("lambda_streaming.call." + name).Unit));
        Assert.Equal("completed", _heard.One("lambda_streaming.call.duration").Outcome);
        Assert.InRange(_heard.One("lambda_streaming.call.time_to_first_chunk").Value, 0, _heard.One("lambda_streaming.call.duration").Value);
        Assert.Equal((3, "{chunk}"), (_heard.One("lambda_streaming.call.chunks").Value, _heard.One("lambda_streaming.call.chunks").Unit));
        Assert.Equal((11, "By"), (_heard.One("lambda_streaming.call.payload.size").Value, _heard.One("lambda_streaming.call.payload.size").Unit));
        Assert.Equal(0, _heard.Of("lambda_streaming.active_streams").Sum(measured => measured.Value));
        Assert.Empty(_heard.Of("lambda_streaming.retries"));
    }

    [Theory]
    [InlineData("function_error", "LambdaStreaming.FunctionErrorException")]
    [InlineData("truncated", "LambdaStreaming.ResponseStreamTruncatedException")]
    [InlineData("corrupt", "LambdaStreaming.ResponseStreamCorruptException")]
    [InlineData("stream_error", "LambdaStreaming.ResponseStreamErrorException")]
    [InlineData("service_error", "ResourceNotFoundException")]
    [InlineData("transport_error", "LambdaStreaming.LambdaTransportException")]
    public async Task Call_Failing_EndsTheSpanOnceWithOutcomeAndErrorType(string outcome, string errorType)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(_ => { }, TestContext.Current.CancellationToken);
        var script = lambda.AddFunction(_heard.Function, async (invocation, response, token) =>
        {
            await Three(invocation, response, token);
            if (outcome == "function_error") response.Fail("Function.Broken", "secret-of-the-function");
        }).OnEveryCall();
        _ = outcome switch
        {
            "truncated" => script.TruncateAfterChunks(2, TruncationMode.EndOfBody),
            "corrupt" => script.FlipBit(200),
            "stream_error" => script.ExceptionAfterChunks(1, "ServiceException", "secret-of-the-service"),
            "service_error" => script.RespondWithError("ResourceNotFoundException"),
            "transport_error" => script.CloseBeforeHeaders(TruncationMode.Reset),
            _ => script,
        };
        using var client = lambda.CreateClient();

        await Assert.ThrowsAnyAsync<LambdaStreamingException>(async () =>
        {
            await using var response = await InvokeAsync(client);
            await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);
        });

        Assert.Equal(outcome, _heard.Outcome);
        Assert.Equal(errorType, _heard.Span.GetTagItem("error.type"));
        Assert.Equal(ActivityStatusCode.Error, _heard.Span.Status);
        Assert.Equal(outcome, _heard.Span.StatusDescription);
        Assert.DoesNotContain(_heard.Span.TagObjects, tag => tag.Value?.ToString()?.Contains("secret", StringComparison.Ordinal) == true);
        var duration = _heard.One("lambda_streaming.call.duration");
        Assert.Equal((outcome, errorType), (duration.Outcome, duration.Tags["error.type"]));
        Assert.Equal(0, _heard.Of("lambda_streaming.active_streams").Sum(measured => measured.Value));
        if (outcome == "service_error") Assert.Equal(404, _heard.Span.GetTagItem("http.response.status_code"));
        if (outcome == "function_error") Assert.Equal("Function.Broken", _heard.Span.GetTagItem("lambda_streaming.error_code"));
    }

    [Fact]
    public async Task Call_ConfigurationMissing_EndsTheSpan()
    {
        var options = StubbedClient.Options();
        options.Region = null;
        options.Profile = "no-such-profile";
        using var client = new LambdaStreamingClient(options);

        await Assert.ThrowsAsync<LambdaConfigurationException>(() => InvokeAsync(client));

        Assert.Equal("configuration_error", _heard.Outcome);
    }

    [Fact]
    public async Task Call_DryRun_EndsTheSpanWithTheHead()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new(_heard.Function) { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken);

        Assert.Equal("completed", _heard.Outcome);
        Assert.Equal(204, _heard.Span.GetTagItem("http.response.status_code"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Reading_Idle_EndsTheSpanAndTheLongestWaitIsTheIdleTime(bool afterChunks)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction(_heard.Function, Three).OnEveryCall().StallAfterChunks(afterChunks ? 2 : 0), TestContext.Current.CancellationToken);
        using var client = lambda.CreateClient(options => options.IdleTimeout = TimeSpan.FromMilliseconds(200));

        await using var response = await InvokeAsync(client);
        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal("idle", _heard.Outcome);
        Assert.Equal(ActivityStatusCode.Error, _heard.Span.Status);
        Assert.InRange(_heard.One("lambda_streaming.call.max_idle").Value, 0.15, 20);
        Assert.Equal(afterChunks ? 2 : 0, _heard.One("lambda_streaming.call.chunks").Value);
    }

    [Fact]
    public async Task LongestWait_ConsumerTakesLonger_IsTheWaitForBytes()
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
        await using var response = await client.InvokeAsync(_heard.Function);
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

        var move = chunks.MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromSeconds(3));
        bytes.SetResult();
        Assert.True(await move);
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.False(await chunks.MoveNextAsync());

        Assert.Equal(3, _heard.One("lambda_streaming.call.max_idle").Value);
    }

    [Fact]
    public async Task Call_CancelledBeforeTheHead_EndsTheSpan()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction(_heard.Function).OnEveryCall().StallBeforeHeaders(), TestContext.Current.CancellationToken);
        using var client = lambda.CreateClient();
        using var cancellation = new CancellationTokenSource();

        var call = client.InvokeAsync(_heard.Function, cancellation.Token);
        await lambda.WaitForRequestAsync(TestContext.Current.CancellationToken);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal("cancelled", _heard.Outcome);
        Assert.Equal(ActivityStatusCode.Unset, _heard.Span.Status);
        Assert.Null(_heard.Span.GetTagItem("error.type"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Reading_Cancelled_EndsTheSpanAtOnceEvenIfNobodyMovesOn(bool waiting)
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();
        using var cancellation = new CancellationTokenSource();
        await using var response = await client.InvokeAsync(_heard.Function, cancellation.Token);
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await chunks.MoveNextAsync());
        Assert.True(await chunks.MoveNextAsync());
        var move = waiting ? chunks.MoveNextAsync().AsTask() : null;

        await cancellation.CancelAsync();

        Assert.Equal("cancelled", _heard.Outcome);
        if (move is not null) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => move);
        Assert.Equal("cancelled", _heard.Outcome);
    }

    [Fact]
    public async Task Call_CancelledJustAsTheHeadComes_EndsTheSpan()
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

        await using var response = await client.InvokeAsync(_heard.Function, cancellation.Token);

        Assert.Equal("cancelled", _heard.Outcome);
    }

    [Fact]
    public async Task Reading_Break_EndsTheSpanAsAbandoned()
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();
        var response = await InvokeAsync(client);

        await foreach (var _ in response.ReadChunksAsync(TestContext.Current.CancellationToken)) break;

        Assert.Equal("abandoned", _heard.Outcome);
        Assert.Equal(ActivityStatusCode.Unset, _heard.Span.Status);
        Assert.Equal(1, _heard.One("lambda_streaming.call.chunks").Value);
    }

    [Fact]
    public async Task Reading_ConsumerThrows_EndsTheSpanAsAbandoned()
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();

        await Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await using var response = await InvokeAsync(client);
            await foreach (var _ in response) throw new InvalidTimeZoneException();
        });

        Assert.Equal("abandoned", _heard.Outcome);
    }

    [Fact]
    public async Task Response_NeverEnumeratedThenDisposed_EndsTheSpanAsAbandoned()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        var response = await InvokeAsync(client);
        response.Dispose();
        response.Dispose();

        Assert.Equal("abandoned", _heard.Outcome);
        Assert.Equal(0, _heard.Of("lambda_streaming.active_streams").Sum(measured => measured.Value));
    }

    [Fact]
    public async Task Response_DisposedFromAnotherThreadWhileWaiting_EndsTheSpanOnce()
    {
        await using var lambda = await StartAsync(TwoThenStall);
        using var client = lambda.CreateClient();
        var response = await InvokeAsync(client);
        var reading = response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        await Task.Run(response.Dispose, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        Assert.Equal("abandoned", _heard.Outcome);
        Assert.Single(_heard.Of("lambda_streaming.call.duration"));
    }

    [Fact]
    public async Task Events_FunctionErrorGivenAsEvent_IsStillTheOutcome()
    {
        await using var lambda = await StartAsync((_, response, _) =>
        {
            response.Fail("Function.Broken", "details");
            return Task.CompletedTask;
        });
        using var client = lambda.CreateClient(options => options.ThrowOnFunctionError = false);

        await using (var response = await InvokeAsync(client))
        {
            await foreach (var _ in response.WithCancellation(TestContext.Current.CancellationToken)) continue;
        }

        Assert.Equal("function_error", _heard.Outcome);
    }

    [Fact]
    public async Task Call_Throttled_EachResendIsAnEventAndIsCounted()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction(_heard.Function, Three).OnCalls(1, 2).Throttle(), TestContext.Current.CancellationToken);
        using var client = lambda.CreateClient(options => options.Retry.ThrottlingBaseDelay = TimeSpan.Zero);

        await using var response = await InvokeAsync(client);
        await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("completed", _heard.Outcome);
        Assert.Equal(2, _heard.Span.GetTagItem("lambda_streaming.retries"));
        var resends = _heard.Span.Events.Where(item => item.Name == "lambda_streaming.retry").ToList();
        Assert.Equal([2, 3], resends.Select(item => item.Tags.Single(tag => tag.Key == "lambda_streaming.attempt").Value));
        Assert.All(resends, item => Assert.Equal("TooManyRequestsException", item.Tags.Single(tag => tag.Key == "error.type").Value));
        Assert.Equal(2, _heard.Of("lambda_streaming.retries").Sum(measured => measured.Value));
    }

    [Fact]
    public async Task Call_CallersActivity_IsParentAndStaysCurrentThroughout()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        using var callers = new Activity("callers").Start();

        var response = await InvokeAsync(client);
        Assert.Same(callers, Activity.Current);
        using var within = new Activity("within").Start();
        await foreach (var _ in response.ReadChunksAsync(TestContext.Current.CancellationToken)) Assert.Same(within, Activity.Current);
        Assert.Same(within, Activity.Current);
        response.Dispose();
        Assert.Same(within, Activity.Current);

        Assert.Equal(callers.SpanId, _heard.Span.ParentSpanId);
    }

    [Fact]
    public async Task Response_DisposedUnderAnotherActivity_LeavesThatCurrent()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        using var callers = new Activity("callers").Start();
        var response = await InvokeAsync(client);
        using var later = new Activity("later").Start();

        response.Dispose();

        Assert.Same(later, Activity.Current);
        Assert.Equal("abandoned", _heard.Outcome);
    }

    [Fact]
    public async Task Call_NoActivityOfTheCaller_NoneIsLeftBehind()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();
        Activity.Current = null;

        var call = InvokeAsync(client);
        Assert.Null(Activity.Current);
        await using (var response = await call) await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Null(Activity.Current);
        Assert.Equal("completed", _heard.Outcome);
    }

    [Fact]
    public async Task Call_HandlerOfTheCallersHttpClient_WorksWithinTheSpan()
    {
        await using var lambda = await StartAsync(Three);
        ActivitySpanId? within = null;
        var options = new LambdaStreamingClientOptions { ServiceUrl = lambda.ServiceUrl, Region = lambda.Region, Credentials = lambda.Credentials };
        using var httpClient = new HttpClient(new Peek(LambdaStreamingClient.CreateHandler(options), () => within = Activity.Current?.SpanId));
        using var client = new LambdaStreamingClient(options, httpClient);

        await using var response = await InvokeAsync(client);
        await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(_heard.Span.SpanId, within);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Call_SpanOfTheHttpRequest_IsMadeOnRequestBelowTheCallsAndSendsNothing(bool asked)
    {
        var requests = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener { ShouldListenTo = source => source.Name == "System.Net.Http", Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData, ActivityStopped = requests.Enqueue };
        ActivitySource.AddActivityListener(listener);
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient(options => options.ConfigureHandler = handler =>
        {
            if (asked) handler.ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator();
        });

        await using (var response = await InvokeAsync(client)) await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(asked ? 1 : 0, requests.Count(request => request.ParentSpanId == _heard.Span.SpanId));
        Assert.False(lambda.Requests[0].Headers.ContainsKey("traceparent"));
    }

    [Fact]
    public async Task Call_UsersPipelineDropsAnAnswer_TheSpanIsTheCalls()
    {
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient(options => options.ResiliencePipeline = new ResiliencePipelineBuilder().AddStrategy(_ => new TwiceStrategy(), new TwiceOptions()).Build());

        await using var response = await InvokeAsync(client);
        Assert.Empty(_heard.Stopped);
        await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal("completed", _heard.Outcome);
        Assert.Equal(1, _heard.Span.GetTagItem("lambda_streaming.retries"));
    }

    [Fact]
    public async Task Call_ListenersThrow_IsNoneOfTheCallsBusiness()
    {
        using var spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LambdaStreaming",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span => ThrowIf((string?)span.GetTagItem("faas.invoked_name") == _heard.Function),
        };
        ActivitySource.AddActivityListener(spans);
        using var metrics = Listeners.OfOurMeter();
        metrics.SetMeasurementEventCallback<double>((_, _, tags, _) => ThrowIf(tags.ToArray().Contains(new("faas.invoked_name", _heard.Function))));
        metrics.Start();
        await using var lambda = await StartAsync(Three);
        using var client = lambda.CreateClient();

        await using var response = await InvokeAsync(client);

        Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken));
        await lambda.WaitForOpenConnectionsAsync(1, TestContext.Current.CancellationToken);
        Assert.Equal(0, _heard.Of("lambda_streaming.active_streams").Sum(measured => measured.Value));

        static void ThrowIf(bool own)
        {
            if (own) throw new InvalidTimeZoneException("a listener's own");
        }
    }

    // The reader may see that the answer was disposed before the one that disposed it has said so.
    [Fact]
    public void Of_Disposed_IsTheOutcomeOfDisposal() => Assert.Equal(CallOutcome.Abandoned, CallOutcome.FromException(new ObjectDisposedException("response")));

    [Theory]
    [InlineData("name", "name")]
    [InlineData("name:7", "name")]
    [InlineData("123456789012:function:name", "name")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:name", "name")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:name:live", "name")]
    [InlineData("function", "function")]
    [InlineData("function:7", "function")]
    public void NameOf_EveryWayToNameAFunction_GivesItsBareName(string given, string expected) => Assert.Equal(expected, CallTelemetry.ShortenName(given));

    public void Dispose() => _heard.Dispose();

    private Task<LocalLambdaServer> StartAsync(FunctionHandler handler) => LocalLambdaServer.StartAsync(server => server.AddFunction(_heard.Function, handler), TestContext.Current.CancellationToken);

    private Task<InvokeWithResponseStreamResponse> InvokeAsync(LambdaStreamingClient client) => client.InvokeAsync(_heard.Function);

    private sealed class Peek(HttpMessageHandler inner, Action look) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            look();
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class TwiceOptions : ResilienceStrategyOptions;

    /// <summary>Makes the attempt twice and throws the first answer away, as hedging does.</summary>
    private sealed class TwiceStrategy : ResilienceStrategy
    {
        protected override async ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback, ResilienceContext context, TState state)
        {
            var first = await callback(context, state);
            (first.Result as IDisposable)?.Dispose();
            return await callback(context, state);
        }
    }
}
