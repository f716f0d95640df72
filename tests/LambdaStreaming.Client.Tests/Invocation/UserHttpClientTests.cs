using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Moq;

namespace LambdaStreaming.Tests.Invocation;

public class UserHttpClientTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("307 Temporary Redirect")]
    [InlineData("308 Permanent Redirect")]
    [InlineData("301 Moved Permanently")]
    [InlineData("302 Found")]
    public async Task InvokeWithResponseStreamAsync_HandlerFollowsRedirects_SendsThePayloadOnce(string status)
    {
        var payloads = 0;
        await using var elsewhere = new RawService(headers =>
        {
            if (headers.StartsWith("POST", StringComparison.Ordinal)) Interlocked.Increment(ref payloads);
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        });
        await using var service = new RawService(
            _ => $"HTTP/1.1 {status}\r\nLocation: {elsewhere.Url}elsewhere\r\nContent-Length: 0\r\n\r\n");
        using var httpClient = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = true });
        httpClient.Timeout = Timeout.InfiniteTimeSpan;
        using var client = new LambdaStreamingClient(service.Options(), httpClient);

        var request = InvokeWithResponseStreamRequest.FromJson("f", "{}");
        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken));

        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
        Assert.Single(service.RequestHeaders);
        Assert.Equal(0, payloads);
    }

    // After the exception, the caller can change the payload, for example by returning its array to a pool.
    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_EndsWhileThePayloadIsSent_DoesNotSendLaterChangesOfIt(
        bool byTimeout)
    {
        const byte Changed = 0xFF;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var clock = new FakeTimeProvider();
        var options = StubbedClient.Options();
        options.ServiceUrl = new Uri($"http://{listener.LocalEndpoint}");
        options.TimeProvider = clock;
        using var httpClient = new HttpClient(new SendOnceHandler(LambdaStreamingClient.CreateHandler(options)));
        httpClient.Timeout = Timeout.InfiniteTimeSpan;
        using var client = new LambdaStreamingClient(options, httpClient);
        using var canceling = new CancellationTokenSource();
        // More than the socket buffers of both sides.
        var payload = new byte[16 * 1024 * 1024];
        Socket? connection = null;
        var call = Task.Run(
            async () =>
            {
                var request = new InvokeWithResponseStreamRequest("f") { Payload = payload };
                await Assert.ThrowsAnyAsync<Exception>(
                    () => client.InvokeWithResponseStreamAsync(request, canceling.Token)).ConfigureAwait(false);
                Array.Fill(payload, Changed);
                return HasReceived(connection!, Changed);
            },
            Ct);
        connection = await listener.AcceptSocketAsync(Ct);
        using var _ = connection;
        connection.ReceiveTimeout = (int)LocalService.TooLong.TotalMilliseconds;
        Assert.False(HasReceived(connection, Changed, maxBytes: 64 * 1024));

        if (byTimeout) clock.Advance(options.ResponseHeadersTimeout);
        else await canceling.CancelAsync();

        Assert.False(await call);
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(null, 0)]
    public void Constructor_HttpClientHasATimeout_LogsAWarning(int? seconds, int warnings)
    {
        var logger = new Mock<ILogger>();
        logger.Setup(mock => mock.IsEnabled(It.IsAny<LogLevel>())).Returns(true);
        var options = StubbedClient.Options();
        options.LoggerFactory = Mock.Of<ILoggerFactory>(
            factory => factory.CreateLogger(It.IsAny<string>()) == logger.Object);
        using var httpClient = new HttpClient();
        httpClient.Timeout = seconds is { } value ? TimeSpan.FromSeconds(value) : Timeout.InfiniteTimeSpan;

        using var client = new LambdaStreamingClient(options, httpClient);

        var logged = logger.Invocations.Count(
            call => call.Method.Name == "Log" && call.Arguments[0] is LogLevel.Warning);
        Assert.Equal(warnings, logged);
    }

    // Reads until the value, or the number of bytes, has been received, or the client has closed the connection.
    private static bool HasReceived(Socket connection, byte value, int maxBytes = int.MaxValue)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            for (int total = 0, count; total < maxBytes && (count = connection.Receive(buffer)) > 0; total += count)
            {
                if (buffer.AsSpan(0, count).Contains(value)) return true;
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode != SocketError.TimedOut)
        {
            // The client has reset the connection.
        }

        return false;
    }
}
