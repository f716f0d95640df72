using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Moq;

namespace LambdaStreaming.Docs.Tests;

#pragma warning disable CA1848 // The page shows what most apps write.

/// <summary>The code of docs/production.md, and what it says of connections.</summary>
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
            ResponseHeadersTimeout = TimeSpan.FromMinutes(3),         // above the function's own time-out, where it may be silent until its end
            IdleTimeout = TimeSpan.FromMinutes(1),                 // above the longest pause between two of its writes
            ConfigureHandler = handler => handler.MaxConnectionsPerServer = 200,   // answers at one time; a further call waits for one to end
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
    public async Task NoConnectionIsFree_CallWaitsAndThenFailsWithoutHavingSentAnything()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(options => options.AddFunction("f").OnEveryCall().StallAfterChunks(0), Ct);
        using var client = lambda.CreateClient(options =>
        {
            options.ConfigureHandler = handler => handler.MaxConnectionsPerServer = 1;
            options.Retry.Policy = LambdaRetryPolicy.Never;
        });
        await using var running = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => client.InvokeWithResponseStreamAsync(new("f") { ResponseHeadersTimeout = TimeSpan.FromMilliseconds(200) }, Ct));

        Assert.False(exception.FunctionMayHaveRun);
        Assert.Single(lambda.Requests);
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
            It.Is<It.IsAnyType>((state, _) => $"{state}" == "Invocation 42 of f failed (cut); it may have run: True"),
            It.IsAny<ResponseStreamTruncatedException>(),
            It.IsAny<Func<It.IsAnyType, Exception?, string>>()));

        async Task InvokeAsync()
        {
            try
            {
                await Task.FromException(new ResponseStreamTruncatedException("The answer is not whole.", new LambdaErrorDetails { RequestId = "42", FunctionName = "f", ErrorCode = "cut" }));
            }
            // begin: production-log
            catch (LambdaStreamingException exception)
            {
                logger.LogError(exception, "Invocation {RequestId} of {Function} failed ({ErrorCode}); it may have run: {MayHaveRun}", exception.RequestId, exception.FunctionName, exception.ErrorCode, exception.FunctionMayHaveRun);
                throw;
            }
            // end: production-log
        }
    }
}
