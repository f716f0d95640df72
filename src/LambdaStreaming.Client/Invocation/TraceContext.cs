using System.Diagnostics;
using Amazon.Runtime;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Invocation;

/// <summary>Adds the trace headers of a request.</summary>
/// <remarks>Trace headers are added after signing, so that proxies can change them.</remarks>
internal static class TraceContext
{
    private const string XRayHeader = "X-Amzn-Trace-Id";
    private const string TraceIdVariable = "_X_AMZN_TRACE_ID";

    public static void AddTo(HttpRequestMessage message, TraceHeaders headers, AwsEnvironment environment)
    {
        var activity = FindActivity(headers);
        var xRay = headers.HasFlag(TraceHeaders.Lambda) ? FromEnvironment(environment) : null;
        if (xRay is null && activity is not null && headers.HasFlag(TraceHeaders.XRay)) xRay = FormatXRay(activity);
        if (xRay is not null) message.Headers.TryAddWithoutValidation(XRayHeader, xRay);

        if (activity is null || !headers.HasFlag(TraceHeaders.W3C)) return;
        message.Headers.TryAddWithoutValidation("traceparent", activity.Id);
        if (activity.TraceStateString is { Length: > 0 } state && IsHeaderValue(state))
            message.Headers.TryAddWithoutValidation("tracestate", state);
    }

    /// <summary>Gets the trace id of the Lambda invocation that runs this code.</summary>
    /// <returns><see langword="null"/> outside Lambda.</returns>
    internal static string? FromEnvironment(AwsEnvironment environment)
    {
        if (environment["AWS_LAMBDA_FUNCTION_NAME"] is null) return null;

        // If one process runs several invocations at the same time, the id of each is stored in the context of its
        // task.
        // Source: AWSSDK.Core 4.0.102.19, Marshaller.SetRecursionDetectionHeader.
        var taskTraceId = environment["AWS_LAMBDA_MAX_CONCURRENCY"] is null
            ? null
            : SDKTaskContext.Default.Get(TraceIdVariable)?.ToString();
        var traceId = string.IsNullOrEmpty(taskTraceId) ? environment[TraceIdVariable] : taskTraceId;

        // Ignore an invalid header value. It must not fail the call.
        return traceId is not null && IsHeaderValue(traceId) ? traceId : null;
    }

    private static Activity? FindActivity(TraceHeaders headers)
    {
        if ((headers & (TraceHeaders.XRay | TraceHeaders.W3C)) == TraceHeaders.None) return null;
        return Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current : null;
    }

    // Source: AWS X-Ray developer guide, "Tracing header" and "W3C trace IDs": the 32 hexadecimal digits, split after
    // the 8th.
    private static string FormatXRay(Activity activity)
    {
        var trace = activity.TraceId.ToHexString();
        var sampled = activity.Recorded ? '1' : '0';
        return $"Root=1-{trace[..8]}-{trace[8..]};Parent={activity.SpanId.ToHexString()};Sampled={sampled}";
    }

    private static bool IsHeaderValue(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
