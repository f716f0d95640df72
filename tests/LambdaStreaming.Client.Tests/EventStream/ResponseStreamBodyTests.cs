using System.Runtime.CompilerServices;
using LambdaStreaming.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The body under its reader: whoever ends it, and whenever, the connection is freed once, and never under a read.</summary>
public sealed class ResponseStreamBodyTests : IDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly CountedConnection _connection = new();
    private readonly ManualClock _clock = new();

    public void Dispose() => _connection.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public async Task ReadAsync_AbortedWhileTheBytesCome_DoesNotGiveThem(bool andBreaks)
    {
        ResponseStreamBody body = null!;
        body = Body(memory =>
        {
            if (memory.IsEmpty) return new ValueTask<int>(0);
            body.Abort(BodyEnd.Disposed);
            return andBreaks ? throw new IOException("The connection broke.") : new ValueTask<int>(5);
        });

        await Assert.ThrowsAsync<BodyEndedException>(() => body.ReadAsync().AsTask());

        Assert.Equal(1, _connection.Disposals);
    }

    [Fact]
    public async Task ReadAsync_AbortedBeforeItWaits_MakesNoTimerThatWouldOutliveIt()
    {
        var read = new TaskCompletionSource<int>();
        ResponseStreamBody body = null!;
        body = Body(_ =>
        {
            body.Abort(BodyEnd.Disposed);
            return new ValueTask<int>(read.Task);
        });

        var reading = body.ReadAsync().AsTask();

        Assert.Equal(0, _clock.Alive);
        read.SetResult(0);
        await Assert.ThrowsAsync<BodyEndedException>(() => reading);
    }

    [Fact]
    public async Task ReadAsync_AfterAbort_DoesNotTouchTheConnection()
    {
        var reads = 0;
        var body = Body(_ => new ValueTask<int>(++reads));
        body.Abort(BodyEnd.Cancelled);

        await Assert.ThrowsAsync<BodyEndedException>(() => body.ReadAsync().AsTask());

        Assert.Equal((0, 1), (reads, _connection.Disposals));
    }

    [Fact]
    public async Task ReadAsync_WhileAnotherWaits_IsRefused()
    {
        var first = new TaskCompletionSource<int>();
        var body = Body(_ => new ValueTask<int>(first.Task));
        var reading = body.ReadAsync().AsTask();

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => body.ReadAsync().AsTask());

        Assert.Equal("The previous MoveNextAsync is still in progress. Await it before the next one: an answer has one reader.", exception.Message);
        Assert.False(reading.IsCompleted);
    }

    [Fact]
    public async Task Abort_WhileAReadWaits_FreesTheConnectionWhenThatHasEnded()
    {
        var read = new TaskCompletionSource<int>();
        var body = Body(_ => new ValueTask<int>(read.Task));
        var reading = body.ReadAsync().AsTask();

        body.Abort(BodyEnd.Idle);
        body.Abort(BodyEnd.Cancelled);
        Assert.Equal(0, _connection.Disposals);
        read.SetResult(0);

        await Assert.ThrowsAsync<BodyEndedException>(() => reading.WaitAsync(TooLong, Ct));
        Assert.Equal((BodyEnd.Idle, 1), (body.End, _connection.Disposals));
    }

    [Fact]
    public async Task Complete_WhileAReadWaits_CompletesWhenThatHasEnded()
    {
        var read = new TaskCompletionSource<int>();
        var body = Body(_ => new ValueTask<int>(read.Task));
        var reading = body.ReadAsync().AsTask();

        body.Complete();
        Assert.Equal((BodyEnd.Disposed, 0, 0), (body.End, _connection.Disposals, _clock.Alive));
        read.SetResult(0);

        await Assert.ThrowsAsync<BodyEndedException>(() => reading.WaitAsync(TooLong, Ct));
        Assert.Equal((1, 0), (_connection.Disposals, _clock.Alive));
    }

    // A timer that ran on would hold the body and its buffers for as long as the idle timeout is.
    [Fact]
    public async Task Abort_TimerRunsFromAWaitBefore_StopsIt()
    {
        var read = new TaskCompletionSource<int>();
        var body = Body(memory => memory.IsEmpty ? new ValueTask<int>(read.Task) : new ValueTask<int>(1));
        var reading = body.ReadAsync().AsTask();
        read.SetResult(0);
        await reading.WaitAsync(TooLong, Ct);
        Assert.Equal(1, _clock.Alive);

        body.Abort(BodyEnd.Disposed);

        Assert.Equal(0, _clock.Alive);
    }

    [Fact]
    public async Task ReadAsync_WaitsOneAfterAnother_SetTheTimerOnce()
    {
        var body = Waiting(out var read);
        for (var i = 0; i < 3; i++) await WaitAsync(body, read);

        Assert.Equal([TimeSpan.FromMinutes(1)], _clock.Waits);
        Assert.Equal(1, _clock.Alive);
    }

    [Fact]
    public async Task ReadAsync_TimerFiredBetweenWaits_TheNextOneSetsItAgainAndItStillHolds()
    {
        var body = Waiting(out var read);
        await WaitAsync(body, read);
        _clock.Now = TimeSpan.FromMinutes(1);
        _clock.FireIfDue();
        var reading = body.ReadAsync().AsTask();
        Assert.Equal((2, 1), (_clock.Waits.Count, _clock.Alive));

        _clock.Now = TimeSpan.FromMinutes(2);
        _clock.FireIfDue();
        Assert.Equal(BodyEnd.Idle, body.End);
        read().SetResult(0);

        await Assert.ThrowsAsync<BodyEndedException>(() => reading.WaitAsync(TooLong, Ct));
    }

    // The wait begins after the timer was set. What is left of it may be less than a timer can count.
    [Theory]
    [InlineData(30_000, 30_000)]
    [InlineData(0.5, 1)]
    public async Task ReadAsync_TimerFiresAmidALaterWait_IsSetToWhatIsLeft(double begins, double expected)
    {
        var body = Waiting(out var read);
        await WaitAsync(body, read);
        _clock.Now = TimeSpan.FromMilliseconds(begins);
        var reading = body.ReadAsync().AsTask();

        _clock.Now = TimeSpan.FromMinutes(1);
        _clock.FireIfDue();

        Assert.Equal(BodyEnd.None, body.End);
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(expected)], _clock.Waits);
        read().SetResult(0);
        await reading.WaitAsync(TooLong, Ct);
    }

    [Fact]
    public async Task ReadAsync_NoIdleTimeout_MakesNoTimer()
    {
        var read = new TaskCompletionSource<int>();
        var body = new ResponseStreamBody(new ReadStream(memory => memory.IsEmpty ? new ValueTask<int>(read.Task) : new ValueTask<int>(1)), _connection, _clock, Timeout.InfiniteTimeSpan);
        var reading = body.ReadAsync().AsTask();
        read.SetResult(0);
        await reading.WaitAsync(TooLong, Ct);

        Assert.Equal(0, _clock.Alive);
    }

    [Fact]
    public async Task ReadAsync_AbortedAsTheWaitBegins_MakesNoTimer()
    {
        ResponseStreamBody body = null!;
        body = Body(_ =>
        {
            body.Abort(BodyEnd.Cancelled);
            return new ValueTask<int>(Task.FromException<int>(new OperationCanceledException()).ContinueWith(task => task.Result, TaskScheduler.Default));
        });

        await Assert.ThrowsAsync<BodyEndedException>(() => body.ReadAsync().AsTask());

        Assert.Equal(0, _clock.Alive);
    }

    [Fact]
    public void Abort_Twice_FirstReasonCountsAndTheConnectionIsFreedOnce()
    {
        var body = Body(_ => default);

        body.Abort(BodyEnd.Idle);
        body.Abort(BodyEnd.Cancelled);

        Assert.Equal((BodyEnd.Idle, 1), (body.End, _connection.Disposals));
    }

    [Fact]
    public void Complete_TwiceAndThenAbort_FreesTheConnectionOnce()
    {
        var body = Body(_ => default);

        body.Complete();
        body.Complete();
        body.Abort(BodyEnd.Cancelled);

        Assert.Equal((BodyEnd.None, 1), (body.End, _connection.Disposals));
    }

    // Where an answer is disposed twice at once: the second one finds the first one reading the rest of the body.
    [Fact]
    public async Task Complete_WhileAReadWaits_FreesTheConnectionOnceWhenThatHasEnded()
    {
        var read = new TaskCompletionSource<int>();
        var body = Body(memory => memory.IsEmpty ? new ValueTask<int>(0) : new ValueTask<int>(read.Task));
        var reading = body.ReadAsync().AsTask();

        body.Complete();
        Assert.Equal(0, _connection.Disposals);
        read.SetResult(1);
        await Assert.ThrowsAsync<BodyEndedException>(() => reading);
        body.Complete();

        Assert.Equal(1, _connection.Disposals);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void AbortOn_BodyHasEnded_LeavesNothingOnTheToken(bool completed)
    {
        using var app = new CancellationTokenSource();

        var body = EndAndAbortOn(completed, app.Token);

        Assert.True(GarbageCollector.Collects(body));
        GC.KeepAlive(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference EndAndAbortOn(bool completed, CancellationToken token)
    {
        var body = Body(_ => default);
        if (completed) body.Complete();
        else body.Abort(BodyEnd.Disposed, CancellationToken.None);
        body.AbortOn(token);
        return new WeakReference(body);
    }

    /// <summary>A body each of whose reads waits until the source that <paramref name="read"/> gives is set.</summary>
    private ResponseStreamBody Waiting(out Func<TaskCompletionSource<int>> read)
    {
        var current = new TaskCompletionSource<int>();
        read = () => current;
        return Body(memory =>
        {
            if (!memory.IsEmpty) return new ValueTask<int>(1);
            current = new TaskCompletionSource<int>();
            return new ValueTask<int>(current.Task);
        });
    }

    private static async Task WaitAsync(ResponseStreamBody body, Func<TaskCompletionSource<int>> read)
    {
        var reading = body.ReadAsync().AsTask();
        read().SetResult(0);
        var result = await reading.WaitAsync(TooLong, Ct);
        body.AdvanceTo(result.Buffer.End, result.Buffer.End, 0);
    }

    private ResponseStreamBody Body(Func<Memory<byte>, ValueTask<int>> read) => new(new ReadStream(read), _connection, _clock, TimeSpan.FromMinutes(1));

    private sealed class ReadStream(Func<Memory<byte>, ValueTask<int>> read) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => read(buffer);
    }

    private sealed class CountedConnection : IDisposable
    {
        public int Disposals { get; private set; }

        public void Dispose() => Disposals++;
    }
}
