namespace LambdaStreaming.AspNetCore;

/// <summary>Writes an event that reports a failure to the client, in the protocol of the response.</summary>
/// <param name="failure">The failure.</param>
/// <param name="body">The end of the response. If nothing is written, the response ends without an event.</param>
/// <remarks>
/// It is called if the response fails after its headers were sent. The response still ends as incomplete afterwards.
/// In <c>text/event-stream</c>, an unfinished event is ended first. If that event has an <c>id</c>, this delegate is
/// not called. For other content types, what is written follows the last byte of the function, which can be in the
/// middle of a line.
/// </remarks>
public delegate void LambdaStreamFailureWriter(
    LambdaStreamFailure failure,
    System.Buffers.IBufferWriter<byte> body);

/// <summary>A failure after the headers of the response were sent.</summary>
public sealed class LambdaStreamFailure
{
    /// <summary>
    /// The status of the ProblemDetails response that the failure would have caused before the headers.
    /// </summary>
    /// <value>For example, 503 if the function was throttled and 502 if it failed.</value>
    public required int StatusCode { get; init; }

    /// <summary>The kind of failure, in one sentence that does not reveal internals.</summary>
    public required string Detail { get; init; }

    /// <summary>The id of the request, as <c>traceId</c> in a ProblemDetails response.</summary>
    /// <value>
    /// The id of the current activity. In the W3C format, its second part is the id of the trace, and of the scopes of
    /// log messages. Without an activity, the trace identifier of the <c>HttpContext</c>.
    /// </value>
    public required string TraceId { get; init; }

    /// <summary>The type and the message of the exception.</summary>
    /// <value>
    /// <see langword="null"/> unless <see cref="LambdaStreamOptions.IncludeErrorDetails"/> is set.
    /// </value>
    public string? ErrorDetails { get; init; }

    /// <summary>The request id of the invocation.</summary>
    /// <value>
    /// <see langword="null"/> unless <see cref="LambdaStreamOptions.IncludeErrorDetails"/> is set and the id is known.
    /// </value>
    public string? RequestId { get; init; }

    /// <summary>The exception.</summary>
    /// <remarks>It reveals the function, the region and settings. Use it to select what is written.</remarks>
    public required Exception Exception { get; init; }
}
