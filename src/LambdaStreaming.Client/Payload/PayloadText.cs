using System.Buffers;
using System.Text;

namespace LambdaStreaming.Payload;

/// <summary>Text as it comes: one decoder over all pieces, so that no character is split.</summary>
internal static class PayloadText
{
    private const char ByteOrderMark = '\uFEFF';

    // Of a large piece at most so much becomes one string: it stays out of the large object heap.
    private const int MaxBytesOfAString = 32 * 1024;

    // The framework's own ReplacementFallback is a question mark.
    private static readonly DecoderReplacementFallback ReplacementCharacter = new("\uFFFD");

    public static async IAsyncEnumerator<string> ReadAsync(PayloadSegmentReader cursor, PayloadReadOptions options)
    {
        using var _ = cursor;
        using var decoder = new FragmentDecoder(cursor, GetEncoding(options), options.ThrowOnInvalidText);
        while (await cursor.MoveNextAsync().ConfigureAwait(false))
        {
            var piece = cursor.Current;
            while (!piece.IsEmpty)
            {
                var part = piece[..Math.Min(piece.Length, MaxBytesOfAString)];
                piece = piece[part.Length..];
                if (decoder.Decode(part.Span, isEnd: false) is { Length: > 0 } text) yield return text;
                decoder.ThrowIfInvalid();
            }
        }

        if (decoder.Decode(default, isEnd: true) is { Length: > 0 } rest) yield return rest;
        decoder.ThrowIfInvalid();
    }

    /// <summary>Decodes bytes that are whole.</summary>
    public static string Decode(PayloadSegmentReader cursor, ReadOnlySpan<byte> bytes, Encoding encoding, long offset, bool atBeginning)
    {
        try
        {
            // By the character, not by the encoding's preamble: that is empty where the encoding was made to write none.
            var text = encoding.GetString(bytes);
            return atBeginning && text.StartsWith(ByteOrderMark) ? text[1..] : text;
        }
        catch (DecoderFallbackException exception)
        {
            throw NotText(cursor, encoding, offset + exception.Index, exception);
        }
    }

    /// <summary>The encoding with the option's own answer to bytes that are no text, whatever the encoding's was.</summary>
    public static Encoding GetEncoding(PayloadReadOptions options)
    {
        var fallback = options.ThrowOnInvalidText ? DecoderFallback.ExceptionFallback : ReplacementCharacter;
        if (options.Encoding.DecoderFallback.Equals(fallback)) return options.Encoding;
        var encoding = (Encoding)options.Encoding.Clone();
        encoding.DecoderFallback = fallback;
        return encoding;
    }

    private static PayloadFormatException NotText(PayloadSegmentReader cursor, Encoding encoding, long offset, DecoderFallbackException exception) =>
        cursor.CreateFormatException($"The bytes at {offset} of the payload are no {encoding.WebName} text.", offset, null, exception);

    private sealed class FragmentDecoder(PayloadSegmentReader cursor, Encoding encoding, bool throwOnInvalidText) : IDisposable
    {
        private readonly Decoder _decoder = encoding.GetDecoder();
        private char[] _characters = [];
        private bool _atBeginning = true;
        private long _decodedBytes;
        private PayloadFormatException? _invalid;

        public string Decode(ReadOnlySpan<byte> bytes, bool isEnd)
        {
            if (throwOnInvalidText)
            {
                var valid = CountValid(bytes, isEnd);
                isEnd &= _invalid is null;
                bytes = bytes[..valid];
            }

            var max = encoding.GetMaxCharCount(bytes.Length);
            if (_characters.Length < max)
            {
                Dispose();
                _characters = ArrayPool<char>.Shared.Rent(max);
            }

            var count = _decoder.GetChars(bytes, _characters, flush: isEnd);
            _decodedBytes += bytes.Length;
            if (count == 0) return "";

            var start = _atBeginning && _characters[0] == ByteOrderMark ? 1 : 0;
            _atBeginning = false;
            return new string(_characters, start, count - start);
        }

        public void ThrowIfInvalid()
        {
            if (_invalid is not null) throw _invalid;
        }

        public void Dispose()
        {
            if (_characters.Length > 0) ArrayPool<char>.Shared.Return(_characters);
            _characters = [];
        }

        // What stands before the first bad byte is delivered, wherever the bytes were cut. Counting leaves the decoder as it is.
        private int CountValid(ReadOnlySpan<byte> bytes, bool isEnd)
        {
            try
            {
                _decoder.GetCharCount(bytes, isEnd);
                return bytes.Length;
            }
            catch (DecoderFallbackException exception)
            {
                // The index is negative where the bad character began in an earlier piece.
                _invalid = NotText(cursor, encoding, _decodedBytes + exception.Index, exception);
                return Math.Max(exception.Index, 0);
            }
        }
    }
}
