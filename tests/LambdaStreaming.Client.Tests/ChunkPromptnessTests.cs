using LambdaStreaming.Tests.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>A chunk is returned as soon as its last byte has arrived.</summary>
public class ChunkPromptnessTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MoveNextAsync_MessagesArriveInHalves_ReturnsEachChunkWithItsSecondHalf()
    {
        const int Count = 5;
        var received = Enumerable.Range(0, Count + 1)
            .Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
            .ToArray();
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync(
                "HTTP/1.1 200 OK\r\n"
                + "Content-Type: application/vnd.amazon.eventstream\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n");
            for (var i = 0; i < Count; i++)
            {
                // Writes the rest of one message and the first half of the next. Then it waits until the client has
                // received the complete message.
                var message = Messages.Chunk($"chunk {i}");
                var next = i + 1 < Count ? Messages.Chunk($"chunk {i + 1}") : Messages.Complete();
                byte[] bytes = [.. i == 0 ? message : message[(message.Length / 2)..], .. next[..(next.Length / 2)]];
                await connection.WriteAsync($"{bytes.Length:x}\r\n");
                await connection.WriteAsync((byte[])[.. bytes, .. "\r\n"u8]);
                await received[i].Task;
            }

            var complete = Messages.Complete();
            await connection.WriteAsync($"{complete.Length - (complete.Length / 2):x}\r\n");
            await connection.WriteAsync((byte[])[.. complete[(complete.Length / 2)..], .. "\r\n0\r\n\r\n"u8]);
        });
        using var client = server.CreateClient();
        await using var response = await client.InvokeAsync("f");
        await using var chunks = response.ReadChunksAsync(Ct).GetAsyncEnumerator(Ct);

        for (var i = 0; i < Count; i++)
        {
            Assert.True(await chunks.MoveNextAsync().AsTask().WaitAsync(TooLong, Ct));
            Assert.Equal(System.Text.Encoding.UTF8.GetBytes($"chunk {i}"), chunks.Current.ToArray());
            received[i].SetResult();
        }

        Assert.False(await chunks.MoveNextAsync());
    }
}
