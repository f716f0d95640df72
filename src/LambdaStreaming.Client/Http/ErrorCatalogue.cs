using System.Collections.Frozen;
using static LambdaStreaming.Http.ErrorBasis;
using static LambdaStreaming.Http.ErrorRecurrence;
using static LambdaStreaming.Http.FunctionRun;

namespace LambdaStreaming.Http;

/// <summary>Whether the same request may succeed a little later.</summary>
internal enum ErrorRecurrence
{
    Permanent,
    Transient,

    /// <summary>Transient, and the caller is asked to slow down.</summary>
    Throttling,
}

/// <summary>Whether the function ran before the error. Its after-restore hooks count: they are its code.</summary>
internal enum FunctionRun
{
    DidNotRun,
    MayHaveRun,
}

/// <summary>What a row's <see cref="FunctionRun"/> rests on.</summary>
internal enum ErrorBasis
{
    /// <summary>AWS's own sentence says it.</summary>
    Documented,

    /// <summary>It follows from how such a thing must work; AWS does not say it.</summary>
    Inferred,
}

/// <summary>One row of the catalogue: an error that the service can name, or what a bare status means.</summary>
/// <param name="Type">Its exception.</param>
/// <param name="Code">Its documented name; <see langword="null"/> for a bare status.</param>
/// <param name="StatusCode">The HTTP status documented for it.</param>
/// <param name="Recurrence">Whether the same request may succeed a little later.</param>
/// <param name="Run">Whether the function ran.</param>
/// <param name="Basis">What <paramref name="Run"/> rests on.</param>
/// <param name="Meaning">What happened, in a sentence.</param>
/// <param name="Because">The sentence that <paramref name="Run"/> rests on.</param>
/// <param name="Advice">What to do; <c>{function}</c> and <c>{region}</c> stand for those of the call.</param>
/// <param name="Create">Makes its exception.</param>
/// <param name="MayBeClockSkew">Whether a wrong clock of this machine can be the cause; it is sent again once that is corrected. Source: the codes that AWSSDK.Core 4.0.102 corrects its clock for.</param>
/// <param name="MayQuotePayload">Whether the service's words quote the payload, so that no message may repeat them.</param>
/// <param name="Aliases">Other names for the same thing.</param>
internal sealed record ErrorCatalogueEntry(
    Type Type,
    string? Code,
    int StatusCode,
    ErrorRecurrence Recurrence,
    FunctionRun Run,
    ErrorBasis Basis,
    string Meaning,
    string Because,
    string Advice,
    Func<string, LambdaErrorDetails, LambdaServiceException> Create,
    bool MayBeClockSkew,
    bool MayQuotePayload,
    IReadOnlyList<string> Aliases)
{
    public bool IsThrottling => Recurrence == Throttling;

    public bool IsTransient => Recurrence != Permanent;

    public bool FunctionMayHaveRun => Run == MayHaveRun;
}

/// <summary>What is known of each error. HTTP errors, in-stream exceptions, resends and <c>docs/errors.md</c> all read it.</summary>
/// <remarks>
/// In quotes: AWS's own words, of the error's documentation in the service model (botocore 1.43.11, lambda/2015-03-31/service-2) or of the Lambda API reference, Common errors,
/// where no other page is named.
/// </remarks>
internal static class ErrorCatalogue
{
    // Source: AWS Lambda Developer Guide, Troubleshoot invocation issues.
    public const string ValidatedFirst = "\"Lambda validates the request and checks for scaling capacity before sending the event to your function\" (Troubleshoot invocation issues)";
    private const string AuthenticatedFirst = "A request is authenticated before anything is done with it.";

    /// <summary>The errors that the service's model lists for the operation.</summary>
    public static IReadOnlyList<ErrorCatalogueEntry> OfTheOperation { get; } =
    [
        Row("EC2AccessDeniedException", 502, Permanent, DidNotRun, Documented, "Lambda may not configure the function's VPC access.", "\"Need additional permissions to configure VPC settings\": that is set-up.",
            "Give the execution role of {function} the EC2 permissions of the managed policy AWSLambdaVPCAccessExecutionRole.", (message, details) => new EC2AccessDeniedException(message, details)),
        Row("EC2ThrottledException", 502, Throttling, DidNotRun, Documented, "EC2 throttled Lambda while it set up the function's network.", "\"during Lambda function initialization\"",
            "Send more slowly; if it stays, ask for higher EC2 API limits.", (message, details) => new EC2ThrottledException(message, details)),
        Row("EC2UnexpectedException", 502, Transient, DidNotRun, Inferred, "EC2 failed in an unexpected way while Lambda set up the function.", "\"while setting up for the Lambda function\"; that another try may help is ours.",
            "Look at EC2ErrorCode and at the VPC configuration of {function}.", (message, details) => new EC2UnexpectedException(message, details)),
        Row("EFSIOException", 410, Permanent, MayHaveRun, Inferred, "Reading from or writing to the function's file system failed.", "The text does not say when; a running function reads and writes.",
            "Look in the log of {function} how far it came, and at the state and throughput of its file system.", (message, details) => new EFSIOException(message, details)),
        Row("EFSMountConnectivityException", 408, Transient, DidNotRun, Documented, "The function's file system could not be reached over the network.", "\"couldn't make a network connection to the configured file system\": mounting comes first.",
            "Check the mount targets, security groups and routes between {function} and its file system.", (message, details) => new EFSMountConnectivityException(message, details)),
        Row("EFSMountFailureException", 403, Permanent, DidNotRun, Documented, "The function's file system could not be mounted, for want of permission or by its configuration.", "\"couldn't mount the configured file system\"",
            "Check the access point, and the elasticfilesystem permissions of the execution role of {function}.", (message, details) => new EFSMountFailureException(message, details)),
        Row("EFSMountTimeoutException", 408, Transient, DidNotRun, Documented, "The function's file system was reached, but mounting it took too long.", "\"the mount operation timed out\"",
            "Send it again a little later; if it stays, look at the throughput of the file system.", (message, details) => new EFSMountTimeoutException(message, details)),
        Row("ENILimitReachedException", 502, Transient, DidNotRun, Documented, "Lambda could not make a network interface in the function's VPC, because their number is at its limit.", "\"couldn't create an elastic network interface in the VPC\": that is set-up.",
            "Free network interfaces in the VPC, or ask for a higher quota.", (message, details) => new ENILimitReachedException(message, details)),
        Row("InvalidParameterValueException", 400, Permanent, DidNotRun, Documented, "A parameter of the request is not valid.", ValidatedFirst,
            "Check the function's name, qualifier, client context and tenant id: a function with tenant isolation needs a TenantId, any other refuses one.", (message, details) => new InvalidParameterValueException(message, details)),
        Row("InvalidRequestContentException", 400, Permanent, DidNotRun, Documented, "The payload is no JSON, or a header of the request is not valid.", ValidatedFirst,
            "Check that the payload is JSON. The service's own words stand in ServiceMessage; they may quote the payload.", (message, details) => new InvalidRequestContentException(message, details), mayQuotePayload: true),
        Row("InvalidRuntimeException", 502, Permanent, DidNotRun, Inferred, "The function's runtime, or its version, is not supported.", "Nothing runs without a runtime.",
            "Update {function} to a supported runtime.", (message, details) => new InvalidRuntimeException(message, details)),
        Row("InvalidSecurityGroupIDException", 502, Permanent, DidNotRun, Inferred, "A security group of the function's VPC configuration is not valid.", "VPC set-up comes before the function.",
            "Correct the security groups of {function}.", (message, details) => new InvalidSecurityGroupIDException(message, details)),
        Row("InvalidSubnetIDException", 502, Permanent, DidNotRun, Inferred, "A subnet of the function's VPC configuration is not valid.", "VPC set-up comes before the function.",
            "Correct the subnets of {function}.", (message, details) => new InvalidSubnetIDException(message, details)),
        Row("InvalidZipFileException", 502, Permanent, DidNotRun, Documented, "Lambda could not unzip the function's deployment package.", "\"could not unzip the deployment package\": there is no code to run.",
            "Deploy the code of {function} again.", (message, details) => new InvalidZipFileException(message, details)),
        Row("KMSAccessDeniedException", 502, Permanent, DidNotRun, Inferred, "Lambda could not decrypt the function's environment variables: KMS denied access.", "A function starts with its environment variables.",
            "Allow kms:Decrypt on the key to the execution role of {function}.", (message, details) => new KMSAccessDeniedException(message, details)),
        Row("KMSDisabledException", 502, Permanent, DidNotRun, Inferred, "Lambda could not decrypt the function's environment variables: the KMS key is disabled.", "A function starts with its environment variables.",
            "Enable the KMS key of {function}, or configure another.", (message, details) => new KMSDisabledException(message, details)),
        Row("KMSInvalidStateException", 502, Permanent, DidNotRun, Inferred, "Lambda could not decrypt the function's environment variables: the state of the KMS key does not allow it.", "A function starts with its environment variables.",
            "Look at the state of the KMS key of {function}; it may be waiting for deletion or import.", (message, details) => new KMSInvalidStateException(message, details)),
        Row("KMSNotFoundException", 502, Permanent, DidNotRun, Inferred, "Lambda could not decrypt the function's environment variables: the KMS key does not exist.", "A function starts with its environment variables.",
            "Configure a KMS key that exists for {function}.", (message, details) => new KMSNotFoundException(message, details)),
        Row("NoPublishedVersionException", 400, Permanent, DidNotRun, Inferred, "The function has no published version.", "There is no version to run.",
            "Publish a version of {function}, or invoke $LATEST.", (message, details) => new NoPublishedVersionException(message, details)),
        Row("RecursiveInvocationException", 400, Permanent, DidNotRun, Documented, "Lambda found the function in a loop of invocations with other AWS resources, and stopped it.", "\"stopped your function's invocation\"",
            "Break the loop, or allow it with PutFunctionRecursionConfig.", (message, details) => new RecursiveInvocationException(message, details)),
        Row("RequestTooLargeException", 413, Permanent, DidNotRun, Documented, "The payload is over the service's limit.", ValidatedFirst,
            "Keep the payload under 6 MB; pass larger data by reference, for example in S3.", (message, details) => new RequestTooLargeException(message, details)),
        Row("ResourceConflictException", 409, Permanent, DidNotRun, Documented, "Another operation on the function is in progress, or it is still being created.", "\"During this time, you can't invoke or modify your function\" (Troubleshoot invocation issues)",
            "Wait until the State of {function} is Active and its LastUpdateStatus Successful (GetFunctionConfiguration), then send it again.", (message, details) => new ResourceConflictException(message, details)),
        Row("ResourceNotFoundException", 404, Permanent, DidNotRun, Documented, "The function, or that version or alias of it, does not exist.", "\"does not exist\": there is nothing to run.",
            "Check the function's name ({function}), the region ({region}), the account and the qualifier.", (message, details) => new ResourceNotFoundException(message, details)),
        Row("ResourceNotReadyException", 502, Transient, DidNotRun, Documented, "The function is inactive and its VPC connection is being made again.", "\"Wait for the VPC connection to reestablish and try again\"",
            "Wait a minute and send it again.", (message, details) => new ResourceNotReadyException(message, details)),
        Row("S3FilesMountConnectivityException", 408, Transient, DidNotRun, Documented, "The function's S3 Files access point could not be reached over the network.", "\"couldn't make a network connection to the configured S3 Files access point\": mounting comes first.",
            "Check the mount targets, security groups and routes between {function} and the access point.", (message, details) => new S3FilesMountConnectivityException(message, details)),
        Row("S3FilesMountFailureException", 403, Permanent, DidNotRun, Documented, "The function's S3 Files access point could not be mounted, for want of permission or by its configuration.", "\"couldn't mount the configured S3 Files access point\"",
            "Check the access point, and the permissions of the execution role of {function}.", (message, details) => new S3FilesMountFailureException(message, details)),
        Row("S3FilesMountTimeoutException", 408, Transient, DidNotRun, Documented, "The function's S3 Files access point was reached, but mounting it took too long.", "\"the mount operation timed out\"",
            "Send it again a little later.", (message, details) => new S3FilesMountTimeoutException(message, details)),
        Row("SerializedRequestEntityTooLargeException", 413, Permanent, DidNotRun, Documented, "The request is over the service's limit once it is serialized.", ValidatedFirst,
            "Keep the payload under 6 MB; pass larger data by reference, for example in S3.", (message, details) => new SerializedRequestEntityTooLargeException(message, details)),
        Row("ServiceException", 500, Transient, MayHaveRun, Inferred, "Lambda had an internal error.", "The text does not say when.",
            "Send it again if the function may run twice. If it stays, look at the AWS Health Dashboard.", (message, details) => new ServiceException(message, details)),
        Row("SnapStartException", 400, Permanent, MayHaveRun, Documented, "The function's after-restore hook failed.", "\"The afterRestore() runtime hook encountered an error\": code of the function ran, though not its handler.",
            "Look in the log of {function} for the hook's error.", (message, details) => new SnapStartException(message, details)),
        Row("SnapStartNotReadyException", 409, Transient, DidNotRun, Documented, "Lambda is still initializing the function's version.", "\"You can invoke the function when the function state becomes Active\"",
            "Wait until the State of that version of {function} is Active.", (message, details) => new SnapStartNotReadyException(message, details)),
        Row("SnapStartTimeoutException", 408, Transient, MayHaveRun, Inferred, "Restoring the function's snapshot took too long.", "Restoring runs the function's after-restore hooks (Troubleshooting SnapStart errors), so code of it may have run.",
            "Make the after-restore hooks of {function} end within 10 seconds; its log shows the restore phase.", (message, details) => new SnapStartTimeoutException(message, details)),
        Row("SubnetIPAddressLimitReachedException", 502, Transient, DidNotRun, Inferred, "A subnet of the function has no free IP address.", "\"couldn't set up VPC access\"; that another try may help is ours.",
            "Free addresses in the subnets of {function}, or give it more subnets.", (message, details) => new SubnetIPAddressLimitReachedException(message, details)),
        Row("TooManyRequestsException", 429, Throttling, DidNotRun, Documented, "A limit on the rate or number of invocations was exceeded.", ValidatedFirst,
            "Send more slowly, or raise the limit that Reason names.", (message, details) => new TooManyRequestsException(message, details)),
        Row("UnsupportedMediaTypeException", 415, Permanent, DidNotRun, Documented, "The content type of the request is not one that the service takes.", ValidatedFirst,
            "Look for something on the way to the service that changes the request's Content-Type.", (message, details) => new UnsupportedMediaTypeException(message, details)),
    ];

    /// <summary>The errors common to every AWS API.</summary>
    public static IReadOnlyList<ErrorCatalogueEntry> Common { get; } =
    [
        Row("AccessDeniedException", 403, Permanent, DidNotRun, Documented, "The caller may not invoke the function.", ValidatedFirst + "; \"user permissions\" are among what it names",
            "Allow the action lambda:InvokeFunction on {function} to these credentials, in their IAM policy or in the function's resource policy. An explicit deny, a service control policy or a VPC endpoint policy can take it away again.", (message, details) => new AccessDeniedException(message, details), mayBeClockSkew: true),
        Row("ExpiredTokenException", 403, Permanent, DidNotRun, Inferred, "The session token of the credentials has expired.", AuthenticatedFirst,
            "Refresh the credentials: sign in again, or use AWSCredentials that renew themselves in place of a fixed token.", (message, details) => new ExpiredTokenException(message, details)),
        Row("IncompleteSignature", 403, Permanent, DidNotRun, Inferred, "The request's signature is not in the form of AWS's standards.", AuthenticatedFirst,
            "Look for a proxy or handler that changes the Authorization header or other headers.", (message, details) => new IncompleteSignatureException(message, details)),
        Row("InternalFailure", 500, Transient, MayHaveRun, Inferred, "The service failed for an unknown reason.", "The text does not say when.",
            "Send it again if the function may run twice. If it stays, look at the AWS Health Dashboard.", (message, details) => new InternalFailureException(message, details),
            aliases: ["InternalServerError", "InternalError", "InternalServerException"]),
        Row("InvalidClientTokenId", 403, Permanent, DidNotRun, Inferred, "The access key is not known.", AuthenticatedFirst,
            "Check the access key, that its partition and account are the right ones, and that it is active.", (message, details) => new InvalidClientTokenIdException(message, details)),
        Row("InvalidSignatureException", 403, Permanent, DidNotRun, Inferred, "The signature is not the one that the service computes, or its time is too far off.", AuthenticatedFirst,
            "Check the secret key, the region and this machine's clock, and that no proxy or handler changes the request.", (message, details) => new InvalidSignatureException(message, details), mayBeClockSkew: true,
            aliases: ["SignatureDoesNotMatch", "AuthFailure"]),
        Row("MalformedHttpRequestException", 400, Permanent, DidNotRun, Inferred, "The request is not right as HTTP.", "What can't be read can't be run.",
            "Look for a proxy or handler that changes the request.", (message, details) => new MalformedHttpRequestException(message, details)),
        Row("MissingAuthenticationToken", 403, Permanent, DidNotRun, Inferred, "The request came without a signature.", AuthenticatedFirst,
            "Look for a proxy or handler that drops the Authorization header, and check the endpoint.", (message, details) => new MissingAuthenticationTokenException(message, details)),
        Row("NotAuthorized", 401, Permanent, DidNotRun, Inferred, "The caller may not do this.", AuthenticatedFirst,
            "Allow the action lambda:InvokeFunction on {function} to these credentials.", (message, details) => new NotAuthorizedException(message, details)),
        Row("OptInRequired", 403, Permanent, DidNotRun, Inferred, "The account is not subscribed to the service, or the region is not enabled for it.", AuthenticatedFirst,
            "Enable {region} for the account.", (message, details) => new OptInRequiredException(message, details)),
        Row("RequestAbortedException", 400, Permanent, MayHaveRun, Inferred, "The request was given up before it was answered, for example because the connection was closed.", "The text does not say when.",
            "Look for a proxy or handler that closes connections.", (message, details) => new RequestAbortedException(message, details)),
        Row("RequestEntityTooLargeException", 413, Permanent, DidNotRun, Inferred, "The request is too large as HTTP.", "It is refused before it is read.",
            "Keep the payload under 6 MB; pass larger data by reference, for example in S3.", (message, details) => new RequestEntityTooLargeException(message, details)),
        Row("RequestExpired", 400, Permanent, DidNotRun, Inferred, "The date of the request is more than 15 minutes off.", AuthenticatedFirst,
            "Set this machine's clock.", (message, details) => new RequestExpiredException(message, details), mayBeClockSkew: true,
            aliases: ["RequestTimeTooSkewed", "RequestInTheFuture"]),
        Row("RequestTimeoutException", 408, Transient, MayHaveRun, Inferred, "Reading the request took the service too long.", "It should not have run, but a gateway that waits for the function says the same.",
            "Send it again if the function may run twice; look at the network between here and {region}.", (message, details) => new RequestTimeoutException(message, details)),
        Row("ServiceUnavailable", 503, Transient, MayHaveRun, Inferred, "The service is unavailable for the moment.", "The text does not say when; gateways say so too.",
            "Send it again if the function may run twice. If it stays, look at the AWS Health Dashboard.", (message, details) => new ServiceUnavailableException(message, details)),
        Row("ThrottlingException", 400, Throttling, DidNotRun, Documented, "The request was throttled.", "\"denied due to request throttling\"",
            "Send more slowly, or ask for higher limits.", (message, details) => new ThrottlingException(message, details),
            aliases: ["ThrottledException", "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded", "SlowDown", "BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete", "ProvisionedThroughputExceededException", "TransactionInProgressException"]),
        Row("UnknownOperationException", 404, Permanent, DidNotRun, Inferred, "The endpoint does not know this operation.", "What is not known is not run.",
            "Check the endpoint, and that response streaming is offered in {region}.", (message, details) => new UnknownOperationException(message, details)),
        Row("UnrecognizedClientException", 403, Permanent, DidNotRun, Inferred, "The access key or session token is not known.", AuthenticatedFirst,
            "Check the access key and session token, and that they are of the right partition; keys of a temporary session need their token.", (message, details) => new UnrecognizedClientException(message, details)),
        Row("ValidationError", 400, Permanent, DidNotRun, Inferred, "The request does not keep to the service's constraints.", "A request is checked before anything is done with it.",
            "Check the function's name, qualifier, client context and tenant id.", (message, details) => new ValidationErrorException(message, details),
            aliases: ["ValidationException"]),
    ];

    // What a status means where no name, or an unknown one, stands beside it. Source: AWS SDKs and Tools Reference Guide, "Retry behavior": 500, 502, 503 and 504 are transient, and tell nothing of the function.
    // Inferred: HTTP's own refusals come before the function; other statuses are used for errors of running code too (400 SnapStartException, 410 EFSIOException).
    private static readonly ErrorCatalogueEntry Redirected = OfStatus(Permanent, DidNotRun, "Redirects are never followed: the signature holds for one host. Check the endpoint.");
    private static readonly ErrorCatalogueEntry Refused = OfStatus(Permanent, DidNotRun, "Check the endpoint and what stands between here and it.");
    private static readonly ErrorCatalogueEntry Throttled = OfStatus(Throttling, DidNotRun, "Send more slowly.");
    private static readonly ErrorCatalogueEntry Failed = OfStatus(Transient, MayHaveRun, "Send it again if the function may run twice.");
    private static readonly ErrorCatalogueEntry Nothing = OfStatus(Permanent, MayHaveRun, "");

    private static readonly FrozenDictionary<string, ErrorCatalogueEntry> Names = OfTheOperation.Concat(Common)
        .SelectMany(entry => entry.Aliases.Prepend(entry.Code!).SelectMany(WithAndWithoutSuffix).Distinct(StringComparer.Ordinal), (entry, name) => KeyValuePair.Create(name, entry))
        .ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The row of a name, with or without the suffix <c>Exception</c>.</summary>
    public static ErrorCatalogueEntry? Find(string? code) => code is null ? null : Names.GetValueOrDefault(code);

    /// <summary>The row of a name, else that of the status: the name decides wherever it is known.</summary>
    public static ErrorCatalogueEntry Of(string? code, int status) => Find(code) ?? status switch
    {
        >= 300 and <= 399 => Redirected,
        401 or 403 or 404 or 405 or 411 or 413 or 414 or 415 or 421 or 431 => Refused,
        429 => Throttled,
        408 or 500 or 502 or 503 or 504 => Failed,
        _ => Nothing,
    };

    private static ErrorCatalogueEntry Row<T>(
        string code,
        int statusCode,
        ErrorRecurrence recurrence,
        FunctionRun run,
        ErrorBasis basis,
        string meaning,
        string because,
        string advice,
        Func<string, LambdaErrorDetails, T> create,
        bool mayBeClockSkew = false,
        bool mayQuotePayload = false,
        string[]? aliases = null)
        where T : LambdaServiceException =>
        new(typeof(T), code, statusCode, recurrence, run, basis, meaning, because, advice, create, mayBeClockSkew, mayQuotePayload, aliases ?? []);

    private static ErrorCatalogueEntry OfStatus(ErrorRecurrence recurrence, FunctionRun run, string advice) =>
        new(typeof(LambdaServiceException), null, 0, recurrence, run, Inferred, "", "", advice, (message, details) => new LambdaServiceException(message, details), false, false, []);

    private static string[] WithAndWithoutSuffix(string name)
    {
        const string Suffix = "Exception";
        return name.EndsWith(Suffix, StringComparison.Ordinal) ? [name, name[..^Suffix.Length]] : [name, name + Suffix];
    }
}
