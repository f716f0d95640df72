using System.Runtime.CompilerServices;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>
/// The state of a response body. The connection is disposed once, after a read in progress has ended or was abandoned.
/// </summary>
public sealed class ResponseStreamBodyTests : IDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly CountedConnection _connection = new();
    private readonly ManualClock _clock = new();

    public void Dispose() => _connection.Dispose();

    [Theory, InlineData(false), InlineData(true)]
    public async Task ReadAsync_AbortedDuringTheRead_Throws(bool throws)
    {
        ResponseStreamBody body = null!;
        body = Create(memory =>
        {
            if (memory.IsEmpty) return new ValueTask<int>(0);
            body.Abort(AbortReason.Disposed);
            return throws ? throw new IOException("The connection broke.") : new ValueTask<int>(5);
        });
        body.TryBeginMove();

        await Assert.ThrowsAsync<BodyAbortedException>(() => body.ReadAsync().AsTask());

        Assert.Equal(0, _connection.Disposals);
        body.Complete();
        Assert.Equal(1, _connection.Disposals);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task ReadAsync_AbortedBeforeItWaits_CreatesNoTimer(bool fails)
    {
        var read = new TaskCompletionSource<int>();
        ResponseStreamBody body = null!;
        body = Create(_ =>
        {
            body.Abort(AbortReason.Disposed);
            return new ValueTask<int>(read.Task);
        });
        body.TryBeginMove();

        var reading = body.ReadAsync().AsTask();

        Assert.Equal(0, _clock.Alive);
        // The read itself has not ended.
        await Assert.ThrowsAsync<BodyAbortedException>(() => reading.WaitAsync(TooLong, Ct));
        if (fails) read.SetException(new OperationCanceledException());
        else read.SetResult(0);
        Assert.Equal(0, _clock.Alive);
    }

    [Fact]
    public async Task ReadAsync_AfterAbort_DoesNotReadFromTheConnection()
    {
        var reads = 0;
        var body = Create(_ => new ValueTask<int>(++reads));
        body.Abort(AbortReason.Cancelled);
        body.TryBeginMove();

        await Assert.ThrowsAsync<BodyAbortedException>(() => body.ReadAsync().AsTask());

        Assert.Equal((0, 1), (reads, _connection.Disposals));
    }

    [Fact]
    public async Task ReadAsync_AbortedWhileTheStreamIgnoresCancellation_ThrowsAndKeepsTheBuffer()
    {
        var read = new TaskCompletionSource<int>();
        Memory<byte> buffer = default;
        var body = Create(memory =>
        {
            if (memory.IsEmpty) return new ValueTask<int>(0);
            buffer = memory;
            return new ValueTask<int>(read.Task);
        });
        body.TryBeginMove();
        var reading = body.ReadAsync().AsTask();

        body.Abort(AbortReason.Idle);

        await Assert.ThrowsAsync<BodyAbortedException>(() => reading.WaitAsync(TooLong, Ct));
        body.Complete();
        Assert.Equal(1, _connection.Disposals);
        Assert.False(SharedPool.Contains(buffer));
        read.SetResult(1);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Abort_DuringARead_CancelsTheReadOfTheStream(bool isZeroByteRead)
    {
        var token = CancellationToken.None;
        var body = new ResponseStreamBody(
            new FuncStream((memory, cancellationToken) =>
            {
                if (memory.IsEmpty && !isZeroByteRead) return new ValueTask<int>(0);
                token = cancellationToken;
                return new ValueTask<int>(new TaskCompletionSource<int>().Task);
            }),
            _connection,
            _clock,
            TimeSpan.FromMinutes(1));
        body.TryBeginMove();
        _ = body.ReadAsync().AsTask();
        Assert.True(token is { CanBeCanceled: true, IsCancellationRequested: false });

        body.Abort(AbortReason.Cancelled);

        Assert.True(token.IsCancellationRequested);
    }

    [Fact]
    public async Task Abort_DuringAZeroByteReadThatThenEnds_StartsNoOtherRead()
    {
        var zeroByteRead = new TaskCompletionSource<int>();
        var reads = 0;
        var body = Create(memory =>
        {
            if (memory.IsEmpty) return new ValueTask<int>(zeroByteRead.Task);
            reads++;
            return new ValueTask<int>(1);
        });
        body.TryBeginMove();
        var reading = body.ReadAsync().AsTask();

        body.Abort(AbortReason.Cancelled);
        await Assert.ThrowsAsync<BodyAbortedException>(() => reading.WaitAsync(TooLong, Ct));
        // The rest of the abandoned read runs on this thread.
        zeroByteRead.SetResult(0);

        Assert.Equal(0, reads);
    }

    [Fact]
    public void TryBeginMove_DuringAnotherMove_Throws()
    {
        var body = Create(_ => default);
        body.TryBeginMove();

        Assert.Throws<InvalidOperationException>(() => body.TryBeginMove());
    }

    [Fact]
    public void TryEndMove_AfterAbort_ReturnsFalse()
    {
        var body = Create(_ => default);
        body.TryBeginMove();

        body.Abort(AbortReason.Cancelled);

        Assert.False(body.TryEndMove());
        Assert.True(body.IsAborted);
        Assert.False(body.IsOpen);
    }

    [Fact]
    public void TryBeginMove_AfterComplete_ReturnsFalse()
    {
        var body = Create(_ => default);
        body.TryBeginMove();
        body.Complete();

        Assert.False(body.TryBeginMove());
    }

    [Fact]
    public void Abort_NoMoveInProgress_DisposesTheConnection()
    {
        var body = Create(_ => default);

        body.Abort(AbortReason.Idle);
        body.Abort(AbortReason.Cancelled);

        Assert.Equal((AbortReason.Idle, 1), (body.AbortReason, _connection.Disposals));
    }

    [Fact]
    public void Abort_DuringAMove_MoveDisposesTheConnection()
    {
        var body = Create(_ => default);
        body.TryBeginMove();

        body.Abort(AbortReason.Disposed);
        Assert.Equal(0, _connection.Disposals);
        body.Complete();

        Assert.Equal(1, _connection.Disposals);
    }

    [Fact]
    public void Complete_ConnectionThrowsOnDisposal_IsIgnored()
    {
        _connection.Failure = new TimeZoneNotFoundException();
        var body = Create(_ => default);
        body.TryBeginMove();

        body.Complete();

        Assert.Equal(1, _connection.Disposals);
    }

    [Fact]
    public void Abort_ConnectionThrowsOnDisposal_IsIgnored()
    {
        _connection.Failure = new TimeZoneNotFoundException();
        var body = Create(_ => default);

        body.Abort(AbortReason.Idle);

        Assert.Equal((AbortReason.Idle, 1), (body.AbortReason, _connection.Disposals));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Abort_StreamThrowsOnCancellation_EndsTheRead(bool isZeroByteRead)
    {
        var body = new ResponseStreamBody(
            new FuncStream((memory, cancellationToken) =>
            {
                if (memory.IsEmpty && !isZeroByteRead) return new ValueTask<int>(0);
                cancellationToken.UnsafeRegister(_ => throw new TimeZoneNotFoundException(), null);
                return new ValueTask<int>(new TaskCompletionSource<int>().Task);
            }),
            _connection,
            _clock,
            TimeSpan.FromMinutes(1));
        body.TryBeginMove();
        var reading = body.ReadAsync().AsTask();

        body.Abort(AbortReason.Cancelled);

        await Assert.ThrowsAsync<BodyAbortedException>(() => reading.WaitAsync(TooLong, Ct));
    }

    [Fact]
    public void Abort_AfterComplete_DoesNothing()
    {
        var body = Create(_ => default);
        body.TryBeginMove();
        body.Complete();

        body.Abort(AbortReason.Cancelled);

        Assert.Equal((AbortReason.None, 1), (body.AbortReason, _connection.Disposals));
    }

    [Fact]
    public void TryBeginMove_AfterAbort_ConnectionIsDisposedOnce()
    {
        var body = Create(_ => default);
        body.Abort(AbortReason.Disposed);

        Assert.True(body.TryBeginMove());
        body.Complete();

        Assert.Equal(1, _connection.Disposals);
    }

    [Fact]
    public async Task ReadAsync_IdleTimeoutElapses_AbortsTheBody()
    {
        var read = new TaskCompletionSource<int>();
        var body = Create(_ => new ValueTask<int>(read.Task));
        body.TryBeginMove();
        var reading = body.ReadAsync().AsTask();

        _clock.Now = TimeSpan.FromMinutes(1);
        _clock.FireIfDue();

        await Assert.ThrowsAsync<BodyAbortedException>(() => reading.WaitAsync(TooLong, Ct));
        Assert.Equal((AbortReason.Idle, 0), (body.AbortReason, _clock.Alive));
        read.SetResult(0);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void RegisterCancellation_BodyHasEnded_LeavesNoRegistration(bool isCompleted)
    {
        using var app = new CancellationTokenSource();

        var body = EndAndRegisterCancellation(isCompleted, app.Token);

        Assert.True(GarbageCollector.Collects(body));
        GC.KeepAlive(app);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private WeakReference EndAndRegisterCancellation(bool isCompleted, CancellationToken token)
    {
        var body = Create(_ => default);
        body.RegisterCancellation(token);
        if (isCompleted)
        {
            body.TryBeginMove();
            body.Complete();
        }
        else
        {
            body.Abort(AbortReason.Disposed, CancellationToken.None);
        }

        body.RegisterCancellation(token);
        return new WeakReference(body);
    }

    private ResponseStreamBody Create(Func<Memory<byte>, ValueTask<int>> read) =>
        new(new FuncStream(read), _connection, _clock, TimeSpan.FromMinutes(1));

    private sealed class CountedConnection : IDisposable
    {
        public int Disposals { get; private set; }

        /// <summary>The exception of the first disposal.</summary>
        public Exception? Failure { get; set; }

        public void Dispose()
        {
            if (++Disposals == 1 && Failure is not null) throw Failure;
        }
    }
}
