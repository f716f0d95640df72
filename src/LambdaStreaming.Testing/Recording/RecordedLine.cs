using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace LambdaStreaming.Testing.Recording;

/// <summary>A line of a recording: the metadata (first line), a chunk, or the end (last line).</summary>
internal sealed record RecordedLine
{
    /// <summary>The time since the response headers, in milliseconds.</summary>
    public double AfterMilliseconds { get; init; }

    public string? ExecutedVersion { get; init; }

    public string? ContentType { get; init; }

    public string? Text { get; init; }

    public string? Base64 { get; init; }

    public RecordedComplete? Complete { get; init; }

    /// <summary>The message of the exception that ended an incomplete stream.</summary>
    public string? Truncated { get; init; }

    [JsonIgnore]
    public bool IsEnd => Complete is not null || Truncated is not null;

    [JsonIgnore]
    public bool IsChunk => Text is not null || Base64 is not null;

    public static RecordedLine CreateChunk(double afterMilliseconds, byte[] payload) => Utf8.IsValid(payload)
        ? new() { AfterMilliseconds = afterMilliseconds, Text = Encoding.UTF8.GetString(payload) }
        : new() { AfterMilliseconds = afterMilliseconds, Base64 = Convert.ToBase64String(payload) };

    /// <summary>Checks that a line has only the fields that are valid at its position.</summary>
    /// <returns>A description of the problem, or <see langword="null"/> if the line is valid.</returns>
    public string? FindProblem(bool isFirst)
    {
        var isMetadata = ExecutedVersion is not null || ContentType is not null;
        var ends = (Complete is not null ? 1 : 0) + (Truncated is not null ? 1 : 0);
        if (AfterMilliseconds is < 0 or > int.MaxValue)
            return $"afterMilliseconds must be between 0 and {int.MaxValue}";
        if (isFirst) return IsChunk || ends > 0 ? "the first line must be the metadata" : null;
        if (isMetadata) return "executedVersion and contentType are valid only in the first line";
        return (IsChunk, ends, Text is not null && Base64 is not null) switch
        {
            (_, _, true) => "it has both text and base64",
            (true, 0, _) or (false, 1, _) => null,
            (false, 0, _) => "it must have one of text, base64, complete and truncated",
            _ => "it has more than one of text, base64, complete and truncated",
        };
    }

    /// <summary>Checks that <see cref="Base64"/> can be decoded.</summary>
    /// <exception cref="FormatException">The value is not valid base64.</exception>
    public void ValidateBase64()
    {
        if (Base64 is not null) _ = Convert.FromBase64String(Base64);
    }

    public byte[] GetPayload() =>
        Text is not null ? Encoding.UTF8.GetBytes(Text) : Convert.FromBase64String(Base64!);
}

/// <summary>The fields of <c>InvokeComplete</c>.</summary>
internal sealed record RecordedComplete(string? ErrorCode, string? ErrorDetails, string? LogResult)
{
    public static RecordedComplete From(InvokeComplete? complete) =>
        new(complete?.ErrorCode, complete?.ErrorDetails, complete?.LogResult);

    public InvokeComplete ToEvent() =>
        new() { ErrorCode = ErrorCode, ErrorDetails = ErrorDetails, LogResult = LogResult };
}

[JsonSerializable(typeof(RecordedLine))]
internal sealed partial class RecordingJson : JsonSerializerContext
{
    // Relaxed escaping keeps texts readable. It is safe because the file is not embedded in HTML.
    public static RecordingJson Relaxed { get; } = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    });
}
