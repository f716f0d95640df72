using LambdaStreaming;
using LambdaStreaming.Http;
using Microsoft.Extensions.Http;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets an <see cref="HttpClient"/> of the container call a Lambda function.</summary>
public static class LambdaHttpClientBuilderExtensions
{
    /// <summary>
    /// Sends the requests of an <see cref="HttpClient"/> to a Lambda function instead of a network address.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Removes the handlers that the app adds to all clients with <c>ConfigureHttpClientDefaults</c>, before or after
    /// this call. Resilience handlers are the reason: they retry POST requests and run the function again. Handlers of
    /// this builder are kept. <b>If you add a resilience handler to it, set its predicate</b>: see
    /// <see cref="LambdaHttpHandler"/>. Do not add a hedging handler. If the response headers take longer than its
    /// delay, it runs the function a second time, although nothing has failed.
    /// </para>
    /// <para>
    /// The client and the options are checked when the first <see cref="HttpClient"/> is created. It then throws
    /// <see cref="InvalidOperationException"/>, <see cref="ArgumentException"/> or, for options of the Lambda client,
    /// <see cref="OptionsValidationException"/>.
    /// </para>
    /// <para>
    /// <see cref="HttpClient.Timeout"/> is not changed. It is 100 seconds by default, or what the app sets for all
    /// clients. Increase it if the function can take longer.
    /// </para>
    /// <para>
    /// If <see cref="HttpClient.BaseAddress"/> is not set, it becomes <c>https://</c> with the function name as the host.
    /// A function name that cannot be a host name, such as an ARN, leaves it unset.
    /// </para>
    /// </remarks>
    /// <param name="builder">The builder of the <see cref="HttpClient"/>, from <c>AddHttpClient</c>.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="clientName">
    /// The service key of the <see cref="ILambdaStreamingClient"/>. Default: <see langword="null"/>, the client without
    /// a key.
    /// </param>
    /// <param name="configure">Sets options of the handler; called for each handler that the factory creates.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="functionName"/> or <paramref name="clientName"/> is blank.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// <paramref name="builder"/> is from <c>AddLambdaStreamingClient</c>.
    /// </exception>
    public static IHttpClientBuilder UseLambdaFunction(
        this IHttpClientBuilder builder,
        string functionName,
        string? clientName = null,
        Action<LambdaHttpHandlerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(functionName);
        if (clientName is not null) ArgumentException.ThrowIfNullOrWhiteSpace(clientName);
        if (LambdaStreamingServiceCollectionExtensions.IsLambdaClient(builder))
        {
            throw new InvalidOperationException(
                $"UseLambdaFunction was called for {builder.Name}, the HttpClient with which the Lambda client itself "
                + "calls AWS. Add another one: AddHttpClient(\"name\").UseLambdaFunction(...).");
        }

        RemoveHandlersOfAllClients(builder);
        if (Uri.CheckHostName(functionName) == UriHostNameType.Dns)
            builder.ConfigureHttpClient(client => client.BaseAddress ??= new Uri($"https://{functionName}/"));

        return builder.ConfigurePrimaryHttpMessageHandler(services =>
        {
            var client = clientName is null
                ? services.GetRequiredService<ILambdaStreamingClient>()
                : services.GetRequiredKeyedService<ILambdaStreamingClient>(clientName);
            var options = new LambdaHttpHandlerOptions();
            if (services.GetService<TimeProvider>() is { } timeProvider) options.TimeProvider = timeProvider;
            configure?.Invoke(options);
            return new LambdaHttpHandler(client, functionName, options);
        });
    }

    // IHttpClientFactory inserts each configuration of all clients after the previous one, so before those of a single
    // client. `last` does nothing, but later configurations of all clients are inserted between it and the removal.
    // All handlers of this builder follow the removal, also those that were added earlier.
    private static void RemoveHandlersOfAllClients(IHttpClientBuilder builder)
    {
        var last = CreateConfiguration(null);
        builder.Services.ConfigureHttpClientDefaults(defaults => defaults.Services.Add(last));
        builder.Services.Insert(
            builder.Services.IndexOf(last) + 1,
            CreateConfiguration(static options => options.HttpMessageHandlerBuilderActions.Add(
                static handlers => handlers.AdditionalHandlers.Clear())));

        ServiceDescriptor CreateConfiguration(Action<HttpClientFactoryOptions>? action) =>
            ServiceDescriptor.Singleton<IConfigureOptions<HttpClientFactoryOptions>>(
                new ConfigureNamedOptions<HttpClientFactoryOptions>(builder.Name, action));
    }
}
