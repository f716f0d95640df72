using System.Diagnostics;
using Amazon.Runtime;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Invocation;

/// <summary>The headers that tie a request to a trace. They are added after signing, so that what stands on the way may change them.</summary>
internal static class TraceContext
{
    private const string XRayHeader = "X-Amzn-Trace-Id";
    private const string RunningInvocationVariable = "_X_AMZN_TRACE_ID";

    public static void AddTo(HttpRequestMessage message, TraceHeaders headers, AwsEnvironment environment)
    {
        var activity = (headers & (TraceHeaders.XRay | TraceHeaders.W3C)) != TraceHeaders.None && Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current : null;
        var xRay = headers.HasFlag(TraceHeaders.Lambda) ? FromEnvironment(environment) : null;
        if (xRay is null && activity is not null && headers.HasFlag(TraceHeaders.XRay)) xRay = FormatXRay(activity);
        if (xRay is not null) message.Headers.TryAddWithoutValidation(XRayHeader, xRay);

        if (activity is null || !headers.HasFlag(TraceHeaders.W3C)) return;
        message.Headers.TryAddWithoutValidation("traceparent", activity.Id);
        if (activity.TraceStateString is { Length: > 0 } state && IsHeaderValue(state)) message.Headers.TryAddWithoutValidation("tracestate", state);
    }

    /// <summary>The trace of the invocation that is running now; null outside of Lambda.</summary>
    // Source: AWSSDK.Core 4.0.102.19, Marshaller.SetRecursionDetectionHeader: where several invocations run at a time, the task's own.
    internal static string? FromEnvironment(AwsEnvironment environment)
    {
        if (environment["AWS_LAMBDA_FUNCTION_NAME"] is null) return null;
        var ofTask = environment["AWS_LAMBDA_MAX_CONCURRENCY"] is null ? null : SDKTaskContext.Default.Get(RunningInvocationVariable)?.ToString();
        var traceId = string.IsNullOrEmpty(ofTask) ? environment[RunningInvocationVariable] : ofTask;
        // A value that no header can carry is not the call's failure.
        return traceId is not null && IsHeaderValue(traceId) ? traceId : null;
    }

    // Source: AWS X-Ray developer guide, "Tracing header" and "W3C trace IDs": the 32 hexadecimal digits, cut after the 8th.
    private static string FormatXRay(Activity activity)
    {
        var trace = activity.TraceId.ToHexString();
        return $"Root=1-{trace[..8]}-{trace[8..]};Parent={activity.SpanId.ToHexString()};Sampled={(activity.Recorded ? '1' : '0')}";
    }

    private static bool IsHeaderValue(string value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
