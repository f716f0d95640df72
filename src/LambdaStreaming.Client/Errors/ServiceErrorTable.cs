using System.Collections.Frozen;
using static LambdaStreaming.Errors.Retryability;

namespace LambdaStreaming.Errors;

/// <summary>Whether a retry of the same request might succeed.</summary>
internal enum Retryability
{
    Permanent,
    Transient,

    /// <summary>Transient, and the caller must reduce its request rate.</summary>
    Throttling,
}

/// <summary>One row of the table: an error with a name, or a status without a known error name.</summary>
/// <param name="Code">The documented name; <see langword="null"/> for a status.</param>
/// <param name="StatusCode">The documented HTTP status; 0 if <paramref name="Code"/> is <see langword="null"/>.</param>
/// <param name="Retryability">Whether a retry of the same request might succeed.</param>
/// <param name="FunctionMayHaveRun">
/// Whether code of the function, including its after-restore hooks, might have run before the error.
/// </param>
/// <param name="Create">Creates the exception.</param>
/// <param name="Advice">
/// What to do. <c>{function}</c> and <c>{region}</c> are replaced with the values of the call.
/// </param>
internal sealed record ServiceErrorEntry(
    string? Code,
    int StatusCode,
    Retryability Retryability,
    bool FunctionMayHaveRun,
    Func<string, LambdaErrorDetails, LambdaServiceException> Create,
    string Advice)
{
    public bool IsThrottling => Retryability == Throttling;

    public bool IsTransient => Retryability != Permanent;

    /// <summary>Whether a wrong local clock can be the cause.</summary>
    /// <remarks>Source: the codes for which AWSSDK.Core 4.0.102 corrects its clock.</remarks>
    public bool MayBeClockSkew { get; init; }

    /// <summary>Whether the service's message can quote the payload.</summary>
    /// <remarks>Exception.Message then omits the service's message; only ServiceMessage has it.</remarks>
    public bool MayQuotePayload { get; init; }

    /// <summary>Other names of the same error.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}

/// <summary>The documented errors of the service.</summary>
/// <remarks>
/// HTTP errors, in-stream exceptions, retries and <c>docs/errors.md</c> use this table. <c>docs/errors.json</c> has the
/// meaning of each error and the evidence for <c>FunctionMayHaveRun</c>.
/// </remarks>
internal static class ServiceErrorTable
{
    private const bool DidNotRun = false;
    private const bool MayHaveRun = true;

    /// <summary>The errors that the model of the service lists for <c>InvokeWithResponseStream</c>.</summary>
    public static IReadOnlyList<ServiceErrorEntry> OperationErrors { get; } =
    [
        Row(409, Permanent, DidNotRun, (m, d) => new CodeArtifactUserDeletedException(m, d),
            "Wait until Lambda has provisioned a new code artifact user, or update the function's code."),
        Row(409, Permanent, DidNotRun, (m, d) => new CodeArtifactUserFailedException(m, d),
            "Update the function's code. GetFunctionConfiguration returns its State and StateReasonCode."),
        Row(409, Transient, DidNotRun, (m, d) => new CodeArtifactUserPendingException(m, d),
            "Wait until the State of the function is Active (GetFunctionConfiguration), then retry."),
        Row(502, Permanent, DidNotRun, (m, d) => new EC2AccessDeniedException(m, d),
            "Give the function's execution role the EC2 permissions of the managed policy "
            + "AWSLambdaVPCAccessExecutionRole."),
        Row(502, Throttling, DidNotRun, (m, d) => new EC2ThrottledException(m, d),
            "Reduce the request rate. If the error persists, request higher EC2 API limits."),
        Row(502, Transient, DidNotRun, (m, d) => new EC2UnexpectedException(m, d),
            "Check EC2ErrorCode and the function's VPC configuration."),
        Row(410, Permanent, MayHaveRun, (m, d) => new EFSIOException(m, d),
            "Check the function's log for its progress, and check the state and throughput of its file system."),
        Row(408, Transient, DidNotRun, (m, d) => new EFSMountConnectivityException(m, d),
            "Check the mount targets, security groups and routes between the function and its file system."),
        Row(403, Permanent, DidNotRun, (m, d) => new EFSMountFailureException(m, d),
            "Check the access point and the elasticfilesystem permissions of the function's execution role."),
        Row(408, Transient, DidNotRun, (m, d) => new EFSMountTimeoutException(m, d),
            "Retry later. If the error persists, check the throughput of the file system."),
        Row(502, Transient, DidNotRun, (m, d) => new ENILimitReachedException(m, d),
            "Delete unused network interfaces in the VPC, or request a higher quota."),
        Row(400, Permanent, DidNotRun, (m, d) => new InvalidParameterValueException(m, d),
            "Check the function name, qualifier, client context and tenant id. A function with tenant isolation "
            + "requires a TenantId; other functions reject it."),
        Row(400, Permanent, DidNotRun, (m, d) => new InvalidRequestContentException(m, d),
            "Check that the payload is valid JSON. ServiceMessage has the message of the service, which might quote "
            + "the payload.",
            mayQuotePayload: true),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidRuntimeException(m, d),
            "Update the function to a supported runtime."),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidSecurityGroupIDException(m, d),
            "Correct the function's security groups."),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidSubnetIDException(m, d),
            "Correct the function's subnets."),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidZipFileException(m, d),
            "Deploy the function's code again."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSAccessDeniedException(m, d),
            "Grant kms:Decrypt on the key to the function's execution role."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSDisabledException(m, d),
            "Enable the function's KMS key, or configure another one."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSInvalidStateException(m, d),
            "Check the state of the function's KMS key. It might be pending deletion or import."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSNotFoundException(m, d),
            "Configure an existing KMS key for the function."),
        Row(400, Permanent, DidNotRun, (m, d) => new NoPublishedVersionException(m, d),
            "Publish a version of the function, or invoke $LATEST."),
        Row(400, Permanent, DidNotRun, (m, d) => new RecursiveInvocationException(m, d),
            "Remove the loop, or allow it with PutFunctionRecursionConfig."),
        Row(413, Permanent, DidNotRun, (m, d) => new RequestTooLargeException(m, d),
            "Keep the payload below 6 MB. Pass larger data by reference, for example in S3."),
        Row(409, Permanent, DidNotRun, (m, d) => new ResourceConflictException(m, d),
            "Wait until the function's State is Active and its LastUpdateStatus is Successful "
            + "(GetFunctionConfiguration), then retry."),
        Row(404, Permanent, DidNotRun, (m, d) => new ResourceNotFoundException(m, d),
            "Check the function name ({function}), the region ({region}), the account and the qualifier."),
        Row(502, Transient, DidNotRun, (m, d) => new ResourceNotReadyException(m, d),
            "Wait a minute, then retry."),
        Row(408, Transient, DidNotRun, (m, d) => new S3FilesMountConnectivityException(m, d),
            "Check the mount targets, security groups and routes between the function and the access point."),
        Row(403, Permanent, DidNotRun, (m, d) => new S3FilesMountFailureException(m, d),
            "Check the access point and the permissions of the function's execution role."),
        Row(408, Transient, DidNotRun, (m, d) => new S3FilesMountTimeoutException(m, d),
            "Retry later."),
        Row(413, Permanent, DidNotRun, (m, d) => new SerializedRequestEntityTooLargeException(m, d),
            "Keep the payload below 6 MB. Pass larger data by reference, for example in S3."),
        Row(500, Transient, MayHaveRun, (m, d) => new ServiceException(m, d),
            "Retry only if the function is idempotent. If the error persists, check the AWS Health Dashboard."),
        Row(402, Permanent, DidNotRun, (m, d) => new ServiceQuotaExceededException(m, d),
            "Request a higher quota in Service Quotas, or reduce the usage."),
        Row(400, Permanent, MayHaveRun, (m, d) => new SnapStartException(m, d),
            "Check the function's log for the error of the hook."),
        Row(409, Transient, DidNotRun, (m, d) => new SnapStartNotReadyException(m, d),
            "Wait until the State of that version of the function is Active."),
        Row(409, Permanent, DidNotRun, (m, d) => new SnapStartRegenerationFailureException(m, d),
            "Wait until Lambda has regenerated the snapshot, or update the function's configuration."),
        Row(408, Transient, MayHaveRun, (m, d) => new SnapStartTimeoutException(m, d),
            "Make the function's after-restore hooks finish within 10 s. The function's log shows the restore phase."),
        Row(502, Transient, DidNotRun, (m, d) => new SubnetIPAddressLimitReachedException(m, d),
            "Free IP addresses in the function's subnets, or add subnets."),
        Row(429, Throttling, DidNotRun, (m, d) => new TooManyRequestsException(m, d),
            "Reduce the request rate, or increase the limit that Reason names."),
        Row(415, Permanent, DidNotRun, (m, d) => new UnsupportedMediaTypeException(m, d),
            "Check for a proxy or handler that changes the Content-Type of the request."),
    ];

    /// <summary>The errors common to every AWS API.</summary>
    public static IReadOnlyList<ServiceErrorEntry> Common { get; } =
    [
        Row(403, Permanent, DidNotRun, (m, d) => new AccessDeniedException(m, d),
            "Allow lambda:InvokeFunction on the function for these credentials, in their IAM policy or in the "
            + "function's resource policy. An explicit deny, a service control policy or a VPC endpoint policy can "
            + "override it.",
            mayBeClockSkew: true),
        Row(403, Permanent, DidNotRun, (m, d) => new ExpiredTokenException(m, d),
            "Refresh the credentials: sign in again, or use AWSCredentials that renew themselves instead of a fixed "
            + "token."),
        Row(403, Permanent, DidNotRun, (m, d) => new IncompleteSignatureException(m, d),
            "Check for a proxy or handler that changes the Authorization header or other headers.",
            code: "IncompleteSignature"),
        Row(500, Transient, MayHaveRun, (m, d) => new InternalFailureException(m, d),
            "Retry only if the function is idempotent. If the error persists, check the AWS Health Dashboard.",
            code: "InternalFailure", aliases: ["InternalServerError", "InternalError", "InternalServerException"]),
        Row(403, Permanent, DidNotRun, (m, d) => new InvalidClientTokenIdException(m, d),
            "Check that the access key is active and belongs to the right partition and account.",
            code: "InvalidClientTokenId"),
        Row(403, Permanent, DidNotRun, (m, d) => new InvalidSignatureException(m, d),
            "Check the secret key, the region and the local clock, and check for a proxy or handler that changes the "
            + "request.",
            mayBeClockSkew: true, aliases: ["SignatureDoesNotMatch", "AuthFailure"]),
        Row(400, Permanent, DidNotRun, (m, d) => new MalformedHttpRequestException(m, d),
            "Check for a proxy or handler that changes the request."),
        Row(403, Permanent, DidNotRun, (m, d) => new MissingAuthenticationTokenException(m, d),
            "Check the endpoint, and check for a proxy or handler that removes the Authorization header.",
            code: "MissingAuthenticationToken"),
        Row(401, Permanent, DidNotRun, (m, d) => new NotAuthorizedException(m, d),
            "Allow lambda:InvokeFunction on the function for these credentials.",
            code: "NotAuthorized"),
        Row(403, Permanent, DidNotRun, (m, d) => new OptInRequiredException(m, d),
            "Enable {region} for the account.",
            code: "OptInRequired"),
        Row(400, Permanent, MayHaveRun, (m, d) => new RequestAbortedException(m, d),
            "Check for a proxy or handler that closes connections."),
        Row(413, Permanent, DidNotRun, (m, d) => new RequestEntityTooLargeException(m, d),
            "Keep the payload below 6 MB. Pass larger data by reference, for example in S3."),
        Row(400, Permanent, DidNotRun, (m, d) => new RequestExpiredException(m, d),
            "Correct the local clock.",
            code: "RequestExpired", mayBeClockSkew: true, aliases: ["RequestTimeTooSkewed", "RequestInTheFuture"]),
        Row(408, Transient, MayHaveRun, (m, d) => new RequestTimeoutException(m, d),
            "Retry only if the function is idempotent. Check the network between this machine and {region}."),
        Row(503, Transient, MayHaveRun, (m, d) => new ServiceUnavailableException(m, d),
            "Retry only if the function is idempotent. If the error persists, check the AWS Health Dashboard.",
            code: "ServiceUnavailable"),
        Row(400, Throttling, DidNotRun, (m, d) => new ThrottlingException(m, d),
            "Reduce the request rate, or request higher limits.",
            aliases:
            [
                "ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded",
                "SlowDown", "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
                "ProvisionedThroughputExceededException", "TransactionInProgressException",
            ]),
        Row(404, Permanent, DidNotRun, (m, d) => new UnknownOperationException(m, d),
            "Check the endpoint, and check that response streaming is available in {region}."),
        Row(403, Permanent, DidNotRun, (m, d) => new UnrecognizedClientException(m, d),
            "Check the access key, the session token and their partition. Temporary access keys require their "
            + "session token."),
        Row(400, Permanent, DidNotRun, (m, d) => new ValidationErrorException(m, d),
            "Check the function name, qualifier, client context and tenant id.",
            code: "ValidationError", aliases: ["ValidationException"]),
    ];

    // Statuses whose error has no name, or an unknown one.
    // Source: AWS SDKs and Tools Reference Guide, "Retry behavior": 500, 502, 503 and 504 are transient. They do not
    // show whether the function ran.
    // Inferred: a redirect, a 429 or a status of Refused rejects the HTTP request itself, before an invocation. The
    // function therefore did not run. Other statuses do not show whether it ran, because errors of running code use
    // them too (400 SnapStartException, 410 EFSIOException).
    private static readonly ServiceErrorEntry Redirected = CreateForStatus(
        Permanent, DidNotRun, "Redirects are not followed, because the signature is for one host. Check the endpoint.");

    private static readonly ServiceErrorEntry Refused = CreateForStatus(
        Permanent, DidNotRun, "Check the endpoint, and the proxies and gateways between this client and it.");

    private static readonly ServiceErrorEntry Throttled = CreateForStatus(
        Throttling, DidNotRun, "Reduce the request rate.");

    private static readonly ServiceErrorEntry Failed = CreateForStatus(
        Transient, MayHaveRun, "Retry only if the function is idempotent.");

    private static readonly ServiceErrorEntry Unspecified = CreateForStatus(Permanent, MayHaveRun, "");

    private static readonly FrozenDictionary<string, ServiceErrorEntry> Names = OperationErrors.Concat(Common)
        .SelectMany(GetNames, (entry, name) => KeyValuePair.Create(name, entry))
        .ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Finds the row of a name, with or without the suffix <c>Exception</c>.</summary>
    public static ServiceErrorEntry? Find(string? code) => code is null ? null : Names.GetValueOrDefault(code);

    /// <summary>Gets the row of a name or, if the name is unknown, the row of a status.</summary>
    public static ServiceErrorEntry Get(string? code, int status) => Find(code) ?? status switch
    {
        >= 300 and <= 399 => Redirected,
        401 or 403 or 404 or 405 or 411 or 413 or 414 or 415 or 421 or 431 => Refused,
        429 => Throttled,
        408 or 500 or 502 or 503 or 504 => Failed,
        _ => Unspecified,
    };

    // The name of the exception type is the documented name, unless the row specifies another one.
    private static ServiceErrorEntry Row<T>(
        int statusCode,
        Retryability retryability,
        bool functionMayHaveRun,
        Func<string, LambdaErrorDetails, T> create,
        string advice,
        string? code = null,
        bool mayBeClockSkew = false,
        bool mayQuotePayload = false,
        string[]? aliases = null)
        where T : LambdaServiceException =>
        new(code ?? typeof(T).Name, statusCode, retryability, functionMayHaveRun, create, advice)
        {
            MayBeClockSkew = mayBeClockSkew,
            MayQuotePayload = mayQuotePayload,
            Aliases = aliases ?? [],
        };

    private static ServiceErrorEntry CreateForStatus(
        Retryability retryability,
        bool functionMayHaveRun,
        string advice) =>
        new(null, 0, retryability, functionMayHaveRun, (m, d) => new LambdaServiceException(m, d), advice);

    private static IEnumerable<string> GetNames(ServiceErrorEntry entry) =>
        entry.Aliases.Prepend(entry.Code!).SelectMany(WithAndWithoutSuffix).Distinct(StringComparer.Ordinal);

    private static string[] WithAndWithoutSuffix(string name)
    {
        const string Suffix = "Exception";
        return name.EndsWith(Suffix, StringComparison.Ordinal) ? [name, name[..^Suffix.Length]] : [name, name + Suffix];
    }
}
