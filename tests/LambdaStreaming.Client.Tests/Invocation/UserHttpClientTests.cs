using Microsoft.Extensions.Logging;
using Moq;

namespace LambdaStreaming.Tests.Invocation;

public class UserHttpClientTests
{
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
}
