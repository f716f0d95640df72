using Amazon.Runtime;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.Signing;

/// <summary>The time limit for resolving credentials, even if their source ignores its cancellation token.</summary>
public sealed class CredentialsTimeoutTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void CredentialsTimeout_Default_IsOneMinute() =>
        Assert.Equal(TimeSpan.FromSeconds(60), new LambdaStreamingClientOptions().CredentialsTimeout);

    [Theory, InlineData(0), InlineData(-5)]
    public void CredentialsTimeout_NotPositive_Throws(int seconds)
    {
        var options = StubbedClient.Options();
        options.CredentialsTimeout = TimeSpan.FromSeconds(seconds);

        var exception = Assert.Throws<ArgumentException>(() => new LambdaStreamingClient(options));

        Assert.Equal(nameof(LambdaStreamingClientOptions.CredentialsTimeout), exception.ParamName);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_CredentialsNeverArrive_ThrowsAtCredentialsTimeoutAndSendsNothing(
        bool blocksTheThread)
    {
        var clock = new FakeTimeProvider();
        using var never = new ManualResetEventSlim();
        var requested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sends = 0;
        using var client = CreateClient(clock, () => sends++, NeverArriving(requested, blocksTheThread ? never : null));
        var call = client.InvokeWithResponseStreamAsync(new("f"), Ct);
        await requested.Task.WaitAsync(LocalService.TooLong, Ct);

        clock.Advance(TimeSpan.FromSeconds(2));
        var failingCall = call.WaitAsync(LocalService.TooLong, Ct);
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => failingCall);
        never.Set();

        Assert.Equal((0, false, 0), (exception.Attempts, exception.FunctionMayHaveRun, sends));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialsTimeoutIsInfinite_WaitsForTheCredentials()
    {
        var clock = new FakeTimeProvider();
        var requested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = CreateClient(clock, () => { }, NeverArriving(requested, null), Timeout.InfiniteTimeSpan);
        using var cancelling = new CancellationTokenSource();
        var call = client.InvokeWithResponseStreamAsync(new("f"), cancelling.Token);
        await requested.Task.WaitAsync(LocalService.TooLong, Ct);

        clock.Advance(TimeSpan.FromDays(1));
        await cancelling.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(LocalService.TooLong, Ct));
    }

    private static LambdaStreamingClient CreateClient(
        FakeTimeProvider clock,
        Action send,
        AWSCredentials credentials,
        TimeSpan? timeout = null) =>
        StubbedClient.Sending(
            (_, _) =>
            {
                send();
                throw new InvalidOperationException("Nothing must be sent.");
            },
            options =>
            {
                options.Credentials = credentials;
                options.CredentialsTimeout = timeout ?? TimeSpan.FromSeconds(2);
                options.TimeProvider = clock;
            });

    private static StubbedCredentials NeverArriving(TaskCompletionSource requested, ManualResetEventSlim? blocking) =>
        new(async _ =>
        {
            requested.TrySetResult();
            if (blocking is not null)
                blocking.Wait(CancellationToken.None);
            else
                await new TaskCompletionSource().Task;
            throw new NotSupportedException();
        });
}
