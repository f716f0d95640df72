using System.Text;

namespace LambdaStreaming.Payload;

/// <summary>Reads lines as they arrive.</summary>
/// <remarks>
/// Lines are split as bytes and each line is decoded as one span. A line inside one segment allocates only its string.
/// </remarks>
internal static class PayloadLines
{
    public static async IAsyncEnumerator<string> ReadAsync(PayloadSegmentReader segments, PayloadReadOptions options)
    {
        using var buffer = new PayloadBuffer(segments);
        var lines = new LineReader(buffer, options);
        while (true)
        {
            while (lines.TryTake(out var line)) yield return line;

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

        // Number of unread bytes that are known to contain no line end.
        private int _searched;
        private bool _isAtBeginning = true;

        public bool TryTake(out string line)
        {
            line = "";
            var unread = buffer.Unread;
            var end = FindLineFeed(unread);
            var isLastLine = buffer.IsEnd && !unread.IsEmpty;
            if (end < 0 && !isLastLine)
            {
                _searched = unread.Length - (unread.Length % _lineFeed.Length);

                // A final CR does not count towards the limit: it might be the first half of CR LF.
                if (ExceedsLimit(TrimCarriageReturn(unread[.._searched]), isComplete: false))
                    throw CreateLimitException();
                return false;
            }

            var content = end < 0 ? unread : TrimCarriageReturn(unread[..end]);
            if (ExceedsLimit(content, isComplete: true)) throw CreateLimitException();
            line = PayloadText.Decode(buffer.Segments, content, _encoding, buffer.Offset, _isAtBeginning);
            buffer.Consume(end < 0 ? unread.Length : end + _lineFeed.Length);
            _searched = 0;
            _isAtBeginning = false;

            // A payload that consists only of a byte order mark has no lines.
            return end >= 0 || line.Length > 0;
        }

        // In UTF-16 and UTF-32, a line feed has two or four bytes. Only positions at which a character can begin are
        // searched.
        private int FindLineFeed(ReadOnlySpan<byte> unread)
        {
            if (_lineFeed.Length == 1)
                return unread[_searched..].IndexOf(_lineFeed[0]) is >= 0 and var at ? _searched + at : -1;

            for (var i = _searched; i + _lineFeed.Length <= unread.Length; i += _lineFeed.Length)
            {
                if (unread.Slice(i, _lineFeed.Length).SequenceEqual(_lineFeed)) return i;
            }

            return -1;
        }

        private ReadOnlySpan<byte> TrimCarriageReturn(ReadOnlySpan<byte> line) =>
            line.EndsWith(_carriageReturn) ? line[..^_carriageReturn.Length] : line;

        // A byte order mark at the beginning does not count towards the limit. Neither do the first bytes of a mark, if
        // the others might follow.
        private bool ExceedsLimit(ReadOnlySpan<byte> line, bool isComplete)
        {
            if (line.Length <= _maxBytes) return false;
            if (!_isAtBeginning) return true;
            ReadOnlySpan<byte> mark = PayloadText.GetByteOrderMark(_encoding);
            if (!isComplete && mark.StartsWith(line)) return false;
            return line.Length - (line.StartsWith(mark) ? mark.Length : 0) > _maxBytes;
        }

        private PayloadLimitExceededException CreateLimitException() => buffer.Segments.CreateLimitException(
            "A line",
            nameof(PayloadReadOptions.MaxLineBytes),
            _maxBytes,
            buffer.Offset,
            $", or use {nameof(ResponsePayload.ReadTextAsync)}, which has no limit for a line");
    }
}
