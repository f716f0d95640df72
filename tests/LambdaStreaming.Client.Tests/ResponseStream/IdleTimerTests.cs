using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>The limit of each wait, on a clock that the test moves.</summary>
public sealed class IdleTimerTests
{
    private readonly ManualClock _clock = new();
    private int _idle;

    [Fact]
    public void OnTimer_WaitLastedTheTimeout_CallsBackOnce()
    {
        using var timer = Create();
        timer.BeginWait();

        AdvanceTo(TimeSpan.FromMinutes(1));
        AdvanceTo(TimeSpan.FromMinutes(2));

        Assert.Equal(1, _idle);
    }

    [Fact]
    public void BeginWait_WaitsInTurn_SetTheTimerOnce()
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
    public void OnTimer_NobodyWaits_TheNextWaitSetsItAgain()
    {
        using var timer = Create();
        timer.BeginWait();
        timer.EndWait();
        AdvanceTo(TimeSpan.FromMinutes(1));
        Assert.Equal(0, _idle);

        timer.BeginWait();
        Assert.Equal(2, _clock.Waits.Count);
        AdvanceTo(TimeSpan.FromMinutes(2));

        Assert.Equal(1, _idle);
    }

    // The wait begins after the timer was set. The rest may be less than a timer can count.
    [Theory]
    [InlineData(30_000, 30_000)]
    [InlineData(0.5, 1)]
    public void OnTimer_WaitBeganAfterTheTimerWasSet_SetsItToTheRest(double begins, double expected)
    {
        using var timer = Create();
        timer.BeginWait();
        timer.EndWait();
        _clock.Now = TimeSpan.FromMilliseconds(begins);
        timer.BeginWait();

        AdvanceTo(TimeSpan.FromMinutes(1));

        Assert.Equal(0, _idle);
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(expected)], _clock.Waits);
    }

    [Fact]
    public void BeginWait_InfiniteTimeout_CreatesNoTimer()
    {
        using var timer = new IdleTimer(_clock, Timeout.InfiniteTimeSpan, () => _idle++);

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
    public void OnTimer_FiresLateAfterDispose_DoesNotCallBack()
    {
        var timer = Create();
        timer.BeginWait();
        timer.Dispose();

        _clock.Now = TimeSpan.FromMinutes(1);
        _clock.Fire();

        Assert.Equal((0, 0), (_idle, _clock.Alive));
    }

    private IdleTimer Create() => new(_clock, TimeSpan.FromMinutes(1), () => _idle++);

    private void AdvanceTo(TimeSpan now)
    {
        _clock.Now = now;
        _clock.FireIfDue();
    }
}
