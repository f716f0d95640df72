using System.Net;
using System.Text;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests how the prelude of the HTTP integration becomes status, headers and cookies.</summary>
public class PreludeTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Prelude_StatusHeadersAndCookies_AreForwarded(bool sendsContentType)
    {
        await using var app = await StartAsync(
            """
            {"statusCode":201,"headers":{"content-type":"text/html","x-one":"1","location":"/there"},"multiValueHeaders":{"x-two":["a","b"],"X-One":["2"]},"cookies":["a=1; HttpOnly","b=2"]}
            """,
            server => server.SendFunctionContentType = sendsContentType);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("text/html", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(["2"], response.Headers.GetValues("x-one"));
        Assert.Equal(["a", "b"], response.Headers.GetValues("x-two"));
        Assert.Equal("/there", response.Headers.Location?.ToString());
        Assert.Equal(["a=1; HttpOnly", "b=2"], response.Headers.GetValues("Set-Cookie"));
        Assert.Equal("body", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task Prelude_SingleValueHeaderRepeated_LastValueIsForwarded()
    {
        await using var app = await StartAsync(
            """{"headers":{"Content-Type":"text/plain","content-type":"text/html","location":["/a","/b"]}}""");

        using var response = await app.PostAsync("/chat");

        Assert.Equal(["text/html"], response.Content.Headers.GetValues("Content-Type"));
        Assert.Equal(["/b"], response.Headers.GetValues("Location"));
    }

    // HTTP/2 does not allow these values.
    [Fact]
    public async Task Prelude_ValueHasSpaceAround_IsForwardedWithoutSpace()
    {
        const string Prelude = """{"headers":{"x-one":" \t nosniff\t ","x-two":" ","x-three":"a b"}}""";
        await using var services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        var response = InvokeWithResponseStreamResponse.Create([Prelude + "\0\0\0\0\0\0\0\0body"]);

        await LambdaResults.Stream(response).ExecuteAsync(context);

        Assert.Equal("nosniff", context.Response.Headers["x-one"]);
        Assert.False(context.Response.Headers.ContainsKey("x-two"));
        Assert.Equal("a b", context.Response.Headers["x-three"]);
    }

    // An earlier version parsed the tokens of Connection again for each header. A prelude of 60 KB then allocated 1.4
    // GB.
    [Fact]
    public void Prelude_ConnectionListsManyNames_AllocatesLinearMemory()
    {
        const int Headers = 3000;
        var headers = string.Concat(Enumerable.Range(0, Headers).Select(number => $"\"h{number}\":\"\","));
        var tokens = string.Join(',', Enumerable.Repeat("a", 5 * Headers));
        var prelude = $"{{\"headers\":{{{headers}\"Connection\":\"{tokens}\"}}}}\0\0\0\0\0\0\0\0body";
        using var services = new ServiceCollection().BuildServiceProvider();
        var context = new DefaultHttpContext { RequestServices = services };
        var result = LambdaResults.Stream(InvokeWithResponseStreamResponse.Create([prelude]));

        var before = GC.GetAllocatedBytesForCurrentThread();
        var execution = result.ExecuteAsync(context);
        Assert.True(execution.IsCompletedSuccessfully);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 200 * prelude.Length);
    }

    [Fact]
    public async Task Prelude_BodyNotStarted_HeadersAreSent()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("slow", async (_, response, ct) =>
            {
                var headers = new Dictionary<string, string> { ["content-type"] = "text/event-stream" };
                await response.WriteHttpPreludeAsync(202, headers, null, ct);
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            }),
            map => map.MapLambdaStream("/chat", "slow"));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Prelude_HopByHopAndServerHeaders_AreDropped()
    {
        await using var app = await StartAsync(
            """
            {"headers":{"Connection":"close, x-private","X-Private":"1","Keep-Alive":"timeout=5","Transfer-Encoding":"gzip","Content-Length":"1","Upgrade":"h2c","Trailer":"x","TE":"trailers","Proxy-Authenticate":"Basic","Server":"evil","Date":"yesterday","Alt-Svc":"h3=\":1\"","Strict-Transport-Security":"max-age=1","X-Kept":"1"}}
            """);

        using var response = await app.PostAsync("/chat");

        Assert.Equal("body", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal(
            ["Date", "Server", "Transfer-Encoding", "X-Accel-Buffering", "X-Kept"],
            response.Headers.Select(header => header.Key).Order(StringComparer.Ordinal));
        Assert.Equal(["Content-Type"], response.Content.Headers.Select(header => header.Key));
        Assert.Equal("Kestrel", response.Headers.Server.ToString());
        Assert.NotEqual("yesterday", response.Headers.GetValues("Date").Single());
        Assert.Equal("chunked", response.Headers.TransferEncoding.ToString());
    }

    private static readonly string[] ControlHeaders =
    [
        // These control a proxy in front of the server.
        "X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Limit-Rate", "X-Sendfile", "X-Sendfile2",
        "X-Lighttpd-Send-File", "X-LiteSpeed-Location", "X-LiteSpeed-Cache-Control", "X-Reproxy-URL", "X-Reproxy-File",
        "X-Envoy-Immediate-Health-Check-Fail", "Surrogate-Control", "Surrogate-Key", "CDN-Cache-Control",
        "Cloudflare-CDN-Cache-Control", "Cache-Tag", "Edge-Control", "Edge-Cache-Tag", "Netlify-Cache-Tag",
        "Vercel-Cache-Tag", "Cache-Groups", "Cache-Group-Invalidation",

        // These apply to the entire host.
        "Alt-Svc", "Strict-Transport-Security", "Clear-Site-Data", "Service-Worker-Allowed", "NEL", "Report-To",
        "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-CT", "Accept-CH", "Critical-CH", "Set-Login",
        "Sec-Session-Registration", "Secure-Session-Registration", "Use-As-Dictionary",
    ];

    [Fact]
    public async Task Prelude_ControlHeaders_AreDroppedAndLogged()
    {
        var written = ControlHeaders.Select(name => $"\"{name.ToLowerInvariant()}\":\"1\",\"{name}\":\"2\"");
        await using var app = await StartAsync($$$"""{"headers":{{{{string.Join(',', written)}}}}}""");

        using var response = await app.PostAsync("/chat");

        Assert.Equal("body", await response.Content.ReadAsStringAsync(Token));
        var forwarded = response.Headers.Select(header => header.Key);
        Assert.Empty(forwarded.Intersect(ControlHeaders, StringComparer.OrdinalIgnoreCase));
        Assert.Equal(ControlHeaders.Length, CountLog(app, "Debug LambdaStreaming.AspNetCore 205"));
    }

    [Fact]
    public async Task AllowedControlHeaders_ContainsHeader_IsForwarded()
    {
        var written = ControlHeaders.Select(name => $"\"{name}\":\"1\"");
        var allowed = ControlHeaders.Select(name => name.ToUpperInvariant());
        await using var app = await StartAsync(
            $$$"""{"headers":{{{{string.Join(',', written)}}}}}""",
            options: options => options.AllowedControlHeaders.UnionWith(allowed));

        using var response = await app.PostAsync("/chat");

        var forwarded = response.Headers.Select(header => header.Key);
        Assert.Empty(ControlHeaders.Except(forwarded, StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task AllowResponseHeader_AllowsAll_ControlHeaderIsDropped()
    {
        await using var app = await StartAsync(
            """{"headers":{"X-Accel-Redirect":"/secret"}}""",
            options: options => options.AllowResponseHeader = _ => true);

        using var response = await app.PostAsync("/chat");

        Assert.False(response.Headers.Contains("X-Accel-Redirect"));
    }

    [Fact]
    public async Task AllowedControlHeaders_AccelBuffering_ServersValueIsSent()
    {
        await using var app = await StartAsync(
            """{"headers":{"X-Accel-Buffering":"yes"}}""",
            options: options => options.AllowedControlHeaders.Add("X-Accel-Buffering"));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(["no"], response.Headers.GetValues("X-Accel-Buffering"));
    }

    [Fact]
    public async Task Prelude_InvalidHeader_IsDroppedAndResponseSucceeds()
    {
        await using var app = await StartAsync(
            """
            {"headers":{"x-split":"a\r\nX-Evil: 1","x-snow":"\u2603","x-nul":"a\u0000b","bad name":"1","":"1","x-empty":"","x-good":"1"},"cookies":["good=1","bad=1\r\nX-Evil: 1"]}
            """);

        using var response = await app.PostAsync("/chat");

        Assert.Equal("body", await response.Content.ReadAsStringAsync(Token));
        Assert.Equal(
            ["Date", "Server", "Set-Cookie", "Transfer-Encoding", "X-Accel-Buffering", "x-good"],
            response.Headers.Select(header => header.Key).Order(StringComparer.Ordinal));
        Assert.Equal(["good=1"], response.Headers.GetValues("Set-Cookie"));
        Assert.Equal(6, CountLog(app, "Warning LambdaStreaming.AspNetCore 203"));
        Assert.DoesNotContain(app.Log, line => line.Contains("Evil", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prelude_AppSetsCookiesAndVary_BothAreSent()
    {
        await using var app = await StartAsync(
            """{"headers":{"vary":"Accept","x-frame-options":"SAMEORIGIN"},"cookies":["f=1"]}""",
            map: app => app.Use((context, next) =>
            {
                context.Response.Cookies.Append("app", "1");
                context.Response.Headers.Vary = "Origin";
                context.Response.Headers.XFrameOptions = "DENY";
                return next(context);
            }));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(["app=1; path=/", "f=1"], response.Headers.GetValues("Set-Cookie"));
        Assert.Equal(["Origin", "Accept"], response.Headers.Vary);
        Assert.Equal(["SAMEORIGIN"], response.Headers.GetValues("X-Frame-Options"));
    }

    [Theory]
    [InlineData("""{"headers":{"Set-Cookie":"a=1","set-cookie":"b=2"}}""")]
    [InlineData("""{"headers":{"set-cookie":["a=1","b=2"]}}""")]
    [InlineData("""{"headers":{"set-cookie":"b=2"},"cookies":["a=1"]}""")]
    [InlineData("""{"multiValueHeaders":{"SET-COOKIE":["b=2"]},"cookies":["a=1","b=2"]}""")]
    public async Task Prelude_SeveralCookies_AllAreForwarded(string prelude)
    {
        await using var app = await StartAsync(prelude);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(["a=1", "b=2"], response.Headers.GetValues("Set-Cookie"));
    }

    [Fact]
    public async Task AllowResponseHeader_ReturnsFalse_HeaderIsDropped()
    {
        await using var app = await StartAsync(
            """{"headers":{"x-one":"1","x-two":"2"},"cookies":["f=1"]}""",
            options: options => options.AllowResponseHeader = name => name == "x-one");

        using var response = await app.PostAsync("/chat");

        Assert.True(response.Headers.Contains("x-one"));
        Assert.False(response.Headers.Contains("x-two"));
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData("""{"headers":{"set-cookie":"a=1"}}""")]
    [InlineData("""{"multiValueHeaders":{"SET-COOKIE":["a=1"]},"cookies":["b=1"]}""")]
    public async Task AllowResponseHeader_RejectsSetCookie_AllCookiesAreDropped(string prelude)
    {
        await using var app = await StartAsync(
            prelude,
            options: options => options.AllowResponseHeader = name => name != "Set-Cookie");

        using var response = await app.PostAsync("/chat");

        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(205)]
    [InlineData(304)]
    public async Task Prelude_StatusWithoutBody_BodyIsEmpty(int status)
    {
        await using var app = await StartAsync($$$"""{"statusCode":{{{status}}},"headers":{"etag":"\"1\""}}""");

        using var response = await app.PostAsync("/chat");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("\"1\"", response.Headers.ETag?.ToString());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync(Token));
        Assert.DoesNotContain(app.Log, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"statusCode":100}""")]
    [InlineData("""{"statusCode":101}""")]
    [InlineData("""{"statusCode":600}""")]
    [InlineData("""{"statusCode":"many"}""")]
    [InlineData("""{"statusCode":"99999999999"}""")]
    [InlineData("""{"headers":[]}""")]
    public async Task Prelude_Invalid_Returns502(string prelude)
    {
        await using var app = await StartAsync(prelude, server => server.SendFunctionContentType = true);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task HttpPrelude_Never_PreludeIsPartOfBody()
    {
        await using var app = await StartAsync(
            """{"statusCode":201}""",
            options: options => options.HttpPrelude = HttpPreludeDetection.Never);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("{\"statusCode\":201}\0\0\0\0\0\0\0\0body", await response.Content.ReadAsStringAsync(Token));
    }

    private static int CountLog(WebApp app, string prefix) =>
        app.Log.Count(line => line.StartsWith(prefix, StringComparison.Ordinal));

    private static Task<WebApp> StartAsync(
        string prelude,
        Action<LocalLambdaServerOptions>? server = null,
        Action<LambdaStreamEndpointOptions>? options = null,
        Action<WebApplication>? map = null) => WebApp.StartAsync(
        s =>
        {
            server?.Invoke(s);
            s.AddFunction("web", async (_, response, ct) =>
            {
                response.ContentType = "application/vnd.awslambda.http-integration-response";
                await response.WriteAsync(Encoding.UTF8.GetBytes(prelude), ct);
                await response.WriteAsync(new byte[8], ct);
                await response.WriteTextAsync("body", ct);
            });
        },
        app =>
        {
            map?.Invoke(app);
            app.MapLambdaStream("/chat", "web", configured => options?.Invoke(configured));
        });
}
