using System.Net;

namespace LambdaStreaming;

/// <summary>The head of an answer that a test makes up, for <see cref="InvokeWithResponseStreamResponse"/>'s <c>Create</c> methods.</summary>
public sealed record ResponseStreamHead
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

    internal HttpResponseMessage ToMessage()
    {
        var message = new HttpResponseMessage(StatusCode) { Content = new ByteArrayContent([]) };
        if (RequestId.Length > 0) message.Headers.TryAddWithoutValidation("x-amzn-RequestId", RequestId);
        if (ExecutedVersion is not null) message.Headers.TryAddWithoutValidation("X-Amz-Executed-Version", ExecutedVersion);
        if (ResponseStreamContentType is not null) message.Content.Headers.TryAddWithoutValidation("Content-Type", ResponseStreamContentType);
        foreach (var (name, value) in Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value)) message.Content.Headers.TryAddWithoutValidation(name, value);
        }

        return message;
    }
}
