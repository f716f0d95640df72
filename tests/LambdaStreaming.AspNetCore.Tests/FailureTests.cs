using System.Net;
using System.Text.Json;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>What fails before its first byte: the status, and what the browser is told.</summary>
public class FailureTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // docs/aspnetcore.md has the same table in words.
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

    [Theory, MemberData(nameof(Exceptions))]
    public async Task Call_Fails_StatusIsThatOfTheTable(Exception exception, int status)
    {
        await using var app = await WebApp.StartAsync(_ => { }, map => map.MapLambdaStream("/chat", "words", options => options.Client = _ => new FailingClient(exception)));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(status == 503, response.Headers.RetryAfter is not null);
        Assert.True(response.Headers.CacheControl?.NoStore);
        var problem = await ProblemAsync(response);
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal(["type", "title", "status", "detail", "traceId"], problem.EnumerateObject().Select(member => member.Name));
        Assert.Contains(app.Log, line => line.Contains($"LambdaStreaming.AspNetCore 201 /chat is answered with {status}", StringComparison.Ordinal) && line.EndsWith(exception.GetType().Name, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(typeof(InvalidRequestContentException))]
    [InlineData(typeof(RequestTooLargeException))]
    public async Task Result_PayloadIsTheHandlersOwn_ItsFaultsAreNotTheBrowsers(Type exception)
    {
        var failure = (Exception)Activator.CreateInstance(exception, "x", null, null)!;
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapPost("/chat", () => LambdaResults.Stream("words", default, new LambdaStreamOptions { Client = _ => new FailingClient(failure) })));

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task Function_Dead_IsSeenOnTheWire()
    {
        await using var app = await WebApp.StartAsync(
            s =>
            {
                s.AddFunction("throttled").OnEveryCall().RespondWithError(new ServiceErrorResponse("TooManyRequestsException") { RetryAfter = TimeSpan.FromSeconds(7) });
                s.AddFunction("fails", (_, _, _) => throw new InvalidOperationException("secret"));
                s.AddFunction("refused").RespondWithError("KMSAccessDeniedException");
                s.AddFunction("gone").OnEveryCall().CloseBeforeHeaders(TruncationMode.Reset);
                s.AddFunction("cut").OnEveryCall().TruncateAfterBytes(0, TruncationMode.EndOfBody);
                s.AddFunction("mute").OnEveryCall().StallBeforeHeaders();
                s.AddFunction("idle").OnEveryCall().StallAfterChunks(0);
            },
            map => map.MapLambdaStream("/{name}", "words", options => options.TransformRequest = (http, request) => request with { FunctionName = (string)http.Request.RouteValues["name"]! }),
            client => client.ResponseHeadersTimeout = client.IdleTimeout = TimeSpan.FromSeconds(2));

        Assert.Equal((503, "7"), await StatusAsync("throttled"));
        Assert.Equal((502, null), await StatusAsync("fails"));
        Assert.Equal((502, null), await StatusAsync("refused"));
        Assert.Equal((502, null), await StatusAsync("gone"));
        Assert.Equal((502, null), await StatusAsync("cut"));
        Assert.Equal((502, null), await StatusAsync("nowhere"));
        Assert.Equal((504, null), await StatusAsync("mute"));
        Assert.Equal((504, null), await StatusAsync("idle"));

        async Task<(int Status, string? RetryAfter)> StatusAsync(string name)
        {
            using var response = await app.PostAsync("/" + name).WaitAsync(Patience, Token);
            Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(Token));
            return ((int)response.StatusCode, response.Headers.RetryAfter?.ToString());
        }
    }

    [Fact]
    public async Task Service_NotThere_Is502()
    {
        await using var app = await WebApp.StartAsync(s => s.AddFunction("words"), map => map.MapLambdaStream("/chat", "words"));
        await app.Lambda.DisposeAsync();

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
    }

    [Fact]
    public async Task Problem_Details_AreToldOnlyWhenAskedFor()
    {
        var failure = new AccessDeniedException("not allowed to invoke arn:aws:lambda:eu-central-1:123456789012:function:words", new LambdaErrorDetails { RequestId = "req-1" });
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "words", options =>
            {
                options.Client = _ => new FailingClient(failure);
                options.IncludeErrorDetails = true;
            }));

        using var response = await app.PostAsync("/chat");

        var problem = await ProblemAsync(response);
        Assert.StartsWith("AccessDeniedException: not allowed", problem.GetProperty("exception").GetString());
        Assert.Equal("req-1", problem.GetProperty("requestId").GetString());
    }

    [Fact]
    public async Task Problem_AppCustomizesProblems_ItsServiceWritesThem()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "words", options => options.Client = _ => new FailingClient(new TooManyRequestsException("x"))),
            services: builder => builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = context => context.ProblemDetails.Extensions["by"] = context.Exception?.GetType().Name));

        using var response = await app.PostAsync("/chat");

        Assert.Equal("TooManyRequestsException", (await ProblemAsync(response)).GetProperty("by").GetString());
        Assert.Equal("1", response.Headers.RetryAfter?.ToString());
    }

    [Fact]
    public async Task RequestTimeout_OfTheApp_AnswersItself()
    {
        await using var app = await WebApp.StartAsync(
            s => s.AddFunction("mute").OnEveryCall().StallBeforeHeaders(),
            map =>
            {
                map.UseRequestTimeouts();
                map.MapLambdaStream("/chat", "mute").WithMetadata(new RequestTimeoutAttribute(500));
            },
            services: builder => builder.Services.AddRequestTimeouts());

        using var response = await app.PostAsync("/chat").WaitAsync(Patience, Token);

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        await app.Lambda.Requests[0].ClientDisconnected.WaitAsync(Patience, Token);
    }

    [Fact]
    public void MapLambdaStream_NoClientIsRegistered_ThrowsAtStartup()
    {
        using var app = (IDisposable)WebApplication.CreateSlimBuilder().Build();

        var exception = Assert.Throws<InvalidOperationException>(() => ((WebApplication)app).MapLambdaStream("/chat", "words"));

        Assert.Contains(nameof(ILambdaStreamingClient), exception.Message);
        Assert.Contains("AddSingleton", exception.Message);
    }

    [Fact]
    public void MapLambdaStream_OnlyAKeyedClientIsRegistered_ThrowsAtStartup()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddKeyedSingleton<ILambdaStreamingClient>("chat", new FailingClient(new TooManyRequestsException("x")));
        using var app = (IDisposable)builder.Build();

        var exception = Assert.Throws<InvalidOperationException>(() => ((WebApplication)app).MapLambdaStream("/chat", "words"));

        Assert.Contains("GetRequiredKeyedService", exception.Message);
    }

    [Fact]
    public async Task MapLambdaStream_EndpointSelectsAKeyedClient_ThatClientIsCalled()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapLambdaStream("/chat", "words", options => options.Client = http => http.RequestServices.GetRequiredKeyedService<ILambdaStreamingClient>("chat")),
            services: builder =>
            {
                builder.Services.Clear<ILambdaStreamingClient>();
                builder.Services.AddKeyedSingleton<ILambdaStreamingClient>("chat", new FailingClient(new TooManyRequestsException("x")));
            });

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    // The result of a handler says nothing at startup.
    [Fact]
    public async Task Result_NoClientIsRegistered_IsAProblemAndTheLogSaysHow()
    {
        await using var app = await WebApp.StartAsync(
            _ => { },
            map => map.MapPost("/chat", () => LambdaResults.Stream("words", default)),
            services: builder => builder.Services.Clear<ILambdaStreamingClient>());

        using var response = await app.PostAsync("/chat");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        await ProblemAsync(response);
        Assert.Contains(app.Log, line => line.StartsWith("Error LambdaStreaming.AspNetCore 201", StringComparison.Ordinal) && line.EndsWith(nameof(LambdaConfigurationException), StringComparison.Ordinal));
    }

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Token)).RootElement;
    }
}

internal static class ServiceCollectionExtensions
{
    public static void Clear<T>(this IServiceCollection services)
    {
        foreach (var service in services.Where(service => service.ServiceType == typeof(T)).ToList()) services.Remove(service);
    }
}
