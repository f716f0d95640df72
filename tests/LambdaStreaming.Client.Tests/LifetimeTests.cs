using System.Text;
using LambdaStreaming.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>Lifetime of the connection and of chunks.</summary>
[Collection(NonParallelCollection.Name)]
public sealed class LifetimeTests : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private LocalLambdaServer _server = null!;
    private LambdaStreamingClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await LocalLambdaServer.StartAsync(options =>
        {
            options.AddFunction("three", Three);
            options.AddFunction("idle", TwoThenStall);
            options.AddFunction("endless", Endless);
            options.AddFunction(
                "no-response", (_, _, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken));
        });

        // Nothing here depends on a timer. With the clock of the machine, a pause of the machine ends the wait for the
        // end of a body.
        _client = _server.CreateClient(options => options.TimeProvider = new ManualClock());
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Theory, InlineData("idle"), InlineData("endless")]
    public async Task ReadChunksAsync_Break_ClosesTheConnectionAtOnce(string function)
    {
        await using var response = await _client.InvokeAsync(function);

        await foreach (var _ in response.ReadChunksAsync(Ct)) break;

        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task GetAsyncEnumerator_LoopThrows_ClosesTheConnectionAtOnce()
    {
        await using var response = await _client.InvokeAsync("idle");

        await Assert.ThrowsAsync<DivideByZeroException>(async () =>
        {
            await foreach (var _ in response) throw new DivideByZeroException();
        });

        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task MoveNextAsync_CallTokenIsCancelledWhileWaiting_ThrowsWithThatToken()
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("idle", source.Token);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync();

        await source.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await move);
        Assert.Equal(source.Token, exception.CancellationToken);
        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task MoveNextAsync_CallTokenIsCancelledWhileAChunkIsHeld_ClosesTheConnectionAndKeepsTheChunk()
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("idle", source.Token);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        await source.CancelAsync();

        await AssertClientDisconnectedAsync();
        Assert.Equal("one"u8.ToArray(), chunks.Current.ToArray());
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await chunks.MoveNextAsync());
        Assert.Equal(source.Token, exception.CancellationToken);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task MoveNextAsync_EnumeratorTokenIsCancelled_ThrowsWithThatToken(bool events)
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("idle");

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
    public async Task InvokeWithResponseStreamAsync_CancelledBeforeTheResponseHeaders_ThrowsWithThatToken()
    {
        using var source = new CancellationTokenSource();
        var call = _client.InvokeAsync("no-response", source.Token);
        var request = await _server.WaitForRequestAsync(Ct).WaitAsync(TooLong, Ct);

        await source.CancelAsync();

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, exception.CancellationToken);
        await request.ClientDisconnected.WaitAsync(TooLong, Ct);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TokenIsAlreadyCancelled_SendsNothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _client.InvokeAsync("three", new CancellationToken(canceled: true)));

        Assert.Equal(0, _server.TotalConnections);
    }

    [Fact]
    public async Task Dispose_ResponseIsNotRead_ClosesTheConnectionAtOnce()
    {
        var response = await _client.InvokeAsync("idle");

        response.Dispose();
        response.Dispose();
        await response.DisposeAsync();

        await AssertClientDisconnectedAsync();
        Assert.Throws<ObjectDisposedException>(() => response.GetAsyncEnumerator(Ct));
    }

    [Fact]
    public async Task Dispose_FromAnotherThreadWhileWaiting_EndsTheEnumeration()
    {
        var response = await _client.InvokeAsync("idle");
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync();

        await Task.Run(response.Dispose, Ct);

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await move);
        await AssertClientDisconnectedAsync();
    }

    [Fact]
    public async Task Dispose_FromAnotherThreadWhileAChunkIsHeld_KeepsTheChunk()
    {
        var response = await _client.InvokeAsync("idle");
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();

        await Task.Run(response.Dispose, Ct);

        Assert.Equal("one"u8.ToArray(), chunks.Current.ToArray());
        await AssertClientDisconnectedAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task DisposeAsync_EnumeratorHasAPendingRead_EndsTheReadAndClosesTheConnection()
    {
        await using var response = await _client.InvokeAsync("idle");
        var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync();

        await chunks.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await move);
        await AssertClientDisconnectedAsync();
    }

    [Theory, InlineData("events"), InlineData("chunks"), InlineData("break at the end"), InlineData("stream")]
    public async Task InvokeWithResponseStreamAsync_FiveCompleteResponsesInSequence_UsesOneConnection(string reader)
    {
        for (var i = 0; i < 5; i++)
        {
            await using var response = await _client.InvokeAsync("three");
            switch (reader)
            {
                case "events":
                    await foreach (var _ in response) continue;
                    break;
                case "chunks":
                    await foreach (var _ in response.ReadChunksAsync(Ct)) continue;
                    break;
                case "stream":
                    await response.AsStream().CopyToAsync(Stream.Null, Ct);
                    break;
                default:
                    await foreach (var item in response)
                    {
                        if (item.InvokeComplete is not null) break;
                    }

                    break;
            }

            Assert.NotNull(response.InvokeComplete);
        }

        Assert.Equal(5, _server.Requests.Count);
        Assert.Equal(1, _server.TotalConnections);
    }

    [Fact]
    public async Task Payload_EnumerationHasAdvancedOrEnded_Throws()
    {
        await using var response = await _client.InvokeAsync("three");
        var kept = new List<PayloadChunk>();

        await foreach (var chunk in response.ReadChunksAsync(Ct))
        {
            Assert.All(kept, chunkBefore => Assert.Throws<InvalidOperationException>(() => chunkBefore.Payload));
            kept.Add(chunk);
            Assert.True(chunk.Length is 3 or 5);
        }

        Assert.Equal(3, kept.Count);
        Assert.All(kept, chunkBefore => Assert.Throws<InvalidOperationException>(() => chunkBefore.ToArray()));
        Assert.All(kept, chunkBefore => Assert.Throws<InvalidOperationException>(() => chunkBefore.Length));
        Assert.Throws<InvalidOperationException>(() => default(PayloadChunk).Payload);
    }

    [Fact]
    public async Task Payload_EnumeratorIsDisposed_Throws()
    {
        await using var response = await _client.InvokeAsync("idle");
        PayloadChunk kept = default;

        await foreach (var chunk in response.ReadChunksAsync(Ct))
        {
            kept = chunk;
            break;
        }

        Assert.Throws<InvalidOperationException>(() => kept.Payload);
    }

    [Fact]
    public async Task GetAsyncEnumerator_CalledTwice_Throws()
    {
        await using var response = await _client.InvokeAsync("three");
        await foreach (var _ in response) continue;

        Assert.Throws<InvalidOperationException>(() => response.GetAsyncEnumerator(Ct));
        Assert.Throws<InvalidOperationException>(() => response.AsStream());
    }

    [Fact]
    public async Task MoveNextAsync_AnotherMoveIsPending_Throws()
    {
        await using var response = await _client.InvokeAsync("idle");
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await chunks.MoveNextAsync();
        var move = chunks.MoveNextAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await chunks.MoveNextAsync());

        response.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await move);
    }

    [Fact]
    public async Task MoveNextAsync_CalledAfterAFailure_ThrowsAgain()
    {
        using var source = new CancellationTokenSource();
        await using var response = await _client.InvokeAsync("idle", source.Token);
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);
        await chunks.MoveNextAsync();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await chunks.MoveNextAsync());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await chunks.MoveNextAsync());
    }

    [Fact]
    public async Task ReadOwnedChunksAsync_ChunksAreKept_KeepTheirBytes()
    {
        await using var response = await _client.InvokeAsync("three");

        var kept = new List<ReadOnlyMemory<byte>>();
        await foreach (var chunk in response.ReadOwnedChunksAsync(Ct))
            kept.Add(chunk);

        Assert.Equal(["one", "two", "three"], kept.Select(chunk => Encoding.UTF8.GetString(chunk.Span)));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_DryRunIsAllowed_ReturnsAnEmptyResponseWithStatus204()
    {
        var request = new InvokeWithResponseStreamRequest("three") { InvocationType = InvocationType.DryRun };

        await using var response = await _client.InvokeWithResponseStreamAsync(request, Ct);

        Assert.Equal(204, (int)response.StatusCode);
        await foreach (var _ in response) Assert.Fail("A dry run has no events.");
        Assert.Null(response.InvokeComplete);
    }

    private async Task AssertClientDisconnectedAsync()
    {
        var request = await _server.WaitForRequestAsync(Ct).WaitAsync(TooLong, Ct);
        await request.ClientDisconnected.WaitAsync(TooLong, Ct);
    }
}
