using System.Collections.Concurrent;

namespace LambdaStreaming.Tests;

/// <summary>A clock whose timers fire when the test calls a method.</summary>
internal sealed class ManualClock : TimeProvider
{
    private readonly ConcurrentBag<ManualTimer> _timers = [];
    private int _alive;

    public TimeSpan Now { get; set; }

    /// <summary>Number of timers that have not been disposed.</summary>
    public int Alive => Volatile.Read(ref _alive);

    /// <summary>All due times to which timers were set, in order.</summary>
    public ConcurrentQueue<TimeSpan> Waits { get; } = new();

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Now.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        Interlocked.Increment(ref _alive);
        timer.Change(dueTime, period);
        _timers.Add(timer);
        return timer;
    }

    /// <summary>
    /// Fires the timers that are due within 1 ms, including stopped ones, as if they were stopped too late.
    /// </summary>
    public void Fire()
    {
        foreach (var timer in _timers) timer.Fire(TimeSpan.FromMilliseconds(1), evenIfStopped: true);
    }

    /// <summary>Fires the timers that are due and not stopped.</summary>
    public void FireIfDue()
    {
        foreach (var timer in _timers) timer.Fire(TimeSpan.Zero, evenIfStopped: false);
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan? _due;
        private TimeSpan _lastDue = TimeSpan.MaxValue;
        private int _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _due = dueTime == Timeout.InfiniteTimeSpan ? null : clock.Now + dueTime;
            if (_due is not { } due) return true;
            _lastDue = due;
            clock.Waits.Enqueue(dueTime);
            return true;
        }

        public void Fire(TimeSpan early, bool evenIfStopped)
        {
            if ((evenIfStopped ? _lastDue : _due) is not { } due || due - early > clock.Now) return;
            _due = null;
            callback(state);
        }

        public void Dispose()
        {
            _due = null;
            if (Interlocked.Exchange(ref _disposed, 1) == 0) Interlocked.Decrement(ref clock._alive);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
