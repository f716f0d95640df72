using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.Timeout;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>Exceptions of failed calls: their type, and whether the function might have run.</summary>
public class CallFailureTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // A payload is required: without it the client cannot detect that sending began (SendOnceHandlerTests).
    private static readonly InvokeWithResponseStreamRequest Request =
        InvokeWithResponseStreamRequest.FromJson("f", "{}");

    public static TheoryData<string, Exception> Failures => new()
    {
        { "name resolution", new HttpRequestException(HttpRequestError.NameResolutionError, "x") },
        { "TLS", new HttpRequestException(HttpRequestError.SecureConnectionError, "x") },
        { "refused or reset", new HttpRequestException(HttpRequestError.ConnectionError, "x") },
        { "ended", new HttpRequestException(HttpRequestError.ResponseEnded, "x") },
        { "IO", new IOException("It broke.") },
        { "other type", new TimeZoneNotFoundException("No such zone.") },
        { "timeout of the handler or the HttpClient", new OperationCanceledException("x", new TimeoutException()) },
        { "connect cancelled", new HttpRequestException("x", new OperationCanceledException()) },
    };

    [Theory, MemberData(nameof(Failures))]
    public async Task InvokeWithResponseStreamAsync_FailsBeforeSending_DidNotRun(string what, Exception failure)
    {
        _ = what;
        using var client = StubbedClient.Sending((_, _) => throw failure, Once);

        var exception = await FailAsync<LambdaTransportException>(client);

        Assert.Equal((1, false), (exception.Attempts, exception.FunctionMayHaveRun));
        Assert.Same(failure, GetCause(exception));
        Assert.Equal(
            failure.InnerException is TimeoutException or OperationCanceledException,
            exception.InnerException is TimeoutException);
    }

    [Theory, MemberData(nameof(Failures))]
    public async Task InvokeWithResponseStreamAsync_FailsAfterSending_MayHaveRun(string what, Exception failure)
    {
        _ = what;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw failure;
            },
            Once);

        var exception = await FailAsync<LambdaTransportException>(client);

        Assert.Equal((1, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
        Assert.Same(failure, GetCause(exception));
        Assert.Equal(failure.InnerException is TimeoutException, exception.InnerException is TimeoutException);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_LaterAttemptIsNotSent_MayHaveRun()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (++sends > 1) throw new HttpRequestException(HttpRequestError.ConnectionError, "x");
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("x");
            },
            options => options.Retry = new LambdaRetryOptions
            {
                Policy = LambdaRetryPolicy.AtLeastOnce,
                MaxAttempts = 2,
                BaseDelay = TimeSpan.FromMilliseconds(1),
            });

        var exception = await FailAsync<LambdaTransportException>(client);

        Assert.Equal((2, true), (exception.Attempts, exception.FunctionMayHaveRun));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerSendsTwice_ThrowsAndIsNotRetryable()
    {
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return new HttpResponseMessage();
            },
            Once);

        var exception = await FailAsync<LambdaTransportException>(client);

        Assert.Equal((true, null), (exception.FunctionMayHaveRun, exception.Retryable));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerFollowsARedirect_ThrowsAndIsNotRetryable()
    {
        using var page = new WatchedStream([]);
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                request.Method = HttpMethod.Get;
                request.RequestUri = new Uri("https://user:secret@elsewhere.example.com/page?token=secret");
                return StubbedClient.CreateResponse(page);
            },
            Once);

        var exception = await FailAsync<LambdaTransportException>(client);

        Assert.Equal((true, null), (exception.FunctionMayHaveRun, exception.Retryable));
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
        Assert.True(page.IsDisposed);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DryRun_DisposesTheHttpResponse()
    {
        using var body = new WatchedStream([]);
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(body, HttpStatusCode.NoContent));

        await using var response = await client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest("f") { InvocationType = InvocationType.DryRun }, Ct);

        Assert.True(body.IsDisposed);
    }

    [Theory]
    [InlineData(null, 120)]
    [InlineData(7, 7)]
    public async Task InvokeWithResponseStreamAsync_NoResponseHeaders_ThrowsAtResponseHeadersTimeout(
        int? requestSeconds,
        int seconds)
    {
        var clock = new FakeTimeProvider();
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                sent.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                return new HttpResponseMessage();
            },
            options =>
            {
                Once(options);
                options.TimeProvider = clock;
                options.ResponseHeadersTimeout = TimeSpan.FromMinutes(2);
            });
        TimeSpan? limit = requestSeconds is { } value ? TimeSpan.FromSeconds(value) : null;
        var call = client.InvokeWithResponseStreamAsync(Request with { ResponseHeadersTimeout = limit }, Ct);
        await sent.Task.WaitAsync(TooLong, Ct);
        clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
        Assert.False(call.IsCompleted);
        clock.Advance(TimeSpan.FromTicks(1));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => call);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Theory]
    [InlineData(400, false)]
    [InlineData(408, true)]
    [InlineData(429, true)]
    [InlineData(499, false)]
    [InlineData(500, true)]
    public async Task InvokeWithResponseStreamAsync_ProxyRejectsTheConnection_IsRetryableExceptForMost4xx(
        int status,
        bool isSafeToRetry)
    {
        using var client = StubbedClient.Sending(
            (_, _) => throw new HttpRequestException(
                HttpRequestError.ProxyTunnelError, "rejected", null, (HttpStatusCode)status),
            Once);

        var exception = await FailAsync<LambdaTransportException>(client);

        Assert.Equal(isSafeToRetry, exception.IsSafeToRetry);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RequestHasIdleTimeout_ReplacesThatOfTheClient()
    {
        var clock = new FakeTimeProvider();
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        using var client = StubbedClient.Streaming(FuncStream.Idle(read), options);
        await using var response = await client.InvokeWithResponseStreamAsync(
            Request with { IdleTimeout = TimeSpan.FromSeconds(7) }, Ct);

        var reading = response.ReadAsByteArrayAsync(cancellationToken: Ct);
        await read.Task.WaitAsync(TooLong, Ct);
        clock.Advance(TimeSpan.FromSeconds(7));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(
            () => reading.WaitAsync(TooLong, Ct));
        Assert.Contains(" 7 s (IdleTimeout)", exception.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_HandlerIgnoresItsToken_ThrowsAtTheTimeoutOrCancellation(
        bool isCancelled)
    {
        var clock = new FakeTimeProvider();
        var handlerRuns = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = new TaskCompletionSource<HttpResponseMessage>();
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            (_, _) =>
            {
                handlerRuns.SetResult();
                return late.Task;
            },
            options =>
            {
                Once(options);
                options.TimeProvider = clock;
            });
        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        await handlerRuns.Task.WaitAsync(TooLong, Ct);

        if (isCancelled) await cancelling.CancelAsync();
        else clock.Advance(TimeSpan.FromMinutes(16));

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TooLong, Ct));
        Assert.False(isCancelled
            ? Assert.IsType<InvocationCanceledException>(exception).FunctionMayHaveRun
            : Assert.IsType<LambdaTransportException>(exception).FunctionMayHaveRun);

        // The response that arrives too late frees its connection.
        var disposed = new TaskCompletionSource();
        late.SetResult(StubbedClient.CreateResponse(new WatchedStream([]) { Disposed = disposed.SetResult }));
        await disposed.Task.WaitAsync(TooLong, Ct);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyIgnoresItsToken_ThrowsAtTheLimitOrCancellation(
        bool isCancelled)
    {
        var clock = new FakeTimeProvider();
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            (_, _) => Task.FromResult(StubbedClient.CreateResponse(
                new FuncStream(_ =>
                {
                    read.TrySetResult();
                    return new ValueTask<int>(new TaskCompletionSource<int>().Task);
                }),
                HttpStatusCode.InternalServerError)),
            options =>
            {
                Once(options);
                options.TimeProvider = clock;
            });
        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        await read.Task.WaitAsync(TooLong, Ct);

        if (isCancelled) await cancelling.CancelAsync();
        else clock.Advance(TimeSpan.FromSeconds(10));

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TooLong, Ct));
        if (isCancelled) Assert.IsType<InvocationCanceledException>(exception);
        else Assert.Equal(HttpStatusCode.InternalServerError, ((LambdaServiceException)exception).StatusCode);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_Cancelled_ThrowsWithTheCallersToken(bool afterSending)
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (afterSending) await request.Content!.CopyToAsync(Stream.Null, CancellationToken.None);
                await cancelling.CancelAsync();
                cancellationToken.ThrowIfCancellationRequested();
                return new HttpResponseMessage();
            },
            Once);

        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => call);

        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Theory, InlineData(0), InlineData(1)]
    public async Task InvokeWithResponseStreamAsync_CancelledWhileCredentialsAreRead_ThrowsWithTheCallersToken(
        int readsBefore)
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("reset");
            },
            options =>
            {
                options.Credentials = new StubbedCredentials(read =>
                {
                    if (read <= readsBefore) return new ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null);
                    cancelling.Cancel();
                    throw new OperationCanceledException(cancelling.Token);
                });
                options.Retry = new LambdaRetryOptions
                {
                    Policy = LambdaRetryPolicy.AtLeastOnce,
                    BaseDelay = TimeSpan.FromMilliseconds(1),
                };
            });

        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => call);

        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_UserStrategyEndsTheAttempt_ThrowsTheExceptionOfTheStrategy()
    {
        var clock = new FakeTimeProvider();
        using var client = StubbedClient.Sending(
            (_, cancellationToken) =>
            {
                clock.Advance(TimeSpan.FromMinutes(1));
                return Task.FromCanceled<HttpResponseMessage>(cancellationToken);
            },
            options => options.ResiliencePipeline =
                new ResiliencePipelineBuilder { TimeProvider = clock }.AddTimeout(TimeSpan.FromMinutes(1)).Build());

        var call = client.InvokeWithResponseStreamAsync(Request, Ct);
        var exception = await Assert.ThrowsAsync<TimeoutRejectedException>(() => call);

        Assert.IsType<OperationCanceledException>(exception.InnerException);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CancelledWhileAnErrorIsRead_ThrowsWithTheCallersToken()
    {
        using var cancelling = new CancellationTokenSource();
        var body = new FuncStream(async (_, cancellationToken) =>
        {
            await cancelling.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return 0;
        });
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(
                body, HttpStatusCode.InternalServerError, ("Content-Type", "application/json")));

        var call = client.InvokeAsync("f", cancelling.Token);
        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => call);

        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Theory]
    [InlineData(202, InvocationType.RequestResponse)]
    [InlineData(299, InvocationType.RequestResponse)]
    [InlineData(200, InvocationType.DryRun)]
    public async Task InvokeWithResponseStreamAsync_SuccessStatusIsUnexpected_ThrowsAndMayHaveRun(
        int status,
        InvocationType type)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            Stream.Null,
            (HttpStatusCode)status,
            ("x-amz-request-id", "r-2"),
            ("x-amzn-RequestId", "r-1")));

        var call = client.InvokeWithResponseStreamAsync(new("f") { InvocationType = type }, Ct);
        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => call);

        Assert.Equal((ResponseStreamCorruptionReason.UnexpectedStatus, 0L), (exception.Reason, exception.ByteOffset));
        Assert.Equal(((HttpStatusCode)status, "r-1"), (exception.StatusCode, exception.RequestId));
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_ContentCannotBeOpened_IsCanceledOnlyIfTheCallerCancelled(
        bool byTheCaller)
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Create(_ => new HttpResponseMessage
        {
            Content = new OpenedContent(() =>
            {
                if (byTheCaller) cancelling.Cancel();
                throw new OperationCanceledException("Cancelled.");
            }),
        });

        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => call);

        Assert.Equal(byTheCaller, exception is OperationCanceledException);
        Assert.Equal(!byTheCaller, exception is ResponseStreamTruncatedException { FunctionMayHaveRun: true });
    }

    public enum Cause { Idle, Strategy, Cancelled }

    [Theory, InlineData(Cause.Idle), InlineData(Cause.Strategy), InlineData(Cause.Cancelled)]
    public async Task InvokeWithResponseStreamAsync_ContentIsNeverOpened_EndsAndDisposesItsLateStream(Cause cause)
    {
        var clock = new FakeTimeProvider();
        var opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = new TaskCompletionSource<Stream>();
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return new HttpResponseMessage
                {
                    Content = new OpenedContent(() =>
                    {
                        opening.SetResult();
                        return late.Task;
                    }),
                };
            },
            options =>
            {
                Once(options);
                options.TimeProvider = clock;
                options.IdleTimeout = TimeSpan.FromMinutes(cause == Cause.Strategy ? 60 : 1);
                if (cause != Cause.Strategy) return;
                options.ResiliencePipeline =
                    new ResiliencePipelineBuilder { TimeProvider = clock }.AddTimeout(TimeSpan.FromMinutes(1)).Build();
            });
        var call = client.InvokeWithResponseStreamAsync(Request, cancelling.Token);
        await opening.Task.WaitAsync(TooLong, Ct);

        if (cause == Cause.Cancelled) await cancelling.CancelAsync();
        var started = TimeProvider.System.GetTimestamp();
        while (cause != Cause.Cancelled && !call.IsCompleted && TimeProvider.System.GetElapsedTime(started) < TooLong)
        {
            // The timer of IdleTimeout might start a little later.
            clock.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TooLong, Ct));
        Assert.Equal(cause == Cause.Idle, exception is ResponseStreamIdleTimeoutException { FunctionName: "f" });
        if (cause == Cause.Idle) Assert.Contains("could not be opened within 60 s", exception.Message);
        Assert.Equal(cause == Cause.Strategy, exception is TimeoutRejectedException);
        Assert.Equal(cause == Cause.Cancelled, exception is InvocationCanceledException { FunctionMayHaveRun: true });
        var disposed = new TaskCompletionSource();
        late.SetResult(new WatchedStream([]) { Disposed = () => disposed.TrySetResult() });
        await disposed.Task.WaitAsync(TooLong, Ct);
    }

    [Theory]
    [InlineData("application/vnd.amazon.eventstream", false)]
    [InlineData("Application/Vnd.Amazon.EventStream; charset=utf-8", false)]
    [InlineData("text/html; charset=utf-8", true)]
    [InlineData("no type", true)]
    public async Task ReadChunksAsync_BytesAreNotAnEventStream_ReportsTheContentTypeOnlyIfItDiffers(
        string contentType,
        bool isReported)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.CreateResponse(
            new MemoryStream([.. "<html>, and more than a prelude"u8]),
            HttpStatusCode.OK,
            ("Content-Type", contentType)));

        var exception = await FailAsync<ResponseStreamCorruptException>(client);

        var expected = isReported
            ? ResponseStreamCorruptionReason.UnexpectedContentType
            : ResponseStreamCorruptionReason.PreludeChecksum;
        Assert.Equal(expected, exception.Reason);
    }

    [Theory]
    [InlineData(299, false)]
    [InlineData(300, true)]
    [InlineData(307, true)]
    [InlineData(399, true)]
    public async Task InvokeWithResponseStreamAsync_StatusRedirects_DidNotRunAndShowsNoSecret(
        int status,
        bool redirects)
    {
        const string Location = "https://user:secret@elsewhere.example.com/page?token=secret#x";
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(Stream.Null, (HttpStatusCode)status, ("Location", Location)));

        var exception = await FailAsync<LambdaStreamingException>(client);

        Assert.Equal((redirects, !redirects), (exception is LambdaServiceException, exception.FunctionMayHaveRun));
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(404, false, false)]
    [InlineData(429, false, true)]
    [InlineData(502, true, true)]
    [InlineData(418, true, false)]
    public async Task InvokeWithResponseStreamAsync_ErrorHasNoName_IsClassifiedByStatus(
        int status,
        bool mayHaveRun,
        bool isTransient)
    {
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(Stream.Null, (HttpStatusCode)status, ("x-amzn-RequestId", "r-1")));
        var request = Request with { Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never } };

        var call = client.InvokeWithResponseStreamAsync(request, Ct);
        var exception = await Assert.ThrowsAsync<LambdaServiceException>(() => call);

        Assert.Equal((mayHaveRun, isTransient), (exception.FunctionMayHaveRun, exception.Retryable is not null));
        Assert.Equal(("", "r-1"), (exception.ErrorCode, exception.RequestId));
    }

    [Theory]
    [InlineData("""{"ErrorDetails":"out of memory"}""")]
    [InlineData("""{"ErrorCode":"","ErrorDetails":"out of memory"}""")]
    public async Task ReadChunksAsync_ErrorDetailsWithoutAnErrorCode_ThrowsFunctionErrorException(string complete)
    {
        byte[] body = [.. Messages.Chunk("abc"), .. Messages.Complete(complete)];
        using var client = StubbedClient.Streaming(new MemoryStream(body));

        var exception = await FailAsync<FunctionErrorException>(client);

        Assert.Equal(("", "out of memory", 1), (exception.ErrorCode, exception.ErrorDetails, exception.ChunksReceived));
    }

    private static void Once(LambdaStreamingClientOptions options) =>
        options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never };

    // If a timeout elapsed, the inner exception is a TimeoutException with the failure of .NET.
    private static Exception? GetCause(LambdaTransportException exception) =>
        exception.InnerException is TimeoutException { InnerException: { } cause } ? cause : exception.InnerException;

    private static Task<T> FailAsync<T>(LambdaStreamingClient client)
        where T : LambdaStreamingException => Assert.ThrowsAnyAsync<T>(async () =>
    {
        await using var response = await client.InvokeWithResponseStreamAsync(Request, Ct);
        await foreach (var _ in response.ReadChunksAsync(Ct))
        {
        }
    });
}
