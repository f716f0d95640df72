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

public class AddLambdaStreamingClientTests
{
    [Fact]
    public async Task Add_FromConfiguration_CallsTheConfiguredService()
    {
        await using var lambda = await StartAsync("f", "hello");
        var services = new ServiceCollection();
        services.AddSingleton(lambda.Credentials);
        services.AddLambdaStreamingClient(CreateConfiguration(("ServiceUrl", lambda.ServiceUrl.ToString()), ("Region", "us-east-1")));
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("hello", await AskAsync(provider.GetRequiredService<ILambdaStreamingClient>()));
        Assert.Same(provider.GetRequiredService<ILambdaStreamingClient>(), provider.GetRequiredService<ILambdaStreamingClient>());
    }

    [Fact]
    public async Task Add_NamedClients_EachHasItsOwnOptionsAndIsFoundByItsKey()
    {
        await using var first = await StartAsync("f", "first");
        await using var second = await StartAsync("f", "second");
        var services = new ServiceCollection();
        services.AddSingleton(first.Credentials);
        services.AddLambdaStreamingClient("a", options => (options.ServiceUrl, options.Region) = (first.ServiceUrl, first.Region));
        services.AddLambdaStreamingClient("b", CreateConfiguration(("ServiceUrl", second.ServiceUrl.ToString()), ("Region", "us-east-1")));
        services.AddSingleton<TwoClients>();
        await using var provider = services.BuildServiceProvider();
        var clients = provider.GetRequiredService<TwoClients>();

        Assert.Equal("first", await AskAsync(clients.A));
        Assert.Equal("second", await AskAsync(clients.B));
        Assert.Null(provider.GetService<ILambdaStreamingClient>());
    }

    [Fact]
    public void Add_ContainerHasLoggingClockAndCredentials_TheyAreTakenWhereOptionsLeaveThemOut()
    {
        var clock = new FakeTimeProvider();
        var credentials = new BasicAWSCredentials("AKIDEXAMPLE", "secret");
        var own = new BasicAWSCredentials("AKIDOWN", "secret");
        var services = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(clock).AddSingleton<AWSCredentials>(credentials);
        services.AddLambdaStreamingClient();
        services.AddLambdaStreamingClient("own", options => options.Credentials = own);
        services.AddLambdaStreamingClient("profile", options => options.Profile = "other");
        using var provider = services.BuildServiceProvider();

        var options = Options(provider, "");

        Assert.Same(provider.GetRequiredService<ILoggerFactory>(), options.LoggerFactory);
        Assert.Same(clock, options.TimeProvider);
        Assert.Same(credentials, options.Credentials);
        Assert.Same(own, Options(provider, "own").Credentials);
        Assert.Null(Options(provider, "profile").Credentials);
    }

    [Fact]
    public void Add_ContainerHasNothing_OptionsStayAsTheyAre()
    {
        var services = new ServiceCollection();
        services.Configure<LambdaStreamingClientOptions>(options => options.TimeProvider = TimeProvider.System);
        services.AddLambdaStreamingClient();
        using var provider = services.BuildServiceProvider();

        var options = Options(provider, "");

        Assert.Same(TimeProvider.System, options.TimeProvider);
        Assert.Null(options.Credentials);
    }

    [Fact]
    public void Add_AppHasSettingsForAllClients_ThisOneKeepsItsOwn()
    {
        var services = new ServiceCollection();
        services.ConfigureHttpClientDefaults(http => http
            .ConfigureHttpClient(client => client.Timeout = TimeSpan.FromSeconds(5))
            .SetHandlerLifetime(TimeSpan.FromSeconds(5))
            .ConfigurePrimaryHttpMessageHandler(() => new HttpClientHandler()));
        services.AddLambdaStreamingClient(options => options.ConnectTimeout = TimeSpan.FromSeconds(7));
        using var provider = services.BuildServiceProvider();

        var handler = provider.GetRequiredService<IHttpMessageHandlerFactory>().CreateHandler("LambdaStreaming");
        var innermost = Innermost(handler);

        var sockets = Assert.IsType<SocketsHttpHandler>(innermost[^1]);
        Assert.IsType<SendOnceHandler>(innermost[^2]);
        Assert.False(sockets.AllowAutoRedirect);
        Assert.False(sockets.UseCookies);
        Assert.Equal(TimeSpan.FromSeconds(7), sockets.ConnectTimeout);
        Assert.Equal(TimeSpan.FromMinutes(15), sockets.PooledConnectionLifetime);
        Assert.Equal(Timeout.InfiniteTimeSpan, provider.GetRequiredService<IHttpClientFactory>().CreateClient("LambdaStreaming").Timeout);
        Assert.Equal(Timeout.InfiniteTimeSpan, provider.GetRequiredService<IOptionsMonitor<HttpClientFactoryOptions>>().Get("LambdaStreaming").HandlerLifetime);
    }

    [Fact]
    public async Task Add_ClientsOwnHandler_IsCalled()
    {
        await using var lambda = await StartAsync("f", "hello");
        var seen = new ConcurrentQueue<Uri?>();
        var services = new ServiceCollection().AddSingleton(lambda.Credentials);
        services.AddLambdaStreamingClient(options => (options.ServiceUrl, options.Region) = (lambda.ServiceUrl, lambda.Region)).AddHttpMessageHandler(() => new Watcher(seen));
        services.AddLambdaStreamingClient();        // again, e.g. by a library: the handler stays
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("hello", await AskAsync(provider.GetRequiredService<ILambdaStreamingClient>()));

        Assert.Single(seen);
        Assert.Single(services, service => service.ServiceType == typeof(ILambdaStreamingClient));
    }

    [Theory, InlineData(null), InlineData("chat")]
    public async Task Add_AgainAfterTheClientWasRemoved_CallsAndKeepsItsHandlers(string? name)
    {
        await using var lambda = await StartAsync("f", "hello");
        var seen = new ConcurrentQueue<Uri?>();
        var services = new ServiceCollection().AddSingleton(lambda.Credentials);
        Add().AddHttpMessageHandler(() => new Watcher(seen));
        if (name is null) services.RemoveAll<ILambdaStreamingClient>();
        else services.RemoveAllKeyed<ILambdaStreamingClient>(name);
        Add();
        services.Configure<LambdaStreamingClientOptions>(name, options => (options.ServiceUrl, options.Region) = (lambda.ServiceUrl, lambda.Region));
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("hello", await AskAsync(name is null ? provider.GetRequiredService<ILambdaStreamingClient>() : provider.GetRequiredKeyedService<ILambdaStreamingClient>(name)));

        Assert.Single(seen);

        IHttpClientBuilder Add() => name is null ? services.AddLambdaStreamingClient() : services.AddLambdaStreamingClient(name);
    }

    [Fact]
    public async Task Add_PrimaryHandlerIsASendOnceHandlerAlready_CallsPass()
    {
        await using var lambda = await StartAsync("f", "hello");
        var services = new ServiceCollection().AddSingleton(lambda.Credentials);
        services.AddLambdaStreamingClient(options => (options.ServiceUrl, options.Region) = (lambda.ServiceUrl, lambda.Region))
            .ConfigurePrimaryHttpMessageHandler(() => new SendOnceHandler(LambdaStreamingClient.CreateHandler(new LambdaStreamingClientOptions())));
        await using var provider = services.BuildServiceProvider();

        Assert.Equal("hello", await AskAsync(provider.GetRequiredService<ILambdaStreamingClient>()));
    }

    [Fact]
    public void Add_AppHasAClientOfItsOwn_ItStays()
    {
        var own = new LambdaStreamingClient(new LambdaStreamingClientOptions());
        var services = new ServiceCollection().AddSingleton<ILambdaStreamingClient>(own);
        services.AddLambdaStreamingClient();
        using var provider = services.BuildServiceProvider();

        Assert.Same(own, provider.GetRequiredService<ILambdaStreamingClient>());
    }

    [Fact]
    public async Task Add_EverythingIsLogged_NoSecretIsAmongIt()
    {
        await using var lambda = await StartAsync("f", "hello");
        var log = new RecordingLoggerProvider();
        var services = new ServiceCollection().AddLogging(logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Trace));
        services.AddSingleton<AWSCredentials>(new SessionAWSCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "session-token-of-the-caller"));
        services.AddLambdaStreamingClient(options => (options.ServiceUrl, options.Region) = (lambda.ServiceUrl, lambda.Region));
        await using var provider = services.BuildServiceProvider();

        var request = InvokeWithResponseStreamRequest.FromJson("f", "\"payload-of-the-caller\"") with { ClientContext = "Y29udGV4dC1vZi10aGUtY2FsbGVy" };
        try
        {
            await using var response = await provider.GetRequiredService<ILambdaStreamingClient>().InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken);
            await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);
        }
        catch (LambdaServiceException)
        {
            // The server does not know the session; all that is sent was sent.
        }

        Assert.Contains(log.Messages, message => message.Contains("Request Headers", StringComparison.Ordinal));
        foreach (var secret in (string[])["Signature=", "session-token-of-the-caller", "wJalrXUtnFEMI", "payload-of-the-caller", "Y29udGV4dC1vZi10aGUtY2FsbGVy"])
            Assert.DoesNotContain(log.Messages, message => message.Contains(secret, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "The Lambda streaming client: ")]
    [InlineData("chat", "The Lambda streaming client 'chat': ")]
    public void Start_OptionThatCantBeRight_FailsAndNamesClientAndOption(string name, string client)
    {
        var services = new ServiceCollection();
        if (name.Length == 0) services.AddLambdaStreamingClient(Broken);
        else services.AddLambdaStreamingClient(name, Broken);
        using var provider = services.BuildServiceProvider();

        var exception = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<IStartupValidator>().Validate());

        Assert.StartsWith(client + "IdleTimeout is -00:00:05", exception.Message, StringComparison.Ordinal);

        static void Broken(LambdaStreamingClientOptions options) => options.IdleTimeout = TimeSpan.FromSeconds(-5);
    }

    [Fact]
    public void Add_NameBlank_Throws() => Assert.Throws<ArgumentException>("name", () => new ServiceCollection().AddLambdaStreamingClient(" "));

    internal static IConfigurationSection CreateConfiguration(params (string Key, string? Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create("LambdaStreaming:" + setting.Key, setting.Value))).Build().GetSection("LambdaStreaming");

    private static Task<LocalLambdaServer> StartAsync(string function, string answer) =>
        LocalLambdaServer.StartAsync(server => server.AddFunction(function, (_, response, token) => response.WriteTextAsync(answer, token)), TestContext.Current.CancellationToken);

    private static async Task<string> AskAsync(ILambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("f"), TestContext.Current.CancellationToken);
        return await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken);
    }

    private static LambdaStreamingClientOptions Options(ServiceProvider provider, string name) => provider.GetRequiredService<IOptionsMonitor<LambdaStreamingClientOptions>>().Get(name);

    private static List<HttpMessageHandler> Innermost(HttpMessageHandler handler)
    {
        List<HttpMessageHandler> handlers = [handler];
        while (handlers[^1] is DelegatingHandler { InnerHandler: { } inner }) handlers.Add(inner);
        return handlers;
    }

    private sealed class TwoClients([FromKeyedServices("a")] ILambdaStreamingClient a, [FromKeyedServices("b")] ILambdaStreamingClient b)
    {
        public ILambdaStreamingClient A { get; } = a;

        public ILambdaStreamingClient B { get; } = b;
    }

    private sealed class Watcher(ConcurrentQueue<Uri?> seen) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            seen.Enqueue(request.RequestUri);
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

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Messages.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
