using System.Text;
using LambdaStreaming.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>Who holds the connection, for how long, and what a chunk is worth after its time.</summary>
[Collection(AloneCollection.Name)]
public sealed class LifetimeTests : IAsyncLifetime
{
    private LocalLambdaServer _server = null!;
    private LambdaStreamingClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await LocalLambdaServer.StartAsync(options =>
        {
            options.AddFunction("three", Three);
            options.AddFunction("silent", TwoThenStall);
            options.AddFunction("endless", Endless);
            options.AddFunction("never-answers", (_, _, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
        });
        _client = _server.CreateClient();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Theory, InlineData("silent"), InlineData("endless")]
    public async Task ReadChunksAsync_Break_ClosesTheConnectionAtOnce(string function)
    {
        await using var response = await _client.InvokeAsync(function);

        await foreach (var _ in response.ReadChunksAsync(TestContext.Current.CancellationToken)) break;

        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task Enumeration_ThrowInTheLoop_ClosesTheConnectionAtOnce()
    {
        await using var response = await _client.InvokeAsync("silent");

        await Assert.ThrowsAsync<DivideByZeroException>(async () =>
        {
            await foreach (var _ in response) throw new DivideByZeroException();
        });

        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task Enumeration_CallTokenCancelledWhileWaiting_ThrowsWithThatToken()
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("silent", source.Token);
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync();

        await source.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await waiting);
        Assert.Equal(source.Token, exception.CancellationToken);
        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task Enumeration_CallTokenCancelledWhileAChunkIsHeld_ClosesAtOnceAndLeavesTheChunk()
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("silent", source.Token);
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();

        await source.CancelAsync();

        await AssertClientDisconnectedAsync();
        Assert.Equal("one"u8.ToArray(), chunks.Current.ToArray());
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await chunks.MoveNextAsync());
        Assert.Equal(source.Token, exception.CancellationToken);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Enumeration_EnumeratorTokenCancelled_ThrowsWithThatToken(bool events)
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("silent");

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            if (events)
            {
                await foreach (var _ in response.WithCancellation(source.Token)) await source.CancelAsync();
            }
            else
            {
                await foreach (var _ in response.ReadChunksAsync(source.Token)) await source.CancelAsync();
            }
        });

        Assert.Equal(source.Token, exception.CancellationToken);
        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task InvokeAsync_CancelledBeforeTheHead_ThrowsWithThatToken()
    {
        using var source = new CancellationTokenSource();
        var call = _client.InvokeAsync("never-answers", source.Token);
        var request = await _server.WaitForRequestAsync(TestContext.Current.CancellationToken).WaitAsync(TooLong, TestContext.Current.CancellationToken);

        await source.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, exception.CancellationToken);
        await request.ClientDisconnected.WaitAsync(Soon, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task InvokeAsync_TokenCancelledBefore_SendsNothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _client.InvokeAsync("three", new CancellationToken(canceled: true)));

        Assert.Equal(0, _server.TotalConnections);
    }

    [Fact]
    public async Task Dispose_Unread_ClosesTheConnectionAtOnce()
    {
        var response = await _client.InvokeAsync("silent");

        response.Dispose();
        response.Dispose();
        await response.DisposeAsync();

        await AssertClientDisconnectedAsync();
        Assert.Throws<ObjectDisposedException>(() => response.GetAsyncEnumerator(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Dispose_FromAnotherThreadWhileWaiting_EndsTheEnumeration()
    {
        var response = await _client.InvokeAsync("silent");
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync();

        await Task.Run(response.Dispose, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task Dispose_FromAnotherThreadWhileAChunkIsHeld_LeavesTheChunk()
    {
        var response = await _client.InvokeAsync("silent");
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();

        await Task.Run(response.Dispose, TestContext.Current.CancellationToken);

        Assert.Equal("one"u8.ToArray(), chunks.Current.ToArray());
        await AssertClientDisconnectedAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task EnumeratorDisposeAsync_WhileAReadIsPending_EndsTheReadAndClosesTheConnection()
    {
        await using var response = await _client.InvokeAsync("silent");
        var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync();

        await chunks.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
        await AssertClientDisconnectedAsync();
    }

    [Theory, InlineData("events"), InlineData("chunks"), InlineData("break at the end"), InlineData("stream")]
    public async Task InvokeAsync_FiveWholeAnswersInTurn_UseOneConnection(string how)
    {
        for (var i = 0; i < 5; i++)
        {
            await using var response = await _client.InvokeAsync("three");
            switch (how)
            {
                case "events":
                    await foreach (var _ in response) continue;
                    break;
                case "chunks":
                    await foreach (var _ in response.ReadChunksAsync(TestContext.Current.CancellationToken)) continue;
                    break;
                case "stream":
                    await response.AsStream().CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
                    break;
                default:
                    await foreach (var item in response) if (item.InvokeComplete is not null) break;
                    break;
            }

            Assert.NotNull(response.InvokeComplete);
        }

        Assert.Equal(5, _server.Requests.Count);
        Assert.Equal(1, _server.TotalConnections);
    }

    [Fact]
    public async Task Payload_AfterMoveNextOrTheEnd_Throws()
    {
        await using var response = await _client.InvokeAsync("three");
        var kept = new List<PayloadChunk>();

        await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken))
        {
            Assert.All(kept, old => Assert.Throws<InvalidOperationException>(() => old.Payload));
            kept.Add(chunk);
            Assert.True(chunk.Length is 3 or 5);
        }

        Assert.Equal(3, kept.Count);
        Assert.All(kept, old => Assert.Throws<InvalidOperationException>(() => old.ToArray()));
        Assert.All(kept, old => Assert.Throws<InvalidOperationException>(() => old.Length));
        Assert.Throws<InvalidOperationException>(() => default(PayloadChunk).Payload);
    }

    [Fact]
    public async Task Payload_AfterTheEnumeratorWasDisposed_Throws()
    {
        await using var response = await _client.InvokeAsync("silent");
        PayloadChunk kept = default;

        await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken))
        {
            kept = chunk;
            break;
        }

        Assert.Throws<InvalidOperationException>(() => kept.Payload);
    }

    [Fact]
    public async Task GetAsyncEnumerator_SecondTime_Throws()
    {
        await using var response = await _client.InvokeAsync("three");
        await foreach (var _ in response) continue;

        Assert.Throws<InvalidOperationException>(() => response.GetAsyncEnumerator(TestContext.Current.CancellationToken));
        Assert.Throws<InvalidOperationException>(() => response.AsStream());
    }

    [Fact]
    public async Task MoveNextAsync_WhileAnotherIsPending_IsRefused()
    {
        await using var response = await _client.InvokeAsync("silent");
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var waiting = chunks.MoveNextAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await chunks.MoveNextAsync());

        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await waiting);
    }

    [Fact]
    public async Task MoveNextAsync_AfterAFailure_FailsAgain()
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("silent", source.Token);
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await chunks.MoveNextAsync();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await chunks.MoveNextAsync());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task ReadOwnedChunksAsync_Kept_StayWhatTheyWere()
    {
        await using var response = await _client.InvokeAsync("three");

        var kept = new List<ReadOnlyMemory<byte>>();
        await foreach (var chunk in response.ReadOwnedChunksAsync(TestContext.Current.CancellationToken)) kept.Add(chunk);

        Assert.Equal(["one", "two", "three"], kept.Select(chunk => Encoding.UTF8.GetString(chunk.Span)));
    }

    [Fact]
    public async Task DryRun_Allowed_IsAnEmptyAnswerWithStatus204()
    {
        await using var response = await _client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("three") { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken);

        Assert.Equal(204, (int)response.StatusCode);
        await foreach (var _ in response) Assert.Fail("A dry run has no event.");
        Assert.Null(response.InvokeComplete);
    }

    private async Task AssertClientDisconnectedAsync()
    {
        var request = await _server.WaitForRequestAsync(TestContext.Current.CancellationToken).WaitAsync(TooLong, TestContext.Current.CancellationToken);
        await request.ClientDisconnected.WaitAsync(Soon, TestContext.Current.CancellationToken);
    }
}
