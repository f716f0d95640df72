using System.Diagnostics.CodeAnalysis;
using System.Threading.Tasks.Sources;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Waits for one operation at a time, and ends a wait if nothing has been written for the interval.</summary>
/// <remarks>
/// There is one timer per response, and a wait does not allocate. The timer keeps running when bytes are written:
/// checking the elapsed time when it fires is cheaper than resetting it for each chunk. The methods of
/// <see cref="ITimer"/> are called outside the lock, so that both can use locks.
/// </remarks>
internal sealed class KeepAliveTimer : IValueTaskSource<bool>, IDisposable
{
    private static readonly TimeSpan MinDueTime = TimeSpan.FromMilliseconds(1);

    private readonly object _lock = new();
    private readonly TimeProvider _timeProvider;
    private readonly TimeSpan _interval;
    private ManualResetValueTaskSourceCore<bool> _wait;
    private ITimer? _timer;
    private long _idleSince;
    private bool _isOperationCompleted;
    private bool _isWaiting;
    private bool _isScheduled;
    private bool _isDisposed;

    public KeepAliveTimer(TimeProvider timeProvider, TimeSpan interval)
    {
        _timeProvider = timeProvider;
        _interval = interval;
        OnOperationCompleted = CompleteOperation;
        _idleSince = timeProvider.GetTimestamp();
    }

    /// <summary>The continuation to register with the operation, after <see cref="BeginOperation"/>.</summary>
    public Action OnOperationCompleted { get; }

    /// <summary>Restarts the interval, because bytes are being written.</summary>
    public void Restart()
    {
        lock (_lock) _idleSince = _timeProvider.GetTimestamp();
    }

    /// <summary>Begins to wait for an operation.</summary>
    public void BeginOperation()
    {
        lock (_lock) _isOperationCompleted = false;
    }

    /// <summary>Waits until the operation completes or nothing has been written for the interval.</summary>
    /// <returns><see langword="true"/> if the operation has completed.</returns>
    public ValueTask<bool> WaitForOperationOrIntervalAsync()
    {
        var dueTime = Timeout.InfiniteTimeSpan;
        lock (_lock)
        {
            if (_isOperationCompleted) return new ValueTask<bool>(true);
            if (!_isScheduled && !_isDisposed && _interval != Timeout.InfiniteTimeSpan)
            {
                dueTime = GetRemainingTime();
                if (dueTime <= TimeSpan.Zero) return new ValueTask<bool>(false);
                _isScheduled = true;
                _timer ??= CreateTimer();
            }

            _wait.Reset();
            _isWaiting = true;
        }

        if (dueTime != Timeout.InfiniteTimeSpan) SetTimer(dueTime);
        return new ValueTask<bool>(this, _wait.Version);
    }

    /// <summary>Stops the timer, which would otherwise keep the response in memory until it fires.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _isWaiting = false;
        }

        _timer?.Dispose();
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags) => _wait.OnCompleted(continuation, state, token, flags);

    private void CompleteOperation()
    {
        lock (_lock)
        {
            _isOperationCompleted = true;
            if (!_isWaiting) return;
            _isWaiting = false;
        }

        _wait.SetResult(true);
    }

    private void OnTimer()
    {
        TimeSpan remaining;
        lock (_lock)
        {
            // If no wait is in progress, the next wait sets the timer again.
            _isScheduled = false;
            if (!_isWaiting) return;

            // Time can remain: bytes might have been written after the timer was set, and timers can fire early.
            remaining = GetRemainingTime();
            _isScheduled = remaining > TimeSpan.Zero;
            _isWaiting = _isScheduled;
        }

        if (remaining <= TimeSpan.Zero) _wait.SetResult(false);
        else SetTimer(remaining);
    }

    private TimeSpan GetRemainingTime() => _interval - _timeProvider.GetElapsedTime(_idleSince);

    private void SetTimer(TimeSpan dueTime) =>
        _timer!.Change(dueTime < MinDueTime ? MinDueTime : dueTime, Timeout.InfiniteTimeSpan);

    [SuppressMessage("Reliability", "CA2000", Justification = "Dispose disposes the timer.")]
    private ITimer CreateTimer() => _timeProvider.CreateTimer(
        static timer => ((KeepAliveTimer)timer!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
