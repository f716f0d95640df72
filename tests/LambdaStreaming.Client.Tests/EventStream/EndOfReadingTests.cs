using System.Net;
using System.Runtime.CompilerServices;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>
/// Ends of a response: completion, timeouts and failures. None of the early ends may look like completion.
/// </summary>
public sealed class EndOfReadingTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static byte[] Concat(params byte[][] messages) => [.. messages.SelectMany(message => message)];

    [Fact]
    public async Task MoveNextAsync_ChunkAfterInvokeComplete_IsIgnored()
    {
        var body = Concat(Messages.Chunk("a"), Messages.Complete(), Messages.Chunk("b"));
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(body));
        var kinds = new List<ResponseStreamEventKind>();

        await foreach (var item in response) kinds.Add(item.Kind);

        Assert.Equal([ResponseStreamEventKind.PayloadChunk, ResponseStreamEventKind.InvokeComplete], kinds);
    }

    [Fact]
    public async Task CopyToAsync_PreviousCopyFailed_ThrowsInsteadOfReportingTheEnd()
    {
        var body = Concat(Messages.Chunk("a"), Messages.Chunk("b"), Messages.Complete());
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(body));
        await using var stream = response.AsStream();
        await Assert.ThrowsAsync<NotSupportedException>(() => stream.CopyToAsync(new MemoryStream([]), Ct));

        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.CopyToAsync(new MemoryStream(), Ct));
    }

    [Fact]
    public async Task MoveNextAsync_EnumeratorWasDisposedBeforeTheEnd_Throws()
    {
        var body = Concat(Messages.Chunk("a"), Messages.Chunk("b"), Messages.Complete());
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(body));
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task IdleTimeout_TimerFiresEarly_StillEndsTheRead()
    {
        // .NET timers can fire early: they count milliseconds, while timestamps count nanoseconds.
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(10);
        var body = new WireStream(_ => new ValueTask<int>(new TaskCompletionSource<int>().Task));
        using var client = StubbedClient.Streaming(body, options);
        await using var response = await InvokeAsync(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var moving = chunks.MoveNextAsync().AsTask();

        clock.Now = TimeSpan.FromMilliseconds(9_999.5);
        clock.Fire();
        clock.Now = TimeSpan.FromMilliseconds(10_001);
        clock.FireIfDue();

        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => moving.WaitAsync(TooLong, Ct));
    }

    [Fact]
    public async Task IdleTimeout_TimerOfThePreviousWaitFiresLate_DoesNotEndTheNextRead()
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
                        // The timer's callback was queued before the bytes arrived, and runs only now, because the
                        // consumer was slow.
                        clock.Now = TimeSpan.FromSeconds(20);
                        clock.Fire();
                        Messages.Complete().CopyTo(memory);
                        return new ValueTask<int>(Messages.Complete().Length);
                    default:
                        return new ValueTask<int>(0);
                }
            }),
            options);
        await using var response = await InvokeAsync(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        var moving = chunks.MoveNextAsync().AsTask();
        Messages.Chunk("a").CopyTo(buffer);
        first.SetResult(Messages.Chunk("a").Length);
        Assert.True(await moving);

        Assert.False(await chunks.MoveNextAsync());
    }

    [Fact]
    public void Dispose_StreamWithLongLivedToken_LeavesNoRegistration()
    {
        using var app = new CancellationTokenSource();

        var wire = ReadSomeAndDispose(app.Token);

        Assert.True(GarbageCollector.Collects(wire));
        GC.KeepAlive(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference ReadSomeAndDispose(CancellationToken appToken)
    {
        var wire = new MemoryStream(Concat(Messages.Chunk("abc"), Messages.Chunk("b"), Messages.Complete()));
        using var client = StubbedClient.Streaming(wire);
        Task.Run(
            async () =>
            {
                using var response = await InvokeAsync(client, appToken);
                using var stream = response.AsStream();
                await stream.ReadExactlyAsync(new byte[1], CancellationToken.None);
            },
            CancellationToken.None).GetAwaiter().GetResult();
        return new WeakReference(wire);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ContentCannotBeOpened_IsTruncated()
    {
        var content = new OpenedContent(() => throw new OperationCanceledException("no"));
        using var client = StubbedClient.Create(_ => new HttpResponseMessage { Content = content });

        var exception = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => InvokeAsync(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ContentHasNoStream_IsTruncated()
    {
        var content = new OpenedContent(() => Task.FromResult<Stream>(null!));
        using var client = StubbedClient.Create(_ => new HttpResponseMessage { Content = content });

        var exception = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => InvokeAsync(client, Ct));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ContentCannotBeOpenedAfterCancellation_IsTruncated()
    {
        using var cancelling = new CancellationTokenSource();
        using var client = StubbedClient.Create(_ =>
        {
            cancelling.Cancel();
            return new HttpResponseMessage { Content = new OpenedContent(() => throw new InvalidDataException("no")) };
        });

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => InvokeAsync(client, cancelling.Token));
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(ObjectDisposedException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task MoveNextAsync_ConnectionThrowsAnUnexpectedType_ThrowsResponseStreamTruncatedException(Type type)
    {
        var body = new WireStream(_ => throw (Exception)Activator.CreateInstance(type, "x")!);
        await using var response = InvokeWithResponseStreamResponse.Create(body);

        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            await foreach (var _ in response.ReadChunksAsync(Ct)) { }
        });
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException))]
    [InlineData(typeof(InvalidDataException))]
    public async Task MoveNextAsync_ConnectionThrowsAfterInvokeComplete_ResponseIsComplete(Type type)
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
    public async Task Dispose_Client_DoesNotEndAnOpenResponse()
    {
        var disposed = new TaskCompletionSource();
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            var wire = Concat(Messages.Chunk("a"), Messages.Complete());
            await connection.WriteAsync($"HTTP/1.1 200 OK\r\nContent-Length: {wire.Length}\r\n\r\n");
            await connection.WriteAsync(Messages.Chunk("a"));
            await disposed.Task;
            await connection.WriteAsync(Messages.Complete());
        });
        var client = server.CreateClient();
        await using var response = await InvokeAsync(client, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        client.Dispose();
        disposed.SetResult();

        Assert.False(await chunks.MoveNextAsync());
    }

    [Theory, InlineData(1), InlineData(2)]
    public async Task DisposeAsync_OnAnotherThreadDuringMoveNextAsync_DoesNotReturnBuffersInUse(int times)
    {
        var logger = new CallbackLogger();
        var options = StubbedClient.Options();
        options.LoggerFactory = logger;
        var unknown = Messages.Create([(":message-type", "event"), (":event-type", "FutureEvent")], "x"u8);
        var body = Concat(
            Messages.Chunk("a"), unknown, Messages.Chunk("b"), Messages.Chunk("c"), Messages.Complete());
        using var client = StubbedClient.Streaming(new MemoryStream(body), options);
        await using var response = await InvokeAsync(client, Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        logger.Logging = (_, message) =>
        {
            if (!message.Contains("FutureEvent", StringComparison.Ordinal)) return;
            Task.Run(async () =>
            {
                for (var i = 0; i < times; i++) await chunks.DisposeAsync();
            }).Wait(Ct);
        };

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(
        LambdaStreamingClient client,
        CancellationToken cancellationToken) =>
        client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", "{}"), cancellationToken);

    private sealed class WireStream(Func<Memory<byte>, ValueTask<int>> read) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var task = read(buffer);
            return task.IsCompleted ? task : new ValueTask<int>(task.AsTask().WaitAsync(cancellationToken));
        }
    }
}
