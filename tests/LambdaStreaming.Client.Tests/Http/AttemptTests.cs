using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using Polly;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Http;

/// <summary>What is known of a call whose attempts or answer are odd: above all whether the function may have run.</summary>
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
            options => options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce, MaxAttempts = earlier + 1, BaseDelay = TimeSpan.FromMilliseconds(1) });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => Invoke(client, Ct));

        Assert.Equal((earlier + 1, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
        Assert.DoesNotContain("did not run", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestId_HeadHasNone_IsEmpty()
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream(Messages.Complete()), HttpStatusCode.OK, ("Content-Type", "application/vnd.amazon.eventstream")));

        await using var response = await Invoke(client, Ct);

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
                return ++sends > 1 ? StubbedClient.Answer(Stream.Null, HttpStatusCode.TooManyRequests, ("x-amzn-ErrorType", "TooManyRequestsException")) : throw new HttpRequestException("reset");
            },
            options => options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce, MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) });

        var exception = await Assert.ThrowsAsync<TooManyRequestsException>(() => Invoke(client, Ct));

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
                    : throw new AmazonClientException("The keys have gone."));
                options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce, MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) };
            });

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => Invoke(client, Ct));

        Assert.Equal((1, true), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    // A strategy of the user's own ends the first attempts by its token, and sends again.
    [Theory]
    [InlineData(false, 1, false)]
    [InlineData(true, 1, true)]
    [InlineData(true, 2, true)]
    public async Task FunctionMayHaveRun_OwnStrategyEndedEarlierAttempts_IsWhetherTheyWereSent(bool sent, int ended, bool mayHaveRun)
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
                throw new InvalidOperationException("Nothing ended it.");
            },
            options => options.ResiliencePipeline = new ResiliencePipelineBuilder { TimeProvider = clock }
                .AddRetry(new Polly.Retry.RetryStrategyOptions { MaxRetryAttempts = ended, Delay = TimeSpan.Zero })
                .AddTimeout(TimeSpan.FromMinutes(1))
                .Build());

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => Invoke(client, Ct));

        Assert.Equal((ended + 1, mayHaveRun), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    [Fact]
    public async Task FunctionMayHaveRun_DryRunWasAnsweredAsAnInvocationAndThenRefused_IsTrue()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return ++sends > 1 ? StubbedClient.Answer(Stream.Null, HttpStatusCode.NotFound, ("x-amzn-ErrorType", "ResourceNotFoundException")) : StubbedClient.Answer(new MemoryStream(Messages.Complete()));
            },
            options => options.ResiliencePipeline = new ResiliencePipelineBuilder().AddRetry(new Polly.Retry.RetryStrategyOptions { MaxRetryAttempts = 1, Delay = TimeSpan.Zero }).Build());

        var exception = await Assert.ThrowsAsync<ResourceNotFoundException>(() => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task OwnPipeline_AttemptHeader_CountsWithoutALimit()
    {
        string? header = null;
        using var client = StubbedClient.Create(
            request =>
            {
                header = request.Headers.GetValues("amz-sdk-request").Single();
                return StubbedClient.Answer(new MemoryStream(Messages.Complete()));
            },
            Configured(options => options.ResiliencePipeline = ResiliencePipeline.Empty));

        await using var response = await Invoke(client, Ct);

        Assert.Equal("attempt=1", header);
    }

    [Fact]
    public async Task Cancelled_WhileAResendIsConnecting_DoesNotSayThatNothingWasSent()
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
            options => options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce, BaseDelay = TimeSpan.FromMilliseconds(1) });

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Invoke(client, cancelling.Token));

        Assert.DoesNotContain("Nothing was sent", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClockSkew_TwoCallsAtOnceWithAWrongClock_BothAreSentAgain()
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
                if (number > 2) return StubbedClient.Answer(new MemoryStream(Messages.Complete()));
                await both.Task.WaitAsync(cancellationToken);
                return StubbedClient.Answer(Stream.Null, HttpStatusCode.Forbidden, ("x-amzn-ErrorType", "InvalidSignatureException"), ("Date", serviceClock.ToString("R")));
            },
            options => options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.FromMilliseconds(1) });

        var responses = await Task.WhenAll(Invoke(client, Ct), Invoke(client, Ct));

        foreach (var response in responses) await response.DisposeAsync();
        Assert.Equal(4, sends);
    }

    [Fact]
    public async Task ClockSkew_RefusedWithoutAName_IsNotSentAgain()
    {
        var sends = 0;
        using var client = StubbedClient.Create(_ =>
        {
            sends++;
            return StubbedClient.Answer(Stream.Null, HttpStatusCode.Forbidden, ("Date", DateTimeOffset.UtcNow.AddHours(3).ToString("R")));
        });

        await Assert.ThrowsAsync<LambdaServiceException>(() => Invoke(client, Ct));

        Assert.Equal(1, sends);
    }

    [Fact]
    public async Task ClockSkew_ErrorThatIsNotTheClocks_TeachesNothing()
    {
        List<string> dates = [];
        using var client = StubbedClient.Create(request =>
        {
            dates.Add(request.Headers.GetValues("X-Amz-Date").Single());
            return StubbedClient.Answer(Stream.Null, HttpStatusCode.ServiceUnavailable, ("Date", "Mon, 01 Jan 2001 00:00:00 GMT"));
        });

        for (var i = 0; i < 2; i++) await Assert.ThrowsAsync<LambdaServiceException>(() => Invoke(client, Ct));

        Assert.Equal(2, dates.Count);
        Assert.All(dates, date => Assert.False(date.StartsWith("2001", StringComparison.Ordinal), date));
    }

    [Fact]
    public async Task ClockSkew_DateAtTheEndOfTime_BreaksNothing()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return StubbedClient.Answer(Stream.Null, HttpStatusCode.Forbidden, ("x-amzn-ErrorType", "InvalidSignatureException"), ("Date", "Fri, 31 Dec 9999 23:59:59 GMT"));
            },
            options => options.TimeProvider = clock);
        await Assert.ThrowsAsync<InvalidSignatureException>(() => Invoke(client, Ct));
        clock.Advance(TimeSpan.FromMinutes(1));

        await Assert.ThrowsAsync<InvalidSignatureException>(() => Invoke(client, Ct));
    }

    [Fact]
    public async Task SendAsync_HandlerThrowsATypeOfItsOwn_IsATransportException()
    {
        // As Polly's TimeoutRejectedException and BrokenCircuitException, from a resilience handler that the app puts on all clients.
        using var client = StubbedClient.Sending(async (request, cancellationToken) =>
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            throw new TimeoutException("The handler's own limit.");
        });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => Invoke(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Fact]
    public async Task ExpectContinueOfTheCallersHttpClient_EmptyPayloadAndTheConnectionBreaks_IsSentOnce()
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

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));

        Assert.Equal((1, true), (server.CompleteRequests, exception.FunctionMayHaveRun));
    }

    [Fact]
    public void ConnectTimeout_LongerThanThePlatformTakes_IsTaken()
    {
        var options = StubbedClient.Options();
        options.ConnectTimeout = TimeSpan.FromDays(30);

        using var client = new LambdaStreamingClient(options);
    }

    [Fact]
    public async Task ExpectContinueBelowASendOnceHandler_EmptyPayloadAndTheConnectionBreaks_MayHaveRun()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            connection.Reset();
        });
        using var http = new HttpClient(new SendOnceHandler(new SocketsHttpHandler()));
        http.DefaultRequestHeaders.ExpectContinue = true;
        using var client = new LambdaStreamingClient(Configured(options => options.ServiceUrl = server.Url), http);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), Ct));

        Assert.Equal((1, true), (server.CompleteRequests, exception.FunctionMayHaveRun));
    }

    private static LambdaStreamingClientOptions Configured(Action<LambdaStreamingClientOptions> configure)
    {
        var options = StubbedClient.Options();
        configure(options);
        return options;
    }

    private static Task<InvokeWithResponseStreamResponse> Invoke(LambdaStreamingClient client, CancellationToken cancellationToken) =>
        client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), cancellationToken);
}
