using LambdaStreaming.Testing;
using Microsoft.Extensions.Time.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>Idle time is limited; time that the consumer takes never counts. The tests advance the clock.</summary>
[Collection(NonParallelCollection.Name)]
public sealed class IdleTimeoutTests : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly TaskCompletionSource _mayContinue = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LocalLambdaServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await LocalLambdaServer.StartAsync(options =>
    {
        options.AddFunction("idle", TwoThenStall);
        options.AddFunction("pausing", async (_, response, cancellationToken) =>
        {
            await response.WriteTextAsync("before", cancellationToken);
            await _mayContinue.Task.WaitAsync(cancellationToken);
            await response.WriteTextAsync("after", cancellationToken);
        });
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task MoveNextAsync_IdleForIdleTimeout_ThrowsWithCountsAndClosesTheConnection()
    {
        using var client = CreateClient(options => options.IdleTimeout = TimeSpan.FromMinutes(3));
        await using var response = await client.InvokeAsync("idle");
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync().AsTask();

        _clock.Advance(TimeSpan.FromMinutes(3) - TimeSpan.FromSeconds(1));
        Assert.False(move.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));

        var exception = await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => move.WaitAsync(TooLong, Ct));
        Assert.Equal((2, 6), (exception.ChunksReceived, exception.BytesReceived));
        await _server.Requests[0].ClientDisconnected.WaitAsync(TooLong, Ct);
    }

    [Fact]
    public async Task MoveNextAsync_ConsumerIsSlow_DoesNotCountAsIdle()
    {
        using var client = CreateClient(options => options.IdleTimeout = TimeSpan.FromSeconds(10));
        await using var response = await client.InvokeAsync("pausing");
        var received = 0;

        await foreach (var _ in response.ReadChunksAsync(Ct))
        {
            received++;
            _clock.Advance(TimeSpan.FromHours(1));
            _mayContinue.TrySetResult();
        }

        Assert.Equal(2, received);
    }

    [Fact]
    public async Task MoveNextAsync_IdleForTenMinutesWithDefaultOptions_Continues()
    {
        using var client = CreateClient(_ => { });
        await using var response = await client.InvokeAsync("pausing");
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync();

        _clock.Advance(TimeSpan.FromMinutes(10));
        _mayContinue.TrySetResult();

        Assert.True(await move);
        Assert.Equal("after"u8.ToArray(), chunks.Current.ToArray());
    }

    [Fact]
    public async Task MoveNextAsync_RequestHasIdleTimeout_OverridesTheClientOptions()
    {
        using var client = CreateClient(options => options.IdleTimeout = TimeSpan.FromMinutes(3));
        var request = new InvokeWithResponseStreamRequest("idle") { IdleTimeout = Timeout.InfiniteTimeSpan };
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync();

        _clock.Advance(TimeSpan.FromDays(7));

        Assert.False(move.IsCompleted);
        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await move);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoHeadersWithinResponseHeadersTimeout_Throws()
    {
        _server.AddFunction(
            "no-response", (_, _, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
        using var client = CreateClient(_ => { });
        var call = client.InvokeAsync("no-response");
        await _server.WaitForRequestAsync(Ct).WaitAsync(TooLong, Ct);

        _clock.Advance(TimeSpan.FromMinutes(15));
        Assert.False(call.IsCompleted);
        _clock.Advance(TimeSpan.FromMinutes(1));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => call.WaitAsync(TooLong, Ct));
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Equal(1, exception.Attempts);
    }

    private LambdaStreamingClient CreateClient(Action<LambdaStreamingClientOptions> configure) =>
        _server.CreateClient(options =>
        {
            options.TimeProvider = _clock;
            configure(options);
        });
}
