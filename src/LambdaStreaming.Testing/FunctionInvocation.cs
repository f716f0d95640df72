using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LambdaStreaming.Testing;

/// <summary>An invocation of a function of the local server.</summary>
public sealed class FunctionInvocation
{
    internal FunctionInvocation()
    {
    }

    /// <summary>The operation that the client called.</summary>
    public LambdaOperation Operation { get; init; }

    /// <summary>The id of this invocation. The client receives the same id.</summary>
    public required string RequestId { get; init; }

    /// <summary>The function's name without account and qualifier, even if the request contains an ARN.</summary>
    public required string FunctionName { get; init; }

    /// <summary>The requested alias or version, from the query or from the end of the name.</summary>
    /// <value><see langword="null"/> if the request does not contain one.</value>
    public string? Qualifier { get; init; }

    /// <summary>The version that runs. The client receives it as the executed version.</summary>
    public required string ExecutedVersion { get; init; }

    /// <summary>The request body.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The header <c>X-Amz-Invocation-Type</c>.</summary>
    /// <value>
    /// Default: <c>RequestResponse</c>. <c>Event</c> if the client does not wait for the function, which only
    /// <see cref="LambdaOperation.Invoke"/> allows. A <c>DryRun</c> does not run the function.
    /// </value>
    public required string InvocationType { get; init; }

    /// <summary>The header <c>X-Amz-Log-Type</c>.</summary>
    /// <value><c>None</c> or <c>Tail</c>; default: <c>None</c>.</value>
    public required string LogType { get; init; }

    /// <summary>The header <c>X-Amz-Client-Context</c>, as sent: a JSON object in base64.</summary>
    /// <value><see langword="null"/> without this header, and for the invocation type <c>Event</c>.</value>
    public string? ClientContext { get; init; }

    /// <summary>The header <c>X-Amz-Tenant-Id</c>.</summary>
    public string? TenantId { get; init; }

    /// <summary>The time at which the function times out.</summary>
    public DateTimeOffset Deadline { get; init; }

    /// <summary>All request headers. Names are case-insensitive; repeated headers are joined with a comma.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>Whether the response contains the last lines of the function's log.</summary>
    internal bool WantsLogTail => LogType == "Tail";

    /// <summary>A task that completes when the function has ended, even if its client disconnected earlier.</summary>
    internal Task Completion { get; set; } = Task.CompletedTask;

    /// <summary>Decodes the payload as UTF-8 text.</summary>
    public string PayloadAsString() => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>Deserializes the payload as a JSON value.</summary>
    /// <param name="jsonTypeInfo">The source-generated metadata of <typeparamref name="T"/>.</param>
    /// <exception cref="JsonException">
    /// The payload is not valid JSON or not a value of type <typeparamref name="T"/>.
    /// </exception>
    public T? PayloadFromJson<T>(JsonTypeInfo<T> jsonTypeInfo) =>
        JsonSerializer.Deserialize(Payload.Span, jsonTypeInfo);
}
