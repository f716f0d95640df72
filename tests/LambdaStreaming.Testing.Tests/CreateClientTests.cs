using System.Text;

namespace LambdaStreaming.Testing.Tests;

public class CreateClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CreateClient_Invokes_StreamsTheFunction()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", async (invocation, response, cancellationToken) =>
            {
                await response.WriteTextAsync("you said ", cancellationToken);
                await response.WriteAsync(invocation.Payload, cancellationToken);
            }),
            Token);
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("hello", "\"hi\""), Token);
        var text = new StringBuilder();
        await foreach (var chunk in response.ReadChunksAsync(Token)) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));

        Assert.Equal("you said \"hi\"", text.ToString());
        Assert.NotNull(response.InvokeComplete);
    }

    [Fact]
    public async Task CreateClient_TwoHundredAtOnce_LoseNothing()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("counts", async (invocation, response, cancellationToken) =>
            {
                for (var i = 0; i < 50; i++) await response.WriteTextAsync($"{invocation.PayloadAsString()}:{i} ", cancellationToken);
            }),
            Token);
        using var client = server.CreateClient();

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(async n =>
        {
            await using var response = await client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("counts", $"{n}"), Token);
            var text = new StringBuilder();
            await foreach (var chunk in response.ReadChunksAsync(Token)) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
            return text.ToString();
        }));

        Assert.Equal(Enumerable.Range(0, 200).Select(n => string.Concat(Enumerable.Range(0, 50).Select(i => $"{n}:{i} "))), answers);
        Assert.Equal(200, server.Requests.Count);
    }
}
