using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>The idle timeout of each wait, on a clock that the test advances.</summary>
public sealed class IdleTimerTests
{
    private readonly ManualClock _clock = new();
    private int _callbacks;

    [Fact]
    public void OnTimer_WaitLastsAsLongAsTheTimeout_InvokesTheCallbackOnce()
    {
        using var timer = Create();
        timer.BeginWait();

        AdvanceTo(TimeSpan.FromMinutes(1));
        AdvanceTo(TimeSpan.FromMinutes(2));

        Assert.Equal(1, _callbacks);
    }

    [Fact]
    public void BeginWait_ConsecutiveWaits_SetTheTimerOnce()
    {
        using var timer = Create();
        for (var i = 0; i < 3; i++)
        {
            timer.BeginWait();
            timer.EndWait();
        }

        Assert.Equal([TimeSpan.FromMinutes(1)], _clock.Waits);
        Assert.Equal(1, _clock.Alive);
    }

    [Fact]
    public void OnTimer_NoWaitInProgress_NextWaitSetsTheTimer()
    {
        using var timer = Create();
        timer.BeginWait();
        timer.EndWait();
        AdvanceTo(TimeSpan.FromMinutes(1));
        Assert.Equal(0, _callbacks);

        timer.BeginWait();
        Assert.Equal((2, 1), (_clock.Waits.Count, _clock.Alive));
        AdvanceTo(TimeSpan.FromMinutes(2));

        Assert.Equal(1, _callbacks);
    }

    // The wait begins after the timer was set. The remaining time can be shorter than 1 ms, the minimum of a timer.
    [Theory]
    [InlineData(30_000, 30_000)]
    [InlineData(0.5, 1)]
    public void OnTimer_WaitBeganAfterTheTimerWasSet_SetsTheRemainingTime(double begins, double expected)
    {
        using var timer = Create();
        timer.BeginWait();
        timer.EndWait();
        _clock.Now = TimeSpan.FromMilliseconds(begins);
        timer.BeginWait();

        AdvanceTo(TimeSpan.FromMinutes(1));

        Assert.Equal(0, _callbacks);
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(expected)], _clock.Waits);
    }

    [Fact]
    public void BeginWait_InfiniteTimeout_CreatesNoTimer()
    {
        using var timer = new IdleTimer(_clock, Timeout.InfiniteTimeSpan, () => _callbacks++);

        timer.BeginWait();

        Assert.Equal(0, _clock.Alive);
    }

    [Fact]
    public void BeginWait_AfterDispose_CreatesNoTimer()
    {
        var timer = Create();
        timer.Dispose();

        timer.BeginWait();

        Assert.Equal(0, _clock.Alive);
    }

    [Fact]
    public void OnTimer_FiresAfterDispose_DoesNotInvokeTheCallback()
    {
        var timer = Create();
        timer.BeginWait();
        timer.Dispose();

        _clock.Now = TimeSpan.FromMinutes(1);
        _clock.Fire();

        Assert.Equal((0, 0), (_callbacks, _clock.Alive));
    }

    private IdleTimer Create() => new(_clock, TimeSpan.FromMinutes(1), () => _callbacks++);

    private void AdvanceTo(TimeSpan now)
    {
        _clock.Now = now;
        _clock.FireIfDue();
    }
}
