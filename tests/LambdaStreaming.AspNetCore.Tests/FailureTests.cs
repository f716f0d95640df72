using System.Net;
using System.Text;
using System.Text.Json;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests calls that fail before the first byte of the response: the status and the ProblemDetails.</summary>
public class FailureTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // docs/aspnetcore.md contains the same table.
    public static TheoryData<Exception, int> Exceptions => new()
    {
        { new TooManyRequestsException("x"), 503 },
        { new ThrottlingException("x"), 503 },
        { new EC2ThrottledException("x"), 503 },
        { new ServiceUnavailableException("x"), 503 },
        { new ResourceNotReadyException("x"), 503 },
        { new SnapStartNotReadyException("x"), 503 },
        { new ENILimitReachedException("x"), 503 },
        { new EFSMountTimeoutException("x"), 504 },
        { new S3FilesMountTimeoutException("x"), 504 },
        { new SnapStartTimeoutException("x"), 504 },
        { new RequestTimeoutException("x"), 504 },
        { new LambdaServiceException("x", new LambdaErrorDetails { StatusCode = HttpStatusCode.GatewayTimeout }), 504 },
        { new LambdaTransportException("x", null, new OperationCanceledException()), 504 },
        { new LambdaTransportException("x", null, new HttpRequestException("y", new TimeoutException())), 504 },
        { new ResponseStreamIdleTimeoutException("x"), 504 },
        { new FunctionErrorException("x", new InvokeComplete { ErrorCode = FunctionErrorCodes.SandboxTimedout }), 504 },
        { new FunctionErrorException("x", new InvokeComplete { ErrorCode = "Unhandled" }), 502 },
        { new ResourceNotFoundException("x"), 502 },
        { new AccessDeniedException("x"), 502 },
        { new ExpiredTokenException("x"), 502 },
        { new KMSDisabledException("x"), 502 },
        { new ServiceException("x"), 502 },
        { new InvalidParameterValueException("x"), 502 },
        { new LambdaServiceException("x", new LambdaErrorDetails { ErrorCode = "Novelty" }), 502 },
        { new LambdaTransportException("x", null, new HttpRequestException("refused")), 502 },
        { new ResponseStreamTruncatedException("x"), 502 },
        { new ResponseStreamCorruptException("x"), 502 },
        { new ResponseStreamErrorException("x"), 502 },
        { new ResponseStreamErrorException("x", null, new TooManyRequestsException("y")), 503 },
        { new PayloadFormatException("x"), 502 },
        { new PayloadLimitExceededException("x", "MaxPreludeBytes", 1), 502 },
        { new LambdaConfigurationException("x"), 500 },
        { new InvalidRequestContentException("x"), 400 },
        { new RequestTooLargeException("x"), 413 },
        { new RequestEntityTooLargeException("x"), 413 },
    };

    // The client context of the app, the body of the HTTP client, and the status of the response.
    public static TheoryData<string, string, int> ClientContexts => new()
    {
        { EncodeContext("\"ada\""), "{}", 502 },
        { EncodeContext("{"), "{}", 502 },
        { EncodeContext("{"), "{", 502 },
        { "!", "{}", 502 },
        { EncodeContext("{\"custom\":{\"user\":\"ada\"}}"), "{", 400 },
        { "", "{", 400 },
        { Convert.ToBase64String(Encoding.Latin1.GetBytes("{\"custom\":{\"user\":\"é\"}}")), "{}", 502 },
        { EncodeContext($"{{\"custom\":{new string('[', 65)}{new string(']', 65)}}}"), "{", 400 },
    };

    [Theory, MemberData(nameof(Exceptions))]
    public async Task MapLambdaStream_CallFails_ReturnsDocumentedStatus(Exception exception, int status)
    {
        await using var app = await StartFailingAsync(exception);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 503, response.Headers.RetryAfter is not null);
        Assert.True(response.Headers.CacheControl?.NoStore);
        var problem = await ReadProblemAsync(response);
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        var names = problem.EnumerateObject().Select(member => member.Name);
        Assert.Equal(["type", "title", "status", "detail", "traceId"], names);
        var logged = $"LambdaStreaming.AspNetCore 201 Returning HTTP {status} for /chat";
        Assert.Contains(app.Log, line =>
            line.Contains(logged, StringComparison.Ordinal)
            && line.EndsWith(exception.GetType().Name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(typeof(InvalidRequestContentException))]
    [InlineData(typeof(RequestTooLargeException))]
    public async Task Stream_PayloadOfHandlerIsInvalid_Returns502(Type exception)
    {
        var failure = (Exception)Activator.CreateInstance(exception, "x", null, null)!;
        var options = new LambdaStreamOptions { Client = _ => new FailingClient(failure) };
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapPost("/chat", () => LambdaResults.Stream("words", default, options)));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Theory]
    [InlineData("Client")]
    [InlineData("TransformRequest")]
    public async Task Callback_ReturnsNull_Is500AndNothingIsSent(string option)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words"),
            map => map.MapLambdaStream("/chat", "words", options =>
            {
                if (option == "Client") options.Client = _ => null!;
                else options.TransformRequest = (_, _) => null!;
            }));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Empty(app.Lambda.Requests);
        Assert.Contains(app.Log, line => line.Contains(nameof(InvalidOperationException), StringComparison.Ordinal));
    }

    [Fact]
    public async Task TransformRequest_ReplacesPayloadByInvalidJson_Is502()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words"),
            map => map.MapLambdaStream("/chat", "words", options =>
                options.TransformRequest = (_, request) => request with { Payload = "{"u8.ToArray() }));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains(app.Log, line =>
            line.StartsWith("Error LambdaStreaming.AspNetCore 201", StringComparison.Ordinal)
            && line.EndsWith(nameof(InvalidRequestContentException), StringComparison.Ordinal));
    }

    [Fact]
    public async Task TransformRequest_KeepsInvalidPayload_Is400()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words"),
            map => map.MapLambdaStream("/chat", "words", options =>
                options.TransformRequest = (_, request) => request with { TenantId = null }));

        using var response = await app.PostAsync("/chat", "{");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    // Lambda reports an invalid client context with the same error as an invalid body.
    [Theory, MemberData(nameof(ClientContexts))]
    public async Task TransformRequest_SetsClientContext_Is400OnlyIfTheContextIsValid(
        string clientContext, string body, int status)
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words"),
            map => map.MapLambdaStream("/chat", "words", options =>
                options.TransformRequest = (_, request) => request with { ClientContext = clientContext }));

        using var response = await app.PostAsync("/chat", body);

        Assert.Equal(status, (int)response.StatusCode);
        var level = status == 400 ? "Information" : "Error";
        Assert.Contains(app.Log, line =>
            line.StartsWith($"{level} LambdaStreaming.AspNetCore 201", StringComparison.Ordinal)
            && line.EndsWith(nameof(InvalidRequestContentException), StringComparison.Ordinal));
    }

    [Fact]
    public async Task TransformRequest_ClientContextOfFunctionUrlEventIsNotAnObject_Is502()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("words"),
            map => map.MapLambdaStream("/chat", "words", options =>
            {
                options.Payload = LambdaPayload.FunctionUrlEvent;
                options.TransformRequest = (_, request) => request with { ClientContext = EncodeContext("[]") };
            }));

        using var response = await app.Browser.GetAsync("/chat", Token);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    // This server writes the JSON of the event.
    [Fact]
    public async Task Payload_FunctionUrlEventIsInvalidJson_Is502()
    {
        await using var app = await StartFailingAsync(
            new InvalidRequestContentException("x"),
            options => options.Payload = LambdaPayload.FunctionUrlEvent);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task MapLambdaStream_FunctionFailsBeforeFirstByte_ReturnsErrorStatus()
    {
        var throttled = new ServiceErrorResponse("TooManyRequestsException") { RetryAfter = TimeSpan.FromSeconds(7) };
        await using var app = await WebApp.StartAsync(
            s =>
            {
                s.AddFunction("throttled").OnEveryCall().RespondWithError(throttled);
                s.AddFunction("fails", (_, _, _) => throw new InvalidOperationException("secret"));
                s.AddFunction("denied").RespondWithError("KMSAccessDeniedException");
                s.AddFunction("reset").OnEveryCall().CloseBeforeHeaders(TruncationMode.Reset);
                s.AddFunction("truncated").OnEveryCall().TruncateAfterBytes(0, TruncationMode.EndOfBody);
            },
            map => map.MapLambdaStream("/{name}", "words", options => options.TransformRequest = (http, request) =>
                request with { FunctionName = (string)http.Request.RouteValues["name"]! }));

        Assert.Equal((503, "7"), await GetStatusAsync("throttled"));
        Assert.Equal((502, null), await GetStatusAsync("fails"));
        Assert.Equal((502, null), await GetStatusAsync("denied"));
        Assert.Equal((502, null), await GetStatusAsync("reset"));
        Assert.Equal((502, null), await GetStatusAsync("truncated"));
        Assert.Equal((502, null), await GetStatusAsync("unknown"));

        async Task<(int Status, string? RetryAfter)> GetStatusAsync(string name)
        {
            using var response = await app.PostAsync("/" + name).WaitAsync(Patience, Token);
            Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(Token));
            return ((int)response.StatusCode, response.Headers.RetryAfter?.ToString());
        }
    }

    [Theory, InlineData("no-headers"), InlineData("no-body")]
    public async Task MapLambdaStream_FunctionStallsBeforeFirstByte_Returns504(string name)
    {
        await using var app = await WebApp.StartAsync(
            s =>
            {
                s.AddFunction("no-headers").OnEveryCall().StallBeforeHeaders();
                s.AddFunction("no-body").OnEveryCall().StallAfterChunks(0);
            },
            map => map.MapLambdaStream("/chat", name),
            client => client.ResponseHeadersTimeout = client.IdleTimeout = TimeSpan.FromSeconds(2));

        using var response = await app.PostAsync("/chat").WaitAsync(Patience, Token);

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
    }

    [Fact]
    public async Task MapLambdaStream_ServiceUnreachable_Returns502()
    {
        using var port = new RefusingPort();
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "words"),
            client => client.ServiceUrl = port.Url);

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task IncludeErrorDetails_True_ProblemContainsExceptionAndRequestId()
    {
        var failure = new AccessDeniedException(
            "not allowed to invoke arn:aws:lambda:eu-central-1:123456789012:function:words",
            new LambdaErrorDetails { RequestId = "req-1" });
        await using var app = await StartFailingAsync(failure, options => options.IncludeErrorDetails = true);

        using var response = await app.PostAsync("/chat");

        var problem = await ReadProblemAsync(response);
        Assert.StartsWith("AccessDeniedException: not allowed", problem.GetProperty("exception").GetString());
        Assert.Equal("req-1", problem.GetProperty("requestId").GetString());
    }

    [Fact]
    public async Task MapLambdaStream_AppCustomizesProblemDetails_AppsServiceWritesThem()
    {
        await using var app = await StartFailingAsync(
            new TooManyRequestsException("x"),
            services: builder => builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails =
                context => context.ProblemDetails.Extensions["by"] = context.Exception?.GetType().Name));

        using var response = await app.PostAsync("/chat");

        Assert.Equal("TooManyRequestsException", (await ReadProblemAsync(response)).GetProperty("by").GetString());
        Assert.Equal("1", response.Headers.RetryAfter?.ToString());
    }

    [Fact]
    public async Task RequestTimeout_BeforeFirstByte_TimeoutMiddlewareResponds()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("stalls").OnEveryCall().StallBeforeHeaders(),
            map =>
            {
                map.UseRequestTimeouts();
                map.MapLambdaStream("/chat", "stalls").WithMetadata(new RequestTimeoutAttribute(500));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        // On a busy machine, the timeout of the first requests can elapse before the function is invoked.
        do
        {
            using var response = await app.PostAsync("/chat").WaitAsync(Patience, Token);
            Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        }
        while (app.Lambda.Requests.Count == 0);

        await app.Lambda.Requests[0].ClientDisconnected.WaitAsync(Patience, Token);
    }

    // The exception does not reach the middleware of the request timeout, because the cache would receive it first.
    [Theory]
    [InlineData("policy", 503, "slow")]
    [InlineData("name", 503, "slow")]
    [InlineData("default", 503, "slow")]
    [InlineData("time", 504, "")]
    public async Task OutputCache_TimeoutBeforeFirstByte_ResponseIsThatOfTheTimeout(
        string source, int status, string body)
    {
        var policy = new RequestTimeoutPolicy
        {
            Timeout = TimeSpan.FromMilliseconds(100),
            TimeoutStatusCode = 503,
            WriteTimeoutResponse = context => context.Response.WriteAsync("slow"),
        };
        object[] metadata = source switch
        {
            "policy" => [policy, new RequestTimeoutAttribute("other")],
            "name" => [new RequestTimeoutAttribute("short")],
            "time" => [new RequestTimeoutAttribute(100)],
            _ => [],
        };
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("stalls").OnEveryCall().StallBeforeHeaders(),
            map =>
            {
                map.UseRequestTimeouts();
                map.UseOutputCache();
                map.MapLambdaStream("/page", "stalls", options => options.Methods.Add("GET"))
                    .CacheOutput()
                    .WithMetadata(metadata);
            },
            services: builder => builder.Services.AddOutputCache().AddRequestTimeouts(options =>
            {
                options.DefaultPolicy = policy;
                options.AddPolicy("short", policy);
            }));

        using var response = await app.Browser.GetAsync("/page", Token).WaitAsync(Patience, Token);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(body, await response.Content.ReadAsStringAsync(Token));
        Assert.Contains(app.Log, line => line.StartsWith(
            $"Error LambdaStreaming.AspNetCore 201 Returning HTTP {status} for /page", StringComparison.Ordinal));
    }

    [Fact]
    public void MapLambdaStream_NoClientIsRegistered_ThrowsAtStartup()
    {
        using var app = (IDisposable)WebApplication.CreateSlimBuilder().Build();
        var routes = (WebApplication)app;

        var exception = Assert.Throws<InvalidOperationException>(() => routes.MapLambdaStream("/chat", "words"));

        Assert.Contains(nameof(ILambdaStreamingClient), exception.Message);
        Assert.Contains("AddSingleton", exception.Message);
    }

    [Fact]
    public void MapLambdaStream_OnlyKeyedClientIsRegistered_ThrowsAtStartup()
    {
        var builder = WebApplication.CreateSlimBuilder();
        var client = new FailingClient(new TooManyRequestsException("x"));
        builder.Services.AddKeyedSingleton<ILambdaStreamingClient>("chat", client);
        using var app = (IDisposable)builder.Build();
        var routes = (WebApplication)app;

        var exception = Assert.Throws<InvalidOperationException>(() => routes.MapLambdaStream("/chat", "words"));

        Assert.Contains("GetRequiredKeyedService", exception.Message);
    }

    [Fact]
    public async Task Client_SelectsKeyedClient_ThatClientIsCalled()
    {
        var client = new FailingClient(new TooManyRequestsException("x"));
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "words", options =>
                options.Client = http => http.RequestServices.GetRequiredKeyedService<ILambdaStreamingClient>("chat")),
            services: builder =>
            {
                builder.Services.Clear<ILambdaStreamingClient>();
                builder.Services.AddKeyedSingleton<ILambdaStreamingClient>("chat", client);
            });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    // MapLambdaStream detects a missing client at startup. LambdaResults.Stream cannot, because it is called for a
    // request.
    [Fact]
    public async Task Stream_NoClientIsRegistered_Returns500AndLogsError()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapPost("/chat", () => LambdaResults.Stream("words", default)),
            services: builder => builder.Services.Clear<ILambdaStreamingClient>());

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        await ReadProblemAsync(response);
        Assert.Contains(app.Log, line =>
            line.StartsWith("Error LambdaStreaming.AspNetCore 201", StringComparison.Ordinal)
            && line.EndsWith(nameof(LambdaConfigurationException), StringComparison.Ordinal));
    }

    private static Task<WebApp> StartFailingAsync(
        Exception exception,
        Action<LambdaStreamEndpointOptions>? configure = null,
        Action<WebApplicationBuilder>? services = null) => WebApp.StartAsync(
        _ => { },
        map => map.MapLambdaStream("/chat", "words", options =>
        {
            options.Client = _ => new FailingClient(exception);
            configure?.Invoke(options);
        }),
        services: services);

    private static string EncodeContext(string json) => InvokeWithResponseStreamRequest.EncodeClientContext(json);

    private static async Task<JsonElement> ReadProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Token)).RootElement;
    }
}

internal static class ServiceCollectionExtensions
{
    public static void Clear<T>(this IServiceCollection services)
    {
        var registrations = services.Where(service => service.ServiceType == typeof(T)).ToList();
        foreach (var registration in registrations) services.Remove(registration);
    }
}
