using System.Net;
using System.Net.Sockets;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Time.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.Http;

/// <summary>Sockets that fail at each stage: whether the function may have run is known from what was sent, not from the kind of exception.</summary>
public class TransportFailureTests
{
    // More than the buffers of both sides take, so that a server that stops reading stops the sending.
    private const int LargePayloadBytes = 6_000_000;

    private const int HeaderBytes = 40;

    [Fact]
    public async Task InvokeAsync_NameUnknown_DidNotRun()
    {
        using var client = Client(new Uri("http://no-such-host.invalid"));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal(HttpRequestError.NameResolutionError, Assert.IsType<HttpRequestException>(exception.InnerException).HttpRequestError);
    }

    [Fact]
    public async Task InvokeAsync_TlsHandshakeBreaks_DidNotRun()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadBytesAsync(1);
            connection.Reset();
        });
        using var client = Client(new UriBuilder(server.Url) { Scheme = "https" }.Uri);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.True(exception.IsSafeToRetry);
        Assert.Equal(HttpRequestError.SecureConnectionError, Assert.IsType<HttpRequestException>(exception.InnerException).HttpRequestError);
    }

    [Fact]
    public async Task InvokeAsync_NobodyListens_DidNotRun()
    {
        Uri url;
        await using (var server = new RawServer(_ => Task.CompletedTask)) url = server.Url;
        using var client = Client(url);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(exception.InnerException?.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task InvokeAsync_TlsHandshakeNeverAnswered_EndsAtTheConnectTimeoutAndDidNotRun()
    {
        await using var server = new RawServer(connection => Task.Delay(Timeout.InfiniteTimeSpan, connection.Stopping));
        using var client = Client(new UriBuilder(server.Url) { Scheme = "https" }.Uri, options => options.ConnectTimeout = TimeSpan.FromMilliseconds(100));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException?.InnerException);
    }

    [Fact]
    public async Task InvokeAsync_ConnectNeverAnswered_EndsAtTheConnectTimeoutAndDidNotRun()
    {
        using var full = new FullListener();
        using var client = Client(full.Url, options => options.ConnectTimeout = TimeSpan.FromMilliseconds(100));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.IsType<TimeoutException>(exception.InnerException?.InnerException);
    }

    [Fact]
    public async Task InvokeAsync_CancelledWhileItConnects_ThrowsWithThatToken()
    {
        using var full = new FullListener();
        using var cancelling = new CancellationTokenSource();
        using var client = Client(full.Url, Connecting(async connecting =>
        {
            await cancelling.CancelAsync();
            return await connecting;
        }));

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), cancelling.Token));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task InvokeAsync_Connection_SendsAtOnceAndIsKeptAlive()
    {
        await using var server = RawServer.Responding(RawServer.Answer(200, Messages.Complete()));
        Socket? socket = null;
        using var client = Client(server.Url, Connecting(async connecting =>
        {
            var stream = await connecting;
            socket = ((NetworkStream)stream).Socket;
            return stream;
        }));

        await using var response = await client.InvokeAsync("f");

        Assert.True(socket!.NoDelay);

        // A NAT gateway forgets a silent connection.
        Assert.Equal(1, socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(45, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(15, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
    }

    public static TheoryData<string> StagesAfterSendingBegan => ["amid the head", "amid the body", "after the request", "amid the answer's head"];

    [Theory, MemberData(nameof(StagesAfterSendingBegan))]
    public async Task InvokeAsync_ResetOnceSendingBegan_MayHaveRunAndIsNotRepeated(string stage)
    {
        await using var server = new RawServer(async connection =>
        {
            await ReachAsync(connection, stage);
            connection.Reset();
        });
        using var client = Client(server.Url);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeLargeAsync(client));

        AssertMayHaveRunOnce(exception, server);
    }

    [Theory, MemberData(nameof(StagesAfterSendingBegan))]
    public async Task InvokeAsync_CloseOnceSendingBegan_MayHaveRunAndIsNotRepeated(string stage)
    {
        await using var server = new RawServer(connection => ReachAsync(connection, stage));
        using var client = Client(server.Url);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeLargeAsync(client));

        AssertMayHaveRunOnce(exception, server);
    }

    [Theory, MemberData(nameof(StagesAfterSendingBegan))]
    public async Task InvokeAsync_SilenceOnceSendingBegan_EndsAtTheHeadTimeoutAndMayHaveRun(string stage)
    {
        var reached = new TaskCompletionSource();
        await using var server = new RawServer(async connection =>
        {
            await ReachAsync(connection, stage);
            reached.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, connection.Stopping);
        });
        var clock = new FakeTimeProvider();
        using var client = Client(server.Url, options => (options.TimeProvider, options.ResponseHeadersTimeout) = (clock, TimeSpan.FromSeconds(30)));

        var call = Assert.ThrowsAsync<LambdaTransportException>(() => InvokeLargeAsync(client));
        await reached.Task.WaitAsync(TooLong, TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(30));
        var exception = await call;

        AssertMayHaveRunOnce(exception, server);
    }

    [Fact]
    public async Task InvokeAsync_CallersHttpClientTimesOut_MayHaveRun()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, connection.Stopping);
        });
        using var client = new LambdaStreamingClient(Options(server.Url), new HttpClient { Timeout = TimeSpan.FromSeconds(1) });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeAsync("f"));

        AssertMayHaveRunOnce(exception, server);
        Assert.IsType<TimeoutException>(exception.InnerException?.InnerException);
    }

    [Fact]
    public async Task InvokeAsync_ErrorBodyBreaksOff_StillNamesTheError()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync("HTTP/1.1 404 X\r\nx-amzn-ErrorType: ResourceNotFoundException\r\nContent-Length: 100\r\n\r\n{\"Mess");
        });
        using var client = Client(server.Url);

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));

        Assert.Equal("ResourceNotFoundException", exception.ErrorCode);
        Assert.Equal(HttpStatusCode.NotFound, exception.StatusCode);
    }

    [Theory, InlineData(201), InlineData(204), InlineData(206)]
    public async Task InvokeAsync_OtherSuccessStatus_IsNoEmptySuccess(int status)
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(status == 204 ? "HTTP/1.1 204 X\r\n\r\n"u8.ToArray() : RawServer.Answer(status, Messages.Complete()));
        });
        using var client = Client(server.Url);

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => client.InvokeAsync("f"));

        Assert.Equal(ResponseStreamCorruptionReason.UnexpectedStatus, exception.Reason);
    }

    [Fact]
    public async Task InvokeAsync_DryRunAnsweredWith200_IsAnError()
    {
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(RawServer.Answer(200, Messages.Complete()));
        });
        using var client = Client(server.Url);

        var request = new InvokeWithResponseStreamRequest("f") { InvocationType = InvocationType.DryRun };
        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(() => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.Equal(ResponseStreamCorruptionReason.UnexpectedStatus, exception.Reason);
    }

    /// <summary>A listener that has no room for more: Linux leaves the next connect unanswered.</summary>
    private sealed class FullListener : IDisposable
    {
        private readonly Socket _listener = new(SocketType.Stream, ProtocolType.Tcp);
        private readonly Socket _waiting = new(SocketType.Stream, ProtocolType.Tcp);

        public FullListener()
        {
            Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems refuse a connect or take it.");
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(0);
            _waiting.Connect(_listener.LocalEndPoint!);
        }

        public Uri Url => new($"http://{_listener.LocalEndPoint}");

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
            case "amid the head":
                await connection.ReadBytesAsync(HeaderBytes);
                break;
            case "amid the body":
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

    private static Task<InvokeWithResponseStreamResponse> InvokeLargeAsync(LambdaStreamingClient client) =>
        client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f") { Payload = new byte[LargePayloadBytes] }, TestContext.Current.CancellationToken);

    private static LambdaStreamingClient Client(Uri url, Action<LambdaStreamingClientOptions>? configure = null) => new(Options(url, configure));

    private static Action<LambdaStreamingClientOptions> Connecting(Func<Task<Stream>, Task<Stream>> around) => options => options.ConfigureHandler = handler =>
    {
        var connect = handler.ConnectCallback!;
        handler.ConnectCallback = async (context, cancellationToken) => await around(connect(context, cancellationToken).AsTask());
    };

    private static LambdaStreamingClientOptions Options(Uri url, Action<LambdaStreamingClientOptions>? configure = null)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = url;
        options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero, ThrottlingBaseDelay = TimeSpan.Zero };
        configure?.Invoke(options);
        return options;
    }
}
