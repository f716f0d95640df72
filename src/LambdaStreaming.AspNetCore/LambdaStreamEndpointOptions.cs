using Microsoft.AspNetCore.Http;
using HttpEvent = LambdaStreaming.Http.FunctionUrlEvent;

namespace LambdaStreaming.AspNetCore;

/// <summary>The part of the HTTP request that becomes the function's payload.</summary>
public enum LambdaPayload
{
    /// <summary>The body, unchanged.</summary>
    /// <remarks>
    /// Lambda accepts only JSON, so the body must be JSON with a JSON content type. An empty body is an empty
    /// payload. This is the default.
    /// </remarks>
    Body,

    /// <summary>The event that a function URL would create from the request (payload format 2.0).</summary>
    /// <remarks>It contains method, path, query, headers, cookies and body. The body can have any type.</remarks>
    FunctionUrlEvent,
}

/// <summary>Options of an endpoint that invokes a function.</summary>
public sealed class LambdaStreamEndpointOptions : LambdaStreamOptions
{
    private HashSet<string>? _methods;

    /// <summary>The part of the HTTP request that becomes the payload.</summary>
    /// <value>Default: <see cref="LambdaPayload.Body"/>.</value>
    public LambdaPayload Payload { get; set; }

    /// <summary>The HTTP methods that the endpoint accepts. Other methods get 405.</summary>
    /// <value>
    /// Default: POST for <see cref="LambdaPayload.Body"/>; DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT for
    /// <see cref="LambdaPayload.FunctionUrlEvent"/>. The first access to this property selects the default, so set
    /// <see cref="Payload"/> before it.
    /// </value>
    public ISet<string> Methods =>
        _methods ??= new HashSet<string>(GetDefaultMethods(Payload), StringComparer.OrdinalIgnoreCase);

    /// <summary>Maximum size of the request body, in bytes. A larger body gets 413.</summary>
    /// <value>0 to 6,291,556. Default: 6,291,556, Lambda's payload limit.</value>
    /// <remarks>
    /// A request with a larger <c>Content-Length</c> is rejected before its body is read. Base64 adds a third to the
    /// size of a body; the request also gets 413 if the encoded event exceeds Lambda's limit.
    /// </remarks>
    public int MaxRequestBodyBytes { get; set; } = HttpEvent.MaxPayloadBytes;

    /// <summary>A predicate that selects which request headers a function URL event contains.</summary>
    /// <value>
    /// Default: all except hop-by-hop headers and <c>Expect</c>. As with a function URL, <c>Authorization</c> and
    /// <c>Cookie</c> are included. Ignored for <see cref="LambdaPayload.Body"/>.
    /// </value>
    /// <remarks>
    /// It is not called for <c>X-Forwarded-For</c>, <c>X-Forwarded-Proto</c> and <c>X-Forwarded-Port</c>, which this
    /// server sets.
    /// <c>Authorization</c> and <c>Cookie</c> are passed in this spelling, other names as the server received them.
    /// Compare names case-insensitively.
    /// </remarks>
    public Func<string, bool>? AllowRequestHeader { get; set; }

    /// <summary>A function that changes the Lambda request before it is sent.</summary>
    /// <value>Default: <see langword="null"/>; the request is not changed.</value>
    /// <remarks>
    /// The payload is already set and can be replaced. Changes to the HTTP request have no effect on it. If Lambda
    /// rejects a replaced payload or a client context, the client gets 502.
    /// </remarks>
    /// <example><c>(http, request) => request with { TenantId = … }</c></example>
    public Func<HttpContext, InvokeWithResponseStreamRequest, InvokeWithResponseStreamRequest>? TransformRequest
    {
        get;
        set;
    }

    internal override void Validate()
    {
        base.Validate();
        if (Payload is < LambdaPayload.Body or > LambdaPayload.FunctionUrlEvent) throw UndefinedPayload();
        if (MaxRequestBodyBytes is < 0 or > HttpEvent.MaxPayloadBytes) throw MaxRequestBodyBytesOutOfRange();
        if (Methods.Count == 0) throw NoMethods();
        if (Methods.Any(string.IsNullOrWhiteSpace)) throw EmptyMethodName();
    }

    private static string[] GetDefaultMethods(LambdaPayload payload) => payload == LambdaPayload.FunctionUrlEvent
        ?
        [
            HttpMethods.Delete,
            HttpMethods.Get,
            HttpMethods.Head,
            HttpMethods.Options,
            HttpMethods.Patch,
            HttpMethods.Post,
            HttpMethods.Put,
        ]
        : [HttpMethods.Post];

    private ArgumentException UndefinedPayload() =>
        new($"{nameof(Payload)} is {Payload}, which is not defined.", nameof(Payload));

    private ArgumentException MaxRequestBodyBytesOutOfRange() => new(
        $"{nameof(MaxRequestBodyBytes)} is {MaxRequestBodyBytes}; "
        + $"it must be between 0 and {HttpEvent.MaxPayloadBytes} bytes.",
        nameof(MaxRequestBodyBytes));

    private static ArgumentException NoMethods() =>
        new($"{nameof(Methods)} is empty. Add the methods that the endpoint accepts.", nameof(Methods));

    private static ArgumentException EmptyMethodName() =>
        new($"{nameof(Methods)} contains an empty name.", nameof(Methods));
}
