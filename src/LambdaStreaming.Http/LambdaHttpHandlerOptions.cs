namespace LambdaStreaming.Http;

/// <summary>Options of <see cref="LambdaHttpHandler"/>.</summary>
public sealed class LambdaHttpHandlerOptions
{
    /// <summary>Version or alias to invoke.</summary>
    /// <value>Default: <see langword="null"/>: the qualifier of the function name, or <c>$LATEST</c>.</value>
    public string? Qualifier { get; set; }

    /// <summary>A predicate on the name that selects which request headers reach the function.</summary>
    /// <value>
    /// Default: <see langword="null"/>, which allows all headers. Hop-by-hop headers and <c>Expect</c> are always
    /// omitted. See <see cref="FunctionUrlEvent.AllowHeader"/> and <see cref="FunctionUrlEvent.Headers"/>.
    /// </value>
    public Func<string, bool>? AllowRequestHeader { get; set; }

    /// <summary>
    /// Changes the invocation of a request: <c>(http, invocation) => invocation with { TenantId = … }</c>.
    /// </summary>
    /// <value>Default: <see langword="null"/>. The payload of the invocation has already been set.</value>
    public Func<HttpRequestMessage, InvokeWithResponseStreamRequest, InvokeWithResponseStreamRequest>? TransformRequest
    {
        get;
        set;
    }

    /// <summary>Maximum time to wait for the response headers of each attempt.</summary>
    /// <value>
    /// More than zero and at most 49 days, or <see cref="Timeout.InfiniteTimeSpan"/>. Default: <see langword="null"/>,
    /// which uses the client's option.
    /// </value>
    public TimeSpan? ResponseHeadersTimeout { get; set; }

    /// <summary>Maximum time to wait for the next bytes of the response.</summary>
    /// <value>
    /// More than zero and at most 49 days, or <see cref="Timeout.InfiniteTimeSpan"/>. Default: <see langword="null"/>,
    /// which uses the client's option.
    /// </value>
    public TimeSpan? IdleTimeout { get; set; }

    /// <summary>How the HTTP prelude, which contains status, headers and cookies, is detected.</summary>
    /// <value>Default: <see cref="HttpPreludeDetection.Auto"/>.</value>
    public HttpPreludeDetection HttpPrelude { get; set; }

    /// <summary>Clock for the time of the request in the event.</summary>
    /// <value>Default: <see cref="TimeProvider.System"/>.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal LambdaHttpHandlerOptions ValidatedCopy()
    {
        RequireTimeout(ResponseHeadersTimeout, nameof(ResponseHeadersTimeout));
        RequireTimeout(IdleTimeout, nameof(IdleTimeout));
        if (HttpPrelude is < HttpPreludeDetection.Auto or > HttpPreludeDetection.Never)
        {
            throw new ArgumentException(
                $"{HttpPrelude} is not a value of {nameof(HttpPreludeDetection)}.",
                nameof(HttpPrelude));
        }

        if (TimeProvider is null)
            throw new ArgumentException($"{nameof(TimeProvider)} must not be null.", nameof(TimeProvider));
        if (Qualifier is not null && string.IsNullOrWhiteSpace(Qualifier))
            throw new ArgumentException($"{nameof(Qualifier)} must not be blank.", nameof(Qualifier));
        return (LambdaHttpHandlerOptions)MemberwiseClone();
    }

    private static void RequireTimeout(TimeSpan? value, string member)
    {
        if (value is null || value == Timeout.InfiniteTimeSpan) return;
        if (value <= TimeSpan.Zero || value.Value.TotalMilliseconds > uint.MaxValue - 1)
            throw new ArgumentException($"{member} is {value}; it must be between 0 and 49 days, or infinite.", member);
    }
}
