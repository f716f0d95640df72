using System.Diagnostics.CodeAnalysis;

namespace LambdaStreaming.ResponseStream;

/// <summary>Limits the time of each wait for bytes. Only waiting time counts.</summary>
/// <remarks>
/// The callback and <see cref="ITimer.Change"/> are called outside the lock, so that both can use other locks.
/// </remarks>
internal sealed class IdleTimer(TimeProvider timeProvider, TimeSpan timeout, Action onIdle) : IDisposable
{
    private static readonly TimeSpan MinDueTime = TimeSpan.FromMilliseconds(1);

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
            // A timer created after Dispose would outlive the response.
            if (_isDisposed) return;
            _isWaiting = true;
            _waitingSince = timeProvider.GetTimestamp();
            if (_isScheduled) return;
            _isScheduled = true;
            _timer ??= CreateTimer();
        }

        _timer.Change(timeout, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Ends a wait.</summary>
    /// <remarks>
    /// The timer keeps running. Checking the elapsed time when it fires is cheaper than resetting it for each wait.
    /// </remarks>
    public void EndWait()
    {
        lock (_lock) _isWaiting = false;
    }

    /// <summary>
    /// Stops the timer permanently. An active timer would keep the response in memory until it fires.
    /// </summary>
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
        TimeSpan remaining;
        lock (_lock)
        {
            // If no wait is in progress, the next wait sets the timer again.
            _isScheduled = _isWaiting;
            if (!_isWaiting) return;

            // Time can remain: the wait might have begun after the timer was set. Timers also have a resolution of one
            // millisecond and can fire early.
            remaining = timeout - timeProvider.GetElapsedTime(_waitingSince);
        }

        if (remaining <= TimeSpan.Zero) onIdle();
        else _timer!.Change(remaining < MinDueTime ? MinDueTime : remaining, Timeout.InfiniteTimeSpan);
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes the timer.")]
    private ITimer CreateTimer() => timeProvider.CreateTimer(
        static timer => ((IdleTimer)timer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
