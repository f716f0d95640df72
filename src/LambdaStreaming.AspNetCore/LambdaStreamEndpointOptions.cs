using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore;

/// <summary>What of the browser's request becomes the function's payload.</summary>
public enum LambdaPayload
{
    /// <summary>The body, as it is. It must be JSON, as the service wants it, and say so by its content type; no body is an empty payload. The default.</summary>
    Body,

    /// <summary>The event that a function URL would have made of the request (payload format 2.0): method, path, query, headers, cookies and body. The body may be of any kind.</summary>
    FunctionUrlEvent,
}

/// <summary>How an endpoint makes a request's payload, and how it passes the answer on.</summary>
public sealed class LambdaStreamEndpointOptions : LambdaStreamOptions
{
    // Source: AWS Lambda developer guide, quotas: 6 MB for the payload of a synchronous invocation; Lambda's own emulator allows 6 MiB and 100 bytes.
    internal const int ServicePayloadLimitBytes = (6 * 1024 * 1024) + 100;

    private HashSet<string>? _methods;

    /// <summary>What becomes the payload.</summary>
    /// <value>Default: <see cref="LambdaPayload.Body"/>.</value>
    public LambdaPayload Payload { get; set; }

    /// <summary>The HTTP methods that the endpoint accepts. Other methods get 405.</summary>
    /// <value>
    /// Default: POST for <see cref="LambdaPayload.Body"/>; DELETE, GET, HEAD, OPTIONS, PATCH, POST and PUT for
    /// <see cref="LambdaPayload.FunctionUrlEvent"/>. Set <see cref="Payload"/> before you change this collection.
    /// </value>
    public ISet<string> Methods => _methods ??= new HashSet<string>(GetDefaultMethods(Payload), StringComparer.OrdinalIgnoreCase);

    /// <summary>The longest body taken, in bytes; a longer one is answered with 413, without being read where its length is announced.</summary>
    /// <value>0 to 6,291,556. Default: 6,291,556, the service's limit of a payload. A body in base64 counts a third more against that limit, and is answered with 413 too where it passes it.</value>
    public int MaxRequestBodyBytes { get; set; } = ServicePayloadLimitBytes;

    /// <summary>Which headers of the browser's request reach the function in a <see cref="LambdaPayload.FunctionUrlEvent"/>, by name.</summary>
    /// <value>Default: all but the hop-by-hop ones, <c>Authorization</c> and <c>Cookie</c> included, as with a function URL; these two are asked for in this spelling, others as they came: compare ignoring case. Ignored for <see cref="LambdaPayload.Body"/>.</value>
    public Func<string, bool>? AllowRequestHeader { get; set; }

    /// <summary>Changes the request before it is sent: <c>(http, request) => request with { TenantId = … }</c>. The payload is set already and may be replaced.</summary>
    /// <value>Default: nothing is changed.</value>
    public Func<HttpContext, InvokeWithResponseStreamRequest, InvokeWithResponseStreamRequest>? TransformRequest { get; set; }

    internal override void Validate()
    {
        base.Validate();
        if (Payload is < LambdaPayload.Body or > LambdaPayload.FunctionUrlEvent) throw new ArgumentException($"{Payload} is no kind of payload.", nameof(Payload));
        if (MaxRequestBodyBytes is < 0 or > ServicePayloadLimitBytes) throw new ArgumentException($"{nameof(MaxRequestBodyBytes)} is {MaxRequestBodyBytes}; it must be between 0 and {ServicePayloadLimitBytes} bytes.", nameof(MaxRequestBodyBytes));
        if (Methods.Count == 0) throw new ArgumentException($"{nameof(Methods)} is empty. Add the methods that the endpoint accepts.", nameof(Methods));
        if (Methods.Any(string.IsNullOrWhiteSpace)) throw new ArgumentException($"{nameof(Methods)} holds an empty name.", nameof(Methods));
    }

    private static string[] GetDefaultMethods(LambdaPayload payload) => payload == LambdaPayload.FunctionUrlEvent
        ?
        [
            HttpMethods.Delete, HttpMethods.Get, HttpMethods.Head, HttpMethods.Options, HttpMethods.Patch, HttpMethods.Post, HttpMethods.Put,
        ]
        : [HttpMethods.Post];
}
