namespace LambdaStreaming.Testing.Faults;

/// <summary>The service's errors for exceeded concurrency limits.</summary>
internal static class Throttling
{
    // Source: AWS Lambda API reference, TooManyRequestsException, Reason.
    public const string ReservedConcurrency = "ReservedFunctionConcurrentInvocationLimitExceeded";
    public const string AccountConcurrency = "ConcurrentInvocationLimitExceeded";

    public static ServiceErrorResponse CreateError(string reason) => new("TooManyRequestsException")
    {
        Message = "Rate Exceeded.",
        Fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["Reason"] = reason },
    };
}
