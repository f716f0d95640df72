using Amazon.Runtime;

namespace LambdaStreaming.Http;

/// <summary>The X-Ray trace of the Lambda function that this program runs in, handed on so that Lambda can see a recursive loop.</summary>
internal static class TraceId
{
    private const string Name = "_X_AMZN_TRACE_ID";

    /// <summary>The trace of the invocation that is running now; null outside of Lambda.</summary>
    public static string? Current => Of(SettingsEnvironment.Process);

    // Source: AWSSDK.Core 4.0.102.19, Marshaller.SetRecursionDetectionHeader: where several invocations run at a time, the task's own.
    internal static string? Of(SettingsEnvironment environment)
    {
        if (environment["AWS_LAMBDA_FUNCTION_NAME"] is null) return null;
        var ofTask = environment["AWS_LAMBDA_MAX_CONCURRENCY"] is null ? null : SDKTaskContext.Default.Get(Name)?.ToString();
        var traceId = string.IsNullOrEmpty(ofTask) ? environment[Name] : ofTask;
        // A value that no header can carry is not the call's failure.
        return traceId is not null && !traceId.AsSpan().ContainsAnyExceptInRange(' ', '~') ? traceId : null;
    }
}
