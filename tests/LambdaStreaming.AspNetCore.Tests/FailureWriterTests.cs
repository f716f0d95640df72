using System.Buffers;
using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests the events that report a failure, byte by byte, and the incomplete end of the response.</summary>
public class FailureWriterTests
{
    private const string Lost = "The connection to the function was lost. The response is incomplete.";

    private const string Failed = "The function failed, could not be invoked, or returned an invalid response.";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(TruncationMode.Reset)]
    [InlineData(TruncationMode.Close)]
    [InlineData(TruncationMode.EndOfBody)]
    [InlineData(null)]
    public async Task FailureWriter_Default_WritesErrorEventAndEndsIncomplete(TruncationMode? truncation)
    {
        Assert.SkipWhen(
            truncation == TruncationMode.Reset && OperatingSystem.IsWindows(),
            "Windows discards the bytes before a reset that the client has not read.");
        await using var test = await KeepAliveApp.StartAsync();
        test.Write("data: 1\n\n");
        test.Run(async (response, ct) =>
        {
            if (truncation is { } mode) await response.AbortAsync(mode, ct);
            else response.Fail("Unhandled", "{\"errorMessage\":\"secret\",\"errorType\":\"secret\"}");
        });
        test.End();
        using var client = await RawClient.PostAsync(test.Url);

        var body = await client.ReadToEndAsync();

        var json = ReadErrorEvent(body, "data: 1\n\n");
        Assert.Equal(["status", "detail", "traceId"], json.EnumerateObject().Select(member => member.Name));
        Assert.Equal(502, json.GetProperty("status").GetInt32());
        Assert.Equal(truncation is null ? Failed : Lost, json.GetProperty("detail").GetString());
        Assert.DoesNotContain("secret", body);
        Assert.False(client.IsComplete);
    }

    // The event and the incomplete end follow each other without delay here.
    [Fact]
    public async Task FailureWriter_Http1_EventIsSentBeforeIncompleteEnd()
    {
        var time = new StepTimeProvider();
        await using var app = await StartFailingAsync("data: 1\n\n", time: time);

        for (var i = 0; i < 100; i++)
        {
            using var client = await RawClient.PostAsync(app.Url);

            var body = await client.ReadToEndAsync();

            Assert.StartsWith("data: 1\n\nevent: error\ndata: {", body);
            Assert.EndsWith("\"}\n\n", body);
            Assert.False(client.IsComplete);
        }

        Assert.Equal(Enumerable.Repeat(TimeSpan.FromSeconds(0.5), 100), time.Delays);
    }

    // Kestrel discards queued bytes when it resets a stream, so this test needs the real delay.
    [Theory]
    [InlineData(true, "data: 1\n\nevent: error\ndata: {")]
    [InlineData(false, "data: 1\n\n")]
    public async Task FailureWriter_Http2_BytesAreSentBeforeReset(bool hasEvent, string expected)
    {
        await using var app = await StartFailingAsync(
            "data: 1\n\n",
            options => options.FailureWriter = hasEvent ? null : LambdaStreamFailureWriters.None,
            protocols: HttpProtocols.Http2,
            time: TimeProvider.System);

        for (var i = 0; i < 10; i++)
        {
            using var client = await RawHttp2Client.PostAsync(app.Url, "/chat");

            var (body, isReset) = await client.ReadToEndAsync();

            Assert.StartsWith(expected, body);
            Assert.EndsWith("\n\n", body);
            Assert.True(isReset);
        }
    }

    [Theory]
    [InlineData("data: 1\n\n", "")]
    [InlineData("data: 1\r\n\r\n", "")]
    [InlineData("data: 1\r\n\r", "\n")]
    [InlineData("data: 1\r\r", "\n")]
    [InlineData("data: 1\n", "event: incomplete\n\n")]
    [InlineData("data: 1\r\n", "event: incomplete\n\n")]
    [InlineData("data: 1\r", "\nevent: incomplete\n\n")]
    [InlineData("event: price\ndata: 12", "\nevent: incomplete\n\n")]
    [InlineData("da", "\nevent: incomplete\n\n")]
    [InlineData(": pi", "\n")]
    [InlineData("id: 1\n\nid: 12", "\0incomplete\nevent: incomplete\n\n")]
    [InlineData("data: 1\n\nid", "\0incomplete\nevent: incomplete\n\n")]
    [InlineData("retry: 1", "\0incomplete\nevent: incomplete\n\n")]
    [InlineData("r", "\0incomplete\nevent: incomplete\n\n")]
    [InlineData("retry: 1\r", "\nevent: incomplete\n\n")]
    public async Task FailureWriter_InsideEvent_EndsEventFirst(string begin, string end)
    {
        await using var app = await StartFailingAsync(begin);
        using var client = await RawClient.PostAsync(app.Url);

        var body = await client.ReadToEndAsync();

        ReadErrorEvent(body, begin + end);
        Assert.False(client.IsComplete);
    }

    // The parser of .NET follows the same rules as browsers.
    [Theory]
    [InlineData("id: 12")]
    [InlineData("id:")]
    [InlineData("id")]
    [InlineData("retry: 1")]
    public async Task FailureWriter_InsideIdOrRetry_LineIsIgnored(string begin)
    {
        await using var app = await StartFailingAsync("id: 1\nretry: 15000\ndata: 1\n\n" + begin);
        using var client = await RawClient.PostAsync(app.Url);
        var body = await client.ReadToEndAsync();
        using var bytes = new MemoryStream(Encoding.UTF8.GetBytes(body));
        var parser = SseParser.Create(bytes);

        var types = new List<string>();
        await foreach (var item in parser.EnumerateAsync(Token)) types.Add(item.EventType);

        Assert.Equal(["message", "error"], types);
        Assert.Equal("1", parser.LastEventId);
        Assert.Equal(TimeSpan.FromSeconds(15), parser.ReconnectionInterval);
    }

    // If the incomplete event was ended, a client would store its id, resume after it, and never receive the event.
    [Theory]
    [InlineData("id: 2\n")]
    [InlineData("id: 2\r\nda")]
    [InlineData("data: 2\nid: 2\ndata: 3\n")]
    public async Task FailureWriter_IncompleteEventHasId_WritesNothing(string begin)
    {
        const string First = "id: 1\ndata: 1\n\n";
        await using var app = await StartFailingAsync(First + begin);
        using var client = await RawClient.PostAsync(app.Url);

        var body = await client.ReadToEndAsync();

        Assert.Equal(First + begin, body);
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task FailureWriter_HeaderOfAISdk_WritesErrorPart()
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.ContentType = null);
        test.WritePrelude(200, ("Content-Type", "text/event-stream"), ("x-vercel-ai-ui-message-stream", "v1"));
        test.Write("data: {\"type\":\"start\"}\n\n");
        test.Run((response, _) =>
        {
            response.Fail("Unhandled", "secret");
            return Task.CompletedTask;
        });
        test.End();
        using var client = await RawClient.PostAsync(test.Url);

        var body = await client.ReadToEndAsync();

        Assert.Equal(
            "data: {\"type\":\"start\"}\n\ndata: {\"type\":\"error\",\"errorText\":\"" + Failed + "\"}\n\n",
            body);
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task FailureWriter_AGUI_WritesRunError()
    {
        await using var app = await StartFailingAsync(
            "data: 1\n\n",
            options => options.FailureWriter = LambdaStreamFailureWriters.AGUI);
        using var client = await RawClient.PostAsync(app.Url);

        Assert.Equal(
            "data: 1\n\ndata: {\"type\":\"RUN_ERROR\",\"message\":\"" + Failed + "\",\"code\":\"502\"}\n\n",
            await client.ReadToEndAsync());
        Assert.False(client.IsComplete);
    }

    [Theory]
    [InlineData("data: 1\n\n")]
    [InlineData("data: 1")]
    public async Task FailureWriter_None_WritesNothing(string text)
    {
        await using var app = await StartFailingAsync(
            text,
            options => options.FailureWriter = LambdaStreamFailureWriters.None);
        using var client = await RawClient.PostAsync(app.Url);

        Assert.Equal(text, await client.ReadToEndAsync());
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task FailureWriter_OtherContentType_WritesNothingByDefault()
    {
        await using var app = await StartFailingAsync(
            "{\"a\":1}\n",
            options => options.ContentType = "application/x-ndjson");
        using var client = await RawClient.PostAsync(app.Url);

        Assert.Equal("{\"a\":1}\n", await client.ReadToEndAsync());
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task FailureWriter_Delegate_WritesOwnProtocol()
    {
        await using var app = await StartFailingAsync("{\"a\":1}\n", options =>
        {
            options.ContentType = "application/x-ndjson";
            options.FailureWriter = (failure, body) =>
                body.Write(Encoding.UTF8.GetBytes($"{{\"error\":{failure.StatusCode}}}\n"));
        });
        using var client = await RawClient.PostAsync(app.Url);

        Assert.Equal("{\"a\":1}\n{\"error\":502}\n", await client.ReadToEndAsync());
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task FailureWriter_DelegateThrows_ResponseIsIncompleteAndLogged()
    {
        await using var app = await StartFailingAsync("data: 1\n\n", options => options.FailureWriter = (_, body) =>
        {
            body.Write("data: half"u8);
            throw new InvalidOperationException("planned");
        });
        using var client = await RawClient.PostAsync(app.Url);

        Assert.Equal("data: 1\n\n", await client.ReadToEndAsync());
        Assert.False(client.IsComplete);
        Assert.Contains(app.Log, line =>
            line.StartsWith("Warning LambdaStreaming.AspNetCore 207", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FailureWriter_CompressedContent_WritesNothing()
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.ContentType = null);
        test.WritePrelude(200, ("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip"));
        test.Write("zipped");
        test.Run((response, _) =>
        {
            response.Fail("Unhandled", "secret");
            return Task.CompletedTask;
        });
        test.End();
        using var client = await RawClient.PostAsync(test.Url);

        Assert.Equal("zipped", await client.ReadToEndAsync());
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task IncludeErrorDetails_True_EventContainsExceptionAndRequestId()
    {
        await using var app = await StartFailingAsync("data: 1\n\n", options => options.IncludeErrorDetails = true);
        using var client = await RawClient.PostAsync(app.Url);

        var json = ReadErrorEvent(await client.ReadToEndAsync(), "data: 1\n\n");

        Assert.StartsWith("FunctionErrorException: ", json.GetProperty("exception").GetString());
        Assert.NotEmpty(json.GetProperty("requestId").GetString()!);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(999)]
    public async Task IncludeErrorDetails_PreludeHasOtherStatus_EventContainsRequestId(int status)
    {
        await using var test = await KeepAliveApp.StartAsync(options => options.IncludeErrorDetails = true);
        test.WritePrelude(status);
        using var client = await RawClient.PostAsync(test.Url);

        var json = ReadErrorEvent(await client.ReadToEndAsync(), "");

        Assert.StartsWith("PayloadFormatException: ", json.GetProperty("exception").GetString());
        Assert.Equal(test.App.Lambda.Requests[0].RequestId, json.GetProperty("requestId").GetString());
    }

    [Fact]
    public void IncludeErrorDetails_True_ErrorPartContainsExceptionAndRequestId()
    {
        var failure = new LambdaStreamFailure
        {
            StatusCode = 502,
            Detail = "Failed.",
            TraceId = "trace",
            ErrorDetails = "A: b\nc",
            RequestId = "id",
            Exception = new InvalidOperationException(),
        };
        var body = new ArrayBufferWriter<byte>();

        LambdaStreamFailureWriters.AISdkUI(failure, body);

        Assert.Equal(
            "data: {\"type\":\"error\",\"errorText\":\"Failed. A: b\\nc (request id id)\"}\n\n",
            Encoding.UTF8.GetString(body.WrittenSpan));
    }

    [Fact]
    public async Task ContentType_FailsBeforeFirstByte_WritesEventAfterStatus200()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "sse", options =>
            {
                options.ContentType = "text/event-stream";
                options.Client = _ => new FailingClient(new TooManyRequestsException("secret"));
            }));
        using var client = await RawClient.PostAsync(app.Url);

        var body = await client.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.Headers);
        Assert.Equal(503, ReadErrorEvent(body, "").GetProperty("status").GetInt32());
        Assert.DoesNotContain("secret", body);
        Assert.False(client.IsComplete);
    }

    [Fact]
    public async Task KeepAliveInterval_InfiniteAndFailsBeforeFirstByte_ReturnsProblem()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "sse", options =>
            {
                options.ContentType = "text/event-stream";
                options.KeepAliveInterval = Timeout.InfiniteTimeSpan;
                options.Client = _ => new FailingClient(new TooManyRequestsException("x"));
            }));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData(404, false)]
    [InlineData(204, false)]
    [InlineData(200, true)]
    public async Task ContentType_PreludeAfterHeaders_OnlyStatus200IsComplete(int status, bool isComplete)
    {
        await using var test = await KeepAliveApp.StartAsync();
        test.WritePrelude(status, ("Content-Type", "text/event-stream"), ("X-Fn", "b"));
        test.Write("data: 1\n\n");
        test.End();
        using var client = await RawClient.PostAsync(test.Url);

        var body = await client.ReadToEndAsync();

        Assert.Equal(isComplete, client.IsComplete);
        Assert.DoesNotContain("X-Fn", client.Headers);
        Assert.Equal(isComplete, test.App.Log.Any(line =>
            line.StartsWith("Warning LambdaStreaming.AspNetCore 206", StringComparison.Ordinal)));
        if (isComplete) Assert.Equal("data: 1\n\n", body);
        else ReadErrorEvent(body, "");
    }

    // Without the header, the client could not read the body, and the response would look complete.
    [Theory]
    [InlineData("gzip", false)]
    [InlineData("identity, br", false)]
    [InlineData("Identity", true)]
    [InlineData("", true)]
    public async Task ContentType_PreludeHasContentEncoding_IsIncomplete(string encoding, bool isComplete)
    {
        await using var test = await KeepAliveApp.StartAsync();
        test.WritePrelude(200, ("Content-Type", "text/event-stream"), ("content-encoding", encoding));
        test.Write("data: 1\n\n");
        test.End();
        using var client = await RawClient.PostAsync(test.Url);

        var body = await client.ReadToEndAsync();

        Assert.Equal(isComplete, client.IsComplete);
        if (isComplete) Assert.Equal("data: 1\n\n", body);
        else Assert.Equal(502, ReadErrorEvent(body, "").GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task FailureWriter_RequestTimeout_WritesNothing()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("sse", async (_, response, ct) =>
            {
                await response.WriteTextAsync("data: 1\n\n", ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            }),
            map =>
            {
                map.UseRequestTimeouts();
                map.MapLambdaStream("/chat", "sse", options => options.ContentType = "text/event-stream")
                    .WithMetadata(new RequestTimeoutAttribute(1000));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        var (response, _) = await app.SendRawAsync(
            "POST /chat HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");

        Assert.DoesNotContain("event: error", response);
        Assert.DoesNotContain("\r\n0\r\n", response);
    }

    private static Task<WebApp> StartFailingAsync(
        string text,
        Action<LambdaStreamEndpointOptions>? configure = null,
        HttpProtocols protocols = HttpProtocols.Http1,
        TimeProvider? time = null) => WebApp.StartAsync(
        s => s.AddFunction("sse", async (_, response, ct) =>
        {
            await response.WriteAsync(Encoding.UTF8.GetBytes(text), ct);
            response.Fail("Unhandled", "secret");
        }),
        map => map.MapLambdaStream("/chat", "sse", options =>
        {
            options.ContentType = "text/event-stream";
            configure?.Invoke(options);
        }),
        services: builder => builder.Services.AddSingleton(time ?? new StepTimeProvider()),
        protocols: protocols);

    private static JsonElement ReadErrorEvent(string body, string before)
    {
        const string Begin = "event: error\ndata: ";
        Assert.StartsWith(before + Begin, body);
        Assert.EndsWith("}\n\n", body);
        var data = body[(before.Length + Begin.Length)..^2];
        Assert.DoesNotContain('\n', data);
        return JsonDocument.Parse(data).RootElement;
    }
}
