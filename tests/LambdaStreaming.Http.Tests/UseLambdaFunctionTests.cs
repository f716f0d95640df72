using System.Net;
using LambdaStreaming.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;

namespace LambdaStreaming.Http.Tests;

/// <summary>An <see cref="HttpClient"/> of a container that calls a function.</summary>
public sealed class UseLambdaFunctionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task UseLambdaFunction_NamedHttpClient_CallsTheFunction()
    {
        await using var server = await StartAsync();
        var services = new ServiceCollection();
        AddClient(services, server);
        services.AddHttpClient("reports").UseLambdaFunction("my-web_function");
        await using var provider = services.BuildServiceProvider();

        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");

        Assert.Equal(new Uri("https://my-web_function/"), http.BaseAddress);
        Assert.Equal("none", await http.GetStringAsync("/reports", Token));
    }

    [Fact]
    public async Task UseLambdaFunction_KeyedClientAndOptions_AreUsed()
    {
        await using var server = await StartAsync();
        var services = new ServiceCollection();
        services.AddSingleton(server.Credentials);
        services.AddLambdaStreamingClient("blue", options => Configure(options, server));
        services.AddHttpClient<Reports>()
            .UseLambdaFunction("my-web_function", "blue", options => options.Qualifier = "live");
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("live", await provider.GetRequiredService<Reports>().GetAsync());
    }

    [Theory]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:web")]
    [InlineData("web:live")]
    public async Task UseLambdaFunction_NameIsNotAHostName_LeavesTheBaseAddress(string functionName)
    {
        var services = new ServiceCollection();
        services.AddLambdaStreamingClient();
        services.AddHttpClient("reports").UseLambdaFunction(functionName);
        await using var provider = services.BuildServiceProvider();

        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");

        Assert.Null(http.BaseAddress);
    }

    [Fact]
    public async Task UseLambdaFunction_BaseAddressIsSet_IsKept()
    {
        var services = new ServiceCollection();
        services.AddLambdaStreamingClient();
        services.AddHttpClient("reports", client => client.BaseAddress = new Uri("https://example.com/"))
            .UseLambdaFunction("web");
        await using var provider = services.BuildServiceProvider();

        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");

        Assert.Equal(new Uri("https://example.com/"), http.BaseAddress);
    }

    [Theory]
    [InlineData(false, 4)]
    [InlineData(true, 1)]
    public async Task StandardResilienceHandler_FunctionMightHaveRun_PredicateOfTheDocumentationPreventsTheRetry(
        bool usesPredicate,
        int expectedCalls)
    {
        await using var server = await StartAsync();
        server.AddFunction("my-web_function").OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);
        using var http = CreateResilientClient(server, usesPredicate);
        using var content = new StringContent("{}");

        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync("/", content, Token));

        Assert.Equal(expectedCalls, server.Requests.Count);
    }

    [Fact]
    public async Task StandardResilienceHandler_Throttled_PredicateOfTheDocumentationAllowsTheRetry()
    {
        await using var server = await StartAsync();
        server.AddFunction("my-web_function", (_, response, token) => response.WriteTextAsync("ok", token))
            .OnCall(1).Throttle();
        using var http = CreateResilientClient(server, usesPredicate: true, attempts: 1);
        using var content = new StringContent("{}");

        using var response = await http.PostAsync("/", content, Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(2, server.Requests.Count);
    }

    private static HttpClient CreateResilientClient(LocalLambdaServer server, bool usesPredicate, int attempts = 3)
    {
        var services = new ServiceCollection();
        AddClient(services, server, attempts);
        services.AddHttpClient("reports").UseLambdaFunction("my-web_function").AddStandardResilienceHandler(options =>
        {
            options.Retry.Delay = TimeSpan.FromMilliseconds(1);
            options.Retry.UseJitter = false;
            if (!usesPredicate) return;
            options.Retry.ShouldHandle = args => ValueTask.FromResult(
                args.Outcome.Exception?.InnerException is LambdaStreamingException { IsSafeToRetry: true });
        });
        return services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("reports");
    }

    private static void AddClient(IServiceCollection services, LocalLambdaServer server, int attempts = 3)
    {
        services.AddSingleton(server.Credentials);
        services.AddLambdaStreamingClient(options =>
        {
            Configure(options, server);
            options.Retry.MaxAttempts = attempts;
        });
    }

    private static void Configure(LambdaStreamingClientOptions options, LocalLambdaServer server)
    {
        (options.ServiceUrl, options.Region) = (server.ServiceUrl, server.Region);
        options.ConnectTimeout = TimeSpan.FromMinutes(1);   // a busy machine can need more than the default
    }

    private static Task<LocalLambdaServer> StartAsync() => LocalLambdaServer.StartAsync(
        options => options.AddFunction(
            "my-web_function",
            (invocation, response, token) => response.WriteTextAsync(invocation.Qualifier ?? "none", token)),
        Token);

    private sealed class Reports(HttpClient http)
    {
        public Task<string> GetAsync() => http.GetStringAsync("/", Token);
    }
}
