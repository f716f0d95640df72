using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace LambdaStreaming.Testing;

/// <summary>What a function of the local server is called with.</summary>
public sealed class FunctionInvocation
{
    internal FunctionInvocation()
    {
    }

    /// <summary>The id of this invocation; the client sees the same one.</summary>
    public required string RequestId { get; init; }

    /// <summary>The function's bare name, whichever form (ARN, name with qualifier) the request had.</summary>
    public required string FunctionName { get; init; }

    /// <summary>The alias or version that was asked for, in the query or as the end of the name.</summary>
    /// <value><see langword="null"/> when none was.</value>
    public string? Qualifier { get; init; }

    /// <summary>The version that runs; the client sees it as executed version.</summary>
    public required string ExecutedVersion { get; init; }

    /// <summary>The bytes of the request's body.</summary>
    public ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>The header <c>X-Amz-Invocation-Type</c>.</summary>
    /// <value>Default: <c>RequestResponse</c>. A <c>DryRun</c> never reaches a function.</value>
    public required string InvocationType { get; init; }

    /// <summary>The header <c>X-Amz-Log-Type</c>.</summary>
    /// <value><c>None</c> or <c>Tail</c>; default: <c>None</c>.</value>
    public required string LogType { get; init; }

    /// <summary>The header <c>X-Amz-Client-Context</c>, as sent: base64 of a JSON object.</summary>
    public string? ClientContext { get; init; }

    /// <summary>The header <c>X-Amz-Tenant-Id</c>.</summary>
    public string? TenantId { get; init; }

    /// <summary>When the function's time is over.</summary>
    public DateTimeOffset Deadline { get; init; }

    /// <summary>All headers of the request; names in any case, repeated ones joined with a comma.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>Ends when a function that runs on without its client has ended.</summary>
    internal Task Completion { get; set; } = Task.CompletedTask;

    /// <summary>The payload as UTF-8 text.</summary>
    public string PayloadAsString() => Encoding.UTF8.GetString(Payload.Span);

    /// <summary>The payload as a JSON value.</summary>
    /// <param name="jsonTypeInfo">The source-generated description of <typeparamref name="T"/>.</param>
    /// <exception cref="JsonException">The payload is no such value.</exception>
    public T? PayloadFromJson<T>(JsonTypeInfo<T> jsonTypeInfo) => JsonSerializer.Deserialize(Payload.Span, jsonTypeInfo);
}
