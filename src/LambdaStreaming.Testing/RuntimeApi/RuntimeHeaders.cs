using System.Globalization;
using System.Text;
using LambdaStreaming.Testing.Http;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Headers and trailers of the Lambda Runtime API.</summary>
internal static class RuntimeHeaders
{
    /// <summary>Creates the headers of the response to GET next.</summary>
    /// <exception cref="FormatException">A value has characters that are not printable ASCII.</exception>
    public static List<KeyValuePair<string, string>> Create(FunctionInvocation invocation, string functionArn)
    {
        var deadline = invocation.Deadline.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        var qualifiedArn = functionArn + (invocation.Qualifier is null ? "" : ":" + invocation.Qualifier);
        var headers = new List<KeyValuePair<string, string>>
        {
            new("Lambda-Runtime-Aws-Request-Id", invocation.RequestId),
            new("Lambda-Runtime-Deadline-Ms", deadline),
            new("Lambda-Runtime-Invoked-Function-Arn", qualifiedArn),
        };
        // The service always sends a trace id, and some runtimes require it.
        var traceId = invocation.Headers.GetValueOrDefault("X-Amzn-Trace-Id") ?? CreateTraceId(invocation.RequestId);
        headers.Add(new("Lambda-Runtime-Trace-Id", traceId));
        if (invocation.TenantId is not null)
            headers.Add(new("Lambda-Runtime-Aws-Tenant-Id", invocation.TenantId));
        if (!string.IsNullOrEmpty(invocation.ClientContext))
            headers.Add(new("Lambda-Runtime-Client-Context", DecodeClientContext(invocation.ClientContext)));
        foreach ((var name, var value) in headers)
        {
            if (value.Any(character => character is < ' ' or > '~')) throw CreateFormatException(name);
        }

        return headers;
    }

    public static string? GetTrailer(HttpContext context, string name)
    {
        if (!context.Request.SupportsTrailers() || !context.Request.CheckTrailersAvailable()) return null;
        return context.Request.GetTrailer(name) is { Count: > 0 } value ? value.ToString() : null;
    }

    public static string GetErrorType(string value) => string.IsNullOrWhiteSpace(value) ? "Runtime.Unknown" : value;

    // The id of a trace that is not sampled. Source: X-Ray developer guide, tracing header: the time of the request in
    // seconds (8 hex digits), 24 further hex digits, and the id of the parent segment (16 hex digits). The time is that
    // of the system clock when a process gets the call. No trace exists that it must agree with.
    private static string CreateTraceId(string requestId)
    {
        var seconds = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString("x8", CultureInfo.InvariantCulture);
        var digits = requestId.Replace("-", "", StringComparison.Ordinal).PadRight(32, '0');
        return $"Root=1-{seconds}-{digits[..24]};Parent={digits[16..32]};Sampled=0";
    }

    private static string DecodeClientContext(string base64) =>
        JsonText.ToAsciiLine(Encoding.UTF8.GetString(Convert.FromBase64String(base64)));

    private static FormatException CreateFormatException(string name) => new(
        $"The header {name} of the Runtime API allows only printable ASCII characters. "
        + "The request's value for it has other characters.");
}
