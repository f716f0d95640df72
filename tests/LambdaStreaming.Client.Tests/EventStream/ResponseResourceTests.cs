using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The resources of a response: its connection, buffers, timer and registrations.</summary>
public class ResponseResourceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Read_IdleThenBusy_WaitsWithoutABufferOnlyWhenIdle()
    {
        // In the log, 0 is a zero-byte read, which waits without a buffer. Only a read of at least 2048 new bytes is
        // followed by another read without it. Bytes that remain from earlier reads are not new.
        var small = Messages.Chunk(new byte[100]);
        var carried = Messages.Chunk(new byte[3000]);
        var large = Messages.Chunk(new byte[2048 - Messages.Chunk("").Length]);
        var almost = Messages.Chunk(new byte[2047 - Messages.Chunk("").Length]);
        var wire = new LoggedStream(
            [small, carried[..1500], carried[1500..], large, large, almost, Messages.Complete()]);
        using var client = StubbedClient.Streaming(wire, CreateOptions());
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var _ in response.ReadChunksAsync(Ct))
        {
        }

        Assert.Equal(2048, large.Length);
        var complete = Messages.Complete().Length;
        Assert.Equal(
            $"0 {small.Length}, 0 1500, 0 {carried.Length - 1500}, 0 2048, 2048, 2047, 0 {complete}, 0 0, ",
            wire.Log);
    }

    [Fact]
    public async Task ReadHttpIntegrationResponseAsync_PreludeIsInvalid_DisposesTheConnection()
    {
        var wire = new LoggedStream([Messages.Chunk("{\"statusCode\":[]}\0\0\0\0\0\0\0\0"), Messages.Complete()]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);

        var options = new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always };

        await Assert.ThrowsAsync<PayloadFormatException>(() => response.ReadHttpIntegrationResponseAsync(options, Ct));

        Assert.True(wire.IsDisposed);
    }

    [Theory]
    [InlineData("{}", false)]
    [InlineData("{}", true)]
    [InlineData("""{"ErrorCode":"Unhandled"}""", false)]
    public async Task Read_ToInvokeComplete_ReadsTheBodyToTheEnd(string complete, bool readsEvents)
    {
        // The connection can be reused only if the body was read to its end.
        var wire = new LoggedStream([Messages.Chunk("a"), Messages.Complete(complete)]);
        using var client = StubbedClient.Streaming(wire, CreateOptions());
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        var exception = await Record.ExceptionAsync(async () =>
        {
            if (readsEvents) await foreach (var _ in response) { }
            else await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });

        Assert.Equal(complete != "{}", exception is FunctionErrorException);
        Assert.True(wire.SawEnd);
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task MoveNextAsync_LoopBreaksAtInvokeComplete_ReadsTheBodyToTheEnd()
    {
        var wire = new LoggedStream([Messages.Chunk("a"), Messages.Complete()]);
        using var client = StubbedClient.Streaming(wire, CreateOptions());
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var item in response)
        {
            if (item.Kind == ResponseStreamEventKind.InvokeComplete) break;
        }

        Assert.True(wire.SawEnd);
    }

    [Fact]
    public async Task MoveNextAsync_ResponseIsDisposedAfterInvokeComplete_ReportsTheEnd()
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
    public async Task Read_Fails_DisposesTheConnectionAndThrowsTheSameExceptionAgain()
    {
        var wire = new LoggedStream([Messages.Chunk("a"), Messages.Chunk("b")[..20]]);
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        var first = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chunks.MoveNextAsync().AsTask());
        Assert.True(wire.IsDisposed);
        await chunks.DisposeAsync();

        Assert.Same(
            first,
            await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chunks.MoveNextAsync().AsTask()));
    }

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(3, 0, true)]
    [InlineData(0, 5, true)]
    [InlineData(3, 5, true)]
    public async Task Read_BytesAfterInvokeComplete_LogsTheirCount(int inTheSameRead, int later, bool isLogged)
    {
        var logs = new CollectedLogs();
        var options = CreateOptions();
        options.LoggerFactory = logs;
        byte[] end = [.. Messages.Complete(), .. new byte[inTheSameRead]];
        byte[][] segments = later > 0 ? [Messages.Chunk("a"), end, new byte[later]] : [Messages.Chunk("a"), end];
        using var client = StubbedClient.Streaming(new LoggedStream(segments), options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        var lines =
            logs.Lines.Where(line => line.Contains("after InvokeComplete", StringComparison.Ordinal)).ToList();
        if (!isLogged) Assert.Empty(lines);
        else Assert.Contains($" {inTheSameRead + later} ", $" {Assert.Single(lines)} ", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_ConnectionBreaksAfterBytesAfterInvokeComplete_LogsTheirCount()
    {
        var logs = new CollectedLogs();
        var options = CreateOptions();
        options.LoggerFactory = logs;
        byte[] end = [.. Messages.Complete(), .. new byte[3]];
        using var client = StubbedClient.Streaming(new FragmentedStream(end, () => 1000, breaksOff: true), options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        Assert.Single(
            logs.Lines,
            line => line.Contains(" 3 bytes after InvokeComplete", StringComparison.Ordinal));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Read_ConnectionBreaksAfterInvokeComplete_LogsADebugMessage(bool isEnabled)
    {
        var logs = new CollectedLogs { Level = isEnabled ? LogLevel.Debug : LogLevel.Information };
        var options = CreateOptions();
        options.LoggerFactory = logs;
        var stream = new FragmentedStream(Messages.Complete(), () => 1000, breaksOff: true);
        using var client = StubbedClient.Streaming(stream, options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        Assert.Equal(
            isEnabled ? 1 : 0,
            logs.Lines.Count(line => line.Contains(nameof(IOException), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Read_DamagedMessageAfterBufferedChunks_ReportsItsByteOffset()
    {
        var chunk = Messages.Chunk("a");
        var damaged = Messages.Chunk("b");
        damaged[^1] ^= 1;
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream([.. chunk, .. chunk, .. chunk, .. damaged]));

        var exception = await Assert.ThrowsAsync<ResponseStreamCorruptException>(async () =>
        {
            await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });

        Assert.Equal(3 * chunk.Length, exception.ByteOffset);
    }

    [Fact]
    public async Task Read_MessageSpansTwoBuffers_HeadersAndPayloadAreComplete()
    {
        // The pipe's buffers have 64 KiB. With each filler, the buffer boundary splits the second message one byte
        // later.
        (string, string)[] headers = [(":message-type", "event"), (":event-type", "PayloadChunk"), ("other", "header")];
        var second = Messages.Create(headers, "second"u8);
        for (var before = 0; before <= second.Length; before++)
        {
            var filler = Messages.Chunk(new byte[(64 * 1024) - before - Messages.Chunk("").Length]);
            var complete = Messages.Complete("""{"LogResult":"log"}""");
            await using var response = InvokeWithResponseStreamResponse.Create(
                new MemoryStream([.. filler, .. second, .. complete]));
            var last = "";

            await foreach (var chunk in response.ReadChunksAsync(Ct))
                last = System.Text.Encoding.UTF8.GetString(chunk.ToArray());

            Assert.Equal("second", last);
            Assert.Equal("log", response.InvokeComplete!.LogResult);
        }
    }

    [Fact]
    public async Task Current_BeforeTheFirstMoveAndAfterTheLast_IsDefault()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]));
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
    public async Task Current_EnumeratorWasDisposedBeforeTheEnd_IsDefault()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(
            new MemoryStream([.. Messages.Chunk("a"), .. Messages.Complete()]));
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        await chunks.DisposeAsync();

        Assert.Equal(default, chunks.Current);
    }

    [Fact]
    public async Task Dispose_DuringARead_DisposesTheConnectionAfterTheRead()
    {
        var wire = new LoggedStream([Messages.Chunk("a")]) { StaysIdle = true };
        var response = InvokeWithResponseStreamResponse.Create(wire);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var moving = chunks.MoveNextAsync().AsTask();

        response.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => moving.WaitAsync(TooLong, Ct));
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public void Read_ToTheEnd_ReturnsBuffersToThePool()
    {
        // All reads complete synchronously, so that everything runs on this thread.
        byte[] wire = [.. Messages.Chunk(new byte[10_000]), .. Messages.Complete()];
        ReadToTheEnd(wire);
        ReadToTheEnd(wire);

        // A buffer has 64 KiB, so a lower value shows that the buffers come from the pool.
        Assert.InRange(Allocation.MinOf(200, () => ReadToTheEnd(wire)), 0, 16 * 1024);
    }

    [Fact]
    public async Task Read_SeveralWaits_UsesOneTimerUntilTheEnd()
    {
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        byte[] body = [.. Messages.Chunk("a"), .. Messages.Chunk("b"), .. Messages.Complete()];
        var stream = new FragmentedStream(body, () => 7) { Asynchronous = true };
        using var client = StubbedClient.Streaming(stream, options);
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
    public void Read_ToTheEndWithLongLivedToken_LeavesNoRegistration()
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
                // The response is not disposed: reading it to the end must be sufficient.
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
            if (!move.IsCompletedSuccessfully)
                throw new InvalidOperationException("A read did not complete synchronously.");
            if (!move.Result) break;
            moves++;
        }

        Assert.Equal(1, moves);
    }

    // The limit of the time for reading a body to its end is never reached, even if the machine pauses.
    private static LambdaStreamingClientOptions CreateOptions()
    {
        var options = StubbedClient.Options();
        options.TimeProvider = new ManualClock();
        return options;
    }

    /// <summary>
    /// A stream that returns one segment per read, and logs 0 for a zero-byte read or the size of the segment.
    /// </summary>
    private sealed class LoggedStream(byte[][] segments) : MemoryStream
    {
        private int _next;

        public string Log { get; private set; } = "";

        public bool SawEnd { get; private set; }

        public bool IsDisposed { get; private set; }

        public bool StaysIdle { get; init; }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default)
        {
            if (_next == segments.Length && StaysIdle) await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            if (buffer.IsEmpty)
            {
                Log += "0 ";
                return 0;
            }

            var segment = _next < segments.Length ? segments[_next++] : [];
            SawEnd |= segment.Length == 0;
            Log += $"{segment.Length}, ";
            segment.CopyTo(buffer);
            return segment.Length;
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
