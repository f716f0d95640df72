using LambdaStreaming;
using LambdaStreaming.DependencyInjection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Extension methods that add <see cref="ILambdaStreamingClient"/> to a container.</summary>
/// <remarks>
/// The client is a singleton that uses <see cref="IHttpClientFactory"/>. It takes
/// <see cref="Microsoft.Extensions.Logging.ILoggerFactory"/>, <see cref="TimeProvider"/> and
/// <see cref="Amazon.Runtime.AWSCredentials"/> from the container. Its options take precedence: <c>LoggerFactory</c>,
/// a <c>TimeProvider</c> other than <see cref="TimeProvider.System"/>, and <c>Credentials</c> or <c>Profile</c>.
/// Invalid options make host startup fail. If the same client is added twice, both calls configure its options. As
/// with every service, the last registration applies: a client that the app registered before is replaced, one that it
/// registers later is used.
/// </remarks>
public static class LambdaStreamingServiceCollectionExtensions
{
    private const string HttpClientName = "LambdaStreaming";

    // Each delegate also identifies the registrations of this class.
    private static readonly Func<IServiceProvider, ILambdaStreamingClient> CreateDefault =
        static provider => Create(provider, Options.Options.DefaultName);

    private static readonly Func<IServiceProvider, object?, ILambdaStreamingClient> CreateNamed =
        static (provider, name) => Create(provider, (string)name!);

    /// <summary>Adds the client, configured from the AWS environment as in every AWS SDK.</summary>
    /// <param name="services">The container's services.</param>
    /// <returns>
    /// A builder for the <see cref="HttpClient"/> of this client. Handlers that the app adds to all clients are removed
    /// from it.
    /// </returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services) => Add(services, null);

    /// <summary>Adds the client, with options set in code.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configure">Sets the options. Called once: at host startup, or before if the client is used.</param>
    /// <returns>A builder for the <see cref="HttpClient"/> of this client.</returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(
        this IServiceCollection services,
        Action<LambdaStreamingClientOptions> configure) =>
        Add(services, null, configure);

    /// <summary>Adds the client, with options from configuration.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configuration">
    /// The section with the options, by convention <c>LambdaStreaming</c>. An unknown key causes an error.
    /// </param>
    /// <returns>A builder for the <see cref="HttpClient"/> of this client.</returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(
        this IServiceCollection services,
        IConfiguration configuration) =>
        Add(services, null, configuration);

    /// <summary>Adds a named client, which is resolved as a keyed service.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The service key, and the name of the options.</param>
    /// <returns>A builder for the <see cref="HttpClient"/> of this client.</returns>
    /// <example><c>[FromKeyedServices(name)] ILambdaStreamingClient client</c></example>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services, string name) =>
        Add(services, RequireName(name));

    /// <inheritdoc cref="AddLambdaStreamingClient(IServiceCollection, string)"/>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The service key, and the name of the options.</param>
    /// <param name="configure">Sets the options. Called once: at host startup, or before if the client is used.</param>
    public static IHttpClientBuilder AddLambdaStreamingClient(
        this IServiceCollection services,
        string name,
        Action<LambdaStreamingClientOptions> configure) =>
        Add(services, RequireName(name), configure);

    /// <inheritdoc cref="AddLambdaStreamingClient(IServiceCollection, string)"/>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The service key, and the name of the options.</param>
    /// <param name="configuration">The section with the options. An unknown key causes an error.</param>
    public static IHttpClientBuilder AddLambdaStreamingClient(
        this IServiceCollection services,
        string name,
        IConfiguration configuration) =>
        Add(services, RequireName(name), configuration);

    /// <summary>Returns whether the <see cref="HttpClient"/> of the builder is that of a Lambda client.</summary>
    internal static bool IsLambdaClient(IHttpClientBuilder builder) => IsConfigured(builder.Services, builder.Name);

    private static IHttpClientBuilder Add(
        IServiceCollection services,
        string? name,
        Action<LambdaStreamingClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var builder = Add(services, name);
        services.Configure(name ?? Options.Options.DefaultName, configure);
        return builder;
    }

    private static IHttpClientBuilder Add(IServiceCollection services, string? name, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return Add(
            services, name, options => OptionsBinder.Bind(configuration, name ?? Options.Options.DefaultName, options));
    }

    private static IHttpClientBuilder Add(IServiceCollection services, string? name)
    {
        ArgumentNullException.ThrowIfNull(services);
        var optionsName = name ?? Options.Options.DefaultName;
        var httpClientName = GetHttpClientName(optionsName);
        var builder = services.AddHttpClient(httpClientName);
        AddClient(services, name);

        // This marker records that the HttpClient is configured. The registration of the client does not show that,
        // because tests remove the client (RemoveAll) and add it again. If the HttpClient were configured twice, the
        // second Clear (see ConfigureHttpClient) would remove handlers that were added in between.
        if (IsConfigured(services, httpClientName)) return builder;
        services.AddSingleton(new HttpClientConfigured(httpClientName));

        AddOptions(services, optionsName);
        return ConfigureHttpClient(builder, optionsName);
    }

    // Compare the type first: ImplementationInstance can throw for keyed services.
    private static bool IsConfigured(IServiceCollection services, string httpClientName) =>
        services.Any(service => service.ServiceType == typeof(HttpClientConfigured)
            && service.ImplementationInstance is HttpClientConfigured { Name: var name } && name == httpClientName);

    // The last registration of a service applies, so this one replaces a client that the app registered before. With
    // TryAddSingleton, the earlier client would stay, and the options of this one would be ignored.
    private static void AddClient(IServiceCollection services, string? name)
    {
        if (services.Any(IsOwn)) return;
        if (name is null) services.AddSingleton(CreateDefault);
        else services.AddKeyedSingleton(name, CreateNamed);

        bool IsOwn(ServiceDescriptor service) => service.IsKeyedService
            ? Equals(service.ServiceKey, name) && ReferenceEquals(service.KeyedImplementationFactory, CreateNamed)
            : name is null && ReferenceEquals(service.ImplementationFactory, CreateDefault);
    }

    private static void AddOptions(IServiceCollection services, string optionsName)
    {
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IPostConfigureOptions<LambdaStreamingClientOptions>, ContainerDefaults>());
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<LambdaStreamingClientOptions>, OptionsValidator>());
        services.AddOptions<LambdaStreamingClientOptions>(optionsName).ValidateOnStart();
    }

    private static IHttpClientBuilder ConfigureHttpClient(IHttpClientBuilder builder, string optionsName)
    {
        // PostConfigure runs after all other configuration, so no handler that is configured later for this HttpClient
        // can be closer to the network than the SendOnceHandler.
        builder.Services.PostConfigure<HttpClientFactoryOptions>(builder.Name, static options =>
            options.HttpMessageHandlerBuilderActions.Add(static handlers =>
            {
                // Do not nest: a second handler would reject every request as a duplicate.
                if (HasSendOnceHandler(handlers.PrimaryHandler)) return;
                handlers.PrimaryHandler = new SendOnceHandler(handlers.PrimaryHandler);
            }));
        return builder
            // Remove the handlers that the app adds to all clients. A resilience handler would time out slow functions,
            // and block requests after responses that it considers failures.
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => handlers.Clear())
            .ConfigurePrimaryHttpMessageHandler(provider =>
                LambdaStreamingClient.CreateHandler(GetOptions(provider, optionsName)))
            // The client is a singleton and keeps its handler. Pooled connections have a limited lifetime instead, so
            // that DNS names are resolved again.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigureHttpClient(static client => client.Timeout = Timeout.InfiniteTimeSpan)
            // By default, IHttpClientFactory of .NET 8 logs header values, including the signature, the session token
            // and the headers of the caller.
            .RedactLoggedHeaders(static _ => true);
    }

    private static bool HasSendOnceHandler(HttpMessageHandler? handler) => handler switch
    {
        SendOnceHandler => true,
        DelegatingHandler { InnerHandler: { } inner } => HasSendOnceHandler(inner),
        _ => false,
    };

    private static LambdaStreamingClient Create(IServiceProvider provider, string optionsName)
    {
        var factory = provider.GetRequiredService<IHttpClientFactory>();
        var httpClient = factory.CreateClient(GetHttpClientName(optionsName));
        return new LambdaStreamingClient(GetOptions(provider, optionsName), httpClient);
    }

    private static string GetHttpClientName(string optionsName) =>
        optionsName.Length == 0 ? HttpClientName : $"{HttpClientName}:{optionsName}";

    private static LambdaStreamingClientOptions GetOptions(IServiceProvider provider, string optionsName) =>
        provider.GetRequiredService<IOptionsMonitor<LambdaStreamingClientOptions>>().Get(optionsName);

    private static string RequireName(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return name;
    }

    /// <summary>Marks the <see cref="HttpClient"/> with this name as configured.</summary>
    private sealed record HttpClientConfigured(string Name);
}
