using System.Diagnostics.CodeAnalysis;

namespace LambdaStreaming.ResponseStream;

/// <summary>Limits each wait for bytes. Time in which nobody waits does not count.</summary>
/// <remarks>The callback and the timer's own members are called outside the lock, so both may use locks of their own.</remarks>
internal sealed class IdleTimer(TimeProvider timeProvider, TimeSpan timeout, Action onIdle) : IDisposable
{
    private static readonly TimeSpan ShortestTimer = TimeSpan.FromMilliseconds(1);

    private readonly object _lock = new();
    private ITimer? _timer;
    private long _waitingSince;
    private bool _isWaiting;
    private bool _isScheduled;
    private bool _isDisposed;

    /// <summary>Begins a wait. Does nothing after <see cref="Dispose"/>.</summary>
    public void BeginWait()
    {
        if (timeout == Timeout.InfiniteTimeSpan) return;
        lock (_lock)
        {
            // A timer created now would outlive the response.
            if (_isDisposed) return;
            _isWaiting = true;
            _waitingSince = timeProvider.GetTimestamp();
            if (_isScheduled) return;
            _isScheduled = true;
            _timer ??= CreateTimer();
        }

        _timer.Change(timeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends a wait. The timer keeps running: checking the time when it fires is cheaper than resetting it for each wait.</summary>
    public void EndWait()
    {
        lock (_lock) _isWaiting = false;
    }

    /// <summary>Stops the timer for good. An active timer would root the response until it fires.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _isWaiting = false;
            _timer?.Dispose();
        }
    }

    private void OnTimer()
    {
        TimeSpan left;
        lock (_lock)
        {
            // Nobody waits: the next wait sets the timer again.
            _isScheduled = _isWaiting;
            if (!_isWaiting) return;

            // The wait may have begun after the timer was set, and timers count whole milliseconds: they may fire early.
            left = timeout - timeProvider.GetElapsedTime(_waitingSince);
            if (left <= TimeSpan.Zero) _isWaiting = false;
        }

        if (left <= TimeSpan.Zero) onIdle();
        else _timer!.Change(left < ShortestTimer ? ShortestTimer : left, Timeout.InfiniteTimeSpan);
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes the timer.")]
    private ITimer CreateTimer() => timeProvider.CreateTimer(
        static timer => ((IdleTimer)timer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
