using System.Runtime.CompilerServices;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>What an answer does with its connection, its buffers and its timer besides giving events.</summary>
public class HousekeepingTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Read_QuietThenBusy_WaitsWithoutABufferOnlyWhereItIsQuiet()
    {
        // 0: a read without a buffer. What was carried over from the read before does not make the next one busy.
        var small = Messages.Chunk(new byte[100]);
        var carried = Messages.Chunk(new byte[3000]);
        var large = Messages.Chunk(new byte[2048 - Messages.Chunk("").Length]);
        var almost = Messages.Chunk(new byte[2047 - Messages.Chunk("").Length]);
        var wire = new LoggedStream([small, carried[..1500], carried[1500..], large, large, almost, Messages.Complete()]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await foreach (var _ in response.ReadChunksAsync(Ct))
        {
        }

        Assert.Equal(2048, large.Length);
        Assert.Equal($"0 {small.Length}, 0 1500, 0 {carried.Length - 1500}, 0 2048, 2048, 2047, 0 {Messages.Complete().Length}, 0 0, ", wire.Log);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_PreludeIsWrong_LetsGoOfTheConnection()
    {
        var wire = new LoggedStream([Messages.Chunk("{\"statusCode\":[]}\0\0\0\0\0\0\0\0"), Messages.Complete()]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await Assert.ThrowsAsync<PayloadFormatException>(() => response.ReadHttpIntegrationResponseAsync(new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }, Ct));

        Assert.True(wire.IsDisposed);
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("{}", true)]
    [InlineData("""{"ErrorCode":"Unhandled"}""", false)]
    public async Task Read_ToInvokeComplete_ReadsTheBodyToItsEnd(string complete, bool events)
    {
        // So that the connection is used again.
        var wire = new LoggedStream([Messages.Chunk("a"), Messages.Complete(complete)]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        var exception = await Record.ExceptionAsync(async () =>
        {
            if (events) await foreach (var _ in response) { }
            else await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });

        Assert.Equal(complete != "{}", exception is FunctionErrorException);
        Assert.True(wire.SawEnd);
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task Events_LeftAtInvokeComplete_ReadsTheBodyToItsEnd()
    {
        var wire = new LoggedStream([Messages.Chunk("a"), Messages.Complete()]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        await foreach (var one in response)
        {
            if (one.Kind == ResponseStreamEventKind.InvokeComplete) break;
        }

        Assert.True(wire.SawEnd);
    }

    [Fact]
    public async Task Events_DisposedAfterInvokeComplete_TheAnswerWasWholeAllTheSame()
    {
        var wire = new LoggedStream([Messages.Complete()]);
        var response = InvokeWithResponseStreamResponse.Create(wire);
        var events = response.GetAsyncEnumerator(Ct);
        await events.MoveNextAsync();

        response.Dispose();
        await events.DisposeAsync();

        Assert.False(await events.MoveNextAsync());
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task Read_Fails_FreesTheConnectionAtOnceAndKeepsItsReason()
    {
        var wire = new LoggedStream([Messages.Chunk("a"), Messages.Chunk("b")[..20]]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        var first = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chunks.MoveNextAsync().AsTask());
        Assert.True(wire.IsDisposed);
        await chunks.DisposeAsync();

        Assert.Same(first, await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chunks.MoveNextAsync().AsTask()));
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(3, 0, true)]
    [InlineData(0, 5, true)]
    [InlineData(3, 5, true)]
    public async Task Read_BytesAfterInvokeComplete_AreCountedInTheLog(int inTheSameRead, int later, bool isLogged)
    {
        var logs = new CollectedLogs();
        var options = StubbedClient.Options();
        options.LoggerFactory = logs;
        byte[] end = [.. Messages.Complete(), .. new byte[inTheSameRead]];
        using var client = StubbedClient.Streaming(new LoggedStream(later > 0 ? [Messages.Chunk("a"), end, new byte[later]] : [Messages.Chunk("a"), end]), options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        var lines = logs.Lines.Where(line => line.Contains("after the InvokeComplete", StringComparison.Ordinal)).ToList();
        if (!isLogged) Assert.Empty(lines);
        else Assert.Contains($" {inTheSameRead + later} ", $" {Assert.Single(lines)} ", StringComparison.Ordinal);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Read_ConnectionBreaksAfterInvokeComplete_IsInTheDebugLog(bool isEnabled)
    {
        var logs = new CollectedLogs { Level = isEnabled ? Microsoft.Extensions.Logging.LogLevel.Debug : Microsoft.Extensions.Logging.LogLevel.Information };
        var options = StubbedClient.Options();
        options.LoggerFactory = logs;
        using var client = StubbedClient.Streaming(new FragmentedStream(Messages.Complete(), () => 1000, breaksOff: true), options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        Assert.Equal(isEnabled ? 1 : 0, logs.Lines.Count(line => line.Contains(nameof(IOException), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Read_DamagedAfterBufferedChunks_SaysAtWhichByte()
    {
        byte[] chunk = Messages.Chunk("a"), damaged = Messages.Chunk("b");
        damaged[^1] ^= 1;
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream([.. chunk, .. chunk, .. chunk, .. damaged]));

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(async () =>
        {
            await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });

        Assert.Equal(3 * chunk.Length, exception.ByteOffset);
    }

    [Fact]
    public async Task Read_MessageOverTwoBuffers_HeadersAndPayloadAreWhole()
    {
        // The pipe's buffers have 64 KiB: with each filler, the second message begins one byte earlier before the border.
        var second = Messages.Create([(":message-type", "event"), (":event-type", "PayloadChunk"), ("other", "header")], "second"u8);
        for (var before = 0; before <= second.Length; before++)
        {
            byte[] filler = Messages.Chunk(new byte[(64 * 1024) - before - Messages.Chunk("").Length]), complete = Messages.Complete("""{"LogResult":"log"}""");
            await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream([.. filler, .. second, .. complete]));
            var last = "";

            await foreach (var chunk in response.ReadChunksAsync(Ct)) last = System.Text.Encoding.UTF8.GetString(chunk.ToArray());

            Assert.Equal("second", last);
            Assert.Equal("log", response.InvokeComplete!.LogResult);
        }
    }

    [Fact]
    public async Task Current_BeforeTheFirstMoveAndAfterTheLast_IsNothing()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]));
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);

        Assert.Equal(default, chunks.Current);
        await chunks.MoveNextAsync();
        Assert.NotEqual(default, chunks.Current);
        await chunks.MoveNextAsync();
        Assert.Equal(default, chunks.Current);
        await chunks.DisposeAsync();
        Assert.Equal(default, chunks.Current);
    }

    [Fact]
    public async Task Current_AfterDisposeAmidTheAnswer_IsNothing()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]));
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        await chunks.DisposeAsync();

        Assert.Equal(default, chunks.Current);
    }

    [Fact]
    public async Task Dispose_WhileAReadWaits_FreesTheConnectionWhenTheReadHasEnded()
    {
        var wire = new LoggedStream([Messages.Chunk("a")]) { StaysIdle = true };
        var response = InvokeWithResponseStreamResponse.Create(wire);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync().AsTask();

        response.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => move.WaitAsync(TooLong, Ct));
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public void Responses_ReadToTheirEnd_ReturnTheirBuffers()
    {
        // All reads answer at once, so that everything runs on this thread.
        const int Answers = 200;
        byte[] wire = [.. Messages.Chunk(new byte[10_000]), .. Messages.Complete()];
        ReadToTheEnd(wire);
        ReadToTheEnd(wire);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Answers; i++) ReadToTheEnd(wire);
        var perAnswer = (GC.GetAllocatedBytesForCurrentThread() - before) / Answers;

        // A buffer alone has 64 KiB.
        Assert.InRange(perAnswer, 0, 16 * 1024);
    }

    [Fact]
    public async Task IdleTimer_ManyWaits_IsOneAndEndsWithTheAnswer()
    {
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        using var client = StubbedClient.Streaming(new FragmentedStream([.. Messages.Chunk("a"), .. Messages.Chunk("b"), .. Messages.Complete()], () => 7) { Asynchronous = true }, options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var before = clock.Alive;

        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        Assert.Equal(before + 1, clock.Alive);
        await chunks.MoveNextAsync();

        Assert.Equal(before, clock.Alive);
    }

    [Fact]
    public void Read_ToTheEnd_LeavesNothingOnALongLivedToken()
    {
        using var app = new CancellationTokenSource();

        var wire = ReadToTheEnd(app.Token);

        Assert.True(GarbageCollector.Collects(wire));
        GC.KeepAlive(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ReadToTheEnd(CancellationToken appToken)
    {
        var wire = new MemoryStream([.. Messages.Chunk("abc"), .. Messages.Complete()]);
        using var client = StubbedClient.Streaming(wire);
        Task.Run(
            async () =>
            {
                // Not disposed: the end of the answer is enough.
                var response = await client.InvokeWithResponseStreamAsync(new("f"), appToken);
                await foreach (var _ in response.ReadChunksAsync(appToken)) { }
            },
            CancellationToken.None).GetAwaiter().GetResult();
        return new WeakReference(wire);
    }

    private static void ReadToTheEnd(byte[] wire)
    {
        using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        var chunks = response.ReadChunksAsync(CancellationToken.None).GetAsyncEnumerator();
        var moves = 0;
        while (true)
        {
            var move = chunks.MoveNextAsync();
            if (!move.IsCompletedSuccessfully) throw new InvalidOperationException("A read waited.");
            if (!move.Result) break;
            moves++;
        }

        Assert.Equal(1, moves);
    }

    /// <summary>Gives one piece a read, and writes down what was asked for: 0 for a read without a buffer, else how many bytes it gave.</summary>
    private sealed class LoggedStream(byte[][] pieces) : MemoryStream
    {
        private int _piece;

        public string Log { get; private set; } = "";

        public bool SawEnd { get; private set; }

        public bool IsDisposed { get; private set; }

        public bool StaysIdle { get; init; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_piece == pieces.Length && StaysIdle) await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            if (buffer.IsEmpty)
            {
                Log += "0 ";
                return 0;
            }

            var piece = _piece < pieces.Length ? pieces[_piece++] : [];
            SawEnd |= piece.Length == 0;
            Log += $"{piece.Length}, ";
            piece.CopyTo(buffer);
            return piece.Length;
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
