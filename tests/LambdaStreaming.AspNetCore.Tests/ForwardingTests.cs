using System.Diagnostics;
using System.Net;
using System.Text;
using System.Threading.Channels;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests how the response of a function reaches the client.</summary>
public class ForwardingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST", "{\"statusCode\":204}\0\0\0\0\0\0\0\0")]
    [InlineData("POST", "{\"statusCode\":304}\0\0\0\0\0\0\0\0")]
    [InlineData("POST", "{\"statusCode\":700}\0\0\0\0\0\0\0\0")]
    [InlineData("HEAD", "{\"statusCode\":200}\0\0\0\0\0\0\0\0")]
    [InlineData("HEAD", "no prelude")]
    public async Task MapLambdaStream_ResponseWithoutBody_ClosesInvocationConnection(string method, string payload)
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
    public async Task MapLambdaStream_Chunk_ArrivesBeforeNextIsWritten(HttpProtocols protocols)
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
        var received = new List<string>();
        var buffer = new byte[100];
        while (await body.ReadAsync(buffer, Token).AsTask().WaitAsync(Patience, Token) is > 0 and var count)
        {
            received.Add(Encoding.UTF8.GetString(buffer, 0, count));
            next.Release();
        }

        Assert.Equal(["one ", "two ", "three"], received);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task MapLambdaStream_WithoutPrelude_DisablesSniffingCachingAndBuffering()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", RespondWith("<script>")),
            map => map.MapLambdaStream("/chat", "words"));

        using var response = await app.PostAsync("/chat");

        Assert.Equal("<script>", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no", response.Headers.GetValues("X-Accel-Buffering").Single());
        Assert.True(response.Headers.CacheControl?.NoStore);
        Assert.True(response.Headers.TransferEncodingChunked);
    }

    [Fact]
    public async Task ContentType_FunctionSetsContentType_IsForwardedUnlessOverridden()
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
    public async Task MapLambdaStream_EmptyResponse_IsComplete()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("empty"),
            map => map.MapLambdaStream("/chat", "empty"));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task MapLambdaStream_ClientDisconnectsMidStream_ClosesInvocationConnectionWithinOneSecond(
        HttpProtocols protocols)
    {
        var ended = Channel.CreateUnbounded<bool>();
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("endless", async (_, response, ct) =>
            {
                try
                {
                    await response.WriteTextAsync("first", ct);
                    await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                }
                finally
                {
                    ended.Writer.TryWrite(true);
                }
            }),
            map => map.MapLambdaStream("/chat", "endless"),
            protocols: protocols);

        // Takes the best of up to 20, because a busy machine can stall for a second.
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 20 && best > TimeSpan.FromSeconds(1); i++)
        {
            using var response = await app.PostAsync("/chat");
            await using var body = await response.Content.ReadAsStreamAsync(Token);
            await body.ReadExactlyAsync(new byte[5], Token);
            var request = await app.Lambda.WaitForRequestAsync(Token);

            var started = Stopwatch.GetTimestamp();
            response.Dispose();
            await request.ClientDisconnected.WaitAsync(Patience, Token);
            var elapsed = Stopwatch.GetElapsedTime(started);
            if (elapsed < best) best = elapsed;
            await ended.Reader.ReadAsync(Token).AsTask().WaitAsync(Patience, Token);
        }

        Assert.InRange(best, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        await app.Lambda.WaitForOpenConnectionsAsync(0, Token).WaitAsync(Patience, Token);
        Assert.DoesNotContain(app.Log, line =>
            line.StartsWith("Error", StringComparison.Ordinal)
            // On a busy machine, Kestrel warns of its own slow timer.
            || (line.StartsWith("Warning", StringComparison.Ordinal)
                && !line.Contains("heartbeat", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task MapLambdaStream_ClientDisconnectsBeforeFirstByte_ClosesInvocationConnection()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("stalls").OnEveryCall().StallBeforeHeaders(),
            map => map.MapLambdaStream("/chat", "stalls"));
        using var disconnect = new CancellationTokenSource();
        using var message = new HttpRequestMessage(HttpMethod.Post, "/chat");
        var sending = app.SendAsync(message, disconnect.Token);
        var request = await app.Lambda.WaitForRequestAsync(Token);

        await disconnect.CancelAsync();

        await request.ClientDisconnected.WaitAsync(Patience, Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task Stream_Request_ForwardsResponse()
    {
        var options = new LambdaStreamOptions { ContentType = "text/plain" };
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("echo", async (invocation, response, ct) =>
                await response.WriteTextAsync(invocation.PayloadAsString(), ct)),
            map => map.MapGet("/ask", (string q) =>
                LambdaResults.Stream(InvokeWithResponseStreamRequest.FromJson("echo", $"\"{q}\""), options)));

        Assert.Equal("\"why\"", await app.Browser.GetStringAsync("/ask?q=why", Token));
    }

    [Fact]
    public async Task Stream_Response_IsForwardedAndDisposed()
    {
        await using var app = await WebApp.StartAsync(
            s =>
            {
                // With the clock of the machine, a pause of the machine ends the wait for the end of a body.
                s.TimeProvider = new FakeTimeProvider(DateTimeOffset.UtcNow);
                s.AddFunction("words", RespondWith("hello"));
            },
            map => map.MapPost("/ask", async (ILambdaStreamingClient client, HttpContext context) =>
            {
                var request = new InvokeWithResponseStreamRequest("words");
                var response = await client.InvokeWithResponseStreamAsync(request, context.RequestAborted);
                return LambdaResults.Stream(response);
            }));

        using var first = await app.PostAsync("/ask");
        Assert.Equal("hello", await first.Content.ReadAsStringAsync(Token));
        using var second = await app.PostAsync("/ask");
        Assert.Equal("hello", await second.Content.ReadAsStringAsync(Token));

        Assert.Equal(1, app.Lambda.TotalConnections);
    }

    [Fact]
    public async Task Client_IsSet_ReplacesClientOfServices()
    {
        var client = new FailingClient(new TooManyRequestsException("slow down"));
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", RespondWith("hello")),
            map => map.MapLambdaStream("/chat", "words", options =>
                options.Client = http => http.RequestServices.GetRequiredKeyedService<ILambdaStreamingClient>("other")),
            services: builder => builder.Services.AddKeyedSingleton<ILambdaStreamingClient>("other", client));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    [Theory]
    [InlineData("POST", 200)]
    [InlineData("GET", 405)]
    [InlineData("HEAD", 405)]
    public async Task MapLambdaStream_BodyPayload_AcceptsPostOnly(string method, int status)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", RespondWith("hello")),
            map => map.MapLambdaStream("/chat", "words"));
        using var request = new HttpRequestMessage(new HttpMethod(method), "/chat");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task MapLambdaStream_HeadRequest_SendsHeadersAndClosesInvocationConnection()
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

    private static FunctionHandler RespondWith(string text) =>
        async (_, response, ct) => await response.WriteTextAsync(text, ct);
}
