using System.Globalization;

namespace LambdaStreaming.Diagnostics;

/// <summary>The values of the attribute <c>lambda_streaming.outcome</c>: how a call ended.</summary>
/// <remarks>The values are part of the public interface and do not change.</remarks>
internal readonly record struct CallOutcome(string Name, string? ErrorType = null)
{
    public static readonly CallOutcome Completed = new("completed");

    /// <summary>The consumer stopped reading: <c>break</c>, an exception in the loop, or disposal.</summary>
    public static readonly CallOutcome Abandoned = new("abandoned");

    public static readonly CallOutcome Cancelled = new("cancelled");

    public static readonly CallOutcome Idle = new("idle", typeof(ResponseStreamIdleTimeoutException).FullName);

    public static readonly CallOutcome FunctionError = new("function_error", typeof(FunctionErrorException).FullName);

    public static CallOutcome FromException(Exception exception) => exception switch
    {
        OperationCanceledException => Cancelled,
        ObjectDisposedException => Abandoned,
        FunctionErrorException => FunctionError,
        ResponseStreamIdleTimeoutException => Idle,
        ResponseStreamTruncatedException => new("truncated", GetTypeName(exception)),
        ResponseStreamCorruptException => new("corrupt", GetTypeName(exception)),
        ResponseStreamErrorException => new("stream_error", GetTypeName(exception)),
        LambdaServiceException failure => new("service_error", GetServiceErrorType(failure)),
        LambdaTransportException => new("transport_error", GetTypeName(exception)),
        LambdaConfigurationException => new("configuration_error", GetTypeName(exception)),
        _ => new("other", GetTypeName(exception)),
    };

    // An attribute of a metric must have few distinct values, but an unknown error can have any name. Therefore, the
    // HTTP status replaces the name of an unknown error.
    private static string GetServiceErrorType(LambdaServiceException failure) =>
        failure.GetType() == typeof(LambdaServiceException)
            ? ((int)failure.StatusCode).ToString(CultureInfo.InvariantCulture)
            : failure.GetType().Name;

    private static string? GetTypeName(Exception exception) => exception.GetType().FullName;
}
