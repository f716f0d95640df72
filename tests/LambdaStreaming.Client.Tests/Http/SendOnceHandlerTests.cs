namespace LambdaStreaming.Tests.Http;

/// <summary>Once means once on the wire: also where a handler has taken the single-use content out of the way, and what would send again is below <see cref="SendOnceHandler"/>.</summary>
public class SendOnceHandlerTests
{
    private static readonly InvokeWithResponseStreamRequest WithPayload = InvokeWithResponseStreamRequest.FromJson("f", """{"pay":1}""");
    private static readonly InvokeWithResponseStreamRequest WithoutPayload = new("f");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<bool, bool> Cases => new() { { true, true }, { true, false }, { false, true }, { false, false } };

    [Theory, MemberData(nameof(Cases))]
    public async Task Invoke_RequestCopiedAndConnectionReset_OneWholeRequest(bool payload, bool ours)
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var inner = Inner(ours);
        using var client = Client(server.Url, new Copier(new SendOnceHandler(inner)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(payload ? WithPayload : WithoutPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Equal(1, exception.Attempts);
    }

    [Theory, MemberData(nameof(Cases))]
    public async Task Invoke_RequestCopiedAndRedirectFollowed_OneWholeRequest(bool payload, bool buffered)
    {
        await using var server = RawServer.Responding(RawServer.Answer(307, [], "Location: /again"));
        using var inner = new SocketsHttpHandler();
        using var client = Client(server.Url, buffered ? new Buffering(new SendOnceHandler(inner)) : new Copier(new SendOnceHandler(inner)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(payload ? WithPayload : WithoutPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task Invoke_HandlerFetchesATokenFirst_ThatIsNoSend()
    {
        await using var lambda = await LambdaStreaming.Testing.LocalLambdaServer.StartAsync(options => options.AddFunction("f", LocalService.Three), Ct);
        var token = 0;
        await using var tokens = new RawService(_ =>
        {
            token++;
            return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        });
        using var inner = Inner(ours: true);
        using var client = Client(lambda.ServiceUrl, new TokenFetching(tokens.Url, new SendOnceHandler(inner)), lambda.Credentials);

        await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);

        Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
        Assert.Equal(1, token);
    }

    [Fact]
    public async Task Invoke_RequestCopied_ArrivesAsItWasSigned()
    {
        await using var lambda = await LambdaStreaming.Testing.LocalLambdaServer.StartAsync(options => options.AddFunction("f", LocalService.Three), Ct);
        using var inner = Inner(ours: true);
        using var client = Client(lambda.ServiceUrl, new Copier(new SendOnceHandler(inner)), lambda.Credentials);

        await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);

        var request = Assert.Single(lambda.Requests);
        Assert.Equal(("application/octet-stream", WithPayload.Payload.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)), (request.Headers["content-type"], request.Headers["content-length"]));
    }

    [Fact]
    public async Task Invoke_EmptyContentLeftOutAndNoSendOnceHandler_MayHaveRunAndIsNotSentAgain()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var client = Client(server.Url, new Copier(new SocketsHttpHandler()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithoutPayload, Ct));

        // How often the platform sends it below is the handler's doing; this client does so once.
        Assert.Equal((true, false, 1), (exception.FunctionMayHaveRun, exception.IsSafeToRetry, exception.Attempts));
    }

    [Theory, InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public async Task Invoke_NoConnection_DidNotRun(bool payload, bool copied)
    {
        using var inner = Inner(ours: true);
        var once = new SendOnceHandler(inner);
        using var client = Client(new Uri("http://127.0.0.1:1"), copied ? new Copier(once) : once);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(payload ? WithPayload : WithoutPayload, Ct));

        // Reading the payload to copy it is taken for sending: nothing tells the two apart.
        Assert.Equal(payload && copied, exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task Invoke_NoConnectionNoPayloadAndNoSendOnceHandler_MayHaveRun()
    {
        // A handler that copies requests may have sent several, of which only the last found no connection.
        using var client = Client(new Uri("http://127.0.0.1:1"), new Copier(new SocketsHttpHandler()));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithoutPayload, Ct));

        Assert.Equal((true, 1), (exception.FunctionMayHaveRun, exception.Attempts));
    }

    [Fact]
    public async Task Invoke_HandlersWorkerStartedWithinTheFirstCall_LaterCallsAreSent()
    {
        await using var lambda = await LambdaStreaming.Testing.LocalLambdaServer.StartAsync(options => options.AddFunction("f", LocalService.Three), Ct);
        using var inner = Inner(ours: true);
        using var queue = new Queueing(new SendOnceHandler(inner), copies: false);
        using var client = Client(lambda.ServiceUrl, queue, lambda.Credentials);

        for (var i = 0; i < 2; i++)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(WithPayload, Ct);
            Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
        }
    }

    [Fact]
    public async Task Invoke_CopyWithItsOptionsSentTwiceFromAnotherFlow_OneWholeRequest()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var inner = Inner(ours: true);
        using var queue = new Queueing(new SendOnceHandler(inner), copies: true);
        using var client = Client(server.Url, queue);

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task Invoke_CopyIsSentAgainAfterTheAttemptHasEnded_OneWholeRequest()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var late = new SendingLate(new SendOnceHandler(Inner(ours: true)));
        using var client = Client(server.Url, late);
        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => late.SendAgainAsync(Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task Invoke_CopyIsSignedAgainAndSentTwice_OneWholeRequest()
    {
        await using var server = new RawServer(async connection =>
        {
            if (await connection.ReadRequestAsync() is not null) connection.Reset();
        });
        using var signing = new SigningAgain(new SendOnceHandler(Inner(ours: true)));
        using var client = Client(server.Url, signing);

        await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(WithPayload, Ct));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task SendAsync_RequestOfAnotherSdkWithTheSameHeaders_IsSentAsOftenAsItIsAsked()
    {
        await using var server = RawServer.Responding(RawServer.Answer(200, []));
        using var http = new HttpClient(new SendOnceHandler(Inner(ours: true)));

        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, server.Url) { Content = new StringContent("x") };
            request.Headers.Add("amz-sdk-invocation-id", "0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11");
            request.Headers.Add("amz-sdk-request", "attempt=1; max=3");
            using var response = await http.SendAsync(request, Ct);
        }

        Assert.Equal(2, server.CompleteRequests);
    }

    private static HttpMessageHandler Inner(bool ours) => ours ? LambdaStreamingClient.CreateHandler(StubbedClient.Options()) : new SocketsHttpHandler();

    private static LambdaStreamingClient Client(Uri url, HttpMessageHandler handler, Amazon.Runtime.AWSCredentials? credentials = null)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = url;
        options.Credentials = credentials ?? options.Credentials;
        options.Retry.BaseDelay = TimeSpan.Zero;
        return new LambdaStreamingClient(options, new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan });
    }

    /// <summary>Copies a request as many do: with its content where there is some.</summary>
    private sealed class Copier(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var copy = new HttpRequestMessage(request.Method, request.RequestUri);
            if (request.Content?.Headers.ContentLength > 0)
            {
                copy.Content = new ByteArrayContent(await request.Content.ReadAsByteArrayAsync(cancellationToken));
                copy.Content.Headers.ContentType = request.Content.Headers.ContentType;
            }

            foreach (var (name, values) in request.Headers) copy.Headers.TryAddWithoutValidation(name, values);
            return await base.SendAsync(copy, cancellationToken);
        }
    }

    private sealed class Buffering(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await request.Content!.ReadAsStringAsync(cancellationToken);
            return await base.SendAsync(request, cancellationToken);
        }
    }

    private static HttpRequestMessage Copy(HttpRequestMessage request, byte[] body)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = new ByteArrayContent(body) };
        foreach (var (name, values) in request.Headers) copy.Headers.TryAddWithoutValidation(name, values);
        return copy;
    }

    /// <summary>Sends a copy, and another one when the test asks for it.</summary>
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

    /// <summary>Sends two copies, each with a signature of its own.</summary>
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

    /// <summary>Sends from a flow of its own; copies twice, whatever the first one ends with.</summary>
    private sealed class Queueing(HttpMessageHandler inner, bool copies) : DelegatingHandler(inner)
    {
        private readonly System.Threading.Channels.Channel<(HttpRequestMessage Request, TaskCompletionSource<HttpResponseMessage> Response)> _queue = System.Threading.Channels.Channel.CreateUnbounded<(HttpRequestMessage, TaskCompletionSource<HttpResponseMessage>)>();
        private Task? _worker;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (copies)
            {
                using (ExecutionContext.SuppressFlow()) _worker ??= Task.Run(WorkAsync, CancellationToken.None);
            }
            else
            {
                _worker ??= Task.Run(WorkAsync, CancellationToken.None);
            }

            var response = new TaskCompletionSource<HttpResponseMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
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
                        response.SetResult(await base.SendAsync(CopyOf(request, body), CancellationToken.None));
                    }
                    catch (HttpRequestException)
                    {
                        response.SetResult(await base.SendAsync(CopyOf(request, body), CancellationToken.None));
                    }
                }
                catch (Exception exception)
                {
                    response.SetException(exception);
                }
            }
        }

        private static HttpRequestMessage CopyOf(HttpRequestMessage request, byte[] body)
        {
            var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = new ByteArrayContent(body) };
            foreach (var (name, values) in request.Headers) copy.Headers.TryAddWithoutValidation(name, values);
            foreach (var option in request.Options) ((IDictionary<string, object?>)copy.Options).Add(option);
            return copy;
        }
    }

    private sealed class TokenFetching(Uri url, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var token = await base.SendAsync(new HttpRequestMessage(HttpMethod.Get, url), cancellationToken);
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
