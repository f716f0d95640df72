using System.Buffers;
using System.Globalization;
using System.Text;

namespace LambdaStreaming.Errors;

/// <summary>
/// Prepares external text for exception messages and logs: one line, no control characters, bounded length, no secrets.
/// </summary>
/// <remarks>
/// External text is all text that this library did not write. It is from the service, a proxy, a handler, a function,
/// JSON or an exception of .NET. A redactor holds a few strings, and does not keep the request or the payload alive.
/// </remarks>
/// <param name="secrets">
/// The last secret is the payload or its beginning. Values shorter than MinSecretLength are ignored.
/// </param>
/// <param name="hasStartOfPayload">Whether the last secret is only the beginning of the payload.</param>
internal sealed class Redactor(ReadOnlyMemory<char>[] secrets, bool hasStartOfPayload)
{
    /// <summary>Maximum length of a line of external text in a message.</summary>
    public const int MaxTextLength = 1000;

    /// <summary>Maximum length of a name, an id or an address in a message.</summary>
    /// <value>200 characters, enough for any request id and media type.</value>
    public const int MaxNameLength = 200;

    // Shorter secrets are not removed, because they can occur by chance in an ordinary sentence of the service.
    private const int MinSecretLength = 9;

    // Enough to recognize a payload. Text that quotes a longer payload is truncated where the payload begins.
    private const int MaxPayloadBytes = 1024;

    /// <summary>A redactor without secrets, for text that is not about a call.</summary>
    public static Redactor None { get; } = new([], hasStartOfPayload: false);

    /// <summary>Creates a redactor for the client context, the payload and <paramref name="secrets"/>.</summary>
    public static Redactor Create(
        InvokeWithResponseStreamRequest request,
        params ReadOnlySpan<ReadOnlyMemory<char>> secrets)
    {
        // Without the white space around them, because Clean and services remove it from the text.
        var payload = Trim(request.Payload.Span);
        var isLong = payload.Length > MaxPayloadBytes;
        if (isLong) payload = payload[..FindLastBoundary(payload, MaxPayloadBytes)];
        var start = payload.Length >= MinSecretLength ? Encoding.UTF8.GetString(payload) : null;
        return new Redactor([.. secrets, request.ClientContext.AsMemory().Trim(), start.AsMemory()], isLong);
    }

    /// <summary>Prepares a name, an id or an address.</summary>
    public string Name(string? text) => Clean(text, MaxNameLength);

    /// <summary>Prepares the first line of a text.</summary>
    public string Line(string? text) => Clean(text, MaxTextLength);

    /// <summary>Prepares an address.</summary>
    /// <remarks>Removes user, query and fragment, which can contain secrets that this redactor does not know.</remarks>
    public string? Address(Uri? address)
    {
        if (address is null) return null;
        var shown = address.IsAbsoluteUri
            ? address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)
            : RemoveUser(address.OriginalString.Split('?', '#')[0]);
        var unescaped = Uri.UnescapeDataString(shown);
        var name = Name(unescaped);
        return name == unescaped ? Name(shown) : name;
    }

    // An address without a scheme can have a user, too: //user:password@host/path.
    private static string RemoveUser(string address)
    {
        if (!address.StartsWith("//", StringComparison.Ordinal)) return address;
        var authority = address[2..].Split('/')[0];
        return address.Remove(2, authority.LastIndexOf('@') + 1);
    }

    private string Clean(string? text, int maxLength)
    {
        var rest = text.AsSpan().Trim();
        if (IsClean(rest, maxLength)) return rest.Length == text?.Length ? text : rest.ToString();

        // One pass that stops at the limit. Its cost does not depend on the length of the text, and each secret is
        // recognized before the text is truncated. Whoever truncated the text might have added '…'.
        var ellipses = rest.Length - rest.TrimEnd('…').Length;
        var line = new StringBuilder(Math.Min(rest.Length, maxLength) + 1);
        Span<char> characters = stackalloc char[2];
        while (!rest.IsEmpty && rest[0] is not ('\r' or '\n'))
        {
            if (FindLongestSecretAtStart(rest, ellipses) is >= 0 and var index)
            {
                if (line.Length < maxLength) line.Append('…');
                if (line.Length >= maxLength || (hasStartOfPayload && index == secrets.Length - 1)) break;
                rest = rest[Math.Min(secrets[index].Length, rest.Length)..];
                continue;
            }

            Rune.DecodeFromUtf16(rest, out var rune, out var consumed);
            var shown = PrintableText.IsPrintable(rune) ? rune : new Rune(' ');
            if (line.Length + shown.Utf16SequenceLength > maxLength)
            {
                TrimEnd(line).Append('…');
                break;
            }

            line.Append(characters[..shown.EncodeToUtf16(characters)]);
            rest = rest[consumed..];
        }

        return TrimEnd(line).ToString();
    }

    private bool IsClean(ReadOnlySpan<char> text, int maxLength)
    {
        if (text.Length > maxLength || text.ContainsAnyExceptInRange(' ', '~')) return false;
        for (var i = 0; i + MinSecretLength <= text.Length; i++)
        {
            if (FindLongestSecretAtStart(text[i..], ellipses: 0) >= 0) return false;
        }

        return true;
    }

    // Finds the longest secret, because one secret can be the beginning of another. A secret that is truncated at the
    // end of the text counts too.
    private int FindLongestSecretAtStart(ReadOnlySpan<char> text, int ellipses)
    {
        var truncated = text[..Math.Max(text.Length - ellipses, 0)];
        var (longest, length) = (-1, MinSecretLength - 1);
        for (var i = 0; i < secrets.Length; i++)
        {
            var secret = secrets[i].Span;
            if (secret.Length > length && (text.StartsWith(secret) || IsTruncated(truncated, secret)))
                (longest, length) = (i, secret.Length);
        }

        return longest;
    }

    private static bool IsTruncated(ReadOnlySpan<char> text, ReadOnlySpan<char> secret) =>
        text.Length >= MinSecretLength && secret.StartsWith(text);

    private static StringBuilder TrimEnd(StringBuilder line)
    {
        while (line.Length > 0 && char.IsWhiteSpace(line[^1])) line.Length--;
        return line;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> utf8)
    {
        while (Rune.DecodeFromUtf8(utf8, out var rune, out var length) == OperationStatus.Done
            && Rune.IsWhiteSpace(rune))
        {
            utf8 = utf8[length..];
        }

        while (Rune.DecodeLastFromUtf8(utf8, out var rune, out var length) == OperationStatus.Done
            && Rune.IsWhiteSpace(rune))
        {
            utf8 = utf8[..^length];
        }

        return utf8;
    }

    // Finds the last position, at or before the limit, where a UTF-8 character begins. Stops at MinSecretLength,
    // because a payload that is not UTF-8 might not have such a position.
    private static int FindLastBoundary(ReadOnlySpan<byte> utf8, int limit)
    {
        while (limit > MinSecretLength && (utf8[limit] & 0xC0) == 0x80) limit--;
        return limit;
    }
}
