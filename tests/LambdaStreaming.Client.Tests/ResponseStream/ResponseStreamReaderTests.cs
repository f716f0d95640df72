using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>Messages in two buffers, and a body that is aborted before a chunk is delivered.</summary>
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
                Logger = new CallbackLogger { Logging = (_, _) => body.Abort(AbortReason.Idle) },
                ThrowOnFunctionError = false,
            },
            new LambdaErrorDetails());
        Assert.Equal(ResponseStreamEventKind.PayloadChunk, await reader.ReadNextAsync(throwOnFunctionError: true));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(
            () => reader.ReadNextAsync(throwOnFunctionError: true).AsTask());

        Assert.Equal((1, 9), (exception.ChunksReceived, exception.BytesReceived));
        Assert.Equal((1, 9), reader.ReceivedSoFar);
    }

    // The pipe reads into buffers of 64 KiB.
    [Fact]
    public async Task ReadNextAsync_MessageIsInTwoBuffers_IsReadForEachPositionOfTheSplit()
    {
        var complete = Messages.Complete("""{"ErrorCode":"Unhandled","ErrorDetails":"text"}""");
        var metadata = new ResponseStreamMetadata { ThrowOnFunctionError = false };
        for (var split = 1; split < complete.Length; split++)
        {
            var chunk = Messages.Chunk(new byte[(64 * 1024) - Messages.Chunk("").Length - split]);
            await using var response = InvokeWithResponseStreamResponse.Create(
                new MemoryStream([.. chunk, .. complete]), metadata);

            await foreach (var _ in response) continue;

            Assert.Equal(
                ("Unhandled", "text"),
                (response.InvokeComplete!.ErrorCode, response.InvokeComplete.ErrorDetails));
        }
    }
}
