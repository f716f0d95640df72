using System.Net;
using LambdaStreaming.Invocation;

namespace LambdaStreaming;

/// <summary>The head of an answer that a test makes up, for <see cref="InvokeWithResponseStreamResponse"/>'s <c>Create</c> methods.</summary>
public sealed record ResponseStreamMetadata
{
    /// <summary>The HTTP status.</summary>
    /// <value>Default: 200. With 204, a dry run's, the answer has no events.</value>
    public HttpStatusCode StatusCode { get; init; } = HttpStatusCode.OK;

    /// <summary>The invocation's id.</summary>
    /// <value>Default: empty.</value>
    public string RequestId { get; init; } = "";

    /// <summary>The version that was run.</summary>
    /// <value>Default: none.</value>
    public string? ExecutedVersion { get; init; }

    /// <summary>The content type that the function gave its answer.</summary>
    /// <value>Default: none.</value>
    public string? ResponseStreamContentType { get; init; }

    /// <summary>Further headers.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The function's name, as exceptions tell it.</summary>
    /// <value>Default: <c>function</c>.</value>
    public string FunctionName { get; init; } = "function";

    /// <summary>What <see cref="LambdaStreamingClientOptions.ThrowOnFunctionError"/> of the client would be.</summary>
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
