using System.Diagnostics;
using System.Net;
using System.Text;
using System.Threading.Channels;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

public class PassOnTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST", "{\"statusCode\":204}\0\0\0\0\0\0\0\0")]
    [InlineData("POST", "{\"statusCode\":304}\0\0\0\0\0\0\0\0")]
    [InlineData("POST", "{\"statusCode\":700}\0\0\0\0\0\0\0\0")]
    [InlineData("HEAD", "{\"statusCode\":200}\0\0\0\0\0\0\0\0")]
    [InlineData("HEAD", "no prelude")]
    public async Task Response_WithoutABody_ConnectionOfTheInvocationIsClosed(string method, string payload)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("web", async (_, response, ct) =>
            {
                await response.WriteAsync(Encoding.UTF8.GetBytes(payload), ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            }),
            map => map.MapLambdaStream("/chat", "web", options => options.Methods.Add(method)));
        using var request = new HttpRequestMessage(new HttpMethod(method), "/chat");

        using var response = await app.SendAsync(request, Token);

        await app.Lambda.Requests[0].ClientDisconnected.WaitAsync(Patience, Token);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Answer_EachChunk_ArrivesBeforeTheNextIsWritten(HttpProtocols protocols)
    {
        using var next = new SemaphoreSlim(0);
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", async (_, response, ct) =>
            {
                foreach (var word in (string[])["one ", "two ", "three"])
                {
                    await response.WriteTextAsync(word, ct);
                    await next.WaitAsync(ct);
                }
            }),
            map => map.MapLambdaStream("/chat", "words"),
            protocols: protocols);

        using var response = await app.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        var pieces = new List<string>();
        var buffer = new byte[100];
        while (await body.ReadAsync(buffer, Token).AsTask().WaitAsync(Patience, Token) is > 0 and var count)
        {
            pieces.Add(Encoding.UTF8.GetString(buffer, 0, count));
            next.Release();
        }

        Assert.Equal(["one ", "two ", "three"], pieces);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Answer_WithoutPrelude_IsNeitherSniffedNorKeptNorBuffered()
    {
        await using var app = await WebApp.StartAsync(s => s.AddFunction("words", Says("<script>")), map => map.MapLambdaStream("/chat", "words"));

        using var response = await app.PostAsync("/chat");

        Assert.Equal("<script>", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.True(response.Headers.CacheControl?.NoStore);
        Assert.True(response.Headers.TransferEncodingChunked);
    }

    [Fact]
    public async Task Answer_FunctionGivesItsContentType_BrowserSeesIt()
    {
        await using var app = await WebApp.StartAsync(
            s =>
            {
                s.SendFunctionContentType = true;
                s.AddFunction("page", async (_, response, ct) =>
                {
                    response.ContentType = "text/html; charset=utf-8";
                    await response.WriteTextAsync("<p>", ct);
                });
            },
            map =>
            {
                map.MapLambdaStream("/page", "page");
                map.MapLambdaStream("/plain", "page", options => options.ContentType = "text/plain");
            });

        using var page = await app.PostAsync("/page");
        using var plain = await app.PostAsync("/plain");

        Assert.Equal("text/html; charset=utf-8", page.Content.Headers.ContentType?.ToString());
        Assert.Equal("text/plain", plain.Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task Answer_Empty_IsAWholeEmptyAnswer()
    {
        await using var app = await WebApp.StartAsync(s => s.AddFunction("silent"), map => map.MapLambdaStream("/chat", "silent"));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Browser_LeavesMidStream_FunctionsServerSeesItWithinASecond(HttpProtocols protocols)
    {
        var ended = Channel.CreateUnbounded<bool>();
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("endless", async (_, response, ct) =>
            {
                await using var registration = ct.Register(() => ended.Writer.TryWrite(true));
                await response.WriteTextAsync("first", ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            }),
            map => map.MapLambdaStream("/chat", "endless"),
            protocols: protocols);

        // The best of three: a machine that stalls for a second is no fault of this code.
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 3 && best > TimeSpan.FromSeconds(1); i++)
        {
            using var response = await app.PostAsync("/chat");
            await using var body = await response.Content.ReadAsStreamAsync(Token);
            await body.ReadExactlyAsync(new byte[5], Token);
            var request = await app.Lambda.WaitForRequestAsync(Token);

            var left = Stopwatch.GetTimestamp();
            response.Dispose();
            await request.ClientDisconnected.WaitAsync(Patience, Token);
            if (Stopwatch.GetElapsedTime(left) is var took && took < best) best = took;
            await ended.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);
        }

        Assert.InRange(best, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        await app.Lambda.WaitForOpenConnectionsAsync(0, Token).WaitAsync(Patience, Token);
        Assert.DoesNotContain(app.Log, line => line.StartsWith("Error", StringComparison.Ordinal) || line.StartsWith("Warning", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Browser_LeavesBeforeTheFirstByte_FunctionsServerSeesIt()
    {
        await using var app = await WebApp.StartAsync(s => s.AddFunction("thinking").OnEveryCall().StallBeforeHeaders(), map => map.MapLambdaStream("/chat", "thinking"));
        using var leaving = new CancellationTokenSource();
        using var message = new HttpRequestMessage(HttpMethod.Post, "/chat");
        var asking = app.SendAsync(message, leaving.Token);
        var request = await app.Lambda.WaitForRequestAsync(Token);

        await leaving.CancelAsync();

        await request.ClientDisconnected.WaitAsync(Patience, Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
    }

    [Fact]
    public async Task Result_OfARequest_InvokesAndPassesOn()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("echo", async (invocation, response, ct) => await response.WriteTextAsync(invocation.PayloadAsString(), ct)),
            map => map.MapGet("/ask", (string q) => LambdaResults.Stream(InvokeWithResponseStreamRequest.FromJson("echo", $"\"{q}\""), new LambdaStreamOptions { ContentType = "text/plain" })));

        Assert.Equal("\"why\"", await app.Browser.GetStringAsync("/ask?q=why", Token));
    }

    [Fact]
    public async Task Result_OfAnAnswer_IsPassedOnAndDisposed()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", Says("hello")),
            map => map.MapPost("/ask", async (ILambdaStreamingClient client, HttpContext context) =>
                LambdaResults.Stream(await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("words"), context.RequestAborted))));

        using var first = await app.PostAsync("/ask");
        Assert.Equal("hello", await first.Content.ReadAsStringAsync(Token));
        using var second = await app.PostAsync("/ask");
        Assert.Equal("hello", await second.Content.ReadAsStringAsync(Token));

        Assert.Equal(1, app.Lambda.TotalConnections);
    }

    [Fact]
    public async Task Endpoint_ClientOption_IsUsedInPlaceOfTheServices()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", Says("hello")),
            map => map.MapLambdaStream("/chat", "words", options => options.Client = context => context.RequestServices.GetRequiredKeyedService<ILambdaStreamingClient>("other")),
            services: builder => builder.Services.AddKeyedSingleton<ILambdaStreamingClient>("other", new FailingClient(new TooManyRequestsException("slow down"))));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    [Theory]
    [InlineData("POST", 200)]
    [InlineData("GET", 405)]
    [InlineData("HEAD", 405)]
    public async Task Endpoint_ForBodies_TakesPostOnly(string method, int status)
    {
        await using var app = await WebApp.StartAsync(s => s.AddFunction("words", Says("hello")), map => map.MapLambdaStream("/chat", "words"));
        using var request = new HttpRequestMessage(new HttpMethod(method), "/chat");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Endpoint_Head_ShowsTheHeadAndLetsTheAnswerGo()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("endless", async (_, response, ct) =>
            {
                await response.WriteTextAsync("first", ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            }),
            map => map.MapLambdaStream("/chat", "endless", options =>
            {
                options.Payload = LambdaPayload.FunctionUrlEvent;
                options.ContentType = "text/plain";
            }));
        using var request = new HttpRequestMessage(HttpMethod.Head, "/chat");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        await app.Lambda.Requests[0].ClientDisconnected.WaitAsync(Patience, Token);
    }

    private static FunctionHandler Says(string text) => async (_, response, ct) => await response.WriteTextAsync(text, ct);
}
