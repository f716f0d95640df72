using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Errors;

/// <summary>Reads the members of a JSON object or the elements of a JSON array from an untrusted source.</summary>
/// <remarks>
/// Accepts any depth, duplicate members, and text with invalid UTF-8 or UTF-16. Only bytes that are not JSON throw, and
/// the exception is always a <see cref="JsonException"/>. <see cref="JsonDocument"/> also throws other exceptions, some
/// of them only when a value is read.
/// </remarks>
internal ref struct LenientJson
{
    // Any depth is safe: Utf8JsonReader stores one bit per level, so the length of the input limits its memory.
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    private readonly ReadOnlySpan<byte> _json;
    private Utf8JsonReader _reader;

    /// <exception cref="JsonException"><paramref name="json"/> does not begin with JSON.</exception>
    public LenientJson(ReadOnlySpan<byte> json)
    {
        _json = json.StartsWith(Encoding.UTF8.Preamble) ? json[Encoding.UTF8.Preamble.Length..] : json;
        _reader = new Utf8JsonReader(_json, AnyDepth);
        _reader.Read();
        Kind = _reader.TokenType;
    }

    /// <summary>The first token, for example <see cref="JsonTokenType.StartObject"/>.</summary>
    public JsonTokenType Kind { get; }

    /// <summary>Reads the next member of an object.</summary>
    /// <param name="name">The unescaped name.</param>
    /// <param name="value">The value, as JSON.</param>
    /// <returns><see langword="false"/> after the last member. All bytes have been validated then.</returns>
    public bool TryReadMember(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.PropertyName) return End();
        name = _reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(Unescape(_reader.ValueSpan)) : _reader.ValueSpan;
        _reader.Read();
        value = TakeValue();
        return true;
    }

    /// <summary>Reads the next element of an array.</summary>
    public bool TryReadElement(out ReadOnlySpan<byte> value)
    {
        value = default;
        _reader.Read();
        if (_reader.TokenType == JsonTokenType.EndArray) return End();
        value = TakeValue();
        return true;
    }

    public static bool IsString(ReadOnlySpan<byte> value) => value.StartsWith("\""u8);

    /// <summary>Gets the text of a value.</summary>
    /// <param name="value">The value, as JSON.</param>
    /// <param name="maxLength">Maximum length of the text. Longer text is truncated and ends with "…".</param>
    /// <returns>
    /// The text of a string; <see langword="null"/> for null; the JSON of any other value.
    /// </returns>
    public static string? GetText(ReadOnlySpan<byte> value, int maxLength = int.MaxValue)
    {
        if (value.SequenceEqual("null"u8)) return null;
        var isString = IsString(value);
        if (isString) value = value[1..^1];

        // A character has at most six bytes, as an escape sequence.
        var needed = 6 * (maxLength + 1L);
        var isLong = value.Length > needed;
        if (isLong) value = value[..(int)needed];
        var text = isString ? Unescape(value) : Encoding.UTF8.GetString(value);
        return isLong || text.Length > maxLength ? Truncate(text, maxLength) : text;
    }

    /// <summary>
    /// Appends "…" to text of which a part is missing, and truncates the result to <paramref name="maxLength"/>.
    /// </summary>
    public static string Truncate(string text, int maxLength)
    {
        if (text.Length < maxLength) return text + "…";
        var end = maxLength - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "…");
    }

    /// <summary>Unescapes the content of a JSON string.</summary>
    /// <remarks>Invalid UTF-8 and unpaired surrogates become the replacement character (U+FFFD).</remarks>
    public static string Unescape(ReadOnlySpan<byte> escaped)
    {
        var text = Encoding.UTF8.GetString(escaped);
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;

        // The reader has validated the escape sequences. Only the last one of a truncated text can be incomplete.
        // Source: RFC 8259, section 7.
        var unescaped = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                unescaped.Append(text[i]);
                continue;
            }

            if (++i == text.Length) break;
            if (text[i] == 'u')
            {
                if (i + 4 >= text.Length) break;
                unescaped.Append(ParseCodeUnit(text.AsSpan(i + 1, 4)));
                i += 4;
                continue;
            }

            unescaped.Append(text[i] switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                var other => other,
            });
        }

        // A round trip through UTF-8 replaces unpaired surrogates.
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(unescaped.ToString()));
    }

    private static char ParseCodeUnit(ReadOnlySpan<char> digits) =>
        (char)ushort.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private ReadOnlySpan<byte> TakeValue()
    {
        var start = (int)_reader.TokenStartIndex;
        _reader.Skip();
        return _json[start..(int)_reader.BytesConsumed];
    }

    private bool End()
    {
        // Throws if anything other than white space follows.
        _reader.Read();
        return false;
    }
}
