using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moq;

namespace LambdaStreaming.Docs.Tests;

#pragma warning disable CA1848 // The page shows the logging calls that most applications use.

/// <summary>The code in docs/production.md, and its statements about connections.</summary>
public sealed class ProductionSnippets
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Options()
    {
        var loggerFactory = NullLoggerFactory.Instance;

        // begin: production-options
        var options = new LambdaStreamingClientOptions
        {
            // Longer than the function's timeout, if the function can send nothing until it ends.
            ResponseHeadersTimeout = TimeSpan.FromMinutes(3),

            // Longer than the longest pause between two writes of the function.
            IdleTimeout = TimeSpan.FromMinutes(1),

            // Maximum number of concurrent responses. Further calls wait until one of them ends.
            ConfigureHandler = handler => handler.MaxConnectionsPerServer = 200,

            LoggerFactory = loggerFactory,
        };
        // end: production-options

        using var handler = LambdaStreamingClient.CreateHandler(options);
        Assert.Equal(200, handler.MaxConnectionsPerServer);
        using var client = new LambdaStreamingClient(options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("my-function"), Ct);
        Assert.Equal("Hello, world", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoConnectionIsAvailable_TimesOutWithoutSending()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            options => options.AddFunction("f").OnEveryCall().StallAfterChunks(0),
            Ct);
        using var client = lambda.CreateClient(options =>
        {
            options.ConfigureHandler = handler => handler.MaxConnectionsPerServer = 1;
            options.Retry.Policy = LambdaRetryPolicy.Never;
        });
        await using var running = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        var request = new InvokeWithResponseStreamRequest("f")
        {
            ResponseHeadersTimeout = TimeSpan.FromMilliseconds(200),
        };

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(
            () => client.InvokeWithResponseStreamAsync(request, Ct));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Single(lambda.Requests);
    }

    [Theory]
    [InlineData(true, typeof(OperationCanceledException))]
    [InlineData(false, typeof(TimeoutException))]
    public async Task TotalTimeout(bool isCancelledByCaller, Type expected)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            options => options.AddFunction("f").OnEveryCall().StallAfterChunks(0),
            Ct);
        using var client = lambda.CreateClient();
        using var caller = new CancellationTokenSource();
        var (request, cancellationToken) = (new InvokeWithResponseStreamRequest("f"), caller.Token);
        var totalTimeout = isCancelledByCaller ? TimeSpan.FromMinutes(5) : TimeSpan.FromMilliseconds(50);
        if (isCancelledByCaller) await caller.CancelAsync();

        var thrown = await Assert.ThrowsAsync(expected, InvokeAsync);

        var cancelled = Assert.IsType<InvocationCanceledException>(thrown.InnerException);
        Assert.NotEqual(cancellationToken, cancelled.CancellationToken);
        if (thrown is OperationCanceledException { CancellationToken: var token })
            Assert.Equal(cancellationToken, token);

        async Task InvokeAsync()
        {
            // begin: production-total-timeout
            using var timeout = new CancellationTokenSource(totalTimeout);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(request, either.Token);
                await response.CopyToAsync(Stream.Null, either.Token);
            }
            catch (InvocationCanceledException exception)
            {
                // exception.CancellationToken is either.Token in both cases, so check the caller's token.
                if (cancellationToken.IsCancellationRequested)
                    throw new OperationCanceledException(exception.Message, exception, cancellationToken);
                throw new TimeoutException($"The call did not end within {totalTimeout}.", exception);
            }
            // end: production-total-timeout
        }
    }

    [Fact]
    public async Task Log()
    {
        var logged = new Mock<ILogger>();
        logged.Setup(mock => mock.IsEnabled(It.IsAny<LogLevel>())).Returns(true);
        var logger = logged.Object;

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(InvokeAsync);

        logged.Verify(mock => mock.Log(
            LogLevel.Error,
            It.IsAny<EventId>(),
            It.Is<It.IsAnyType>(
                (state, _) => $"{state}" == "Invocation 42 of f failed (truncated). It might have run: True"),
            It.IsAny<ResponseStreamTruncatedException>(),
            It.IsAny<Func<It.IsAnyType, Exception?, string>>()));

        async Task InvokeAsync()
        {
            var details = new LambdaErrorDetails { RequestId = "42", FunctionName = "f", ErrorCode = "truncated" };
            var failure = new ResponseStreamTruncatedException("The response is incomplete.", details);
            var mock = new Mock<ILambdaStreamingClient>();
            mock.Setup(it => it.InvokeWithResponseStreamAsync(
                    It.IsAny<InvokeWithResponseStreamRequest>(),
                    It.IsAny<CancellationToken>()))
                .ReturnsAsync(InvokeWithResponseStreamResponse.Create(["text"], failure: failure));
            var (client, request, cancellationToken) =
                (mock.Object, new InvokeWithResponseStreamRequest("f"), CancellationToken.None);

            // begin: production-log
            try
            {
                await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
                await response.CopyToAsync(Stream.Null, cancellationToken);
            }
            catch (LambdaStreamingException exception)
            {
                logger.LogError(
                    exception,
                    "Invocation {RequestId} of {Function} failed ({ErrorCode}). It might have run: {MayHaveRun}",
                    exception.RequestId,
                    exception.FunctionName,
                    exception.ErrorCode,
                    exception.FunctionMayHaveRun);
                throw;
            }
            // end: production-log
        }
    }
}
