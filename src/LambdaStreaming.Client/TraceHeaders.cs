namespace LambdaStreaming;

/// <summary>Specifies which trace headers a client adds to its requests.</summary>
[Flags]
public enum TraceHeaders
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>
    /// Inside a Lambda function, <c>X-Amzn-Trace-Id</c> with the trace of the current invocation, so that Lambda can
    /// detect recursive loops.
    /// </summary>
    /// <remarks>
    /// Outside of Lambda, the client does not add this header. The called function receives the value as the trace of
    /// its invocation.
    /// </remarks>
    Lambda = 1,

    /// <summary><c>X-Amzn-Trace-Id</c>, created from the span of the call.</summary>
    /// <remarks>
    /// If no listener creates a span for the call, the current span is used. Inside a Lambda function, the header of
    /// the member <see cref="Lambda"/> is used instead if that member is set, too. The called function receives the
    /// value as the trace of its invocation.
    /// </remarks>
    XRay = 2,

    /// <summary><c>traceparent</c> and <c>tracestate</c> of the span of the call.</summary>
    /// <remarks>
    /// If no listener creates a span for the call, the current span is used. Lambda does not forward these headers to
    /// functions.
    /// </remarks>
    W3C = 4,
}
