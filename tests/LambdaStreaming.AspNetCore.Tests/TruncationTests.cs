using System.IO.Compression;
using System.Net;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

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

    // The exception handler takes a cancelled token for a browser that left, and swallows the exception.
    [Theory]
    [InlineData(HttpProtocols.Http1, false)]
    [InlineData(HttpProtocols.Http1, true)]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http2, true)]
    public async Task Answer_AppCancelsRequestAbortedItself_BrowserSeesTheCut(HttpProtocols protocols, bool exceptionHandler)
    {
        using var cancelling = new CancellationTokenSource();
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                if (exceptionHandler) map.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = _ => Task.CompletedTask });
                map.Use((context, next) =>
                {
                    context.RequestAborted = cancelling.Token;
                    return next(context);
                });
                map.MapLambdaStream("/chat", "endless");
            },
            protocols: protocols);

        using var response = await app.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[4], Token).AsTask().WaitAsync(Patience, Token);
        await cancelling.CancelAsync();

        await Assert.ThrowsAnyAsync<IOException>(() => body.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Answer_RequestTimeoutAfterItsFirstByte_BrowserSeesTheCut(bool exceptionHandler)
    {
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                map.UseRequestTimeouts();
                if (exceptionHandler) map.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = _ => Task.CompletedTask });
                map.MapLambdaStream("/chat", "endless").WithMetadata(new RequestTimeoutAttribute(2000));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        using var response = await app.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await body.ReadExactlyAsync(new byte[4], Token).AsTask().WaitAsync(Patience, Token);

        await Assert.ThrowsAnyAsync<IOException>(() => body.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Browser_LeavesMidStream_OutputCacheKeepsNoHalfAnswer(HttpProtocols protocols)
    {
        var ended = new TaskCompletionSource();
        var calls = 0;
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("page", async (_, response, ct) =>
            {
                await response.WriteTextAsync("half", ct);
                if (Interlocked.Increment(ref calls) == 1) await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                await response.WriteTextAsync(" and half", ct);
            }),
            map =>
            {
                map.Use(async (context, next) =>
                {
                    try
                    {
                        await next(context);
                    }
                    finally
                    {
                        ended.TrySetResult();
                    }
                });
                map.UseOutputCache();
                map.MapLambdaStream("/page", "page", options => options.Methods.Add("GET")).CacheOutput();
            },
            services: builder => builder.Services.AddOutputCache(),
            protocols: protocols);

        using (var request = new HttpRequestMessage(HttpMethod.Get, "/page"))
        using (var response = await app.SendAsync(request, Token))
        {
            await using var body = await response.Content.ReadAsStreamAsync(Token);
            await body.ReadExactlyAsync(new byte[4], Token).AsTask().WaitAsync(Patience, Token);
        }

        await ended.Task.WaitAsync(Patience, Token);
        Assert.Equal("half and half", await app.Browser.GetStringAsync("/page", Token));

        // The whole one is kept.
        Assert.Equal("half and half", await app.Browser.GetStringAsync("/page", Token));
        Assert.Equal(2, calls);
    }

    // Such a middleware lets nothing go before the end, so the server has not started the answer when it breaks.
    [Theory]
    [InlineData("fails")]
    [InlineData("prelude")]
    [InlineData("reset")]
    public async Task Answer_BreaksBehindAMiddlewareThatHoldsItBack_NoHalfAnswerAndNoProblemReachesTheBrowser(string function)
    {
        using var seen = new SemaphoreSlim(1);
        await using var app = await WebApp.StartAsync(
            s => AddFunctions(s, seen),
            map =>
            {
                map.Use(HoldBackAsync);
                map.MapLambdaStream("/chat", function);
            });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task Answer_FailsBeforeItsFirstByteBehindAMiddlewareThatHoldsItBack_IsAProblem()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("fails", (_, response, _) =>
            {
                response.Fail("Unhandled", "planned");
                return Task.CompletedTask;
            }),
            map =>
            {
                map.Use(HoldBackAsync);
                map.MapLambdaStream("/chat", "fails");
            });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Answer_RequestTimeoutBehindAMiddlewareThatHoldsItBack_IsTheTimeoutsOwn()
    {
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                map.UseRequestTimeouts();
                map.Use(HoldBackAsync);
                map.MapLambdaStream("/chat", "endless").WithMetadata(new RequestTimeoutAttribute(500));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        using var response = await app.PostAsync("/chat").WaitAsync(Patience, Token);

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task Answer_BreaksUnderResponseCompression_EachWordComesAtOnceAndTheCutIsSeen()
    {
        using var seen = new SemaphoreSlim(0);
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", async (_, response, ct) =>
            {
                foreach (var word in (string[])["half", "next"])
                {
                    await response.WriteTextAsync(word, ct);
                    await seen.WaitAsync(ct);
                }

                response.Fail("Unhandled", "planned");
            }),
            map =>
            {
                map.UseResponseCompression();
                map.MapLambdaStream("/chat", "words", options => options.ContentType = "text/plain");
            },
            services: builder => builder.Services.AddResponseCompression());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Headers.AcceptEncoding.ParseAdd("gzip");

        using var response = await app.SendAsync(request, Token);
        await using var body = new GZipStream(await response.Content.ReadAsStreamAsync(Token), CompressionMode.Decompress);

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        foreach (var word in (string[])["half", "next"])
        {
            var buffer = new byte[4];
            await body.ReadExactlyAsync(buffer, Token).AsTask().WaitAsync(Patience, Token);
            Assert.Equal(word, Encoding.UTF8.GetString(buffer));
            seen.Release();
        }

        await Assert.ThrowsAnyAsync<IOException>(() => body.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
    }

    private static async Task HoldBackAsync(HttpContext context, RequestDelegate next)
    {
        var browser = context.Response.Body;
        using var held = new MemoryStream();
        context.Response.Body = held;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = browser;
        }

        held.Position = 0;
        await held.CopyToAsync(browser, Token);
    }

    private static void AddEndless(LocalLambdaServerOptions server) => server.AddFunction("endless", async (_, response, ct) =>
    {
        await response.WriteTextAsync("half", ct);
        await Task.Delay(Timeout.InfiniteTimeSpan, ct);
    });

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
            await response.WriteHttpPreludeAsync(200, null, null, ct);
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
            throw new InvalidOperationException("planned");
        });
        AddTruncation("reset", TruncationMode.Reset);
        AddTruncation("clean", TruncationMode.EndOfBody);
        server.AddFunction("damaged", async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
        }).OnEveryCall().BytesAfterChunks(1, new byte[16]);

        void AddTruncation(string name, TruncationMode mode) => server.AddFunction(name, async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await seen.WaitAsync(ct);
            await response.AbortAsync(mode, ct);
        });
    }
}
