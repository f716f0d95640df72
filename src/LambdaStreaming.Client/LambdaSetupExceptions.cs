namespace LambdaStreaming;

// The errors that the service documents for the operation: Lambda could not set up the function's environment.
// Source: AWS Lambda API reference, InvokeWithResponseStream, Errors; the model in @aws-sdk/client-lambda 3.1164.0.

/// <summary>
/// The function's code artifact user has been deleted (HTTP 409). The function did not run; never retried.
/// </summary>
public sealed class CodeArtifactUserDeletedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "CodeArtifactUserDeletedException", details, innerException);

/// <summary>
/// Provisioning of the function's code artifact user failed (HTTP 409). The function did not run; never retried.
/// </summary>
public sealed class CodeArtifactUserFailedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "CodeArtifactUserFailedException", details, innerException);

/// <summary>
/// The function's code artifact user is still being provisioned (HTTP 409). The function did not run; retried by
/// default.
/// </summary>
public sealed class CodeArtifactUserPendingException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "CodeArtifactUserPendingException", details, innerException);

/// <summary>
/// Lambda lacks the permission to configure the function's VPC access (HTTP 502). The function did not run; never
/// retried.
/// </summary>
public sealed class EC2AccessDeniedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EC2AccessDeniedException", details, innerException);

/// <summary>
/// EC2 throttled Lambda while it set up the function's network (HTTP 502). The function did not run; retried by
/// default.
/// </summary>
public sealed class EC2ThrottledException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EC2ThrottledException", details, innerException);

/// <summary>
/// EC2 failed unexpectedly while Lambda set up the function (HTTP 502). The function did not run; retried by default.
/// </summary>
public sealed class EC2UnexpectedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EC2UnexpectedException", details, innerException)
{
    /// <summary>The name that EC2 gave its error.</summary>
    /// <value><see langword="null"/> if the service did not send a name.</value>
    public string? EC2ErrorCode => GetField("EC2ErrorCode");
}

/// <summary>
/// Reading from or writing to the function's file system failed (HTTP 410). The function might have run; never retried.
/// </summary>
public sealed class EFSIOException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSIOException", details, innerException);

/// <summary>
/// The function's file system could not be reached over the network (HTTP 408). The function did not run; retried by
/// default.
/// </summary>
public sealed class EFSMountConnectivityException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSMountConnectivityException", details, innerException);

/// <summary>
/// The function's file system could not be mounted because of missing permissions or its configuration (HTTP 403). The
/// function did not run; never retried.
/// </summary>
public sealed class EFSMountFailureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSMountFailureException", details, innerException);

/// <summary>
/// The function's file system was reached, but mounting it took too long (HTTP 408). The function did not run; retried
/// by default.
/// </summary>
public sealed class EFSMountTimeoutException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSMountTimeoutException", details, innerException);

/// <summary>
/// Lambda could not create a network interface in the function's VPC because the limit has been reached (HTTP 502). The
/// function did not run; retried by default.
/// </summary>
public sealed class ENILimitReachedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ENILimitReachedException", details, innerException);

/// <summary>
/// The function's runtime or runtime version is not supported (HTTP 502). The function did not run; never retried.
/// </summary>
public sealed class InvalidRuntimeException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidRuntimeException", details, innerException);

/// <summary>
/// A security group of the function's VPC configuration is not valid (HTTP 502). The function did not run; never
/// retried.
/// </summary>
public sealed class InvalidSecurityGroupIDException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidSecurityGroupIDException", details, innerException);

/// <summary>
/// A subnet of the function's VPC configuration is not valid (HTTP 502). The function did not run; never retried.
/// </summary>
public sealed class InvalidSubnetIDException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidSubnetIDException", details, innerException);

/// <summary>
/// Lambda could not unzip the function's deployment package (HTTP 502). The function did not run; never retried.
/// </summary>
public sealed class InvalidZipFileException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidZipFileException", details, innerException);

/// <summary>
/// Lambda could not decrypt the function's environment variables: KMS denied access (HTTP 502). The function did not
/// run; never retried.
/// </summary>
public sealed class KMSAccessDeniedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSAccessDeniedException", details, innerException);

/// <summary>
/// Lambda could not decrypt the function's environment variables: the KMS key is disabled (HTTP 502). The function did
/// not run; never retried.
/// </summary>
public sealed class KMSDisabledException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSDisabledException", details, innerException);

/// <summary>
/// Lambda could not decrypt the function's environment variables: the state of the KMS key does not allow it (HTTP
/// 502). The function did not run; never retried.
/// </summary>
public sealed class KMSInvalidStateException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSInvalidStateException", details, innerException);

/// <summary>
/// Lambda could not decrypt the function's environment variables: the KMS key does not exist (HTTP 502). The function
/// did not run; never retried.
/// </summary>
public sealed class KMSNotFoundException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSNotFoundException", details, innerException);

/// <summary>
/// The function's S3 Files access point could not be reached over the network (HTTP 408). The function did not run;
/// retried by default.
/// </summary>
public sealed class S3FilesMountConnectivityException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "S3FilesMountConnectivityException", details, innerException);

/// <summary>
/// The function's S3 Files access point could not be mounted because of missing permissions or its configuration (HTTP
/// 403). The function did not run; never retried.
/// </summary>
public sealed class S3FilesMountFailureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "S3FilesMountFailureException", details, innerException);

/// <summary>
/// The function's S3 Files access point was reached, but mounting it took too long (HTTP 408). The function did not
/// run; retried by default.
/// </summary>
public sealed class S3FilesMountTimeoutException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "S3FilesMountTimeoutException", details, innerException);

/// <summary>The function's after-restore hook failed (HTTP 400). The function might have run; never retried.</summary>
public sealed class SnapStartException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartException", details, innerException);

/// <summary>
/// Lambda is still initializing the function's version (HTTP 409). The function did not run; retried by default.
/// </summary>
public sealed class SnapStartNotReadyException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartNotReadyException", details, innerException);

/// <summary>
/// Lambda could not regenerate the function's SnapStart snapshot (HTTP 409). The function did not run; never retried.
/// </summary>
public sealed class SnapStartRegenerationFailureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartRegenerationFailureException", details, innerException);

/// <summary>
/// Restoring the function's snapshot took too long (HTTP 408). The function might have run; retried only with
/// <see cref="LambdaRetryPolicy.AtLeastOnce"/>.
/// </summary>
public sealed class SnapStartTimeoutException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartTimeoutException", details, innerException);

/// <summary>
/// A subnet of the function has no free IP address (HTTP 502). The function did not run; retried by default.
/// </summary>
public sealed class SubnetIPAddressLimitReachedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SubnetIPAddressLimitReachedException", details, innerException);
