using System.Buffers.Text;
using System.Text.Encodings.Web;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Appends the request body to a function URL event, as its last members.</summary>
/// <remarks>
/// The encoded length is counted first, and counting stops at Lambda's payload limit. Utf8JsonWriter would rent six
/// times the length of a text before writing it, and its buffer grows by doubling.
/// </remarks>
internal static class EventBody
{
    /// <summary>Appends the body and closes the event.</summary>
    /// <param name="start">The beginning of the event: a JSON object that is not closed.</param>
    /// <param name="body">The body.</param>
    /// <param name="isText">Whether the body is valid UTF-8 and becomes text; otherwise it becomes base64.</param>
    /// <param name="encoder">The encoder that escapes the text.</param>
    /// <returns>The complete event.</returns>
    /// <exception cref="RequestRejectedException">The event exceeds Lambda's payload limit.</exception>
    public static ReadOnlyMemory<byte> Append(
        ReadOnlySpan<byte> start,
        ReadOnlySpan<byte> body,
        bool isText,
        JavaScriptEncoder encoder)
    {
        var open = body.IsEmpty ? default : ",\"body\":\""u8;
        var close = GetClose(body.IsEmpty, isText);
        const int Limit = LambdaStreamEndpointOptions.ServicePayloadLimitBytes;
        var maxLength = Limit - start.Length - open.Length - close.Length;
        var length = isText
            ? Escape(body, default, maxLength, encoder)
            : Base64.GetMaxEncodedToUtf8Length(body.Length);
        if (length > maxLength) throw EventTooLarge();

        var json = new byte[start.Length + open.Length + length + close.Length];
        start.CopyTo(json);
        open.CopyTo(json.AsSpan(start.Length));
        var encoded = json.AsSpan(start.Length + open.Length, length);
        if (isText) Escape(body, encoded, maxLength, encoder);
        else Base64.EncodeToUtf8(body, encoded, out _, out _);
        close.CopyTo(json.AsSpan(start.Length + open.Length + length));
        return json;
    }

    private static ReadOnlySpan<byte> GetClose(bool isEmpty, bool isText)
    {
        if (isEmpty) return ",\"isBase64Encoded\":false}"u8;
        return isText ? "\",\"isBase64Encoded\":false}"u8 : "\",\"isBase64Encoded\":true}"u8;
    }

    /// <summary>Escapes the text, or counts the length of the escaped text if the destination is empty.</summary>
    /// <returns>
    /// The length of the escaped text. Counting stops as soon as it exceeds <paramref name="limit"/>.
    /// </returns>
    private static int Escape(ReadOnlySpan<byte> text, Span<byte> destination, int limit, JavaScriptEncoder encoder)
    {
        const int MaxSliceBytes = 64;
        const int MaxEscapedBytesPerByte = 6;
        Span<byte> escaped = stackalloc byte[MaxSliceBytes * MaxEscapedBytesPerByte];
        var count = 0;
        while (!text.IsEmpty && count <= limit)
        {
            // This search is vectorized. EncodeUtf8 examines its complete source in each call and then continues byte
            // by byte, so it gets small slices.
            var unescaped = encoder.FindFirstCharacterToEncodeUtf8(text) is >= 0 and var first ? first : text.Length;
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

    private static RequestRejectedException EventTooLarge() => new(
        StatusCodes.Status413PayloadTooLarge,
        "The request is too large for the function after it is encoded.");
}
