namespace LambdaStreaming.Diagnostics;

/// <summary>How a call ended: the words of the attribute <c>lambda_streaming.outcome</c>. They are never renamed.</summary>
internal readonly record struct CallOutcome(string Name, string? ErrorType = null)
{
    public static readonly CallOutcome Whole = new("whole");

    /// <summary>The reader went away by itself: <c>break</c>, an exception of its own, disposal.</summary>
    public static readonly CallOutcome Abandoned = new("abandoned");

    public static readonly CallOutcome Cancelled = new("cancelled");

    public static readonly CallOutcome Idle = new("idle", typeof(ResponseStreamIdleException).FullName);

    public static readonly CallOutcome FunctionError = new("function_error", typeof(FunctionErrorException).FullName);

    public static CallOutcome Of(Exception exception) => exception switch
    {
        OperationCanceledException => Cancelled,
        ObjectDisposedException => Abandoned,
        FunctionErrorException => FunctionError,
        ResponseStreamIdleException => Idle,
        ResponseStreamTruncatedException => new("truncated", TypeOf(exception)),
        ResponseStreamCorruptException => new("corrupt", TypeOf(exception)),
        ResponseStreamErrorException => new("stream_error", TypeOf(exception)),
        LambdaServiceException failure => new("service_error", ServiceErrorTypeOf(failure)),
        LambdaTransportException => new("transport_error", TypeOf(exception)),
        LambdaConfigurationException => new("configuration_error", TypeOf(exception)),
        _ => new("other", TypeOf(exception)),
    };

    // A name that the catalogue does not know may be anything; a metric's attribute must be one of few.
    private static string ServiceErrorTypeOf(LambdaServiceException failure) =>
        failure.GetType() == typeof(LambdaServiceException) ? ((int)failure.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture) : failure.GetType().Name;

    private static string? TypeOf(Exception exception) => exception.GetType().FullName;
}
