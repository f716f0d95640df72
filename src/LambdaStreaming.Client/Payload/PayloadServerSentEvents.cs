using System.Buffers;
using System.Globalization;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace LambdaStreaming.Payload;

/// <summary>Reads server-sent events as they arrive, each as soon as the empty line that ends it is received.</summary>
/// <remarks>
/// A block is the lines up to an empty line. Only a block with data is an event.
/// Source: HTML standard, 9.2.6, "Interpreting an event stream".
/// <see cref="SseParser"/> is not used, for three reasons. It has no size limit. It waits for the byte after a carriage
/// return, which delays the event. It applies the type of a block without data to the next event.
/// </remarks>
internal static class PayloadServerSentEvents
{
    public static IAsyncEnumerator<SseItem<string>> ReadAsync(
        PayloadSegmentReader segments,
        PayloadReadOptions options) =>
        ReadAsync(segments, options, static (_, data) => (true, Encoding.UTF8.GetString(data)));

    public static IAsyncEnumerator<SseItem<T?>> ReadAsync<T>(
        PayloadSegmentReader segments,
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions options)
    {
        long index = 0;
        return ReadAsync<T?>(segments, options, Deserialize);

        // Skips [DONE], the end mark of language model APIs. Skips events with empty data: keep-alive events, and the
        // first event of a Model Context Protocol stream, which has only an id.
        // Source: Model Context Protocol specification, 2025-11-25, Transports, "Sending Messages to the Server", item
        // 6.
        (bool HasValue, T? Value) Deserialize(string type, ReadOnlySpan<byte> data)
        {
            if (!data.ContainsAnyExcept(" \t\n"u8) || data.SequenceEqual("[DONE]"u8)) return default;
            return (true, PayloadJson.DeserializeEvent(segments, data, type, index++, jsonTypeInfo));
        }
    }

    private static async IAsyncEnumerator<SseItem<T>> ReadAsync<T>(
        PayloadSegmentReader segments,
        PayloadReadOptions options,
        SseItemParser<(bool HasValue, T Value)> parse)
    {
        using var buffer = new PayloadBuffer(segments);
        var events = new EventReader<T>(buffer, options.MaxEventBytes, parse);
        while (true)
        {
            while (events.TryTake(out var item)) yield return item;

            if (buffer.IsEnd) yield break;
            await buffer.ReadMoreAsync().ConfigureAwait(false);
        }
    }

    private sealed class EventReader<T>(
        PayloadBuffer buffer,
        int maxEventBytes,
        SseItemParser<(bool HasValue, T Value)> parse)
    {
        private readonly ArrayBufferWriter<byte> _data = new();
        private bool _hasData;
        private string _type = SseParser.EventTypeDefault;
        private string? _id;
        private TimeSpan? _reconnectionInterval;

        private int _searched;
        private bool _isAfterCarriageReturn;
        private bool _isFirstLine = true;
        private long _eventStart;
        private long _eventBytes;

        public bool TryTake(out SseItem<T> item)
        {
            item = default;
            if (!buffer.TrySkipByteOrderMark()) return false;
            while (TryTakeLine(out var line))
            {
                _isFirstLine = line.IsEmpty;
                if (!_isFirstLine) AddField(line);
                else if (TryEndEvent(out item)) return true;
            }

            return false;
        }

        private bool TryTakeLine(out ReadOnlySpan<byte> line)
        {
            if (_isAfterCarriageReturn && !buffer.Unread.IsEmpty)
            {
                _isAfterCarriageReturn = false;
                if (buffer.Unread[0] == '\n') buffer.Consume(1);
            }

            if (_isFirstLine) _eventStart = buffer.Offset;
            var unread = buffer.Unread;
            var end = unread[_searched..].IndexOfAny((byte)'\r', (byte)'\n');
            _searched = end < 0 ? unread.Length : _searched + end;
            line = unread[.._searched];

            // Comments do not add to the size of the event, because servers send them for hours to keep an idle
            // connection open. The limit still applies to each comment line alone.
            var isComment = line.StartsWith(":"u8);
            if (line.Length + (isComment ? 0 : _eventBytes) > maxEventBytes) throw CreateLimitException(isComment);
            if (end < 0) return false;

            if (!isComment) _eventBytes += line.Length;
            _isAfterCarriageReturn = unread[_searched] == '\r';
            buffer.Consume(_searched + 1);
            _searched = 0;
            return true;
        }

        private void AddField(ReadOnlySpan<byte> line)
        {
            var colon = line.IndexOf((byte)':');
            var name = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? default : line[(colon + 1)..];
            if (value.StartsWith(" "u8)) value = value[1..];

            if (name.SequenceEqual("data"u8))
            {
                if (_hasData) _data.Write("\n"u8);
                _data.Write(value);
                _hasData = true;
            }
            else if (name.SequenceEqual("event"u8))
            {
                _type = value.IsEmpty ? SseParser.EventTypeDefault : Encoding.UTF8.GetString(value);
            }
            else if (name.SequenceEqual("id"u8))
            {
                if (!value.Contains((byte)0)) _id = Encoding.UTF8.GetString(value);
            }
            else if (name.SequenceEqual("retry"u8)
                && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9') // .NET would also accept NUL bytes at the end.
                && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
                && milliseconds <= TimeSpan.MaxValue.TotalMilliseconds)
            {
                _reconnectionInterval = TimeSpan.FromMilliseconds(milliseconds);
            }
        }

        // Id and reconnection time of a block without data, or of a skipped event, apply to the next event. The type of
        // such a block does not.
        private bool TryEndEvent(out SseItem<T> item)
        {
            var (hasValue, value) = _hasData ? parse(_type, _data.WrittenSpan) : default;
            item = new(value, _type) { EventId = _id, ReconnectionInterval = _reconnectionInterval };
            if (hasValue) (_id, _reconnectionInterval) = (null, null);
            (_hasData, _type, _eventBytes) = (false, SseParser.EventTypeDefault, 0);
            _data.ResetWrittenCount();
            return hasValue;
        }

        private PayloadLimitExceededException CreateLimitException(bool isComment) =>
            buffer.Segments.CreateLimitException(
                isComment ? "A comment" : "An event",
                nameof(PayloadReadOptions.MaxEventBytes),
                maxEventBytes,
                isComment ? buffer.Offset : _eventStart);
    }
}
