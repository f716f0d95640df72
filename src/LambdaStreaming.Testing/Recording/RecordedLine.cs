using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LambdaStreaming.Testing.Recording;

/// <summary>A line of a recording: the head (the first), a chunk, or the end (the last).</summary>
internal sealed record RecordedLine
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Since the head, in milliseconds.</summary>
    public double AfterMilliseconds { get; init; }

    public string? ExecutedVersion { get; init; }

    public string? ContentType { get; init; }

    public string? Text { get; init; }

    public string? Base64 { get; init; }

    public RecordedComplete? Complete { get; init; }

    /// <summary>Why the stream broke off.</summary>
    public string? Cut { get; init; }

    [JsonIgnore]
    public bool IsEnd => Complete is not null || Cut is not null;

    [JsonIgnore]
    public bool IsChunk => Text is not null || Base64 is not null;

    public static RecordedLine Chunk(double afterMilliseconds, byte[] payload)
    {
        try
        {
            return new() { AfterMilliseconds = afterMilliseconds, Text = StrictUtf8.GetString(payload) };
        }
        catch (DecoderFallbackException)
        {
            return new() { AfterMilliseconds = afterMilliseconds, Base64 = Convert.ToBase64String(payload) };
        }
    }

    /// <summary>Says what is wrong with a line in its place.</summary>
    /// <returns><see langword="null"/> when nothing is.</returns>
    public string? Problem(bool first)
    {
        var isHead = ExecutedVersion is not null || ContentType is not null;
        var ends = (Complete is not null ? 1 : 0) + (Cut is not null ? 1 : 0);
        if (AfterMilliseconds is < 0 or > int.MaxValue) return "afterMilliseconds is no time";
        if (first) return IsChunk || ends > 0 ? "the first line is the head" : null;
        if (isHead) return "only the head has executedVersion and contentType";
        return (IsChunk, ends, Text is not null && Base64 is not null) switch
        {
            (_, _, true) => "it has text and base64",
            (true, 0, _) or (false, 1, _) => null,
            (false, 0, _) => "it has none of text, base64, complete and cut",
            _ => "it has more than one of text, base64, complete and cut",
        };
    }

    /// <summary>Decodes what is base64.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public void Decode()
    {
        if (Base64 is not null) _ = Convert.FromBase64String(Base64);
    }

    public byte[] Payload() => Text is not null ? Encoding.UTF8.GetBytes(Text) : Convert.FromBase64String(Base64!);
}

/// <summary>The members of InvokeComplete.</summary>
internal sealed record RecordedComplete(string? ErrorCode, string? ErrorDetails, string? LogResult)
{
    public static RecordedComplete From(InvokeComplete? complete) => new(complete?.ErrorCode, complete?.ErrorDetails, complete?.LogResult);

    public InvokeComplete ToEvent() => new() { ErrorCode = ErrorCode, ErrorDetails = ErrorDetails, LogResult = LogResult };
}

[JsonSerializable(typeof(RecordedLine))]
internal sealed partial class RecordingJson : JsonSerializerContext
{
    // Texts stay legible in the file; it never goes into a page.
    public static RecordingJson Relaxed { get; } = new(new JsonSerializerOptions
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    });
}
