using LambdaStreaming;
using LambdaStreaming.Http;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Lets an <see cref="HttpClient"/> of the container call a Lambda function.</summary>
public static class LambdaHttpClientBuilderExtensions
{
    /// <summary>
    /// Sends the requests of an <see cref="HttpClient"/> to a Lambda function instead of a network address.
    /// </summary>
    /// <remarks>
    /// <para>
    /// <b>Resilience handlers of the app retry POST requests and run the function again</b>: see
    /// <see cref="LambdaHttpHandler"/>. <see cref="HttpClient.Timeout"/> is 100 seconds by default: increase it if the
    /// function can take longer.
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
    /// <exception cref="ArgumentException"><paramref name="functionName"/> is blank.</exception>
    public static IHttpClientBuilder UseLambdaFunction(
        this IHttpClientBuilder builder,
        string functionName,
        string? clientName = null,
        Action<LambdaHttpHandlerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(functionName);
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
}
