using LambdaStreaming.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>Other threads cancel and dispose while a consumer looks at the bytes of a chunk that it holds: never other bytes.</summary>
[Trait("Repeats", "ForMinutes")]
[Collection(AloneCollection.Name)]
public class HeldChunkStressTests
{
    private const int Calls = 300;
    private const int Looks = 50;

    [Fact]
    public async Task Chunk_HeldWhileOthersCancelAndDispose_NeverShowsOtherBytes()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("numbered", NumberedChunks), TestContext.Current.CancellationToken);
        using var client = server.CreateClient();
        var looks = 0;

        await Parallel.ForEachAsync(Enumerable.Range(0, Calls), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (call, _) =>
        {
            using var source = new CancellationTokenSource();
            var response = await client.InvokeAsync("numbered", source.Token);
            var chunksBefore = call % 7;
            try
            {
                var seen = 0;
                Task? other = null;
                await foreach (var chunk in response.ReadChunksAsync(CancellationToken.None))
                {
                    if (seen++ == chunksBefore) other = Task.Run(() => (call % 2 == 0 ? (Action)source.Cancel : response.Dispose)(), CancellationToken.None);
                    for (var look = 0; look < Looks; look++)
                    {
                        var payload = chunk.ToArray();
                        Assert.All(payload, value => Assert.Equal(payload[0], value));
                        Assert.Equal((byte)seen, payload[0]);
                        Interlocked.Increment(ref looks);
                    }
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                // What the other thread asked for.
            }

            response.Dispose();
        });

        Assert.True(looks > Calls * Looks);
        await server.WaitForOpenConnectionsAsync(0, TestContext.Current.CancellationToken).WaitAsync(TooLong, TestContext.Current.CancellationToken);
    }

    // Chunk n holds only the byte n, in a size that makes some of them cross the pipe's segments.
    private static async Task NumberedChunks(FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
    {
        for (var number = 1; number <= 250; number++)
        {
            var chunk = new byte[(number * 37) % 3000 + 1];
            Array.Fill(chunk, (byte)number);
            await response.WriteAsync(chunk, cancellationToken);
        }
    }
}
