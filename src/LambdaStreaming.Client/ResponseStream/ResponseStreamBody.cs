using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;

namespace LambdaStreaming.ResponseStream;

/// <summary>Reads the body of one response, and holds the one state that decides who can use its buffers.</summary>
/// <remarks>
/// A move is one <c>ReadNextAsync</c>: it reads and parses bytes, and returns buffers to the pool. Only one move runs
/// at a time. <see cref="Abort"/> can be called from any thread. It never returns a buffer, because the consumer might
/// still read from one. The next move returns the buffers; otherwise the garbage collector frees them.
/// <code>
/// Open ──TryBeginMove──► Moving ──TryEndMove──► Open
///  │ Abort                 │ Abort        └──Complete──► Completed
///  ▼                       ▼
/// Aborted ─TryBeginMove─► MovingAborted ──Complete──► Completed
/// </code>
/// </remarks>
[SuppressMessage("Design", "CA1001",
    Justification = "The token source has no timer and no wait handle. Abort and Complete dispose the idle timer.")]
internal sealed class ResponseStreamBody
{
    // Size of a buffer. One read of a busy connection returns up to this size.
    private const int BufferBytes = 64 * 1024;

    // After a shorter read, the socket is assumed to be empty. The first read after a zero-byte read returns at most
    // SocketsHttpHandler's connection buffer of 4 KiB, even on a busy connection. The value must therefore be lower.
    private const int BusyReadBytes = 2 * 1024;

    private static readonly StreamPipeReaderOptions PipeOptions = new(
        bufferSize: BufferBytes,
        minimumReadSize: BufferBytes / 2,
        leaveOpen: true);

    private readonly Stream _stream;
    private readonly PipeReader _pipe;
    private readonly CancellationTokenSource _abortReads = new();
    private readonly TimeProvider _timeProvider;
    private readonly TimeSpan _idleTimeout;
    private readonly object _lock = new();
    private volatile State _state;

    // The first read that does not complete at once creates _idleTimer and _pendingRead.
    private IdleTimer? _idleTimer;
    private AbandonableRead? _pendingRead;
    private IDisposable? _connection;
    private CancellationTokenRegistration[] _registrations = [];
    private CallTelemetry? _telemetry;
    private long _unconsumedBytes;
    private bool _lastReadWasLong;

    /// <param name="stream">The response body.</param>
    /// <param name="connection">Disposed once: reused if the body was read to its end, otherwise closed.</param>
    /// <param name="timeProvider">The clock of the idle timeout.</param>
    /// <param name="idleTimeout">Maximum time to wait for the next bytes.</param>
    public ResponseStreamBody(Stream stream, IDisposable connection, TimeProvider timeProvider, TimeSpan idleTimeout)
    {
        _stream = stream;
        _pipe = PipeReader.Create(stream, PipeOptions);
        _connection = connection;
        _timeProvider = timeProvider;
        _idleTimeout = idleTimeout;
    }

    private enum State
    {
        /// <summary>No move is in progress. The consumer might hold a chunk.</summary>
        Open,

        /// <summary>A move is in progress.</summary>
        Moving,

        /// <summary>Aborted between moves. The connection is closed; the buffers have not been returned.</summary>
        Aborted,

        /// <summary>Aborted, with a move in progress. That move completes the body.</summary>
        MovingAborted,

        /// <summary>The buffers were returned to the pool. The end of the response, or its failure, is final.</summary>
        Completed,
    }

    /// <summary>True if no move is in progress and the body was not aborted. Buffered messages can be read.</summary>
    public bool IsOpen => _state == State.Open;

    /// <summary>True if the body was aborted and no move has completed it yet.</summary>
    public bool IsAborted => _state is State.Aborted or State.MovingAborted;

    public AbortReason AbortReason { get; private set; }

    /// <summary>The cancelled token, if <see cref="AbortReason"/> is <see cref="AbortReason.Cancelled"/>.</summary>
    public CancellationToken CancelledToken { get; private set; }

    /// <summary>Sets the telemetry for the end of the body, and reports an earlier abort to it.</summary>
    public void SetTelemetry(CallTelemetry telemetry)
    {
        AbortReason reason;
        lock (_lock)
        {
            _telemetry = telemetry;
            reason = AbortReason;
        }

        if (reason != AbortReason.None) telemetry.Abort(reason.ToOutcome());
    }

    /// <summary>Aborts the body when <paramref name="cancellationToken"/> is cancelled, or if it already was.</summary>
    public void RegisterCancellation(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled) return;
        var registration = cancellationToken.UnsafeRegister(
            static (body, token) => ((ResponseStreamBody)body!).Abort(AbortReason.Cancelled, token), this);
        lock (_lock)
        {
            if (_state is State.Open or State.Moving)
            {
                _registrations = [.. _registrations, registration];
                return;
            }
        }

        registration.Unregister();
    }

    /// <summary>Begins a move. The caller ends it with <see cref="TryEndMove"/> or <see cref="Complete"/>.</summary>
    /// <returns>False if the body is completed.</returns>
    /// <exception cref="InvalidOperationException">Another move is in progress.</exception>
    public bool TryBeginMove()
    {
        lock (_lock)
        {
            if (_state == State.Completed) return false;
            if (_state is State.Moving or State.MovingAborted) throw CreateMoveInProgressException();
            _state = _state == State.Open ? State.Moving : State.MovingAborted;
            return true;
        }
    }

    /// <summary>Ends a move that has read an event.</summary>
    /// <returns>False if the body was aborted during the move. Call <see cref="Complete"/> then.</returns>
    public bool TryEndMove()
    {
        lock (_lock)
        {
            if (_state != State.Moving) return false;
            _state = State.Open;
            return true;
        }
    }

    /// <summary>Reads more bytes. Call it only between TryBeginMove and TryEndMove or Complete.</summary>
    /// <exception cref="BodyAbortedException">The body was aborted, for <see cref="AbortReason"/>.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadResult> ReadAsync()
    {
        try
        {
            ThrowIfAborted();
            var read = ReadPipeAsync();
            var result = read.IsCompleted
                ? await read.ConfigureAwait(false)
                : await WaitAsync(read).ConfigureAwait(false);
            ThrowIfAborted();
            _lastReadWasLong = result.Buffer.Length - _unconsumedBytes >= BusyReadBytes;
            return result;
        }
        catch (Exception exception) when (exception is not BodyAbortedException && _state != State.Moving)
        {
            throw new BodyAbortedException();
        }
    }

    /// <summary>Marks all bytes as examined and returns those before <paramref name="consumed"/> to the pool.</summary>
    /// <remarks>Call it only between TryBeginMove and TryEndMove or Complete.</remarks>
    /// <param name="consumed">The first position that is still needed.</param>
    /// <param name="end">The end of the bytes that were read.</param>
    /// <param name="unconsumedBytes">The number of bytes between the two positions.</param>
    public void AdvanceTo(SequencePosition consumed, SequencePosition end, long unconsumedBytes)
    {
        _unconsumedBytes = unconsumedBytes;
        _pipe.AdvanceTo(consumed, end);
    }

    /// <summary>Ends a pending read and closes the connection. Callable from any thread; returns no buffer.</summary>
    public void Abort(AbortReason reason, CancellationToken cancelledToken = default)
    {
        bool isMoving;
        lock (_lock)
        {
            if (_state is not (State.Open or State.Moving)) return;
            (AbortReason, CancelledToken) = (reason, cancelledToken);
            isMoving = _state == State.Moving;
            _state = isMoving ? State.MovingAborted : State.Aborted;
        }

        // Not under the lock, because these calls can run code of the caller. With the barrier in PrepareToWait, either
        // this method sees the timer and the pending read, or PrepareToWait sees the new state.
        Interlocked.MemoryBarrier();
        ReleaseTimerAndTokens();
        _telemetry?.Abort(reason.ToOutcome());
        if (!isMoving)
        {
            Disconnect();
            return;
        }

        // The move in progress disposes the connection in Complete, once its read has ended or was abandoned.
        CallerCode.Run(_abortReads, static reads => reads.Cancel());
        CallerCode.Run(_pipe, static pipe => pipe.CancelPendingRead());
        _pendingRead?.Abandon();
    }

    /// <summary>Returns the buffers to the pool, frees the connection and ends the move.</summary>
    /// <remarks>Call it only after <see cref="TryBeginMove"/>, and after all chunks have expired.</remarks>
    public void Complete()
    {
        lock (_lock) _state = State.Completed;
        ReleaseTimerAndTokens();
        // An abandoned read might still be writing to its buffer. The pool must not get that buffer back.
        if (_pendingRead is not { IsAbandoned: true }) _pipe.Complete();
        Disconnect();
    }

    public static InvalidOperationException CreateMoveInProgressException() =>
        new("The previous MoveNextAsync is still in progress. Await it before the next: a response has one reader.");

    private void ThrowIfAborted()
    {
        if (_state != State.Moving) throw new BodyAbortedException();
    }

    // An idle stream is awaited with a zero-byte read, which needs no buffer: many idle responses need little memory.
    // A busy stream is read directly into the pipe's buffer, because a zero-byte read before each read costs three
    // times the work (docs/internals/performance.md, "Zero-byte reads").
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReadPipeAsync()
    {
        if (!_lastReadWasLong)
        {
            await _stream.ReadAsync(Memory<byte>.Empty, _abortReads.Token).ConfigureAwait(false);
            ThrowIfAborted();
        }

        return await _pipe.ReadAsync(CancellationToken.None).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ValueTask<ReadResult> read)
    {
        PrepareToWait();
        _idleTimer.BeginWait();
        try
        {
            return await _pendingRead.WaitAsync(read).ConfigureAwait(false);
        }
        finally
        {
            _idleTimer.EndWait();
        }
    }

    [MemberNotNull(nameof(_idleTimer), nameof(_pendingRead))]
    private void PrepareToWait()
    {
        _idleTimer ??= new IdleTimer(_timeProvider, _idleTimeout, () => Abort(AbortReason.Idle));
        _pendingRead ??= new AbandonableRead();
        Interlocked.MemoryBarrier();
        if (_state == State.Moving) return;

        // If Abort ran before these two fields were set, it did not stop the timer and the read. Stop them here.
        _idleTimer.Dispose();
        _pendingRead.Abandon();
    }

    // A response that has ended must not stay referenced by a timer, or by a token that lives as long as the process.
    private void ReleaseTimerAndTokens()
    {
        _idleTimer?.Dispose();
        CancellationTokenRegistration[] registrations;
        lock (_lock)
        {
            registrations = _registrations;
            _registrations = [];
        }

        foreach (var registration in registrations) registration.Unregister();
    }

    private void Disconnect() => CallerCode.Run(
        Interlocked.Exchange(ref _connection, null),
        static connection => connection?.Dispose());
}
