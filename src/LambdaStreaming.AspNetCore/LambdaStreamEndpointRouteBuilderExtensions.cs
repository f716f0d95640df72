using System.Diagnostics.CodeAnalysis;
using LambdaStreaming;
using LambdaStreaming.AspNetCore;
using LambdaStreaming.AspNetCore.Requests;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

// The namespace of ASP.NET Core's own Map methods, so that no using directive is needed.
namespace Microsoft.AspNetCore.Builder;

/// <summary>Extension methods that map endpoints to Lambda functions.</summary>
public static class LambdaStreamEndpointRouteBuilderExtensions
{
    /// <summary>Maps an endpoint that invokes a function and streams its response to the client.</summary>
    /// <param name="endpoints">The app.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <returns>
    /// A builder for endpoint conventions, for example <c>RequireAuthorization()</c> or <c>RequireRateLimiting(…)</c>.
    /// </returns>
    /// <remarks>
    /// By default, the endpoint accepts a POST with a JSON body, which becomes the payload. The function is invoked by
    /// the <see cref="ILambdaStreamingClient"/> of the app's services. Anyone who can call the endpoint can run the
    /// function.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// The services do not contain a client, and the options do not select one.
    /// </exception>
    public static IEndpointConventionBuilder MapLambdaStream(
        this IEndpointRouteBuilder endpoints,
        [StringSyntax("Route")] string pattern,
        string functionName) =>
        MapLambdaStream(endpoints, pattern, functionName, static _ => { });

    /// <inheritdoc cref="MapLambdaStream(IEndpointRouteBuilder, string, string)"/>
    /// <param name="endpoints">The app.</param>
    /// <param name="pattern">The route.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="configure">Sets the options. Called once, during this call.</param>
    /// <exception cref="ArgumentException">An option is invalid; the message names it.</exception>
    public static IEndpointConventionBuilder MapLambdaStream(
        this IEndpointRouteBuilder endpoints,
        [StringSyntax("Route")] string pattern,
        string functionName,
        Action<LambdaStreamEndpointOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(pattern);
        ArgumentException.ThrowIfNullOrWhiteSpace(functionName);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new LambdaStreamEndpointOptions();
        configure(options);
        options.Validate();

        if (options.Client is null) ClientResolver.RequireClient(endpoints.ServiceProvider);
        return endpoints
            .MapMethods(pattern, [.. options.Methods], Run)
            .WithDisplayName($"{pattern} => Lambda {functionName}");

        Task Run(HttpContext context) => ResponseForwarder.InvokeAsync(
            context,
            options,
            cancellationToken => CreateRequestAsync(context, functionName, options, cancellationToken));
    }

    private static async Task<EndpointRequest> CreateRequestAsync(
        HttpContext context,
        string functionName,
        LambdaStreamEndpointOptions options,
        CancellationToken cancellationToken)
    {
        if (HasInvalidAntiforgeryToken(context)) throw InvalidAntiforgeryToken();
        var (payload, missingBody) = await RequestPayload.ReadAsync(context, options, cancellationToken)
            .ConfigureAwait(false);
        var request = new InvokeWithResponseStreamRequest(functionName) { Payload = payload };
        if (options.TransformRequest is { } transform)
        {
            request = transform(context, request) ?? throw new InvalidOperationException(
                $"{nameof(options.TransformRequest)} returned null. It must return the request to send.");
        }

        var origin = RequestOrigin.Create(request, payload, options.Payload);
        if (origin.IsSizeFromClient && missingBody is not null) throw missingBody;
        return new EndpointRequest(request, origin);
    }

    // The middleware only records that the token is invalid. The record can also be that of another endpoint, if this
    // one is the error page for it.
    private static bool HasInvalidAntiforgeryToken(HttpContext context) =>
        context.Features.Get<IAntiforgeryValidationFeature>() is { IsValid: false }
        && context.GetEndpoint()?.Metadata.GetMetadata<IAntiforgeryMetadata>() is { RequiresValidation: true };

    private static RequestRejectedException InvalidAntiforgeryToken() =>
        new(StatusCodes.Status400BadRequest, "The antiforgery token is missing or invalid.");
}
