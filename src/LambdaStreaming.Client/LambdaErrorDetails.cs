using System.Net;

namespace LambdaStreaming;

/// <summary>What an exception of this library knows besides its message. Tests that throw our exceptions fill in what they need.</summary>
public sealed record LambdaErrorDetails
{
    /// <summary>The function as the request named it.</summary>
    public string? FunctionName { get; init; }

    /// <summary>The service's id of the invocation, from <c>x-amzn-RequestId</c>.</summary>
    public string? RequestId { get; init; }

    /// <summary>The region that was called.</summary>
    public string? Region { get; init; }

    /// <summary>The HTTP status that came, or 0 where none did.</summary>
    /// <value>Default: for a typed exception its documented one.</value>
    public HttpStatusCode StatusCode { get; init; }

    /// <summary>The error's name as the service spelled it, without namespace and suffixes.</summary>
    /// <value>Default: for a typed exception its own documented name.</value>
    public string? ErrorCode { get; init; }

    /// <summary>The service's own words, exactly as they came, without what this library adds to <see cref="Exception.Message"/> and leaves out of it.</summary>
    public string? ServiceMessage { get; init; }

    /// <summary>What to do about the failure, in one or two sentences.</summary>
    public string? Advice { get; init; }

    /// <summary>Whether the function may have run.</summary>
    /// <value>Default: what the error catalogue says of the error; <see langword="true"/> where it says nothing.</value>
    public bool? FunctionMayHaveRun { get; init; }

    /// <summary>Whether the same request may succeed a little later.</summary>
    /// <value>Default: what the error catalogue says of the error; <see langword="false"/> where it says nothing, but <see langword="true"/> for <see cref="LambdaTransportException"/>.</value>
    public bool? IsTransient { get; init; }

    /// <summary>How often the request was sent, this time included; 0 when no attempt was begun. A connection that could not be made counts.</summary>
    public int Attempts { get; init; }

    /// <summary><see cref="ErrorCode"/> as telemetry shows it: one short line without secrets.</summary>
    internal string? ShownErrorCode { get; init; }

    /// <summary>How often the request would have been sent at most; <see langword="null"/> where that is not known.</summary>
    internal int? MaxAttempts { get; init; }

    /// <summary>How long the service asked to wait, from <c>Retry-After</c> or <c>x-amz-retry-after</c>.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The members of the service's error beside its message, e.g. <c>Reason</c> or <c>EC2ErrorCode</c>, by their wire names.</summary>
    public IReadOnlyDictionary<string, string>? Fields { get; init; }

    /// <summary>How many chunks were delivered before the failure.</summary>
    public long ChunksReceived { get; init; }

    /// <summary>How many payload bytes were delivered before the failure.</summary>
    public long BytesReceived { get; init; }
}
