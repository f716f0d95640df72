namespace LambdaStreaming.Diagnostics;

/// <summary>How a call ended: the words of the attribute <c>lambda_streaming.outcome</c>. They are never renamed.</summary>
internal readonly record struct CallOutcome(string Name, string? ErrorType = null)
{
    public static readonly CallOutcome Completed = new("completed");

    /// <summary>The reader went away by itself: <c>break</c>, an exception of its own, disposal.</summary>
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

    // A name that the catalogue does not know may be anything; a metric's attribute must be one of few.
    private static string GetServiceErrorType(LambdaServiceException failure) =>
        failure.GetType() == typeof(LambdaServiceException) ? ((int)failure.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture) : failure.GetType().Name;

    private static string? GetTypeName(Exception exception) => exception.GetType().FullName;
}
