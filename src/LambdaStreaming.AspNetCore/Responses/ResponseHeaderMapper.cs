using System.Net;
using LambdaStreaming.AspNetCore.Diagnostics;
using LambdaStreaming.Http;
using LambdaStreaming.Payload;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Sets the status and headers of the HTTP response.</summary>
internal static class ResponseHeaderMapper
{
    private const string UnknownContentType = "application/octet-stream";

    // Source: dotnet/aspnetcore, CorsMiddleware. Endpoint routing requires the same item.
    private const string CorsMiddlewareInvoked = "__CorsMiddlewareWithEndpointInvoked";
    private const string InvalidName = "(invalid name)";

    /// <summary>
    /// Throws if the status of an HTTP prelude cannot be sent, or the body cannot be read without its headers.
    /// </summary>
    public static void ValidatePrelude(
        InvokeWithResponseStreamResponse response,
        HttpIntegrationResponse http,
        bool headersWereSent)
    {
        var status = http.StatusCode;
        if ((int)status is < 200 or > 599) throw NotAFinalStatus(response, status);
        if (!headersWereSent) return;
        if (status != HttpStatusCode.OK) throw StatusAfterHeaders(response, status);
        if (IsEncoded(GetValues(http, HeaderNames.ContentEncoding))) throw ContentEncodingAfterHeaders(response);
    }

    /// <summary>
    /// Copies the status of the function's HTTP prelude, and those of its headers and cookies that are permitted.
    /// </summary>
    public static void ApplyPrelude(
        HttpContext context,
        HttpIntegrationResponse http,
        LambdaStreamOptions options,
        ILogger logger)
    {
        var hasCorsPolicy = HasCorsPolicy(context);
        var connectionTokens = HopByHopHeaders.ParseConnection(GetValues(http, HeaderNames.Connection).ToString());
        context.Response.StatusCode = (int)http.StatusCode;
        foreach (var name in http.MultiValueHeaders.Keys)
        {
            // Skip Set-Cookie here: Cookies contains the values of all Set-Cookie headers.
            var isCookie = name.Equals(HeaderNames.SetCookie, StringComparison.OrdinalIgnoreCase);
            if (!isCookie) Set(name, GetValues(http, name));
        }

        Set(HeaderNames.SetCookie, new StringValues([.. http.Cookies]));
        var headers = context.Response.Headers;
        if (StringValues.IsNullOrEmpty(headers.ContentType) && CanHaveBody(context))
        {
            headers.ContentType = UnknownContentType;
        }

        DisableBuffering(context);

        void Set(string name, StringValues values)
        {
            if (hasCorsPolicy && HeaderRules.IsCorsHeader(name)) return;
            if (HeaderRules.CanForward(name, connectionTokens)) SetHeader(context, options, logger, name, values);
        }
    }

    /// <summary>Sets the headers of a response without an HTTP prelude.</summary>
    public static void ApplyDefaults(HttpContext context, string? reportedContentType, LambdaStreamOptions options)
    {
        var headers = context.Response.Headers;
        headers.ContentType = options.ContentType
            ?? (IsUsable(reportedContentType) ? reportedContentType : UnknownContentType);
        headers.XContentTypeOptions = "nosniff";
        if (StringValues.IsNullOrEmpty(headers.CacheControl)) headers.CacheControl = "no-store";
        DisableBuffering(context);
    }

    /// <summary>Returns whether the response can have a body.</summary>
    public static bool CanHaveBody(HttpContext context) =>
        !HttpMethods.IsHead(context.Request.Method)
        && context.Response.StatusCode is not (StatusCodes.Status204NoContent
            or StatusCodes.Status205ResetContent
            or StatusCodes.Status304NotModified);

    /// <summary>Returns whether bytes can be added to the body of the function.</summary>
    public static bool CanAppend(HttpContext context) =>
        CanHaveBody(context)
        && context.Response.ContentLength is null
        && !IsEncoded(context.Response.Headers.ContentEncoding);

    /// <summary>Returns whether the content type is that of server-sent events.</summary>
    public static bool IsEventStream(string? contentType) =>
        FunctionContentType.GetMediaType(contentType)
            .Equals("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static void SetHeader(
        HttpContext context,
        LambdaStreamOptions options,
        ILogger logger,
        string name,
        StringValues values)
    {
        var isName = HeaderRules.IsName(name);
        var loggedName = isName ? name : InvalidName;
        if (HeaderRules.IsControlHeader(name) && !options.AllowedControlHeaders.Contains(name))
        {
            Log.ControlHeaderDropped(logger, loggedName, context.Request.Path);
            return;
        }

        if (options.AllowResponseHeader?.Invoke(name) == false) return;

        // A server throws on an invalid value. Drop the value instead of failing the response.
        // Empty values are dropped without a log message. In HTTP/2, a value must not begin or end with a space.
        // Source: RFC 9113, section 8.2.1.
        values = values.Select(value => value!.Trim(' ', '\t')).ToArray();
        var valid = values.Where(value => isName && HeaderRules.IsValue(value!)).ToArray();
        if (valid.Length < values.Count(value => value!.Length > 0))
        {
            Log.HeaderDropped(logger, loggedName, context.Request.Path);
        }

        if (valid.Length == 0) return;
        if (SingleValueHeaders.Contains(name)) valid = valid[^1..];

        // Keep the app's own cookies and Vary values.
        var headers = context.Response.Headers;
        var isAppended = name == HeaderNames.SetCookie
            || name.Equals(HeaderNames.Vary, StringComparison.OrdinalIgnoreCase);
        if (isAppended) headers.Append(name, valid);
        else headers[name] = valid;
    }

    private static void DisableBuffering(HttpContext context)
    {
        // Otherwise response compression and IIS, for example, would buffer the body. The header has the same effect in
        // nginx.
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        context.Response.Headers["X-Accel-Buffering"] = "no";
    }

    // A permissive header of the function must not extend the app's policy.
    private static bool HasCorsPolicy(HttpContext context) => context.Items.ContainsKey(CorsMiddlewareInvoked);

    private static bool IsUsable(string? reportedContentType) =>
        FunctionContentType.IsReported(reportedContentType) && HeaderRules.IsValue(reportedContentType!);

    private static bool IsEncoded(StringValues contentEncoding) =>
        contentEncoding.ToString() is { Length: > 0 } encoding
        && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase);

    private static StringValues GetValues(HttpIntegrationResponse http, string name) =>
        http.MultiValueHeaders.TryGetValue(name, out var values) ? new StringValues([.. values]) : default;

    // 1xx is not a final status, and codes above 599 are not defined.
    private static PayloadFormatException NotAFinalStatus(
        InvokeWithResponseStreamResponse response,
        HttpStatusCode status) => InvalidPrelude.Create(
        response,
        $"The function returned the status {(int)status}, which is not a final HTTP status (200 to 599)");

    private static PayloadFormatException StatusAfterHeaders(
        InvokeWithResponseStreamResponse response,
        HttpStatusCode status) => InvalidPrelude.Create(
        response,
        $"The function returned the status {(int)status}, but the status 200 had already been sent. "
        + $"If the function selects the status, do not set {nameof(LambdaStreamOptions.ContentType)}");

    private static PayloadFormatException ContentEncodingAfterHeaders(InvokeWithResponseStreamResponse response) =>
        InvalidPrelude.Create(
            response,
            "The function returned a response with Content-Encoding, but headers without it had already been sent. "
            + $"If the function compresses the response, do not set {nameof(LambdaStreamOptions.ContentType)}");
}
