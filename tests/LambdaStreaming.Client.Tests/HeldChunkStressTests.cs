using LambdaStreaming.Testing;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>
/// Other threads cancel and dispose while a consumer reads a chunk. The chunk never shows bytes of another chunk.
/// </summary>
[Trait("Repeats", "ForMinutes")]
[Collection(NonParallelCollection.Name)]
public class HeldChunkStressTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private const int Calls = 300;
    private const int ReadsPerChunk = 50;

    [Fact]
    public async Task ToArray_OtherThreadCancelsOrDisposes_NeverReturnsBytesOfAnotherChunk()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            options => options.AddFunction("numbered", WriteNumberedChunksAsync), Ct);
        using var client = server.CreateClient();
        var reads = 0;

        var parallel = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Ct };
        await Parallel.ForEachAsync(Enumerable.Range(0, Calls), parallel, async (call, _) =>
        {
            using var source = new CancellationTokenSource();
            var response = await client.InvokeAsync("numbered", source.Token);
            var chunksBefore = call % 7;
            try
            {
                var received = 0;
                await foreach (var chunk in response.ReadChunksAsync(CancellationToken.None))
                {
                    if (received++ == chunksBefore)
                    {
                        Action end = call % 2 == 0 ? source.Cancel : response.Dispose;
                        var ending = Task.Run(end, CancellationToken.None);
                    }

                    for (var read = 0; read < ReadsPerChunk; read++)
                    {
                        var payload = chunk.ToArray();
                        Assert.All(payload, value => Assert.Equal(payload[0], value));
                        Assert.Equal((byte)received, payload[0]);
                        Interlocked.Increment(ref reads);
                    }
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
            {
                // The other thread cancelled or disposed.
            }

            response.Dispose();
        });

        Assert.True(reads > Calls * ReadsPerChunk);
        client.Dispose();   // closes the idle connection of a call that completed before it was ended
        await server.WaitForOpenConnectionsAsync(0, Ct).WaitAsync(TooLong, Ct);
    }

    // Each byte of chunk n is n. The sizes make some chunks cross the segments of the pipe.
    private static async Task WriteNumberedChunksAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        for (var number = 1; number <= 250; number++)
        {
            var chunk = new byte[(number * 37) % 3000 + 1];
            Array.Fill(chunk, (byte)number);
            await response.WriteAsync(chunk, cancellationToken);
        }
    }
}
