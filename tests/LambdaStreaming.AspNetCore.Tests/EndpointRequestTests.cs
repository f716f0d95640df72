using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LambdaStreaming.AspNetCore.Requests;
using LambdaStreaming.AspNetCore.Responses;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests how an HTTP request becomes the payload of an invocation.</summary>
public class EndpointRequestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Payload_Body_IsSentUnchanged()
    {
        await using var app = await StartAsync(_ => { });

        using var response = await app.PostAsync("/chat", """ {"a" : "é"} """);

        Assert.Equal(""" {"a" : "é"} """, Encoding.UTF8.GetString(app.Lambda.Requests[0].Payload.Span));
    }

    [Fact]
    public async Task Payload_NoBody_IsEmpty()
    {
        await using var app = await StartAsync(_ => { });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(app.Lambda.Requests[0].Payload.IsEmpty);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task Payload_BodyWithoutJsonContentType_Returns415(string? contentType)
    {
        await using var app = await StartAsync(_ => { });

        using var response = await SendAsync(app, "{}"u8.ToArray(), contentType);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    [Fact]
    public async Task Payload_BodyIsInvalidJson_Returns400()
    {
        await using var app = await StartAsync(_ => { });

        using var response = await app.PostAsync("/chat", "{no");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    public static TheoryData<byte[], int> NotUtf8 => new()
    {
        { [(byte)'"', 0xFF, (byte)'"'], 1 },
        { [.. Encoding.UTF8.GetBytes("[\"é😀\","), 0x80, (byte)']'], 10 },
        { [.. "{\"a\":\""u8, 0xED, 0xA0, 0x80, .. "\"}"u8], 6 },
        { [(byte)'"', 0xC3], 1 },
        { [.. Encoding.UTF8.GetBytes("\"" + new string('é', 5000)), 0xC0, 0x80], 10_001 },
    };

    [Theory, MemberData(nameof(NotUtf8))]
    public async Task Payload_BodyIsNotUtf8_Returns400WithByteOffset(byte[] body, int offset)
    {
        await using var app = await StartAsync(_ => { });

        using var response = await SendAsync(app, body, "application/json");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"byte offset {offset} ", await response.Content.ReadAsStringAsync(Token));
        Assert.Empty(app.Lambda.Requests);
    }

    [Fact]
    public async Task Payload_BodyNestedDeeperThan64_IsSentUnchanged()
    {
        var json = new string('[', 65) + new string(']', 65);
        var client = new RecordingClient();
        await using var app = await StartAsync(options => options.Client = _ => client);

        using var response = await app.PostAsync("/chat", json);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(json, Encoding.UTF8.GetString(Assert.Single(client.Requests).Payload.Span));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task MaxRequestBodyBytes_BodyExceedsLimit_Returns413AndSendsNothing(bool hasContentLength)
    {
        await using var app = await StartAsync(options => options.MaxRequestBodyBytes = 10);

        var body = "[1,2,3,4,5]"u8.ToArray();
        using var response = await SendAsync(app, body, "application/json", chunked: !hasContentLength);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains("larger than 10 bytes", await response.Content.ReadAsStringAsync(Token));
        Assert.Empty(app.Lambda.Requests);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(200_000)]
    public async Task MaxRequestBodyBytes_ChunkedBodyExceedsLimit_KeepsConnectionAndLogsNoError(int length)
    {
        await using var app = await StartAsync(options => options.MaxRequestBodyBytes = 10);

        using var rejected = await SendAsync(app, new byte[length], "application/json", chunked: true);
        await rejected.Content.ReadAsStringAsync(Token);
        using var next = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, rejected.StatusCode);
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
        Assert.DoesNotContain(app.Log, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task MaxRequestBodyBytes_BodyAtLimit_IsAccepted(bool hasContentLength)
    {
        await using var app = await StartAsync(options => options.MaxRequestBodyBytes = 11);

        var body = "[1,2,3,4,5]"u8.ToArray();
        using var response = await SendAsync(app, body, "application/json", chunked: !hasContentLength);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(11, app.Lambda.Requests[0].Payload.Length);
    }

    [Fact]
    public async Task FunctionUrlEvent_TooLargeAfterEncoding_Returns413()
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);

        using var response = await SendAsync(app, new byte[5 * 1024 * 1024], "application/octet-stream");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    // A control character takes six bytes in JSON. With Utf8JsonWriter, this request allocated 118 MiB.
    [Theory]
    [InlineData("text/plain", '\u0001')]
    [InlineData("application/octet-stream", 'a')]
    public async Task FunctionUrlEvent_TooLargeAfterEncoding_AllocatesAtMostThreeTimesTheBody(
        string contentType,
        char character)
    {
        var bytes = new byte[6 * 1024 * 1024];
        Array.Fill(bytes, (byte)character);
        await using var services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        context.Request.Method = "POST";
        context.Request.ContentType = contentType;
        context.Request.Body = new MemoryStream(bytes);
        var options = new LambdaStreamEndpointOptions { Payload = LambdaPayload.FunctionUrlEvent };

        var before = GC.GetAllocatedBytesForCurrentThread();
        var reading = RequestPayload.ReadAsync(context, options, Token);
        Assert.True(reading.IsCompleted);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        var exception = await Assert.ThrowsAsync<RequestRejectedException>(() => reading);
        Assert.Equal(413, exception.StatusCode);
        Assert.InRange(allocated, 1, 3 * bytes.Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("plain")]
    [InlineData("\"quoted\" \\ \u0001\t\n é 😀 \u2028 \u007f <&>'+")]
    public async Task FunctionUrlEvent_TextBody_IsUnchanged(string text)
    {
        // Larger than all buffers between client and function.
        var body = string.Concat(Enumerable.Repeat(text, 2000));
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);

        using var response = await SendAsync(app, Encoding.UTF8.GetBytes(body), "text/plain");

        var sent = GetPayload(app);
        Assert.Equal(body, sent.TryGetProperty("body", out var value) ? value.GetString() : "");
        Assert.False(sent.GetProperty("isBase64Encoded").GetBoolean());
    }

    [Theory]
    [InlineData(0, HttpStatusCode.OK)]
    [InlineData(1, HttpStatusCode.RequestEntityTooLarge)]
    public async Task FunctionUrlEvent_AtLimitAfterEncoding_IsAccepted(int excess, HttpStatusCode expected)
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);
        using var empty = await SendAsync(app, "a"u8.ToArray(), "text/plain");
        var remaining = 6_291_556 - app.Lambda.Requests[0].Payload.Length;

        // The event also contains the Content-Length, which has six more digits for this body.
        var body = new string('a', remaining + 1 - 6 + excess);
        using var response = await SendAsync(app, Encoding.UTF8.GetBytes(body), "text/plain");

        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task FunctionUrlEvent_Request_MatchesEventOfFunctionUrl()
    {
        await using var app = await StartAsync(
            options => options.Payload = LambdaPayload.FunctionUrlEvent,
            "/shop/{**rest}");
        using var request = new HttpRequestMessage(HttpMethod.Put, "/shop/a%20b/%C3%A9?x=1&x=2&y=a%20b&z");
        request.Content = new StringContent("héllo \"you\"", Encoding.UTF8, "text/plain");
        request.Headers.Host = "shop.example.com:8443";
        request.Headers.Add("X-Custom", ["one", "two"]);
        request.Headers.Add("Cookie", "a=1; b=2");
        request.Headers.Add("Authorization", "Bearer t");
        request.Headers.Add("X-Forwarded-For", "6.6.6.6");
        request.Headers.UserAgent.ParseAdd("agent/1");
        request.Headers.Connection.Add("x-private");
        request.Headers.Add("X-Private", "1");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var sent = GetPayload(app);
        var requestId = sent.GetProperty("requestContext").GetProperty("requestId").GetString();
        var expected = $$"""
            {
              "version": "2.0", "routeKey": "$default", "rawPath": "/shop/a%20b/%C3%A9", "rawQueryString": "x=1&x=2&y=a%20b&z",
              "cookies": ["a=1", "b=2"],
              "headers": {
                "host": "shop.example.com:8443", "x-custom": "one, two", "cookie": "a=1; b=2",
                "authorization": "Bearer t", "user-agent": "agent/1",
                "content-type": "text/plain; charset=utf-8", "content-length": "12",
                "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-port": "8443"
              },
              "queryStringParameters": { "x": "1,2", "y": "a b", "z": "" },
              "requestContext": {
                "accountId": "anonymous", "apiId": "shop", "domainName": "shop.example.com", "domainPrefix": "shop",
                "http": { "method": "PUT", "path": "/shop/a b/é", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "agent/1" },
                "requestId": "{{requestId}}", "routeKey": "$default", "stage": "$default", "time": "01/Feb/2026:03:04:05 +0000", "timeEpoch": 1769915045006
              },
              "body": "héllo \"you\"", "isBase64Encoded": false
            }
            """;
        Assert.True(
            JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, sent),
            $"Expected {expected}, got {sent}.");
    }

    [Fact]
    public async Task FunctionUrlEvent_ConnectionListsFieldsOfServer_FieldsAreKept()
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);

        // Kestrel replaces a Connection field that contains "close". In HTTP/1.0, it closes the connection without it.
        await app.SendRawAsync(
            "POST /chat HTTP/1.0\r\nHost: a:81\r\nX-Private: 1\r\nX-Forwarded-For: 6.6.6.6\r\n"
            + "Connection: X-Forwarded-For, x-forwarded-proto, X-Forwarded-Port, Host\r\n"
            + "Connection: X-Private, Content-Length\r\nContent-Length: 1\r\n\r\na");

        Assert.Equal(
            """
            {"host":"a:81","content-length":"1","x-forwarded-for":"127.0.0.1","x-forwarded-proto":"http","x-forwarded-port":"81"}
            """,
            GetPayload(app).GetProperty("headers").GetRawText());
    }

    // CGI and WSGI adapters read these names as those of the fields that the server sets.
    [Fact]
    public async Task FunctionUrlEvent_FieldsOfServerWithUnderscores_AreDropped()
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);

        await app.SendRawAsync(
            "POST /chat HTTP/1.0\r\nHost: a:81\r\nX_Forwarded_For: 6.6.6.6\r\nx_forwarded-proto: https\r\n"
            + "X-Forwarded_Port: 1\r\nContent_Length: 9\r\nX_Other: 1\r\nContent-Length: 1\r\n\r\na");

        Assert.Equal(
            """
            {"host":"a:81","x_other":"1","content-length":"1","x-forwarded-for":"127.0.0.1","x-forwarded-proto":"http","x-forwarded-port":"81"}
            """,
            GetPayload(app).GetProperty("headers").GetRawText());
    }

    [Theory]
    [InlineData("fe80::1%3", "fe80::1")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("192.0.2.1", "192.0.2.1")]
    public async Task FunctionUrlEvent_RemoteAddress_HasNoZone(string address, string expected)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        var options = new LambdaStreamEndpointOptions { Payload = LambdaPayload.FunctionUrlEvent };

        var (payload, _) = await RequestPayload.ReadAsync(context, options, Token);

        using var sent = JsonDocument.Parse(payload);
        var http = sent.RootElement.GetProperty("requestContext").GetProperty("http");
        Assert.Equal(expected, http.GetProperty("sourceIp").GetString());
        Assert.Equal(expected, sent.RootElement.GetProperty("headers").GetProperty("x-forwarded-for").GetString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FunctionUrlEvent_RequestDecompression_ContentLengthIsThatOfTheBody(bool hasContentLength)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("web", async (_, response, ct) => await response.WriteTextAsync("ok", ct)),
            map =>
            {
                map.UseRequestDecompression();
                map.MapLambdaStream("/chat", "web", options => options.Payload = LambdaPayload.FunctionUrlEvent);
            },
            services: builder => builder.Services.AddRequestDecompression());
        using var compressed = new MemoryStream();
        await using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.ASCII.GetBytes(new string('a', 1000)), Token);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Content = new ByteArrayContent(compressed.ToArray());
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        request.Content.Headers.ContentEncoding.Add("gzip");
        request.Headers.TransferEncodingChunked = !hasContentLength;

        using var response = await app.SendAsync(request, Token);

        var sent = GetPayload(app);
        Assert.Equal(1000, sent.GetProperty("body").GetString()!.Length);
        Assert.Equal("1000", sent.GetProperty("headers").GetProperty("content-length").GetString());
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    public async Task MapLambdaStream_BodyCannotBeDecompressed_Returns400(string encoding)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("web"),
            map =>
            {
                map.UseRequestDecompression();
                map.MapLambdaStream("/chat", "web");
            },
            services: builder => builder.Services.AddRequestDecompression());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Content = new StringContent("{}", mediaType: new("application/json"));
        request.Content.Headers.ContentEncoding.Add(encoding);

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.DoesNotContain(app.Log, line => line.StartsWith("Error", StringComparison.Ordinal));
        Assert.Empty(app.Lambda.Requests);
    }

    [Theory]
    [InlineData("GET", null)]
    [InlineData("POST", "0")]
    public async Task FunctionUrlEvent_NoBody_HasContentLengthOnlyIfTheRequestHas(string method, string? expected)
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);
        using var request = new HttpRequestMessage(new HttpMethod(method), "/chat");

        using var response = await app.SendAsync(request, Token);

        var headers = GetPayload(app).GetProperty("headers");
        Assert.Equal(expected, headers.TryGetProperty("content-length", out var value) ? value.GetString() : null);
    }

    [Theory]
    [InlineData("/shop/a%2525b")]
    [InlineData("/shop/a%252Fb")]
    [InlineData("/shop/a%2Fb")]
    [InlineData("/shop/a%7Eb")]
    [InlineData("/shop/a+b;c=d,e@f:g")]
    public async Task FunctionUrlEvent_Path_KeepsItsEncoding(string path)
    {
        await using var app = await StartAsync(
            options => options.Payload = LambdaPayload.FunctionUrlEvent,
            "/shop/{**rest}");

        await app.SendRawAsync($"GET {path}?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.Equal(path, GetPayload(app).GetProperty("rawPath").GetString());
    }

    [Theory]
    [InlineData("/base/chat", "/chat")]
    [InlineData("/base/x/../chat", "/chat")]
    public async Task FunctionUrlEvent_PathChangedByApp_IsTheChangedPath(string target, string expected)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("web", async (_, response, ct) => await response.WriteTextAsync("ok", ct)),
            map =>
            {
                map.UsePathBase("/base");
                map.UseRouting();
                map.MapLambdaStream("/chat", "web", options => options.Payload = LambdaPayload.FunctionUrlEvent);
            });

        await app.SendRawAsync($"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.Equal(expected, GetPayload(app).GetProperty("rawPath").GetString());
    }

    [Theory]
    [InlineData("application/json", "{}", "{}")]
    [InlineData("application/vnd.api+json", "{}", "{}")]
    [InlineData("application/xml", "<a/>", "<a/>")]
    [InlineData("text/html; charset=utf-8", "<p>", "<p>")]
    [InlineData("application/octet-stream", "abc", null)]
    [InlineData("image/png", "abc", null)]
    [InlineData(null, "abc", null)]
    [InlineData("text/plain", "\u00ff latin-1", null)]
    public async Task FunctionUrlEvent_Body_IsTextOrBase64(string? contentType, string body, string? text)
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);
        var bytes = Encoding.Latin1.GetBytes(body);

        using var response = await SendAsync(app, bytes, contentType);

        var sent = GetPayload(app);
        Assert.Equal(text is null, sent.GetProperty("isBase64Encoded").GetBoolean());
        Assert.Equal(text ?? Convert.ToBase64String(bytes), sent.GetProperty("body").GetString());
    }

    [Fact]
    public async Task FunctionUrlEvent_WithoutBodyQueryAndCookies_OmitsThem()
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);

        using var response = await app.Browser.GetAsync("/chat", Token);

        var sent = GetPayload(app);
        var http = sent.GetProperty("requestContext").GetProperty("http");
        Assert.Equal("GET", http.GetProperty("method").GetString());
        Assert.Equal("", sent.GetProperty("rawQueryString").GetString());
        Assert.False(sent.GetProperty("isBase64Encoded").GetBoolean());
        var names = sent.EnumerateObject().Select(member => member.Name);
        Assert.Empty(names.Intersect(["body", "cookies", "queryStringParameters"]));
    }

    [Fact]
    public async Task AllowRequestHeader_ReturnsFalse_HeaderIsDropped()
    {
        await using var app = await StartAsync(options =>
        {
            options.Payload = LambdaPayload.FunctionUrlEvent;
            options.AllowRequestHeader = name => name is not ("Authorization" or "Cookie");
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/chat");
        request.Headers.Add("Authorization", "Bearer t");
        request.Headers.Add("Cookie", "a=1");
        request.Headers.Add("X-Kept", "1");

        using var response = await app.SendAsync(request, Token);

        var sent = GetPayload(app);
        Assert.False(sent.TryGetProperty("cookies", out _));
        Assert.False(sent.GetProperty("headers").TryGetProperty("cookie", out _));
        Assert.False(sent.GetProperty("headers").TryGetProperty("authorization", out _));
        Assert.Equal("1", sent.GetProperty("headers").GetProperty("x-kept").GetString());
    }

    [Fact]
    public async Task AllowRequestHeader_ServerPreservesNameCase_GetsCanonicalNamesOfCredentials()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("web", async (_, response, ct) => await response.WriteTextAsync("ok", ct)),
            map =>
            {
                // Servers other than Kestrel can provide names in lower case.
                map.Use((context, next) =>
                {
                    context.Features.Get<IHttpRequestFeature>()!.Headers = new HeaderDictionary
                    {
                        ["authorization"] = "Bearer t",
                        ["cookie"] = "a=1",
                        ["X-Kept"] = "1",
                    };
                    return next(context);
                });
                map.MapLambdaStream("/chat", "web", options =>
                {
                    options.Payload = LambdaPayload.FunctionUrlEvent;
                    options.AllowRequestHeader = name => name is not ("Authorization" or "Cookie");
                });
            });

        using var response = await app.Browser.GetAsync("/chat", Token);

        var sent = GetPayload(app);
        Assert.False(sent.TryGetProperty("cookies", out _));
        var names = sent.GetProperty("headers").EnumerateObject().Select(header => header.Name);
        Assert.Equal(
            ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-kept"],
            names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task FunctionUrlEvent_QueryNamesDifferInCase_AreSeparate()
    {
        await using var app = await StartAsync(options => options.Payload = LambdaPayload.FunctionUrlEvent);

        using var response = await app.Browser.GetAsync("/chat?a=1&A=2&a=%C3%A9+3&=4&b", Token);

        var query = GetPayload(app).GetProperty("queryStringParameters");
        Assert.Equal("""{"a":"1,é 3","A":"2","":"4","b":""}""", query.GetRawText());
    }

    [Fact]
    public async Task TransformRequest_ReturnsChangedRequest_IsSent()
    {
        await using var app = await StartAsync(options =>
        {
            options.Methods.Add("GET");
            options.TransformRequest = (http, request) => request with
            {
                Payload = JsonSerializer.SerializeToUtf8Bytes(http.Request.Query["q"].ToString()),
                TenantId = "blue",
            };
        });

        using var response = await app.Browser.GetAsync("/chat?q=why", Token);

        Assert.Equal("\"why\"", Encoding.UTF8.GetString(app.Lambda.Requests[0].Payload.Span));
        Assert.Equal("blue", app.Lambda.Requests[0].Headers["X-Amz-Tenant-Id"]);
    }

    [Theory]
    [InlineData("POST", 200)]
    [InlineData("GET", 200)]
    [InlineData("PUT", 405)]
    public async Task Methods_GetIsAdded_PostIsStillAccepted(string method, int status)
    {
        await using var app = await StartAsync(options => options.Methods.Add("GET"));
        using var request = new HttpRequestMessage(new HttpMethod(method), "/chat");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Methods_OnlyGet_PostReturns405()
    {
        await using var app = await StartAsync(options =>
        {
            options.Methods.Clear();
            options.Methods.Add("GET");
        });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Theory]
    [InlineData(LambdaPayload.Body, "POST")]
    [InlineData(LambdaPayload.FunctionUrlEvent, "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")]
    public void Methods_Default_DependOnPayload(LambdaPayload payload, string expected)
    {
        var options = new LambdaStreamEndpointOptions { Payload = payload };

        Assert.Equal(expected, string.Join(", ", options.Methods.Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void MapLambdaStream_InvalidOptions_ThrowsArgumentException()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton<ILambdaStreamingClient>(new FailingClient(new TooManyRequestsException("x")));
        using var app = (IDisposable)builder.Build();
        var routes = (WebApplication)app;
        var undefinedPrelude = new LambdaStreamOptions { HttpPrelude = (HttpPreludeDetection)9 };

        AssertRejected("Methods", options => options.Methods.Clear());
        AssertRejected("MaxRequestBodyBytes", options => options.MaxRequestBodyBytes = -1);
        AssertRejected("ContentType", options => options.ContentType = "a\r\nb");
        AssertRejected("Content-Length", options => options.AllowedControlHeaders.Add("Content-Length"));
        Assert.Throws<ArgumentException>(() => routes.MapLambdaStream("/", " "));
        Assert.Throws<ArgumentException>(() => LambdaResults.Stream("f", default, undefinedPrelude));
        Assert.Throws<ArgumentException>(
            () => LambdaResults.Stream("f", default, new LambdaStreamEndpointOptions()));

        void AssertRejected(string name, Action<LambdaStreamEndpointOptions> configure)
        {
            var exception = Assert.Throws<ArgumentException>(() => routes.MapLambdaStream("/", "f", configure));
            Assert.Contains(name, exception.Message);
        }
    }

    [Fact]
    public async Task Stream_InvalidOptionsForResponse_DisposesResponse()
    {
        var response = InvokeWithResponseStreamResponse.Create(["a"]);
        var options = new LambdaStreamOptions { HttpPrelude = (HttpPreludeDetection)9 };

        Assert.Throws<ArgumentException>(() => LambdaResults.Stream(response, options));

        await Assert.ThrowsAsync<ObjectDisposedException>(() => response.ReadAsStringAsync(cancellationToken: Token));
    }

    private static Task<WebApp> StartAsync(Action<LambdaStreamEndpointOptions> options, string pattern = "/chat")
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 2, 1, 3, 4, 5, 6, TimeSpan.Zero));
        return WebApp.StartAsync(
            s => s.AddFunction("web", async (_, response, ct) => await response.WriteTextAsync("ok", ct)),
            app => app.MapLambdaStream(pattern, "web", options),
            services: builder => builder.Services.AddSingleton<TimeProvider>(clock));
    }

    private static JsonElement GetPayload(WebApp app) =>
        JsonDocument.Parse(app.Lambda.Requests[0].Payload).RootElement;

    private static async Task<HttpResponseMessage> SendAsync(
        WebApp app,
        byte[] body,
        string? contentType,
        bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        request.Headers.TransferEncodingChunked = chunked;
        return await app.SendAsync(request, Token);
    }

    private sealed class RecordingClient : ILambdaStreamingClient
    {
        public List<InvokeWithResponseStreamRequest> Requests { get; } = [];

        public Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest request,
            CancellationToken cancellationToken = default)
        {
            Requests.Add(request);
            return Task.FromResult(InvokeWithResponseStreamResponse.Create(["ok"]));
        }

        public void Dispose()
        {
        }
    }
}
