using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Payload;

/// <summary>Reads JSON values as they arrive, each as soon as its end is known.</summary>
internal static class PayloadJson
{
    private const int MaxExcerptLength = 200;

    private enum Position
    {
        Beginning,
        BeforeValue,
        AfterValue,
        AfterOpening,
        AfterArray,
    }

    public static async IAsyncEnumerator<T?> ReadAsync<T>(
        PayloadSegmentReader segments,
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions options)
    {
        using var buffer = new PayloadBuffer(segments);
        var values = new JsonValueReader<T>(buffer, jsonTypeInfo, options);
        while (true)
        {
            while (values.TryTake(out var value)) yield return value;

            if (buffer.IsEnd) yield break;
            await buffer.ReadMoreAsync().ConfigureAwait(false);
        }
    }

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
        var errorOffset = offset + (exception is null ? CountValidBytes(json) : GetOffset(exception, json));
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
        out JsonException? exception)
    {
        (value, exception) = (default, null);
        try
        {
            value = JsonSerializer.Deserialize(json, jsonTypeInfo);
            return Utf8.IsValid(json);
        }
        catch (JsonException thrown)
        {
            exception = thrown;
            return false;
        }
    }

    // The path can contain member names from the payload. They are external text, so they are redacted.
    private static string DescribeError<T>(PayloadSegmentReader segments, JsonException? exception, long? offset)
    {
        if (exception is null)
            return offset is null ? "contains invalid UTF-8." : $"contains invalid UTF-8 (payload byte {offset}).";

        var place = offset is null ? "" : $"payload byte {offset}, ";
        return $"could not be deserialized as {typeof(T).Name} ({place}path {segments.Redactor.Name(exception.Path)}).";
    }

    private static string CreateExcerpt(ReadOnlySpan<byte> data)
    {
        // A UTF-16 code unit corresponds to at most three bytes of UTF-8.
        var text = Encoding.UTF8.GetString(data[..Math.Min(data.Length, 3 * (MaxExcerptLength + 1))]);
        if (text.Length <= MaxExcerptLength) return text;
        return text[..(char.IsHighSurrogate(text[MaxExcerptLength - 1]) ? MaxExcerptLength - 1 : MaxExcerptLength)];
    }

    private static int CountValidBytes(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        while (Rune.DecodeFromUtf8(bytes[count..], out _, out var length) == OperationStatus.Done) count += length;
        return count;
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

    private sealed class JsonValueReader<T>(
        PayloadBuffer buffer,
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions options)
    {
        private JsonSequenceFormat _format = options.JsonFormat;
        private Position _position = Position.Beginning;
        private JsonValueScanner _scanner;
        private long _index;

        /// <summary>Takes the next value from the buffer.</summary>
        /// <returns>
        /// False if more bytes are needed; at the end of the payload, false if there are no more values.
        /// </returns>
        public bool TryTake(out T? value)
        {
            value = default;
            if (!buffer.TrySkipByteOrderMark()) return false;

            // If the scanner has already examined bytes, the buffer begins with an incomplete value: do not skip
            // separators again.
            if (_scanner.Searched == 0 && !TrySkipToValue()) return false;
            var end = _scanner.FindEnd(buffer.Unread);
            var length = end < 0 ? buffer.Unread.Length : end;
            if (length > options.MaxValueBytes) throw CreateLimitException();
            if (end < 0 && !buffer.IsEnd) return false;
            value = Deserialize(buffer.Segments, buffer.Unread[..length], buffer.Offset, _index, jsonTypeInfo);
            buffer.Consume(length);
            _scanner = CreateScanner();
            _position = Position.AfterValue;
            _index++;
            return true;
        }

        private JsonValueScanner CreateScanner() => new(endsWithLine: _format == JsonSequenceFormat.Lines);

        private bool TrySkipToValue()
        {
            while (true)
            {
                SkipWhiteSpace();
                if (buffer.Unread.IsEmpty)
                {
                    if (buffer.IsEnd) ThrowIfArrayIsOpen();
                    return false;
                }

                if (TrySkipSeparator(buffer.Unread[0])) continue;
                _scanner = CreateScanner();
                return true;
            }
        }

        private void SkipWhiteSpace()
        {
            var unread = buffer.Unread;
            var count = unread.IndexOfAnyExcept(" \t\r\n"u8);
            if (count < 0) count = unread.Length;
            var hasLineEnd = unread[..count].Contains((byte)'\n');
            if (hasLineEnd && _format == JsonSequenceFormat.Lines) _position = Position.BeforeValue;
            buffer.Consume(count);
        }

        // Returns false if the next byte belongs to a value. Otherwise, skips the separator or determines the format.
        private bool TrySkipSeparator(byte next)
        {
            switch (_position, _format)
            {
                case (Position.Beginning, JsonSequenceFormat.Auto):
                    _format = next == '[' ? JsonSequenceFormat.Array : JsonSequenceFormat.Concatenated;
                    return true;
                case (Position.Beginning, JsonSequenceFormat.Array) when next == '[':
                    Skip(Position.AfterOpening);
                    return true;
                case (Position.AfterOpening, _) when next == ']':
                case (Position.AfterValue, JsonSequenceFormat.Array) when next == ']':
                case (Position.BeforeValue, JsonSequenceFormat.Array) when next == ']' && AllowsTrailingCommas:
                    Skip(Position.AfterArray);
                    return true;
                case (Position.AfterValue, JsonSequenceFormat.Array) when next == ',':
                    Skip(Position.BeforeValue);
                    return true;
                case (Position.Beginning, JsonSequenceFormat.Array):
                    throw CreateFormatException("Expected '[' at the beginning of a JSON array");
                case (Position.AfterValue, JsonSequenceFormat.Array):
                    throw CreateFormatException("Expected ',' or ']' after an element of the JSON array");
                case (Position.AfterArray, _):
                    throw CreateFormatException("Unexpected data after the end of the JSON array", SeveralArraysAdvice);
                case (Position.AfterValue, JsonSequenceFormat.Lines):
                    throw CreateFormatException("Expected a line end after the JSON value");
                default:
                    return false;
            }
        }

        private bool AllowsTrailingCommas => jsonTypeInfo.Options.AllowTrailingCommas;

        private static string SeveralArraysAdvice =>
            $" If each value is an array, set {nameof(PayloadReadOptions.JsonFormat)} to "
            + $"{nameof(JsonSequenceFormat.Lines)} or {nameof(JsonSequenceFormat.Concatenated)}.";

        private void Skip(Position newPosition)
        {
            buffer.Consume(1);
            _position = newPosition;
        }

        private void ThrowIfArrayIsOpen()
        {
            if (_format == JsonSequenceFormat.Array && _position != Position.AfterArray)
                throw CreateFormatException("The payload ended before the end of the JSON array");
        }

        private PayloadFormatException CreateFormatException(string problem, string advice = "")
        {
            var values = ExceptionMessages.Count(_index, "value");
            return buffer.Segments.CreateFormatException(
                $"{problem} (payload byte {buffer.Offset}, after {values}).{advice}",
                buffer.Offset,
                _index);
        }

        private PayloadLimitExceededException CreateLimitException() => buffer.Segments.CreateLimitException(
            $"Value {_index} (zero-based)",
            nameof(PayloadReadOptions.MaxValueBytes),
            options.MaxValueBytes,
            buffer.Offset);
    }
}
