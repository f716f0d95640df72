using LambdaStreaming.Testing;
using Microsoft.Extensions.Time.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>Silence is bounded, but only silence: the consumer's own time never counts. On a clock that the test moves.</summary>
[Collection(AloneCollection.Name)]
public sealed class IdleTimeoutTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LocalLambdaServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await LocalLambdaServer.StartAsync(options =>
    {
        options.AddFunction("silent", TwoThenStall);
        options.AddFunction("pausing", async (_, response, cancellationToken) =>
        {
            await response.WriteTextAsync("before", cancellationToken);
            await _goOn.Task.WaitAsync(cancellationToken);
            await response.WriteTextAsync("after", cancellationToken);
        });
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task MoveNextAsync_SilenceForTheIdleTimeout_ThrowsWithCountsAndClosesTheConnection()
    {
        using var client = Client(options => options.IdleTimeout = TimeSpan.FromMinutes(3));
        await using var response = await client.InvokeAsync("silent");
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync().AsTask();

        _clock.Advance(TimeSpan.FromMinutes(3) - TimeSpan.FromSeconds(1));
        Assert.False(waiting.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => waiting.WaitAsync(TooLong, TestContext.Current.CancellationToken));
        Assert.Equal((2, 6), (exception.ChunksReceived, exception.BytesReceived));
        await _server.Requests[0].ClientDisconnected.WaitAsync(Soon, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task MoveNextAsync_ConsumerTakesItsTime_DoesNotCountAsSilence()
    {
        using var client = Client(options => options.IdleTimeout = TimeSpan.FromSeconds(10));
        await using var response = await client.InvokeAsync("pausing");
        var seen = 0;

        await foreach (var _ in response.ReadChunksAsync(TestContext.Current.CancellationToken))
        {
            seen++;
            _clock.Advance(TimeSpan.FromHours(1));
            _goOn.TrySetResult();
        }

        Assert.Equal(2, seen);
    }

    [Fact]
    public async Task MoveNextAsync_TenSilentMinutesWithTheDefaults_GoesOn()
    {
        using var client = Client(_ => { });
        await using var response = await client.InvokeAsync("pausing");
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync();

        _clock.Advance(TimeSpan.FromMinutes(10));
        _goOn.TrySetResult();

        Assert.True(await waiting);
        Assert.Equal("after"u8.ToArray(), chunks.Current.ToArray());
    }

    [Fact]
    public async Task MoveNextAsync_RequestsOwnIdleTimeout_ReplacesTheClients()
    {
        using var client = Client(options => options.IdleTimeout = TimeSpan.FromMinutes(3));
        var request = new InvokeWithResponseStreamRequest("silent") { IdleTimeout = Timeout.InfiniteTimeSpan };
        await using var response = await client.InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken);
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync();

        _clock.Advance(TimeSpan.FromDays(7));

        Assert.False(waiting.IsCompleted);
        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
    }

    [Fact]
    public async Task InvokeAsync_NoHeadForTheHeadTimeout_ThrowsOnOurClock()
    {
        _server.AddFunction("mute", (_, _, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
        using var client = Client(_ => { });
        var call = client.InvokeAsync("mute");
        await _server.WaitForRequestAsync(TestContext.Current.CancellationToken).WaitAsync(TooLong, TestContext.Current.CancellationToken);

        _clock.Advance(TimeSpan.FromMinutes(15));
        Assert.False(call.IsCompleted);
        _clock.Advance(TimeSpan.FromMinutes(1));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => call.WaitAsync(TooLong, TestContext.Current.CancellationToken));
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Equal(1, exception.Attempts);
    }

    private LambdaStreamingClient Client(Action<LambdaStreamingClientOptions> configure) => _server.CreateClient(options =>
    {
        options.TimeProvider = _clock;
        configure(options);
    });
}
