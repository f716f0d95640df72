using System.Diagnostics.CodeAnalysis;
using LambdaStreaming;
using LambdaStreaming.AspNetCore;
using LambdaStreaming.AspNetCore.Requests;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

// Where ASP.NET Core's own Map methods are.
namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps endpoints to Lambda functions.</summary>
public static class LambdaStreamEndpointRouteBuilderExtensions
{
    /// <summary>Maps an endpoint whose requests invoke a function; its answer is passed on while it is being made. A POST with a JSON body, which is the payload.</summary>
    /// <param name="endpoints">The app.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <returns>To add to the endpoint: <c>RequireAuthorization()</c>, <c>RequireRateLimiting(…)</c> and the like.</returns>
    /// <exception cref="InvalidOperationException">No client is registered, and the options select none.</exception>
    /// <remarks>The client is the <see cref="ILambdaStreamingClient"/> of the app's services. Whoever may call the endpoint may run the function.</remarks>
    public static IEndpointConventionBuilder MapLambdaStream(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, string functionName) =>
        MapLambdaStream(endpoints, pattern, functionName, static _ => { });

    /// <inheritdoc cref="MapLambdaStream(IEndpointRouteBuilder, string, string)"/>
    /// <param name="endpoints">The app.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="configure">Sets options, once, now.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public static IEndpointConventionBuilder MapLambdaStream(this IEndpointRouteBuilder endpoints, [StringSyntax("Route")] string pattern, string functionName, Action<LambdaStreamEndpointOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentException.ThrowIfNullOrWhiteSpace(functionName);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new LambdaStreamEndpointOptions();
        configure(options);
        options.Validate();

        if (options.Client is null) ResponseForwarder.RequireClient(endpoints.ServiceProvider);
        return endpoints.MapMethods(pattern, [.. options.Methods], Run).WithDisplayName($"{pattern} => Lambda {functionName}");

        Task Run(HttpContext context) => ResponseForwarder.RunAsync(context, options, payloadFromClient: true, async cancellationToken =>
        {
            var request = new InvokeWithResponseStreamRequest(functionName) { Payload = await RequestPayload.ReadAsync(context, options, cancellationToken).ConfigureAwait(false) };
            if (options.TransformRequest is { } change) request = change(context, request);
            return await ResponseForwarder.GetClient(context, options).InvokeWithResponseStreamAsync(request, cancellationToken).ConfigureAwait(false);
        });
    }
}
