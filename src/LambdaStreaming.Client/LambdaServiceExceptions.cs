namespace LambdaStreaming;

// A type for each error that the service documents: first those of the operation, then those common to every AWS API.
// A test in LambdaStreaming.Docs.Tests compares the summaries with ServiceErrorTable and docs/errors.json. Each type can be
// created with a message alone: it knows its name, status and consequences.
// Source: AWS Lambda API reference, InvokeWithResponseStream, Errors; the model in @aws-sdk/client-lambda 3.1164.0.

/// <summary>
/// The function's code artifact user has been deleted (HTTP 409). The function did not run; never sent again.
/// </summary>
public sealed class CodeArtifactUserDeletedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "CodeArtifactUserDeletedException", details, innerException);

/// <summary>
/// Provisioning of the function's code artifact user failed (HTTP 409). The function did not run; never sent again.
/// </summary>
public sealed class CodeArtifactUserFailedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "CodeArtifactUserFailedException", details, innerException);

/// <summary>
/// The function's code artifact user is still being provisioned (HTTP 409). The function did not run; sent again by default.
/// </summary>
public sealed class CodeArtifactUserPendingException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "CodeArtifactUserPendingException", details, innerException);

/// <summary>Lambda may not configure the function's VPC access (HTTP 502). The function did not run; never sent again.</summary>
public sealed class EC2AccessDeniedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EC2AccessDeniedException", details, innerException);

/// <summary>EC2 throttled Lambda while it set up the function's network (HTTP 502). The function did not run; sent again by default.</summary>
public sealed class EC2ThrottledException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EC2ThrottledException", details, innerException);

/// <summary>EC2 failed in an unexpected way while Lambda set up the function (HTTP 502). The function did not run; sent again by default.</summary>
public sealed class EC2UnexpectedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EC2UnexpectedException", details, innerException)
{
    /// <summary>EC2's own name for its error.</summary>
    public string? EC2ErrorCode => Field("EC2ErrorCode");
}

/// <summary>Reading from or writing to the function's file system failed (HTTP 410). The function may have run; never sent again.</summary>
public sealed class EFSIOException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSIOException", details, innerException);

/// <summary>The function's file system could not be reached over the network (HTTP 408). The function did not run; sent again by default.</summary>
public sealed class EFSMountConnectivityException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSMountConnectivityException", details, innerException);

/// <summary>The function's file system could not be mounted, for want of permission or by its configuration (HTTP 403). The function did not run; never sent again.</summary>
public sealed class EFSMountFailureException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSMountFailureException", details, innerException);

/// <summary>The function's file system was reached, but mounting it took too long (HTTP 408). The function did not run; sent again by default.</summary>
public sealed class EFSMountTimeoutException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "EFSMountTimeoutException", details, innerException);

/// <summary>Lambda could not make a network interface in the function's VPC, because their number is at its limit (HTTP 502). The function did not run; sent again by default.</summary>
public sealed class ENILimitReachedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ENILimitReachedException", details, innerException);

/// <summary>A parameter of the request is not valid (HTTP 400). The function did not run; never sent again.</summary>
public sealed class InvalidParameterValueException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidParameterValueException", details, innerException);

/// <summary>The payload is no JSON, or a header of the request is not valid (HTTP 400). The function did not run; never sent again.</summary>
public sealed class InvalidRequestContentException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidRequestContentException", details, innerException);

/// <summary>The function's runtime, or its version, is not supported (HTTP 502). The function did not run; never sent again.</summary>
public sealed class InvalidRuntimeException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidRuntimeException", details, innerException);

/// <summary>A security group of the function's VPC configuration is not valid (HTTP 502). The function did not run; never sent again.</summary>
public sealed class InvalidSecurityGroupIDException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidSecurityGroupIDException", details, innerException);

/// <summary>A subnet of the function's VPC configuration is not valid (HTTP 502). The function did not run; never sent again.</summary>
public sealed class InvalidSubnetIDException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidSubnetIDException", details, innerException);

/// <summary>Lambda could not unzip the function's deployment package (HTTP 502). The function did not run; never sent again.</summary>
public sealed class InvalidZipFileException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidZipFileException", details, innerException);

/// <summary>Lambda could not decrypt the function's environment variables: KMS denied access (HTTP 502). The function did not run; never sent again.</summary>
public sealed class KMSAccessDeniedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSAccessDeniedException", details, innerException);

/// <summary>Lambda could not decrypt the function's environment variables: the KMS key is disabled (HTTP 502). The function did not run; never sent again.</summary>
public sealed class KMSDisabledException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSDisabledException", details, innerException);

/// <summary>Lambda could not decrypt the function's environment variables: the state of the KMS key does not allow it (HTTP 502). The function did not run; never sent again.</summary>
public sealed class KMSInvalidStateException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSInvalidStateException", details, innerException);

/// <summary>Lambda could not decrypt the function's environment variables: the KMS key does not exist (HTTP 502). The function did not run; never sent again.</summary>
public sealed class KMSNotFoundException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "KMSNotFoundException", details, innerException);

/// <summary>The function has no published version (HTTP 400). The function did not run; never sent again.</summary>
public sealed class NoPublishedVersionException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "NoPublishedVersionException", details, innerException);

/// <summary>Lambda found the function in a loop of invocations with other AWS resources, and stopped it (HTTP 400). The function did not run; never sent again.</summary>
public sealed class RecursiveInvocationException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RecursiveInvocationException", details, innerException);

/// <summary>The payload is over the service's limit (HTTP 413). The function did not run; never sent again.</summary>
public sealed class RequestTooLargeException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestTooLargeException", details, innerException);

/// <summary>Another operation on the function is in progress, or it is still being created (HTTP 409). The function did not run; never sent again.</summary>
public sealed class ResourceConflictException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ResourceConflictException", details, innerException);

/// <summary>The function, or that version or alias of it, does not exist (HTTP 404). The function did not run; never sent again.</summary>
public sealed class ResourceNotFoundException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ResourceNotFoundException", details, innerException);

/// <summary>The function is inactive and its VPC connection is being made again (HTTP 502). The function did not run; sent again by default.</summary>
public sealed class ResourceNotReadyException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ResourceNotReadyException", details, innerException);

/// <summary>The function's S3 Files access point could not be reached over the network (HTTP 408). The function did not run; sent again by default.</summary>
public sealed class S3FilesMountConnectivityException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "S3FilesMountConnectivityException", details, innerException);

/// <summary>The function's S3 Files access point could not be mounted, for want of permission or by its configuration (HTTP 403). The function did not run; never sent again.</summary>
public sealed class S3FilesMountFailureException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "S3FilesMountFailureException", details, innerException);

/// <summary>The function's S3 Files access point was reached, but mounting it took too long (HTTP 408). The function did not run; sent again by default.</summary>
public sealed class S3FilesMountTimeoutException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "S3FilesMountTimeoutException", details, innerException);

/// <summary>The request is over the service's limit once it is serialized (HTTP 413). The function did not run; never sent again.</summary>
public sealed class SerializedRequestEntityTooLargeException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SerializedRequestEntityTooLargeException", details, innerException);

/// <summary>Lambda had an internal error (HTTP 500). The function may have run; sent again only under <see cref="LambdaRetryPolicy.AtLeastOnce"/>.</summary>
public sealed class ServiceException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ServiceException", details, innerException);

/// <summary>
/// The request would exceed a service quota (HTTP 402). The function did not run; never sent again.
/// </summary>
public sealed class ServiceQuotaExceededException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ServiceQuotaExceededException", details, innerException);

/// <summary>The function's after-restore hook failed (HTTP 400). The function may have run; never sent again.</summary>
public sealed class SnapStartException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartException", details, innerException);

/// <summary>Lambda is still initializing the function's version (HTTP 409). The function did not run; sent again by default.</summary>
public sealed class SnapStartNotReadyException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartNotReadyException", details, innerException);

/// <summary>
/// Lambda could not regenerate the function's SnapStart snapshot (HTTP 409). The function did not run; never sent again.
/// </summary>
public sealed class SnapStartRegenerationFailureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartRegenerationFailureException", details, innerException);

/// <summary>Restoring the function's snapshot took too long (HTTP 408). The function may have run; sent again only under <see cref="LambdaRetryPolicy.AtLeastOnce"/>.</summary>
public sealed class SnapStartTimeoutException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SnapStartTimeoutException", details, innerException);

/// <summary>A subnet of the function has no free IP address (HTTP 502). The function did not run; sent again by default.</summary>
public sealed class SubnetIPAddressLimitReachedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "SubnetIPAddressLimitReachedException", details, innerException);

/// <summary>A limit on the rate or number of invocations was exceeded (HTTP 429). The function did not run; sent again by default.</summary>
public sealed class TooManyRequestsException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "TooManyRequestsException", details, innerException)
{
    /// <summary>Which limit it was. An open set: <see cref="TooManyRequestsReasons"/> has the known ones.</summary>
    public string? Reason => Field("Reason");
}

/// <summary>The content type of the request is not one that the service takes (HTTP 415). The function did not run; never sent again.</summary>
public sealed class UnsupportedMediaTypeException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "UnsupportedMediaTypeException", details, innerException);

/// <summary>The values of <see cref="TooManyRequestsException.Reason"/> that are documented today. New ones may come.</summary>
public static class TooManyRequestsReasons
{
    /// <summary>The account's concurrent executions in the region are all in use.</summary>
    public const string ConcurrentInvocationLimitExceeded = "ConcurrentInvocationLimitExceeded";

    /// <summary>The account's invocations a second are exceeded.</summary>
    public const string FunctionInvocationRateLimitExceeded = "FunctionInvocationRateLimitExceeded";

    /// <summary>The function's reserved concurrency is all in use.</summary>
    public const string ReservedFunctionConcurrentInvocationLimitExceeded = "ReservedFunctionConcurrentInvocationLimitExceeded";

    /// <summary>The invocations a second that go with the function's reserved concurrency are exceeded.</summary>
    public const string ReservedFunctionInvocationRateLimitExceeded = "ReservedFunctionInvocationRateLimitExceeded";

    /// <summary>The caller sends too many requests a second.</summary>
    public const string CallerRateLimitExceeded = "CallerRateLimitExceeded";

    /// <summary>Too many SnapStart snapshots are being made.</summary>
    public const string ConcurrentSnapshotCreateLimitExceeded = "ConcurrentSnapshotCreateLimitExceeded";
}

// Source: AWS Lambda API reference, Common errors; MissingAuthenticationToken and InvalidClientTokenId are on that page of other services, InvalidSignatureException is in
// conformance/responses/errors.

/// <summary>The caller may not invoke the function (HTTP 403). The function did not run; sent again only once a wrong clock of this machine is corrected.</summary>
public sealed class AccessDeniedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "AccessDeniedException", details, innerException);

/// <summary>The session token of the credentials has expired (HTTP 403). The function did not run; never sent again.</summary>
public sealed class ExpiredTokenException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ExpiredTokenException", details, innerException);

/// <summary>The request's signature is not in the form of AWS's standards (HTTP 403). The function did not run; never sent again.</summary>
public sealed class IncompleteSignatureException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "IncompleteSignature", details, innerException);

/// <summary>The service failed for an unknown reason (HTTP 500). The function may have run; sent again only under <see cref="LambdaRetryPolicy.AtLeastOnce"/>.</summary>
public sealed class InternalFailureException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InternalFailure", details, innerException);

/// <summary>The access key is not known (HTTP 403). The function did not run; never sent again.</summary>
public sealed class InvalidClientTokenIdException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidClientTokenId", details, innerException);

/// <summary>The signature is not the one that the service computes, or its time is too far off (HTTP 403). The function did not run; sent again only once a wrong clock of this machine is corrected.</summary>
public sealed class InvalidSignatureException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidSignatureException", details, innerException);

/// <summary>The request is not right as HTTP (HTTP 400). The function did not run; never sent again.</summary>
public sealed class MalformedHttpRequestException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "MalformedHttpRequestException", details, innerException);

/// <summary>The request came without a signature (HTTP 403). The function did not run; never sent again.</summary>
public sealed class MissingAuthenticationTokenException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "MissingAuthenticationToken", details, innerException);

/// <summary>The caller may not do this (HTTP 401). The function did not run; never sent again.</summary>
public sealed class NotAuthorizedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "NotAuthorized", details, innerException);

/// <summary>The account is not subscribed to the service, or the region is not enabled for it (HTTP 403). The function did not run; never sent again.</summary>
public sealed class OptInRequiredException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "OptInRequired", details, innerException);

/// <summary>The request was given up before it was answered, for example because the connection was closed (HTTP 400). The function may have run; never sent again.</summary>
public sealed class RequestAbortedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestAbortedException", details, innerException);

/// <summary>The request is too large as HTTP (HTTP 413). The function did not run; never sent again.</summary>
public sealed class RequestEntityTooLargeException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestEntityTooLargeException", details, innerException);

/// <summary>The date of the request is more than 15 minutes off (HTTP 400). The function did not run; sent again only once a wrong clock of this machine is corrected.</summary>
public sealed class RequestExpiredException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestExpired", details, innerException);

/// <summary>Reading the request took the service too long (HTTP 408). The function may have run; sent again only under <see cref="LambdaRetryPolicy.AtLeastOnce"/>.</summary>
public sealed class RequestTimeoutException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestTimeoutException", details, innerException);

/// <summary>The service is unavailable for the moment (HTTP 503). The function may have run; sent again only under <see cref="LambdaRetryPolicy.AtLeastOnce"/>.</summary>
public sealed class ServiceUnavailableException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ServiceUnavailable", details, innerException);

/// <summary>The request was throttled (HTTP 400). The function did not run; sent again by default.</summary>
public sealed class ThrottlingException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ThrottlingException", details, innerException);

/// <summary>The endpoint does not know this operation (HTTP 404). The function did not run; never sent again.</summary>
public sealed class UnknownOperationException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "UnknownOperationException", details, innerException);

/// <summary>The access key or session token is not known (HTTP 403). The function did not run; never sent again.</summary>
public sealed class UnrecognizedClientException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "UnrecognizedClientException", details, innerException);

/// <summary>The request does not keep to the service's constraints (HTTP 400). The function did not run; never sent again.</summary>
public sealed class ValidationErrorException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ValidationError", details, innerException);
