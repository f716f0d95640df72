using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>
/// A chunk can be read until the next move. Later its buffer might be another response's, so each access throws.
/// </summary>
public sealed class ChunkExpiryTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<bool> SameRead => [true, false];

    [Theory, MemberData(nameof(SameRead))]
    public async Task Payload_AfterTheNextChunk_Throws(bool sameRead)
    {
        await using var response = Create(sameRead, Messages.Chunk("a"), Messages.Chunk("b"), Messages.Chunk("c"));
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var held = new List<PayloadChunk>();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(await chunks.MoveNextAsync());
            held.ForEach(AssertExpired);
            Assert.Equal(1, chunks.Current.Payload.Length);
            held.Add(chunks.Current);
        }
    }

    [Theory, MemberData(nameof(SameRead))]
    public async Task Payload_AfterTheEnd_Throws(bool sameRead)
    {
        await using var response = Create(sameRead, Messages.Chunk("a"), Messages.Complete());
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var held = chunks.Current;

        Assert.False(await chunks.MoveNextAsync());

        AssertExpired(held);
    }

    [Theory, MemberData(nameof(SameRead))]
    public async Task Payload_AfterTheFailureOfAMove_Throws(bool sameRead)
    {
        await using var response = Create(sameRead, Messages.Chunk("a"), []);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var held = chunks.Current;

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chunks.MoveNextAsync().AsTask());

        AssertExpired(held);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Payload_MoveAfterCancellation_ThrowsOnlyAfterTheMove(bool isComplete)
    {
        using var cancellation = new CancellationTokenSource();
        await using var response = Create(
            sameRead: true, Messages.Chunk("a"), isComplete ? Messages.Complete() : Messages.Chunk("b"));
        await using var chunks = response.ReadChunksAsync(cancellation.Token).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var held = chunks.Current;

        await cancellation.CancelAsync();
        Assert.Equal("a"u8.ToArray(), held.ToArray());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => chunks.MoveNextAsync().AsTask());

        AssertExpired(held);
    }

    private static void AssertExpired(PayloadChunk chunk)
    {
        Assert.Throws<InvalidOperationException>(() => chunk.Payload.Length);
        Assert.Throws<InvalidOperationException>(() => chunk.Length);
    }

    private static InvokeWithResponseStreamResponse Create(bool sameRead, params byte[][] messages)
    {
        if (sameRead)
            return InvokeWithResponseStreamResponse.Create(new MemoryStream([.. messages.SelectMany(bytes => bytes)]));
        var next = 0;
        return InvokeWithResponseStreamResponse.Create(new FuncStream(memory =>
        {
            if (memory.IsEmpty || next == messages.Length) return new ValueTask<int>(0);
            messages[next].CopyTo(memory);
            return new ValueTask<int>(messages[next++].Length);
        }));
    }
}
