using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Tests.Docs;

/// <summary>The code of docs/aspnetcore.md and the package's README.</summary>
public static class AspNetCoreSnippets
{
    public static void First(string[] args)
    {
        // begin: aspnetcore-first
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddSingleton<ILambdaStreamingClient>(_ => new LambdaStreamingClient());   // region and credentials from the environment
        var app = builder.Build();

        app.MapLambdaStream("/chat", "my-function");

        app.Run();
        // end: aspnetcore-first
    }

    public static void Options(WebApplication app)
    {
        // begin: aspnetcore-options
        app.MapLambdaStream("/chat", "my-function", options =>
        {
            options.ContentType = "text/plain; charset=utf-8";   // of answers that bring none
            options.MaxRequestBodyBytes = 64 * 1024;
            options.ConfigureRequest = (http, request) => request with { TenantId = http.User.FindFirst("tenant")?.Value, Qualifier = "live" };
        })
        .RequireAuthorization()
        .RequireRateLimiting("chat");
        // end: aspnetcore-options
    }

    public static void FunctionUrl(WebApplication app)
    {
        // begin: aspnetcore-url
        app.MapLambdaStream("/shop/{**path}", "shop", options =>
        {
            options.Payload = LambdaPayload.FunctionUrlEvent;
            options.AllowRequestHeader = name => name is not ("Cookie" or "Authorization");   // the app's own session stays here
        });
        // end: aspnetcore-url
    }

    public static void EventSource(WebApplication app)
    {
        // begin: aspnetcore-sse
        app.MapLambdaStream("/events", "ticker", options =>
        {
            options.Methods.Add("GET");
            options.ContentType = "text/event-stream";
            options.ConfigureRequest = (http, request) => request with { Payload = JsonSerializer.SerializeToUtf8Bytes(http.Request.Query["symbol"].ToString(), TickerJson.Default.String) };
        });
        // end: aspnetcore-sse
    }

    public static void Result(WebApplication app)
    {
        // begin: aspnetcore-result
        app.MapPost("/ask", (Question question) =>
            question.Text.Length > 2000
                ? Results.Problem("That is too long a question.", statusCode: 400)
                : LambdaResults.Stream(InvokeWithResponseStreamRequest.Create("my-function", question, QuestionJson.Default.Question)));
        // end: aspnetcore-result
    }
}

internal sealed record Question(string Text);

[JsonSerializable(typeof(Question))]
internal sealed partial class QuestionJson : JsonSerializerContext;

[JsonSerializable(typeof(string))]
internal sealed partial class TickerJson : JsonSerializerContext;
