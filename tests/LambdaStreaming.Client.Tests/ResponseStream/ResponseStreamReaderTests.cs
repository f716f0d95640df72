using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.EventStream;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>A reader whose body is aborted between the parsing of a chunk and its delivery.</summary>
public sealed class ResponseStreamReaderTests
{
    [Fact]
    public async Task ReadNextAsync_AbortedBeforeTheChunkIsDelivered_DoesNotCountIt()
    {
        var stream = new MemoryStream(
        [
            .. Messages.Chunk("delivered"),
            .. Messages.Create([(":message-type", "event"), (":event-type", "Future")], []),
            .. Messages.Chunk("not delivered"),
        ]);
        var body = new ResponseStreamBody(stream, stream, TimeProvider.System, Timeout.InfiniteTimeSpan);
        var reader = new ResponseStreamReader(
            body,
            new ResponseStreamReaderOptions
            {
                MaxMessageBytes = 1024,
                IdleTimeout = TimeSpan.FromSeconds(1),
                TimeProvider = TimeProvider.System,
                // The reader logs the unknown event, and then parses the next message.
                Logger = new CallbackLogger(() => body.Abort(AbortReason.Idle)),
                ThrowOnFunctionError = false,
            },
            new LambdaErrorDetails());
        Assert.Equal(ResponseStreamEventKind.PayloadChunk, await reader.ReadNextAsync(throwOnFunctionError: true));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(
            () => reader.ReadNextAsync(throwOnFunctionError: true).AsTask());

        Assert.Equal((1, 9), (exception.ChunksReceived, exception.BytesReceived));
        Assert.Equal((1, 9), reader.ReceivedSoFar);
    }

    private sealed class CallbackLogger(Action onLog) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) => onLog();
    }
}
