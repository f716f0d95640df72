using System.Buffers;
using LambdaStreaming.Tests.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>
/// Ownership of buffers: disposal never returns a buffer that is still in use, so that no bytes of another response can
/// be read.
/// </summary>
[Collection(NonParallelCollection.Name)]
public sealed class BufferOwnershipTests
{
    private const byte OwnByte = (byte)'A';

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Disposals =>
    [
        "stream.DisposeAsync",
        "stream.Dispose",
        "response.DisposeAsync",
        "response.Dispose",
        "token of the copy",
    ];

    [Theory, MemberData(nameof(Disposals))]
    public async Task CopyToAsync_DisposedDuringAWrite_WritesOnlyBytesOfItsResponse(string disposal)
    {
        using var cancellation = new CancellationTokenSource();
        var response = Response(20_000, 20_000);
        var stream = response.AsStream();
        var destination = new BlockingStream();
        var copying = stream.CopyToAsync(destination, cancellation.Token);
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
        destination.Continue.SetResult();

        await Assert.ThrowsAnyAsync<Exception>(() => copying.WaitAsync(TooLong, Ct));
        Assert.Equal(20_000, destination.Bytes.Length);
        Assert.All(destination.Bytes, value => Assert.Equal(OwnByte, value));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task AsStream_OperationDuringACopy_ThrowsAndDoesNotChangeTheCopy(bool isRead)
    {
        await using var response = Response(9_000, 9_000);
        await using var stream = response.AsStream();
        var destination = new BlockingStream();
        var copying = stream.CopyToAsync(destination, Ct);
        await destination.Entered.WaitAsync(TooLong, Ct);

        var exception = await Record.ExceptionAsync(async () =>
        {
            if (isRead) Assert.Equal(0, await stream.ReadAsync(new byte[100], Ct));
            else await stream.CopyToAsync(Stream.Null, Ct);
        });
        SharedPool.Overwrite();
        destination.Continue.SetResult();
        await copying.WaitAsync(TooLong, Ct);

        Assert.IsType<InvalidOperationException>(exception);
        Assert.Equal(18_000, destination.Bytes.Length);
        Assert.All(destination.Bytes, value => Assert.Equal(OwnByte, value));
    }

    [Fact]
    public async Task ReadAsync_DuringAnotherReadAsync_Throws()
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
    public async Task ReadAsync_SequentialReads_Succeed()
    {
        await using var response = Response(10, 10);
        await using var stream = response.AsStream();

        Assert.Equal(4, await stream.ReadAsync(new byte[4], Ct));
        Assert.Equal(16, await stream.ReadAsync(new byte[20], Ct));
        Assert.Equal(0, await stream.ReadAsync(new byte[4], Ct));
    }

    [Theory, InlineData("enumerator"), InlineData("response"), InlineData("token")]
    public async Task Payload_ResponseEndsWhileItIsHeld_KeepsItsBytes(string endedBy)
    {
        using var cancellation = new CancellationTokenSource();
        var response = Response(5_000, 5_000);
        var chunks = response.ReadChunksAsync(cancellation.Token).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var payload = chunks.Current.Payload;

        if (endedBy == "enumerator") await chunks.DisposeAsync();
        else if (endedBy == "response") response.Dispose();
        else await cancellation.CancelAsync();
        SharedPool.Overwrite();

        Assert.All(payload.ToArray(), value => Assert.Equal(OwnByte, value));
    }

    [Fact]
    public async Task MoveNextAsync_AfterAbort_ReturnsTheBufferToThePool()
    {
        var response = Response(5_000, 5_000);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var buffer = chunks.Current.Payload.First;
        response.Dispose();
        Assert.False(SharedPool.Contains(buffer));

        var move = chunks.MoveNextAsync();

        // The call completes synchronously, so that the buffer is in the pool of this thread.
        Assert.True(move.IsFaulted);
        Assert.True(SharedPool.Contains(buffer));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => move.AsTask());
    }

    private static InvokeWithResponseStreamResponse Response(params int[] chunks)
    {
        var messages = chunks.SelectMany(size => Messages.Chunk(new string((char)OwnByte, size)));
        return InvokeWithResponseStreamResponse.Create(new MemoryStream([.. messages, .. Messages.Complete()]));
    }

    /// <summary>
    /// A destination that blocks each write until the test continues it, and reads the bytes only then.
    /// </summary>
    private sealed class BlockingStream : MemoryStream
    {
        private readonly MemoryStream _bytes = new();
        private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Entered => _entered.Task;

        public TaskCompletionSource Continue { get; } = new();

        public byte[] Bytes => _bytes.ToArray();

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            _entered.TrySetResult();
            await Continue.Task;
            _bytes.Write(buffer.Span);
        }
    }
}
