using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Configuration;

public sealed class TimeLimitTests
{
    [Fact]
    public void Dispose_TimeHasNotElapsed_LeavesNoTimer()
    {
        var clock = new ManualClock();
        using var cancellation = new CancellationTokenSource();

        var limit = new TimeLimit(TimeSpan.FromMinutes(1), clock, cancellation.Token);
        Assert.Equal((1, false), (clock.Alive, limit.HasElapsed));
        limit.Dispose();

        Assert.Equal(0, clock.Alive);
    }
}
