namespace LambdaStreaming;

// The errors that the service documents for the operation: errors of the request and of the function.
// LambdaSetupExceptions.cs and LambdaCommonExceptions.cs have the other errors. Each type can be created with a message
// alone, because the error table has its name, its status, and whether it is retried. A test in
// LambdaStreaming.Docs.Tests compares the summaries with ServiceErrorTable and docs/errors.json.
// Source: AWS Lambda API reference, InvokeWithResponseStream, Errors; the model in @aws-sdk/client-lambda 3.1164.0.

/// <summary>A parameter of the request is not valid (HTTP 400). The function did not run; never retried.</summary>
public sealed class InvalidParameterValueException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidParameterValueException", details, innerException);

/// <summary>
/// The payload is not valid JSON, or a header of the request is not valid (HTTP 400). The function did not run; never
/// retried.
/// </summary>
public sealed class InvalidRequestContentException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidRequestContentException", details, innerException);

/// <summary>The function has no published version (HTTP 400). The function did not run; never retried.</summary>
public sealed class NoPublishedVersionException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "NoPublishedVersionException", details, innerException);

/// <summary>
/// Lambda detected that the function is in a loop with other AWS resources, and stopped the invocation (HTTP 400). The
/// function did not run; never retried.
/// </summary>
public sealed class RecursiveInvocationException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RecursiveInvocationException", details, innerException);

/// <summary>The payload exceeds the service's limit (HTTP 413). The function did not run; never retried.</summary>
public sealed class RequestTooLargeException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestTooLargeException", details, innerException);

/// <summary>
/// Another operation on the function is in progress, or the function is still being created (HTTP 409). The function
/// did not run; never retried.
/// </summary>
public sealed class ResourceConflictException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ResourceConflictException", details, innerException);

/// <summary>
/// The function, version or alias does not exist (HTTP 404). The function did not run; never retried.
/// </summary>
public sealed class ResourceNotFoundException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ResourceNotFoundException", details, innerException);

/// <summary>
/// The function is inactive, and its VPC connection is being reestablished (HTTP 502). The function did not run;
/// retried by default.
/// </summary>
public sealed class ResourceNotReadyException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ResourceNotReadyException", details, innerException);

/// <summary>
/// The serialized request exceeds the service's limit (HTTP 413). The function did not run; never retried.
/// </summary>
public sealed class SerializedRequestEntityTooLargeException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SerializedRequestEntityTooLargeException", details, innerException);

/// <summary>
/// Lambda had an internal error (HTTP 500). The function might have run; retried only with
/// <see cref="LambdaRetryPolicy.AtLeastOnce"/>.
/// </summary>
public sealed class ServiceException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ServiceException", details, innerException);

/// <summary>The request would exceed a service quota (HTTP 402). The function did not run; never retried.</summary>
public sealed class ServiceQuotaExceededException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ServiceQuotaExceededException", details, innerException);

/// <summary>
/// A limit on the rate or number of invocations was exceeded (HTTP 429). The function did not run; retried by default.
/// </summary>
public sealed class TooManyRequestsException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "TooManyRequestsException", details, innerException)
{
    /// <summary>The limit that was exceeded. <see cref="TooManyRequestsReasons"/> has the known values.</summary>
    /// <value><see langword="null"/> if the service did not name a limit. The set of values is open.</value>
    public string? Reason => GetField("Reason");
}

/// <summary>
/// The service does not support the content type of the request (HTTP 415). The function did not run; never retried.
/// </summary>
public sealed class UnsupportedMediaTypeException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "UnsupportedMediaTypeException", details, innerException);

/// <summary>The documented values of <see cref="TooManyRequestsException.Reason"/>.</summary>
/// <remarks>The set is open: the service can add values.</remarks>
public static class TooManyRequestsReasons
{
    /// <summary>The account's concurrent executions in the region are all in use.</summary>
    public const string ConcurrentInvocationLimitExceeded = "ConcurrentInvocationLimitExceeded";

    /// <summary>The account exceeded its limit of invocations per second.</summary>
    public const string FunctionInvocationRateLimitExceeded = "FunctionInvocationRateLimitExceeded";

    /// <summary>The function's reserved concurrency is in use completely.</summary>
    public const string ReservedFunctionConcurrentInvocationLimitExceeded =
        "ReservedFunctionConcurrentInvocationLimitExceeded";

    /// <summary>The function exceeded the invocations per second that its reserved concurrency allows.</summary>
    public const string ReservedFunctionInvocationRateLimitExceeded = "ReservedFunctionInvocationRateLimitExceeded";

    /// <summary>The caller exceeded its limit of requests per second.</summary>
    public const string CallerRateLimitExceeded = "CallerRateLimitExceeded";

    /// <summary>Too many SnapStart snapshots are being created.</summary>
    public const string ConcurrentSnapshotCreateLimitExceeded = "ConcurrentSnapshotCreateLimitExceeded";
}
