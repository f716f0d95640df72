using LambdaStreaming.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>The request timeout of ASP.NET Core, which cancels <c>RequestAborted</c>.</summary>
internal static class RequestTimeout
{
    public static bool IsElapsed(HttpContext context) =>
        context.Features.Get<IHttpRequestTimeoutFeature>()?.RequestTimeoutToken.IsCancellationRequested == true;

    /// <summary>Writes the response to a timeout before the first byte, unless the middleware can write it.</summary>
    /// <remarks>
    /// The middleware of the request timeout writes it if an exception reaches it. With an output cache, the exception
    /// would also reach the requests that the cache holds, so the same response is written here.
    /// </remarks>
    /// <returns>Whether the request must end without an exception.</returns>
    public static async Task<bool> TryRespondAsync(HttpContext context, Exception exception, ILogger logger)
    {
        if (!OutputCaching.TryExclude(context)) return false;
        var policy = GetPolicy(context);
        var status = policy?.TimeoutStatusCode ?? StatusCodes.Status504GatewayTimeout;
        Log.FailedBeforeFirstByte(logger, LogLevel.Error, context.Request.Path, status, exception);
        context.Response.Clear();
        context.Response.StatusCode = status;
        if (policy?.WriteTimeoutResponse is { } write) await write(context).ConfigureAwait(false);
        return true;
    }

    // Source: ASP.NET Core, "Request timeouts middleware": a policy of the endpoint precedes its attribute, and both
    // precede the default policy. An attribute with a time has no policy.
    private static RequestTimeoutPolicy? GetPolicy(HttpContext context)
    {
        var options = context.RequestServices.GetService<IOptionsMonitor<RequestTimeoutOptions>>()?.CurrentValue;
        var metadata = context.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<RequestTimeoutPolicy>() is { } policy) return policy;
        if (metadata?.GetMetadata<RequestTimeoutAttribute>() is not { } attribute) return options?.DefaultPolicy;
        return attribute.PolicyName is { } name ? options?.Policies[name] : null;
    }
}
