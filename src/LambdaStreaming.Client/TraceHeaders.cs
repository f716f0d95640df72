namespace LambdaStreaming;

/// <summary>Which headers of a trace a client puts on its requests.</summary>
[Flags]
public enum TraceHeaders
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Inside a Lambda function, <c>X-Amzn-Trace-Id</c> with the trace of the running invocation, so that Lambda can see a recursive loop. Elsewhere nothing.</summary>
    Lambda = 1,

    /// <summary><c>X-Amzn-Trace-Id</c> made from the call's span, or from the current one where nobody listens. <see cref="Lambda"/> goes before it.</summary>
    XRay = 2,

    /// <summary><c>traceparent</c> and <c>tracestate</c> of the call's span, or of the current one where nobody listens. Lambda hands them to no function.</summary>
    W3C = 4,
}
