using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Payload;

/// <summary>Server-sent events by System.Net.ServerSentEvents, which has no limits of its own: they stand before it.</summary>
internal static class PayloadServerSentEvents
{
    public static async IAsyncEnumerator<SseItem<string>> ReadAsync(PayloadCursor cursor, PayloadReadOptions options)
    {
        await using var _ = cursor.ConfigureAwait(false);
        var stream = new LimitedEventStream(cursor, options);
        await using var __ = stream.ConfigureAwait(false);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync().ConfigureAwait(false))
        {
            yield return item;
            await cursor.ThrowIfAbortedAsync().ConfigureAwait(false);
        }
    }

    public static async IAsyncEnumerator<SseItem<T?>> ReadAsync<T>(PayloadCursor cursor, JsonTypeInfo<T> jsonTypeInfo, PayloadReadOptions options)
    {
        await using var _ = cursor.ConfigureAwait(false);
        var stream = new LimitedEventStream(cursor, options);
        await using var __ = stream.ConfigureAwait(false);
        long index = 0;
        var parser = SseParser.Create(stream, (_, data) => data.SequenceEqual("[DONE]"u8) ? (IsEndMark: true, Value: default) : (IsEndMark: false, Value: Deserialize(data)));
        await foreach (var item in parser.EnumerateAsync().ConfigureAwait(false))
        {
            if (!item.Data.IsEndMark) yield return new SseItem<T?>(item.Data.Value, item.EventType) { EventId = item.EventId, ReconnectionInterval = item.ReconnectionInterval };
            await cursor.ThrowIfAbortedAsync().ConfigureAwait(false);
        }

        T? Deserialize(ReadOnlySpan<byte> data)
        {
            var value = PayloadJson.Deserialize(cursor, data, null, index, jsonTypeInfo);
            index++;
            return value;
        }
    }

    /// <summary>The payload as the parser reads it, up to the first line or event that is too long.</summary>
    private sealed class LimitedEventStream(PayloadCursor cursor, PayloadReadOptions options) : ForwardStream
    {
        private ReadOnlyMemory<byte> _unread;
        private PayloadLimitExceededException? _tooLong;
        private long _offset;
        private long _lineStart;
        private long _eventStart;

        // Of the lines before the current one; comments, which keep a quiet connection open for hours, don't count.
        private long _eventBytes;
        private bool _isComment;
        private bool _afterCarriageReturn;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            // What came before the bytes that are too many was parsed by now.
            if (_tooLong is not null) throw _tooLong;
            if (_unread.IsEmpty)
            {
                if (!await cursor.MoveNextAsync().ConfigureAwait(false)) return 0;
                _unread = cursor.Current;
            }

            var part = _unread[..Math.Min(buffer.Length, _unread.Length)];
            var allowed = CountAllowed(part.Span);
            if (allowed == 0 && _tooLong is not null) throw _tooLong;
            _unread = _unread[allowed..];
            part[..allowed].CopyTo(buffer);
            return allowed;
        }

        // How many of the bytes come before the first one that is too many.
        private int CountAllowed(ReadOnlySpan<byte> bytes)
        {
            var at = 0;
            while (at < bytes.Length)
            {
                // The line feed of a pair belongs to the end that its carriage return made.
                if (_afterCarriageReturn && bytes[at] == '\n')
                {
                    _afterCarriageReturn = false;
                    if (_eventStart == _lineStart) _eventStart++;
                    _lineStart++;
                    at++;
                    _offset++;
                    continue;
                }

                _afterCarriageReturn = false;
                if (_offset == _lineStart) _isComment = bytes[at] == ':';

                var end = bytes[at..].IndexOfAny((byte)'\r', (byte)'\n');
                var more = end < 0 ? bytes.Length - at : end;
                var lineBytes = _offset - _lineStart;
                var room = options.MaxLineBytes - lineBytes;
                var what = (Name: "A line", Limit: nameof(PayloadReadOptions.MaxLineBytes), Bytes: options.MaxLineBytes, Start: _lineStart);
                if (!_isComment && options.MaxValueBytes - _eventBytes - lineBytes < room)
                {
                    room = options.MaxValueBytes - _eventBytes - lineBytes;
                    what = ("An event", nameof(PayloadReadOptions.MaxValueBytes), options.MaxValueBytes, _eventStart);
                }

                if (more > room)
                {
                    _tooLong = cursor.TooLong(what.Name, what.Limit, what.Bytes, what.Start);
                    _offset += room;
                    return at + (int)room;
                }

                at += more;
                _offset += more;
                if (end < 0) break;

                // A line end; an empty line is an event's end.
                _afterCarriageReturn = bytes[at] == '\r';
                at++;
                if (_offset == _lineStart)
                {
                    _eventBytes = 0;
                    _eventStart = _offset + 1;
                }
                else if (!_isComment)
                {
                    _eventBytes += _offset - _lineStart;
                }

                _offset++;
                _lineStart = _offset;
            }

            return bytes.Length;
        }
    }
}
