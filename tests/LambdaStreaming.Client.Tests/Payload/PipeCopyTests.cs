using System.IO.Pipelines;
using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Copies of a payload to a pipe or stream: completeness and number of flushes.</summary>
public class PipeCopyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(50)]
    public async Task CopyToAsync_PipeWriterAndManyChunks_WritesAll(int size)
    {
        var texts = Enumerable.Range(0, 300).Select(i => new string((char)('a' + (i % 26)), 1000)).ToList();
        byte[] wire = [.. texts.SelectMany(text => Messages.Chunk(text)), .. Messages.Complete()];
        await using var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(wire, () => size));
        using var copy = new MemoryStream();
        var pipe = PipeWriter.Create(copy);

        await response.CopyToAsync(pipe, Token);

        Assert.Equal(string.Concat(texts), Encoding.UTF8.GetString(copy.ToArray()));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(4096)]
    public async Task CopyToAsync_ChunksOfAllSizesAndSmallBuffers_WritesAll(int bufferSize)
    {
        var random = new Random(7);
        int[] sizes = [.. Enumerable.Range(0, 40), 15, 16, 17, 4095, 4096, 4097, 1, 0, 20_000, 3];
        random.Shuffle(sizes);
        var payloads = Array.ConvertAll(sizes, size => new byte[size]);
        foreach (var payload in payloads) random.NextBytes(payload);
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Wire.Create(payloads)));
        using var copy = new MemoryStream();
        var pipe = PipeWriter.Create(copy, new StreamPipeWriterOptions(minimumBufferSize: bufferSize));

        await response.CopyToAsync(pipe, Token);

        Assert.Equal(payloads.SelectMany(payload => payload), copy.ToArray());
    }

    // Each flush wakes the reader of the pipe. Expected: one per 16 KiB, one before each wait, and one at the end.
    [Theory]
    [InlineData(15, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    [InlineData(40, 3)]
    public async Task CopyToAsync_PipeWriterAndAllChunksAreBuffered_FlushesBySize(int chunks, int flushes)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Wire.Create([.. Enumerable.Repeat(new byte[1024], chunks)])));
        var pipe = new CountingPipe();

        await response.CopyToAsync(pipe, Token);

        Assert.Equal((chunks * 1024, flushes), (pipe.Written, pipe.Flushes));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(5, 1)]
    public async Task CopyToAsync_StreamAndAllChunksAreBuffered_FlushesOnceAtTheEnd(int chunks, int flushes)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Wire.Create([.. Enumerable.Repeat(new byte[10], chunks)])));
        var destination = new CountingDestination();

        await response.CopyToAsync(destination, Token);

        Assert.Equal(flushes, destination.Flushes);
    }

    [Fact]
    public async Task CopyToAsync_StreamAndEachChunkIsDelayed_FlushesOncePerChunk()
    {
        var chunk = Wire.Chunk(new byte[10]);
        var destination = new CountingDestination();
        var wire = new PacedStream([chunk, chunk, chunk, Wire.End], destination);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        var copying = response.CopyToAsync(destination, Token);
        await copying.WaitAsync(LocalService.TooLong, Token);

        Assert.Equal((30, 3), (destination.Length, destination.Flushes));
    }

    [Fact]
    public async Task CopyToAsync_EmptyChunkBetweenOthers_IsNotWritten()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Wire.Create("a"u8.ToArray(), [], "b"u8.ToArray(), [])));
        var destination = new CountingDestination();

        await response.CopyToAsync(destination, Token);

        Assert.Equal([1, 1], destination.Writes);
    }

    [Fact]
    public async Task CopyToAsync_FlushOfThePipeIsCancelled_ThrowsOperationCanceledException()
    {
        await using var response = Fragmented.Response("abc");

        var pipe = new CountingPipe { Flushed = new FlushResult(isCanceled: true, isCompleted: false) };

        await Assert.ThrowsAsync<OperationCanceledException>(() => response.CopyToAsync(pipe, Token));
    }

    [Fact]
    public async Task CopyToAsync_CancelledWhileThePipeIsFull_ThrowsInvocationCanceledException()
    {
        using var cancellation = new CancellationTokenSource();
        await using var response = Fragmented.Response("abc");
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 1));

        var copying = response.CopyToAsync(pipe.Writer, cancellation.Token);
        Assert.False(copying.IsCompleted);
        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(
            () => copying.WaitAsync(LocalService.TooLong, Token));
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.IsAssignableFrom<OperationCanceledException>(exception.InnerException);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CopyToAsync_CancelledByAWriteOfALongChunk_ThrowsInvocationCanceledException(bool asStream)
    {
        using var cancellation = new CancellationTokenSource();
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream(Wire.Create(new byte[200_000])));
        var destination = new CountingDestination { OnWrite = cancellation.Cancel };

        var exception = await Assert.ThrowsAsync<InvocationCanceledException>(() => asStream
            ? response.AsStream().CopyToAsync(destination, cancellation.Token)
            : response.CopyToAsync(destination, cancellation.Token));

        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.Single(destination.Writes);
    }

    [Fact]
    public async Task CopyToAsync_DestinationThrowsForAnotherToken_ThrowsItsException()
    {
        using var cancellation = new CancellationTokenSource();
        await using var response = Fragmented.Response("abc");
        var thrown = new OperationCanceledException("the destination's own");
        var destination = new CountingDestination { OnWrite = () => throw thrown };

        var exception = await Assert.ThrowsAsync<OperationCanceledException>(
            () => response.CopyToAsync(destination, cancellation.Token));

        Assert.Same(thrown, exception);
    }

    private sealed class CountingDestination : MemoryStream
    {
        public int Flushes { get; private set; }

        public List<int> Writes { get; } = [];

        public SemaphoreSlim Flushed { get; } = new(0);

        public Action? OnWrite { get; init; }

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Writes.Add(buffer.Length);
            OnWrite?.Invoke();
            await base.WriteAsync(buffer, CancellationToken.None);
        }

        public override Task FlushAsync(CancellationToken cancellationToken)
        {
            Flushes++;
            Flushed.Release();
            return Task.CompletedTask;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing) Flushed.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>A stream whose next segment is available after the previous one was flushed.</summary>
    private sealed class PacedStream(byte[][] segments, CountingDestination destination) : MemoryStream
    {
        private int _next;

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty || _next == segments.Length) return 0;
            if (_next > 0) await destination.Flushed.WaitAsync(cancellationToken);
            segments[_next].CopyTo(buffer);
            return segments[_next++].Length;
        }
    }

    private sealed class CountingPipe : PipeWriter
    {
        public FlushResult Flushed { get; init; }

        public int Written { get; private set; }

        public int Flushes { get; private set; }

        public override void Advance(int bytes) => Written += bytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => new byte[Math.Max(sizeHint, 4096)];

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            Flushes++;
            return new ValueTask<FlushResult>(Flushed);
        }

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }
}
