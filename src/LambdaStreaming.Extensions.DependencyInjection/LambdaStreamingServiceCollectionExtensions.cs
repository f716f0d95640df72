using LambdaStreaming;
using LambdaStreaming.DependencyInjection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds <see cref="ILambdaStreamingClient"/> to a container.</summary>
/// <remarks>
/// The client is a singleton over <see cref="IHttpClientFactory"/>. It takes <see cref="Microsoft.Extensions.Logging.ILoggerFactory"/>, <see cref="TimeProvider"/> and <see cref="Amazon.Runtime.AWSCredentials"/> from the container where its options leave them out.
/// Options that can't be right stop the host at its start. Adding the same client again adds to its options.
/// </remarks>
public static class LambdaStreamingServiceCollectionExtensions
{
    private const string HttpClientName = "LambdaStreaming";

    /// <summary>Adds the client; what its options leave out comes from the AWS environment, as in every AWS SDK.</summary>
    /// <param name="services">The container's services.</param>
    /// <returns>The client's own <see cref="HttpClient"/>, for handlers of this client alone. Handlers that the app puts on all clients are taken off it.</returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services) => Add(services, null);

    /// <summary>Adds the client, with options set by code.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configure">Sets options; called once, when the client is made.</param>
    /// <returns>The client's own <see cref="HttpClient"/>, for handlers of this client alone.</returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services, Action<LambdaStreamingClientOptions> configure) => Add(services, null, configure);

    /// <summary>Adds the client, with options from configuration.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="configuration">The section that has the options, by convention <c>LambdaStreaming</c>. A key that is no option is an error.</param>
    /// <returns>The client's own <see cref="HttpClient"/>, for handlers of this client alone.</returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services, IConfiguration configuration) => Add(services, null, configuration);

    /// <summary>Adds a named client: <c>[FromKeyedServices(name)] ILambdaStreamingClient</c>. Its options have the same name.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The service key, and the name of the options.</param>
    /// <returns>The client's own <see cref="HttpClient"/>, for handlers of this client alone.</returns>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services, string name) => Add(services, NotBlank(name));

    /// <inheritdoc cref="AddLambdaStreamingClient(IServiceCollection, string)"/>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The service key, and the name of the options.</param>
    /// <param name="configure">Sets options; called once, when the client is made.</param>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services, string name, Action<LambdaStreamingClientOptions> configure) => Add(services, NotBlank(name), configure);

    /// <inheritdoc cref="AddLambdaStreamingClient(IServiceCollection, string)"/>
    /// <param name="services">The container's services.</param>
    /// <param name="name">The service key, and the name of the options.</param>
    /// <param name="configuration">The section that has the options. A key that is no option is an error.</param>
    public static IHttpClientBuilder AddLambdaStreamingClient(this IServiceCollection services, string name, IConfiguration configuration) => Add(services, NotBlank(name), configuration);

    private static IHttpClientBuilder Add(IServiceCollection services, string? name, Action<LambdaStreamingClientOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var builder = Add(services, name);
        services.Configure(name ?? Options.Options.DefaultName, configure);
        return builder;
    }

    private static IHttpClientBuilder Add(IServiceCollection services, string? name, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var builder = Add(services, name);
        var optionsName = name ?? Options.Options.DefaultName;
        services.Configure<LambdaStreamingClientOptions>(optionsName, options => OptionsBinder.Bind(configuration, optionsName, options));
        return builder;
    }

    private static IHttpClientBuilder Add(IServiceCollection services, string? name)
    {
        ArgumentNullException.ThrowIfNull(services);
        var optionsName = name ?? Options.Options.DefaultName;
        var httpClientName = name is null ? HttpClientName : $"{HttpClientName}:{name}";
        var builder = services.AddHttpClient(httpClientName);
        if (name is null) services.TryAddSingleton<ILambdaStreamingClient>(provider => Create(provider, optionsName, httpClientName));
        else services.TryAddKeyedSingleton<ILambdaStreamingClient>(name, (provider, _) => Create(provider, optionsName, httpClientName));

        // The client itself says nothing of its HttpClient: tests take the one away (RemoveAll) and add it again. Set up twice, handlers that were added in between would be dropped.
        var setUp = new HttpClientSetUp(httpClientName);
        if (services.Any(service => service.ServiceType == typeof(HttpClientSetUp) && setUp.Equals(service.ImplementationInstance))) return builder;
        services.AddSingleton(setUp);

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<LambdaStreamingClientOptions>, ContainerDefaults>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<LambdaStreamingClientOptions>, OptionsValidator>());
        services.AddOptions<LambdaStreamingClientOptions>(optionsName).ValidateOnStart();

        // After all other settings: nothing that is set later on the client's own HttpClient can get below it.
        services.PostConfigure<HttpClientFactoryOptions>(httpClientName, static options =>
            options.HttpMessageHandlerBuilderActions.Add(static handlers =>
            {
                // Two of them would take each request for its own resend.
                if (!SendsOnce(handlers.PrimaryHandler)) handlers.PrimaryHandler = new SendOnceHandler(handlers.PrimaryHandler);
            }));
        return builder
            // What the app has put on all its clients: a resilience handler would give up on slow functions, and refuse what it takes for a failure.
            .ConfigureAdditionalHttpMessageHandlers(static (handlers, _) => handlers.Clear())
            .ConfigurePrimaryHttpMessageHandler(provider => LambdaStreamingClient.CreateHandler(GetOptions(provider, optionsName)))
            // The client is a singleton and keeps its handler for ever; pooled connections have a lifetime, so that names are looked up again.
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigureHttpClient(static client => client.Timeout = Timeout.InfiniteTimeSpan)
            // .NET 8's factory logs headers as they are: signature, session token, what the caller sends.
            .RedactLoggedHeaders(static _ => true);
    }

    private static bool SendsOnce(HttpMessageHandler? handler) => handler is SendOnceHandler || (handler is DelegatingHandler { InnerHandler: { } inner } && SendsOnce(inner));

    private static LambdaStreamingClient Create(IServiceProvider provider, string optionsName, string httpClientName) =>
        new LambdaStreamingClient(GetOptions(provider, optionsName), provider.GetRequiredService<IHttpClientFactory>().CreateClient(httpClientName));

    private static LambdaStreamingClientOptions GetOptions(IServiceProvider provider, string optionsName) =>
        provider.GetRequiredService<IOptionsMonitor<LambdaStreamingClientOptions>>().Get(optionsName);

    private static string NotBlank(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return name;
    }

    /// <summary>Stands among the services of a container once the <see cref="HttpClient"/> of that name has its handlers.</summary>
    private sealed record HttpClientSetUp(string Name);
}
