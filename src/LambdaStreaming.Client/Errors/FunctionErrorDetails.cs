using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Errors;

/// <summary>Parses the known members of <see cref="InvokeComplete.ErrorDetails"/>.</summary>
/// <remarks>Parsing is lenient, because runtimes write different formats, including text that is not JSON.</remarks>
internal static class FunctionErrorDetails
{
    /// <summary>Maximum length of details. Longer details are truncated and not parsed.</summary>
    public const int MaxLength = 256 * 1024;

    private const int MaxLines = 256;
    private const int MaxLineLength = 1024;

    public static (string? Type, string? Message, IReadOnlyList<string> StackTrace) Parse(string? details)
    {
        (string?, string?, IReadOnlyList<string>) nothing = (null, null, []);
        if (details is null || details.Length > MaxLength) return nothing;
        try
        {
            string? type = null, message = null;
            string[]? stackTrace = null, trace = null;
            var json = new LenientJson(Encoding.UTF8.GetBytes(details));
            while (json.TryReadMember(out var name, out var value))
            {
                if (name.SequenceEqual("errorType"u8)) type = GetText(value);
                else if (name.SequenceEqual("errorMessage"u8)) message = GetText(value);
                else if (name.SequenceEqual("stackTrace"u8)) stackTrace = GetLines(value);
                else if (name.SequenceEqual("trace"u8)) trace = GetLines(value);
            }

            return (type, message, stackTrace ?? trace ?? []);
        }
        catch (JsonException)
        {
            return nothing;
        }
    }

    /// <summary>Gets the text for people: <c>errorMessage</c>, or details that are not a JSON object.</summary>
    public static string? GetText(string? details) =>
        Parse(details).Message
        ?? (details.AsSpan().TrimStart() is [not '{', ..] ? details : null);

    private static string? GetText(ReadOnlySpan<byte> value) =>
        LenientJson.IsString(value) ? LenientJson.GetText(value) : null;

    private static string[]? GetLines(ReadOnlySpan<byte> value)
    {
        if (LenientJson.IsString(value))
            return [.. LenientJson.GetText(value)!.Split('\n', MaxLines + 1).Take(MaxLines).Select(Shorten)];

        var json = new LenientJson(value);
        if (json.Kind != JsonTokenType.StartArray) return null;
        List<string> lines = [];
        while (lines.Count < MaxLines && json.TryReadElement(out var line))
            lines.Add(LenientJson.GetText(line, MaxLineLength) ?? "");
        return [.. lines];
    }

    private static string Shorten(string line) =>
        line.Length > MaxLineLength ? LenientJson.Truncate(line, MaxLineLength) : line;
}
