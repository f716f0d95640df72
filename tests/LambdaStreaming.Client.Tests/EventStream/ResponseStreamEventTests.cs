using System.Buffers;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The members of events and chunks.</summary>
public class ResponseStreamEventTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Event_PayloadChunk_HasOnlyTheChunk()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(["one"]);
        await using var events = response.GetAsyncEnumerator(Token);

        Assert.True(await events.MoveNextAsync());

        Assert.Equal(ResponseStreamEventKind.PayloadChunk, events.Current.Kind);
        Assert.Equal("one"u8.ToArray(), events.Current.PayloadChunk!.Value.ToArray());
        Assert.Null(events.Current.InvokeComplete);
    }

    [Fact]
    public async Task Event_InvokeComplete_HasOnlyInvokeComplete()
    {
        await using var response =
            InvokeWithResponseStreamResponse.Create([], new InvokeComplete { LogResult = "bG9n" });
        await using var events = response.GetAsyncEnumerator(Token);

        Assert.True(await events.MoveNextAsync());

        Assert.Equal(ResponseStreamEventKind.InvokeComplete, events.Current.Kind);
        Assert.Null(events.Current.PayloadChunk);
        Assert.Equal("bG9n", events.Current.InvokeComplete!.LogResult);
    }

    [Fact]
    public void Event_Default_IsEmpty()
    {
        var item = default(ResponseStreamEvent);

        Assert.Equal((ResponseStreamEventKind.None, null, null), (item.Kind, item.PayloadChunk, item.InvokeComplete));
    }

    [Fact]
    public void Chunk_Default_Throws() => Assert.Throws<InvalidOperationException>(() => default(PayloadChunk).Length);

    [Fact]
    public async Task Length_SeveralChunksInTheBuffer_IsThatOfEachChunk()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream([.. Messages.Chunk("a"), .. Messages.Chunk("bcd"), .. Messages.Complete()]));
        var lengths = new List<long>();

        await foreach (var chunk in response.ReadChunksAsync(Token)) lengths.Add(chunk.Length);

        Assert.Equal([1, 3], lengths);
    }

    // Current creates a chunk on each access. After disposal or a failure it must not: the chunk would be valid for the
    // reader and expose a buffer that is already reused.
    [Theory, InlineData(true), InlineData(false)]
    public async Task Current_AfterDisposalOrFailure_IsDefault(bool disposed)
    {
        await using var response =
            InvokeWithResponseStreamResponse.Create(["one"], failure: new TimeZoneNotFoundException());
        var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        Assert.True(await chunks.MoveNextAsync());

        if (disposed) await chunks.DisposeAsync();
        else await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => chunks.MoveNextAsync().AsTask());

        Assert.Equal(default, chunks.Current);
    }

    [Fact]
    public async Task CopyTo_SpanOrBufferWriter_CopiesTheBytes()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(["one"]);
        await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
        await chunks.MoveNextAsync();
        var writer = new ArrayBufferWriter<byte>();
        var span = new byte[4];

        chunks.Current.CopyTo(writer);
        chunks.Current.CopyTo(span);

        Assert.Equal("one"u8.ToArray(), writer.WrittenSpan.ToArray());
        Assert.Equal("one\0"u8.ToArray(), span);
        Assert.Throws<ArgumentException>(() => chunks.Current.CopyTo(new byte[2]));
    }
}
