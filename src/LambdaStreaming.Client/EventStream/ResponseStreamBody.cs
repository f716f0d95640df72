using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using LambdaStreaming.Diagnostics;

namespace LambdaStreaming.EventStream;

/// <summary>The bytes of one answer: the pipe over the connection, what may end it early, and who may give the buffers back.</summary>
/// <remarks>
/// <see cref="Abort"/> may come from any thread at any time and touches the connection only. The pipe's buffers go back in <see cref="Complete"/>,
/// which only the consumer's own thread calls: a chunk that it holds stays what it was.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Its CancellationTokenSource has no timer and no wait handle: there is nothing to dispose.")]
internal sealed class ResponseStreamBody
{
    // Big enough for a whole read of a busy connection.
    private const int BufferBytes = 64 * 1024;

    // A read that gives less than this had taken all that was there. The platform's connection reads 4 KiB at a time when it is asked to wait only.
    private const int BusyReadBytes = 2 * 1024;

    private static readonly TimeSpan ShortestTimer = TimeSpan.FromMilliseconds(1);

    private static readonly StreamPipeReaderOptions PipeOptions = new(bufferSize: BufferBytes, minimumReadSize: BufferBytes / 2, leaveOpen: true);

    private readonly Stream _stream;
    private readonly PipeReader _pipe;
    private readonly CancellationTokenSource _abortReads = new();
    private readonly IDisposable _connection;
    private readonly TimeProvider _timeProvider;
    private readonly TimeSpan _idleTimeout;
    private readonly object _lock = new();
    private CancellationTokenRegistration[] _registrations = [];
    private CallTelemetry? _telemetry;
    private ITimer? _idleTimer;
    private long _waitingSince;
    private long _carried;
    private bool _busy;
    private bool _waiting;
    private bool _timerRuns;
    private bool _reading;
    private bool _completed;
    private bool _completeAfterRead;
    private volatile BodyEnd _end;

    /// <param name="stream">The answer's bytes.</param>
    /// <param name="connection">What to dispose so that the connection is freed: given back when the bytes were read to their end, else closed.</param>
    /// <param name="timeProvider">The clock of the idle timeout.</param>
    /// <param name="idleTimeout">How long to wait for the next bytes.</param>
    public ResponseStreamBody(Stream stream, IDisposable connection, TimeProvider timeProvider, TimeSpan idleTimeout)
    {
        _stream = stream;
        _pipe = PipeReader.Create(stream, PipeOptions);
        _connection = connection;
        _timeProvider = timeProvider;
        _idleTimeout = idleTimeout;
    }

    /// <summary>Why the body was ended from outside; <see cref="BodyEnd.None"/> while it was not.</summary>
    public BodyEnd End => _end;

    /// <summary>The token that was cancelled, where <see cref="End"/> is <see cref="BodyEnd.Cancelled"/>.</summary>
    public CancellationToken CancelledToken { get; private set; }

    /// <summary>Tells <paramref name="telemetry"/> when the body is ended or given up, also where it was already.</summary>
    public void Observe(CallTelemetry telemetry)
    {
        BodyEnd end;
        lock (_lock)
        {
            _telemetry = telemetry;
            end = _end;
        }

        if (end != BodyEnd.None) telemetry.Abort(end);
    }

    /// <summary>Lets <paramref name="cancellationToken"/> abort the body, now or later.</summary>
    public void AbortOn(CancellationToken cancellationToken)
    {
        if (!cancellationToken.CanBeCanceled) return;
        var registration = cancellationToken.UnsafeRegister(static (body, token) => ((ResponseStreamBody)body!).Abort(BodyEnd.Cancelled, token), this);
        lock (_lock)
        {
            if (_end == BodyEnd.None && !_completed)
            {
                _registrations = [.. _registrations, registration];
                return;
            }
        }

        registration.Unregister();
    }

    /// <summary>Reads more bytes. Must not be called while another read is pending.</summary>
    /// <exception cref="BodyEndedException"><see cref="End"/> says why.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadResult> ReadAsync()
    {
        BeginRead();
        try
        {
            // A quiet stream is waited for without a buffer: a thousand silent ones cost little. A busy one is read straight into the pipe's:
            // waiting first costs three times the work (docs/performance.md, "Zero-byte reads").
            if (!_busy) await WithinIdleTimeoutAsync(_stream.ReadAsync(Memory<byte>.Empty, _abortReads.Token)).ConfigureAwait(false);

            var result = await WithinIdleTimeoutAsync(_pipe.ReadAsync(CancellationToken.None)).ConfigureAwait(false);
            if (_end != BodyEnd.None || result.IsCanceled) throw new BodyEndedException();
            _busy = result.Buffer.Length - _carried >= BusyReadBytes;
            return result;
        }
        catch (Exception) when (_end != BodyEnd.None)
        {
            throw new BodyEndedException();
        }
        finally
        {
            EndRead();
        }
    }

    /// <summary>Gives back what was read up to <paramref name="consumed"/>; all of it was looked at.</summary>
    /// <param name="consumed">Where what is still needed begins.</param>
    /// <param name="end">Where what was read ends.</param>
    /// <param name="carried">How many bytes lie between the two.</param>
    public void AdvanceTo(SequencePosition consumed, SequencePosition end, long carried)
    {
        _carried = carried;
        _pipe.AdvanceTo(consumed, end);
    }

    /// <summary>Ends the body early, from any thread: a pending read fails, a later one is refused, the connection closes.</summary>
    public void Abort(BodyEnd end, CancellationToken cancelledToken = default)
    {
        bool reading;
        lock (_lock)
        {
            if (!TryEnd(end, cancelledToken)) return;
            reading = _reading;
        }

        Disconnect(reading);
    }

    // From any thread: an answer that has ended must not hang on a token that lives as long as the app.
    private void Unregister()
    {
        CancellationTokenRegistration[] registrations;
        lock (_lock)
        {
            registrations = _registrations;
            _registrations = [];
        }

        foreach (var registration in registrations) registration.Unregister();
    }

    // A timer that runs holds the body, its buffers and what the answer's flow holds until it fires: not for an answer that has ended.
    private void StopTimerForGood()
    {
        ITimer? timer;
        lock (_lock) timer = _idleTimer;
        timer?.Dispose();
    }

    // Under the lock.
    private bool TryEnd(BodyEnd end, CancellationToken cancelledToken)
    {
        if (_end != BodyEnd.None || _completed) return false;
        CancelledToken = cancelledToken;
        _end = end;
        return true;
    }

    private void Disconnect(bool reading)
    {
        Unregister();
        StopTimerForGood();
        _telemetry?.Abort(_end);

        // Outside the lock: both run other people's code. A read that is pending is cancelled and disposes the connection itself when it ends,
        // since a stream that is being read must not be disposed; no new one can begin.
        if (reading)
        {
            _abortReads.Cancel();
            _pipe.CancelPendingRead();
        }
        else
        {
            _connection.Dispose();
        }
    }

    /// <summary>Gives the buffers back and frees the connection. Only for the consumer's own thread: chunks end here.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            if (_completed) return;
            if (_reading)
            {
                // Its buffer is still being written to; the read completes the body when it ends.
                _completeAfterRead = true;
            }
            else
            {
                _completed = true;
            }
        }

        if (!_completed)
        {
            Abort(BodyEnd.Disposed);
            return;
        }

        Unregister();
        _telemetry?.Abort(BodyEnd.Disposed);
        StopTimerForGood();
        _pipe.Complete();
        _connection.Dispose();
    }

    private void BeginRead()
    {
        lock (_lock)
        {
            if (_end != BodyEnd.None) throw new BodyEndedException();
            if (_reading) throw new InvalidOperationException("The previous MoveNextAsync is still in progress. Await it before the next one: an answer has one reader.");
            _reading = true;
        }
    }

    private void EndRead()
    {
        bool aborted, complete;
        lock (_lock)
        {
            _reading = false;
            aborted = _end != BodyEnd.None;
            complete = _completeAfterRead;
        }

        if (complete) Complete();
        else if (aborted) _connection.Dispose();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<T> WithinIdleTimeoutAsync<T>(ValueTask<T> read)
    {
        if (read.IsCompleted) return await read.ConfigureAwait(false);
        StartIdleTimer();
        try
        {
            return await read.ConfigureAwait(false);
        }
        finally
        {
            StopIdleTimer();
        }
    }

    private void StartIdleTimer()
    {
        if (_idleTimeout == Timeout.InfiniteTimeSpan) return;
        lock (_lock)
        {
            // The read is being cancelled: a timer that is made now would outlive the answer.
            if (_end != BodyEnd.None) return;
            _waiting = true;
            _waitingSince = _timeProvider.GetTimestamp();
            if (_timerRuns) return;
            _timerRuns = true;
            _idleTimer ??= _timeProvider.CreateTimer(static body => ((ResponseStreamBody)body!).OnIdle(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        _idleTimer.Change(_idleTimeout, Timeout.InfiniteTimeSpan);
    }

    // The timer runs on: setting it costs more than looking at the clock once when it fires.
    private void StopIdleTimer()
    {
        lock (_lock) _waiting = false;
    }

    private void OnIdle()
    {
        TimeSpan left;
        bool reading;
        lock (_lock)
        {
            // Nothing is waited for: the next wait sets the timer again.
            if (!_waiting)
            {
                _timerRuns = false;
                return;
            }

            left = _idleTimeout - _timeProvider.GetElapsedTime(_waitingSince);
            if (left <= TimeSpan.Zero && !TryEnd(BodyEnd.Idle, default)) return;
            reading = _reading;
        }

        // This wait began after the timer was set, or the timer fired early: it counts whole milliseconds, and another clock than that of timestamps.
        if (left > TimeSpan.Zero) _idleTimer!.Change(left < ShortestTimer ? ShortestTimer : left, Timeout.InfiniteTimeSpan);
        else Disconnect(reading);
    }
}

/// <summary>Why an answer was ended from outside.</summary>
internal enum BodyEnd
{
    None,
    Cancelled,
    Idle,
    Disposed,
}

/// <summary>Between <see cref="ResponseStreamBody"/> and its reader: the body was aborted, and <see cref="ResponseStreamBody.End"/> says why.</summary>
internal sealed class BodyEndedException : Exception;
