using Microsoft.Extensions.Logging;
using Moq;

namespace LambdaStreaming.Tests.Http;

public class CallersHttpClientTests
{
    [Theory]
    [InlineData("307 Temporary Redirect")]
    [InlineData("308 Permanent Redirect")]
    [InlineData("301 Moved Permanently")]
    [InlineData("302 Found")]
    public async Task InvokeWithResponseStreamAsync_HandlerThatFollowsRedirects_SendsThePayloadOnce(string status)
    {
        var payloads = 0;
        await using var elsewhere = new RawService(head =>
        {
            if (head.StartsWith("POST", StringComparison.Ordinal)) Interlocked.Increment(ref payloads);
            return "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        });
        await using var service = new RawService(_ => $"HTTP/1.1 {status}\r\nLocation: {elsewhere.Url}elsewhere\r\nContent-Length: 0\r\n\r\n");
        using var httpClient = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = true }) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new LambdaStreamingClient(service.Options(), httpClient);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), TestContext.Current.CancellationToken));

        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
        Assert.Single(service.Heads);
        Assert.Equal(0, payloads);
    }

    [Theory]
    [InlineData(100, 1)]
    [InlineData(null, 0)]
    public void Constructor_HttpClientWithTimeout_IsWarnedOf(int? seconds, int warnings)
    {
        var logger = new Mock<ILogger>();
        logger.Setup(l => l.IsEnabled(It.IsAny<LogLevel>())).Returns(true);
        var options = StubbedClient.Options();
        options.LoggerFactory = Mock.Of<ILoggerFactory>(factory => factory.CreateLogger(It.IsAny<string>()) == logger.Object);
        using var httpClient = new HttpClient { Timeout = seconds is { } given ? TimeSpan.FromSeconds(given) : Timeout.InfiniteTimeSpan };

        using var client = new LambdaStreamingClient(options, httpClient);

        Assert.Equal(warnings, logger.Invocations.Count(call => call.Method.Name == "Log" && call.Arguments[0] is LogLevel.Warning));
    }
}
