using System.Buffers;
using System.Text;

namespace LambdaStreaming.Payload;

/// <summary>Reads text as it arrives.</summary>
/// <remarks>
/// All segments use the same decoder, so a character that is split over two segments is decoded correctly.
/// </remarks>
internal static class PayloadText
{
    private const char ByteOrderMark = '\uFEFF';

    // Larger segments are split into several strings, so that none is allocated on the large object heap.
    private const int MaxStringBytes = 32 * 1024;

    // Source: Encoding.CodePage, Encoding.Unicode and Encoding.BigEndianUnicode.
    private const int Utf16LittleEndian = 1200;
    private const int Utf16BigEndian = 1201;

    // Not DecoderFallback.ReplacementFallback, which inserts a question mark.
    private static readonly DecoderReplacementFallback ReplacementCharacter = new("\uFFFD");

    public static async IAsyncEnumerator<string> ReadAsync(PayloadSegmentReader segments, PayloadReadOptions options)
    {
        using var _ = segments;
        using var decoder = new FragmentDecoder(segments, GetEncoding(options), options.ThrowOnInvalidText);
        while (await segments.MoveNextAsync().ConfigureAwait(false))
        {
            var segment = segments.Current;
            while (!segment.IsEmpty)
            {
                var part = segment[..Math.Min(segment.Length, MaxStringBytes)];
                segment = segment[part.Length..];
                if (decoder.Decode(part.Span, isEnd: false) is { Length: > 0 } text) yield return text;
                decoder.ThrowIfInvalid();
            }
        }

        if (decoder.Decode(default, isEnd: true) is { Length: > 0 } last) yield return last;
        decoder.ThrowIfInvalid();
    }

    /// <summary>Decodes a complete line or payload.</summary>
    public static string Decode(
        PayloadSegmentReader segments,
        ReadOnlySpan<byte> bytes,
        Encoding encoding,
        long offset,
        bool atBeginning)
    {
        try
        {
            // Remove the byte order mark after decoding. Before decoding, it could not be recognized in all cases:
            // Encoding.Preamble is empty if the encoding was created without a byte order mark.
            var text = encoding.GetString(bytes);
            return atBeginning && text.StartsWith(ByteOrderMark) ? text[1..] : text;
        }
        catch (DecoderFallbackException exception)
        {
            // At the end, the surrogate is at the index, and not before it.
            var isAtEnd = IsHighSurrogate(encoding, exception.BytesUnknown)
                && !bytes[..(exception.Index & ~1)].EndsWith(exception.BytesUnknown);
            var invalid = GetInvalidOffset(encoding, exception, offset, isAtEnd);
            throw CreateInvalidTextException(segments, encoding, invalid, exception);
        }
    }

    /// <summary>Gets the encoding of the options, with the decoder fallback of the options.</summary>
    public static Encoding GetEncoding(PayloadReadOptions options)
    {
        var fallback = options.ThrowOnInvalidText ? DecoderFallback.ExceptionFallback : ReplacementCharacter;
        if (options.Encoding.DecoderFallback.Equals(fallback)) return options.Encoding;
        var encoding = (Encoding)options.Encoding.Clone();
        encoding.DecoderFallback = fallback;
        return encoding;
    }

    /// <summary>Gets the bytes of a byte order mark, or none if the encoding does not have this character.</summary>
    public static byte[] GetByteOrderMark(Encoding encoding)
    {
        encoding = (Encoding)encoding.Clone();
        encoding.EncoderFallback = new EncoderReplacementFallback("");
        return encoding.GetBytes([ByteOrderMark]);
    }

    // DecoderFallbackException.Index is the index of the invalid bytes, with one exception: a high surrogate of UTF-16
    // without a low one. Its index is that of the next character. At the end of the text, it is two bytes before the
    // end, even if the text has an odd number of bytes. Inferred: UnicodeEncoding of .NET 8 and 10.
    private static long GetInvalidOffset(
        Encoding encoding,
        DecoderFallbackException exception,
        long start,
        bool isAtEnd)
    {
        var offset = start + exception.Index;
        if (!IsHighSurrogate(encoding, exception.BytesUnknown)) return offset;
        return isAtEnd ? offset & ~1L : offset - 2;
    }

    private static bool IsHighSurrogate(Encoding encoding, ReadOnlySpan<byte> bytes) => encoding.CodePage switch
    {
        Utf16LittleEndian => bytes is [_, >= 0xD8 and <= 0xDB],
        Utf16BigEndian => bytes is [>= 0xD8 and <= 0xDB, _],
        _ => false,
    };

    private static PayloadFormatException CreateInvalidTextException(
        PayloadSegmentReader segments,
        Encoding encoding,
        long offset,
        DecoderFallbackException exception) =>
        segments.CreateFormatException(
            $"The payload is not valid {encoding.WebName} text at byte {offset}.",
            offset,
            null,
            exception);

    private sealed class FragmentDecoder(PayloadSegmentReader segments, Encoding encoding, bool throwOnInvalidText)
        : IDisposable
    {
        private readonly Decoder _decoder = encoding.GetDecoder();
        private char[] _characters = [];
        private bool _isAtBeginning = true;
        private long _decodedBytes;
        private PayloadFormatException? _invalid;

        public string Decode(ReadOnlySpan<byte> bytes, bool isEnd)
        {
            if (throwOnInvalidText)
            {
                var valid = CountValidBytes(bytes, isEnd);
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

            var start = _isAtBeginning && _characters[0] == ByteOrderMark ? 1 : 0;
            _isAtBeginning = false;
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

        // Counts the bytes before the first invalid one. Their text is delivered before the failure, however the bytes
        // were split. Counting does not change the state of the decoder.
        private int CountValidBytes(ReadOnlySpan<byte> bytes, bool isEnd)
        {
            try
            {
                _decoder.GetCharCount(bytes, isEnd);
                return bytes.Length;
            }
            catch (DecoderFallbackException exception)
            {
                // The index is negative if the invalid character began in an earlier segment.
                var offset = GetInvalidOffset(encoding, exception, _decodedBytes, isEnd);
                _invalid = CreateInvalidTextException(segments, encoding, offset, exception);
                return Math.Max(exception.Index, 0);
            }
        }
    }
}
