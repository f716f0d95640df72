using System.Text;

namespace LambdaStreaming.Testing.Tests;

public class HttpsTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task UseHttps_CreateClient_TrustsOnlyTheServersCertificate()
    {
        await using var server = await StartAsync();
        await using var other = await StartAsync();
        using var client = server.CreateClient();
        using var distrustful = server.CreateClient(options => options.ConfigureHandler = handler =>
            handler.SslOptions.RemoteCertificateValidationCallback = (_, presented, _, _) =>
                presented?.GetCertHashString() == other.Certificate!.GetCertHashString());

        await using var response = await client.InvokeWithResponseStreamAsync(new("hello"), Token);
        var text = new StringBuilder();
        await foreach (var chunk in response.ReadChunksAsync(Token))
            text.Append(Encoding.UTF8.GetString(chunk.ToArray()));

        Assert.Equal(("https", "hello"), (server.ServiceUrl.Scheme, text.ToString()));
        await Assert.ThrowsAsync<LambdaTransportException>(() =>
            distrustful.InvokeWithResponseStreamAsync(new("hello"), Token));
    }

    [Theory]
    [InlineData(TruncationMode.Close)]
    [InlineData(TruncationMode.Reset)]
    public async Task UseHttps_TruncateAfterChunks_ThrowsResponseStreamTruncatedException(TruncationMode mode)
    {
        TruncationModes.SkipIfLossy(mode);
        await using var server = await StartAsync(function => function.OnEveryCall().TruncateAfterChunks(1, mode));
        using var client = server.CreateClient();

        await using var response = await client.InvokeWithResponseStreamAsync(new("hello"), Token);
        var error = await Assert.ThrowsAsync<ResponseStreamTruncatedException>(async () =>
        {
            await foreach (var chunk in response.ReadChunksAsync(Token))
                Assert.Equal("hello"u8.ToArray(), chunk.ToArray());
        });

        Assert.Equal(1, error.ChunksReceived);
    }

    [Fact]
    public async Task UseHttps_ClientDisconnects_IsDetected()
    {
        await using var server = await StartAsync(function => function.OnEveryCall().StallAfterChunks(1));
        using var client = server.CreateClient();

        await using (var response = await client.InvokeWithResponseStreamAsync(new("hello"), Token))
        {
            await using var chunks = response.ReadChunksAsync(Token).GetAsyncEnumerator(Token);
            Assert.True(await chunks.MoveNextAsync());
        }

        await server.Requests[0].ClientDisconnected.WaitAsync(Soon, Token);
        await server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(Soon, Token);
    }

    private static Task<LocalLambdaServer> StartAsync(Action<LocalFunction>? configure = null) =>
        LocalLambdaServer.StartAsync(
            s =>
            {
                s.UseHttps = true;
                var function = s.AddFunction("hello", (_, response, cancellationToken) =>
                    response.WriteTextAsync("hello", cancellationToken));
                configure?.Invoke(function);
            },
            Token);
}
