using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>Server-sent events by System.Net.ServerSentEvents. What it lacks stands before it: a limit, and three points of the standard.</summary>
internal static class PayloadServerSentEvents
{
    public static async IAsyncEnumerator<SseItem<string>> ReadAsync(PayloadCursor cursor, PayloadReadOptions options)
    {
        using var _ = cursor;
        using var stream = new LimitedEventStream(cursor, options);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync().ConfigureAwait(false))
        {
            yield return item.EventType.Length > 0 ? item : new SseItem<string>(item.Data, null) { EventId = item.EventId, ReconnectionInterval = item.ReconnectionInterval };
        }
    }

    public static async IAsyncEnumerator<SseItem<T?>> ReadAsync<T>(PayloadCursor cursor, JsonTypeInfo<T> jsonTypeInfo, PayloadReadOptions options)
    {
        using var _ = cursor;
        using var stream = new LimitedEventStream(cursor, options);
        long index = 0;
        var parser = SseParser.Create(stream, (type, data) => HasValue(data) ? (IsValue: true, Value: Deserialize(type, data)) : default);
        await foreach (var item in parser.EnumerateAsync().ConfigureAwait(false))
        {
            if (item.Data.IsValue) yield return new SseItem<T?>(item.Data.Value, item.EventType.Length > 0 ? item.EventType : null) { EventId = item.EventId, ReconnectionInterval = item.ReconnectionInterval };
        }

        T? Deserialize(string type, ReadOnlySpan<byte> data)
        {
            var eventType = type.Length > 0 ? type : SseParser.EventTypeDefault;
            var value = PayloadJson.DeserializeEvent(cursor, data, eventType, index, jsonTypeInfo);
            index++;
            return value;
        }
    }

    // Keep-alive events have empty data, and so has the first event of a stream of the Model Context Protocol, which only
    // has an id. Source: its specification of 2025-11-25, Transports, "Sending Messages to the Server", item 6.
    private static bool HasValue(ReadOnlySpan<byte> data) =>
        data.ContainsAnyExcept(" \t\n"u8) && !data.SequenceEqual("[DONE]"u8);

    /// <summary>The payload as the parser reads it, up to the first event that is too long.</summary>
    /// <remarks>
    /// Source: HTML standard, 9.2.6, "Interpreting an event stream". An event ends with its empty line: every line end is passed on as LF at once, since behind a CR the parser waits
    /// for the next byte. The end of a block without data takes its type back, which the parser would give to the next event: there the type is emptied. An empty type is <c>message</c>:
    /// what the parser then gives as empty, the readers above leave to the default.
    /// </remarks>
    private sealed class LimitedEventStream(PayloadCursor cursor, PayloadReadOptions options) : ForwardStream
    {
        private const int NameBytes = 6;

        private static readonly byte[] EmptyType = "event\n"u8.ToArray();

        // The line's first bytes, as many as tell "data" and "event" from other fields.
        private readonly byte[] _name = new byte[NameBytes];
        private int _nameLength;
        private bool _hasData;
        private bool _hasType;

        private ReadOnlyMemory<byte> _inserted;
        private ReadOnlyMemory<byte> _unread;
        private PayloadLimitExceededException? _tooLong;
        private long _offset;
        private long _lineStart;
        private long _eventStart;

        // Of the lines before the current one; comments, which keep a quiet connection open for hours, don't count.
        private long _eventBytes;
        private bool _isComment;
        private bool _afterCarriageReturn;

        private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                // What came before the bytes that are too many was parsed by now.
                if (_tooLong is not null) throw _tooLong;
                if (_unread.IsEmpty && _inserted.IsEmpty)
                {
                    if (!await cursor.MoveNextAsync().ConfigureAwait(false)) return 0;
                    _unread = cursor.Current;
                }

                // Nothing, where all that came is the line feed behind a carriage return.
                if (Pass(buffer.Span) is > 0 and var count) return count;
            }
        }

        // A line or a part of one at a time, until there is no more or no room, or an event is too long.
        private int Pass(Span<byte> destination)
        {
            var room = destination;
            while (true)
            {
                Take(ref _inserted, Math.Min(_inserted.Length, room.Length), ref room);
                SkipLineFeedOfAPair();
                if (_unread.IsEmpty || room.IsEmpty) return destination.Length - room.Length;

                var bytes = _unread.Span[..Math.Min(_unread.Length, room.Length)];
                if (_offset == _lineStart) _isComment = bytes[0] == ':';
                var end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
                var more = end < 0 ? bytes.Length : end;
                _tooLong = CheckLimit(more);
                if (_tooLong is not null) return destination.Length - room.Length;

                NoteName(bytes[..more]);
                Take(ref _unread, more, ref room);
                _offset += more;
                if (end >= 0) EndLine(ref room);
            }
        }

        private static void Take(ref ReadOnlyMemory<byte> source, int count, ref Span<byte> room)
        {
            source.Span[..count].CopyTo(room);
            source = source[count..];
            room = room[count..];
        }

        // It belongs to the end that its carriage return made.
        private void SkipLineFeedOfAPair()
        {
            if (!_afterCarriageReturn || _unread.IsEmpty) return;
            _afterCarriageReturn = false;
            if (_unread.Span[0] != '\n') return;
            _unread = _unread[1..];
            if (_eventStart == _lineStart) _eventStart++;
            _lineStart++;
            _offset++;
        }

        // A comment is not part of the event, but the parser holds it in memory.
        private PayloadLimitExceededException? CheckLimit(int more)
        {
            var bytes = _offset - _lineStart + more + (_isComment ? 0 : _eventBytes);
            return bytes > options.MaxEventBytes ? cursor.TooLong("An event", nameof(PayloadReadOptions.MaxEventBytes), options.MaxEventBytes, _eventStart) : null;
        }

        private void NoteName(ReadOnlySpan<byte> bytes)
        {
            for (var i = 0; i < bytes.Length && _nameLength < NameBytes; i++)
            {
                _name[_nameLength++] = bytes[i];

                // The parser leaves a byte order mark at the beginning out.
                if (_offset + i == 2 && _name.AsSpan(0, _nameLength).SequenceEqual(ByteOrderMark)) _nameLength = 0;
            }
        }

        private bool IsField(ReadOnlySpan<byte> name)
        {
            var line = _name.AsSpan(0, _nameLength);
            return line.StartsWith(name) && (line.Length == name.Length || line[name.Length] == ':');
        }

        private void EndLine(ref Span<byte> room)
        {
            _afterCarriageReturn = _unread.Span[0] == '\r';
            _unread = _unread[1..];
            var isEventsEnd = _offset == _lineStart;
            if (isEventsEnd && _hasType && !_hasData)
            {
                _inserted = EmptyType;
            }
            else
            {
                room[0] = (byte)'\n';
                room = room[1..];
            }

            if (isEventsEnd)
            {
                _hasData = _hasType = false;
                _eventBytes = 0;
                _eventStart = _offset + 1;
            }
            else
            {
                _hasData |= IsField("data"u8);
                _hasType |= IsField("event"u8);
                if (!_isComment) _eventBytes += _offset - _lineStart;
            }

            _nameLength = 0;
            _offset++;
            _lineStart = _offset;
        }
    }
}
