using System.Text;

namespace LambdaStreaming.Payload;

/// <summary>Lines as they come. They are cut as bytes and decoded whole, so that a line within one piece costs its string only.</summary>
internal static class PayloadLines
{
    public static async IAsyncEnumerator<string> ReadAsync(PayloadSegmentReader cursor, PayloadReadOptions options)
    {
        using var buffer = new PayloadBuffer(cursor);
        var lines = new LineReader(buffer, options);
        while (true)
        {
            while (lines.TryTake(out var line))
            {
                yield return line;
            }

            if (buffer.IsEnd) yield break;
            await buffer.ReadMoreAsync().ConfigureAwait(false);
        }
    }

    private sealed class LineReader(PayloadBuffer buffer, PayloadReadOptions options)
    {
        private readonly Encoding _encoding = PayloadText.GetEncoding(options);
        private readonly byte[] _lineFeed = options.Encoding.GetBytes("\n");
        private readonly byte[] _carriageReturn = options.Encoding.GetBytes("\r");
        private readonly int _maxBytes = options.MaxLineBytes;

        // How many of the unread bytes are known to hold no line end.
        private int _searched;
        private bool _atBeginning = true;

        public bool TryTake(out string line)
        {
            line = "";
            var unread = buffer.Unread;
            var end = FindLineFeed(unread);
            if (end < 0 && !(buffer.IsEnd && !unread.IsEmpty))
            {
                // One carriage return more may belong to the line's end.
                _searched = unread.Length - (unread.Length % _lineFeed.Length);
                if (WithoutCarriageReturn(unread[.._searched]).Length > _maxBytes) throw CreateLimitException();
                return false;
            }

            var content = end < 0 ? unread : WithoutCarriageReturn(unread[..end]);
            if (content.Length > _maxBytes) throw CreateLimitException();
            line = PayloadText.Decode(buffer.Cursor, content, _encoding, buffer.Offset, _atBeginning);
            buffer.Consume(end < 0 ? unread.Length : end + _lineFeed.Length);
            _searched = 0;
            _atBeginning = false;

            // A byte order mark and nothing after it is no line.
            return end >= 0 || line.Length > 0;
        }

        // A line feed of UTF-16 or UTF-32 is two or four bytes, and stands only where a character may begin.
        private int FindLineFeed(ReadOnlySpan<byte> unread)
        {
            if (_lineFeed.Length == 1) return unread[_searched..].IndexOf(_lineFeed[0]) is >= 0 and var at ? _searched + at : -1;
            for (var i = _searched; i + _lineFeed.Length <= unread.Length; i += _lineFeed.Length)
            {
                if (unread.Slice(i, _lineFeed.Length).SequenceEqual(_lineFeed)) return i;
            }

            return -1;
        }

        private ReadOnlySpan<byte> WithoutCarriageReturn(ReadOnlySpan<byte> line) => line.EndsWith(_carriageReturn) ? line[..^_carriageReturn.Length] : line;

        private PayloadLimitExceededException CreateLimitException() =>
            buffer.Cursor.CreateLimitException("A line", nameof(PayloadReadOptions.MaxLineBytes), _maxBytes, buffer.Offset, $", or use {nameof(ResponsePayload.ReadTextAsync)}, which needs no line ends");
    }
}
