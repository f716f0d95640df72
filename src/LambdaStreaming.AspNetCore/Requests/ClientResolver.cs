using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Gets the client that invokes the function.</summary>
internal static class ClientResolver
{
    private const string NoClient =
        $"No {nameof(ILambdaStreamingClient)} is registered. Register one, for example with "
        + $"builder.Services.AddSingleton<{nameof(ILambdaStreamingClient)}>("
        + $"_ => new {nameof(LambdaStreamingClient)}()). "
        + $"If the client is keyed, set {nameof(LambdaStreamOptions)}.{nameof(LambdaStreamOptions.Client)} to "
        + $"http => http.RequestServices.GetRequiredKeyedService<{nameof(ILambdaStreamingClient)}>(key).";

    private const string NoClientReturned =
        $"{nameof(LambdaStreamOptions)}.{nameof(LambdaStreamOptions.Client)} returned null. It must return a client.";

    public static ILambdaStreamingClient GetClient(HttpContext context, LambdaStreamOptions options) =>
        options.Client is { } getClient
            ? getClient(context) ?? throw new InvalidOperationException(NoClientReturned)
            : context.RequestServices.GetService<ILambdaStreamingClient>()
                ?? throw new LambdaConfigurationException(NoClient);

    /// <summary>Throws if no client is registered, without creating the client.</summary>
    /// <exception cref="InvalidOperationException">No client is registered.</exception>
    public static void RequireClient(IServiceProvider services)
    {
        // A container does not have to offer this service. Without it, a missing client is detected at the first
        // request.
        var registrations = services.GetService<IServiceProviderIsService>();
        if (registrations?.IsService(typeof(ILambdaStreamingClient)) == false)
        {
            throw new InvalidOperationException(NoClient);
        }
    }
}
