using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace LambdaStreaming.Testing.Http;

/// <summary>Validates JSON as the service does, and creates JSON objects.</summary>
internal static class JsonText
{
    // The service does not have a known depth limit. Utf8JsonReader does not recurse; it stores one bit per level.
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    private static readonly JsonWriterOptions RelaxedEscaping =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Creates a JSON object.</summary>
    public static byte[] CreateObject(Action<Utf8JsonWriter> writeMembers)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes, RelaxedEscaping))
        {
            json.WriteStartObject();
            writeMembers(json);
            json.WriteEndObject();
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>Checks that bytes are one JSON value in UTF-8.</summary>
    /// <returns>A description of the problem, or <see langword="null"/> if the JSON is valid.</returns>
    public static string? FindProblem(ReadOnlySpan<byte> json)
    {
        // Checked separately, because Utf8JsonReader does not validate the bytes of strings.
        if (!Utf8.IsValid(json)) return DescribeInvalidUtf8(json);
        try
        {
            var reader = new Utf8JsonReader(json, AnyDepth);
            while (reader.Read())
            {
            }

            return null;
        }
        catch (JsonException exception)
        {
            return exception.Message;
        }
    }

    public static bool IsObject(ReadOnlySpan<byte> json) =>
        FindProblem(json) is null && json.TrimStart(" \t\r\n"u8)[0] == '{';

    /// <summary>Converts valid JSON to printable ASCII without line breaks, for an HTTP header.</summary>
    public static string ToAsciiLine(string json)
    {
        var line = new StringBuilder(json.Length);
        foreach (var character in json)
        {
            // In valid JSON, control characters occur only as whitespace between tokens.
            if (character < ' ') line.Append(' ');
            else if (character <= '~') line.Append(character);
            else line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
        }

        return line.ToString();
    }

    // Source of the wording: awsdocs/aws-lambda-developer-guide#382 ("Invalid UTF-8 start byte 0x97") and
    // aws-samples/aws-waf-ipset-auto-update-aws-ip-ranges#1 ("Invalid UTF-8 middle byte 0x28").
    private static string DescribeInvalidUtf8(ReadOnlySpan<byte> json)
    {
        for (var offset = 0; ;)
        {
            var status = Rune.DecodeFromUtf8(json[offset..], out _, out var length);
            if (status == OperationStatus.NeedMoreData)
                return $"Unexpected end of input in the UTF-8 character at byte {offset}";
            if (status == OperationStatus.InvalidData)
            {
                var isStartByte = json[offset] is not (>= 0xC2 and <= 0xF4);
                var invalid = isStartByte ? offset : offset + length;
                var kind = isStartByte ? "start" : "middle";
                return $"Invalid UTF-8 {kind} byte 0x{json[invalid]:x2} at byte {invalid}";
            }

            offset += length;
        }
    }
}
