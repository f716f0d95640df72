using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>A logger of the app that throws. The outcome of a call does not depend on it.</summary>
public sealed class ContainedLoggerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // The body has each event for which the reader writes a log message: an unknown event, bytes after InvokeComplete,
    // and a failure after that.
    private static byte[] CreateBody(string complete) =>
    [
        .. Messages.Chunk("a"),
        .. Messages.Create([(":message-type", "event"), (":event-type", "Future")], []),
        .. Messages.Complete(complete),
        1,
    ];

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task ReadAsStringAsync_LoggerThrows_HasItsOutcome(bool inIsEnabled, bool functionFails)
    {
        var logger = new ThrowingLogger(inIsEnabled);
        var options = StubbedClient.Options();
        options.LoggerFactory = logger;
        var wire = new MemoryStream(CreateBody(functionFails ? """{"ErrorCode":"Unhandled"}""" : "{}"));
        using var client = StubbedClient.Streaming(
            new FuncStream((buffer, token) => wire.Position < wire.Length || buffer.IsEmpty
                ? wire.ReadAsync(buffer, token)
                : throw new IOException("The connection broke.")),
            options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        if (functionFails) await Assert.ThrowsAsync<FunctionErrorException>(() => response.ReadAsStringAsync());
        else Assert.Equal("a", await response.ReadAsStringAsync());

        Assert.NotEqual(0, logger.Calls);
    }

    private sealed class ThrowingLogger(bool inIsEnabled) : ILoggerFactory, ILogger
    {
        public int Calls { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel)
        {
            Calls++;
            return inIsEnabled ? throw new TimeZoneNotFoundException() : true;
        }

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) => throw new TimeZoneNotFoundException();

        public void Dispose()
        {
        }
    }
}
