using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Http.Tests;

/// <summary>The event that the function receives.</summary>
public sealed class RequestTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SendAsync_Request_IsTheEventOfAFunctionUrl()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 2, 1, 4, 4, 5, 6, TimeSpan.FromHours(1)));
        await using var web = await StartAsync(options => options.TimeProvider = time);
        const string Url = "https://shop.example.com:8443/a%20b/%C3%A9?x=1&x=2&y=a+b&z";
        using var request = new HttpRequestMessage(HttpMethod.Put, Url);
        request.Content = new StringContent("héllo \"you\"", Encoding.UTF8, "text/plain");
        request.Headers.Add("X-Custom", ["one", "two"]);
        request.Headers.Add("Cookie", ["a=1", "b=2"]);
        request.Headers.Add("Authorization", "Bearer t");
        request.Headers.UserAgent.ParseAdd("agent/1 (x)");

        var sent = await SendAsync(web, request);

        var requestId = sent.GetProperty("requestContext").GetProperty("requestId").GetString();
        Assert.True(Guid.TryParse(requestId, out _));
        var expected = $$"""
            {
              "version": "2.0", "routeKey": "$default", "rawPath": "/a%20b/%C3%A9", "rawQueryString": "x=1&x=2&y=a+b&z",
              "cookies": ["a=1", "b=2"],
              "headers": {
                "host": "shop.example.com:8443", "x-custom": "one, two", "cookie": "a=1; b=2",
                "authorization": "Bearer t",
                "user-agent": "agent/1 (x)", "content-type": "text/plain; charset=utf-8", "content-length": "12",
                "x-forwarded-proto": "https", "x-forwarded-port": "8443"
              },
              "queryStringParameters": { "x": "1,2", "y": "a b", "z": "" },
              "requestContext": {
                "accountId": "anonymous", "apiId": "shop", "domainName": "shop.example.com", "domainPrefix": "shop",
                "http": {
                  "method": "PUT", "path": "/a b/é", "protocol": "HTTP/1.1", "sourceIp": "0.0.0.0",
                  "userAgent": "agent/1 (x)"
                },
                "requestId": "{{requestId}}", "routeKey": "$default", "stage": "$default",
                "time": "01/Feb/2026:03:04:05 +0000", "timeEpoch": 1769915045006
              },
              "body": "héllo \"you\"", "isBase64Encoded": false
            }
            """;
        Assert.True(
            JsonElement.DeepEquals(JsonDocument.Parse(expected).RootElement, sent),
            $"Expected {expected}, got {sent}.");
    }

    [Theory]
    [InlineData("post", "POST")]
    [InlineData("Patch", "PATCH")]
    [InlineData("purge", "purge")]
    public async Task SendAsync_Method_KnownMethodsAreUpperCase(string method, string expected)
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), "/");

        var sent = await SendAsync(web, request);

        Assert.Equal(expected, new HttpFunctionRequest(sent).Method);
    }

    [Fact]
    public async Task SendAsync_ActivityIsCurrent_EventHasNoTraceHeaders()
    {
        await using var web = await StartAsync();
        using var activity = new Activity("caller").Start();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");

        var sent = await SendAsync(web, request);

        Assert.Equal(["host", "x-forwarded-port", "x-forwarded-proto"], Names(sent.GetProperty("headers")));
    }

    [Fact]
    public async Task SendAsync_HopByHopHeaders_AreNotForwarded()
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent("a") };
        request.Headers.ExpectContinue = true;
        request.Headers.TransferEncodingChunked = true;
        request.Headers.Connection.Add("x-private");
        request.Headers.Add("X-Private", "1");
        request.Headers.Add("TE", "trailers");
        request.Headers.Add("Upgrade", "h2c");
        request.Headers.ProxyAuthorization = new AuthenticationHeaderValue("Basic", "x");

        var sent = await SendAsync(web, request);

        Assert.Equal(
            ["content-length", "content-type", "host", "x-forwarded-port", "x-forwarded-proto"],
            Names(sent.GetProperty("headers")));
    }

    [Fact]
    public async Task SendAsync_ConnectionListsFieldsOfHandler_FieldsAreKept()
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/") { Content = new StringContent("a") };
        request.Headers.TryAddWithoutValidation("Connection", "Host, Content-Length, X-Private");
        request.Headers.TryAddWithoutValidation("Connection", "X-Forwarded-Proto, X-Forwarded-Port");
        request.Headers.Add("X-Private", "1");

        var sent = await SendAsync(web, request);

        Assert.Equal(
            ["content-length", "content-type", "host", "x-forwarded-port", "x-forwarded-proto"],
            Names(sent.GetProperty("headers")));
    }

    [Theory]
    [InlineData("http://[::1]:5000/", "[::1]:5000", "[::1]")]
    [InlineData("https://[2001:db8::1]/", "[2001:db8::1]", "[2001:db8::1]")]
    [InlineData("http://[fe80::1%25eth0]/", "[fe80::1]", "[fe80::1]")]
    [InlineData("https://b\u00FCcher.example/", "xn--bcher-kva.example", "xn--bcher-kva.example")]
    public async Task SendAsync_IPv6Uri_HostHasBrackets(string uri, string host, string domainName)
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);

        var sent = await SendAsync(web, request);

        Assert.Equal(host, sent.GetProperty("headers").GetProperty("host").GetString());
        Assert.Equal(domainName, sent.GetProperty("requestContext").GetProperty("domainName").GetString());
    }

    [Fact]
    public async Task SendAsync_ForwardedHeadersOfAProxy_AreKept()
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Add("X-Forwarded-For", "203.0.113.9");
        request.Headers.Add("X-Forwarded-Proto", "http");
        request.Headers.Add("X-Forwarded-Port", "81");
        request.Headers.Host = "public.example.com";

        var headers = (await SendAsync(web, request)).GetProperty("headers");

        Assert.Equal("203.0.113.9", headers.GetProperty("x-forwarded-for").GetString());
        Assert.Equal("http", headers.GetProperty("x-forwarded-proto").GetString());
        Assert.Equal("81", headers.GetProperty("x-forwarded-port").GetString());
        Assert.Equal("public.example.com", headers.GetProperty("host").GetString());
    }

    // The port of the URI does not belong to the scheme of the proxy's client. YARP sets the scheme only.
    [Fact]
    public async Task SendAsync_ProxySetsProtoWithoutPort_PortOfTheUriIsNotAdded()
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://internal:8080/");
        request.Headers.Add("X-Forwarded-Proto", "https");

        var headers = (await SendAsync(web, request)).GetProperty("headers");

        Assert.Equal(["host", "x-forwarded-proto"], Names(headers));
        Assert.Equal("https", headers.GetProperty("x-forwarded-proto").GetString());
    }

    [Fact]
    public async Task SendAsync_WithoutContent_EventHasNoBody()
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");

        var sent = await SendAsync(web, request);

        Assert.DoesNotContain(
            sent.EnumerateObject(),
            member => member.Name is "body" or "cookies" or "queryStringParameters");
        Assert.False(sent.GetProperty("isBase64Encoded").GetBoolean());
        Assert.False(sent.GetProperty("headers").TryGetProperty("content-length", out _));
    }

    [Fact]
    public async Task SendAsync_ContentWithoutLength_IsSentWithItsLength()
    {
        await using var web = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/");
        request.Content = new UnknownLengthContent(300_000);

        var sent = await SendAsync(web, request);

        Assert.Equal(300_000, sent.GetProperty("body").GetBytesFromBase64().Length);
        Assert.Equal("300000", sent.GetProperty("headers").GetProperty("content-length").GetString());
    }

    [Theory]
    [InlineData(4_700_000, true)]
    [InlineData(4_720_000, false)]
    [InlineData(200_000_000, false)]
    public async Task SendAsync_BinaryContent_IsAcceptedUpToTheLimitOfTheService(int length, bool isAccepted)
    {
        await using var web = await StartAsync();
        using var content = new UnknownLengthContent(length);

        if (isAccepted)
        {
            using var response = await web.Http.PostAsync("/", content, Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return;
        }

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => web.Http.PostAsync("/", content, Token));
        var cause = Assert.IsType<RequestTooLargeException>(exception.InnerException);
        Assert.False(cause.FunctionMayHaveRun);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, exception.StatusCode);
        Assert.InRange(content.BytesWritten, 0, 7_000_000);
        Assert.Empty(web.Server.Requests);
    }

    [Theory]
    [InlineData("span")]
    [InlineData("array")]
    [InlineData("byte")]
    public async Task SendAsync_BinaryContent_EachMethodThatWritesHasTheLimit(string method)
    {
        await using var web = await StartAsync();
        using var content = new UnknownLengthContent(20_000_000, (stream, bytes) =>
        {
            if (method == "array") return stream.WriteAsync(bytes, 0, bytes.Length, Token);
            if (method == "span") stream.Write(bytes.AsSpan());
            else foreach (var value in bytes) stream.WriteByte(value);
            return Task.CompletedTask;
        });

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => web.Http.PostAsync("/", content, Token));

        Assert.IsType<RequestTooLargeException>(exception.InnerException);
        Assert.InRange(content.BytesWritten, 0, 7_000_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SendAsync_ContentCatchesTheFailureOfItsDestination_ThrowsAndSendsNothing(bool throwsAnother)
    {
        await using var web = await StartAsync();
        using var content = new CatchingContent(throwsAnother);

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => web.Http.PostAsync("/", content, Token));

        Assert.IsType<RequestTooLargeException>(exception.InnerException);
        Assert.IsType<RequestTooLargeException>(content.Caught);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, exception.StatusCode);
        Assert.Empty(web.Server.Requests);
    }

    [Fact]
    public async Task AllowRequestHeader_DecidesWhichHeadersAreSent()
    {
        await using var web = await StartAsync(
            options => options.AllowRequestHeader = name => name is not ("Authorization" or "Cookie"));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("authorization", "Bearer t");
        request.Headers.TryAddWithoutValidation("cookie", "a=1");
        request.Headers.Add("X-Kept", "1");

        var sent = await SendAsync(web, request);

        Assert.False(sent.TryGetProperty("cookies", out _));
        Assert.Equal(
            ["host", "x-forwarded-port", "x-forwarded-proto", "x-kept"],
            Names(sent.GetProperty("headers")));
    }

    [Fact]
    public async Task Qualifier_IsInvoked()
    {
        await using var web = await WebFunction.StartRawAsync(
            (invocation, response, token) => response.WriteTextAsync(invocation.Qualifier ?? "none", token),
            options => options.Qualifier = "live");
        web.Function.AddVersion("7").AddAlias("live", "7");

        Assert.Equal("live", await web.Http.GetStringAsync("/", Token));
    }

    [Fact]
    public async Task TransformRequest_ChangesTheInvocation()
    {
        await using var web = await WebFunction.StartRawAsync(
            (invocation, response, token) => response.WriteTextAsync(invocation.TenantId ?? "none", token),
            options => options.TransformRequest =
                (http, invocation) => invocation with { TenantId = http.Headers.GetValues("X-Tenant").Single() });
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Tenant", "blue" } } };

        using var response = await web.Http.SendAsync(request, Token);

        Assert.Equal("blue", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task TransformRequest_ReturnsNull_ThrowsAndSendsNothing()
    {
        await using var web = await WebFunction.StartRawAsync(
            (_, response, token) => response.WriteTextAsync("x", token),
            options => options.TransformRequest = (_, _) => null!);

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => web.Http.GetAsync("/", Token));

        Assert.Contains("TransformRequest returned null", exception.Message);
        Assert.Empty(web.Server.Requests);
    }

    [Theory]
    [InlineData("/relative")]
    [InlineData("ftp://web/")]
    [InlineData(null)]
    public async Task SendAsync_UriIsNotAbsoluteHttp_ThrowsInvalidOperationException(string? uri)
    {
        await using var web = await StartAsync();
        using var invoker = new HttpMessageInvoker(web.Handler, disposeHandler: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, uri);

        await Assert.ThrowsAsync<InvalidOperationException>(() => invoker.SendAsync(request, Token));
    }

    [Fact]
    public void Constructor_InvalidArguments_Throws()
    {
        using var client = new LambdaStreamingClient();

        Assert.Throws<ArgumentNullException>(() => new LambdaHttpHandler(null!, "web"));
        Assert.Throws<ArgumentException>(() => new LambdaHttpHandler(client, " "));
        Assert.Throws<ArgumentException>(() => Create(options => options.IdleTimeout = TimeSpan.Zero));
        Assert.Throws<ArgumentException>(() => Create(options => options.ResponseHeadersTimeout = TimeSpan.MaxValue));
        Assert.Throws<ArgumentException>(() => Create(options => options.HttpPrelude = (HttpPreludeDetection)7));
        Assert.Throws<ArgumentException>(() => Create(options => options.TimeProvider = null!));
        Assert.Throws<ArgumentException>(() => Create(options => options.Qualifier = ""));

        void Create(Action<LambdaHttpHandlerOptions> configure)
        {
            var options = new LambdaHttpHandlerOptions();
            configure(options);
            using var handler = new LambdaHttpHandler(client, "web", options);
        }
    }

    [Fact]
    public async Task SendAsync_DisposedHandler_ThrowsAndClientStaysUsable()
    {
        await using var web = await StartAsync();
        using var invoker = new HttpMessageInvoker(web.Handler);
        invoker.Dispose();
        using var request = new HttpRequestMessage(HttpMethod.Get, "https://web/");

        using var other = new HttpMessageInvoker(web.Handler, disposeHandler: false);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => other.SendAsync(request, Token));
        var invocation = InvokeWithResponseStreamRequest.FromJson(WebFunction.Name, "{}");
        using var response = await web.Client.InvokeWithResponseStreamAsync(invocation, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static Task<WebFunction> StartAsync(Action<LambdaHttpHandlerOptions>? configure = null) =>
        WebFunction.StartRawAsync((_, response, token) => response.WriteTextAsync("ok", token), configure);

    private static async Task<JsonElement> SendAsync(WebFunction web, HttpRequestMessage request)
    {
        using var response = await web.Http.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return JsonDocument.Parse(web.Server.Requests[0].Payload).RootElement;
    }

    private static IEnumerable<string> Names(JsonElement members) =>
        members.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal);

    private sealed class UnknownLengthContent(int length, Func<Stream, byte[], Task>? write = null) : HttpContent
    {
        public int BytesWritten { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            while (BytesWritten < length)
            {
                var bytes = new byte[Math.Min(50_000, length - BytesWritten)];
                await (write?.Invoke(stream, bytes) ?? stream.WriteAsync(bytes, Token).AsTask());
                BytesWritten += bytes.Length;
            }
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = 0;
            return false;
        }
    }

    /// <summary>
    /// A content that does not pass an exception of its destination on, as that of YARP. The part that the destination
    /// accepts is within the limit of the service, also as an event.
    /// </summary>
    private sealed class CatchingContent : HttpContent
    {
        private readonly bool _throwsAnother;

        public CatchingContent(bool throwsAnother)
        {
            _throwsAnother = throwsAnother;
            Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        }

        public Exception? Caught { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var text = Encoding.ASCII.GetBytes(new string('a', 100_000));
            try
            {
                for (var length = 0; length < 7_000_000; length += text.Length) await stream.WriteAsync(text, Token);
            }
            catch (Exception exception) when (!Token.IsCancellationRequested)
            {
                Caught = exception;
                if (_throwsAnother) throw new InvalidOperationException("another", exception);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
