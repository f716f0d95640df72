using System.Diagnostics;
using System.Net;
using LambdaStreaming.Invocation;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.Retry;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>Which requests are retried, and which are not.</summary>
public class RetryTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static readonly LambdaRetryOptions WithoutDelay = new()
    {
        BaseDelay = TimeSpan.Zero,
        ThrottlingBaseDelay = TimeSpan.Zero,
    };

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
    public async Task InvokeWithResponseStreamAsync_ServiceError_IsRetriedAsThePolicyAllows(
        string error,
        LambdaRetryPolicy policy,
        int sends)
    {
        var (status, name) = (int.Parse(error[..3]), error[4..]);
        await using var server = RawServer.Responding(
            RawServer.CreateResponse(status, "{}"u8.ToArray(), $"x-amzn-ErrorType: {name}"));
        using var client = CreateClient(server.Url, policy);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(sends, server.CompleteRequests);
        Assert.Equal(sends, exception.Attempts);
        Assert.Equal(status, (int)exception.StatusCode);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RetryOptionsChangeDuringTheCall_UsesThoseOfItsBeginning()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(500, "{}"u8.ToArray()));
        using var client = CreateClient(server.Url, LambdaRetryPolicy.Never);
        var retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero };

        var call = client.InvokeWithResponseStreamAsync(new("f") { Retry = retry }, Ct);
        retry.Policy = LambdaRetryPolicy.AtLeastOnce;
        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => call);

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ThrottledTwice_SucceedsAndNumbersTheAttempts()
    {
        var requests = new List<string>();
        await using var server = new RawServer(async connection =>
        {
            while (await connection.ReadRequestAsync() is { } headers)
            {
                requests.Add(headers);
                await connection.WriteAsync(
                    requests.Count < 3 ? RawServer.CreateResponse(429, "{}"u8.ToArray()) : CreateCompleteResponse());
            }
        });
        using var client = CreateClient(server.Url, LambdaRetryPolicy.AtMostOnce);

        await using var response = await client.InvokeAsync("f");
        await foreach (var _ in response) continue;

        Assert.Equal(3, requests.Count);
        Assert.Equal(
            ["attempt=1; max=3", "attempt=2; max=3", "attempt=3; max=3"],
            requests.Select(headers => RawService.Header(headers, "amz-sdk-request")));
        Assert.Single(requests.Select(headers => RawService.Header(headers, "amz-sdk-invocation-id")).Distinct());
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RequestHasRetryOptions_OverridesTheClientOptions()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(429, []));
        using var client = CreateClient(server.Url, LambdaRetryPolicy.AtMostOnce);

        var request = new InvokeWithResponseStreamRequest("f")
        {
            Retry = new LambdaRetryOptions { MaxAttempts = 5, ThrottlingBaseDelay = TimeSpan.Zero },
        };
        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Equal(5, server.CompleteRequests);
    }

    [Theory]
    [InlineData(LambdaRetryPolicy.AtMostOnce, 1)]
    [InlineData(LambdaRetryPolicy.Never, 1)]
    [InlineData(LambdaRetryPolicy.AtLeastOnce, 3)]
    public async Task InvokeWithResponseStreamAsync_ResetAfterTheRequest_IsRetriedOnlyUnderAtLeastOnce(
        LambdaRetryPolicy policy,
        int sends)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var client = CreateClient(server.Url, policy);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Equal(sends, server.CompleteRequests);
        Assert.Equal(sends, exception.Attempts);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ConnectionRefused_IsRetriedBecauseNothingWasSent()
    {
        using var port = new RefusingPort();
        using var client = CreateClient(port.Url, LambdaRetryPolicy.AtMostOnce);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Equal(3, exception.Attempts);
        Assert.False(exception.FunctionMayHaveRun);
        Assert.True(exception.IsSafeToRetry);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_HandlerRetriesConnectionFailures_SendsOnce(bool withPayload)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var handler = new RetryThreeTimes(new SocketsHttpHandler());
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, LambdaRetryPolicy.AtMostOnce), new HttpClient(handler));

        var request = new InvokeWithResponseStreamRequest("f") { Payload = withPayload ? "{}"u8.ToArray() : default };
        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_HandlerRetriesServiceErrors_SendsOnce(bool withPayload)
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(500, []));
        using var handler = new RetryThreeTimes(new SocketsHttpHandler());
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, LambdaRetryPolicy.AtMostOnce), new HttpClient(handler));

        var request = new InvokeWithResponseStreamRequest("f") { Payload = withPayload ? "{}"u8.ToArray() : default };
        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Theory, InlineData(307), InlineData(308)]
    public async Task InvokeWithResponseStreamAsync_Redirect_IsNeverFollowed(int status)
    {
        await using var elsewhere = RawServer.Responding(CreateCompleteResponse());
        await using var server = RawServer.Responding(
            RawServer.CreateResponse(status, [], $"Location: {elsewhere.Url}x"));
        using var own = CreateClient(server.Url, LambdaRetryPolicy.AtLeastOnce);
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = true });
        using var following = new LambdaStreamingClient(CreateOptions(server.Url, LambdaRetryPolicy.AtLeastOnce), http);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => own.InvokeAsync("f"));
        await Assert.ThrowsAnyAsync<LambdaStreamingException>(() => following.InvokeAsync("f"));

        Assert.Equal(2, server.CompleteRequests);
        Assert.Equal(0, elsewhere.CompleteRequests);
        Assert.Contains(elsewhere.Url.ToString(), exception.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_StalePooledConnection_SendsTheCompleteRequestAtMostOnce(
        bool withPayload)
    {
        // The first request gets a response, the second one a reset on the same connection. Without a safeguard,
        // SocketsHttpHandler would send the second request again.
        await using var server = new RawServer(async connection =>
        {
            if (connection.Number > 1)
            {
                await RespondToAllAsync(connection, CreateCompleteResponse);
                return;
            }

            await connection.ReadRequestAsync();
            await connection.WriteAsync(CreateCompleteResponse());
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var client = CreateClient(server.Url, LambdaRetryPolicy.AtMostOnce);
        var request = new InvokeWithResponseStreamRequest("f") { Payload = withPayload ? "{}"u8.ToArray() : default };
        await using (var first = await client.InvokeWithResponseStreamAsync(request, Ct))
        {
            await foreach (var _ in first) continue;
        }

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Equal(2, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_UserPipeline_GetsTypedExceptionsAndReplacesTheBuiltInOne()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(503, []));
        var exceptions = new List<LambdaStreamingException>();
        var pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = 4,
            Delay = TimeSpan.Zero,
            ShouldHandle = arguments =>
            {
                if (arguments.Outcome.Exception is LambdaStreamingException exception) exceptions.Add(exception);
                return new ValueTask<bool>(arguments.Outcome.Exception is not null);
            },
        }).Build();
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.ResiliencePipeline = pipeline));

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(5, server.CompleteRequests);
        Assert.Equal([1, 2, 3, 4, 5], exceptions.Select(exception => exception.Attempts));
        Assert.All(exceptions, exception => Assert.False(exception.IsSafeToRetry));
    }

    [Fact]
    public async Task AddLambdaRetry_FunctionMayHaveRun_DoesNotRetry()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        var pipeline = new ResiliencePipelineBuilder().AddLambdaRetry(WithoutDelay).Build();
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.ResiliencePipeline = pipeline));

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_ThrottledOncePerCall_SuccessReturnsTheTokens(bool userPipeline)
    {
        // Without returned tokens, the 500 tokens of the bucket would pay for only 100 throttled retries.
        var requests = 0;
        await using var server = new RawServer(connection => RespondToAllAsync(
            connection,
            () => Interlocked.Increment(ref requests) % 2 == 1
                ? RawServer.CreateResponse(429, [])
                : RawServer.CreateResponse(200, Messages.Complete())));
        using var client = new LambdaStreamingClient(CreateOptions(server.Url, options =>
        {
            if (userPipeline)
                options.ResiliencePipeline = new ResiliencePipelineBuilder().AddLambdaRetry(WithoutDelay).Build();
            else
                options.Retry = WithoutDelay;
        }));

        for (var i = 0; i < 150; i++)
        {
            await using var response = await client.InvokeAsync("f");
            await response.ReadAsByteArrayAsync(cancellationToken: Ct);
        }

        Assert.Equal(300, server.CompleteRequests);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_FiveSuccessesWithAnEmptyTokenBucket_PayForOneThrottledRetry(
        bool neverRetried)
    {
        var throttled = true;
        await using var server = new RawServer(connection => RespondToAllAsync(
            connection,
            () => Volatile.Read(ref throttled)
                ? RawServer.CreateResponse(429, [])
                : RawServer.CreateResponse(200, Messages.Complete())));
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.Retry.MaxAttempts = 2));
        var request = new InvokeWithResponseStreamRequest("f")
        {
            Retry = neverRetried ? new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } : null,
        };
        for (var i = 0; i < 100; i++)
            await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));
        Volatile.Write(ref throttled, false);
        for (var i = 0; i < 5; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);
            await response.ReadAsByteArrayAsync(cancellationToken: Ct);
        }

        Volatile.Write(ref throttled, true);
        var paid = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));
        var unpaid = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal((2, 1), (paid.Attempts, unpaid.Attempts));
    }

    [Theory, InlineData(503), InlineData(0)]
    public async Task InvokeWithResponseStreamAsync_DryRunFails_DidNotRunAndIsRetried(int status)
    {
        await using var server = new RawServer(async connection =>
        {
            while (await connection.ReadRequestAsync() is not null)
            {
                if (status == 0)
                    connection.Reset();
                else
                    await connection.WriteAsync(RawServer.CreateResponse(status, []));
            }
        });
        using var client = CreateClient(server.Url, LambdaRetryPolicy.AtMostOnce);

        var exception = await Assert.ThrowsAnyAsync<LambdaStreamingException>(
            () => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, Ct));

        Assert.Equal(3, server.CompleteRequests);
        Assert.False(exception.FunctionMayHaveRun);
        Assert.True(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DryRunGetsStatus200_MayHaveRun()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(200, Messages.Complete()));
        using var client = CreateClient(server.Url, LambdaRetryPolicy.AtMostOnce);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(
            () => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_Outage_StopsRetryingWhenTheTokenBucketIsEmpty()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(503, []));
        using var client = CreateClient(server.Url, LambdaRetryPolicy.AtLeastOnce);

        for (var i = 0; i < 40; i++)
            await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        // 500 tokens at 14 each pay for 35 retries, in addition to 40 first attempts.
        Assert.Equal(40 + 35, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ThrottlingOutage_StopsRetryingWhenTheTokenBucketIsEmpty()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(429, []));
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.Retry.MaxAttempts = 2));

        for (var i = 0; i < 110; i++)
            await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        // 500 tokens at 5 each pay for 100 retries.
        Assert.Equal(110 + 100, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_MaxAttemptsIsOne_SendsOnce()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(429, []));
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.Retry.MaxAttempts = 1));

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DelayOfDays_WaitsOnTheTimeProvider()
    {
        var clock = new FakeTimeProvider();
        var sent = new TaskCompletionSource();
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                sent.TrySetResult();
                return ++sends > 1
                    ? StubbedClient.CreateResponse(new MemoryStream(Messages.Complete()))
                    : StubbedClient.CreateResponse(Stream.Null, HttpStatusCode.TooManyRequests);
            },
            options =>
            {
                options.TimeProvider = clock;
                options.ResponseHeadersTimeout = Timeout.InfiniteTimeSpan;
                options.Retry = new LambdaRetryOptions
                {
                    ThrottlingBaseDelay = TimeSpan.FromDays(40),
                    MaxDelay = TimeSpan.FromDays(40),
                };
            });

        var call = client.InvokeAsync("f");
        await sent.Task.WaitAsync(TooLong, Ct);
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
    public void Return_AfterRetries_ReturnsTheirCostUpToTheCapacity()
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
    public async Task InvokeWithResponseStreamAsync_ThrottledTwice_LogsEachAttempt()
    {
        var logs = new CollectedLogs();
        var requests = 0;
        await using var server = new RawServer(connection => RespondToAllAsync(
            connection,
            () => Interlocked.Increment(ref requests) < 3
                ? RawServer.CreateResponse(429, [], "x-amzn-ErrorType: TooManyRequestsException")
                : RawServer.CreateResponse(200, Messages.Complete(), "x-amz-request-id: the-id")));
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.LoggerFactory = logs));

        await using var response = await client.InvokeAsync("f");

        Assert.Equal("the-id", response.RequestId);
        string[] expected =
        [
            "1", "429", "TooManyRequestsException",
            "2", "429", "TooManyRequestsException",
            "3", "the-id",
        ];
        Assert.Equal(expected.Length, logs.Lines.Count);
        Assert.All(
            expected.Zip(logs.Lines), pair => Assert.Contains(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public void GetRule_MaxAttemptsInSeveralSources_UsesTheMostSpecific()
    {
        var withMaxAttempts = new RetryPipeline(
            new LambdaStreamingClientOptions { Retry = { MaxAttempts = 2 } }, NullLogger.Instance);
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
    public void GetRule_UserPipeline_ReturnsNull()
    {
        var options = new LambdaStreamingClientOptions { ResiliencePipeline = ResiliencePipeline.Empty };

        Assert.Null(new RetryPipeline(options, NullLogger.Instance).GetRule(new("f"), configuredMaxAttempts: 7));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CancelledDuringTheRetryDelay_ThrowsWithTheCallersToken()
    {
        var clock = new FakeTimeProvider();
        var received = new TaskCompletionSource();
        await using var server = new RawServer(connection => RespondToAllAsync(connection, () =>
        {
            received.TrySetResult();
            return RawServer.CreateResponse(429, [], "Retry-After: 5");
        }));
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.TimeProvider = clock));
        using var source = new CancellationTokenSource();
        var call = client.InvokeAsync("f", source.Token);
        await received.Task.WaitAsync(TooLong, Ct);

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
    [InlineData(2_000, false, null, 1.0, 20_000)]
    public void GetDelay_Failure_IsFullJitterExtendedToRetryAfter(
        int attemptNumber,
        bool throttling,
        int? retryAfterMilliseconds,
        double random,
        int expectedMilliseconds)
    {
        var exception = new LambdaServiceException("x", new LambdaErrorDetails
        {
            ErrorCode = throttling ? "TooManyRequestsException" : "ServiceException",
            RetryAfter = retryAfterMilliseconds is { } value ? TimeSpan.FromMilliseconds(value) : null,
        });

        var delay = RetryPipeline.GetDelay(new LambdaRetryOptions(), attemptNumber, exception, random);

        Assert.Equal(TimeSpan.FromMilliseconds(expectedMilliseconds), delay);
    }

    [Fact]
    public void GetDelay_FirstDelayIsZero_IsZeroForAnyAttempt()
    {
        var retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero };

        Assert.Equal(TimeSpan.Zero, RetryPipeline.GetDelay(retry, 1_024, new LambdaServiceException("x"), 0.5));
    }

    [Theory]
    [InlineData("Retry-After: 7", 7_000)]
    [InlineData("x-amz-retry-after: 1500", 1_500)]
    [InlineData("x-amz-retry-after: -1", null)]
    [InlineData("x-amz-retry-after: soon", null)]
    [InlineData("Retry-After: soon", null)]
    [InlineData("Date: Thu, 29 Feb 2024 23:59:59 GMT", null)]
    public async Task RetryAfter_EitherHeader_IsParsed(string header, int? milliseconds)
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(429, [], header));
        using var client = CreateClient(server.Url, LambdaRetryPolicy.Never);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(milliseconds is { } value ? TimeSpan.FromMilliseconds(value) : null, exception.RetryAfter);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ClientClockIsWrong_CorrectsAndRemembersTheOffset()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2024-02-29T10:00:00Z"));
        await using var server = await LocalLambdaServer.StartAsync(
            options =>
            {
                options.TimeProvider = new FakeTimeProvider(DateTimeOffset.Parse("2024-02-29T12:00:00Z"));
                options.AddFunction("three", Three);
            },
            Ct);
        using var client = server.CreateClient(options =>
        {
            options.TimeProvider = clock;
            options.Retry = WithoutDelay;
        });

        for (var i = 0; i < 2; i++)
        {
            await using var response = await client.InvokeAsync("three");
            await foreach (var _ in response) continue;
        }

        Assert.Equal([403, 200, 200], server.Requests.Select(request => request.StatusCode ?? 0));
    }

    [Theory]
    [InlineData("Date: Thu, 29 Feb 2024 10:03:00 GMT", "", 1)]
    [InlineData("Date: Thu, 29 Feb 2024 12:00:00 GMT", "", 2)]
    [InlineData("Date: Thu, 29 Feb 2024 12:00:00 GMT", "Age: 7", 1)]
    [InlineData("X: no date", "", 1)]
    public async Task InvokeWithResponseStreamAsync_SignatureIsRejected_IsRetriedOnlyIfTheClockIsWrong(
        string date,
        string age,
        int sends)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2024-02-29T10:00:00Z"));
        List<string> headers = [date, "x-amzn-ErrorType: InvalidSignatureException"];
        if (age.Length > 0) headers.Add(age);
        await using var server = RawServer.Responding(RawServer.CreateResponse(403, [], [.. headers]));
        using var client = new LambdaStreamingClient(
            CreateOptions(server.Url, options => options.TimeProvider = clock));

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal(sends, server.CompleteRequests);
    }

    [Fact]
    public void ShouldRetry_OtherExceptionType_IsFalseUnderEveryPolicy() =>
        Assert.All(
            Enum.GetValues<LambdaRetryPolicy>(),
            policy => Assert.False(LambdaResilience.ShouldRetry(new IOException("reset"), policy)));

    private static LambdaStreamingClient CreateClient(Uri url, LambdaRetryPolicy policy) =>
        new(CreateOptions(url, policy));

    private static LambdaStreamingClientOptions CreateOptions(Uri url, LambdaRetryPolicy policy) =>
        CreateOptions(url, options => options.Retry.Policy = policy);

    private static LambdaStreamingClientOptions CreateOptions(Uri url, Action<LambdaStreamingClientOptions> configure)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = url;
        options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero };
        configure(options);
        return options;
    }

    private static async Task RespondToAllAsync(RawConnection connection, Func<byte[]> createResponse)
    {
        while (await connection.ReadRequestAsync() is not null)
            await connection.WriteAsync(createResponse());
    }

    private static byte[] CreateCompleteResponse() => RawServer.CreateResponse(
        200, [.. Messages.Chunk("x"), .. Messages.Complete()], "Content-Type: application/vnd.amazon.eventstream");

    /// <summary>Retries like a standard resilience handler that an app adds to all its clients.</summary>
    private sealed class RetryThreeTimes(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            for (var remaining = 3; ; remaining--)
            {
                try
                {
                    var response = await base.SendAsync(request, cancellationToken);
                    if ((int)response.StatusCode < 500 || remaining == 0) return response;
                }
                catch (HttpRequestException) when (remaining > 0)
                {
                    // The next iteration retries.
                }
            }
        }
    }
}
