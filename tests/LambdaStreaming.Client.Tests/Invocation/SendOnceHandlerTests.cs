using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Threading.Channels;
using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>
/// A request is sent once on the wire, even if an outer handler replaces the single-send content and the handler
/// inside <see cref="SendOnceHandler"/> retries.
/// </summary>
public class SendOnceHandlerTests
{
    private static readonly InvokeWithResponseStreamRequest WithPayload =
        InvokeWithResponseStreamRequest.FromJson("f", """{"pay":1}""");

    private static readonly InvokeWithResponseStreamRequest WithoutPayload = new("f");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<bool, bool> Cases =>
        new() { { true, true }, { true, false }, { false, true }, { false, false } };

    [Theory, MemberData(nameof(Cases))]
    public async Task InvokeWithResponseStreamAsync_RequestCopiedAndConnectionReset_SendsOnce(bool payload, bool ours)
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var inner = CreateInnerHandler(ours);
        using var client = CreateClient(server.Url, new Copying(new SendOnceHandler(inner)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(payload ? WithPayload : WithoutPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Equal(1, exception.Attempts);
    }

    // The outer handler reads the payload, the inner one the content that another handler set instead.
    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_HandlerReadsTheContentSynchronously_SendsIt(bool isInner)
    {
        await using var server = await StartAsync();
        var sockets = new SocketsHttpHandler();
        using var hashing = new Hashing(isInner ? sockets : new SendOnceHandler(sockets));
        using var client = CreateClient(
            server.ServiceUrl,
            isInner ? new Copying(new SendOnceHandler(hashing)) : hashing,
            server.Credentials);

        await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);

        Assert.Equal(SHA256.HashData(WithPayload.Payload.Span), hashing.Hash);
        Assert.Equal(WithPayload.Payload.ToArray(), Assert.Single(server.Requests).Payload.ToArray());
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerCopiesTheContentTwiceSynchronously_SendsNothing()
    {
        await using var server = await StartAsync();
        var handler = new DelegatedHandler(request =>
        {
            request.Content!.CopyTo(Stream.Null, null, Ct);
            request.Content!.CopyTo(Stream.Null, null, Ct);
            throw new InvalidOperationException("The second copy was not rejected.");
        });
        using var client = CreateClient(server.ServiceUrl, handler, server.Credentials);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        Assert.Contains("a second time", exception.Message, StringComparison.Ordinal);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Empty(server.Requests);
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task InvokeWithResponseStreamAsync_RequestCopiedAndRedirectFollowed_SendsOnce(
        bool payload,
        bool buffered)
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(307, [], "Location: /again"));
        using var inner = new SocketsHttpHandler();
        var once = new SendOnceHandler(inner);
        using var client = CreateClient(server.Url, buffered ? new Buffering(once) : new Copying(once));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(payload ? WithPayload : WithoutPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerFetchesATokenFirst_DoesNotCountItAsASend()
    {
        await using var lambda = await StartAsync();
        var token = 0;
        await using var tokens = new RawService(_ =>
        {
            token++;
            return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        });
        using var inner = CreateInnerHandler(ours: true);
        using var client = CreateClient(
            lambda.ServiceUrl, new TokenFetching(tokens.Url, new SendOnceHandler(inner)), lambda.Credentials);

        await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);

        Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
        Assert.Equal(1, token);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RequestCopied_ArrivesAsItWasSigned()
    {
        await using var lambda = await StartAsync();
        using var inner = CreateInnerHandler(ours: true);
        using var client = CreateClient(lambda.ServiceUrl, new Copying(new SendOnceHandler(inner)), lambda.Credentials);

        await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);

        var request = Assert.Single(lambda.Requests);
        var length = WithPayload.Payload.Length.ToString(CultureInfo.InvariantCulture);
        Assert.Equal("application/octet-stream", request.Headers["content-type"]);
        Assert.Equal(length, request.Headers["content-length"]);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_EmptyContentDropped_MayHaveRunAndIsNotRetried()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var client = CreateClient(server.Url, new Copying(new SocketsHttpHandler()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(WithoutPayload, Ct));

        // SocketsHttpHandler can send the copy more than once, even though this client makes only one attempt.
        Assert.Equal((true, false, 1), (exception.FunctionMayHaveRun, exception.IsSafeToRetry, exception.Attempts));
    }

    [Theory, InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task InvokeWithResponseStreamAsync_ConnectionRefused_MayHaveRunOnlyIfThePayloadWasCopied(
        bool payload,
        bool copied)
    {
        using var inner = CreateInnerHandler(ours: true);
        var once = new SendOnceHandler(inner);
        using var client = CreateClient(new Uri("http://127.0.0.1:1"), copied ? new Copying(once) : once);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(payload ? WithPayload : WithoutPayload, Ct));

        // Reading the payload to copy it counts as sending, because the client cannot distinguish the two.
        Assert.Equal(payload && copied, exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ConnectionRefusedWithoutPayloadAndSendOnceHandler_MayHaveRun()
    {
        // The client sees only the last failure (connection refused). A handler that copies requests could have sent
        // earlier copies, so the function might have run.
        using var client = CreateClient(new Uri("http://127.0.0.1:1"), new Copying(new SocketsHttpHandler()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(WithoutPayload, Ct));

        Assert.Equal((true, 1), (exception.FunctionMayHaveRun, exception.Attempts));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerStartsAWorkerInTheFirstCall_SendsLaterCalls()
    {
        await using var lambda = await StartAsync();
        using var inner = CreateInnerHandler(ours: true);
        using var queue = new Queueing(new SendOnceHandler(inner), copies: false);
        using var client = CreateClient(lambda.ServiceUrl, queue, lambda.Credentials);

        for (var i = 0; i < 2; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);
            Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
        }
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CopyWithOptionsSentTwiceOnAnotherExecutionContext_SendsOnce()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var inner = CreateInnerHandler(ours: true);
        using var queue = new Queueing(new SendOnceHandler(inner), copies: true);
        using var client = CreateClient(server.Url, queue);

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CopySentAfterTheAttemptHasEnded_SendsOnce()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var late = new SendingLate(new SendOnceHandler(CreateInnerHandler(ours: true)));
        using var client = CreateClient(server.Url, late);
        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => late.SendAgainAsync(Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CopySignedAgainAndSentTwice_SendsOnce()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var signing = new SigningAgain(new SendOnceHandler(CreateInnerHandler(ours: true)));
        using var client = CreateClient(server.Url, signing);

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task SendAsync_RequestOfAnotherSdkWithTheSameHeaders_IsSentEachTime()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(200, []));
        using var http = new HttpClient(new SendOnceHandler(CreateInnerHandler(ours: true)));

        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, server.Url);
            request.Content = new StringContent("x");
            request.Headers.Add("amz-sdk-invocation-id", "0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11");
            request.Headers.Add("amz-sdk-request", "attempt=1; max=3");
            using var response = await http.SendAsync(request, Ct);
        }

        Assert.Equal(2, server.CompleteRequests);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_CopyExpectsContinue_SendsOnce(bool isReset)
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null && isReset) connection.Reset();
        });
        using var inner = CreateInnerHandler(ours: true);
        using var client = CreateClient(server.Url, new ExpectingContinue(new SendOnceHandler(inner)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(WithoutPayload, Ct));

        Assert.Equal(
            (1, true, 1), (server.CompleteRequests, exception.FunctionMayHaveRun, exception.Attempts));
    }

    private static Task<LocalLambdaServer> StartAsync() =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("f", LocalService.Three), Ct);

    private static HttpMessageHandler CreateInnerHandler(bool ours) =>
        ours ? LambdaStreamingClient.CreateHandler(StubbedClient.Options()) : new SocketsHttpHandler();

    // A handler abandons its copy of the request, which is still connecting. The client regards the attempt as not sent
    // and begins another one. The copy must not be sent after that.
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task InvokeWithResponseStreamAsync_AbandonedCopyConnectsDuringTheNextAttempt_IsNotSent(
        bool payload,
        bool respondsItself)
    {
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var abandonedSend = new TaskCompletionSource<Task>();
        using var inner = new DelegatedHandler(async request =>
        {
            if (!abandonedSend.Task.IsCompleted)
            {
                var sending = ConnectAndSendAsync(request);
                abandonedSend.SetResult(sending);
                await sending;
            }

            // The second attempt is being sent when the copy of the first one connects.
            connected.TrySetResult();
            await ((Task)abandonedSend.Task.Result).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return StubbedClient.CreateResponse(new MemoryStream(Payload.Wire.Create("sent"u8.ToArray())));
        });
        using var abandoning = new Abandoning(new Copying(new SendOnceHandler(inner)), respondsItself);
        using var client = CreateClient(new Uri("https://lambda.example.com"), abandoning);

        var request = payload ? WithPayload : WithoutPayload;
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);

        var sent = await abandonedSend.Task;
        await Assert.ThrowsAsync<OperationCanceledException>(() => sent.WaitAsync(LocalService.TooLong, Ct));
        Assert.Equal("sent", await response.ReadAsStringAsync(cancellationToken: Ct));

        async Task ConnectAndSendAsync(HttpRequestMessage request)
        {
            await connected.Task;
            await request.Content!.CopyToAsync(Stream.Null);
        }
    }

    private static LambdaStreamingClient CreateClient(
        Uri url,
        HttpMessageHandler handler,
        AWSCredentials? credentials = null)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = url;
        options.Credentials = credentials ?? options.Credentials;
        options.Retry.BaseDelay = TimeSpan.Zero;
        options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        return new LambdaStreamingClient(options, new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan });
    }

    private sealed class DelegatedHandler(Func<HttpRequestMessage, Task<HttpResponseMessage>> send) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken) => send(request);
    }

    /// <summary>Abandons its first request at once, as a handler with a timeout of its own does later.</summary>
    private sealed class Abandoning(HttpMessageHandler inner, bool respondsItself) : DelegatingHandler(inner)
    {
        private int _requests;

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            var sending = base.SendAsync(request, cancellationToken);
            if (Interlocked.Increment(ref _requests) != 1) return sending;
            return respondsItself
                ? Task.FromResult(new HttpResponseMessage(HttpStatusCode.TooManyRequests))
                : throw new TimeoutException("abandoned");
        }
    }

    /// <summary>Copies a request, with its content if the content is not empty, as many handlers do.</summary>
    private sealed class Copying(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            var copy = new HttpRequestMessage(request.Method, request.RequestUri);
            if (request.Content?.Headers.ContentLength > 0)
            {
                copy.Content = new ByteArrayContent(await request.Content.ReadAsByteArrayAsync(cancellationToken));
                copy.Content.Headers.ContentType = request.Content.Headers.ContentType;
            }

            foreach (var (name, values) in request.Headers)
                copy.Headers.TryAddWithoutValidation(name, values);
            return await base.SendAsync(copy, cancellationToken);
        }
    }

    /// <summary>Copies a request with its content, and adds <c>Expect: 100-continue</c>.</summary>
    private sealed class ExpectingContinue(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = request.Content };
            foreach (var (name, values) in request.Headers)
                copy.Headers.TryAddWithoutValidation(name, values);
            copy.Headers.ExpectContinue = true;
            return base.SendAsync(copy, cancellationToken);
        }
    }

    private sealed class Buffering(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            await request.Content!.ReadAsStringAsync(cancellationToken);
            return await base.SendAsync(request, cancellationToken);
        }
    }

    /// <summary>Computes a hash of the content before it sends the request, without asynchronous calls.</summary>
    private sealed class Hashing(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        public byte[]? Hash { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            using (var content = request.Content!.ReadAsStream(cancellationToken)) Hash = SHA256.HashData(content);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private static HttpRequestMessage Copy(HttpRequestMessage request, byte[] body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = new ByteArrayContent(body) };
        foreach (var (name, values) in request.Headers)
            copy.Headers.TryAddWithoutValidation(name, values);
        return copy;
    }

    /// <summary>Sends a copy, and a second copy when the test calls <see cref="SendAgainAsync"/>.</summary>
    private sealed class SendingLate(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        private HttpRequestMessage? _late;

        public Task<HttpResponseMessage> SendAgainAsync(CancellationToken cancellationToken) =>
            base.SendAsync(_late!, cancellationToken);

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            _late = Copy(request, body);
            return await base.SendAsync(Copy(request, body), cancellationToken);
        }
    }

    /// <summary>Sends two copies with different signatures.</summary>
    private sealed class SigningAgain(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            try
            {
                return await base.SendAsync(Sign(Copy(request, body)), cancellationToken);
            }
            catch (HttpRequestException)
            {
                return await base.SendAsync(Sign(Copy(request, body)), cancellationToken);
            }
        }

        private static HttpRequestMessage Sign(HttpRequestMessage request)
        {
            request.Headers.Remove("Authorization");
            request.Headers.TryAddWithoutValidation("Authorization", $"other {Guid.NewGuid()}");
            return request;
        }
    }

    /// <summary>
    /// Sends on a worker. With <paramref name="copies"/>, the worker does not have the ExecutionContext of a call, and
    /// sends a second copy if the first one fails.
    /// </summary>
    private sealed class Queueing(HttpMessageHandler inner, bool copies) : DelegatingHandler(inner)
    {
        private readonly Channel<(HttpRequestMessage Request, TaskCompletionSource<HttpResponseMessage> Response)>
            _queue = Channel.CreateUnbounded<(HttpRequestMessage, TaskCompletionSource<HttpResponseMessage>)>();

        private Task? _worker;

        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            if (copies)
            {
                using (ExecutionContext.SuppressFlow()) _worker ??= Task.Run(WorkAsync, CancellationToken.None);
            }
            else
            {
                _worker ??= Task.Run(WorkAsync, CancellationToken.None);
            }

            var response = new TaskCompletionSource<HttpResponseMessage>(
                TaskCreationOptions.RunContinuationsAsynchronously);
            _queue.Writer.TryWrite((request, response));
            return response.Task;
        }

        protected override void Dispose(bool disposing)
        {
            _queue.Writer.TryComplete();
            base.Dispose(disposing);
        }

        private async Task WorkAsync()
        {
            await foreach (var (request, response) in _queue.Reader.ReadAllAsync())
            {
                try
                {
                    if (!copies)
                    {
                        response.SetResult(await base.SendAsync(request, CancellationToken.None));
                        continue;
                    }

                    var body = await request.Content!.ReadAsByteArrayAsync();
                    try
                    {
                        response.SetResult(
                            await base.SendAsync(CopyWithOptions(request, body), CancellationToken.None));
                    }
                    catch (HttpRequestException)
                    {
                        response.SetResult(
                            await base.SendAsync(CopyWithOptions(request, body), CancellationToken.None));
                    }
                }
                catch (Exception exception)
                {
                    response.SetException(exception);
                }
            }
        }

        private static HttpRequestMessage CopyWithOptions(HttpRequestMessage request, byte[] body)
        {
            var copy = Copy(request, body);
            foreach (var option in request.Options)
                ((IDictionary<string, object?>)copy.Options).Add(option);
            return copy;
        }
    }

    private sealed class TokenFetching(Uri url, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            using var token = await base.SendAsync(new HttpRequestMessage(HttpMethod.Get, url), cancellationToken);
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
