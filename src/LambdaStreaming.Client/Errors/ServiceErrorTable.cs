using System.Collections.Frozen;
using static LambdaStreaming.Errors.Retryability;

namespace LambdaStreaming.Errors;

/// <summary>Whether the same request may succeed a little later.</summary>
internal enum Retryability
{
    Permanent,
    Transient,

    /// <summary>Transient, and the caller is asked to slow down.</summary>
    Throttling,
}

/// <summary>One row of the table: an error that the service can name, or the meaning of a bare status.</summary>
/// <param name="Code">Its documented name; <see langword="null"/> for a bare status.</param>
/// <param name="StatusCode">The HTTP status documented for it.</param>
/// <param name="Recurrence">Whether the same request may succeed a little later.</param>
/// <param name="FunctionMayHaveRun">
/// Whether code of the function might have run before the error. Its after-restore hooks count.
/// </param>
/// <param name="Create">Creates its exception.</param>
/// <param name="Advice">
/// What to do; <c>{function}</c> and <c>{region}</c> are replaced by those of the call.
/// </param>
internal sealed record ServiceErrorEntry(
    string? Code,
    int StatusCode,
    Retryability Recurrence,
    bool FunctionMayHaveRun,
    Func<string, LambdaErrorDetails, LambdaServiceException> Create,
    string Advice)
{
    public bool IsThrottling => Recurrence == Throttling;

    public bool IsTransient => Recurrence != Permanent;

    /// <summary>Whether a wrong clock of this machine can be the cause.</summary>
    /// <remarks>Source: the codes for which AWSSDK.Core 4.0.102 corrects its clock.</remarks>
    public bool MayBeClockSkew { get; init; }

    /// <summary>
    /// Whether the service's own message quotes the payload, so that no exception message may repeat it.
    /// </summary>
    public bool MayQuotePayload { get; init; }

    /// <summary>Other names of the same error.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];
}

/// <summary>
/// What is known about each error. HTTP errors, in-stream exceptions, retries and <c>docs/errors.md</c> all use it;
/// <c>docs/errors.json</c> has the meaning of each error and what <c>FunctionMayHaveRun</c> is based on.
/// </summary>
internal static class ServiceErrorTable
{
    private const bool DidNotRun = false;
    private const bool MayHaveRun = true;

    /// <summary>The errors that the service's model lists for the operation.</summary>
    public static IReadOnlyList<ServiceErrorEntry> OfTheOperation { get; } =
    [
        Row(409, Permanent, DidNotRun, (m, d) => new CodeArtifactUserDeletedException(m, d),
            "Wait until Lambda has provisioned a new code artifact user, or update the code package of {function}."),
        Row(409, Permanent, DidNotRun, (m, d) => new CodeArtifactUserFailedException(m, d),
            "Update the code package of {function}. GetFunctionConfiguration shows its State and StateReasonCode."),
        Row(409, Transient, DidNotRun, (m, d) => new CodeArtifactUserPendingException(m, d),
            "Wait until the State of {function} is Active (GetFunctionConfiguration), then try again."),
        Row(502, Permanent, DidNotRun, (m, d) => new EC2AccessDeniedException(m, d),
            "Give the execution role of {function} the EC2 permissions of the managed policy "
            + "AWSLambdaVPCAccessExecutionRole."),
        Row(502, Throttling, DidNotRun, (m, d) => new EC2ThrottledException(m, d),
            "Send more slowly; if it stays, ask for higher EC2 API limits."),
        Row(502, Transient, DidNotRun, (m, d) => new EC2UnexpectedException(m, d),
            "Look at EC2ErrorCode and at the VPC configuration of {function}."),
        Row(410, Permanent, MayHaveRun, (m, d) => new EFSIOException(m, d),
            "Look in the log of {function} how far it came, and at the state and throughput of its file system."),
        Row(408, Transient, DidNotRun, (m, d) => new EFSMountConnectivityException(m, d),
            "Check the mount targets, security groups and routes between {function} and its file system."),
        Row(403, Permanent, DidNotRun, (m, d) => new EFSMountFailureException(m, d),
            "Check the access point, and the elasticfilesystem permissions of the execution role of {function}."),
        Row(408, Transient, DidNotRun, (m, d) => new EFSMountTimeoutException(m, d),
            "Send it again a little later; if it stays, look at the throughput of the file system."),
        Row(502, Transient, DidNotRun, (m, d) => new ENILimitReachedException(m, d),
            "Free network interfaces in the VPC, or ask for a higher quota."),
        Row(400, Permanent, DidNotRun, (m, d) => new InvalidParameterValueException(m, d),
            "Check the function's name, qualifier, client context and tenant id: a function with tenant isolation "
            + "needs a TenantId, any other refuses one."),
        Row(400, Permanent, DidNotRun, (m, d) => new InvalidRequestContentException(m, d),
            "Check that the payload is JSON. The service's own words stand in ServiceMessage; they may quote the "
            + "payload.",
            mayQuotePayload: true),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidRuntimeException(m, d),
            "Update {function} to a supported runtime."),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidSecurityGroupIDException(m, d),
            "Correct the security groups of {function}."),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidSubnetIDException(m, d),
            "Correct the subnets of {function}."),
        Row(502, Permanent, DidNotRun, (m, d) => new InvalidZipFileException(m, d),
            "Deploy the code of {function} again."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSAccessDeniedException(m, d),
            "Allow kms:Decrypt on the key to the execution role of {function}."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSDisabledException(m, d),
            "Enable the KMS key of {function}, or configure another."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSInvalidStateException(m, d),
            "Look at the state of the KMS key of {function}; it may be waiting for deletion or import."),
        Row(502, Permanent, DidNotRun, (m, d) => new KMSNotFoundException(m, d),
            "Configure a KMS key that exists for {function}."),
        Row(400, Permanent, DidNotRun, (m, d) => new NoPublishedVersionException(m, d),
            "Publish a version of {function}, or invoke $LATEST."),
        Row(400, Permanent, DidNotRun, (m, d) => new RecursiveInvocationException(m, d),
            "Break the loop, or allow it with PutFunctionRecursionConfig."),
        Row(413, Permanent, DidNotRun, (m, d) => new RequestTooLargeException(m, d),
            "Keep the payload under 6 MB; pass larger data by reference, for example in S3."),
        Row(409, Permanent, DidNotRun, (m, d) => new ResourceConflictException(m, d),
            "Wait until the State of {function} is Active and its LastUpdateStatus Successful "
            + "(GetFunctionConfiguration), then send it again."),
        Row(404, Permanent, DidNotRun, (m, d) => new ResourceNotFoundException(m, d),
            "Check the function's name ({function}), the region ({region}), the account and the qualifier."),
        Row(502, Transient, DidNotRun, (m, d) => new ResourceNotReadyException(m, d),
            "Wait a minute and send it again."),
        Row(408, Transient, DidNotRun, (m, d) => new S3FilesMountConnectivityException(m, d),
            "Check the mount targets, security groups and routes between {function} and the access point."),
        Row(403, Permanent, DidNotRun, (m, d) => new S3FilesMountFailureException(m, d),
            "Check the access point, and the permissions of the execution role of {function}."),
        Row(408, Transient, DidNotRun, (m, d) => new S3FilesMountTimeoutException(m, d),
            "Send it again a little later."),
        Row(413, Permanent, DidNotRun, (m, d) => new SerializedRequestEntityTooLargeException(m, d),
            "Keep the payload under 6 MB; pass larger data by reference, for example in S3."),
        Row(500, Transient, MayHaveRun, (m, d) => new ServiceException(m, d),
            "Send it again if the function may run twice. If it stays, look at the AWS Health Dashboard."),
        Row(402, Permanent, DidNotRun, (m, d) => new ServiceQuotaExceededException(m, d),
            "Request a higher quota in Service Quotas, or use less of it."),
        Row(400, Permanent, MayHaveRun, (m, d) => new SnapStartException(m, d),
            "Look in the log of {function} for the hook's error."),
        Row(409, Transient, DidNotRun, (m, d) => new SnapStartNotReadyException(m, d),
            "Wait until the State of that version of {function} is Active."),
        Row(409, Permanent, DidNotRun, (m, d) => new SnapStartRegenerationFailureException(m, d),
            "Wait until Lambda has regenerated the snapshot, or update the configuration of {function}."),
        Row(408, Transient, MayHaveRun, (m, d) => new SnapStartTimeoutException(m, d),
            "Make the after-restore hooks of {function} end within 10 seconds; its log shows the restore phase."),
        Row(502, Transient, DidNotRun, (m, d) => new SubnetIPAddressLimitReachedException(m, d),
            "Free addresses in the subnets of {function}, or give it more subnets."),
        Row(429, Throttling, DidNotRun, (m, d) => new TooManyRequestsException(m, d),
            "Send more slowly, or raise the limit that Reason names."),
        Row(415, Permanent, DidNotRun, (m, d) => new UnsupportedMediaTypeException(m, d),
            "Look for something on the way to the service that changes the request's Content-Type."),
    ];

    /// <summary>The errors common to every AWS API.</summary>
    public static IReadOnlyList<ServiceErrorEntry> Common { get; } =
    [
        Row(403, Permanent, DidNotRun, (m, d) => new AccessDeniedException(m, d),
            "Allow the action lambda:InvokeFunction on {function} to these credentials, in their IAM policy or in "
            + "the function's resource policy. An explicit deny, a service control policy or a VPC endpoint policy "
            + "can take it away again.",
            mayBeClockSkew: true),
        Row(403, Permanent, DidNotRun, (m, d) => new ExpiredTokenException(m, d),
            "Refresh the credentials: sign in again, or use AWSCredentials that renew themselves in place of a "
            + "fixed token."),
        Row(403, Permanent, DidNotRun, (m, d) => new IncompleteSignatureException(m, d),
            "Look for a proxy or handler that changes the Authorization header or other headers.",
            code: "IncompleteSignature"),
        Row(500, Transient, MayHaveRun, (m, d) => new InternalFailureException(m, d),
            "Send it again if the function may run twice. If it stays, look at the AWS Health Dashboard.",
            code: "InternalFailure", aliases: ["InternalServerError", "InternalError", "InternalServerException"]),
        Row(403, Permanent, DidNotRun, (m, d) => new InvalidClientTokenIdException(m, d),
            "Check the access key, that its partition and account are the right ones, and that it is active.",
            code: "InvalidClientTokenId"),
        Row(403, Permanent, DidNotRun, (m, d) => new InvalidSignatureException(m, d),
            "Check the secret key, the region and this machine's clock, and that no proxy or handler changes the "
            + "request.",
            mayBeClockSkew: true, aliases: ["SignatureDoesNotMatch", "AuthFailure"]),
        Row(400, Permanent, DidNotRun, (m, d) => new MalformedHttpRequestException(m, d),
            "Look for a proxy or handler that changes the request."),
        Row(403, Permanent, DidNotRun, (m, d) => new MissingAuthenticationTokenException(m, d),
            "Look for a proxy or handler that drops the Authorization header, and check the endpoint.",
            code: "MissingAuthenticationToken"),
        Row(401, Permanent, DidNotRun, (m, d) => new NotAuthorizedException(m, d),
            "Allow the action lambda:InvokeFunction on {function} to these credentials.",
            code: "NotAuthorized"),
        Row(403, Permanent, DidNotRun, (m, d) => new OptInRequiredException(m, d),
            "Enable {region} for the account.",
            code: "OptInRequired"),
        Row(400, Permanent, MayHaveRun, (m, d) => new RequestAbortedException(m, d),
            "Look for a proxy or handler that closes connections."),
        Row(413, Permanent, DidNotRun, (m, d) => new RequestEntityTooLargeException(m, d),
            "Keep the payload under 6 MB; pass larger data by reference, for example in S3."),
        Row(400, Permanent, DidNotRun, (m, d) => new RequestExpiredException(m, d),
            "Set this machine's clock.",
            code: "RequestExpired", mayBeClockSkew: true, aliases: ["RequestTimeTooSkewed", "RequestInTheFuture"]),
        Row(408, Transient, MayHaveRun, (m, d) => new RequestTimeoutException(m, d),
            "Send it again if the function may run twice; look at the network between here and {region}."),
        Row(503, Transient, MayHaveRun, (m, d) => new ServiceUnavailableException(m, d),
            "Send it again if the function may run twice. If it stays, look at the AWS Health Dashboard.",
            code: "ServiceUnavailable"),
        Row(400, Throttling, DidNotRun, (m, d) => new ThrottlingException(m, d),
            "Send more slowly, or ask for higher limits.",
            aliases:
            [
                "ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded",
                "SlowDown", "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
                "ProvisionedThroughputExceededException", "TransactionInProgressException",
            ]),
        Row(404, Permanent, DidNotRun, (m, d) => new UnknownOperationException(m, d),
            "Check the endpoint, and that response streaming is offered in {region}."),
        Row(403, Permanent, DidNotRun, (m, d) => new UnrecognizedClientException(m, d),
            "Check the access key and session token, and that they are of the right partition; keys of a temporary "
            + "session need their token."),
        Row(400, Permanent, DidNotRun, (m, d) => new ValidationErrorException(m, d),
            "Check the function's name, qualifier, client context and tenant id.",
            code: "ValidationError", aliases: ["ValidationException"]),
    ];

    // The meaning of a status whose error has no name, or an unknown one. Source: AWS SDKs and Tools Reference Guide,
    // "Retry behavior": 500, 502, 503 and 504 are transient; they do not say whether the function ran.
    // Inferred: HTTP's own refusals come before the function; other statuses are also used for errors of running code
    // (400 SnapStartException, 410 EFSIOException).
    private static readonly ServiceErrorEntry Redirected = OfStatus(
        Permanent, DidNotRun, "Redirects are never followed: the signature holds for one host. Check the endpoint.");

    private static readonly ServiceErrorEntry Refused = OfStatus(
        Permanent, DidNotRun, "Check the endpoint and what stands between here and it.");

    private static readonly ServiceErrorEntry Throttled = OfStatus(Throttling, DidNotRun, "Send more slowly.");

    private static readonly ServiceErrorEntry Failed = OfStatus(
        Transient, MayHaveRun, "Send it again if the function may run twice.");

    private static readonly ServiceErrorEntry Nothing = OfStatus(Permanent, MayHaveRun, "");

    private static readonly FrozenDictionary<string, ServiceErrorEntry> Names = OfTheOperation.Concat(Common)
        .SelectMany(GetNames, (entry, name) => KeyValuePair.Create(name, entry))
        .ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The row of a name, with or without the suffix <c>Exception</c>.</summary>
    public static ServiceErrorEntry? Find(string? code) => code is null ? null : Names.GetValueOrDefault(code);

    /// <summary>The row of a name, else that of the status: the name decides wherever it is known.</summary>
    public static ServiceErrorEntry Get(string? code, int status) => Find(code) ?? status switch
    {
        >= 300 and <= 399 => Redirected,
        401 or 403 or 404 or 405 or 411 or 413 or 414 or 415 or 421 or 431 => Refused,
        429 => Throttled,
        408 or 500 or 502 or 503 or 504 => Failed,
        _ => Nothing,
    };

    // The name of the exception type is the documented name, unless a row gives another.
    private static ServiceErrorEntry Row<T>(
        int statusCode,
        Retryability recurrence,
        bool functionMayHaveRun,
        Func<string, LambdaErrorDetails, T> create,
        string advice,
        string? code = null,
        bool mayBeClockSkew = false,
        bool mayQuotePayload = false,
        string[]? aliases = null)
        where T : LambdaServiceException =>
        new(code ?? typeof(T).Name, statusCode, recurrence, functionMayHaveRun, create, advice)
        {
            MayBeClockSkew = mayBeClockSkew,
            MayQuotePayload = mayQuotePayload,
            Aliases = aliases ?? [],
        };

    private static ServiceErrorEntry OfStatus(Retryability recurrence, bool functionMayHaveRun, string advice) =>
        new(null, 0, recurrence, functionMayHaveRun, (m, d) => new LambdaServiceException(m, d), advice);

    private static IEnumerable<string> GetNames(ServiceErrorEntry entry) =>
        entry.Aliases.Prepend(entry.Code!).SelectMany(WithAndWithoutSuffix).Distinct(StringComparer.Ordinal);

    private static string[] WithAndWithoutSuffix(string name)
    {
        const string Suffix = "Exception";
        return name.EndsWith(Suffix, StringComparison.Ordinal) ? [name, name[..^Suffix.Length]] : [name, name + Suffix];
    }
}
