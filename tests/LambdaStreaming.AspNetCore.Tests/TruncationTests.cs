using System.IO.Compression;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using LambdaStreaming.AspNetCore.Responses;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.ResponseCaching;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests failures after the first byte: the client receives the bytes and detects the failure.</summary>
public class TruncationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("fails", HttpProtocols.Http1)]
    [InlineData("fails", HttpProtocols.Http2)]
    [InlineData("reset", HttpProtocols.Http1)]
    [InlineData("reset", HttpProtocols.Http2)]
    [InlineData("end-of-body", HttpProtocols.Http1)]
    [InlineData("end-of-body", HttpProtocols.Http2)]
    [InlineData("damaged", HttpProtocols.Http1)]
    [InlineData("prelude", HttpProtocols.Http1)]
    [InlineData("prelude", HttpProtocols.Http2)]
    public async Task MapLambdaStream_FailsAfterFirstByte_ClientReceivesBytesAndError(
        string function,
        HttpProtocols protocols)
    {
        using var received = new SemaphoreSlim(0);
        await using var app = await WebApp.StartAsync(
            s => AddFunctions(s, received),
            map => map.MapLambdaStream("/chat", function),
            protocols: protocols);

        using var response = await app.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        Assert.Equal("half", await ReadTextAsync(body, 4));
        received.Release();

        await AssertFailsAsync(body);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains(app.Log, line =>
            line.StartsWith("Error Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal));
    }

    [Fact]
    public async Task MapLambdaStream_FailsRightAfterChunk_ClientReceivesChunk()
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
            var request = "POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
            var (response, isReset) = await app.SendRawAsync(request);

            Assert.Contains("\r\n4\r\nhalf\r\n", response);
            Assert.DoesNotContain("\r\n0\r\n", response);
            Assert.False(isReset);
        }
    }

    [Fact]
    public async Task MapLambdaStream_FailsUnderHttp10_ResetsConnection()
    {
        using var received = new SemaphoreSlim(1);
        await using var app = await WebApp.StartAsync(
            s => AddFunctions(s, received),
            map => map.MapLambdaStream("/chat", "fails"));

        var (_, isReset) = await app.SendRawAsync("POST /chat HTTP/1.0\r\nContent-Length: 0\r\n\r\n");

        Assert.True(isReset);
    }

    // If RequestAborted is cancelled, the exception handler assumes a disconnected client and swallows the exception.
    // Therefore the connection must be aborted.
    [Theory]
    [InlineData(HttpProtocols.Http1, false)]
    [InlineData(HttpProtocols.Http1, true)]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http2, true)]
    public async Task MapLambdaStream_AppCancelsRequestAborted_ClientSeesError(
        HttpProtocols protocols,
        bool hasExceptionHandler)
    {
        using var cancellation = new CancellationTokenSource();
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                if (hasExceptionHandler) UseExceptionHandler(map);
                map.Use((context, next) =>
                {
                    context.RequestAborted = cancellation.Token;
                    return next(context);
                });
                map.MapLambdaStream("/chat", "endless");
            },
            protocols: protocols);

        using var response = await app.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await ReadTextAsync(body, 4);
        await cancellation.CancelAsync();

        await AssertFailsAsync(body);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task RequestTimeout_AfterFirstByte_ClientSeesError(bool hasExceptionHandler)
    {
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                map.UseRequestTimeouts();
                if (hasExceptionHandler) UseExceptionHandler(map);
                map.MapLambdaStream("/chat", "endless").WithMetadata(new RequestTimeoutAttribute(2000));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        // On a busy machine, the timeout of the first requests can elapse before the function has written.
        var response = await app.PostAsync("/chat");
        for (var attempt = 0; attempt < 10 && !response.IsSuccessStatusCode; attempt++)
        {
            response.Dispose();
            response = await app.PostAsync("/chat");
        }

        using var disposal = response;
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await ReadTextAsync(body, 4);

        await AssertFailsAsync(body);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task OutputCache_ClientDisconnectsMidStream_DoesNotStoreIncompleteResponse(HttpProtocols protocols)
    {
        var ended = new TaskCompletionSource();
        var calls = 0;
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("page", async (_, response, ct) =>
            {
                var call = Interlocked.Increment(ref calls);
                await response.WriteTextAsync("half", ct);
                if (call == 1) await Task.Delay(Timeout.InfiniteTimeSpan, ct);
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
            await ReadTextAsync(body, 4);
        }

        await ended.Task.WaitAsync(Patience, Token);
        Assert.Equal("half and half", await app.Browser.GetStringAsync("/page", Token));

        // The cache has stored the complete response, so the function is not invoked again.
        Assert.Equal("half and half", await app.Browser.GetStringAsync("/page", Token));
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task OutputCache_ClientDisconnectsWhileOthersWait_OthersGetTheirOwnResponse(HttpProtocols protocols)
    {
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await StartCachedAsync(waiting, protocols, async (call, response, ct) =>
        {
            if (call == 1) await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            await response.WriteTextAsync(" and half", ct);
        });
        using var first = await GetAsync(app, "/page");
        await using var body = await first.Content.ReadAsStreamAsync(Token);
        await ReadTextAsync(body, 4);
        var sending = GetAsync(app, "/page");
        await waiting.Task.WaitAsync(Patience, Token);

        first.Dispose();

        using var second = await sending.WaitAsync(Patience, Token);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.Equal("half and half", await second.Content.ReadAsStringAsync(Token));
        Assert.Equal("half and half", await app.Browser.GetStringAsync("/page", Token));
        Assert.Equal(2, app.Lambda.Requests.Count);
    }

    [Fact]
    public async Task OutputCache_TimeoutBeforeFirstByteWhileOthersWait_OthersGetTheirOwnResponse()
    {
        var calls = 0;
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timeout = new CancellationTokenSource();
        await using var app = await StartCachedFunctionAsync(
            waiting,
            HttpProtocols.Http1,
            async (_, response, ct) =>
            {
                if (Interlocked.Increment(ref calls) == 1)
                {
                    running.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                }

                await response.WriteTextAsync("page", ct);
            },
            timeout);
        var first = GetAsync(app, "/page");
        await running.Task.WaitAsync(Patience, Token);
        var second = GetAsync(app, "/page");
        await waiting.Task.WaitAsync(Patience, Token);

        await timeout.CancelAsync();

        using var timedOut = await first.WaitAsync(Patience, Token);
        using var complete = await second.WaitAsync(Patience, Token);
        Assert.Equal(HttpStatusCode.OK, complete.StatusCode);
        Assert.Equal("page", await complete.Content.ReadAsStringAsync(Token));
        Assert.Equal(HttpStatusCode.GatewayTimeout, timedOut.StatusCode);
        Assert.Equal(2, calls);
    }

    // A policy of the app can store each status. The default policy stores only 200.
    [Fact]
    public async Task OutputCache_ClientDisconnectsBeforeFirstByteWhileOthersWait_OthersGetTheirOwnResponse()
    {
        var calls = 0;
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await StartCachedFunctionAsync(
            waiting,
            HttpProtocols.Http1,
            async (_, response, ct) =>
            {
                if (Interlocked.Increment(ref calls) == 1)
                {
                    running.SetResult();
                    await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                }

                await response.WriteTextAsync("page", ct);
            },
            policy: new PermissivePolicy());
        using var disconnection = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/page");
        var first = app.SendAsync(request, disconnection.Token);
        await running.Task.WaitAsync(Patience, Token);
        var second = GetAsync(app, "/page");
        await waiting.Task.WaitAsync(Patience, Token);

        await disconnection.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        using var complete = await second.WaitAsync(Patience, Token);
        Assert.Equal(HttpStatusCode.OK, complete.StatusCode);
        Assert.Equal("page", await complete.Content.ReadAsStringAsync(Token));
        Assert.Equal(2, calls);
    }

    // The exception, which makes the first response incomplete, also reaches the requests that wait for it.
    [Fact]
    public async Task OutputCache_FunctionFailsWhileOthersWait_OthersGet500AndNothingIsStored()
    {
        var waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await StartCachedAsync(waiting, HttpProtocols.Http1, async (call, response, ct) =>
        {
            if (call > 1) return;
            await waiting.Task.WaitAsync(Patience, ct);
            response.Fail("Unhandled", "planned");
        });
        using var first = await GetAsync(app, "/page");
        await using var body = await first.Content.ReadAsStreamAsync(Token);
        await ReadTextAsync(body, 4);

        using var second = await GetAsync(app, "/page").WaitAsync(Patience, Token);

        Assert.Equal(HttpStatusCode.InternalServerError, second.StatusCode);
        await AssertFailsAsync(body);
        Assert.Equal("half", await app.Browser.GetStringAsync("/page", Token));
        Assert.Equal(2, app.Lambda.Requests.Count);
    }

    // The cache does not hold requests, or other middleware needs the exception.
    [Theory]
    [InlineData(true, true, false, true)]
    [InlineData(false, true, false, false)]
    [InlineData(true, false, false, false)]
    [InlineData(true, true, true, false)]
    public void TryExclude_Always_DependsOnCaches(bool storage, bool locking, bool hasResponseCache, bool expected)
    {
        var context = new DefaultHttpContext();
        var cache = new OutputCacheContext { HttpContext = context, AllowCacheStorage = storage };
        cache.AllowLocking = locking;
        context.Features.Set<IOutputCacheFeature>(new CacheFeature(cache));
        if (hasResponseCache) context.Features.Set<IResponseCachingFeature>(new CacheFeature(cache));

        Assert.Equal(expected, OutputCaching.TryExclude(context));
        Assert.Equal(storage && !expected, cache.AllowCacheStorage);
    }

    // Kestrel cancels RequestAborted on another thread, so a flush can report the disconnection before.
    [Theory, InlineData("text/plain"), InlineData("text/event-stream")]
    public async Task Flush_ReportsCompletedBeforeRequestAborted_IsADisconnection(string contentType)
    {
        var failures = 0;
        var ended = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                map.Use(async (context, next) =>
                {
                    var body = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
                    context.Features.Set<IHttpResponseBodyFeature>(new DisconnectedBody(body));
                    try
                    {
                        await next(context);
                    }
                    catch (Exception exception)
                    {
                        ended.SetResult(exception);
                        throw;
                    }
                });
                map.MapLambdaStream("/chat", "endless", options =>
                {
                    options.ContentType = contentType;
                    options.FailureWriter = (_, _) => failures++;
                });
            });

        await Assert.ThrowsAnyAsync<HttpRequestException>(async () =>
        {
            using var response = await app.PostAsync("/chat");
            await response.Content.ReadAsStringAsync(Token);
        });

        Assert.IsAssignableFrom<OperationCanceledException>(await ended.Task.WaitAsync(Patience, Token));
        Assert.Equal(0, failures);
        Assert.Contains(app.Log, line =>
            line.StartsWith("Debug LambdaStreaming.AspNetCore 204", StringComparison.Ordinal));
        await app.Lambda.Requests[0].ClientDisconnected.WaitAsync(Patience, Token);
    }

    // Buffering middleware sends nothing before the end. When the function fails, the server has not started the
    // response, so it can still return 500.
    [Theory]
    [InlineData("fails")]
    [InlineData("prelude")]
    [InlineData("reset")]
    [InlineData("end-of-body")]
    public async Task BufferingMiddleware_FailsAfterFirstByte_Returns500WithoutBody(string function)
    {
        Assert.SkipWhen(
            function == "reset" && OperatingSystem.IsWindows(),
            "Windows discards the bytes before a reset that the client has not read.");
        using var received = new SemaphoreSlim(1);
        await using var app = await WebApp.StartAsync(
            s => AddFunctions(s, received),
            map =>
            {
                map.Use(BufferAsync);
                map.MapLambdaStream("/chat", function);
            });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task BufferingMiddleware_FailsBeforeFirstByte_Returns502Problem()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("fails", (_, response, _) =>
            {
                response.Fail("Unhandled", "planned");
                return Task.CompletedTask;
            }),
            map =>
            {
                map.Use(BufferAsync);
                map.MapLambdaStream("/chat", "fails");
            });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task BufferingMiddleware_RequestTimeout_TimeoutMiddlewareResponds()
    {
        await using var app = await WebApp.StartAsync(
            AddEndless,
            map =>
            {
                map.UseRequestTimeouts();
                map.Use(BufferAsync);
                map.MapLambdaStream("/chat", "endless").WithMetadata(new RequestTimeoutAttribute(500));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        using var response = await app.PostAsync("/chat").WaitAsync(Patience, Token);

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task ResponseCompression_FailsAfterFirstByte_ForwardsEachChunkAndError()
    {
        using var received = new SemaphoreSlim(0);
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words", async (_, response, ct) =>
            {
                foreach (var word in (string[])["half", "next"])
                {
                    await response.WriteTextAsync(word, ct);
                    await received.WaitAsync(ct);
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
        await using var compressed = await response.Content.ReadAsStreamAsync(Token);
        await using var body = new GZipStream(compressed, CompressionMode.Decompress);

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        foreach (var word in (string[])["half", "next"])
        {
            Assert.Equal(word, await ReadTextAsync(body, 4));
            received.Release();
        }

        await AssertFailsAsync(body);
    }

    // The function writes "half" and then does what the test wants.
    private static Task<WebApp> StartCachedAsync(
        TaskCompletionSource waiting,
        HttpProtocols protocols,
        Func<int, FunctionResponse, CancellationToken, Task> continueAsync)
    {
        var calls = 0;
        return StartCachedFunctionAsync(waiting, protocols, async (_, response, ct) =>
        {
            // Before the write, because the test can send its next request after it.
            var call = Interlocked.Increment(ref calls);
            await response.WriteTextAsync("half", ct);
            await continueAsync(call, response, ct);
        });
    }

    // The cache holds the second request. The timeout is that of the first request.
    private static Task<WebApp> StartCachedFunctionAsync(
        TaskCompletionSource waiting,
        HttpProtocols protocols,
        FunctionHandler function,
        CancellationTokenSource? timeout = null,
        IOutputCachePolicy? policy = null)
    {
        var requests = 0;
        return WebApp.StartAsync(
            s => s.AddFunction("page", function),
            map =>
            {
                map.Use(async (context, next) =>
                {
                    if (Interlocked.Exchange(ref timeout, null) is { } source)
                    {
                        context.Features.Set<IHttpRequestTimeoutFeature>(new TimeoutFeature(source));
                        context.RequestAborted = source.Token;
                    }

                    // The calls before the wait of the cache complete synchronously.
                    var response = next(context);
                    if (Interlocked.Increment(ref requests) == 2) waiting.TrySetResult();
                    await response;
                });
                map.UseOutputCache();
                var endpoint = map.MapLambdaStream("/page", "page", options => options.Methods.Add("GET"));
                if (policy is null) endpoint.CacheOutput();
                else endpoint.CacheOutput(policy);
            },
            services: builder => builder.Services.AddOutputCache(),
            protocols: protocols);
    }

    private static Task<HttpResponseMessage> GetAsync(WebApp app, string path) =>
        app.SendAsync(new HttpRequestMessage(HttpMethod.Get, path), Token);

    private static async Task<string> ReadTextAsync(Stream body, int length)
    {
        var buffer = new byte[length];
        await body.ReadExactlyAsync(buffer, Token).AsTask().WaitAsync(Patience, Token);
        return Encoding.UTF8.GetString(buffer);
    }

    private static Task AssertFailsAsync(Stream body) => Assert.ThrowsAnyAsync<IOException>(
        () => body.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));

    private static void UseExceptionHandler(WebApplication app) =>
        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = _ => Task.CompletedTask });

    private static async Task BufferAsync(HttpContext context, RequestDelegate next)
    {
        var original = context.Response.Body;
        using var buffer = new MemoryStream();
        context.Response.Body = buffer;
        try
        {
            await next(context);
        }
        finally
        {
            context.Response.Body = original;
        }

        buffer.Position = 0;
        await buffer.CopyToAsync(original, Token);
    }

    private static void AddEndless(LocalLambdaServerOptions server) =>
        server.AddFunction("endless", async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await Task.Delay(Timeout.InfiniteTimeSpan, ct);
        });

    private static void AddFunctions(LocalLambdaServerOptions server, SemaphoreSlim received)
    {
        server.AddFunction("fails", async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await received.WaitAsync(ct);
            response.Fail("Unhandled", "planned");
        });
        server.AddFunction("prelude", async (_, response, ct) =>
        {
            await response.WriteHttpPreludeAsync(200, null, null, ct);
            await response.WriteTextAsync("half", ct);
            await received.WaitAsync(ct);
            throw new InvalidOperationException("planned");
        });
        AddTruncation("reset", TruncationMode.Reset);
        AddTruncation("end-of-body", TruncationMode.EndOfBody);
        server.AddFunction("damaged", async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await received.WaitAsync(ct);
        }).OnEveryCall().BytesAfterChunks(1, new byte[16]);

        void AddTruncation(string name, TruncationMode mode) => server.AddFunction(name, async (_, response, ct) =>
        {
            await response.WriteTextAsync("half", ct);
            await received.WaitAsync(ct);
            await response.AbortAsync(mode, ct);
        });
    }

    /// <summary>A body whose flushes report that the client no longer reads.</summary>
    private sealed class DisconnectedBody(IHttpResponseBodyFeature body)
        : StreamResponseBodyFeature(body.Stream, body), IHttpResponseBodyFeature
    {
        PipeWriter IHttpResponseBodyFeature.Writer { get; } = new DisconnectedWriter(body.Writer);
    }

    private sealed class DisconnectedWriter(PipeWriter writer) : PipeWriter
    {
        public override void Advance(int bytes) => writer.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => writer.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => writer.GetSpan(sizeHint);

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            await writer.FlushAsync(cancellationToken);
            return new FlushResult(isCanceled: false, isCompleted: true);
        }

        public override void CancelPendingFlush() => writer.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => writer.Complete(exception);
    }

    private sealed class TimeoutFeature(CancellationTokenSource source) : IHttpRequestTimeoutFeature
    {
        public CancellationToken RequestTimeoutToken => source.Token;

        public void DisableTimeout()
        {
        }
    }

    private sealed class PermissivePolicy : IOutputCachePolicy
    {
        public ValueTask CacheRequestAsync(OutputCacheContext context, CancellationToken cancellation)
        {
            context.EnableOutputCaching = true;
            context.AllowCacheLookup = true;
            context.AllowCacheStorage = true;
            context.AllowLocking = true;
            return ValueTask.CompletedTask;
        }

        public ValueTask ServeFromCacheAsync(OutputCacheContext context, CancellationToken cancellation) =>
            ValueTask.CompletedTask;

        public ValueTask ServeResponseAsync(OutputCacheContext context, CancellationToken cancellation) =>
            ValueTask.CompletedTask;
    }

    private sealed class CacheFeature(OutputCacheContext context) : IOutputCacheFeature, IResponseCachingFeature
    {
        public OutputCacheContext Context { get; } = context;

        public string[]? VaryByQueryKeys { get; set; }
    }
}
