using System.Diagnostics;
using System.Net;
using System.Text;
using LambdaStreaming.Invocation;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.Retry;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Http;

/// <summary>When a request is sent again, and above all when it is not.</summary>
public class RetryTests
{
    private static readonly LambdaRetryOptions Quick = new() { BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero };

    public static TheoryData<string, LambdaRetryPolicy, int> SendsByError => new()
    {
        { "429 TooManyRequestsException", LambdaRetryPolicy.AtMostOnce, 3 },
        { "429 TooManyRequestsException", LambdaRetryPolicy.AtLeastOnce, 3 },
        { "429 TooManyRequestsException", LambdaRetryPolicy.Never, 1 },
        { "500 ServiceException", LambdaRetryPolicy.AtMostOnce, 1 },
        { "500 ServiceException", LambdaRetryPolicy.AtLeastOnce, 3 },
        { "500 ServiceException", LambdaRetryPolicy.Never, 1 },
        { "500 ", LambdaRetryPolicy.AtMostOnce, 1 },
        { "502 ", LambdaRetryPolicy.AtMostOnce, 1 },
        { "503 ", LambdaRetryPolicy.AtMostOnce, 1 },
        { "504 ", LambdaRetryPolicy.AtMostOnce, 1 },
        { "429 ", LambdaRetryPolicy.AtMostOnce, 3 },
        { "502 ", LambdaRetryPolicy.AtLeastOnce, 3 },
        { "503 ", LambdaRetryPolicy.AtLeastOnce, 3 },
        { "504 ", LambdaRetryPolicy.AtLeastOnce, 3 },
        { "502 InvalidZipFileException", LambdaRetryPolicy.AtLeastOnce, 1 },
        { "502 KMSAccessDeniedException", LambdaRetryPolicy.AtLeastOnce, 1 },
        { "409 SnapStartNotReadyException", LambdaRetryPolicy.AtMostOnce, 3 },
        { "410 EFSIOException", LambdaRetryPolicy.AtMostOnce, 1 },
        { "400 InvalidParameterValueException", LambdaRetryPolicy.AtLeastOnce, 1 },
        { "400 SomethingNew", LambdaRetryPolicy.AtLeastOnce, 1 },
    };

    [Theory, MemberData(nameof(SendsByError))]
    public async Task InvokeAsync_ServiceError_IsSentAsOftenAsThePolicyAllows(string error, LambdaRetryPolicy policy, int sends)
    {
        var (status, name) = (int.Parse(error[..3]), error[4..]);
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(status, "{}"u8.ToArray(), $"x-amzn-ErrorType: {name}")));
        using var client = Client(server.Url, policy);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(sends, server.CompleteRequests);
        Assert.Equal(sends, exception.Attempts);
        Assert.Equal(status, (int)exception.StatusCode);
    }

    [Fact]
    public async Task InvokeAsync_ThrottledThenWell_AnswersAndNumbersTheAttempts()
    {
        var heads = new List<string>();
        await using var server = new RawServer(async connection =>
        {
            while (await connection.ReadRequestAsync() is { } head)
            {
                heads.Add(head);
                await connection.WriteAsync(heads.Count < 3 ? RawServer.Answer(429, "{}"u8.ToArray()) : CompleteResponse());
            }
        });
        using var client = Client(server.Url, LambdaRetryPolicy.AtMostOnce);

        await using var response = await client.InvokeAsync("f");
        await foreach (var _ in response) continue;

        Assert.Equal(3, heads.Count);
        Assert.Equal(["attempt=1; max=3", "attempt=2; max=3", "attempt=3; max=3"], heads.Select(head => HeaderOf(head, "amz-sdk-request")));
        Assert.Single(heads.Select(head => HeaderOf(head, "amz-sdk-invocation-id")).Distinct());
    }

    [Fact]
    public async Task InvokeAsync_RequestsOwnRetry_ReplacesTheClients()
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(429, [])));
        using var client = Client(server.Url, LambdaRetryPolicy.AtMostOnce);

        var request = new InvokeWithResponseStreamRequest("f") { Retry = new LambdaRetryOptions { MaxAttempts = 5, ThrottlingBaseDelay = TimeSpan.Zero } };
        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal(5, server.CompleteRequests);
    }

    [Theory]
    [InlineData(LambdaRetryPolicy.AtMostOnce, 1)]
    [InlineData(LambdaRetryPolicy.Never, 1)]
    [InlineData(LambdaRetryPolicy.AtLeastOnce, 3)]
    public async Task InvokeAsync_ResetAfterTheRequest_IsRepeatedOnlyAtLeastOnce(LambdaRetryPolicy policy, int sends)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var client = Client(server.Url, policy);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Equal(sends, server.CompleteRequests);
        Assert.Equal(sends, exception.Attempts);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task InvokeAsync_NobodyListens_IsRepeatedSinceNothingWasSent()
    {
        await using var server = new RawServer(_ => Task.CompletedTask);
        var url = server.Url;
        await server.DisposeAsync();
        using var client = Client(url, LambdaRetryPolicy.AtMostOnce);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Equal(3, exception.Attempts);
        Assert.False(exception.FunctionMayHaveRun);
        Assert.True(exception.IsSafeToRetry);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeAsync_HandlersThatRetryBelow_SendOnce(bool withPayload)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var handler = new RetryThreeTimes(new SocketsHttpHandler());
        using var client = new LambdaStreamingClient(Options(server.Url, LambdaRetryPolicy.AtMostOnce), new HttpClient(handler));

        var request = new InvokeWithResponseStreamRequest("f") { Payload = withPayload ? "{}"u8.ToArray() : default };
        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeAsync_HandlersThatRetryServiceErrorsBelow_SendOnce(bool withPayload)
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(500, [])));
        using var handler = new RetryThreeTimes(new SocketsHttpHandler());
        using var client = new LambdaStreamingClient(Options(server.Url, LambdaRetryPolicy.AtMostOnce), new HttpClient(handler));

        var request = new InvokeWithResponseStreamRequest("f") { Payload = withPayload ? "{}"u8.ToArray() : default };
        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Theory, InlineData(307), InlineData(308)]
    public async Task InvokeAsync_Redirect_IsNeverFollowed(int status)
    {
        await using var elsewhere = new RawServer(connection => RespondToAllAsync(connection, _ => CompleteResponse()));
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(status, [], $"Location: {elsewhere.Url}x")));
        using var own = Client(server.Url, LambdaRetryPolicy.AtLeastOnce);
        using var following = new LambdaStreamingClient(Options(server.Url, LambdaRetryPolicy.AtLeastOnce), new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = true }));

        var refused = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => own.InvokeAsync("f"));
        await Assert.ThrowsAnyAsync<LambdaStreamingException>(() => following.InvokeAsync("f"));

        Assert.Equal(2, server.CompleteRequests);
        Assert.Equal(0, elsewhere.CompleteRequests);
        Assert.Contains(elsewhere.Url.ToString(), refused.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeAsync_StalePooledConnection_IsSentWholeAtMostOnce(bool withPayload)
    {
        // The first request is answered, the second one meets a reset on the same connection: the platform would send it again by itself.
        await using var server = new RawServer(async connection =>
        {
            if (connection.Number > 1)
            {
                await RespondToAllAsync(connection, _ => CompleteResponse());
                return;
            }

            await connection.ReadRequestAsync();
            await connection.WriteAsync(CompleteResponse());
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var client = Client(server.Url, LambdaRetryPolicy.AtMostOnce);
        var request = new InvokeWithResponseStreamRequest("f") { Payload = withPayload ? "{}"u8.ToArray() : default };
        await using (var first = await client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken))
        {
            await foreach (var _ in first) continue;
        }

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal(2, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeAsync_UsersOwnPipeline_SeesTypedExceptionsAndReplacesTheBuiltInOne()
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(503, [])));
        var seen = new List<LambdaStreamingException>();
        var pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = 4,
            Delay = TimeSpan.Zero,
            ShouldHandle = arguments =>
            {
                if (arguments.Outcome.Exception is LambdaStreamingException exception) seen.Add(exception);
                return new ValueTask<bool>(arguments.Outcome.Exception is not null);
            },
        }).Build();
        using var client = new LambdaStreamingClient(With(server.Url, options => options.ResiliencePipeline = pipeline));

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(5, server.CompleteRequests);
        Assert.Equal([1, 2, 3, 4, 5], seen.Select(exception => exception.Attempts));
        Assert.All(seen, exception => Assert.False(exception.IsSafeToRetry));
    }

    [Fact]
    public async Task AddLambdaRetry_InAUsersOwnPipeline_KeepsTheRule()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        var pipeline = new ResiliencePipelineBuilder().AddLambdaRetry(Quick).Build();
        using var client = new LambdaStreamingClient(With(server.Url, options => options.ResiliencePipeline = pipeline));

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task InvokeAsync_ThrottledOnceEachTime_SuccessGivesTheBudgetBack(bool ownPipeline)
    {
        // 500 tokens are 100 throttled resends.
        var requests = 0;
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => Interlocked.Increment(ref requests) % 2 == 1 ? RawServer.Answer(429, []) : RawServer.Answer(200, Messages.Complete())));
        using var client = new LambdaStreamingClient(With(server.Url, options =>
        {
            if (ownPipeline) options.ResiliencePipeline = new ResiliencePipelineBuilder().AddLambdaRetry(Quick).Build();
            else options.Retry = Quick;
        }));

        for (var i = 0; i < 150; i++)
        {
            await using var response = await client.InvokeAsync("f");
            await response.ReadAsByteArrayAsync(cancellationToken: TestContext.Current.CancellationToken);
        }

        Assert.Equal(300, server.CompleteRequests);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeAsync_FiveSuccessesAfterTheBudgetIsSpent_PayForOneThrottledResend(bool neverSentAgain)
    {
        var throttled = true;
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => Volatile.Read(ref throttled) ? RawServer.Answer(429, []) : RawServer.Answer(200, Messages.Complete())));
        using var client = new LambdaStreamingClient(With(server.Url, options => options.Retry.MaxAttempts = 2));
        for (var i = 0; i < 100; i++) await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));
        Volatile.Write(ref throttled, false);
        for (var i = 0; i < 5; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new("f") { Retry = neverSentAgain ? new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } : null }, TestContext.Current.CancellationToken);
            await response.ReadAsByteArrayAsync(cancellationToken: TestContext.Current.CancellationToken);
        }

        Volatile.Write(ref throttled, true);
        var paid = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));
        var unpaid = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal((2, 1), (paid.Attempts, unpaid.Attempts));
    }

    [Theory, InlineData(503), InlineData(0)]
    public async Task InvokeAsync_DryRunFails_DidNotRunAndIsSentAgain(int status)
    {
        await using var server = new RawServer(async connection =>
        {
            while (await connection.ReadRequestAsync() is not null)
            {
                if (status == 0) connection.Reset();
                else await connection.WriteAsync(RawServer.Answer(status, []));
            }
        });
        using var client = Client(server.Url, LambdaRetryPolicy.AtMostOnce);

        var exception = await Assert.ThrowsAnyAsync<LambdaStreamingException>(() => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken));

        Assert.Equal((3, false, true), (server.CompleteRequests, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
    }

    [Fact]
    public async Task InvokeAsync_DryRunIsAnsweredAsAnInvocation_MayHaveRun()
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(200, Messages.Complete())));
        using var client = Client(server.Url, LambdaRetryPolicy.AtMostOnce);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeAsync_Outage_StopsResendingWhenTheBudgetIsSpent()
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(503, [])));
        using var client = Client(server.Url, LambdaRetryPolicy.AtLeastOnce);

        for (var i = 0; i < 40; i++) await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        // 500 tokens at 14 each: 35 resends in all, on top of 40 first sends.
        Assert.Equal(40 + 35, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeAsync_ThrottlingOutage_StopsResendingWhenTheBudgetIsSpent()
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(429, [])));
        using var client = new LambdaStreamingClient(With(server.Url, options => options.Retry.MaxAttempts = 2));

        for (var i = 0; i < 110; i++) await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        // 500 tokens at 5 each: the last of them pay for the hundredth.
        Assert.Equal(110 + 100, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeAsync_OneAttemptAtMost_IsSentOnce()
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(429, [])));
        using var client = new LambdaStreamingClient(With(server.Url, options => options.Retry.MaxAttempts = 1));

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeAsync_DelayOfDays_IsWaitedForOnTheTimeProvider()
    {
        var clock = new FakeTimeProvider();
        var sent = new TaskCompletionSource();
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                sent.TrySetResult();
                return ++sends > 1 ? StubbedClient.Answer(new MemoryStream(Messages.Complete())) : StubbedClient.Answer(Stream.Null, HttpStatusCode.TooManyRequests);
            },
            options =>
            {
                (options.TimeProvider, options.ResponseHeadersTimeout) = (clock, Timeout.InfiniteTimeSpan);
                options.Retry = new LambdaRetryOptions { ThrottlingBaseDelay = TimeSpan.FromDays(40), MaxDelay = TimeSpan.FromDays(40) };
            });

        var call = client.InvokeAsync("f");
        await sent.Task.WaitAsync(TooLong, TestContext.Current.CancellationToken);
        for (var waiting = Stopwatch.StartNew(); !call.IsCompleted && waiting.Elapsed < TooLong;)
        {
            clock.Advance(TimeSpan.FromHours(1));
            await Task.Yield();
        }

        Assert.True(call.IsCompleted);
        await (await call).DisposeAsync();
        Assert.Equal(2, sends);
    }

    [Fact]
    public void Return_AfterRetries_ReturnsTheirCostAndNoMoreThanThereWas()
    {
        var bucket = new RetryTokenBucket();
        var (transient, throttled) = (new ServiceException("x"), new TooManyRequestsException("x"));

        bucket.Return(transient);
        Assert.True(bucket.TryTake(500));
        Assert.False(bucket.TryTake(1));
        bucket.Return(null);
        Assert.True(bucket.TryTake(1));
        bucket.Return(transient);
        Assert.False(bucket.TryTake(15));
        Assert.True(bucket.TryTake(14));
        bucket.Return(throttled);
        Assert.False(bucket.TryTake(6));
        Assert.True(bucket.TryTake(5));
    }

    [Fact]
    public async Task InvokeAsync_ThrottledTwice_LogsEachAttempt()
    {
        var logs = new CollectedLogs();
        var requests = 0;
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => Interlocked.Increment(ref requests) < 3
            ? RawServer.Answer(429, [], "x-amzn-ErrorType: TooManyRequestsException")
            : RawServer.Answer(200, Messages.Complete(), "x-amz-request-id: the-id")));
        using var client = new LambdaStreamingClient(With(server.Url, options => options.LoggerFactory = logs));

        await using var response = await client.InvokeAsync("f");

        Assert.Equal("the-id", response.RequestId);
        string[] expected =
        [
            "Attempt 1 on f is sent.", "f answers: HTTP 429, request id (null).", "Attempt 1 on f failed with TooManyRequestsException; next in 00:00:00.",
            "Attempt 2 on f is sent.", "f answers: HTTP 429, request id (null).", "Attempt 2 on f failed with TooManyRequestsException; next in 00:00:00.",
            "Attempt 3 on f is sent.", "f answers: HTTP 200, request id the-id.",
        ];
        Assert.Equal(expected, logs.Lines.Select(line => line.Trim()));
    }

    [Fact]
    public void GetRule_OptionsEnvironmentAndRequest_TheNearestDecides()
    {
        var withMaxAttempts = new RetryPipeline(new LambdaStreamingClientOptions { Retry = { MaxAttempts = 2 } }, NullLogger.Instance);
        var without = new RetryPipeline(StubbedClient.Options(), NullLogger.Instance);
        var request = new InvokeWithResponseStreamRequest("f");
        var five = request with { Retry = new LambdaRetryOptions { MaxAttempts = 5 } };
        var never = request with { Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } };

        Assert.Equal(2, withMaxAttempts.GetRule(request, configuredMaxAttempts: 7)?.MaxAttempts);
        Assert.Equal(7, without.GetRule(request, configuredMaxAttempts: 7)?.MaxAttempts);
        Assert.Equal(3, without.GetRule(request, configuredMaxAttempts: null)?.MaxAttempts);
        Assert.Equal(5, without.GetRule(five, configuredMaxAttempts: 7)?.MaxAttempts);
        Assert.Equal(1, without.GetRule(never, configuredMaxAttempts: 7)?.MaxAttempts);
    }

    [Fact]
    public void GetRule_PipelineOfAUser_IsNone()
    {
        var options = new LambdaStreamingClientOptions { ResiliencePipeline = ResiliencePipeline.Empty };

        Assert.Null(new RetryPipeline(options, NullLogger.Instance).GetRule(new("f"), configuredMaxAttempts: 7));
    }

    [Fact]
    public async Task InvokeAsync_CancelledWhileWaitingToResend_ThrowsWithTheCallersToken()
    {
        var clock = new FakeTimeProvider();
        var answered = new TaskCompletionSource();
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ =>
        {
            answered.TrySetResult();
            return RawServer.Answer(429, [], "Retry-After: 5");
        }));
        using var client = new LambdaStreamingClient(With(server.Url, options => options.TimeProvider = clock));
        using var source = new CancellationTokenSource();
        var call = client.InvokeAsync("f", source.Token);
        await answered.Task.WaitAsync(TooLong, TestContext.Current.CancellationToken);

        await source.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(1, server.CompleteRequests);
    }

    [Theory]
    [InlineData(0, false, null, 0.5, 25)]
    [InlineData(1, false, null, 0.5, 50)]
    [InlineData(2, false, null, 1.0, 200)]
    [InlineData(20, false, null, 1.0, 20_000)]
    [InlineData(0, true, null, 0.5, 500)]
    [InlineData(1, true, null, 0.5, 1_000)]
    [InlineData(0, true, 100, 0.5, 500)]
    [InlineData(0, true, 3_000, 0.5, 3_000)]
    [InlineData(0, true, 60_000, 0.5, 5_500)]
    [InlineData(0, false, 60_000, 0.5, 5_025)]
    public void DelayOf_Failure_IsFullJitterStretchedToTheHint(int attemptNumber, bool throttling, int? askedMilliseconds, double random, int expectedMilliseconds)
    {
        var exception = new LambdaServiceException("x", new LambdaErrorDetails
        {
            ErrorCode = throttling ? "TooManyRequestsException" : "ServiceException",
            RetryAfter = askedMilliseconds is { } asked ? TimeSpan.FromMilliseconds(asked) : null,
        });

        Assert.Equal(TimeSpan.FromMilliseconds(expectedMilliseconds), RetryPipeline.GetDelay(new LambdaRetryOptions(), attemptNumber, exception, random));
    }

    [Theory]
    [InlineData("Retry-After: 7", 7_000)]
    [InlineData("x-amz-retry-after: 1500", 1_500)]
    [InlineData("x-amz-retry-after: -1", null)]
    [InlineData("x-amz-retry-after: soon", null)]
    [InlineData("Retry-After: soon", null)]
    [InlineData("Date: Thu, 29 Feb 2024 23:59:59 GMT", null)]
    public async Task RetryAfter_InTheAnswer_IsReadInEitherSpelling(string header, int? milliseconds)
    {
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(429, [], header)));
        using var client = Client(server.Url, LambdaRetryPolicy.Never);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(milliseconds is { } value ? TimeSpan.FromMilliseconds(value) : null, exception.RetryAfter);
    }

    [Fact]
    public async Task InvokeAsync_OurClockIsWrong_IsCorrectedByTheServicesDateAndRemembered()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2024-02-29T10:00:00Z"));
        await using var server = await LocalLambdaServer.StartAsync(
            options =>
            {
                options.TimeProvider = new FakeTimeProvider(DateTimeOffset.Parse("2024-02-29T12:00:00Z"));
                options.AddFunction("three", Three);
            },
            TestContext.Current.CancellationToken);
        using var client = server.CreateClient(options =>
        {
            options.TimeProvider = clock;
            options.Retry = Quick;
        });

        await using (var first = await client.InvokeAsync("three")) await foreach (var _ in first) continue;
        await using (var second = await client.InvokeAsync("three")) await foreach (var _ in second) continue;

        Assert.Equal([403, 200, 200], server.Requests.Select(request => request.StatusCode ?? 0));
    }

    [Theory]
    [InlineData("Date: Thu, 29 Feb 2024 10:03:00 GMT", "", 1)]
    [InlineData("Date: Thu, 29 Feb 2024 12:00:00 GMT", "", 2)]
    [InlineData("Date: Thu, 29 Feb 2024 12:00:00 GMT", "Age: 7", 1)]
    [InlineData("X: no date", "", 1)]
    public async Task InvokeAsync_SignatureRefused_IsResentOnlyWhereTheClockIsToBlame(string date, string age, int sends)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2024-02-29T10:00:00Z"));
        await using var server = new RawServer(connection => RespondToAllAsync(connection, _ => RawServer.Answer(403, [], [date, "x-amzn-ErrorType: InvalidSignatureException", .. age.Length > 0 ? [age] : Array.Empty<string>()])));
        using var client = new LambdaStreamingClient(With(server.Url, options => options.TimeProvider = clock));

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(sends, server.CompleteRequests);
    }

    [Fact]
    public void ShouldRetry_ForeignException_IsFalseUnderEveryPolicy() =>
        Assert.All(Enum.GetValues<LambdaRetryPolicy>(), policy => Assert.False(LambdaResilience.ShouldRetry(new IOException("reset"), policy)));

    private static LambdaStreamingClient Client(Uri url, LambdaRetryPolicy policy) => new(Options(url, policy));

    private static LambdaStreamingClientOptions Options(Uri url, LambdaRetryPolicy policy) => With(url, options => options.Retry.Policy = policy);

    private static LambdaStreamingClientOptions With(Uri url, Action<LambdaStreamingClientOptions> configure)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = url;
        options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero };
        configure(options);
        return options;
    }

    private static async Task RespondToAllAsync(RawConnection connection, Func<string, byte[]> answer)
    {
        while (await connection.ReadRequestAsync() is { } head) await connection.WriteAsync(answer(head));
    }

    private static byte[] CompleteResponse() => RawServer.Answer(200, [.. Messages.Chunk("x"), .. Messages.Complete()], "Content-Type: application/vnd.amazon.eventstream");

    private static string? HeaderOf(string head, string name) =>
        head.Split("\r\n").Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 1)..].Trim()).SingleOrDefault();

    /// <summary>What a standard resilience handler does, put on all clients of an app.</summary>
    private sealed class RetryThreeTimes(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            for (var left = 3; ; left--)
            {
                try
                {
                    var response = await base.SendAsync(request, cancellationToken);
                    if ((int)response.StatusCode < 500 || left == 0) return response;
                }
                catch (HttpRequestException) when (left > 0)
                {
                    // Once more.
                }
            }
        }
    }
}
