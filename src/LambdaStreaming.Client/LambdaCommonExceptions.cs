namespace LambdaStreaming;

// Errors that are common to all AWS APIs.
// Source: AWS Lambda API reference, Common errors. Three names are not on that page. MissingAuthenticationToken and
// InvalidClientTokenId are documented only in the common errors of other services; InvalidSignatureException is
// recorded in conformance/responses/errors.

/// <summary>
/// The caller is not allowed to invoke the function, or the local clock is wrong (HTTP 403). The function did not run;
/// retried only if the local clock is wrong, with the corrected time.
/// </summary>
public sealed class AccessDeniedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "AccessDeniedException", details, innerException);

/// <summary>
/// The session token of the credentials has expired (HTTP 403). The function did not run; never retried.
/// </summary>
public sealed class ExpiredTokenException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ExpiredTokenException", details, innerException);

/// <summary>
/// The request's signature does not conform to AWS standards (HTTP 403). The function did not run; never retried.
/// </summary>
public sealed class IncompleteSignatureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "IncompleteSignature", details, innerException);

/// <summary>
/// The service failed for an unknown reason (HTTP 500). The function might have run; retried only with
/// <see cref="LambdaRetryPolicy.AtLeastOnce"/>.
/// </summary>
public sealed class InternalFailureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InternalFailure", details, innerException);

/// <summary>The access key is unknown (HTTP 403). The function did not run; never retried.</summary>
public sealed class InvalidClientTokenIdException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidClientTokenId", details, innerException);

/// <summary>
/// The signature does not match the one that the service computed, or its time is too far off (HTTP 403). The function
/// did not run; retried only if the local clock is wrong, with the corrected time.
/// </summary>
public sealed class InvalidSignatureException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "InvalidSignatureException", details, innerException);

/// <summary>The HTTP request is malformed (HTTP 400). The function did not run; never retried.</summary>
public sealed class MalformedHttpRequestException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "MalformedHttpRequestException", details, innerException);

/// <summary>The request does not contain a signature (HTTP 403). The function did not run; never retried.</summary>
public sealed class MissingAuthenticationTokenException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "MissingAuthenticationToken", details, innerException);

/// <summary>
/// The caller is not allowed to perform this action (HTTP 401). The function did not run; never retried.
/// </summary>
public sealed class NotAuthorizedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "NotAuthorized", details, innerException);

/// <summary>
/// The account is not subscribed to the service, or the region is not enabled for it (HTTP 403). The function did not
/// run; never retried.
/// </summary>
public sealed class OptInRequiredException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "OptInRequired", details, innerException);

/// <summary>
/// The request was aborted before a response was sent, for example because the connection was closed (HTTP 400). The
/// function might have run; never retried.
/// </summary>
public sealed class RequestAbortedException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestAbortedException", details, innerException);

/// <summary>The HTTP request is too large (HTTP 413). The function did not run; never retried.</summary>
public sealed class RequestEntityTooLargeException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestEntityTooLargeException", details, innerException);

/// <summary>
/// The date of the request is more than 15 minutes off (HTTP 400). The function did not run; retried only if the
/// local clock is wrong, with the corrected time.
/// </summary>
public sealed class RequestExpiredException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestExpired", details, innerException);

/// <summary>
/// The service took too long to read the request (HTTP 408). The function might have run; retried only with
/// <see cref="LambdaRetryPolicy.AtLeastOnce"/>.
/// </summary>
public sealed class RequestTimeoutException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "RequestTimeoutException", details, innerException);

/// <summary>
/// The service is temporarily unavailable (HTTP 503). The function might have run; retried only with
/// <see cref="LambdaRetryPolicy.AtLeastOnce"/>.
/// </summary>
public sealed class ServiceUnavailableException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ServiceUnavailable", details, innerException);

/// <summary>The request was throttled (HTTP 400). The function did not run; retried by default.</summary>
public sealed class ThrottlingException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ThrottlingException", details, innerException);

/// <summary>The endpoint does not support this operation (HTTP 404). The function did not run; never retried.</summary>
public sealed class UnknownOperationException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "UnknownOperationException", details, innerException);

/// <summary>The access key or session token is unknown (HTTP 403). The function did not run; never retried.</summary>
public sealed class UnrecognizedClientException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "UnrecognizedClientException", details, innerException);

/// <summary>
/// The request does not satisfy the service's constraints (HTTP 400). The function did not run; never retried.
/// </summary>
public sealed class ValidationErrorException(
    string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaServiceException(message, "ValidationError", details, innerException);
