using LambdaStreaming.Tests.EventStream;
using static LambdaStreaming.Tests.LocalService;

namespace LambdaStreaming.Tests;

/// <summary>A chunk is handed over as soon as its last byte is read, never held for the next.</summary>
public class ChunkPromptnessTests
{
    [Fact]
    public async Task MoveNextAsync_MessagesSentInHalves_GivesEachWithItsSecondHalf()
    {
        const int Count = 5;
        var goOn = Enumerable.Range(0, Count + 1).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).ToArray();
        await using var server = new RawServer(async connection =>
        {
            await connection.ReadRequestAsync();
            await connection.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (var i = 0; i < Count; i++)
            {
                // The rest of one message and the first half of the next in one write; then nothing, until the client has had the whole one.
                var message = Messages.Chunk($"chunk {i}");
                var next = i + 1 < Count ? Messages.Chunk($"chunk {i + 1}") : Messages.Complete();
                byte[] bytes = [.. i == 0 ? message : message[(message.Length / 2)..], .. next[..(next.Length / 2)]];
                await connection.WriteAsync($"{bytes.Length:x}\r\n");
                await connection.WriteAsync((byte[])[.. bytes, .. "\r\n"u8]);
                await goOn[i].Task;
            }

            var complete = Messages.Complete();
            await connection.WriteAsync($"{complete.Length - (complete.Length / 2):x}\r\n");
            await connection.WriteAsync((byte[])[.. complete[(complete.Length / 2)..], .. "\r\n0\r\n\r\n"u8]);
        });
        using var client = server.CreateClient();
        await using var response = await client.InvokeAsync("f");
        await using var chunks = response.ReadChunksAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);

        for (var i = 0; i < Count; i++)
        {
            Assert.True(await chunks.MoveNextAsync().AsTask().WaitAsync(TooLong, TestContext.Current.CancellationToken));
            Assert.Equal(System.Text.Encoding.UTF8.GetBytes($"chunk {i}"), chunks.Current.ToArray());
            goOn[i].SetResult();
        }

        Assert.False(await chunks.MoveNextAsync());
    }
}
