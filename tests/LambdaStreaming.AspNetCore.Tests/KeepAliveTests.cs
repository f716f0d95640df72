using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests comments in responses with server-sent events, byte by byte.</summary>
public class KeepAliveTests
{
    private const string Comment = ": keep-alive\n\n";
    private const string Post = "POST /chat HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ContentType_EventStream_SendsHeadersAndCommentsBeforeFirstByte()
    {
        await using var test = await KeepAliveApp.StartAsync();
        using var client = await RawClient.PostAsync(test.Url);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.Headers);
        Assert.Contains("\r\nContent-Type: text/event-stream\r\n", client.Headers);
        for (var i = 0; i < 3; i++)
        {
            await test.Time.AdvanceAsync(Interval);
            Assert.Equal(Comment, await client.ReadChunkAsync());
        }

        test.Write("data: 1\n\n");
        test.End();
        Assert.Equal("data: 1\n\n", await client.ReadToEndAsync());
        Assert.True(client.IsComplete);
    }

    [Fact]
    public async Task KeepAliveInterval_NothingForwarded_CommentsFollowEvents()
    {
        await using var test = await KeepAliveApp.StartAsync(o => o.KeepAliveInterval = TimeSpan.FromSeconds(5));
        using var client = await RawClient.PostAsync(test.Url);

        // The interval begins again after each event: at 4 s, and at 5 s.
        await test.Time.AdvanceAsync(TimeSpan.FromSeconds(4));
        test.Write("data: 1\n\n");
        Assert.Equal("data: 1\n\n", await client.ReadChunkAsync());
        await test.Time.AdvanceAsync(TimeSpan.FromSeconds(1));
        test.Write("data: 1\n\n");
        Assert.Equal("data: 1\n\n", await client.ReadChunkAsync());
        await test.Time.AdvanceAsync(TimeSpan.FromSeconds(4));
        await test.Time.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(Comment, await client.ReadChunkAsync());

        test.Write("data: 2\r\n\r\n");
        Assert.Equal("data: 2\r\n\r\n", await client.ReadChunkAsync());
        await test.Time.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(Comment, await client.ReadChunkAsync());
        test.End();

        Assert.Equal("", await client.ReadToEndAsync());
        Assert.True(client.IsComplete);
    }

    [Theory]
    [InlineData("data: 1")]
    [InlineData("data: 1\n")]
    [InlineData("data: 1\r\n\r")]
    public async Task KeepAliveInterval_InsideEvent_WritesNoComment(string begin)
    {
        await using var test = await KeepAliveApp.StartAsync();
        using var client = await RawClient.PostAsync(test.Url);

        test.Write(begin);
        Assert.Equal(begin, await client.ReadChunkAsync());
        await test.Time.AdvanceAsync(Interval);
        await test.Time.AdvanceAsync(Interval);
        test.Write("\n\n");
        Assert.Equal("\n\n", await client.ReadChunkAsync());
        await test.Time.AdvanceAsync(Interval);

        Assert.Equal(Comment, await client.ReadChunkAsync());
    }

    [Fact]
    public async Task KeepAliveInterval_ManyChunks_CreatesOneTimerAndSetsItOnce()
    {
        await using var test = await KeepAliveApp.StartAsync();
        using var client = await RawClient.PostAsync(test.Url);

        for (var i = 0; i < 200; i++)
        {
            test.Write("data: 1\n\n");
            Assert.Equal("data: 1\n\n", await client.ReadChunkAsync());
        }

        Assert.Equal(1, test.Time.Timers);
        Assert.Equal(1, test.Time.Changes);
    }

    [Fact]
    public async Task KeepAliveInterval_PreludeWithEventStream_WritesComments()
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.ContentType = null);
        test.WritePrelude(200, ("Content-Type", "text/event-stream; charset=utf-8"));
        using var client = await RawClient.PostAsync(test.Url);

        await test.Time.AdvanceAsync(Interval);

        Assert.Equal(Comment, await client.ReadChunkAsync());
    }

    [Fact]
    public async Task KeepAliveInterval_LambdaReportsEventStream_WritesCommentsAfterFirstByte()
    {
        await using var test = await KeepAliveApp.StartAsync(
            options => options.ContentType = null,
            functionContentType: "text/event-stream");
        test.Write("data: 1\n\n");
        using var client = await RawClient.PostAsync(test.Url);

        Assert.Equal("data: 1\n\n", await client.ReadChunkAsync());
        await test.Time.AdvanceAsync(Interval);

        Assert.Equal(Comment, await client.ReadChunkAsync());
    }

    // A comment before the first byte would send the status 200.
    [Fact]
    public async Task KeepAliveInterval_LambdaReportsEventStreamAndFailsBeforeFirstByte_ReturnsProblem()
    {
        await using var test = await KeepAliveApp.StartAsync(
            options => options.ContentType = null,
            functionContentType: "text/event-stream");
        test.Run((response, ct) => response.StartAsync(ct));
        var sending = test.App.PostAsync("/chat");

        // The timer is set again after the first interval, so the interval has been processed.
        await test.Time.AdvanceAsync(Interval);
        await test.Time.AdvanceAsync(Interval);
        test.Run((response, _) =>
        {
            response.Fail("Unhandled", "planned");
            return Task.CompletedTask;
        });
        test.End();
        using var response = await sending.WaitAsync(Patience, Token);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    // The headers arrive, and no timer is created for the response.
    [Theory]
    [InlineData("Content-Type", "application/x-ndjson")]
    [InlineData("Content-Type", "text/event-stream", "Content-Encoding", "gzip")]
    [InlineData("Content-Type", "text/event-stream", "Content-Encoding", "br")]
    public async Task KeepAliveInterval_OtherContent_CreatesNoTimer(params string[] headers)
    {
        await using var test = await KeepAliveApp.StartAsync(options =>
        {
            options.ContentType = null;
            options.KeepAliveInterval = Interval;
        });
        test.WritePrelude(200, [.. headers.Chunk(2).Select(pair => (pair[0], pair[1]))]);
        test.Write("one");
        using var client = await RawClient.PostAsync(test.Url);

        Assert.Equal("one", await client.ReadChunkAsync());
        test.Write("two");
        test.End();

        Assert.Equal("two", await client.ReadToEndAsync());
        Assert.Equal(0, test.Time.Timers);
    }

    [Fact]
    public async Task KeepAliveInterval_Infinite_HeadersWaitForFirstByteAndNoTimerIsCreated()
    {
        await using var test = await KeepAliveApp.StartAsync(
            options => options.KeepAliveInterval = Timeout.InfiniteTimeSpan);
        var connecting = RawClient.PostAsync(test.Url);
        await test.App.Lambda.WaitForRequestAsync(Token).WaitAsync(Patience, Token);
        Assert.False(connecting.IsCompleted);

        test.Write("data: 1\n\n");
        using var client = await connecting;
        test.End();

        Assert.Equal("data: 1\n\n", await client.ReadToEndAsync());
        Assert.Equal(0, test.Time.Timers);
    }

    // A length can only be declared by the app: that of the function is not forwarded.
    [Fact]
    public async Task KeepAliveInterval_ContentLengthIsDeclared_WritesNoComment()
    {
        await using var test = await KeepAliveApp.StartAsync(map: app => app.Use((context, next) =>
        {
            context.Response.ContentLength = 18;
            return next(context);
        }));
        test.Write("data: 1\n\n");
        var sending = test.App.SendRawAsync(Post);
        test.Write("data: 2\n\n");
        test.End();

        var (response, _) = await sending;

        Assert.EndsWith("\r\n\r\ndata: 1\n\ndata: 2\n\n", response);
        Assert.Equal(0, test.Time.Timers);
    }

    [Fact]
    public async Task ContentType_HeadRequest_WritesNoComment()
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.Methods.Add("HEAD"));
        test.Write("data: 1\n\n");

        var (response, _) = await test.App.SendRawAsync(
            "HEAD /chat HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", response);
        Assert.EndsWith("\r\n\r\n", response);
        Assert.Equal(0, test.Time.Timers);
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    public async Task KeepAliveInterval_StatusWithoutBody_WritesNoComment(int status)
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.ContentType = null);
        test.WritePrelude(status, ("Content-Type", "text/event-stream"));

        var (response, _) = await test.App.SendRawAsync(Post);

        Assert.StartsWith($"HTTP/1.1 {status} ", response);
        Assert.EndsWith("\r\n\r\n", response);
        Assert.Equal(0, test.Time.Timers);
    }

    // After a comment, a byte order mark would be part of the first field's name.
    [Theory]
    [InlineData(false, "\u00EF\u00BB\u00BFdata: 1\n\n")]
    [InlineData(true, "data: 1\n\n")]
    public async Task KeepAliveInterval_ByteOrderMark_IsDroppedOnlyAfterComment(bool hasComment, string expected)
    {
        await using var test = await KeepAliveApp.StartAsync();
        using var client = await RawClient.PostAsync(test.Url);
        if (hasComment)
        {
            await test.Time.AdvanceAsync(Interval);
            Assert.Equal(Comment, await client.ReadChunkAsync());
        }

        test.Write("\uFEFFdata: 1\n\n");

        Assert.Equal(expected, await client.ReadChunkAsync());
    }

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task ContentType_ClientDisconnectsBeforeFirstByte_EndsInvocation(HttpProtocols protocols)
    {
        await using var test = await KeepAliveApp.StartAsync(protocols: protocols);
        using var response = await test.App.PostAsync("/chat");
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await test.Time.AdvanceAsync(Interval);
        await body.ReadExactlyAsync(new byte[Comment.Length], Token).AsTask().WaitAsync(Patience, Token);
        var request = await test.App.Lambda.WaitForRequestAsync(Token);

        response.Dispose();

        await request.ClientDisconnected.WaitAsync(Patience, Token);
        await test.App.Lambda.WaitForOpenConnectionsAsync(0, Token).WaitAsync(Patience, Token);
    }

    [Fact]
    public async Task ContentType_ResponseOfHandler_SendsHeadersBeforeFirstByte()
    {
        var options = new LambdaStreamOptions { ContentType = "text/event-stream" };
        await using var test = await KeepAliveApp.StartAsync(map: app => app.MapPost(
            "/ask",
            async (ILambdaStreamingClient client) =>
            {
                var request = new InvokeWithResponseStreamRequest("sse");
                return LambdaResults.Stream(await client.InvokeWithResponseStreamAsync(request), options);
            }));
        test.Run((response, ct) => response.StartAsync(ct));
        using var client = await RawClient.PostAsync(test.Url, "/ask");

        await test.Time.AdvanceAsync(Interval);

        Assert.Equal(Comment, await client.ReadChunkAsync());
    }

    [Fact]
    public async Task ContentType_RequestIsRejected_ReturnsProblem()
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.MaxRequestBodyBytes = 1);

        using var response = await test.App.PostAsync("/chat", "{\"a\":1}");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    [InlineData(50L * 24 * 60 * 60 * 1000)]
    public void KeepAliveInterval_OutOfRange_Throws(long milliseconds)
    {
        var options = new LambdaStreamOptions { KeepAliveInterval = TimeSpan.FromMilliseconds(milliseconds) };

        var exception = Assert.Throws<ArgumentException>(() => LambdaResults.Stream("sse", default, options));

        Assert.Equal(nameof(LambdaStreamOptions.KeepAliveInterval), exception.ParamName);
    }
}
