using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.AspNetCore.ResponseCaching;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Excludes an incomplete response from the output cache.</summary>
internal static class OutputCaching
{
    /// <summary>Prevents that the output cache stores the response, without an exception.</summary>
    /// <returns>
    /// <see langword="true"/> if an exception must not reach the output cache. The cache passes an exception to all
    /// requests that it holds until this one ends. Without an exception, they invoke the function themselves.
    /// </returns>
    public static bool TryExclude(HttpContext context)
    {
        var cache = context.Features.Get<IOutputCacheFeature>()?.Context;
        if (cache is not { AllowCacheStorage: true, AllowLocking: true }) return false;

        // That middleware detects an incomplete response only by an exception.
        if (context.Features.Get<IResponseCachingFeature>() is not null) return false;
        cache.AllowCacheStorage = false;
        return true;
    }
}
