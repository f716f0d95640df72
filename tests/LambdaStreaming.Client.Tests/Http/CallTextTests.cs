using System.Net;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.Timeout;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Http;

/// <summary>What the exception says, word for word, of a call that got no answer.</summary>
public class CallTextTests
{
    private const string Endpoint = "https://lambda.us-east-1.amazonaws.com";
    private const string NotSent = "Nothing was sent, so the function did not run. (function f, region us-east-1, attempt 1 of 1).";
    private const string Sent = "The request had been sent, so the function may have run. (function f, region us-east-1, attempt 1 of 1).";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // With a payload, so that its content says whether sending began; without one nothing does (SendOnceHandlerTests).
    private static readonly InvokeWithResponseStreamRequest Request = InvokeWithResponseStreamRequest.FromJson("f", "{}");

    public static TheoryData<string, Exception, string> BeforeSending => new()
    {
        { "name", new HttpRequestException(HttpRequestError.NameResolutionError, "x"), $"The name of {Endpoint} could not be resolved. Check the region and the network." },
        { "TLS", new HttpRequestException(HttpRequestError.SecureConnectionError, "x"), $"The TLS handshake with {Endpoint} failed." },
        { "refused", new HttpRequestException(HttpRequestError.ConnectionError, "x"), $"No connection to {Endpoint}. Check the address, the network and any proxy." },
        { "IO", new IOException("It broke."), $"The request to {Endpoint} could not be sent: It broke." },
        { "foreign", new TimeZoneNotFoundException("No such zone."), "A handler below this client failed with TimeZoneNotFoundException: No such zone." },
        { "connect timeout of the handler", new OperationCanceledException("x", new TimeoutException()), $"No connection to {Endpoint} within the ConnectTimeout of the HttpClient's handler, or within its own Timeout of 00:01:40." },
        { "connect cancelled", new HttpRequestException("x", new OperationCanceledException()), $"No connection to {Endpoint} within the ConnectTimeout of the HttpClient's handler, or within its own Timeout of 00:01:40." },
    };

    public static TheoryData<string, Exception, string> AfterSending => new()
    {
        { "reset", new HttpRequestException(HttpRequestError.ConnectionError, "x"), $"The connection to {Endpoint} broke before an answer came." },
        { "ended", new HttpRequestException(HttpRequestError.ResponseEnded, "x"), $"The connection to {Endpoint} broke before an answer came." },
        { "IO", new IOException("It broke."), $"The connection to {Endpoint} broke before an answer came." },
        { "foreign", new TimeZoneNotFoundException("No such zone."), "A handler below this client failed with TimeZoneNotFoundException: No such zone." },
        { "caller's timeout", new OperationCanceledException("x", new TimeoutException()), $"The caller's HttpClient gave up on {Endpoint} after its own Timeout of 00:01:40. Set it to Timeout.InfiniteTimeSpan; this client has limits of its own." },
    };

    [Theory, MemberData(nameof(BeforeSending))]
    public async Task InvokeAsync_FailsBeforeSending_SaysWhatAndThatNothingWasSent(string what, Exception failure, string text)
    {
        _ = what;
        using var client = StubbedClient.Sending((_, _) => throw failure, Once);

        Assert.Equal($"{text} {NotSent}", await TextOfAsync<LambdaTransportException>(client));
    }

    [Fact]
    public async Task InvokeAsync_ConnectTimeoutAndHttpClientWithoutTimeout_SpeaksOfNone()
    {
        using var client = StubbedClient.Sending((_, _) => throw new OperationCanceledException("x", new TimeoutException()), Once, Timeout.InfiniteTimeSpan);

        Assert.Equal($"No connection to {Endpoint} within the ConnectTimeout of the HttpClient's handler. {NotSent}", await TextOfAsync<LambdaTransportException>(client));
    }

    [Theory, MemberData(nameof(AfterSending))]
    public async Task InvokeAsync_FailsAfterSending_SaysWhatAndThatItMayHaveRun(string what, Exception failure, string text)
    {
        _ = what;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw failure;
            },
            Once);

        Assert.Equal($"{text} {Sent}", await TextOfAsync<LambdaTransportException>(client));
    }

    [Fact]
    public async Task InvokeAsync_LaterAttemptIsNotSent_SaysThatAnEarlierOneWas()
    {
        var sends = 0;
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (++sends > 1) throw new HttpRequestException(HttpRequestError.ConnectionError, "x");
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("x");
            },
            options => options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.AtLeastOnce, MaxAttempts = 2, BaseDelay = TimeSpan.FromMilliseconds(1) });

        Assert.Equal($"No connection to {Endpoint}. Check the address, the network and any proxy. Nothing was sent this time, but an earlier attempt may have run the function. (function f, region us-east-1, attempt 2 of 2).", await TextOfAsync<LambdaTransportException>(client));
    }

    [Fact]
    public async Task InvokeAsync_HandlerSendsTwice_SaysThatItWasRefused()
    {
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                return new HttpResponseMessage();
            },
            Once);

        Assert.Equal($"A handler below this client tried to send the request a second time; that was refused, because the function could run twice. {Sent}", await TextOfAsync<LambdaTransportException>(client));
    }

    [Fact]
    public async Task InvokeAsync_HandlerFollowsARedirect_SaysWhereAndWhatToSet()
    {
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                request.Method = HttpMethod.Get;
                request.RequestUri = new Uri("https://user:secret@elsewhere.example.com/page?token=secret");
                return new HttpResponseMessage();
            },
            Once);

        Assert.Equal($"A handler below this client followed a redirect to https://elsewhere.example.com/page; what came from there is no answer of Lambda. Set AllowAutoRedirect to false. {Sent}", await TextOfAsync<LambdaTransportException>(client));
    }

    [Fact]
    public async Task InvokeAsync_NoHeadInTime_SaysForHowLong()
    {
        var clock = new FakeTimeProvider();
        var sent = new TaskCompletionSource();
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
                options.ResponseHeadTimeout = TimeSpan.FromMinutes(2);
            });
        var text = TextOfAsync<LambdaTransportException>(client);
        await sent.Task.WaitAsync(TooLong, Ct);
        clock.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal($"No response head came from {Endpoint} within 00:02:00 (ResponseHeadTimeout). {Sent}", await text);
    }

    [Fact]
    public async Task InvokeAsync_RequestHasAHeadTimeoutOfItsOwn_ThatOneHolds()
    {
        var clock = new FakeTimeProvider();
        var sent = new TaskCompletionSource();
        using var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                sent.SetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return new HttpResponseMessage();
            },
            options => (options.TimeProvider, options.ResponseHeadTimeout, options.Retry) = (clock, TimeSpan.FromMinutes(2), new LambdaRetryOptions { Policy = ResendPolicy.Never }));
        var call = Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(Request with { ResponseHeadTimeout = TimeSpan.FromSeconds(7) }, Ct));
        await sent.Task.WaitAsync(TooLong, Ct);
        clock.Advance(TimeSpan.FromSeconds(7));

        Assert.StartsWith($"No response head came from {Endpoint} within 00:00:07 (ResponseHeadTimeout).", (await call).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, InvocationType.RequestResponse, "The call of f was cancelled. Nothing was sent.")]
    [InlineData(true, InvocationType.RequestResponse, "The call of f was cancelled. The function may have run, and is billed to its end.")]
    [InlineData(true, InvocationType.DryRun, "The call of f was cancelled. The function did not run.")]
    public async Task InvokeAsync_Cancelled_SaysWhetherAnythingWasSent(bool afterSending, InvocationType type, string text)
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

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => client.InvokeWithResponseStreamAsync(Request with { InvocationType = type }, cancelling.Token));

        Assert.Equal(text, exception.Message);
        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public async Task InvokeAsync_CancelledWhileCredentialsAreRead_SaysWhetherAnythingWasSent(int readBefore, bool mayHaveRun)
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
                options.Credentials = new CancellingCredentials(cancelling, readBefore);
                options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.AtLeastOnce, BaseDelay = TimeSpan.FromMilliseconds(1) };
            });

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => client.InvokeWithResponseStreamAsync(Request, cancelling.Token));

        Assert.Equal(mayHaveRun, exception.FunctionMayHaveRun);
        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task InvokeAsync_OwnStrategyEndsTheAttempt_ItsOwnExceptionComes()
    {
        var clock = new FakeTimeProvider();
        using var client = StubbedClient.Sending(
            (_, cancellationToken) =>
            {
                clock.Advance(TimeSpan.FromMinutes(1));
                return Task.FromCanceled<HttpResponseMessage>(cancellationToken);
            },
            options => options.ResiliencePipeline = new ResiliencePipelineBuilder { TimeProvider = clock }.AddTimeout(TimeSpan.FromMinutes(1)).Build());

        var exception = await Assert.ThrowsAsync<TimeoutRejectedException>(() => client.InvokeWithResponseStreamAsync(Request, Ct));

        Assert.IsType<OperationCanceledException>(exception.InnerException);
    }

    [Fact]
    public async Task InvokeAsync_CancelledWhileAnErrorIsRead_MayHaveRun()
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Sending(
            async (request, _) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, CancellationToken.None);
                return StubbedClient.Answer(new CancellingStream(cancelling), HttpStatusCode.InternalServerError, ("Content-Type", "application/json"));
            },
            Once);

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => client.InvokeAsync("f", cancelling.Token));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Theory]
    [InlineData(202, InvocationType.RequestResponse, "HTTP 202 is no answer to an invocation (200 is).")]
    [InlineData(200, InvocationType.DryRun, "HTTP 200 is no answer to a dry run (204 is).")]
    public async Task InvokeAsync_StatusIsNoAnswer_SaysWhichIs(int status, InvocationType type, string text)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(Stream.Null, (HttpStatusCode)status, ("x-amz-request-id", "r-2"), ("x-amzn-RequestId", "r-1")));

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => client.InvokeWithResponseStreamAsync(new("f") { InvocationType = type }, Ct));

        Assert.Equal($"{text} Something between this client and Lambda may have answered in its place. The function may have run, and may be running still: call it again only if it may run twice. (function f, region us-east-1, HTTP {status}, attempt 1 of 3, request id r-1).", exception.Message);
        Assert.Equal(ResponseStreamCorruption.UnexpectedStatus, exception.Reason);
    }

    [Fact]
    public async Task InvokeAsync_AnswerCannotBeOpened_SaysWhy()
    {
        using var client = StubbedClient.Create(_ => new HttpResponseMessage { Content = new OpenedContent(() => throw new InvalidDataException("Not today.")) });

        Assert.Equal("The answer of f began, but could not be read: Not today. The function may have run, and may be running still: call it again only if it may run twice. (function f, region us-east-1, HTTP 200, attempt 1 of 3).", await TextOfAsync<ResponseStreamTruncatedException>(client));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task InvokeAsync_OpeningTheAnswerIsCancelled_IsACancellationOnlyWhereTheCallerCancelled(bool byTheCaller)
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Create(_ => new HttpResponseMessage
        {
            Content = new OpenedContent(() =>
            {
                if (byTheCaller) cancelling.Cancel();
                throw new OperationCanceledException("Given up.");
            }),
        });

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => client.InvokeWithResponseStreamAsync(Request, cancelling.Token));

        if (byTheCaller) Assert.IsAssignableFrom<OperationCanceledException>(exception);
        else Assert.StartsWith("The answer of f began, but could not be read: Given up. The function may have run", Assert.IsType<ResponseStreamTruncatedException>(exception).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("application/vnd.amazon.eventstream", false)]
    [InlineData("Application/Vnd.Amazon.EventStream; charset=utf-8", false)]
    [InlineData("text/html; charset=utf-8", true)]
    [InlineData("no type", true)]
    public async Task Read_BytesAreNoEventStream_IsTheContentTypeOnlyWhereThatIsAnother(string contentType, bool isTheType)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(new MemoryStream([.. "<html>, and more than a prelude"u8]), HttpStatusCode.OK, ("Content-Type", contentType)));
        await using var response = await client.InvokeWithResponseStreamAsync(Request, Ct);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => response.ReadAsByteArrayAsync(cancellationToken: Ct));

        Assert.Equal(isTheType ? ResponseStreamCorruption.UnexpectedContentType : ResponseStreamCorruption.PreludeChecksum, exception.Reason);
        if (isTheType) Assert.StartsWith($"The answer's content type is '{contentType.Split(';')[0]}' and", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://user:secret@elsewhere.example.com/page?token=secret#x", "https://elsewhere.example.com/page")]
    [InlineData("/page?token=secret", "/page")]
    [InlineData(null, "nowhere")]
    public async Task InvokeAsync_AnswerRedirects_SaysWhereWithoutSecrets(string? location, string target)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(Stream.Null, HttpStatusCode.TemporaryRedirect, location is null ? [("x-amzn-RequestId", "r-1")] : [("x-amzn-RequestId", "r-1"), ("Location", location)]));

        Assert.Equal(
            $"HTTP 307. The answer redirects to {target}. The function did not run. Redirects are never followed: the signature holds for one host. Check the endpoint. (function f, region us-east-1, HTTP 307, attempt 1 of 3, request id r-1).",
            await TextOfAsync<LambdaServiceException>(client));
    }

    [Theory]
    [InlineData(404, "The function did not run. Check the endpoint and what stands between here and it. ")]
    [InlineData(429, "The function did not run. Send more slowly. ")]
    [InlineData(502, "The function may have run. Send it again if the function may run twice. ")]
    [InlineData(418, "The function may have run. ")]
    public async Task InvokeAsync_StatusWithoutAName_SaysWhatItMeans(int status, string text)
    {
        using var client = StubbedClient.Create(_ => StubbedClient.Answer(Stream.Null, (HttpStatusCode)status, ("x-amzn-RequestId", "r-1")));

        var exception = await Assert.ThrowsAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(new("f") { Retry = new LambdaRetryOptions { Policy = ResendPolicy.Never } }, Ct));

        Assert.Equal($"HTTP {status}. {text}(function f, region us-east-1, HTTP {status}, attempt 1 of 1, request id r-1).", exception.Message);
    }

    [Theory]
    [InlineData(FunctionErrorCodes.SandboxTimedout, " It ran into its timeout: raise that, or look in its log for what it waited for.")]
    [InlineData(FunctionErrorCodes.SandboxTimeout, " It ran into its timeout: raise that, or look in its log for what it waited for.")]
    [InlineData(FunctionErrorCodes.RuntimeTruncatedResponse, " The runtime's connection broke in the middle of the answer.")]
    [InlineData(FunctionErrorCodes.FunctionResponseSizeTooLarge, " Its answer is over the service's limit of size and was cut there.")]
    [InlineData(FunctionErrorCodes.RuntimeInvalidEntrypoint, " It has no bootstrap or handler to start: check its configuration.")]
    [InlineData("Unhandled", "")]
    public async Task Read_FunctionFails_SaysWhatItsCodeMeans(string code, string advice)
    {
        using var client = StubbedClient.Streaming(new MemoryStream([.. Messages.Chunk("abc"), .. Messages.Complete($$"""{"ErrorCode":"{{code}}"}""")]));

        Assert.Equal(
            $"The function f failed with {code}; ErrorDetails and its log say more.{advice} Delivered before that: 1 chunk with 3 bytes. (function f, region us-east-1, HTTP 200, attempt 1 of 3, request id 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11).",
            await TextOfAsync<FunctionErrorException>(client));
    }

    [Theory]
    [InlineData("""{"errorType":"RangeError","errorMessage":"secret"}""", "Unhandled (RangeError)")]
    [InlineData("""{"errorType":"Unhandled"}""", "Unhandled")]
    [InlineData("""{"errorType":""}""", "Unhandled")]
    [InlineData("""{"errorType":"Range\nError"}""", "Unhandled (Range)")]
    [InlineData("secret", "Unhandled")]
    public async Task Read_FunctionFails_SaysWhichTypeItsErrorHas(string errorDetails, string name)
    {
        using var client = StubbedClient.Streaming(new MemoryStream(Messages.Complete($$"""{"ErrorCode":"Unhandled","ErrorDetails":{{System.Text.Json.JsonSerializer.Serialize(errorDetails, Payload.TestJson.Default.String)}}}""")));

        Assert.StartsWith($"The function f failed with {name}; ErrorDetails and its log say more. Delivered before that: 0 chunks", await TextOfAsync<FunctionErrorException>(client), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"ErrorDetails":"out of memory"}""")]
    [InlineData("""{"ErrorCode":"","ErrorDetails":"out of memory"}""")]
    public async Task Read_DetailsOfAnErrorWithoutItsCode_AreAFailureToo(string complete)
    {
        using var client = StubbedClient.Streaming(new MemoryStream([.. Messages.Chunk("abc"), .. Messages.Complete(complete)]));

        Assert.StartsWith("The function f failed with an error without a name; ErrorDetails and its log say more. Delivered before that: 1 chunk", await TextOfAsync<FunctionErrorException>(client), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ServiceException", "It broke", "ServiceException: It broke.")]
    [InlineData("ServiceException", "It broke!", "ServiceException: It broke!")]
    [InlineData("ServiceException", "", "ServiceException.")]
    [InlineData("", "It broke.", "an error without a name: It broke.")]
    public async Task Read_ServiceEndsTheAnswer_SaysWithWhat(string code, string words, string text)
    {
        using var client = StubbedClient.Streaming(new MemoryStream(Messages.Of(code.Length > 0 ? [(":message-type", "exception"), (":exception-type", code)] : [(":message-type", "exception")], System.Text.Encoding.UTF8.GetBytes($$"""{"message":"{{words}}"}"""))));

        var exception = await TextOfAsync<ResponseStreamErrorException>(client);

        // Without a name the status of the head would name it; that is 200, so this says only what it is.
        Assert.StartsWith($"The service ended the answer of f with {(code.Length > 0 ? text : text.Replace("an error without a name", "HTTP 200", StringComparison.Ordinal))} Delivered before that: 0 chunks with 0 bytes. The function may have run, and may be running still: call it again only if it may run twice. (function f, ", exception, StringComparison.Ordinal);
    }

    private static void Once(LambdaStreamingClientOptions options)
    {
        options.ConnectTimeout = TimeSpan.FromSeconds(7);
        options.Retry = new LambdaRetryOptions { Policy = ResendPolicy.Never };
    }

    private static async Task<string> TextOfAsync<T>(LambdaStreamingClient client)
        where T : LambdaStreamingException =>
        (await Assert.ThrowsAnyAsync<T>(async () =>
        {
            await using var response = await client.InvokeWithResponseStreamAsync(Request, Ct);
            await foreach (var _ in response.ReadChunksAsync(Ct))
            {
            }
        })).Message;

    /// <summary>Gives keys so often, then is cancelled while it looks for them.</summary>
    private sealed class CancellingCredentials(CancellationTokenSource cancelling, int readBefore) : Amazon.Runtime.AWSCredentials
    {
        private int _reads;

        public override Amazon.Runtime.ImmutableCredentials GetCredentials()
        {
            if (++_reads <= readBefore) return new Amazon.Runtime.ImmutableCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI", null);
            cancelling.Cancel();
            throw new OperationCanceledException(cancelling.Token);
        }
    }

    private sealed class CancellingStream(CancellationTokenSource cancelling) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await cancelling.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            return 0;
        }
    }
}
