using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using LambdaStreaming.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenAI;
using OpenAI.Chat;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code of docs/http-client.md and of the package's README.</summary>
public sealed class HttpClientSnippets
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task First()
    {
        AddReports();
        // begin: http-first
        using var client = new LambdaStreamingClient();   // region and credentials from the environment
        using var http = new HttpClient(new LambdaHttpHandler(client, "my-web-function"))
        {
            BaseAddress = new Uri("https://my-web-function/"),
        };

        await using var report = await http.GetStreamAsync("/reports/2026?format=csv");
        // end: http-first
        using var reader = new StreamReader(report);
        Assert.Equal("/reports/2026?format=csv", await reader.ReadToEndAsync(Token));
    }

    [Fact]
    public async Task DependencyInjection()
    {
        AddReports();
        var builder = WebApplication.CreateSlimBuilder();
        // begin: http-di
        builder.Services.AddLambdaStreamingClient();
        builder.Services.AddHttpClient("reports").UseLambdaFunction("my-web-function");
        // end: http-di
        await using var app = builder.Build();

        using var http = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient("reports");
        Assert.Equal("/reports?", await http.GetStringAsync("/reports", Token));
    }

    [Fact]
    public async Task Resilience()
    {
        AddReports().OnCall(1).CloseBeforeHeaders(TruncationMode.Close);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddLambdaStreamingClient();
        // begin: http-resilience
        builder.Services.AddHttpClient("reports")
            .UseLambdaFunction("my-web-function")
            .AddStandardResilienceHandler(options => options.Retry.ShouldHandle = args => ValueTask.FromResult(
                args.Outcome.Exception?.InnerException is LambdaStreamingException { IsSafeToRetry: true }));
        // end: http-resilience
        await using var app = builder.Build();
        using var http = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient("reports");
        using var content = new StringContent("{}");

        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync("/", content, Token));
    }

    [Fact]
    public async Task OpenAI()
    {
        LocalAws.Server.AddFunction("my-llm", async (_, response, cancellationToken) =>
        {
            await response.WriteServerSentEventAsync(
                """{"id":"1","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}""",
                cancellationToken: cancellationToken);
            await response.WriteServerSentEventAsync("[DONE]", cancellationToken: cancellationToken);
        });
        using var client = new LambdaStreamingClient();
        using var http = new HttpClient(new LambdaHttpHandler(client, "my-llm"));
        // begin: http-openai
        var chat = new ChatClient("my-model", new ApiKeyCredential("unused"), new OpenAIClientOptions
        {
            Endpoint = new Uri("https://my-llm/v1"),
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        });
        // end: http-openai

        var text = "";
        var updates = chat.CompleteChatStreamingAsync([new UserChatMessage("?")], cancellationToken: Token);
        await foreach (var update in updates)
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        Assert.Equal("Hello", text);
    }

    private static LocalFunction AddReports() => LocalAws.Server.AddFunction(
        "my-web-function",
        async (invocation, response, cancellationToken) =>
        {
            var request = JsonDocument.Parse(invocation.Payload).RootElement;
            var target = $"{request.GetProperty("rawPath")}?{request.GetProperty("rawQueryString")}";
            await response.WriteTextAsync(target, cancellationToken);
        });
}
