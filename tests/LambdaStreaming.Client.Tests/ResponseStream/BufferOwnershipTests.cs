using System.Buffers;
using System.Text;
using LambdaStreaming.Tests.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>No disposal returns a buffer that a move, a copy or a chunk still uses: nobody ever reads bytes of another response.</summary>
public sealed class BufferOwnershipTests
{
    private const byte Own = (byte)'A';

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Disposals => ["stream.DisposeAsync", "stream.Dispose", "response.DisposeAsync", "response.Dispose", "copy's token"];

    [Theory, MemberData(nameof(Disposals))]
    public async Task CopyToAsync_AbandonedDuringAWriteAndDisposed_WritesOnlyItsOwnBytes(string disposal)
    {
        using var cancellation = new CancellationTokenSource();
        var response = Response(20_000, 20_000);
        var stream = response.AsStream();
        var destination = new HeldStream();
        var copy = stream.CopyToAsync(destination, cancellation.Token);
        await destination.Entered.WaitAsync(TooLong, Ct);

        switch (disposal)
        {
            case "stream.DisposeAsync":
                await stream.DisposeAsync();
                break;
            case "stream.Dispose":
                stream.Dispose();
                break;
            case "response.DisposeAsync":
                await response.DisposeAsync();
                break;
            case "response.Dispose":
                response.Dispose();
                break;
            default:
                await cancellation.CancelAsync();
                break;
        }

        SharedPool.Overwrite();
        destination.GoOn.SetResult();

        await Assert.ThrowsAnyAsync<Exception>(() => copy.WaitAsync(TooLong, Ct));
        Assert.Equal(20_000, destination.Bytes.Length);
        Assert.All(destination.Bytes, value => Assert.Equal(Own, value));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task AsStream_OperationAfterAnAbandonedCopy_ThrowsAndLeavesTheCopyItsBytes(bool reads)
    {
        await using var response = Response(9_000, 9_000);
        await using var stream = response.AsStream();
        var destination = new HeldStream();
        var copy = stream.CopyToAsync(destination, Ct);
        await destination.Entered.WaitAsync(TooLong, Ct);

        var exception = await Record.ExceptionAsync(async () =>
        {
            if (reads) await stream.ReadAsync(new byte[100], Ct);
            else await stream.CopyToAsync(Stream.Null, Ct);
        });
        SharedPool.Overwrite();
        destination.GoOn.SetResult();
        await copy.WaitAsync(TooLong, Ct);

        Assert.IsType<InvalidOperationException>(exception);
        Assert.Equal(18_000, destination.Bytes.Length);
        Assert.All(destination.Bytes, value => Assert.Equal(Own, value));
    }

    [Fact]
    public async Task AsStream_ReadAfterAnAbandonedRead_Throws()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(FuncStream.Stuck(Messages.Chunk("a")));
        await using var stream = response.AsStream();
        Assert.Equal(1, await stream.ReadAsync(new byte[10], Ct));
        var abandoned = stream.ReadAsync(new byte[10], CancellationToken.None).AsTask();

        await Assert.ThrowsAsync<InvalidOperationException>(() => stream.ReadAsync(new byte[10], Ct).AsTask());

        await stream.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => abandoned.WaitAsync(TooLong, Ct));
    }

    [Fact]
    public async Task AsStream_ReadsInTurn_DoNotRefuseEachOther()
    {
        await using var response = Response(10, 10);
        await using var stream = response.AsStream();

        Assert.Equal(4, await stream.ReadAsync(new byte[4], Ct));
        Assert.Equal(16, await stream.ReadAsync(new byte[20], Ct));
        Assert.Equal(0, await stream.ReadAsync(new byte[4], Ct));
    }

    [Theory, InlineData("enumerator"), InlineData("response"), InlineData("token")]
    public async Task PayloadOfAChunk_HeldWhileOthersEndTheResponse_KeepsItsBytes(string how)
    {
        using var cancellation = new CancellationTokenSource();
        var response = Response(5_000, 5_000);
        var chunks = response.ReadChunksAsync(cancellation.Token).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var payload = chunks.Current.Payload;

        if (how == "enumerator") await chunks.DisposeAsync();
        else if (how == "response") response.Dispose();
        else await cancellation.CancelAsync();
        SharedPool.Overwrite();

        Assert.All(payload.ToArray(), value => Assert.Equal(Own, value));
    }

    [Fact]
    public async Task MoveNextAsync_LastMoveAfterAnAbort_ReturnsTheBuffer()
    {
        var response = Response(5_000, 5_000);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var buffer = chunks.Current.Payload.First;
        response.Dispose();
        Assert.False(SharedPool.Lends(buffer));

        var move = chunks.MoveNextAsync();

        // Synchronous, so that the pool of this thread has the buffer.
        Assert.True(move.IsFaulted);
        Assert.True(SharedPool.Lends(buffer));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => move.AsTask());
    }

    private static InvokeWithResponseStreamResponse Response(params int[] chunks)
    {
        byte[][] messages = [.. chunks.Select(size => Messages.Chunk(Encoding.ASCII.GetBytes(new string((char)Own, size)))), Messages.Complete()];
        return InvokeWithResponseStreamResponse.Create(new MemoryStream([.. messages.SelectMany(message => message)]));
    }

    /// <summary>Holds its first write until the test lets it go on, and only then looks at the bytes.</summary>
    private sealed class HeldStream : MemoryStream
    {
        private readonly MemoryStream _bytes = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Entered => _entered.Task;

        public TaskCompletionSource GoOn { get; } = new();

        public byte[] Bytes => _bytes.ToArray();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _entered.TrySetResult();
            await GoOn.Task;
            _bytes.Write(buffer.Span);
        }
    }
}
