using System.Net;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests requests whose body middleware has read before the endpoint.</summary>
public class ReadBodyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FunctionUrlEvent_FormWasReadWithBuffering_HasTheBody(bool isMultipart)
    {
        await using var app = await StartAsync(async http =>
        {
            http.Request.EnableBuffering();
            Assert.Equal("tea", (await http.Request.ReadFormAsync(Token))["name"]);
        });
        using HttpContent form = isMultipart
            ? new MultipartFormDataContent("b") { { new StringContent("tea"), "name" } }
            : CreateForm();
        var body = await form.ReadAsByteArrayAsync(Token);

        using var response = await SendAsync(app, form);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(body, GetBody(app));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FunctionUrlEvent_FormWasReadWithoutBuffering_ThrowsAndSendsNothing(bool hasContentLength)
    {
        await using var app = await StartAsync(http => http.Request.ReadFormAsync(Token));

        using var response = await SendAsync(app, CreateForm(), chunked: !hasContentLength);

        AssertRejected(app, response);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FunctionUrlEvent_EmptyFormWasRead_IsSent(bool hasContentLength)
    {
        await using var app = await StartAsync(http => http.Request.ReadFormAsync(Token));

        using var response = await SendAsync(app, new FormUrlEncodedContent([]), chunked: !hasContentLength);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(GetBody(app));
    }

    [Fact]
    public async Task HttpMethodOverride_FormFieldWithoutBuffering_ThrowsAndSendsNothing()
    {
        await using var app = await WebApp.StartAsync(
            AddFunction,
            map =>
            {
                map.UseHttpMethodOverride(new HttpMethodOverrideOptions { FormFieldName = "name" });
                map.MapLambdaStream("/chat", "web", options => options.Payload = LambdaPayload.FunctionUrlEvent);
            });
        using var form = new FormUrlEncodedContent([new("name", "PUT")]);

        using var response = await SendAsync(app, form);

        AssertRejected(app, response);
    }

    [Theory]
    [InlineData(LambdaPayload.Body)]
    [InlineData(LambdaPayload.FunctionUrlEvent)]
    public async Task MapLambdaStream_BodyWasReadAndNotRewound_SendsTheBody(LambdaPayload payload)
    {
        await using var app = await StartAsync(
            async http =>
            {
                http.Request.EnableBuffering();
                await http.Request.Body.CopyToAsync(Stream.Null, Token);
            },
            payload);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("{}"u8, payload == LambdaPayload.Body ? app.Lambda.Requests[0].Payload.Span : GetBody(app));
    }

    [Fact]
    public async Task MapLambdaStream_BufferedBodyWasExamined_SendsTheBody()
    {
        await using var app = await StartAsync(
            async http =>
            {
                http.Request.EnableBuffering();
                var read = await http.Request.BodyReader.ReadAsync(Token);
                http.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            },
            LambdaPayload.Body);

        using var response = await app.PostAsync("/chat");

        Assert.Equal("{}"u8, app.Lambda.Requests[0].Payload.Span);
    }

    [Theory]
    [InlineData(LambdaPayload.Body)]
    [InlineData(LambdaPayload.FunctionUrlEvent)]
    public async Task MapLambdaStream_BodyWasReadWithoutBuffering_ThrowsAndSendsNothing(LambdaPayload payload)
    {
        await using var app = await StartAsync(
            http => http.Request.Body.CopyToAsync(Stream.Null, Token), payload);

        using var response = await app.PostAsync("/chat");

        AssertRejected(app, response);
    }

    // Another site can send a form, so it must not cause an error in the log.
    [Fact]
    public async Task Body_FormWasRead_Returns415()
    {
        await using var app = await StartAsync(http => http.Request.ReadFormAsync(Token), LambdaPayload.Body);

        using var response = await SendAsync(app, CreateForm());

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    [Theory]
    [InlineData(LambdaPayload.Body)]
    [InlineData(LambdaPayload.FunctionUrlEvent)]
    public async Task TransformRequest_FormWasRead_CanReplaceThePayload(LambdaPayload payload)
    {
        await using var app = await StartAsync(
            http => http.Request.ReadFormAsync(Token),
            payload,
            transform: (http, request) => request with
            {
                Payload = Encoding.UTF8.GetBytes($"\"{http.Request.Form["name"]}\""),
            });

        using var response = await SendAsync(app, CreateForm());

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("\"tea\""u8, app.Lambda.Requests[0].Payload.Span);
    }

    [Theory]
    [InlineData(LambdaPayload.Body, HttpStatusCode.UnsupportedMediaType)]
    [InlineData(LambdaPayload.FunctionUrlEvent, HttpStatusCode.InternalServerError)]
    public async Task TransformRequest_FormWasReadAndPayloadIsKept_SendsNothing(
        LambdaPayload payload, HttpStatusCode expected)
    {
        await using var app = await StartAsync(
            http => http.Request.ReadFormAsync(Token),
            payload,
            transform: (_, request) => request with { TenantId = "tenant" });

        using var response = await SendAsync(app, CreateForm());

        Assert.Equal(expected, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
    }

    [Theory]
    [InlineData(LambdaPayload.Body)]
    [InlineData(LambdaPayload.FunctionUrlEvent)]
    public async Task MapLambdaStream_FormWasReadAndRemoved_SendsNoBody(LambdaPayload payload)
    {
        await using var app = await StartAsync(
            async http =>
            {
                await http.Request.ReadFormAsync(Token);
                http.Request.ContentLength = null;
                http.Request.Form = FormCollection.Empty;
            },
            payload);

        using var response = await SendAsync(app, CreateForm());

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(payload == LambdaPayload.Body ? app.Lambda.Requests[0].Payload.ToArray() : GetBody(app));
    }

    // After the decompression, nothing distinguishes this body from a lost one.
    [Fact]
    public async Task RequestDecompression_ContentIsEmpty_ThrowsAndSendsNothing()
    {
        await using var app = await WebApp.StartAsync(
            AddFunction,
            map =>
            {
                map.UseRequestDecompression();
                map.MapLambdaStream("/chat", "web", options => options.Payload = LambdaPayload.FunctionUrlEvent);
            },
            services: builder => builder.Services.AddRequestDecompression());
        using var content = new ByteArrayContent(Convert.FromHexString("1f8b080000000000000303000000000000000000"));
        content.Headers.ContentEncoding.Add("gzip");

        using var response = await SendAsync(app, content);

        AssertRejected(app, response);
    }

    // A function as an error page. Its request is the one whose body the first endpoint has read.
    [Theory]
    [InlineData(true, HttpStatusCode.Conflict)]
    [InlineData(false, HttpStatusCode.InternalServerError)]
    public async Task StatusCodePages_FirstEndpointReadTheBody_RequiresBuffering(
        bool isBuffered, HttpStatusCode expected)
    {
        await using var app = await WebApp.StartAsync(
            AddFunction,
            map =>
            {
                map.UseStatusCodePagesWithReExecute("/chat");
                map.UseRouting();
                map.Use((http, next) =>
                {
                    if (isBuffered) http.Request.EnableBuffering();
                    return next(http);
                });
                map.MapPost("/first", async http =>
                {
                    await http.Request.Body.CopyToAsync(Stream.Null, Token);
                    http.Response.StatusCode = StatusCodes.Status409Conflict;
                });
                map.MapLambdaStream("/chat", "web", options => options.Payload = LambdaPayload.FunctionUrlEvent);
            });

        using var response = await app.PostAsync("/first");

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(isBuffered ? 1 : 0, app.Lambda.Requests.Count);
    }

    [Theory]
    [InlineData(10, 413)]
    [InlineData(11, 200)]
    public async Task MaxRequestBodyBytes_BufferedBody_IsItsLimit(int limit, int status)
    {
        await using var app = await StartAsync(
            http =>
            {
                http.Request.EnableBuffering();
                return Task.CompletedTask;
            },
            LambdaPayload.Body,
            limit);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat");
        request.Content = new StringContent("[1,2,3,4,5]", mediaType: new("application/json"));
        request.Headers.TransferEncodingChunked = true;

        using var response = await app.SendAsync(request, Token);

        Assert.Equal(status, (int)response.StatusCode);
    }

    private static Task<WebApp> StartAsync(
        Func<HttpContext, Task> middleware,
        LambdaPayload payload = LambdaPayload.FunctionUrlEvent,
        int maxBodyBytes = 1024,
        Func<HttpContext, InvokeWithResponseStreamRequest, InvokeWithResponseStreamRequest>? transform = null) =>
        WebApp.StartAsync(
            AddFunction,
            map =>
            {
                map.Use(async (http, next) =>
                {
                    await middleware(http);
                    await next(http);
                });
                map.MapLambdaStream("/chat", "web", options =>
                {
                    options.Payload = payload;
                    options.MaxRequestBodyBytes = maxBodyBytes;
                    options.TransformRequest = transform;
                });
            });

    private static void AddFunction(LocalLambdaServerOptions options) =>
        options.AddFunction("web", async (_, response, ct) => await response.WriteTextAsync("ok", ct));

    private static FormUrlEncodedContent CreateForm() => new([new("name", "tea")]);

    private static async Task<HttpResponseMessage> SendAsync(WebApp app, HttpContent content, bool chunked = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat") { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        return await app.SendAsync(request, Token);
    }

    private static void AssertRejected(WebApp app, HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
        Assert.Contains(
            app.Log, line => line.EndsWith($" {nameof(InvalidOperationException)}", StringComparison.Ordinal));
    }

    private static byte[] GetBody(WebApp app)
    {
        using var sent = JsonDocument.Parse(app.Lambda.Requests[0].Payload);
        if (!sent.RootElement.TryGetProperty("body", out var body)) return [];
        return sent.RootElement.GetProperty("isBase64Encoded").GetBoolean()
            ? body.GetBytesFromBase64()
            : Encoding.UTF8.GetBytes(body.GetString()!);
    }
}
