using System.Collections.Concurrent;
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
    public void UseLambdaFunction_NameIsBlank_Throws()
    {
        var builder = new ServiceCollection().AddHttpClient("reports");

        Assert.Throws<ArgumentException>(() => builder.UseLambdaFunction(" "));
        Assert.Throws<ArgumentException>(() => builder.UseLambdaFunction("f", clientName: " "));
    }

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

    [Fact]
    public void UseLambdaFunction_BuilderOfALambdaClient_ThrowsInvalidOperationException()
    {
        var services = new ServiceCollection();
        var builder = services.AddLambdaStreamingClient();
        var keyed = services.AddLambdaStreamingClient("blue");
        var again = services.AddLambdaStreamingClient("blue");

        Assert.All(
            [builder, keyed, again],
            it => Assert.Throws<InvalidOperationException>(() => it.UseLambdaFunction("my-web_function", "blue")));
        services.AddHttpClient("blue").UseLambdaFunction("my-web_function", "blue");
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

    [Theory, InlineData(false), InlineData(true)]
    public async Task UseLambdaFunction_StandardResilienceOnAllClients_SendsOneRequest(bool defaultsAfterwards)
    {
        await using var server = await StartAsync();
        server.AddFunction("my-web_function").OnEveryCall().CloseBeforeHeaders(TruncationMode.Close);
        var services = new ServiceCollection();
        AddClient(services, server);
        if (defaultsAfterwards) services.AddHttpClient("reports").UseLambdaFunction("my-web_function");
        services.ConfigureHttpClientDefaults(http =>
            http.AddStandardResilienceHandler(options => options.Retry.Delay = TimeSpan.FromMilliseconds(1)));
        if (!defaultsAfterwards) services.AddHttpClient("reports").UseLambdaFunction("my-web_function");
        await using var provider = services.BuildServiceProvider();
        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");
        using var content = new StringContent("{}");

        await Assert.ThrowsAsync<HttpRequestException>(() => http.PostAsync("/", content, Token));

        Assert.Single(server.Requests);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task UseLambdaFunction_HandlersOfTheBuilder_AreKept(bool defaultsAfterwards)
    {
        await using var server = await StartAsync();
        var called = new ConcurrentQueue<string>();
        var services = new ServiceCollection();
        AddClient(services, server);
        if (!defaultsAfterwards) AddDefaults();
        services.AddHttpClient("other").AddHttpMessageHandler(() => new RecordingHandler("other", called));
        services.AddHttpClient("reports", (_, client) => client.Timeout = TimeSpan.FromMinutes(2))
            .AddHttpMessageHandler(() => new RecordingHandler("before", called))
            .UseLambdaFunction("my-web_function")
            .AddHttpMessageHandler(() => new RecordingHandler("after", called));
        if (defaultsAfterwards) AddDefaults();
        await using var provider = services.BuildServiceProvider();
        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");

        await http.GetStringAsync("/", Token);

        Assert.Equal(["before", "after"], called);
        Assert.Equal(TimeSpan.FromMinutes(2), http.Timeout);

        void AddDefaults() => services.ConfigureHttpClientDefaults(
            defaults => defaults.AddHttpMessageHandler(() => new RecordingHandler("all", called)));
    }

    [Fact]
    public async Task UseLambdaFunction_OtherHttpClient_KeepsTheHandlersOfAllClients()
    {
        var called = new ConcurrentQueue<string>();
        var services = new ServiceCollection();
        services.ConfigureHttpClientDefaults(
            defaults => defaults.AddHttpMessageHandler(() => new RecordingHandler("all", called)));
        services.AddHttpClient("reports").UseLambdaFunction("my-web_function");
        services.AddHttpClient("other").ConfigurePrimaryHttpMessageHandler(() => new EmptyHandler());
        await using var provider = services.BuildServiceProvider();
        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("other");

        await http.GetStringAsync(new Uri("https://other/"), Token);

        Assert.Equal(["all"], called);
    }

    // The documentation states both. A time limit of the app runs no function again, so it is kept.
    [Fact]
    public async Task UseLambdaFunction_TimeoutOfAllClients_IsKept()
    {
        await using var server = await StartAsync();
        var services = new ServiceCollection();
        AddClient(services, server);
        services.ConfigureHttpClientDefaults(http => http.ConfigureHttpClient(c => c.Timeout = TimeSpan.FromHours(1)));
        services.AddHttpClient("reports").UseLambdaFunction("my-web_function");
        await using var provider = services.BuildServiceProvider();

        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");

        Assert.Equal(TimeSpan.FromHours(1), http.Timeout);
    }

    [Fact]
    public async Task UseLambdaFunction_StandardResilienceOnAllClients_TimeoutIsInfinite()
    {
        await using var server = await StartAsync();
        var services = new ServiceCollection();
        AddClient(services, server);
        services.ConfigureHttpClientDefaults(http => http.AddStandardResilienceHandler());
        services.AddHttpClient("reports").UseLambdaFunction("my-web_function");
        await using var provider = services.BuildServiceProvider();

        using var http = provider.GetRequiredService<IHttpClientFactory>().CreateClient("reports");

        Assert.Equal(Timeout.InfiniteTimeSpan, http.Timeout);
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

    private sealed class RecordingHandler(string name, ConcurrentQueue<string> called) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            called.Enqueue(name);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class EmptyHandler : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage());
    }
}
