using System.Net;
using System.Net.Sockets;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Http.Tests;

/// <summary>Failures before the response headers and in the body.</summary>
public sealed class FailureTests
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(0.3);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<Fault, Type, HttpRequestError> BodyFaults => new()
    {
        { Fault.Close, typeof(ResponseStreamTruncatedException), HttpRequestError.ResponseEnded },
        { Fault.Reset, typeof(ResponseStreamTruncatedException), HttpRequestError.ResponseEnded },
        { Fault.EndOfBody, typeof(ResponseStreamTruncatedException), HttpRequestError.ResponseEnded },
        { Fault.FunctionError, typeof(FunctionErrorException), HttpRequestError.ResponseEnded },
        { Fault.ServiceError, typeof(ResponseStreamErrorException), HttpRequestError.ResponseEnded },
        { Fault.Corrupt, typeof(ResponseStreamCorruptException), HttpRequestError.InvalidResponse },
        { Fault.Idle, typeof(ResponseStreamIdleTimeoutException), HttpRequestError.ResponseEnded },
    };

    [Theory, MemberData(nameof(BodyFaults))]
    public async Task ReadAsync_FaultInTheBody_ThrowsHttpIOException(Fault fault, Type cause, HttpRequestError error)
    {
        await using var web = await StartAsync(fault);
        using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var received = new byte[100];
        var count = await stream.ReadAtLeastAsync(received, 5, cancellationToken: Token);
        Assert.Equal("first", Encoding.UTF8.GetString(received, 0, count));
        web.FirstPartSeen();

        // Clients that read again must not take the failure for the end.
        for (var read = 0; read < 3; read++)
        {
            var exception = await Assert.ThrowsAsync<HttpIOException>(
                () => stream.ReadAsync(received, Token).AsTask().WaitAsync(WebFunction.TooLong, Token));
            Assert.Equal(error, exception.HttpRequestError);
            Assert.IsType(cause, exception.InnerException);
            Assert.True(((LambdaStreamingException)exception.InnerException).FunctionMayHaveRun);
        }
    }

    [Theory, MemberData(nameof(BodyFaults))]
    public async Task CopyToAsync_FaultInTheBody_ThrowsHttpRequestException(
        Fault fault,
        Type cause,
        HttpRequestError error)
    {
        await using var web = await StartAsync(fault);
        using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        using var destination = new MemoryStream();

        var exception = await Assert.ThrowsAsync<HttpRequestException>(
            () => response.Content.CopyToAsync(destination, Token).WaitAsync(WebFunction.TooLong, Token));

        Assert.Equal("first", Encoding.UTF8.GetString(destination.ToArray()));
        Assert.Equal(error, exception.HttpRequestError);
        Assert.IsType(cause, Assert.IsType<HttpIOException>(exception.InnerException).InnerException);
    }

    [Theory, MemberData(nameof(BodyFaults))]
    public async Task GetStringAsync_FaultInTheBody_ThrowsHttpRequestException(
        Fault fault,
        Type cause,
        HttpRequestError error)
    {
        await using var web = await StartAsync(fault);

        var exception = await Assert.ThrowsAsync<HttpRequestException>(
            () => web.Http.GetStringAsync("/", Token).WaitAsync(WebFunction.TooLong, Token));

        Assert.Equal(error, exception.HttpRequestError);
        Assert.IsType(cause, Assert.IsType<HttpIOException>(exception.InnerException).InnerException);
        Assert.Equal(1, web.Calls);
    }

    [Theory]
    [InlineData(TruncationMode.Close)]
    [InlineData(TruncationMode.Reset)]
    [InlineData(TruncationMode.EndOfBody)]
    public async Task SendAsync_TruncatedInThePrelude_ThrowsResponseEnded(TruncationMode mode)
    {
        Assert.SkipWhen(
            mode == TruncationMode.Reset && OperatingSystem.IsWindows(),
            "Windows discards the bytes before a reset that the client has not read.");
        await using var web = await StartAsync();
        web.Function.OnEveryCall().TruncateAfterChunks(1, mode);

        var exception = await FailAsync(web);

        Assert.Equal(HttpRequestError.ResponseEnded, exception.HttpRequestError);
        Assert.IsType<ResponseStreamTruncatedException>(exception.InnerException);
        Assert.Null(exception.StatusCode);
    }

    [Fact]
    public async Task SendAsync_FunctionErrorBeforeThePrelude_ThrowsResponseEnded()
    {
        await using var web = await WebFunction.StartRawAsync((_, response, _) =>
        {
            response.ContentType = "application/vnd.awslambda.http-integration-response";
            throw new InvalidOperationException("boom");
        });

        var exception = await FailAsync(web);

        Assert.Equal(HttpRequestError.ResponseEnded, exception.HttpRequestError);
        Assert.Equal("boom", Assert.IsType<FunctionErrorException>(exception.InnerException).FunctionErrorMessage);
        Assert.Null(exception.StatusCode);
    }

    [Fact]
    public async Task SendAsync_CorruptPrelude_ThrowsInvalidResponse()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().FlipBit(20);

        var exception = await FailAsync(web);

        Assert.Equal(HttpRequestError.InvalidResponse, exception.HttpRequestError);
        Assert.IsType<ResponseStreamCorruptException>(exception.InnerException);
    }

    [Fact]
    public async Task SendAsync_StatusIsNotFinal_ThrowsInvalidResponse()
    {
        await using var web = await WebFunction.StartAsync(async (_, response, token) =>
        {
            response.StatusCode = 103;
            while (true) await response.WriteAsync("x", token);
        });

        var exception = await FailAsync(web);

        Assert.Equal(HttpRequestError.InvalidResponse, exception.HttpRequestError);
        var cause = Assert.IsType<PayloadFormatException>(exception.InnerException);
        Assert.Equal(web.Server.Requests[0].RequestId, cause.RequestId);
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
    }

    [Fact]
    public async Task SendAsync_PreludeOverTheLimit_ThrowsConfigurationLimitExceeded()
    {
        await using var web = await WebFunction.StartAsync(
            (_, response, token) =>
            {
                response.Headers["X-Long"] = new string('x', 70_000);
                return response.WriteAsync("x", token);
            },
            options => options.HttpPrelude = HttpPreludeDetection.Always);

        var exception = await FailAsync(web);

        Assert.Equal(HttpRequestError.ConfigurationLimitExceeded, exception.HttpRequestError);
        Assert.IsType<PayloadLimitExceededException>(exception.InnerException);
    }

    [Fact]
    public async Task SendAsync_Throttled_HasTheStatusAndIsSafeToRetry()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().Throttle();

        var exception = await FailAsync(web);

        Assert.Equal(HttpStatusCode.TooManyRequests, exception.StatusCode);
        Assert.True(Assert.IsType<TooManyRequestsException>(exception.InnerException).IsSafeToRetry);
    }

    [Fact]
    public async Task SendAsync_UnknownFunction_HasTheStatus()
    {
        await using var web = await StartAsync();
        using var http = new HttpClient(new LambdaHttpHandler(web.Client, "nobody"));

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("https://nobody/", Token));

        Assert.Equal(HttpStatusCode.NotFound, exception.StatusCode);
        Assert.IsType<ResourceNotFoundException>(exception.InnerException);
    }

    [Fact]
    public async Task SendAsync_ConnectionClosedBeforeTheHeaders_ThrowsResponseEnded()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);

        var exception = await FailAsync(web);

        Assert.Equal(HttpRequestError.ResponseEnded, exception.HttpRequestError);
        Assert.True(Assert.IsType<LambdaTransportException>(exception.InnerException).FunctionMayHaveRun);
        Assert.Equal(1, web.Calls);
    }

    [Theory]
    [InlineData("http://127.0.0.1:1", HttpRequestError.ConnectionError)]
    [InlineData("http://name.invalid", HttpRequestError.NameResolutionError)]
    public async Task SendAsync_ServiceIsNotReachable_NamesTheError(string url, HttpRequestError error)
    {
        await using var web = await StartAsync();
        using var client = web.Server.CreateClient(options =>
        {
            options.ServiceUrl = new Uri(url);
            options.ConfigureHandler = RejectUnknownHosts;
            options.Retry.MaxAttempts = 1;
        });
        using var http = new HttpClient(new LambdaHttpHandler(client, "web"));

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("https://web/", Token));

        Assert.Equal(error, exception.HttpRequestError);
        Assert.True(Assert.IsType<LambdaTransportException>(exception.InnerException).IsSafeToRetry);
    }

    [Fact]
    public async Task SendAsync_UntrustedCertificate_ThrowsSecureConnectionError()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.UseHttps = true, Token);
        using var client = server.CreateClient(options => options.ConfigureHandler = null);
        using var http = new HttpClient(new LambdaHttpHandler(client, "web"));

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("https://web/", Token));

        Assert.Equal(HttpRequestError.SecureConnectionError, exception.HttpRequestError);
    }

    [Fact]
    public async Task SendAsync_ProxyRefuses_ThrowsProxyTunnelError()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var proxy = new WebProxy($"http://{listener.LocalEndpoint}");
        await using var web = await StartAsync();
        using var client = web.Server.CreateClient(options =>
        {
            options.ServiceUrl = new Uri("https://lambda.example.com");
            options.ConfigureHandler = handler => (handler.UseProxy, handler.Proxy) = (true, proxy);
            options.Retry.MaxAttempts = 1;
        });
        using var http = new HttpClient(new LambdaHttpHandler(client, "web"));

        var sending = http.GetAsync("https://web/", Token);
        using (var connection = await listener.AcceptTcpClientAsync(Token))
        {
            var response = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"u8.ToArray();
            await connection.GetStream().ReadExactlyAsync(new byte[1], Token);
            await connection.GetStream().WriteAsync(response, Token);
            var exception = await Assert.ThrowsAsync<HttpRequestException>(() => sending);

            Assert.Equal(HttpRequestError.ProxyTunnelError, exception.HttpRequestError);
            Assert.Equal(HttpStatusCode.Forbidden, exception.StatusCode);
        }

        listener.Stop();
    }

    [Fact]
    public async Task ResponseHeadersTimeout_Elapsed_ThrowsHttpRequestException()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var web = await WebFunction.StartAsync(
            (_, response, token) => response.WriteAsync("x", token),
            options => options.ResponseHeadersTimeout = Short,
            clock);
        web.Function.OnEveryCall().StallBeforeHeaders();

        var failing = FailAsync(web);
        await web.Server.WaitForRequestAsync(Token);
        clock.Advance(Short);
        var exception = await failing;

        Assert.True(Assert.IsType<LambdaTransportException>(exception.InnerException).FunctionMayHaveRun);
    }

    [Fact]
    public async Task SendAsync_CancelledBeforeTheHeaders_ThrowsTaskCanceledException()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().StallBeforeHeaders();
        using var invoker = new HttpMessageInvoker(web.Handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://web/");
        using var cancellation = new CancellationTokenSource();

        var sending = invoker.SendAsync(request, cancellation.Token);
        await web.Server.WaitForRequestAsync(Token);
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAsync<TaskCanceledException>(() => sending);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(Assert.IsType<InvocationCanceledException>(exception.InnerException).FunctionMayHaveRun);
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
    }

    // HttpClient wraps the exception of the handler, because its token is not that of the caller.
    [Fact]
    public async Task SendAsync_HttpClientIsCancelledBeforeTheHeaders_CauseIsInvocationCanceledException()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().StallBeforeHeaders();
        using var cancellation = new CancellationTokenSource();

        var sending = web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, cancellation.Token);
        await web.Server.WaitForRequestAsync(Token);
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAsync<TaskCanceledException>(() => sending);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        var cause = Assert.IsType<TaskCanceledException>(exception.InnerException).InnerException;
        Assert.True(Assert.IsType<InvocationCanceledException>(cause).FunctionMayHaveRun);
    }

    [Fact]
    public async Task SendAsync_CancelledInThePrelude_ThrowsTaskCanceledException()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().StallAfterChunks(1);
        using var client = new ObservedClient(web.Client);
        using var http = new HttpClient(new LambdaHttpHandler(client, WebFunction.Name));
        using var cancellation = new CancellationTokenSource();

        var sending = http.GetAsync(
            new Uri("https://web/"), HttpCompletionOption.ResponseHeadersRead, cancellation.Token);
        await client.HeadersReceived.WaitAsync(WebFunction.TooLong, Token);
        await cancellation.CancelAsync();

        await Assert.ThrowsAsync<TaskCanceledException>(() => sending.WaitAsync(WebFunction.TooLong, Token));
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
    }

    [Fact]
    public async Task SendAsync_CancelledAsTheHeadersArrive_FunctionMayHaveRun()
    {
        using var cancellation = new CancellationTokenSource();
        using var client = new CancellingClient(cancellation);
        using var invoker = new HttpMessageInvoker(new LambdaHttpHandler(client, "web"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://web/");

        var exception = await Assert.ThrowsAsync<TaskCanceledException>(
            () => invoker.SendAsync(request, cancellation.Token));

        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(Assert.IsType<InvocationCanceledException>(exception.InnerException).FunctionMayHaveRun);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => client.Response.ReadAsStringAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task SendAsync_CancelledWhileTheContentIsRead_FunctionDidNotRun()
    {
        await using var web = await StartAsync();
        using var invoker = new HttpMessageInvoker(web.Handler, disposeHandler: false);
        using var cancellation = new CancellationTokenSource();
        using var content = new StreamContent(new CancellingStream(cancellation));
        using var request = new HttpRequestMessage(HttpMethod.Post, "https://web/") { Content = content };

        var exception = await Assert.ThrowsAsync<TaskCanceledException>(
            () => invoker.SendAsync(request, cancellation.Token));

        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.False(Assert.IsType<InvocationCanceledException>(exception.InnerException).FunctionMayHaveRun);
        Assert.Empty(web.Server.Requests);
    }

    [Fact]
    public async Task SendAsync_CancelledAfterTheHeaders_HasNoEffectOnTheBody()
    {
        await using var web = await StartAsync();
        using var invoker = new HttpMessageInvoker(web.Handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://web/");
        using var cancellation = new CancellationTokenSource();
        using var response = await invoker.SendAsync(request, cancellation.Token);

        await cancellation.CancelAsync();
        web.FirstPartSeen();

        Assert.Equal("firstsecond", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task ReadAsync_Cancelled_ThrowsOperationCanceledExceptionAndClosesTheConnection()
    {
        await using var web = await StartAsync();
        using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        await stream.ReadExactlyAsync(new byte[5], Token);
        using var cancellation = new CancellationTokenSource();

        var reading = stream.ReadExactlyAsync(new byte[5], cancellation.Token).AsTask();
        await cancellation.CancelAsync();
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        Assert.Equal(cancellation.Token, exception.CancellationToken);
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
        var later = await Record.ExceptionAsync(async () => await stream.ReadExactlyAsync(new byte[5], Token));
        Assert.NotNull(later);
    }

    [Fact]
    public async Task HttpClientTimeout_BeforeTheHeaders_ThrowsTaskCanceledExceptionWithTimeout()
    {
        await using var web = await StartAsync();
        web.Function.OnEveryCall().StallBeforeHeaders();
        web.Http.Timeout = Short;

        var exception = await Assert.ThrowsAsync<TaskCanceledException>(
            () => web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token));

        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Fact]
    public async Task HttpClientTimeout_WhileTheContentIsRead_ThrowsTaskCanceledExceptionWithTimeout()
    {
        await using var web = await StartAsync();
        web.Http.Timeout = Short;

        var exception = await Assert.ThrowsAsync<TaskCanceledException>(() => web.Http.GetAsync("/", Token));

        Assert.IsType<TimeoutException>(exception.InnerException);

        // A connection that was not used when the time ended stays open.
        if (web.Calls > 0) await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
    }

    // The end of HttpClient.Timeout and CancelPendingRequests cancel the same token.
    [Fact]
    public async Task HttpClientCancelPendingRequests_AfterTheHeaders_HasNoEffectOnTheBody()
    {
        await using var web = await StartAsync();
        using var handler = new AfterHeadersHandler(web.Handler);
        using var http = new HttpClient(handler);
        handler.Action = http.CancelPendingRequests;
        using var response = await http.GetAsync(
            new Uri("https://web/"), HttpCompletionOption.ResponseHeadersRead, Token);

        Assert.True(handler.IsCancelled);
        web.FirstPartSeen();

        Assert.Equal("firstsecond", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task SendAsync_ContentFails_PassesTheFailureOn()
    {
        await using var web = await StartAsync();
        using var content = new StreamContent(new FailingStream());

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => web.Http.PostAsync("/", content, Token));

        Assert.Equal("the disk", Assert.IsType<IOException>(exception.InnerException).Message);
        Assert.Empty(web.Server.Requests);
    }

    private static Task<WebFunction> StartAsync(Fault? fault = null) =>
        WebFunction.StartAsync(
            async (web, _, response, token) =>
            {
                await response.WriteAsync("first", token);
                await web.MiddleAsync(response, token);
                await response.WriteAsync("second", token);
            },
            fault);

    // As .NET fails if the name server does not know a host.
    private static void RejectUnknownHosts(SocketsHttpHandler handler)
    {
        var connect = handler.ConnectCallback!;
        handler.UseProxy = false;
        handler.ConnectCallback = (context, token) => context.DnsEndPoint.Host == "name.invalid"
            ? throw new SocketException((int)SocketError.HostNotFound)
            : connect(context, token);
    }

    private static Task<HttpRequestException> FailAsync(WebFunction web) => Assert.ThrowsAsync<HttpRequestException>(
        () => web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token)
            .WaitAsync(WebFunction.TooLong, Token));

    /// <summary>A client that returns a response although the call has just been cancelled.</summary>
    private sealed class CancellingClient(CancellationTokenSource cancellation) : ILambdaStreamingClient
    {
        // With this content type, the response is returned without a read.
        public InvokeWithResponseStreamResponse Response { get; } = InvokeWithResponseStreamResponse.Create(
            ["body"],
            metadata: new ResponseStreamMetadata { ResponseStreamContentType = "text/plain" });

        public async Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest request,
            CancellationToken cancellationToken = default)
        {
            await cancellation.CancelAsync();
            return Response;
        }

        public void Dispose() => Response.Dispose();
    }

    private sealed class ObservedClient(LambdaStreamingClient inner) : ILambdaStreamingClient
    {
        private readonly TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task HeadersReceived => _received.Task;

        public async Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest request,
            CancellationToken cancellationToken = default)
        {
            var response = await inner.InvokeWithResponseStreamAsync(request, cancellationToken);
            _received.SetResult();
            return response;
        }

        public void Dispose() => inner.Dispose();
    }

    private sealed class AfterHeadersHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        public Action Action { get; set; } = () => { };

        /// <summary>Whether the token of the request was cancelled after the action.</summary>
        public bool IsCancelled { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            Action();
            IsCancelled = cancellationToken.IsCancellationRequested;
            return response;
        }
    }

    private sealed class CancellingStream(CancellationTokenSource cancellation) : MemoryStream
    {
        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            await cancellation.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private sealed class FailingStream : MemoryStream
    {
        public FailingStream()
            : base(new byte[10])
        {
        }

        public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) =>
            throw new IOException("the disk");
    }
}
