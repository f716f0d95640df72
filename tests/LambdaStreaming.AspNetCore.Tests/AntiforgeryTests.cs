using System.Net;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests endpoints that require an antiforgery token.</summary>
public class AntiforgeryTests
{
    private const string Header = "RequestVerificationToken";
    private const string Field = "__RequestVerificationToken";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(LambdaPayload.Body, "application/json")]
    [InlineData(LambdaPayload.FunctionUrlEvent, "application/json")]
    [InlineData(LambdaPayload.FunctionUrlEvent, "application/x-www-form-urlencoded")]
    public async Task MapLambdaStream_AntiforgeryTokenIsMissing_Returns400AndSendsNothing(
        LambdaPayload payload, string contentType)
    {
        var isTransformed = false;
        await using var app = await StartAsync(options =>
        {
            options.Payload = payload;
            options.TransformRequest = (_, request) =>
            {
                isTransformed = true;
                return request;
            };
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Content = new StringContent("{}", mediaType: new(contentType));

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("antiforgery token", await response.Content.ReadAsStringAsync(Token));
        Assert.False(isTransformed);
        Assert.Empty(app.Lambda.Requests);
        Assert.DoesNotContain(app.Log, line => line.StartsWith("Error", StringComparison.Ordinal));
    }

    // With this content type, the headers are sent before the function is invoked.
    [Fact]
    public async Task MapLambdaStream_AntiforgeryTokenIsMissingForEventStream_Returns400()
    {
        await using var app = await StartAsync(options => options.ContentType = "text/event-stream");

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    [Fact]
    public async Task MapLambdaStream_AntiforgeryTokenInHeader_SendsTheBody()
    {
        await using var app = await StartAsync(_ => { });
        var (request, token) = await CreateRequestAsync(app);
        using var _ = request;
        request.Headers.Add(Header, token);
        request.Content = new StringContent("[1]", mediaType: new("application/json"));

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("[1]"u8, app.Lambda.Requests[0].Payload.Span);
    }

    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.InternalServerError)]
    public async Task FunctionUrlEvent_AntiforgeryTokenInForm_RequiresBuffering(
        bool isBuffered, HttpStatusCode expected)
    {
        await using var app = await StartAsync(
            options => options.Payload = LambdaPayload.FunctionUrlEvent, isBuffered);
        var (request, token) = await CreateRequestAsync(app);
        using var _ = request;
        request.Content = new FormUrlEncodedContent([new(Field, token), new("name", "tea")]);

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(expected, response.StatusCode);
        var bodies = app.Lambda.Requests.Select(GetBody);
        Assert.Equal(isBuffered ? [$"{Field}={Uri.EscapeDataString(token)}&name=tea"] : [], bodies);
    }

    // The record of the invalid token remains when the error page runs.
    [Fact]
    public async Task StatusCodePages_OtherEndpointRejectedTheToken_RunsTheFunctionAsErrorPage()
    {
        await using var app = await WebApp.StartAsync(
            AddFunction,
            map =>
            {
                map.UseStatusCodePagesWithReExecute("/chat");
                map.UseRouting();
                map.UseAntiforgery();
                map.MapPost("/first", (HttpContext http) =>
                {
                    var isValid = http.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false };
                    http.Response.StatusCode = isValid ? 200 : 400;
                }).WithMetadata(new RequireAntiforgeryTokenAttribute());
                map.MapLambdaStream("/chat", "web");
            },
            services: AddAntiforgery);

        using var response = await app.PostAsync("/first");

        Assert.Equal("ok", await response.Content.ReadAsStringAsync(Token));
        Assert.Single(app.Lambda.Requests);
    }

    private static void AddFunction(LocalLambdaServerOptions options) =>
        options.AddFunction("web", async (_, response, ct) => await response.WriteTextAsync("ok", ct));

    private static void AddAntiforgery(WebApplicationBuilder builder)
    {
        builder.Services.AddAntiforgery();
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
    }

    private static Task<WebApp> StartAsync(
        Action<LambdaStreamEndpointOptions> options, bool isBuffered = false) => WebApp.StartAsync(
        AddFunction,
        app =>
        {
            if (isBuffered)
            {
                app.Use((http, next) =>
                {
                    http.Request.EnableBuffering();
                    return next(http);
                });
            }

            app.UseAntiforgery();
            app.MapGet("/token", (HttpContext http, IAntiforgery antiforgery) =>
                antiforgery.GetAndStoreTokens(http).RequestToken);
            app.MapLambdaStream("/chat", "web", options).WithMetadata(new RequireAntiforgeryTokenAttribute());
        },
        services: AddAntiforgery);

    /// <summary>Creates a request with the cookie of a token.</summary>
    private static async Task<(HttpRequestMessage Request, string Token)> CreateRequestAsync(WebApp app)
    {
        using var response = await app.Browser.GetAsync("/token", Token);
        var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Headers.Add("Cookie", response.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        return (request, await response.Content.ReadAsStringAsync(Token));
    }

    private static string GetBody(ReceivedRequest sent)
    {
        using var json = JsonDocument.Parse(sent.Payload);
        return Encoding.UTF8.GetString(json.RootElement.GetProperty("body").GetBytesFromBase64());
    }
}
