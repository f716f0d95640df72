using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace LambdaStreaming.Tests.Payload;

/// <summary>The stream of a payload.</summary>
public class PayloadStreamTests
{
    [Fact]
    public async Task ReadAsync_SmallChunksAreBuffered_FillsTheDestination()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Wire.Repeat("0123456789"u8.ToArray(), 100)));
        await using var stream = response.AsStream();
        var buffer = new byte[205];

        Assert.Equal(205, await stream.ReadAsync(buffer));
        Assert.Equal("01234", Encoding.UTF8.GetString(buffer, 200, 5));
        Assert.Equal(205, await stream.ReadAsync(buffer));
        Assert.Equal("5678901234", Encoding.UTF8.GetString(buffer, 0, 10));
    }

    [Fact]
    public async Task ReadAsync_DestinationWasDisposed_NextReadReturnsBytes()
    {
        await using var response = Fragmented.Response("abc");
        await using var stream = response.AsStream();
        using var disposed = new DisposedMemory();
        var buffer = new byte[3];

        Assert.Throws<ObjectDisposedException>(() => { _ = stream.ReadAsync(disposed.Memory).AsTask(); });
        await stream.ReadExactlyAsync(buffer);

        Assert.Equal("abc"u8, buffer);
    }

    [Fact]
    public async Task BeginRead_EndRead_ReadBytes()
    {
        await using var response = Fragmented.Response("abc");
        await using var stream = response.AsStream();
        var buffer = new byte[3];

        var count = await Task<int>.Factory.FromAsync(stream.BeginRead, stream.EndRead, buffer, 0, 3, null);

        Assert.Equal("abc"[..count], Encoding.UTF8.GetString(buffer, 0, count));
        Assert.NotEqual(0, count);
    }

    [Fact]
    public async Task CopyToAsync_CancelledWhileWaiting_Throws()
    {
        using var cancelling = new CancellationTokenSource();
        var body = new FuncStream(async (buffer, cancellationToken) =>
        {
            _ = Task.Run(cancelling.Cancel, CancellationToken.None);
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return 0;
        });
        await using var response = InvokeWithResponseStreamResponse.Create(body);
        await using var stream = response.AsStream();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => stream.CopyToAsync(Stream.Null, cancelling.Token));
    }

    [Fact]
    public async Task ReadAsync_AfterTheEnd_ReturnsZero()
    {
        await using var response = Fragmented.Response("abc");
        await using var stream = response.AsStream();
        using var reader = new StreamReader(stream);

        Assert.Equal("abc", await reader.ReadToEndAsync());
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
        Assert.NotNull(response.InvokeComplete);
    }

    [Fact]
    public async Task CopyToAsync_InvalidArgumentsOrDisposedStream_ThrowsImmediately()
    {
        await using var response = Fragmented.Response("abc");
        var stream = response.AsStream();

        Assert.Throws<ArgumentNullException>(() => { _ = stream.CopyToAsync(null!, 1, CancellationToken.None); });
        Assert.Throws<ArgumentOutOfRangeException>(
            () => { _ = stream.CopyToAsync(Stream.Null, 0, CancellationToken.None); });
        await stream.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(
            () => { _ = stream.CopyToAsync(Stream.Null, 1, CancellationToken.None); });
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(new byte[1]).AsTask());
        Assert.False(stream.CanRead);
    }

    [Fact]
    public async Task CopyToAsync_PartOfTheFirstChunkWasRead_CopiesTheRemainingBytes()
    {
        await using var response = Fragmented.Response([[.. "abc"u8], [.. "def"u8]]);
        await using var stream = response.AsStream();
        using var rest = new MemoryStream();

        Assert.Equal(2, await stream.ReadAsync(new byte[2]));
        await stream.CopyToAsync(rest, TestContext.Current.CancellationToken);

        Assert.Equal("cdef", Encoding.UTF8.GetString(rest.ToArray()));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Dispose_BeforeTheEnd_ReleasesTheConnection(bool asynchronously)
    {
        var wire = new FragmentedStream(Wire.Repeat("0123456789"u8.ToArray(), 100), () => 50);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        var stream = response.AsStream();
        Assert.Equal(4, await stream.ReadAsync(new byte[4]));

        for (var i = 0; i < 2; i++)
        {
            if (asynchronously) await stream.DisposeAsync();
            else stream.Dispose();
            Assert.True(wire.IsDisposed);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task CopyToAsync_TokenIsAlreadyCancelled_ThrowsWithTheToken()
    {
        using var cancelling = new CancellationTokenSource();
        byte[] body = [.. Wire.Chunk("abc"u8), .. Wire.Chunk("def"u8)];
        var wire = new FragmentedStream(body, () => 7) { Asynchronous = true };
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        await using var stream = response.AsStream();
        Assert.Equal(1, await stream.ReadAsync(new byte[1]));
        await cancelling.CancelAsync();

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(
            () => stream.CopyToAsync(Stream.Null, cancelling.Token));

        Assert.Equal(cancelling.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task Read_Synchronous_ThrowsNotSupportedException()
    {
        await using var response = Fragmented.Response("abc");
        await using var stream = response.AsStream();

        Action[] reads =
        [
            () => stream.ReadExactly(new byte[1], 0, 1),
            () => stream.ReadExactly(new Span<byte>(new byte[1])),
            () => stream.ReadByte(),
            () => stream.CopyTo(Stream.Null),
        ];

        Assert.All(reads, read => Assert.Throws<NotSupportedException>(read));
        Assert.Equal(3, await stream.ReadAsync(new byte[9]));
    }

    [Fact]
    public async Task Stream_SeekingOrWriting_ThrowsNotSupportedException()
    {
        await using var response = Fragmented.Response("abc");
        await using var stream = response.AsStream();

        Assert.Equal((true, false, false), (stream.CanRead, stream.CanSeek, stream.CanWrite));
        Assert.Throws<NotSupportedException>(() => stream.Length);
        Assert.Throws<NotSupportedException>(() => stream.Position);
        Assert.Throws<NotSupportedException>(() => stream.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => stream.SetLength(0));
        Assert.Throws<NotSupportedException>(() => stream.Write([1], 0, 1));
        Assert.Throws<ArgumentNullException>(() => { _ = stream.ReadAsync(null!, 0, 0, CancellationToken.None); });
        await stream.FlushAsync();
    }

    [Fact]
    public async Task ReadAsync_TokenIsCancelledWhileWaiting_ThrowsWithTheToken()
    {
        var never = new TaskCompletionSource();
        await using var response = InvokeWithResponseStreamResponse.Create(WaitAndYieldAsync(never.Task));
        await using var stream = response.AsStream();
        using var cancellation = new CancellationTokenSource();

        var reading = stream.ReadAsync(new byte[9], cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.Equal(cancellation.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task ReadAsync_TokenOfACompletedReadIsCancelled_NextReadSucceeds()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var response = InvokeWithResponseStreamResponse.Create(WaitAndYieldAsync(first.Task, second.Task));
        await using var stream = response.AsStream();
        using var cancellation = new CancellationTokenSource();

        var reading = stream.ReadAsync(new byte[9], cancellation.Token).AsTask();
        first.SetResult();
        Assert.Equal(1, await reading);
        await cancellation.CancelAsync();
        second.SetResult();

        Assert.Equal(1, await stream.ReadAsync(new byte[9]));
    }

    [Fact]
    public async Task ReadAsync_TokenIsAlreadyCancelled_ConsumesNothing()
    {
        await using var response = Fragmented.Response("abc");
        await using var stream = response.AsStream();

        var token = new CancellationToken(canceled: true);
        Task<int>[] reads = [stream.ReadAsync(new byte[9], token).AsTask(), stream.ReadAsync(new byte[9], 0, 9, token)];

        foreach (var read in reads)
        {
            var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => read);
            Assert.Equal((token, true), (exception.CancellationToken, exception.FunctionMayHaveRun));
            Assert.True(read.IsCanceled);
        }

        Assert.Equal(3, await stream.ReadAsync(new byte[9]));
    }

    [Fact]
    public async Task ReadAsync_BufferIsEmpty_WaitsAndConsumesNothing()
    {
        var started = new TaskCompletionSource();
        await using var response = InvokeWithResponseStreamResponse.Create(WaitAndYieldAsync(started.Task));
        await using var stream = response.AsStream();

        var reading = stream.ReadAsync(Memory<byte>.Empty).AsTask();
        Assert.False(reading.IsCompleted);
        started.SetResult();

        Assert.Equal(0, await reading);
        Assert.Equal(1, await stream.ReadAsync(new byte[9]));
    }

    [Fact]
    public async Task AsStream_ReadByAPipeReader_YieldsThePayload()
    {
        var payload = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 5000)));
        await using var response = Fragmented.Response(Fragmented.SplitAt(payload, [3, 6, 1, 5]));
        var pipe = PipeReader.Create(response.AsStream(), new StreamPipeReaderOptions(useZeroByteReads: true));
        var all = new MemoryStream();

        await pipe.CopyToAsync(all);
        await pipe.CompleteAsync();

        Assert.Equal(payload, all.ToArray());
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Dispose_Stream_DisposesTheResponse(bool synchronously)
    {
        var wire = new WatchedStream(Wire.Create("abc"u8.ToArray(), "def"u8.ToArray()));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        var stream = response.AsStream();
        Assert.Equal(3, await stream.ReadAsync(new byte[3]));

        if (synchronously) stream.Dispose();
        else await stream.DisposeAsync();

        Assert.True(wire.IsDisposed);
        Assert.False(stream.CanRead);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(new byte[9]).AsTask());
    }

    [Fact]
    public async Task CopyToAsync_PartOfAChunkWasRead_FlushesTheRemainingBytes()
    {
        await using var response = Fragmented.Response([.. new[] { "abc"u8.ToArray(), "def"u8.ToArray() }]);
        await using var stream = response.AsStream();
        Assert.Equal(1, await stream.ReadAsync(new byte[1]));
        using var rest = new FlushedStream();

        await stream.CopyToAsync(rest);

        Assert.Equal("bcdef", rest.Flushed);
    }

    [Fact]
    public async Task CopyToAsync_DestinationFails_ReleasesTheConnection()
    {
        var wire = new WatchedStream(Wire.Repeat(new byte[100], 1000));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await Assert.ThrowsAsync<NotSupportedException>(() => response.CopyToAsync(new MemoryStream(new byte[150])));

        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task CopyToAsync_FlushFailsWhileTheFunctionIsIdle_Throws()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            WaitAndYieldAsync(Task.CompletedTask, new TaskCompletionSource().Task));

        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => response.CopyToAsync(new UnflushableStream()));
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> WaitAndYieldAsync(params Task[] waits)
    {
        foreach (var wait in waits)
        {
            await wait;
            yield return new byte[] { 1 };
        }
    }

    private sealed class DisposedMemory : MemoryManager<byte>
    {
        public override Memory<byte> Memory => CreateMemory(3);

        public override Span<byte> GetSpan() => throw new ObjectDisposedException(nameof(DisposedMemory));

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
