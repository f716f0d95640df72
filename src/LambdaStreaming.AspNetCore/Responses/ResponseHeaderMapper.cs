using LambdaStreaming.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Makes the head of the browser's answer.</summary>
internal static class ResponseHeaderMapper
{
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";
    private const string IntegrationContentType = "application/vnd.awslambda.http-integration-response";
    private const string UnknownContentType = "application/octet-stream";
    private const string InvalidName = "(invalid name)";

    /// <summary>Takes over what the function's prelude says, as far as it may.</summary>
    public static void FromPrelude(HttpContext context, HttpIntegrationResponse http, LambdaStreamOptions options, ILogger logger)
    {
        var headers = context.Response.Headers;
        var named = HeaderRules.ParseConnectionTokens(Values(http, HeaderNames.Connection));
        context.Response.StatusCode = (int)http.StatusCode;
        foreach (var name in http.MultiValueHeaders.Keys)
        {
            // Cookies has the values of all Set-Cookie headers.
            if (!name.Equals(HeaderNames.SetCookie, StringComparison.OrdinalIgnoreCase)) Set(name, Values(http, name));
        }

        Set(HeaderNames.SetCookie, new StringValues([.. http.Cookies]));
        if (StringValues.IsNullOrEmpty(headers.ContentType) && MayHaveBody(context)) headers.ContentType = UnknownContentType;
        Unbuffered(context);

        void Set(string name, StringValues values)
        {
            if (!HeaderRules.MayReachBrowser(name, named)) return;
            var isName = HeaderRules.IsName(name);
            if (HeaderRules.IsControlHeader(name) && !options.AllowedControlHeaders.Contains(name))
            {
                Log.ControlHeaderDropped(logger, isName ? name : InvalidName, context.Request.Path);
                return;
            }

            if (options.AllowResponseHeader?.Invoke(name) == false) return;

            // One bad value must not cost the answer, and a server throws at it. An empty one says nothing.
            var good = values.Where(value => isName && HeaderRules.IsValue(value!)).ToArray();
            if (!isName || values.Any(value => value!.Length > 0 && !HeaderRules.IsValue(value))) Log.HeaderDropped(logger, isName ? name : InvalidName, context.Request.Path);
            if (good.Length == 0) return;
            if (HeaderRules.IsSingle(name)) good = good[^1..];

            // The app's own cookies, and what its answers vary by, stay beside the function's.
            if (name == HeaderNames.SetCookie || name.Equals(HeaderNames.Vary, StringComparison.OrdinalIgnoreCase)) headers.Append(name, good);
            else headers[name] = good;
        }
    }

    /// <summary>What there is to say of an answer without a prelude.</summary>
    public static void WithoutPrelude(HttpContext context, string? functionsContentType, LambdaStreamOptions options)
    {
        var headers = context.Response.Headers;
        headers.ContentType = options.ContentType ?? (IsFunctionContentType(functionsContentType) ? functionsContentType : UnknownContentType);
        headers.XContentTypeOptions = "nosniff";
        if (StringValues.IsNullOrEmpty(headers.CacheControl)) headers.CacheControl = "no-store";
        Unbuffered(context);
    }

    /// <summary>Whether a body may follow this head at all.</summary>
    public static bool MayHaveBody(HttpContext context) =>
        !HttpMethods.IsHead(context.Request.Method)
        && context.Response.StatusCode is not (StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent or StatusCodes.Status304NotModified);

    private static void Unbuffered(HttpContext context)
    {
        // Response compression, IIS and the like hold an answer back otherwise; nginx is told by the header.
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    private static bool IsFunctionContentType(string? contentType)
    {
        if (string.IsNullOrEmpty(contentType) || !HeaderRules.IsValue(contentType)) return false;
        var end = contentType.IndexOf(';', StringComparison.Ordinal);
        var mediaType = contentType.AsSpan(0, end < 0 ? contentType.Length : end).Trim();
        return !mediaType.Equals(EventStreamContentType, StringComparison.OrdinalIgnoreCase) && !mediaType.Equals(IntegrationContentType, StringComparison.OrdinalIgnoreCase);
    }

    private static StringValues Values(HttpIntegrationResponse http, string name) =>
        http.MultiValueHeaders.TryGetValue(name, out var values) ? new StringValues([.. values]) : default;
}
