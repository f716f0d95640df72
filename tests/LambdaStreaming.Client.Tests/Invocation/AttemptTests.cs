using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using Polly;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>Unusual attempts and responses, and whether the function might have run.</summary>
public sealed class AttemptTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory, InlineData(1), InlineData(2)]
    public async Task FunctionMayHaveRun_EarlierAttemptsMayHaveRunAndTheLastWasNeverSent_IsTrue(int earlier)
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (++sends > earlier) throw new HttpRequestException(HttpRequestError.ConnectionError, "refused");
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options => options.Retry = AtLeastOnce(maxAttempts: earlier + 1));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client, Ct));

        Assert.Equal(
            (earlier + 1, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
        Assert.DoesNotContain("did not run", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestId_NoRequestIdHeader_IsEmpty()
    {
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(
                new MemoryStream(Messages.Complete()),
                HttpStatusCode.OK,
                ("Content-Type", "application/vnd.amazon.eventstream")));

        await using var response = await InvokeAsync(client, Ct);

        Assert.Equal("", response.RequestId);
    }

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptMayHaveRunAndTheLastWasThrottled_IsTrue()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                if (++sends == 1) throw new HttpRequestException("reset");
                return StubbedClient.CreateResponse(
                    Stream.Null,
                    HttpStatusCode.TooManyRequests,
                    ("x-amzn-ErrorType", "TooManyRequestsException"));
            },
            options => options.Retry = AtLeastOnce(maxAttempts: 2));

        var exception = await Assert.ThrowsAsync<TooManyRequestsException>(() => InvokeAsync(client, Ct));

        Assert.Equal((2, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
    }

    [Fact]
    public async Task FunctionMayHaveRun_EarlierAttemptMayHaveRunAndThenTheCredentialsFail_IsTrue()
    {
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options =>
            {
                options.Credentials = new StubbedCredentials(read => read == 1
                    ? new ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null)
                    : throw new AmazonClientException("The keys are not available."));
                options.Retry = AtLeastOnce(maxAttempts: 2);
            });

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => InvokeAsync(client, Ct));

        Assert.Equal((1, true), (exception.Attempts, exception.FunctionMayHaveRun));
        Assert.Contains("an earlier attempt might have run the function", exception.Message, StringComparison.Ordinal);
    }

    // A strategy of the user cancels the first attempts and retries.
    [Theory]
    [InlineData(false, 1, false)]
    [InlineData(true, 1, true)]
    [InlineData(true, 2, true)]
    public async Task FunctionMayHaveRun_UserStrategyEndedEarlierAttempts_IsTrueOnlyIfTheyWereSent(
        bool sent,
        int ended,
        bool mayHaveRun)
    {
        var clock = new FakeTimeProvider();
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (++sends > ended) throw new HttpRequestException(HttpRequestError.ConnectionError, "refused");
                if (sent) await request.Content!.CopyToAsync(Stream.Null, CancellationToken.None);
                clock.Advance(TimeSpan.FromMinutes(1));
                cancellationToken.ThrowIfCancellationRequested();
                throw new InvalidOperationException("The token is not cancelled.");
            },
            options => options.ResiliencePipeline = new ResiliencePipelineBuilder { TimeProvider = clock }
                .AddRetry(new Polly.Retry.RetryStrategyOptions { MaxRetryAttempts = ended, Delay = TimeSpan.Zero })
                .AddTimeout(TimeSpan.FromMinutes(1))
                .Build());

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client, Ct));

        Assert.Equal((ended + 1, mayHaveRun), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    // Without a payload, a handler of the caller could send the request without reading its content.
    [Fact]
    public async Task InvokeWithResponseStreamAsync_UserStrategyStartsAnAttemptAfterTheCall_SendsNothing()
    {
        var sends = 0;
        var strategy = new LateStrategy();
        using var client = StubbedClient.Sending(
            (_, _) =>
            {
                sends++;
                return Task.FromResult(StubbedClient.CreateResponse(new MemoryStream(Messages.Complete())));
            },
            options => options.ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddStrategy(_ => strategy, new LateStrategyOptions())
                .Build());
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.InvokeWithResponseStreamAsync(new("f"), Ct));

        await strategy.RunAsync!();

        Assert.Equal(0, sends);
    }

    [Fact]
    public async Task FunctionMayHaveRun_DryRunGotStatus200AndThenAnError_IsTrue()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                if (++sends == 1) return StubbedClient.CreateResponse(new MemoryStream(Messages.Complete()));
                return StubbedClient.CreateResponse(
                    Stream.Null,
                    HttpStatusCode.NotFound,
                    ("x-amzn-ErrorType", "ResourceNotFoundException"));
            },
            options => options.ResiliencePipeline = new ResiliencePipelineBuilder()
                .AddRetry(new Polly.Retry.RetryStrategyOptions { MaxRetryAttempts = 1, Delay = TimeSpan.Zero })
                .Build());

        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(
            () => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_UserPipeline_AttemptHeaderHasNoMaximum()
    {
        string? header = null;
        using var client = StubbedClient.Create(
            request =>
            {
                header = request.Headers.GetValues("amz-sdk-request").Single();
                return StubbedClient.CreateResponse(new MemoryStream(Messages.Complete()));
            },
            CreateOptions(options => options.ResiliencePipeline = ResiliencePipeline.Empty));

        await using var response = await InvokeAsync(client, Ct);

        Assert.Equal("attempt=1", header);
    }

    [Fact]
    public async Task FunctionMayHaveRun_CancelledWhileARetryConnects_IsTrue()
    {
        using var cancelling = new CancellationTokenSource();
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (++sends > 1)
                {
                    await cancelling.CancelAsync();
                    cancellationToken.ThrowIfCancellationRequested();
                }

                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options => options.Retry = AtLeastOnce(maxAttempts: 3));

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(
            () => InvokeAsync(client, cancelling.Token));

        Assert.True(exception.FunctionMayHaveRun);
        Assert.DoesNotContain("Nothing was sent", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TwoConcurrentCallsWithAWrongClock_RetriesBoth()
    {
        var both = new TaskCompletionSource();
        var sends = 0;
        var serviceClock = DateTimeOffset.UtcNow.AddHours(3);
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                var number = Interlocked.Increment(ref sends);
                if (number == 2) both.SetResult();
                if (number > 2) return StubbedClient.CreateResponse(new MemoryStream(Messages.Complete()));
                await both.Task.WaitAsync(cancellationToken);
                return StubbedClient.CreateResponse(
                    Stream.Null,
                    HttpStatusCode.Forbidden,
                    ("x-amzn-ErrorType", "InvalidSignatureException"),
                    ("Date", serviceClock.ToString("R")));
            },
            options => options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.FromMilliseconds(1) });

        var responses = await Task.WhenAll(InvokeAsync(client, Ct), InvokeAsync(client, Ct));

        foreach (var response in responses) await response.DisposeAsync();
        Assert.Equal(4, sends);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_Status403WithoutAnErrorName_IsNotRetried()
    {
        var sends = 0;
        using var client = StubbedClient.Create(_ =>
        {
            sends++;
            return StubbedClient.CreateResponse(
                Stream.Null, HttpStatusCode.Forbidden, ("Date", DateTimeOffset.UtcNow.AddHours(3).ToString("R")));
        });

        await Assert.ThrowsAsync<LambdaServiceException>(() => InvokeAsync(client, Ct));

        Assert.Equal(1, sends);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorIsNotAboutTheClock_KeepsTheClockOffset()
    {
        List<string> dates = [];
        using var client = StubbedClient.Create(request =>
        {
            dates.Add(request.Headers.GetValues("X-Amz-Date").Single());
            return StubbedClient.CreateResponse(
                Stream.Null, HttpStatusCode.ServiceUnavailable, ("Date", "Mon, 01 Jan 2001 00:00:00 GMT"));
        });

        for (var i = 0; i < 2; i++)
            await Assert.ThrowsAsync<LambdaServiceException>(() => InvokeAsync(client, Ct));

        Assert.Equal(2, dates.Count);
        Assert.All(dates, date => Assert.False(date.StartsWith("2001", StringComparison.Ordinal), date));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ServiceDateIsTheLastDate_ThrowsTheServiceError()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.CreateResponse(
                    Stream.Null,
                    HttpStatusCode.Forbidden,
                    ("x-amzn-ErrorType", "InvalidSignatureException"),
                    ("Date", "Fri, 31 Dec 9999 23:59:59 GMT"));
            },
            options => options.TimeProvider = clock);
        await Assert.ThrowsAsync<InvalidSignatureException>(() => InvokeAsync(client, Ct));
        clock.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAsync<InvalidSignatureException>(() => InvokeAsync(client, Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerThrowsAnotherType_ThrowsLambdaTransportException()
    {
        // A resilience handler that an app adds to all its clients throws exceptions of other types, for example
        // Polly's TimeoutRejectedException and BrokenCircuitException.
        using var client = StubbedClient.Sending(async (request, cancellationToken) =>
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            throw new TimeoutException("The handler's own limit.");
        });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ExpectContinueAndConnectionReset_SendsOnce()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var http = new HttpClient();
        http.DefaultRequestHeaders.ExpectContinue = true;
        var options = StubbedClient.Options();
        options.ServiceUrl = server.Url;
        using var client = new LambdaStreamingClient(options, http);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));

        Assert.Equal((1, true), (server.CompleteRequests, exception.FunctionMayHaveRun));
    }

    // .NET assumes that the content of such a request was not sent if the connection closes, and sends it again.
    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_ExpectContinueAndConnectionCloses_SendsOnce(bool hasSendOnceHandler)
    {
        await using var server = new RawServer(connection => connection.ReadRequestAsync());
        using var handler = new SocketsHttpHandler();
        using var http = new HttpClient(hasSendOnceHandler ? new SendOnceHandler(handler) : handler);
        http.DefaultRequestHeaders.ExpectContinue = true;
        using var client = new LambdaStreamingClient(CreateOptions(options => options.ServiceUrl = server.Url), http);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));

        Assert.Equal((1, true), (server.CompleteRequests, exception.FunctionMayHaveRun));
    }

    [Theory, InlineData("", false), InlineData("{}", true)]
    public async Task InvokeWithResponseStreamAsync_ExpectContinue_IsSentOnlyWithAPayload(string payload, bool isSent)
    {
        var headers = "";
        await using var server = new RawServer(async connection =>
        {
            headers = await connection.ReadRequestAsync();
            await connection.WriteAsync(RawServer.CreateResponse(404, []));
        });
        using var handler = new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMilliseconds(1) };
        using var http = new HttpClient(handler);
        http.DefaultRequestHeaders.ExpectContinue = true;
        using var client = new LambdaStreamingClient(CreateOptions(options => options.ServiceUrl = server.Url), http);

        await Assert.ThrowsAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", payload), Ct));

        Assert.Equal(isSent, headers!.Contains("Expect: 100-continue", StringComparison.Ordinal));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AbandonedAttemptGetsALateResponse_DisposesIt()
    {
        var clock = new FakeTimeProvider();
        var late = new TaskCompletionSource<HttpResponseMessage>();
        var strategy = new AbandoningStrategy();
        using var client = StubbedClient.Sending(
            (request, _) =>
            {
                request.Headers.ExpectContinue = true;
                return late.Task;
            },
            options =>
            {
                options.TimeProvider = clock;
                options.ResiliencePipeline = new ResiliencePipelineBuilder()
                    .AddStrategy(_ => strategy, new LateStrategyOptions())
                    .Build();
            });
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));
        clock.Advance(TimeSpan.FromMinutes(16));
        await strategy.Attempt!.WaitAsync(TooLong, Ct);

        var disposed = new TaskCompletionSource();
        late.SetResult(StubbedClient.CreateResponse(new WatchedStream([]) { Disposed = disposed.SetResult }));

        await disposed.Task.WaitAsync(TooLong, Ct);
    }

    [Fact]
    public void ConnectTimeout_LongerThanSocketsHttpHandlerAllows_IsAccepted()
    {
        var options = StubbedClient.Options();
        options.ConnectTimeout = TimeSpan.FromDays(30);

        using var client = new LambdaStreamingClient(options);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ExpectContinueWithSendOnceHandlerAndConnectionReset_MayHaveRun()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var http = new HttpClient(new SendOnceHandler(new SocketsHttpHandler()));
        http.DefaultRequestHeaders.ExpectContinue = true;
        using var client = new LambdaStreamingClient(CreateOptions(options => options.ServiceUrl = server.Url), http);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));

        Assert.Equal((1, true), (server.CompleteRequests, exception.FunctionMayHaveRun));
    }

    private static LambdaRetryOptions AtLeastOnce(int maxAttempts) => new()
    {
        Policy = LambdaRetryPolicy.AtLeastOnce,
        MaxAttempts = maxAttempts,
        BaseDelay = TimeSpan.FromMilliseconds(1),
    };

    private static LambdaStreamingClientOptions CreateOptions(Action<LambdaStreamingClientOptions> configure)
    {
        var options = StubbedClient.Options();
        configure(options);
        return options;
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(
        LambdaStreamingClient client,
        CancellationToken cancellationToken) =>
        client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), cancellationToken);

    private sealed class LateStrategyOptions : ResilienceStrategyOptions;

    /// <summary>Starts the attempt, and fails without waiting for it.</summary>
    private sealed class AbandoningStrategy : ResilienceStrategy
    {
        public Task? Attempt { get; private set; }

        protected override ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
            Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback,
            ResilienceContext context,
            TState state)
        {
            Attempt = callback(context, state).AsTask();
            return Outcome.FromExceptionAsValueTask<TResult>(new InvalidOperationException("The call ends here."));
        }
    }

    /// <summary>Fails at once. <see cref="RunAsync"/> starts the attempt.</summary>
    private sealed class LateStrategy : ResilienceStrategy
    {
        public Func<Task>? RunAsync { get; private set; }

        protected override ValueTask<Outcome<TResult>> ExecuteCore<TResult, TState>(
            Func<ResilienceContext, TState, ValueTask<Outcome<TResult>>> callback,
            ResilienceContext context,
            TState state)
        {
            RunAsync = async () => await callback(context, state);
            return Outcome.FromExceptionAsValueTask<TResult>(new InvalidOperationException("The call ends here."));
        }
    }
}
