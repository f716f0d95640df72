using System.Net;
using LambdaStreaming.Invocation;

namespace LambdaStreaming;

/// <summary>
/// Status and headers of a fake response, for the <c>Create</c> methods of
/// <see cref="InvokeWithResponseStreamResponse"/>.
/// </summary>
public sealed record ResponseStreamMetadata
{
    /// <summary>The HTTP status.</summary>
    /// <value>Default: 200. With 204, the status of a dry run, the response does not contain events.</value>
    public HttpStatusCode StatusCode { get; init; } = HttpStatusCode.OK;

    /// <summary>The request id of the invocation.</summary>
    /// <value>Default: empty.</value>
    public string RequestId { get; init; } = "";

    /// <summary>The function version that ran.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public string? ExecutedVersion { get; init; }

    /// <summary>The content type in the response headers.</summary>
    /// <value>Default: <see langword="null"/>.</value>
    public string? ResponseStreamContentType { get; init; }

    /// <summary>Additional headers.</summary>
    /// <value>Default: empty.</value>
    public IReadOnlyDictionary<string, string> Headers { get; init; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The name of the function, which exceptions report.</summary>
    /// <value>Default: <c>test-function</c>.</value>
    public string FunctionName { get; init; } = "test-function";

    /// <summary>
    /// The value of <see cref="LambdaStreamingClientOptions.ThrowOnFunctionError"/> that applies to the response.
    /// </summary>
    /// <value>Default: <see langword="true"/>.</value>
    public bool ThrowOnFunctionError { get; init; } = true;

    internal ResponseHeaders ToHeaders()
    {
        List<KeyValuePair<string, string[]>> headers = [];
        if (RequestId.Length > 0) headers.Add(new("x-amzn-RequestId", [RequestId]));
        if (ExecutedVersion is not null) headers.Add(new("X-Amz-Executed-Version", [ExecutedVersion]));
        if (ResponseStreamContentType is not null) headers.Add(new("Content-Type", [ResponseStreamContentType]));
        foreach (var (name, value) in Headers) headers.Add(new(name, [value]));
        return new ResponseHeaders(StatusCode, [.. headers]);
    }
}
