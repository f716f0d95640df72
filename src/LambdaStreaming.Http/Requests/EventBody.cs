using System.Buffers.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace LambdaStreaming.Http.Requests;

/// <summary>Appends the body of a request to its event, as the last members of the event.</summary>
/// <remarks>
/// The encoded length is counted before the text is written, and counting stops at the service's limit. Utf8JsonWriter
/// is not used, because it rents six times the length of a text before it writes the text, and its buffer grows by
/// doubling.
/// </remarks>
internal static class EventBody
{
    /// <param name="start">The event without its body: a JSON object that is not closed yet.</param>
    /// <param name="body">The body.</param>
    /// <param name="headers">The header fields.</param>
    /// <param name="encoder">Escapes the text.</param>
    /// <param name="payload">The complete event.</param>
    /// <returns><see langword="false"/> if the event is larger than the service accepts.</returns>
    public static bool TryAppend(
        ReadOnlySpan<byte> start,
        ReadOnlySpan<byte> body,
        EventHeaders headers,
        JavaScriptEncoder encoder,
        out ReadOnlyMemory<byte> payload)
    {
        payload = default;
        var isText = body.IsEmpty || (headers.HasTextBody && Utf8.IsValid(body));
        var open = body.IsEmpty ? default : ",\"body\":\""u8;
        var close = body.IsEmpty ? ",\"isBase64Encoded\":false}"u8
            : isText ? "\",\"isBase64Encoded\":false}"u8
            : "\",\"isBase64Encoded\":true}"u8;
        var room = FunctionUrlEvent.MaxPayloadBytes - start.Length - open.Length - close.Length;
        var length = isText ? Escape(body, default, room, encoder) : Base64.GetMaxEncodedToUtf8Length(body.Length);
        if (length > room) return false;

        var json = new byte[start.Length + open.Length + length + close.Length];
        start.CopyTo(json);
        open.CopyTo(json.AsSpan(start.Length));
        var encoded = json.AsSpan(start.Length + open.Length, length);
        if (isText) Escape(body, encoded, room, encoder);
        else Base64.EncodeToUtf8(body, encoded, out _, out _);
        close.CopyTo(json.AsSpan(start.Length + open.Length + length));
        payload = json;
        return true;
    }

    /// <summary>
    /// Escapes the text to a destination, or only counts the length of the result if the destination is empty.
    /// </summary>
    /// <returns>
    /// The length of the escaped text; more than <paramref name="limit"/> as soon as that is certain.
    /// </returns>
    private static int Escape(ReadOnlySpan<byte> text, Span<byte> destination, int limit, JavaScriptEncoder encoder)
    {
        const int MaxSliceBytes = 64;
        const int MaxEscapedBytesPerByte = 6;
        Span<byte> escaped = stackalloc byte[MaxSliceBytes * MaxEscapedBytesPerByte];
        var count = 0;
        while (!text.IsEmpty && count <= limit)
        {
            // Find the next character to escape with the vectorized search. EncodeUtf8 escapes byte by byte, so it gets
            // at most MaxSliceBytes; after that, the fast search continues.
            var first = encoder.FindFirstCharacterToEncodeUtf8(text);
            var unescaped = first >= 0 ? first : text.Length;
            if (!destination.IsEmpty) text[..unescaped].CopyTo(destination[count..]);
            count += unescaped;
            text = text[unescaped..];

            var isLast = text.Length <= MaxSliceBytes;
            var slice = isLast ? text : text[..MaxSliceBytes];
            encoder.EncodeUtf8(slice, escaped, out var consumed, out var written, isLast);
            if (!destination.IsEmpty) escaped[..written].CopyTo(destination[count..]);
            count += written;
            text = text[consumed..];
        }

        return count;
    }
}
