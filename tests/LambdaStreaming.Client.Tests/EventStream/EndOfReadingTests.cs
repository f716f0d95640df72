using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>What ends the reading of an answer, rightly and wrongly, and what must not look like its end.</summary>
public sealed class EndOfReadingTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static byte[] Whole(params byte[][] messages) => [.. messages.SelectMany(message => message)];

    [Fact]
    public async Task Events_ChunkBufferedBehindInvokeComplete_IsIgnored()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Whole(Messages.Chunk("a"), Messages.Complete(), Messages.Chunk("b"))));
        var kinds = new List<ResponseStreamEventKind>();

        await foreach (var one in response) kinds.Add(one.Kind);

        Assert.Equal([ResponseStreamEventKind.PayloadChunk, ResponseStreamEventKind.InvokeComplete], kinds);
    }

    [Fact]
    public async Task AsStream_CopyThatTheDestinationFailed_CannotBeTakenForTheEnd()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Whole(Messages.Chunk("a"), Messages.Chunk("b"), Messages.Complete())));
        await using var stream = response.AsStream();
        await Assert.ThrowsAsync<NotSupportedException>(() => stream.CopyToAsync(new MemoryStream([]), Ct));

        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.CopyToAsync(new MemoryStream(), Ct));
    }

    [Fact]
    public async Task MoveNextAsync_AfterDisposeAsyncBeforeTheEnd_DoesNotLookLikeTheEnd()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(Whole(Messages.Chunk("a"), Messages.Chunk("b"), Messages.Complete())));
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task IdleTimeout_TimerFiresALittleEarly_StillHolds()
    {
        // As the platform's does: its timers count whole milliseconds, its timestamps nanoseconds.
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(10);
        using var client = StubbedClient.Streaming(new WireStream(_ => new ValueTask<int>(new TaskCompletionSource<int>().Task)), options);
        await using var response = await Invoke(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var move = chunks.MoveNextAsync().AsTask();

        clock.Now = TimeSpan.FromMilliseconds(9_999.5);
        clock.Fire();
        clock.Now = TimeSpan.FromMilliseconds(10_001);
        clock.FireIfDue();

        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => move.WaitAsync(Soon, Ct));
    }

    [Fact]
    public async Task IdleTimeout_TimerOfTheLastWaitFiresAsTheNextReadBegins_DoesNotEndIt()
    {
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(10);
        var first = new TaskCompletionSource<int>();
        Memory<byte> buffer = default;
        var reads = 0;
        using var client = StubbedClient.Streaming(
            new WireStream(memory =>
            {
                if (memory.IsEmpty) return new ValueTask<int>(0);
                switch (++reads)
                {
                    case 1:
                        buffer = memory;
                        return new ValueTask<int>(first.Task);
                    case 2:
                        // The callback was queued when the bytes came, and runs only now: the consumer took its time.
                        clock.Now = TimeSpan.FromSeconds(20);
                        clock.Fire();
                        Messages.Complete().CopyTo(memory);
                        return new ValueTask<int>(Messages.Complete().Length);
                    default:
                        return new ValueTask<int>(0);
                }
            }),
            options);
        await using var response = await Invoke(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var move = chunks.MoveNextAsync().AsTask();
        Messages.Chunk("a").CopyTo(buffer);
        first.SetResult(Messages.Chunk("a").Length);
        Assert.True(await move);

        Assert.False(await chunks.MoveNextAsync());
    }

    [Fact]
    public void AsStream_DisposedSynchronously_LeavesNothingOnALongLivedToken()
    {
        using var app = new CancellationTokenSource();

        var wire = ReadSomeAndDispose(app.Token);

        Assert.True(GarbageCollector.Collects(wire));
        GC.KeepAlive(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ReadSomeAndDispose(CancellationToken appToken)
    {
        var wire = new MemoryStream(Whole(Messages.Chunk("abc"), Messages.Chunk("b"), Messages.Complete()));
        using var client = StubbedClient.Streaming(wire);
        Task.Run(
            async () =>
            {
                using var response = await Invoke(client, appToken);
                using var stream = response.AsStream();
                await stream.ReadExactlyAsync(new byte[1], CancellationToken.None);
            },
            CancellationToken.None).GetAwaiter().GetResult();
        return new WeakReference(wire);
    }

    [Fact]
    public async Task BeginAsync_ContentCannotBeOpened_IsAStreamException()
    {
        using var client = StubbedClient.Create(_ => new HttpResponseMessage { Content = new OpenedContent(() => throw new OperationCanceledException("no")) });

        var exception = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => Invoke(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task BeginAsync_ContentCannotBeOpenedAsTheCallIsCancelled_IsAStreamException()
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Create(_ =>
        {
            cancelling.Cancel();
            return new HttpResponseMessage { Content = new OpenedContent(() => throw new InvalidDataException("no")) };
        });

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => Invoke(client, cancelling.Token));
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(ObjectDisposedException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task MoveNextAsync_ConnectionThrowsAForeignType_IsTruncated(Type type)
    {
        await using var response = InvokeWithResponseStreamResponse.Create(new WireStream(_ => throw (Exception)Activator.CreateInstance(type, "x")!));

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task MoveNextAsync_ConnectionThrowsAForeignTypeAfterInvokeComplete_TheAnswerWasWhole(Type type)
    {
        var reads = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new WireStream(memory =>
        {
            if (memory.IsEmpty) return new ValueTask<int>(0);
            if (reads++ > 0) throw (Exception)Activator.CreateInstance(type, "x")!;
            Messages.Complete().CopyTo(memory);
            return new ValueTask<int>(Messages.Complete().Length);
        }));

        await foreach (var _ in response.ReadChunksAsync(Ct)) { }

        Assert.NotNull(response.InvokeComplete);
    }

    [Fact]
    public async Task Dispose_OfTheClient_LeavesARunningAnswerToItsReader()
    {
        var disposed = new TaskCompletionSource();
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            var wire = Whole(Messages.Chunk("a"), Messages.Complete());
            await connection.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {wire.Length}\r\n\r\n");
            await connection.WriteAsync(Messages.Chunk("a"));
            await disposed.Task;
            await connection.WriteAsync(Messages.Complete());
        });
        var client = server.CreateClient();
        await using var response = await Invoke(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        client.Dispose();
        disposed.SetResult();

        Assert.False(await chunks.MoveNextAsync());
    }

    [Theory, InlineData(1), InlineData(2)]
    public async Task DisposeAsync_FromAnotherThreadWhileAMoveIsAtWork_GivesNoBufferBackUnderIt(int times)
    {
        var logger = new HookLogger();
        var options = StubbedClient.Options();
        options.LoggerFactory = logger;
        var unknown = Messages.Create([(":message-type", "event"), (":event-type", "Novelty")], "x"u8);
        using var client = StubbedClient.Streaming(new MemoryStream(Whole(Messages.Chunk("a"), unknown, Messages.Chunk("b"), Messages.Chunk("c"), Messages.Complete())), options);
        await using var response = await Invoke(client, Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        logger.OnUnknownEvent = () => Task.Run(async () =>
        {
            for (var i = 0; i < times; i++) await chunks.DisposeAsync();
        }).Wait(Ct);

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    private static Task<InvokeWithResponseStreamResponse> Invoke(LambdaStreamingClient client, CancellationToken cancellationToken) =>
        client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), cancellationToken);

    private sealed class WireStream(Func<Memory<byte>, ValueTask<int>> read) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var task = read(buffer);
            return task.IsCompleted ? task : new ValueTask<int>(task.AsTask().WaitAsync(cancellationToken));
        }
    }

    private sealed class HookLogger : ILoggerFactory, ILogger
    {
        public Action? OnUnknownEvent { get; set; }

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Contains("Novelty", StringComparison.Ordinal)) OnUnknownEvent?.Invoke();
        }

        public void Dispose()
        {
        }
    }
}
