using System.IO.Pipelines;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Payload;

public class PipeCopyTests
{
    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(50)]
    public async Task CopyToAsync_PipeWriterAndManyChunks_WritesThemAll(int piece)
    {
        var wire = Enumerable.Range(0, 300).SelectMany(i => Messages.Chunk(new string((char)('a' + (i % 26)), 1000))).Concat(Messages.Complete()).ToArray();
        await using var response = InvokeWithResponseStreamResponse.Create(new FragmentedStream(wire, () => piece));
        using var copy = new MemoryStream();
        var pipe = PipeWriter.Create(copy);

        await response.CopyToAsync(pipe, TestContext.Current.CancellationToken);

        Assert.Equal(string.Concat(Enumerable.Range(0, 300).Select(i => new string((char)('a' + (i % 26)), 1000))), System.Text.Encoding.UTF8.GetString(copy.ToArray()));
    }

    // Flushes cost the pipe's reader a wake-up each: one for each 16 KiB, and one before each wait and at the end.
    [Theory]
    [InlineData(15, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    [InlineData(40, 3)]
    public async Task CopyToAsync_PipeWriterAndAllIsHere_FlushesBySize(int chunks, int flushes)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Wire.Create([.. Enumerable.Repeat(new byte[1024], chunks)])));
        var pipe = new CountingPipe();

        await response.CopyToAsync(pipe, TestContext.Current.CancellationToken);

        Assert.Equal((chunks * 1024, flushes), (pipe.Written, pipe.Flushes));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(5, 1)]
    public async Task CopyToAsync_StreamAndAllIsHere_FlushesOnceAtTheEnd(int chunks, int flushes)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Wire.Create([.. Enumerable.Repeat(new byte[10], chunks)])));
        var destination = new CountingDestination();

        await response.CopyToAsync(destination, TestContext.Current.CancellationToken);

        Assert.Equal(flushes, destination.Flushes);
    }

    [Fact]
    public async Task CopyToAsync_StreamAndEachPieceWaits_FlushesOnceForEach()
    {
        var chunk = Wire.Chunk(new byte[10]);
        var destination = new CountingDestination();
        await using var response = InvokeWithResponseStreamResponse.Create(new PacedStream([chunk, chunk, chunk, Wire.End], destination));

        await response.CopyToAsync(destination, TestContext.Current.CancellationToken).WaitAsync(LocalService.TooLong, TestContext.Current.CancellationToken);

        Assert.Equal((30, 3), (destination.Length, destination.Flushes));
    }

    [Fact]
    public async Task CopyToAsync_EmptyChunkAmongOthers_IsNotWritten()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Wire.Create("a"u8.ToArray(), [], "b"u8.ToArray(), [])));
        var destination = new CountingDestination();

        await response.CopyToAsync(destination, TestContext.Current.CancellationToken);

        Assert.Equal([1, 1], destination.Writes);
    }

    [Fact]
    public async Task CopyToAsync_FlushOfThePipeIsCancelled_IsCancelled()
    {
        await using var response = Fragmented.Response("abc");

        await Assert.ThrowsAsync<OperationCanceledException>(() => response.CopyToAsync(new CountingPipe { Flushed = new FlushResult(isCanceled: true, isCompleted: false) }, TestContext.Current.CancellationToken));
    }

    private sealed class CountingDestination : MemoryStream
    {
        public int Flushes { get; private set; }

        public List<int> Writes { get; } = [];

        public SemaphoreSlim Flushed { get; } = new(0);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Writes.Add(buffer.Length);
            return base.WriteAsync(buffer, cancellationToken);
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

    /// <summary>Gives a piece only once what came before it was flushed.</summary>
    private sealed class PacedStream(byte[][] pieces, CountingDestination destination) : MemoryStream
    {
        private int _next;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty || _next == pieces.Length) return 0;
            if (_next > 0) await destination.Flushed.WaitAsync(cancellationToken);
            pieces[_next].CopyTo(buffer);
            return pieces[_next++].Length;
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
