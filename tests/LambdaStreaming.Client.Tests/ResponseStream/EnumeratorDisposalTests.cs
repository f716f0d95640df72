using LambdaStreaming.Tests.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>
/// Disposal of every reader, from any thread and during MoveNextAsync. An early end never looks like a complete
/// response.
/// </summary>
public sealed class EnumeratorDisposalTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Readers => [.. PayloadReaders.All.Keys];

    // If the event had no chunk before the abort, a loop on another thread could reach a normal end without its chunks.
    [Fact]
    public async Task DisposeAsync_EventsOfTheResponse_ChunkIsCurrentUntilTheAbort()
    {
        using var stream = new WatchedStream(
            [.. Messages.Chunk("a"), .. Messages.Chunk("b"), .. Messages.Complete()]);
        await using var response = InvokeWithResponseStreamResponse.Create(stream);
        var events = response.GetAsyncEnumerator(Ct);
        var kindAtAbort = ResponseStreamEventKind.None;
        stream.Disposed = () => kindAtAbort = events.Current.Kind;
        Assert.True(await events.MoveNextAsync());

        await events.DisposeAsync();

        Assert.Equal(ResponseStreamEventKind.PayloadChunk, kindAtAbort);
        Assert.Equal(ResponseStreamEventKind.None, events.Current.Kind);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => events.MoveNextAsync().AsTask());
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task DisposeAsync_DuringMoveNextAsync_EndsItAndReleasesTheConnection(string reader)
    {
        var wire = FuncStream.Stuck(Messages.Chunk(PayloadReaders.All[reader].Payload));
        var response = InvokeWithResponseStreamResponse.Create(wire);
        var elements = PayloadReaders.All[reader].Read(response, CancellationToken.None);
        var moving = await MoveUntilWaitingAsync(elements);

        await elements.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => moving.WaitAsync(TooLong, Ct));
        Assert.True(wire.IsDisposed);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task MoveNextAsync_EnumeratorIsDisposedEarly_Throws(string reader)
    {
        await using var response = Response(reader, Messages.Complete());
        var elements = PayloadReaders.All[reader].Read(response, CancellationToken.None);
        await elements.MoveNextAsync();

        await elements.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => elements.MoveNextAsync().AsTask());
    }

    [Fact]
    public async Task Current_DisposedOnAnotherThread_KeepsItsValue()
    {
        await using var response = Response("text", Messages.Complete());
        var elements = PayloadReaders.All["text"].Read(response, CancellationToken.None);
        await elements.MoveNextAsync();
        var value = elements.Current;

        await Task.Run(() => elements.DisposeAsync().AsTask(), Ct);

        Assert.NotNull(value);
        Assert.Equal(value, elements.Current);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task MoveNextAsync_AfterAFailure_ThrowsTheSameException(string reader)
    {
        await using var response = Response(reader, []);
        var elements = PayloadReaders.All[reader].Read(response, CancellationToken.None);
        var first = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => ReadToEndAsync(elements));

        var second = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(
            () => elements.MoveNextAsync().AsTask());
        await elements.DisposeAsync();
        var third = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => elements.MoveNextAsync().AsTask());

        Assert.Same(first, second);
        Assert.Same(first, third);
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task MoveNextAsync_AfterTheEndAndDisposal_ReturnsFalse(string reader)
    {
        await using var response = Response(reader, Messages.Complete());
        var elements = PayloadReaders.All[reader].Read(response, CancellationToken.None);
        await ReadToEndAsync(elements);

        await elements.DisposeAsync();

        Assert.False(await elements.MoveNextAsync());
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task MoveNextAsync_DuringMoveNextAsync_Throws(string reader)
    {
        var response = InvokeWithResponseStreamResponse.Create(
            FuncStream.Stuck(Messages.Chunk(PayloadReaders.All[reader].Payload)));
        var elements = PayloadReaders.All[reader].Read(response, CancellationToken.None);
        var moving = await MoveUntilWaitingAsync(elements);

        await Assert.ThrowsAsync<InvalidOperationException>(() => elements.MoveNextAsync().AsTask());

        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => moving.WaitAsync(TooLong, Ct));
    }

    [Theory, MemberData(nameof(Readers))]
    public async Task MoveNextAsync_StreamIgnoresCancellation_ThrowsWithTheToken(string reader)
    {
        using var cancellation = new CancellationTokenSource();
        var wire = FuncStream.Stuck(Messages.Chunk(PayloadReaders.All[reader].Payload));
        await using var response = InvokeWithResponseStreamResponse.Create(wire);
        var elements = PayloadReaders.All[reader].Read(response, cancellation.Token);
        var moving = await MoveUntilWaitingAsync(elements);

        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => moving.WaitAsync(TooLong, Ct));
        Assert.Equal(cancellation.Token, exception.CancellationToken);
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task MoveNextAsync_StreamIgnoresCancellation_ThrowsAfterTheIdleTimeout()
    {
        var clock = new ManualClock();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.IdleTimeout = TimeSpan.FromSeconds(10);
        var wire = FuncStream.Stuck(Messages.Chunk("a"));
        using var client = StubbedClient.Streaming(wire, options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Ct);
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var moving = chunks.MoveNextAsync().AsTask();

        clock.Now = TimeSpan.FromSeconds(10);
        clock.FireIfDue();

        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => moving.WaitAsync(TooLong, Ct));
        Assert.True(wire.IsDisposed);
    }

    [Fact]
    public async Task CopyToAsync_StreamIgnoresCancellationAndTheFlushFails_Throws()
    {
        await using var response = InvokeWithResponseStreamResponse.Create(FuncStream.Stuck(Messages.Chunk("a")));

        await Assert.ThrowsAsync<TimeZoneNotFoundException>(
            () => response.CopyToAsync(new UnflushableStream(), Ct).WaitAsync(TooLong, Ct));
    }

    [Fact]
    public async Task InvokeTextAsync_DisposedDuringTheCall_CancelsTheCall()
    {
        var call = new TaskCompletionSource<CancellationToken>();
        using var client = StubbedClient.Sending(async (_, token) =>
        {
            call.SetResult(token);
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return new HttpResponseMessage();
        });
        var texts = client.InvokeTextAsync("f", "{}", cancellationToken: Ct).GetAsyncEnumerator(Ct);
        var moving = texts.MoveNextAsync().AsTask();
        var callToken = await call.Task.WaitAsync(TooLong, Ct);

        await texts.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => moving.WaitAsync(TooLong, Ct));
        Assert.True(callToken.IsCancellationRequested);
    }

    [Fact]
    public async Task InvokeTextAsync_CancelledDuringTheCall_ThrowsWithTheCallersToken()
    {
        var call = new TaskCompletionSource();
        using var client = StubbedClient.Sending(async (_, token) =>
        {
            call.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
            return new HttpResponseMessage();
        });
        using var cancellation = new CancellationTokenSource();
        await using var texts =
            client.InvokeTextAsync("f", "{}", cancellationToken: cancellation.Token).GetAsyncEnumerator(Ct);
        var moving = texts.MoveNextAsync().AsTask();
        await call.Task.WaitAsync(TooLong, Ct);

        await cancellation.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => moving.WaitAsync(TooLong, Ct));
        Assert.Equal(cancellation.Token, exception.CancellationToken);
    }

    private static InvokeWithResponseStreamResponse Response(string reader, byte[] end)
    {
        var chunk = Messages.Chunk(PayloadReaders.All[reader].Payload);
        return InvokeWithResponseStreamResponse.Create(new MemoryStream([.. chunk, .. chunk, .. end]));
    }

    private static async Task ReadToEndAsync(IAsyncEnumerator<object?> elements)
    {
        while (await elements.MoveNextAsync()) continue;
    }

    private static async Task<Task<bool>> MoveUntilWaitingAsync(IAsyncEnumerator<object?> elements)
    {
        while (true)
        {
            var moving = elements.MoveNextAsync().AsTask();
            if (!moving.IsCompleted) return moving;
            Assert.True(await moving);
        }
    }
}
