using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests endpoints together with the middleware of ASP.NET Core.</summary>
public class MiddlewareTests
{
    private const string Comment = ": keep-alive\n\n";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // The app's policy decides alone, also if it does not allow the origin.
    [Theory]
    [InlineData("https://allowed.example", "https://allowed.example")]
    [InlineData("https://other.example", null)]
    public async Task Cors_AppHasPolicy_FunctionsHeadersAreDropped(string origin, string? expected)
    {
        await using var app = await StartCorsAsync(map => map.UseCors(policy =>
            policy.WithOrigins("https://allowed.example")));

        using var response = await GetAsync(app, origin);

        response.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins);
        Assert.Equal(expected, origins?.Single());
        Assert.False(response.Headers.Contains("Access-Control-Allow-Credentials"));
        Assert.False(response.Headers.Contains("access-control-expose-headers"));
        Assert.Equal("kept", response.Headers.GetValues("X-Function").Single());
    }

    [Fact]
    public async Task Cors_PolicyOfEndpoint_FunctionsHeadersAreDropped()
    {
        await using var app = await StartCorsAsync(
            map => map.UseCors(),
            endpoint => endpoint.RequireCors(policy => policy.WithOrigins("https://allowed.example")));

        using var response = await GetAsync(app, "https://other.example");

        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Cors_AppHasNoPolicy_FunctionsHeadersAreForwarded()
    {
        await using var app = await StartCorsAsync(_ => { });

        using var response = await GetAsync(app, "https://other.example");

        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("true", response.Headers.GetValues("Access-Control-Allow-Credentials").Single());
    }

    // Without a policy, the function responds to the preflight.
    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task Cors_Preflight_InvokesFunctionOnlyWithoutPolicy(bool hasPolicy, int invocations)
    {
        await using var app = await StartCorsAsync(map =>
        {
            if (hasPolicy) map.UseCors(policy => policy.AllowAnyOrigin());
        });
        using var request = new HttpRequestMessage(HttpMethod.Options, "/web");
        request.Headers.Add("Origin", "https://other.example");
        request.Headers.Add("Access-Control-Request-Method", "GET");

        using var response = await app.SendAsync(request, Token);

        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal(invocations, app.Lambda.Requests.Count);
    }

    // The middleware forwards a preflight if no policy applies to the endpoint.
    [Fact]
    public async Task Cors_PreflightWithoutPolicyForTheEndpoint_RunsFunctionAndDropsItsHeaders()
    {
        await using var app = await StartCorsAsync(map => map.UseCors());
        using var request = new HttpRequestMessage(HttpMethod.Options, "/web");
        request.Headers.Add("Origin", "https://other.example");
        request.Headers.Add("Access-Control-Request-Method", "GET");

        using var response = await app.SendAsync(request, Token);

        Assert.Single(app.Lambda.Requests);
        Assert.Equal("kept", response.Headers.GetValues("X-Function").Single());
        Assert.DoesNotContain(response.Headers, header =>
            header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Cors_FailsBeforeFirstByte_ProblemHasHeadersOfPolicy()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map =>
            {
                map.UseCors(policy => policy.AllowAnyOrigin());
                map.MapLambdaStream("/web", "web", options =>
                {
                    options.Payload = LambdaPayload.FunctionUrlEvent;
                    options.Client = _ => new FailingClient(new TooManyRequestsException("x"));
                });
            },
            services: builder => builder.Services.AddCors());

        using var response = await GetAsync(app, "https://other.example");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("*", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }

    [Theory]
    [InlineData("br")]
    [InlineData("gzip")]
    public async Task ResponseCompression_EventStreamByDefault_IsNotCompressed(string encoding)
    {
        await using var test = await KeepAliveApp.StartAsync(
            map: map => map.UseResponseCompression(),
            services: services => services.AddResponseCompression());
        using var client = await RawClient.PostAsync(test.Url, headers: $"Accept-Encoding: {encoding}\r\n");

        await test.Time.AdvanceAsync(Interval);

        Assert.Equal(Comment, await client.ReadChunkAsync());
        Assert.DoesNotContain("Content-Encoding", client.Headers);
    }

    // Each event, each comment and the failure arrive at once, although the middleware compresses them.
    [Fact]
    public async Task ResponseCompression_EventStreamIsEnabled_EachEventAndFailureArrive()
    {
        await using var test = await KeepAliveApp.StartAsync(
            map: map => map.UseResponseCompression(),
            services: services => services.AddResponseCompression(options =>
                options.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, "text/event-stream"]));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Headers.AcceptEncoding.ParseAdd("gzip");
        using var response = await test.App.SendAsync(request, Token);
        await using var compressed = await response.Content.ReadAsStreamAsync(Token);
        await using var body = new GZipStream(compressed, CompressionMode.Decompress);

        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        await test.Time.AdvanceAsync(Interval);
        Assert.Equal(Comment, await ReadAsync(body, Comment.Length));
        test.Write("data: 1\n\n");
        Assert.Equal("data: 1\n\n", await ReadAsync(body, 9));
        test.Run((function, _) =>
        {
            function.Fail("Unhandled", "planned");
            return Task.CompletedTask;
        });
        test.End();
        Assert.Equal("event: error\n", await ReadAsync(body, 13));
        await Assert.ThrowsAnyAsync<IOException>(
            () => body.CopyToAsync(Stream.Null, Token).WaitAsync(TimeSpan.FromSeconds(60), Token));
    }

    [Fact]
    public async Task ResponseCompression_FunctionHasCompressed_IsNotCompressedAgain()
    {
        await using var test = await KeepAliveApp.StartAsync(
            options => options.ContentType = null,
            map => map.UseResponseCompression(),
            services: services => services.AddResponseCompression());
        test.WritePrelude(200, ("Content-Type", "text/html"), ("Content-Encoding", "gzip"));
        test.Write("zipped");
        test.End();
        using var client = await RawClient.PostAsync(test.Url, headers: "Accept-Encoding: gzip, br\r\n");

        Assert.Equal("zipped", await client.ReadToEndAsync());
        Assert.Contains("\r\nContent-Encoding: gzip\r\n", client.Headers);
    }

    // The cache stores the body as it was sent.
    [Fact]
    public async Task OutputCache_EventStream_ForwardsAtOnceAndStoresComments()
    {
        await using var test = await KeepAliveApp.StartAsync(
            options =>
            {
                options.Methods.Clear();
                options.Methods.Add("GET");
            },
            map => map.UseOutputCache(),
            services: services => services.AddOutputCache(),
            conventions: endpoint => endpoint.CacheOutput());
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/chat"))
        using (var response = await test.App.SendAsync(request, Token))
        {
            await using var body = await response.Content.ReadAsStreamAsync(Token);
            await test.Time.AdvanceAsync(Interval);
            Assert.Equal(Comment, await ReadAsync(body, Comment.Length));
            test.Write("data: 1\n\n");
            Assert.Equal("data: 1\n\n", await ReadAsync(body, 9));
            test.End();
            await body.CopyToAsync(Stream.Null, Token).WaitAsync(TimeSpan.FromSeconds(60), Token);
        }

        Assert.Equal(Comment + "data: 1\n\n", await test.App.Browser.GetStringAsync("/chat", Token));
        Assert.Single(test.App.Lambda.Requests);
    }

    [Fact]
    public async Task OutputCache_FailsInStream_DoesNotStoreIncompleteResponse()
    {
        var calls = 0;
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("sse", async (_, response, ct) =>
            {
                await response.WriteTextAsync("data: 1\n\n", ct);
                if (Interlocked.Increment(ref calls) == 1) response.Fail("Unhandled", "planned");
            }),
            map =>
            {
                map.UseOutputCache();
                map.MapLambdaStream("/chat", "sse", options =>
                {
                    options.Methods.Add("GET");
                    options.ContentType = "text/event-stream";
                }).CacheOutput();
            },
            services: builder => builder.Services.AddOutputCache().AddSingleton<TimeProvider>(new StepTimeProvider()));

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => app.Browser.GetStringAsync("/chat", Token));

        Assert.Equal("data: 1\n\n", await app.Browser.GetStringAsync("/chat", Token));
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task PathBase_FunctionUrlEvent_PathHasNoBase()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("web", async (invocation, response, ct) =>
                await response.WriteTextAsync(invocation.PayloadAsString(), ct)),
            map =>
            {
                map.UsePathBase("/base");
                map.UseRouting();
                map.MapLambdaStream(
                    "/web/{**path}",
                    "web",
                    options => options.Payload = LambdaPayload.FunctionUrlEvent);
            });

        var payload = await app.Browser.GetStringAsync("/base/web/a", Token);

        Assert.Contains("\"rawPath\":\"/web/a\"", payload);
    }

    private static Task<WebApp> StartCorsAsync(
        Action<WebApplication> map,
        Action<IEndpointConventionBuilder>? conventions = null) => WebApp.StartAsync(
        s => s.AddFunction("web", async (_, response, ct) =>
        {
            var headers = new Dictionary<string, string>
            {
                ["Access-Control-Allow-Origin"] = "*",
                ["Access-Control-Allow-Credentials"] = "true",
                ["access-control-expose-headers"] = "X-Secret",
                ["X-Function"] = "kept",
            };
            await response.WriteHttpPreludeAsync(200, headers, null, ct);
        }),
        app =>
        {
            map(app);
            var endpoint = app.MapLambdaStream(
                "/web",
                "web",
                options => options.Payload = LambdaPayload.FunctionUrlEvent);
            conventions?.Invoke(endpoint);
        },
        services: builder => builder.Services.AddCors());

    private static Task<HttpResponseMessage> GetAsync(WebApp app, string origin)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/web");
        request.Headers.Add("Origin", origin);
        return app.SendAsync(request, Token);
    }

    private static async Task<string> ReadAsync(Stream body, int length)
    {
        var buffer = new byte[length];
        await body.ReadExactlyAsync(buffer, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Token);
        return Encoding.UTF8.GetString(buffer);
    }
}
