using System.Net;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Http.Tests;

/// <summary>The response message that is created from a function's response.</summary>
public sealed class ResponseTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SendAsync_Prelude_BecomesStatusHeadersAndCookies()
    {
        await using var web = await WebFunction.StartAsync(async (_, response, token) =>
        {
            response.StatusCode = 201;
            response.Headers["Content-Type"] = "text/csv; charset=utf-8";
            response.Headers["Content-Language"] = "en";
            response.Headers["Content-Length"] = "3";
            response.Headers["X-Custom"] = "1";
            response.Headers["Connection"] = "X-Private";
            response.Headers["X-Private"] = "1";
            response.Headers["Transfer-Encoding"] = "chunked";
            response.Headers["bad name"] = "1";
            response.Headers["X-Injected"] = "1\r\nX-Evil: 1";
            response.Cookies.AddRange(["a=1; Path=/", "b=2"]);
            await response.WriteAsync("a,b", token);
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/");

        using var response = await web.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Token);

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(HttpVersion.Version11, response.Version);
        Assert.Same(request, response.RequestMessage);
        var names = response.Headers.Select(header => header.Key).Order(StringComparer.Ordinal);
        Assert.Equal(["Set-Cookie", "X-Custom"], names);
        Assert.Equal(["a=1; Path=/", "b=2"], response.Headers.GetValues("Set-Cookie"));
        Assert.Equal("text/csv; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal("en", Assert.Single(response.Content.Headers.ContentLanguage));
        Assert.Null(response.Content.Headers.ContentLength);
        Assert.Equal("a,b", await response.Content.ReadAsStringAsync(Token));
    }

    // The handler does not do what SocketsHttpHandler does by default, or can do.
    [Fact]
    public async Task SendAsync_RedirectCookieAndCompressedBody_AreLeftToTheCaller()
    {
        await using var web = await WebFunction.StartAsync(async (_, response, token) =>
        {
            response.StatusCode = 307;
            response.Headers["Location"] = "/mcp/";
            response.Headers["Content-Encoding"] = "gzip";
            response.Cookies.Add("a=1");
            await response.WriteAsync("not decompressed", token);
        });

        using var response = await web.Http.GetAsync("/mcp", Token);
        using var second = await web.Http.GetAsync("/mcp", Token);

        Assert.Equal(HttpStatusCode.TemporaryRedirect, response.StatusCode);
        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        Assert.Equal("not decompressed", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal(2, web.Calls);
        using var sent = JsonDocument.Parse(web.Server.Requests[1].Payload);
        Assert.Empty(new HttpFunctionRequest(sent.RootElement).Cookies);
    }

    [Fact]
    public async Task SendAsync_RepeatedHeaders_KeepTheirValues()
    {
        await using var web = await WebFunction.StartRawAsync(async (_, response, token) =>
        {
            const string Headers = """{"X-Many":["1","2"],"Vary":["a","b"],"set-cookie":["c=3"]}""";
            const string Prelude = $$"""{"multiValueHeaders":{{Headers}},"cookies":["d=4"]}""";
            response.ContentType = "application/vnd.awslambda.http-integration-response";
            await response.WriteTextAsync(Prelude + "\0\0\0\0\0\0\0\0ok", token);
        });

        using var response = await web.Http.GetAsync("/", Token);

        Assert.Equal(["1", "2"], response.Headers.GetValues("X-Many"));
        Assert.Equal(["a", "b"], response.Headers.Vary);
        Assert.Equal(["d=4", "c=3"], response.Headers.GetValues("Set-Cookie"));
        Assert.Equal("ok", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task SendAsync_SingleValueHeaderRepeated_HasTheLastValue()
    {
        await using var web = await WebFunction.StartRawAsync(async (_, response, token) =>
        {
            const string Prelude =
                """{"headers":{"Content-Type":"text/plain","content-type":"text/html","location":["/a","/b"]}}""";
            response.ContentType = "application/vnd.awslambda.http-integration-response";
            await response.WriteTextAsync(Prelude + "\0\0\0\0\0\0\0\0ok", token);
        });

        using var response = await web.Http.GetAsync("/", Token);

        Assert.Equal(["text/html"], response.Content.Headers.NonValidated["Content-Type"]);
        Assert.Equal(["/b"], response.Headers.NonValidated["Location"]);
    }

    [Theory]
    [InlineData("text/html; charset=utf-8")]
    [InlineData("application/vnd.amazon.eventstream2")]
    public async Task SendAsync_WithoutPrelude_Is200WithTheFunctionsContentType(string contentType)
    {
        await using var web = await WebFunction.StartRawAsync(async (_, response, token) =>
        {
            response.ContentType = contentType;
            await response.WriteTextAsync("<p>", token);
        });

        using var response = await web.Http.GetAsync("/", Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(contentType, response.Content.Headers.ContentType?.ToString());
        Assert.Equal("<p>", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task SendAsync_AnnouncedPreludeIsMissing_HasNoContentType()
    {
        await using var web = await WebFunction.StartRawAsync(async (_, response, token) =>
        {
            response.ContentType = "application/vnd.awslambda.http-integration-response";
            await response.WriteTextAsync("plain", token);
        });

        using var response = await web.Http.GetAsync("/", Token);

        Assert.Null(response.Content.Headers.ContentType);
        Assert.Equal("plain", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task HttpPrelude_Never_PreludeIsPartOfTheBody()
    {
        await using var web = await WebFunction.StartAsync(
            (_, response, token) => response.WriteAsync("x", token),
            options => options.HttpPrelude = HttpPreludeDetection.Never);

        Assert.StartsWith("{\"statusCode\":200", await web.Http.GetStringAsync("/", Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResponseHeadersRead_ReturnsBeforeTheBodyAndStreamsIt()
    {
        await using var web = await StartTwoPartsAsync();

        using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        var buffer = new byte[100];
        var count = await stream.ReadAsync(buffer, Token).AsTask().WaitAsync(WebFunction.TooLong, Token);

        Assert.Equal("first ", Encoding.UTF8.GetString(buffer, 0, count));
        web.FirstPartSeen();
        using var reader = new StreamReader(stream);
        Assert.Equal("second", await reader.ReadToEndAsync(Token));
        Assert.Equal(0, await stream.ReadAsync(buffer, Token));
    }

    [Fact]
    public async Task ResponseContentRead_ReturnsTheCompleteBody()
    {
        await using var web = await StartTwoPartsAsync();

        var sending = web.Http.GetAsync("/", Token);
        await web.Server.WaitForRequestAsync(Token);
        Assert.False(sending.IsCompleted);
        web.FirstPartSeen();
        using var response = await sending;

        Assert.Equal("first second", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal(12, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task CopyToAsync_WritesEachPartAsItArrives()
    {
        await using var web = await StartTwoPartsAsync();
        using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        var pipe = new System.IO.Pipelines.Pipe();

        var copying = response.Content.CopyToAsync(pipe.Writer.AsStream(), Token);
        var first = await pipe.Reader.ReadAsync(Token).AsTask().WaitAsync(WebFunction.TooLong, Token);
        Assert.Equal("first ", Encoding.UTF8.GetString(first.Buffer.FirstSpan));
        pipe.Reader.AdvanceTo(first.Buffer.End);
        web.FirstPartSeen();
        await copying;

        Assert.Equal("second", Encoding.UTF8.GetString((await pipe.Reader.ReadAsync(Token)).Buffer.FirstSpan));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(205)]
    [InlineData(304)]
    public async Task SendAsync_StatusWithoutBody_HasEmptyContentAndKeepsTheConnection(int status)
    {
        await using var web = await WebFunction.StartAsync(
            async (_, response, token) =>
            {
                response.StatusCode = status;
                response.Headers["Content-Length"] = "7";
                await response.StartAsync(token);
            },
            clock: StoppedClock());

        for (var call = 0; call < 2; call++)
        {
            using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal(status == 304 ? 7 : null, response.Content.Headers.ContentLength);
            Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
        }

        Assert.Equal(1, web.Server.TotalConnections);
    }

    [Fact]
    public async Task SendAsync_BodyAfterStatusWithoutBody_IsDiscardedAndTheConnectionClosed()
    {
        await using var web = await WebFunction.StartAsync(async (_, response, token) =>
        {
            response.StatusCode = 204;
            while (true) await response.WriteAsync("unexpected", token);
        });

        using var response = await web.Http.GetAsync("/", Token);

        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
    }

    [Fact]
    public async Task SendAsync_StatusWithoutBodyThenFunctionError_Throws()
    {
        await using var web = await WebFunction.StartAsync(async (_, response, token) =>
        {
            response.StatusCode = 204;
            await response.StartAsync(token);
            throw new InvalidOperationException("boom");
        });

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => web.Http.GetAsync("/", Token));

        Assert.IsType<FunctionErrorException>(exception.InnerException?.InnerException);
    }

    [Fact]
    public async Task Head_ReturnsHeadersAndClosesTheConnection()
    {
        await using var web = await WebFunction.StartAsync(async (_, response, token) =>
        {
            response.Headers["Content-Length"] = "12345";
            while (true) await response.WriteAsync("body", token);
        });
        using var request = new HttpRequestMessage(HttpMethod.Head, "/");

        using var response = await web.Http.SendAsync(request, Token);

        Assert.Equal(12345, response.Content.Headers.ContentLength);
        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
    }

    [Fact]
    public async Task Head_NoPrelude_ClosesTheConnectionAfterTheFirstByte()
    {
        await using var web = await WebFunction.StartRawAsync(async (_, response, token) =>
        {
            response.ContentType = "text/plain";
            while (true) await response.WriteTextAsync("body", token);
        });
        using var request = new HttpRequestMessage(HttpMethod.Head, "/");

        using var response = await web.Http.SendAsync(request, Token);

        Assert.Equal("text/plain", response.Content.Headers.ContentType?.MediaType);
        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
    }

    [Fact]
    public async Task Head_NoPreludeAndFailsBeforeFirstByte_ThrowsHttpRequestException()
    {
        await using var web = await WebFunction.StartRawAsync(async (_, response, token) =>
        {
            response.ContentType = "text/plain";
            await response.StartAsync(token);
            response.Fail("Unhandled", "planned");
        });
        using var request = new HttpRequestMessage(HttpMethod.Head, "/");

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => web.Http.SendAsync(request, Token));

        Assert.IsType<FunctionErrorException>(exception.InnerException);
    }

    [Fact]
    public async Task SendAsync_CompleteResponses_ReuseTheConnection()
    {
        await using var web = await WebFunction.StartAsync(
            (_, response, token) => response.WriteAsync("ok", token), clock: StoppedClock());

        for (var call = 0; call < 3; call++) Assert.Equal("ok", await web.Http.GetStringAsync("/", Token));

        Assert.Equal(1, web.Server.TotalConnections);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Dispose_OfResponseContentOrStream_ClosesTheConnection(int disposed)
    {
        await using var web = await StartTwoPartsAsync();
        var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        var stream = await response.Content.ReadAsStreamAsync(Token);
        await web.Server.WaitForOpenConnectionsAsync(1, Token);

        for (var repetition = 0; repetition < 5; repetition++)
        {
            if (disposed == 0) response.Dispose();
            if (disposed == 1) response.Content.Dispose();
            if (disposed == 2) await stream.DisposeAsync();
        }

        await web.Server.WaitForOpenConnectionsAsync(0, Token).WaitAsync(WebFunction.TooLong, Token);
        var read = async () => await stream.ReadExactlyAsync(new byte[1], Token);
        await Assert.ThrowsAsync<ObjectDisposedException>(read);
    }

    [Fact]
    public async Task Dispose_DuringARead_EndsTheRead()
    {
        await using var web = await StartTwoPartsAsync();
        using var response = await web.Http.GetAsync("/", HttpCompletionOption.ResponseHeadersRead, Token);
        var stream = await response.Content.ReadAsStreamAsync(Token);
        var count = await stream.ReadAsync(new byte[100], Token);
        Assert.Equal(6, count);

        var reading = stream.ReadAsync(new byte[100], Token).AsTask();
        response.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(WebFunction.TooLong, Token));
    }

    [Fact]
    public async Task Send_Synchronous_StreamsAndReads()
    {
        await using var web = await StartTwoPartsAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent("x") };

        // Runs on a separate thread: a synchronous client blocks its thread, and the thread pool has only a few.
        var text = await Task.Factory.StartNew(
            () =>
            {
                using var response = web.Http.Send(request, HttpCompletionOption.ResponseHeadersRead, Token);
                using var stream = response.Content.ReadAsStream(Token);
                var buffer = new byte[100];
                var first = Encoding.UTF8.GetString(buffer, 0, stream.Read(buffer));
                web.FirstPartSeen();
                using var reader = new StreamReader(stream);
                return $"{first}| {reader.ReadToEnd()}";
            },
            Token,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

        Assert.Equal("first | second", text);
    }

    [Fact]
    public async Task Send_SynchronousWithBufferedContent_ThrowsForTruncation()
    {
        await using var web = await StartTwoPartsAsync();
        web.Inject(Fault.EndOfBody);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent("x") };

        var exception = Assert.Throws<HttpRequestException>(() => web.Http.Send(request, Token));

        Assert.Equal(HttpRequestError.ResponseEnded, exception.HttpRequestError);
        Assert.IsType<ResponseStreamTruncatedException>(exception.InnerException?.InnerException);
    }

    // With the clock of the machine, a pause of the machine ends the wait for the end of a body.
    private static FakeTimeProvider StoppedClock() => new(DateTimeOffset.UtcNow);

    private static Task<WebFunction> StartTwoPartsAsync() => WebFunction.StartAsync(async (web, _, response, token) =>
    {
        await response.WriteAsync("first ", token);
        await web.MiddleAsync(response, token);
        await response.WriteAsync("second", token);
    });
}
