using System.Buffers.Text;
using System.Text.Encodings.Web;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Appends the request's body, as the last members, to the event of a function URL.</summary>
/// <remarks>
/// The encoded length is counted first, and counting stops at the service's limit. Utf8JsonWriter would rent six times the length of a text
/// before it writes it, and its buffer grows by doubling.
/// </remarks>
internal static class EventBody
{
    /// <param name="start">The event up to here: an object that is not closed.</param>
    /// <param name="body">The body.</param>
    /// <param name="isText">Whether the body is valid UTF-8 and becomes text; otherwise it becomes base64.</param>
    /// <param name="encoder">Escapes the text.</param>
    /// <returns>The complete event.</returns>
    /// <exception cref="RequestRejectedException">The event is longer than the service accepts.</exception>
    public static ReadOnlyMemory<byte> Append(ReadOnlySpan<byte> start, ReadOnlySpan<byte> body, bool isText, JavaScriptEncoder encoder)
    {
        var open = body.IsEmpty ? default : ",\"body\":\""u8;
        var close = body.IsEmpty ? ",\"isBase64Encoded\":false}"u8 : isText ? "\",\"isBase64Encoded\":false}"u8 : "\",\"isBase64Encoded\":true}"u8;
        var room = LambdaStreamEndpointOptions.ServicePayloadLimitBytes - start.Length - open.Length - close.Length;
        var length = isText ? Escape(body, default, room, encoder) : Base64.GetMaxEncodedToUtf8Length(body.Length);
        if (length > room) throw new RequestRejectedException(StatusCodes.Status413PayloadTooLarge, "The request is too large for the function once it is encoded.");

        var json = new byte[start.Length + open.Length + length + close.Length];
        start.CopyTo(json);
        open.CopyTo(json.AsSpan(start.Length));
        var encoded = json.AsSpan(start.Length + open.Length, length);
        if (isText) Escape(body, encoded, room, encoder);
        else Base64.EncodeToUtf8(body, encoded, out _, out _);
        close.CopyTo(json.AsSpan(start.Length + open.Length + length));
        return json;
    }

    /// <summary>Escapes the text, or counts how long it would be if there is no destination.</summary>
    /// <returns>The length of the escaped text; more than <paramref name="limit"/> as soon as that is certain.</returns>
    private static int Escape(ReadOnlySpan<byte> text, Span<byte> destination, int limit, JavaScriptEncoder encoder)
    {
        const int MaxSliceBytes = 64;
        const int MaxEscapedBytesPerByte = 6;
        Span<byte> escaped = stackalloc byte[MaxSliceBytes * MaxEscapedBytesPerByte];
        var count = 0;
        while (!text.IsEmpty && count <= limit)
        {
            // Vectorized. EncodeUtf8 examines its complete source in each call, and then goes on byte by byte: it gets slices.
            var unescaped = encoder.FindFirstCharacterToEncodeUtf8(text) is >= 0 and var first ? first : text.Length;
            if (!destination.IsEmpty) text[..unescaped].CopyTo(destination[count..]);
            count += unescaped;
            text = text[unescaped..];

            var isLast = text.Length <= MaxSliceBytes;
            encoder.EncodeUtf8(isLast ? text : text[..MaxSliceBytes], escaped, out var consumed, out var written, isLast);
            if (!destination.IsEmpty) escaped[..written].CopyTo(destination[count..]);
            count += written;
            text = text[consumed..];
        }

        return count;
    }
}
