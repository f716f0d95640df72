using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Payload;

/// <summary>Deserializes JSON, and describes JSON that is not valid.</summary>
internal static class PayloadJson
{
    private const int MaxExcerptLength = 200;

    /// <summary>Deserializes a payload that is one value.</summary>
    public static T? Deserialize<T>(
        PayloadSegmentReader segments,
        ReadOnlySpan<byte> payload,
        JsonTypeInfo<T> jsonTypeInfo)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        var start = payload.StartsWith(mark) ? mark.Length : 0;
        return Deserialize(segments, payload[start..], start, null, jsonTypeInfo);
    }

    /// <summary>Deserializes one of several values, or the payload if <paramref name="index"/> is null.</summary>
    public static T? Deserialize<T>(
        PayloadSegmentReader segments,
        ReadOnlySpan<byte> json,
        long? offset,
        long? index,
        JsonTypeInfo<T> jsonTypeInfo)
    {
        if (TryDeserialize(json, jsonTypeInfo, out var value, out var exception)) return value;
        var errorOffset = offset + exception switch
        {
            null => ValidUtf8.CountBytes(json),
            JsonException invalid => GetOffset(invalid, json),
            _ => 0,
        };
        var subject = index is null ? "The payload" : $"Value {index} (zero-based)";
        var text = $"{subject} {DescribeError<T>(segments, exception, errorOffset)}";
        throw segments.CreateFormatException(text, errorOffset, index, exception);
    }

    /// <summary>Deserializes the data of a server-sent event.</summary>
    public static T? DeserializeEvent<T>(
        PayloadSegmentReader segments,
        ReadOnlySpan<byte> data,
        string eventType,
        long index,
        JsonTypeInfo<T> jsonTypeInfo)
    {
        if (TryDeserialize(data, jsonTypeInfo, out var value, out var exception)) return value;
        var type = segments.Redactor.Name(eventType);
        var text = $"The data of value {index} (zero-based), an event of type '{type}', "
            + $"{DescribeError<T>(segments, exception, offset: null)} "
            + $"{nameof(PayloadFormatException.DataExcerpt)} has its beginning.";
        throw segments.CreateFormatException(text, null, index, exception, eventType, CreateExcerpt(data));
    }

    // Validates all bytes, because the deserializer validates UTF-8 only in values that become strings. Members that
    // the type does not have, and a JsonElement, can contain invalid UTF-8.
    private static bool TryDeserialize<T>(
        ReadOnlySpan<byte> json,
        JsonTypeInfo<T> jsonTypeInfo,
        out T? value,
        out Exception? exception)
    {
        (value, exception) = (default, null);
        try
        {
            value = JsonSerializer.Deserialize(json, jsonTypeInfo);
            return Ascii.IsValid(json) || Utf8.IsValid(json);
        }
        catch (Exception thrown) when (thrown is JsonException or NotSupportedException)
        {
            // A NotSupportedException can also be due to the payload: JSON without the type discriminator of an
            // abstract type. Only the message differs from that of a type that is not supported.
            exception = thrown;
            return false;
        }
    }

    private static string DescribeError<T>(PayloadSegmentReader segments, Exception? exception, long? offset)
    {
        var problem = exception is null ? "contains invalid UTF-8" : $"could not be deserialized as {typeof(T).Name}";
        List<string> place = [];
        if (offset is not null) place.Add($"payload byte {offset}");

        // The path can contain member names from the payload. They are external text, so they are redacted.
        if (exception is JsonException invalid) place.Add($"path {segments.Redactor.Name(invalid.Path)}");
        return place.Count == 0 ? $"{problem}." : $"{problem} ({string.Join(", ", place)}).";
    }

    private static string CreateExcerpt(ReadOnlySpan<byte> data)
    {
        // A UTF-16 code unit corresponds to at most three bytes of UTF-8.
        var text = Encoding.UTF8.GetString(data[..Math.Min(data.Length, 3 * (MaxExcerptLength + 1))]);
        if (text.Length <= MaxExcerptLength) return text;
        return text[..(char.IsHighSurrogate(text[MaxExcerptLength - 1]) ? MaxExcerptLength - 1 : MaxExcerptLength)];
    }

    // Converts the line number of a JsonException, and its byte position in that line, to an offset.
    private static long GetOffset(JsonException exception, ReadOnlySpan<byte> json)
    {
        var offset = 0;
        for (var line = exception.LineNumber ?? 0; line > 0; line--)
        {
            var end = json[offset..].IndexOf((byte)'\n');
            if (end < 0) break;
            offset += end + 1;
        }

        return Math.Min(offset + (exception.BytePositionInLine ?? 0), json.Length);
    }
}
