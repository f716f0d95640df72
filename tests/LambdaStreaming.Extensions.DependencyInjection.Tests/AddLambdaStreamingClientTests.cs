using System.Collections.Concurrent;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.DependencyInjection.Tests;

/// <summary>Tests the registration of the client and of its HttpClient.</summary>
public class AddLambdaStreamingClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AddLambdaStreamingClient_FromConfiguration_CallsConfiguredService()
    {
        await using var lambda = await StartAsync("f", "hello");
        var services = new ServiceCollection();
        services.AddSingleton(lambda.Credentials);
        services.AddLambdaStreamingClient(CreateConfiguration(lambda));
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<ILambdaStreamingClient>();

        Assert.Equal("hello", await InvokeAsync(client));
        Assert.Same(client, provider.GetRequiredService<ILambdaStreamingClient>());
    }

    [Fact]
    public async Task AddLambdaStreamingClient_NamedClients_AreKeyedServicesWithOwnOptions()
    {
        await using var first = await StartAsync("f", "first");
        await using var second = await StartAsync("f", "second");
        var services = new ServiceCollection();
        services.AddSingleton(first.Credentials);
        services.AddLambdaStreamingClient("a", options => SetServer(options, first));
        services.AddLambdaStreamingClient("b", CreateConfiguration(second));
        services.AddSingleton<TwoClients>();
        await using var provider = services.BuildServiceProvider();
        var clients = provider.GetRequiredService<TwoClients>();

        Assert.Equal("first", await InvokeAsync(clients.A));
        Assert.Equal("second", await InvokeAsync(clients.B));
        Assert.Null(provider.GetService<ILambdaStreamingClient>());
    }

    [Fact]
    public void AddLambdaStreamingClient_ContainerHasLoggingClockAndCredentials_AreUsedUnlessOptionsSetThem()
    {
        var clock = new FakeTimeProvider();
        var credentials = new BasicAWSCredentials("AKIDEXAMPLE", "secret");
        var own = new BasicAWSCredentials("AKIDOWN", "secret");
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<TimeProvider>(clock)
            .AddSingleton<AWSCredentials>(credentials);
        services.AddLambdaStreamingClient();
        services.AddLambdaStreamingClient("own", options => options.Credentials = own);
        services.AddLambdaStreamingClient("profile", options => options.Profile = "other");
        using var provider = services.BuildServiceProvider();

        var options = GetOptions(provider, "");

        Assert.Same(provider.GetRequiredService<ILoggerFactory>(), options.LoggerFactory);
        Assert.Same(clock, options.TimeProvider);
        Assert.Same(credentials, options.Credentials);
        Assert.Same(own, GetOptions(provider, "own").Credentials);
        Assert.Null(GetOptions(provider, "profile").Credentials);
    }

    [Fact]
    public void AddLambdaStreamingClient_EmptyContainer_OptionsAreUnchanged()
    {
        var services = new ServiceCollection();
        services.Configure<LambdaStreamingClientOptions>(options => options.TimeProvider = TimeProvider.System);
        services.AddLambdaStreamingClient();
        using var provider = services.BuildServiceProvider();

        var options = GetOptions(provider, "");

        Assert.Same(TimeProvider.System, options.TimeProvider);
        Assert.Null(options.Credentials);
    }

    [Fact]
    public void AddLambdaStreamingClient_AppConfiguresAllHttpClients_IsUnaffected()
    {
        var services = new ServiceCollection();
        services.ConfigureHttpClientDefaults(http => http
            .ConfigureHttpClient(client => client.Timeout = TimeSpan.FromSeconds(5))
            .SetHandlerLifetime(TimeSpan.FromSeconds(5))
            .ConfigurePrimaryHttpMessageHandler(() => new HttpClientHandler()));
        services.AddLambdaStreamingClient(options => options.ConnectTimeout = TimeSpan.FromSeconds(7));
        using var provider = services.BuildServiceProvider();

        var handler = provider.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler("LambdaStreaming");
        var handlers = GetHandlers(handler);
        var client = provider.GetRequiredService<IHttpClientFactory>().CreateClient("LambdaStreaming");
        var factoryOptions = provider.GetRequiredService<IOptionsMonitor<HttpClientFactoryOptions>>();

        var sockets = Assert.IsType<SocketsHttpHandler>(handlers[^1]);
        Assert.IsType<SendOnceHandler>(handlers[^2]);
        Assert.False(sockets.AllowAutoRedirect);
        Assert.False(sockets.UseCookies);
        Assert.Equal(TimeSpan.FromSeconds(7), sockets.ConnectTimeout);
        Assert.Equal(TimeSpan.FromMinutes(15), sockets.PooledConnectionLifetime);
        Assert.Equal(Timeout.InfiniteTimeSpan, client.Timeout);
        Assert.Equal(Timeout.InfiniteTimeSpan, factoryOptions.Get("LambdaStreaming").HandlerLifetime);
    }

    [Fact]
    public async Task AddLambdaStreamingClient_HandlerAddedToBuilder_IsCalled()
    {
        await using var lambda = await StartAsync("f", "hello");
        var sent = new ConcurrentQueue<Uri?>();
        var services = new ServiceCollection().AddSingleton(lambda.Credentials);
        services.AddLambdaStreamingClient(options => SetServer(options, lambda))
            .AddHttpMessageHandler(() => new RecordingHandler(sent));
        services.AddLambdaStreamingClient();   // A library, for example, adds the client again; the handler is kept.
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("hello", await InvokeAsync(provider.GetRequiredService<ILambdaStreamingClient>()));

        Assert.Single(sent);
        Assert.Single(services, service => service.ServiceType == typeof(ILambdaStreamingClient));
    }

    [Theory, InlineData(null), InlineData("chat")]
    public async Task AddLambdaStreamingClient_AddedAgainAfterRemoval_KeepsHandlers(string? name)
    {
        await using var lambda = await StartAsync("f", "hello");
        var sent = new ConcurrentQueue<Uri?>();
        var services = new ServiceCollection().AddSingleton(lambda.Credentials);
        Add().AddHttpMessageHandler(() => new RecordingHandler(sent));
        if (name is null) services.RemoveAll<ILambdaStreamingClient>();
        else services.RemoveAllKeyed<ILambdaStreamingClient>(name);
        Add();
        services.Configure<LambdaStreamingClientOptions>(name, options => SetServer(options, lambda));
        await using var provider = services.BuildServiceProvider();
        var client = name is null
            ? provider.GetRequiredService<ILambdaStreamingClient>()
            : provider.GetRequiredKeyedService<ILambdaStreamingClient>(name);

        Assert.Equal("hello", await InvokeAsync(client));

        Assert.Single(sent);

        IHttpClientBuilder Add() =>
            name is null ? services.AddLambdaStreamingClient() : services.AddLambdaStreamingClient(name);
    }

    [Fact]
    public async Task AddLambdaStreamingClient_PrimaryHandlerIsSendOnceHandler_CallSucceeds()
    {
        await using var lambda = await StartAsync("f", "hello");
        var services = new ServiceCollection().AddSingleton(lambda.Credentials);
        services.AddLambdaStreamingClient(options => SetServer(options, lambda))
            .ConfigurePrimaryHttpMessageHandler(() =>
                new SendOnceHandler(LambdaStreamingClient.CreateHandler(new LambdaStreamingClientOptions())));
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("hello", await InvokeAsync(provider.GetRequiredService<ILambdaStreamingClient>()));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("chat")]
    public async Task AddLambdaStreamingClient_AppAlsoRegistersAClient_LastRegistrationApplies(string? name)
    {
        using var own = new LambdaStreamingClient(new LambdaStreamingClientOptions());
        var services = new ServiceCollection();

        AddOwn();
        Add();
        await using var before = services.BuildServiceProvider();
        AddOwn();
        Add();     // the same client: only its options
        await using var after = services.BuildServiceProvider();

        Assert.NotSame(own, before.GetRequiredKeyedService<ILambdaStreamingClient>(name));
        Assert.Same(own, after.GetRequiredKeyedService<ILambdaStreamingClient>(name));

        void AddOwn() => services.AddKeyedSingleton<ILambdaStreamingClient>(name, own);

        void Add()
        {
            if (name is null) services.AddLambdaStreamingClient();
            else services.AddLambdaStreamingClient(name);
        }
    }

    [Fact]
    public async Task AddLambdaStreamingClient_TraceLogging_LogsNoSecrets()
    {
        await using var lambda = await StartAsync("f", "hello");
        var log = new RecordingLoggerProvider();
        var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Trace));
        services.AddSingleton<AWSCredentials>(new SessionAWSCredentials(
            "AKIAIOSFODNN7EXAMPLE",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "session-token-of-the-caller"));
        services.AddLambdaStreamingClient(options => SetServer(options, lambda));
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<ILambdaStreamingClient>();

        var request = InvokeWithResponseStreamRequest.FromJson("f", "\"payload-of-the-caller\"") with
        {
            ClientContext = "Y29udGV4dC1vZi10aGUtY2FsbGVy",
        };
        try
        {
            await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
            await response.ReadAsStringAsync(cancellationToken: Token);
        }
        catch (LambdaServiceException)
        {
            // Expected: the server rejects the session token, but the complete request has been sent.
        }

        Assert.Contains(log.Messages, message => message.Contains("Request Headers", StringComparison.Ordinal));
        string[] secrets =
        [
            "Signature=",
            "session-token-of-the-caller",
            "wJalrXUtnFEMI",
            "payload-of-the-caller",
            "Y29udGV4dC1vZi10aGUtY2FsbGVy",
        ];
        foreach (var secret in secrets)
        {
            Assert.DoesNotContain(log.Messages, message => message.Contains(secret, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("", "The Lambda streaming client: ")]
    [InlineData("chat", "The Lambda streaming client 'chat': ")]
    public void StartupValidation_InvalidOption_ThrowsAndNamesClientAndOption(string name, string client)
    {
        var services = new ServiceCollection();
        if (name.Length == 0) services.AddLambdaStreamingClient(SetNegativeTimeout);
        else services.AddLambdaStreamingClient(name, SetNegativeTimeout);
        using var provider = services.BuildServiceProvider();
        var validator = provider.GetRequiredService<IStartupValidator>();

        var exception = Assert.Throws<OptionsValidationException>(() => validator.Validate());

        Assert.StartsWith(client, exception.Message, StringComparison.Ordinal);
        Assert.Contains("IdleTimeout", exception.Message, StringComparison.Ordinal);

        static void SetNegativeTimeout(LambdaStreamingClientOptions options) =>
            options.IdleTimeout = TimeSpan.FromSeconds(-5);
    }

    [Fact]
    public void AddLambdaStreamingClient_BlankName_ThrowsArgumentException()
    {
        var services = new ServiceCollection();

        Assert.Throws<ArgumentException>("name", () => services.AddLambdaStreamingClient(" "));
    }

    internal static IConfigurationSection CreateConfiguration(params (string Key, string? Value)[] settings)
    {
        var values = settings.Select(setting => KeyValuePair.Create("LambdaStreaming:" + setting.Key, setting.Value));
        return new ConfigurationBuilder().AddInMemoryCollection(values).Build().GetSection("LambdaStreaming");
    }

    private static IConfigurationSection CreateConfiguration(LocalLambdaServer server) =>
        CreateConfiguration(("ServiceUrl", server.ServiceUrl.ToString()), ("Region", "us-east-1"));

    private static void SetServer(LambdaStreamingClientOptions options, LocalLambdaServer server)
    {
        options.ServiceUrl = server.ServiceUrl;
        options.Region = server.Region;
        options.ConnectTimeout = TimeSpan.FromMinutes(1);   // a busy machine can need more than the default
    }

    private static Task<LocalLambdaServer> StartAsync(string function, string text) => LocalLambdaServer.StartAsync(
        server => server.AddFunction(function, (_, response, token) => response.WriteTextAsync(text, token)),
        Token);

    private static async Task<string> InvokeAsync(ILambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest("f"),
            Token);
        return await response.ReadAsStringAsync(cancellationToken: Token);
    }

    private static LambdaStreamingClientOptions GetOptions(ServiceProvider provider, string name) =>
        provider.GetRequiredService<IOptionsMonitor<LambdaStreamingClientOptions>>().Get(name);

    private static List<HttpMessageHandler> GetHandlers(HttpMessageHandler handler)
    {
        List<HttpMessageHandler> handlers = [handler];
        while (handlers[^1] is DelegatingHandler { InnerHandler: { } inner }) handlers.Add(inner);
        return handlers;
    }

    private sealed class TwoClients(
        [FromKeyedServices("a")] ILambdaStreamingClient a,
        [FromKeyedServices("b")] ILambdaStreamingClient b)
    {
        public ILambdaStreamingClient A { get; } = a;

        public ILambdaStreamingClient B { get; } = b;
    }

    private sealed class RecordingHandler(ConcurrentQueue<Uri?> sent) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            sent.Enqueue(request.RequestUri);
            return base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class RecordingLoggerProvider : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Messages { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            Messages.Enqueue(state.ToString() ?? "");
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            Messages.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
