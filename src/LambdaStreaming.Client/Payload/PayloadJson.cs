using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Payload;

/// <summary>JSON values as they come, each as soon as its last byte is there.</summary>
internal static class PayloadJson
{
    private const int MaxExcerptLength = 200;

    public static async IAsyncEnumerator<T?> ReadAsync<T>(PayloadSegmentReader cursor, JsonTypeInfo<T> jsonTypeInfo, PayloadReadOptions options)
    {
        using var buffer = new PayloadBuffer(cursor);
        var values = new JsonValueReader<T>(buffer, jsonTypeInfo, options);
        while (true)
        {
            while (values.TryTake(out var value))
            {
                yield return value;
            }

            if (buffer.IsEnd) yield break;
            await buffer.ReadMoreAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Deserialises the one value that the whole payload is.</summary>
    public static T? Deserialize<T>(PayloadSegmentReader cursor, ReadOnlySpan<byte> payload, JsonTypeInfo<T> jsonTypeInfo)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        var start = payload.StartsWith(mark) ? mark.Length : 0;
        return Deserialize(cursor, payload[start..], start, null, jsonTypeInfo);
    }

    /// <summary>Deserialises one value of several.</summary>
    public static T? Deserialize<T>(
        PayloadSegmentReader cursor,
        ReadOnlySpan<byte> json,
        long? offset,
        long? index,
        JsonTypeInfo<T> jsonTypeInfo)
    {
        if (TryDeserialize(json, jsonTypeInfo, out var value, out var exception)) return value;
        var at = offset + (exception is null ? ValidBytes(json) : GetOffset(exception, json));
        var what = index is null ? "The payload" : $"Value {index} of the answer (counted from 0)";
        var place = at is null ? "" : $", at byte {at} of the payload";
        throw cursor.CreateFormatException(what + Fault<T>(cursor, exception, place), at, index, exception);
    }

    /// <summary>Deserialises the data of a server-sent event.</summary>
    public static T? DeserializeEvent<T>(
        PayloadSegmentReader cursor,
        ReadOnlySpan<byte> data,
        string eventType,
        long index,
        JsonTypeInfo<T> jsonTypeInfo)
    {
        if (TryDeserialize(data, jsonTypeInfo, out var value, out var exception)) return value;
        var type = cursor.Redactor.Name(eventType);
        var what = $"The data of value {index} (counted from 0), an event of type '{type}',{Fault<T>(cursor, exception, "")}";
        var text = $"{what} {nameof(PayloadFormatException.DataExcerpt)} shows its beginning.";
        throw cursor.CreateFormatException(text, null, index, exception, eventType, Excerpt(data));
    }

    // The deserializer decodes only what becomes text: members that the type does not have, and a JsonElement,
    // can contain bytes that are not UTF-8.
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

    // The path contains names of the payload.
    private static string Fault<T>(PayloadSegmentReader cursor, JsonException? exception, string place) => exception is null
        ? $" holds bytes that are no UTF-8{place}."
        : $" is no JSON of the type {typeof(T).Name}{place}, path {cursor.Redactor.Name(exception.Path)}.";

    private static string Excerpt(ReadOnlySpan<byte> data)
    {
        // One UTF-16 code unit is at most three bytes of UTF-8.
        var text = Encoding.UTF8.GetString(data[..Math.Min(data.Length, 3 * (MaxExcerptLength + 1))]);
        if (text.Length <= MaxExcerptLength) return text;
        return text[..(char.IsHighSurrogate(text[MaxExcerptLength - 1]) ? MaxExcerptLength - 1 : MaxExcerptLength)];
    }

    private static int ValidBytes(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        while (Rune.DecodeFromUtf8(bytes[count..], out _, out var length) == OperationStatus.Done) count += length;
        return count;
    }

    // The deserialiser counts lines, and bytes within one.
    private static long GetOffset(JsonException exception, ReadOnlySpan<byte> json)
    {
        var offset = 0;
        for (var line = exception.LineNumber ?? 0; line > 0 && json[offset..].IndexOf((byte)'\n') is >= 0 and var end; line--) offset += end + 1;
        return Math.Min(offset + (exception.BytePositionInLine ?? 0), json.Length);
    }

    private enum Position
    {
        Beginning,
        BeforeValue,
        AfterValue,
        AfterOpening,
        AfterArray,
    }

    private sealed class JsonValueReader<T>(PayloadBuffer buffer, JsonTypeInfo<T> jsonTypeInfo, PayloadReadOptions options)
    {
        private JsonSequenceFormat _format = options.JsonFormat;
        private Position _place = Position.Beginning;
        private JsonValueScanner _frame;
        private long _index;

        /// <summary>Takes the next value off the buffer. When there is none, either more bytes are needed or, at the end, there are no more values.</summary>
        public bool TryTake(out T? value)
        {
            value = default;
            if (!buffer.TrySkipByteOrderMark()) return false;

            // A value that has begun stands at the front, looked at as far as the frame says.
            if (_frame.Searched == 0 && !TryGoToValue()) return false;
            var end = _frame.FindEnd(buffer.Unread);
            var length = end < 0 ? buffer.Unread.Length : end;
            if (length > options.MaxValueBytes) throw CreateLimitException();
            if (end < 0 && !buffer.IsEnd) return false;
            value = Deserialize(buffer.Cursor, buffer.Unread[..length], buffer.Offset, _index, jsonTypeInfo);
            buffer.Consume(length);
            _frame = NewFrame();
            _place = Position.AfterValue;
            _index++;
            return true;
        }

        private JsonValueScanner NewFrame() => new(endsWithLine: _format == JsonSequenceFormat.Lines);

        // Goes over white space and what stands between values.
        private bool TryGoToValue()
        {
            while (true)
            {
                var unread = buffer.Unread;
                var lineEnded = SkipWhiteSpace(unread, out var skipped);
                if (lineEnded && _format == JsonSequenceFormat.Lines) _place = Position.BeforeValue;
                buffer.Consume(skipped);
                unread = buffer.Unread;
                if (unread.IsEmpty)
                {
                    if (buffer.IsEnd && _format == JsonSequenceFormat.Array && _place != Position.AfterArray) throw Unexpected("The array isn't closed: the answer ended");
                    return false;
                }

                switch (_place, _format)
                {
                    case (Position.Beginning, JsonSequenceFormat.Auto):
                        _format = unread[0] == '[' ? JsonSequenceFormat.Array : JsonSequenceFormat.Concatenated;
                        continue;
                    case (Position.Beginning, JsonSequenceFormat.Array):
                        if (unread[0] != '[') throw Unexpected("An array was expected, but the answer doesn't begin with '['");
                        buffer.Consume(1);
                        _place = Position.AfterOpening;
                        continue;
                    case (Position.AfterOpening, _) when unread[0] == ']':
                    case (Position.AfterValue, JsonSequenceFormat.Array) when unread[0] == ']':
                    case (Position.BeforeValue, JsonSequenceFormat.Array) when unread[0] == ']' && jsonTypeInfo.Options.AllowTrailingCommas:
                        buffer.Consume(1);
                        _place = Position.AfterArray;
                        continue;
                    case (Position.AfterValue, JsonSequenceFormat.Array) when unread[0] == ',':
                        buffer.Consume(1);
                        _place = Position.BeforeValue;
                        continue;
                    case (Position.AfterValue, JsonSequenceFormat.Array):
                        throw Unexpected("Between two elements of the array a comma was expected");
                    case (Position.AfterArray, _):
                        throw Unexpected($"After the array's end nothing was expected. If each value is an array, set {nameof(PayloadReadOptions.JsonFormat)} to {nameof(JsonSequenceFormat.Lines)} or {nameof(JsonSequenceFormat.Concatenated)}. More came");
                    case (Position.AfterValue, JsonSequenceFormat.Lines):
                        throw Unexpected("After a value its line's end was expected");
                    default:
                        _frame = NewFrame();
                        return true;
                }
            }
        }

        private static bool SkipWhiteSpace(ReadOnlySpan<byte> bytes, out int count)
        {
            count = bytes.IndexOfAnyExcept(" \t\r\n"u8);
            if (count < 0) count = bytes.Length;
            return bytes[..count].Contains((byte)'\n');
        }

        private PayloadFormatException Unexpected(string what) => buffer.Cursor.CreateFormatException($"{what}, at byte {buffer.Offset} of the payload, after {_index} values.", buffer.Offset, _index);

        private PayloadLimitExceededException CreateLimitException() => buffer.Cursor.CreateLimitException($"Value {_index} of the answer", nameof(PayloadReadOptions.MaxValueBytes), options.MaxValueBytes, buffer.Offset);
    }
}
