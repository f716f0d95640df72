using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>A fake clock that counts timers, and advances only while a timer is set.</summary>
/// <remarks>It ends delays at once, and records them.</remarks>
internal sealed class StepTimeProvider : FakeTimeProvider
{
    private volatile TaskCompletionSource _isSet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<TimeSpan> _delays = new();
    private int _timers;
    private int _changes;

    /// <summary>The number of timers that were created.</summary>
    public int Timers => Volatile.Read(ref _timers);

    /// <summary>The number of times that a timer was set.</summary>
    public int Changes => Volatile.Read(ref _changes);

    /// <summary>The delays that were awaited.</summary>
    public IReadOnlyCollection<TimeSpan> Delays => _delays;

    /// <summary>Advances the time once a timer is set. It must not be due before the end of this time.</summary>
    public async Task AdvanceAsync(TimeSpan time)
    {
        await _isSet.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Advance(time);
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != Timeout.InfiniteTimeSpan)
        {
            _delays.Enqueue(dueTime);
            return System.CreateTimer(callback, state, TimeSpan.Zero, period);
        }

        Interlocked.Increment(ref _timers);
        return new Timer(this, base.CreateTimer(Run, null, dueTime, period));

        void Run(object? _)
        {
            _isSet = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            callback(state);
        }
    }

    private sealed class Timer(StepTimeProvider owner, ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref owner._changes);
            var isChanged = inner.Change(dueTime, period);
            owner._isSet.TrySetResult();
            return isChanged;
        }

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
