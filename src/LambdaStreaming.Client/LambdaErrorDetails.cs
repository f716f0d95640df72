using System.Net;

namespace LambdaStreaming;

/// <summary>Call details attached to an exception of this library.</summary>
/// <remarks>
/// The client sets the properties. Tests that create exceptions can set them, too. All properties are optional.
/// </remarks>
public sealed record LambdaErrorDetails
{
    /// <summary>The name of the function, as in the request.</summary>
    public string? FunctionName { get; init; }

    /// <summary>The request id of the invocation, from <c>x-amzn-RequestId</c>.</summary>
    public string? RequestId { get; init; }

    /// <summary>The region that was called.</summary>
    public string? Region { get; init; }

    /// <summary>The HTTP status of the response, or 0 if no response was received.</summary>
    /// <value>Default: the documented status for the type of a service error, otherwise 0.</value>
    public HttpStatusCode StatusCode { get; init; }

    /// <summary>
    /// The name of the error as the service sent it, without namespace and without a suffix such as <c>:http://…</c>.
    /// </summary>
    /// <value>Default: the documented name for the type of a service error.</value>
    public string? ErrorCode { get; init; }

    /// <summary>The message of the service, unchanged.</summary>
    /// <remarks>
    /// <see cref="Exception.Message"/> contains information about the call and the first line of this message. It omits
    /// that line if the service might quote the payload in it.
    /// </remarks>
    public string? ServiceMessage { get; init; }

    /// <summary>What to do about the failure, in one or two sentences.</summary>
    public string? Advice { get; init; }

    /// <summary>Whether the function might have run.</summary>
    /// <value>
    /// Default: for a service error, the value for its name or, if the name is unknown, for its status. If neither
    /// shows whether the function ran, <see langword="true"/>. For other exceptions, the value for their type.
    /// </value>
    public bool? FunctionMayHaveRun { get; init; }

    /// <summary>Whether the same request might succeed later.</summary>
    /// <value>
    /// Default: for a service error, the value for its name or, if the name is unknown, for its status. For
    /// <see cref="LambdaTransportException"/>, <see langword="true"/>; otherwise <see langword="false"/>.
    /// </value>
    public bool? IsTransient { get; init; }

    /// <summary>Number of attempts, including the last one.</summary>
    /// <value>
    /// An attempt that could not connect is counted. An attempt that failed before that, because its credentials could
    /// not be resolved, is not. 0 if the configuration could not be resolved.
    /// </value>
    public int Attempts { get; init; }

    /// <summary><see cref="ErrorCode"/> for telemetry: one short line without secrets.</summary>
    internal string? RedactedErrorCode { get; init; }

    /// <summary>Maximum number of attempts, or <see langword="null"/> if it is not known.</summary>
    internal int? MaxAttempts { get; init; }

    /// <summary>The delay that the service requested, from <c>Retry-After</c> or <c>x-amz-retry-after</c>.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// The other members of the service's error, for example <c>Reason</c> or <c>EC2ErrorCode</c>, keyed by their names
    /// in the response. The header <c>Retry-After</c> has the key <c>retryAfterSeconds</c>.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Fields { get; init; }

    /// <summary>Number of chunks that were delivered before the failure.</summary>
    public long ChunksReceived { get; init; }

    /// <summary>Number of payload bytes that were delivered before the failure.</summary>
    public long BytesReceived { get; init; }
}
