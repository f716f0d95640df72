using System.Net;
using System.Net.Sockets;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>
/// Sockets that fail at each stage. FunctionMayHaveRun depends on the bytes that were sent, not on the exception type.
/// </summary>
public class TransportFailureTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // More than the socket buffers of both sides, so that sending blocks if the server stops reading.
    private const int LargePayloadBytes = 6_000_000;

    private const int HeaderBytes = 40;

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HostNameUnknown_DidNotRun()
    {
        // As .NET fails if the name server does not know the host.
        using var client = CreateClient(
            new Uri("http://no-such-host.invalid"),
            options => options.ConfigureHandler = handler => handler.ConnectCallback =
                (_, _) => throw new SocketException((int)SocketError.HostNotFound));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal(
            HttpRequestError.NameResolutionError,
            Assert.IsType<HttpRequestException>(exception.InnerException).HttpRequestError);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TlsHandshakeFails_DidNotRun()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadBytesAsync(1);
            connection.Reset();
        });
        using var client = CreateClient(new UriBuilder(server.Url) { Scheme = "https" }.Uri);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.True(exception.IsSafeToRetry);
        Assert.Equal(
            HttpRequestError.SecureConnectionError,
            Assert.IsType<HttpRequestException>(exception.InnerException).HttpRequestError);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ConnectionRefused_DidNotRun()
    {
        using var port = new RefusingPort();
        using var client = CreateClient(port.Url);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal(
            SocketError.ConnectionRefused,
            Assert.IsType<SocketException>(exception.InnerException?.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TlsHandshakeNeverCompletes_ThrowsAtConnectTimeoutAndDidNotRun()
    {
        await using var server = new RawServer(connection => Task.Delay(Timeout.InfiniteTimeSpan, connection.Stopping));
        using var client = CreateClient(
            new UriBuilder(server.Url) { Scheme = "https" }.Uri,
            options => options.ConnectTimeout = TimeSpan.FromMilliseconds(100));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ConnectNeverCompletes_ThrowsAtConnectTimeoutAndDidNotRun()
    {
        using var full = new FullListener();
        using var client = CreateClient(full.Url, options => options.ConnectTimeout = TimeSpan.FromMilliseconds(100));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CancelledWhileConnecting_ThrowsWithThatToken()
    {
        using var full = new FullListener();
        using var cancelling = new CancellationTokenSource();
        using var client = CreateClient(full.Url, WrapConnect(async connecting =>
        {
            await cancelling.CancelAsync();
            return await connecting;
        }));

        var request = InvokeWithResponseStreamRequest.FromJson("f", "{}");
        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(
            () => client.InvokeWithResponseStreamAsync(request, cancelling.Token));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DefaultConnection_HasNoDelayAndTcpKeepAlive()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(200, Messages.Complete()));
        Socket? socket = null;
        using var client = CreateClient(server.Url, WrapConnect(async connecting =>
        {
            var stream = await connecting;
            socket = ((NetworkStream)stream).Socket;
            return stream;
        }));

        await using var response = await client.InvokeAsync("f");

        Assert.True(socket!.NoDelay);

        // Keep-alive is required, because a NAT gateway drops idle connections.
        Assert.Equal(1, socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(45, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(15, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
    }

    // The greeting of an SSH server, and more headers than .NET accepts.
    public static TheoryData<string> ResponsesThatAreNotHttp =>
        ["SSH-2.0-OpenSSH_9.6\r\n", $"HTTP/1.1 200 OK\r\nx-long: {new string('a', 100_000)}\r\n\r\n"];

    [Theory, MemberData(nameof(ResponsesThatAreNotHttp))]
    public async Task InvokeWithResponseStreamAsync_ResponseIsNotHttp_MayHaveRunAndIsNotTransient(string response)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(response);
        });
        using var client = server.CreateClient(new() { Policy = LambdaRetryPolicy.AtLeastOnce });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), Ct));

        Assert.Equal((1, true, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsTransient));
        Assert.NotNull(exception.Advice);
    }

    public static TheoryData<string> StagesAfterSendingBegan =>
    [
        "within the request headers", "within the request body", "after the request", "within the response headers",
    ];

    [Theory, MemberData(nameof(StagesAfterSendingBegan))]
    public async Task InvokeWithResponseStreamAsync_ResetAfterSendingBegan_MayHaveRunAndIsNotRetried(string stage)
    {
        await using var server = new RawServer(async connection =>
        {
            await ReachAsync(connection, stage);
            connection.Reset();
        });
        using var client = CreateClient(server.Url);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeLargeAsync(client));

        AssertMayHaveRunOnce(exception, server);
    }

    [Theory, MemberData(nameof(StagesAfterSendingBegan))]
    public async Task InvokeWithResponseStreamAsync_CloseAfterSendingBegan_MayHaveRunAndIsNotRetried(string stage)
    {
        await using var server = new RawServer(connection => ReachAsync(connection, stage));
        using var client = CreateClient(server.Url);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeLargeAsync(client));

        AssertMayHaveRunOnce(exception, server);
    }

    [Theory, MemberData(nameof(StagesAfterSendingBegan))]
    public async Task InvokeWithResponseStreamAsync_StallAfterSendingBegan_ThrowsAtResponseHeadersTimeoutAndMayHaveRun(
        string stage)
    {
        var reached = new TaskCompletionSource();
        await using var server = new RawServer(async connection =>
        {
            await ReachAsync(connection, stage);
            reached.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, connection.Stopping);
        });
        var clock = new FakeTimeProvider();
        using var client = CreateClient(server.Url, options =>
        {
            options.TimeProvider = clock;
            options.ResponseHeadersTimeout = TimeSpan.FromSeconds(30);
        });

        var call = Assert.ThrowsAsync<LambdaTransportException>(() => InvokeLargeAsync(client));
        await reached.Task.WaitAsync(TooLong, Ct);
        clock.Advance(TimeSpan.FromSeconds(30));
        var exception = await call;

        AssertMayHaveRunOnce(exception, server);
    }

    // .NET passes no token to the read of the headers. It disposes the stream, which must end the read.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_StreamOfConfigureHandlerIgnoresItsDisposal_EndsAndMayHaveRun(
        bool isCancelled)
    {
        var stream = new UnendingReadStream();
        var clock = new FakeTimeProvider();
        using var cancelling = new CancellationTokenSource();
        using var client = CreateClient(new Uri("http://localhost"), options =>
        {
            options.TimeProvider = clock;
            options.ResponseHeadersTimeout = TimeSpan.FromSeconds(30);
            options.ConfigureHandler = handler => handler.ConnectCallback = (_, _) => new(stream);
        });

        var call = client.InvokeAsync("f", cancellationToken: cancelling.Token);
        await stream.Reading.Task.WaitAsync(TooLong, Ct);
        if (isCancelled) await cancelling.CancelAsync();
        else clock.Advance(TimeSpan.FromSeconds(30));
        var exception = await Assert.ThrowsAnyAsync<Exception>(() => call.WaitAsync(TooLong, Ct));

        if (isCancelled) Assert.True(Assert.IsType<InvocationCanceledException>(exception).FunctionMayHaveRun);
        else Assert.True(Assert.IsType<LambdaTransportException>(exception).FunctionMayHaveRun);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_DisposalOfTheStreamBlocks_CancelledCallEnds(bool isExtension)
    {
        using var disposal = new ManualResetEventSlim();
        using var stream = new UnendingReadStream { Disposal = disposal };
        using var cancelling = new CancellationTokenSource();
        using var client = CreateClient(
            new Uri("http://localhost"),
            options => options.ConfigureHandler = handler => handler.ConnectCallback = (_, _) => new(stream));

        Task call = isExtension
            ? client.InvokeTextAsync(new("f"), null, cancelling.Token).GetAsyncEnumerator(Ct).MoveNextAsync().AsTask()
            : client.InvokeAsync("f", cancellationToken: cancelling.Token);
        await stream.Reading.Task.WaitAsync(TooLong, Ct);
        var cancellation = Task.Run(cancelling.Cancel, Ct);
        try
        {
            var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => call.WaitAsync(TooLong, Ct));
            Assert.True(exception.FunctionMayHaveRun);
            Assert.False(cancellation.IsCompleted);
        }
        finally
        {
            disposal.Set();
            await cancellation;
        }
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ConnectCallbackTimesOut_MessageNamesIt()
    {
        using var client = CreateClient(
            new Uri("http://localhost"),
            options => options.ConfigureHandler = handler =>
                handler.ConnectCallback = (_, _) => throw new OperationCanceledException());

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.Contains("because a ConnectCallback cancelled it.", exception.Message, StringComparison.Ordinal);
        Assert.False(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_UserHttpClientTimesOut_MayHaveRun()
    {
        for (var run = 1; ; run++)
        {
            await using var server = new RawServer(async connection =>
            {
                await connection.ReadRequestAsync();
                await Task.Delay(Timeout.InfiniteTimeSpan, connection.Stopping);
            });
            using var client = new LambdaStreamingClient(
                CreateOptions(server.Url), new HttpClient { Timeout = TimeSpan.FromSeconds(5) });

            var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

            // On a busy machine, the time can elapse before the request is sent. That attempt is retried.
            if (exception.Attempts > 1 && run < 5) continue;
            AssertMayHaveRunOnce(exception, server);
            Assert.IsType<TimeoutException>(exception.InnerException);
            return;
        }
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ErrorBodyBreaksOff_HasTheErrorCode()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(
                "HTTP/1.1 404 X\r\n"
                + "x-amzn-ErrorType: ResourceNotFoundException\r\n"
                + "Content-Length: 100\r\n\r\n"
                + "{\"Mess");
        });
        using var client = CreateClient(server.Url);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal("ResourceNotFoundException", exception.ErrorCode);
        Assert.Equal(HttpStatusCode.NotFound, exception.StatusCode);
    }

    [Theory, InlineData(201), InlineData(204), InlineData(206)]
    public async Task InvokeWithResponseStreamAsync_OtherSuccessStatus_ThrowsResponseStreamCorruptException(int status)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(
                status == 204
                    ? "HTTP/1.1 204 X\r\n\r\n"u8.ToArray()
                    : RawServer.CreateResponse(status, Messages.Complete()));
        });
        using var client = CreateClient(server.Url);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => client.InvokeAsync("f"));

        Assert.Equal(ResponseStreamCorruptionReason.UnexpectedStatus, exception.Reason);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DryRunGetsStatus200_ThrowsResponseStreamCorruptException()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(RawServer.CreateResponse(200, Messages.Complete()));
        });
        using var client = CreateClient(server.Url);

        var request = new InvokeWithResponseStreamRequest("f") { InvocationType = InvocationType.DryRun };
        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.Equal(ResponseStreamCorruptionReason.UnexpectedStatus, exception.Reason);
    }

    /// <summary>A listener with a full backlog. On Linux the next connect never completes.</summary>
    private sealed class FullListener : IDisposable
    {
        private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
        private readonly Socket _waiting = new(SocketType.Stream, ProtocolType.Tcp);

        public FullListener()
        {
            Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems refuse or accept the connection.");
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(0);
            _waiting.Connect(_listener.LocalEndPoint!);
        }

        public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");

        public void Dispose()
        {
            _waiting.Dispose();
            _listener.Dispose();
        }
    }

    private static async Task ReachAsync(RawConnection connection, string stage)
    {
        switch (stage)
        {
            case "within the request headers":
                await connection.ReadBytesAsync(HeaderBytes);
                break;
            case "within the request body":
                await connection.ReadBytesAsync(LargePayloadBytes / 2);
                break;
            case "after the request":
                await connection.ReadRequestAsync();
                break;
            default:
                await connection.ReadRequestAsync();
                await connection.WriteAsync("HTTP/1.1 200 OK\r\nContent-Ty");
                break;
        }
    }

    private static void AssertMayHaveRunOnce(LambdaTransportException exception, RawServer server)
    {
        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
        Assert.Equal(1, exception.Attempts);
        Assert.True(server.CompleteRequests <= 1);
        Assert.Equal(1, server.Connections);
    }

    /// <summary>Accepts a request. A read never ends.</summary>
    private sealed class UnendingReadStream : MemoryStream
    {
        public TaskCompletionSource Reading { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>What <see cref="Stream.Dispose()"/> waits for.</summary>
        public ManualResetEventSlim? Disposal { get; init; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!buffer.IsEmpty) Reading.TrySetResult();
            return new(new TaskCompletionSource<int>().Task);
        }

        protected override void Dispose(bool disposing)
        {
            Disposal?.Wait();
            base.Dispose(disposing);
        }
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeLargeAsync(LambdaStreamingClient client) =>
        client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest("f") { Payload = new byte[LargePayloadBytes] }, Ct);

    private static LambdaStreamingClient CreateClient(
        Uri url,
        Action<LambdaStreamingClientOptions>? configure = null) =>
        new(CreateOptions(url, configure));

    private static Action<LambdaStreamingClientOptions> WrapConnect(Func<Task<Stream>, Task<Stream>> wrapper) =>
        options => options.ConfigureHandler = handler =>
        {
            var connect = handler.ConnectCallback!;
            handler.ConnectCallback = async (context, cancellationToken) =>
                await wrapper(connect(context, cancellationToken).AsTask());
        };

    private static LambdaStreamingClientOptions CreateOptions(
        Uri url,
        Action<LambdaStreamingClientOptions>? configure = null)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = url;
        options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero };
        configure?.Invoke(options);
        return options;
    }
}
