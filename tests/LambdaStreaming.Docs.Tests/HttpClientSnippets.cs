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
        // Region and credentials come from the default AWS provider chain.
        using var client = new LambdaStreamingClient();
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
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("my-web-function").OnEveryCall().CloseBeforeHeaders(TruncationMode.Close));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddLambdaStreamingClient(lambda.ApplyTo);
        // As Aspire's AddServiceDefaults.
        builder.Services.ConfigureHttpClientDefaults(http => http.AddStandardResilienceHandler());
        // begin: http-resilience
        builder.Services.AddHttpClient("reports")
            .UseLambdaFunction("my-web-function")
            .AddStandardResilienceHandler(options =>
            {
                options.Retry.ShouldHandle = args => ValueTask.FromResult(
                    args.Outcome.Exception?.InnerException is LambdaStreamingException { IsSafeToRetry: true });
                options.AttemptTimeout.Timeout = TimeSpan.FromMinutes(16);
                options.TotalRequestTimeout.Timeout = TimeSpan.FromMinutes(65);
                options.CircuitBreaker.SamplingDuration = TimeSpan.FromMinutes(32);   // at least twice AttemptTimeout
            });
        // end: http-resilience
        await using var app = builder.Build();
        using var http = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient("reports");
        using var content = new StringContent("{}");

        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync("/", content, Token));

        Assert.Single(lambda.Requests);
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
        var handler = new LambdaHttpHandler(client, "my-llm");
        using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        // begin: http-openai
        var chat = new ChatClient("my-model", new ApiKeyCredential("unused"), new OpenAIClientOptions
        {
            Endpoint = new Uri("https://my-llm/v1"),
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        });
        // end: http-openai

        var text = "";
        var updates = chat.CompleteChatStreamingAsync([new UserChatMessage("?")], cancellationToken: Token);
        await foreach (var update in updates)
            text += string.Concat(update.ContentUpdate.Select(part => part.Text));
        Assert.Equal("Hello", text);
    }

    /// <summary>The rows about OpenAI's client in the table of failures.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenAIFailures(bool isStalled)
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            var calls = server.AddFunction("my-llm").OnEveryCall();
            if (isStalled) calls.StallBeforeHeaders();
            else calls.CloseBeforeHeaders(TruncationMode.Close);
        });
        using var client = lambda.CreateClient();
        var handler = new LambdaHttpHandler(client, "my-llm");
        using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        var chat = new ChatClient("my-model", new ApiKeyCredential("unused"), new OpenAIClientOptions
        {
            Endpoint = new Uri("https://my-llm/v1"),
            Transport = new HttpClientPipelineTransport(http),
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            NetworkTimeout = isStalled ? TimeSpan.FromMilliseconds(1) : Timeout.InfiniteTimeSpan,
        });

        var exception = await Assert.ThrowsAnyAsync<Exception>(
            () => chat.CompleteChatAsync([new UserChatMessage("?")], cancellationToken: Token));

        if (isStalled)
        {
            Assert.IsType<TaskCanceledException>(exception);
        }
        else
        {
            Assert.IsType<ClientResultException>(exception);
            Assert.IsAssignableFrom<LambdaStreamingException>(
                Assert.IsType<HttpRequestException>(exception.InnerException).InnerException);
        }
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
