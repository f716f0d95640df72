using System.Net;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>What broke after its first byte must look broken to the browser, and what came before must be there.</summary>
public class CutTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("fails", HttpProtocols.Http1)]
    [InlineData("fails", HttpProtocols.Http2)]
    [InlineData("reset", HttpProtocols.Http1)]
    [InlineData("reset", HttpProtocols.Http2)]
    [InlineData("clean", HttpProtocols.Http1)]
    [InlineData("clean", HttpProtocols.Http2)]
    [InlineData("damaged", HttpProtocols.Http1)]
    [InlineData("prelude", HttpProtocols.Http1)]
    [InlineData("prelude", HttpProtocols.Http2)]
    public async Task Answer_BreaksAfterItsFirstByte_BrowserSeesTheBytesAndTheCut(string function, HttpProtocols protocols)
    {
        using var seen = new SemaphoreSlim(0);
        await using var app = await WebApp.StartAsync(s => AddFunctions(s, seen), map => map.MapLambdaStream("/chat", function), protocols: protocols);

        using var response = await app.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var half = new byte[4];
        await body.ReadExactlyAsync(half, Token).AsTask().WaitAsync(Patience, Token);
        seen.Release();

        await Assert.ThrowsAnyAsync<IOException>(() => body.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
        Assert.Equal("half", Encoding.UTF8.GetString(half));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains(app.Log, line => line.StartsWith("Error Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Answer_BreaksRightAfterItsWords_TheWordsAreThereFirst()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("fails", async (_, response, ct) =>
            {
                await response.WriteTextAsync("half", ct);
                response.Fail("Unhandled", "planned");
            }),
            map => map.MapLambdaStream("/chat", "fails"));

        for (var i = 0; i < 100; i++)
        {
            var (answer, reset) = await app.SendRawAsync("POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");

            Assert.Contains("\r\n4\r\nhalf\r\n", answer);
            Assert.DoesNotContain("\r\n0\r\n", answer);
            Assert.False(reset);
        }
    }

    [Fact]
    public async Task Answer_BreaksUnderHttp10_ConnectionIsReset()
    {
        using var seen = new SemaphoreSlim(1);
        await using var app = await WebApp.StartAsync(s => AddFunctions(s, seen), map => map.MapLambdaStream("/chat", "fails"));

        var (_, reset) = await app.SendRawAsync("POST /chat HTTP/1.0\r\nContent-Length: 0\r\n\r\n");

        Assert.True(reset);
    }

    private static void AddFunctions(LocalLambdaServerOptions server, SemaphoreSlim seen)
    {
        server.AddFunction("fails", async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
            response.Fail("Unhandled", "planned");
        });
        server.AddFunction("prelude", async (_, response, ct) =>
        {
            await response.WriteHttpIntegrationHeadAsync(200, null, null, ct);
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
            throw new InvalidOperationException("planned");
        });
        AddCut("reset", CutMode.Reset);
        AddCut("clean", CutMode.CleanEnd);
        server.AddFunction("damaged", async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
        }).OnEveryCall().BytesAfterChunks(1, new byte[16]);

        void AddCut(string name, CutMode mode) => server.AddFunction(name, async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
            await response.CutAsync(mode, ct);
        });
    }
}
