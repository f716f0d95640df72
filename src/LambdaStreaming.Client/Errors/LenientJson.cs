using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Errors;

/// <summary>Walks the members of a JSON object, or the elements of an array, that somebody else wrote: of any depth, with members twice, with text that is no UTF-8 or no UTF-16.</summary>
/// <remarks>Only bytes that are no JSON throw, always a <see cref="JsonException"/>. <see cref="JsonDocument"/> throws more than that, and only once a value is asked for.</remarks>
internal ref struct LenientJson
{
    // The reader keeps one bit a level, so depth is bounded by the bytes themselves.
    private static readonly JsonReaderOptions AnyDepth = new() { MaxDepth = int.MaxValue };

    private readonly ReadOnlySpan<byte> _json;
    private Utf8JsonReader _reader;

    /// <exception cref="JsonException"><paramref name="json"/> does not begin like JSON.</exception>
    public LenientJson(ReadOnlySpan<byte> json)
    {
        _json = json.StartsWith(Encoding.UTF8.Preamble) ? json[Encoding.UTF8.Preamble.Length..] : json;
        _reader = new Utf8JsonReader(_json, AnyDepth);
        _reader.Read();
        Kind = _reader.TokenType;
    }

    /// <summary>What the whole is: members are read of <see cref="JsonTokenType.StartObject"/>, elements of <see cref="JsonTokenType.StartArray"/>.</summary>
    public JsonTokenType Kind { get; }

    /// <summary>Reads the next member of an object.</summary>
    /// <param name="name">Its name, unescaped.</param>
    /// <param name="value">Its value, as JSON.</param>
    /// <returns><see langword="false"/> after the last one, with everything to the end of the bytes checked.</returns>
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

    /// <summary>A value as text: the text of a string, no text for null, and the JSON of anything else.</summary>
    /// <param name="value">The value, as JSON.</param>
    /// <param name="maxLength">Maximum length of the text. A longer one is truncated and ends with "…".</param>
    public static string? GetText(ReadOnlySpan<byte> value, int maxLength = int.MaxValue)
    {
        if (value.SequenceEqual("null"u8)) return null;
        var isString = IsString(value);
        if (isString) value = value[1..^1];

        // A character takes at most the six bytes of an escape.
        var needed = 6 * (maxLength + 1L);
        var isLong = value.Length > needed;
        if (isLong) value = value[..(int)needed];
        var text = isString ? Unescape(value) : Encoding.UTF8.GetString(value);
        return isLong || text.Length > maxLength ? Truncate(text, maxLength) : text;
    }

    /// <summary>Shortens a text that is longer than <paramref name="maxLength"/>, so that it ends with "…".</summary>
    public static string Truncate(string text, int maxLength)
    {
        if (text.Length < maxLength) return text + "…";
        var end = maxLength - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "…");
    }

    /// <summary>What stands between the quotes of a string. What is no UTF-8, and halves of surrogate pairs, become the replacement character.</summary>
    public static string Unescape(ReadOnlySpan<byte> escaped)
    {
        var text = Encoding.UTF8.GetString(escaped);
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;

        // The reader has checked that escapes are complete; only the last one of a shortened text may not be.
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
                unescaped.Append((char)ushort.Parse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                i += 4;
                continue;
            }

            unescaped.Append(text[i] switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', var other => other });
        }

        // A round through UTF-8 replaces the halves.
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(unescaped.ToString()));
    }

    private ReadOnlySpan<byte> TakeValue()
    {
        var start = (int)_reader.TokenStartIndex;
        _reader.Skip();
        return _json[start..(int)_reader.BytesConsumed];
    }

    private bool End()
    {
        // Throws where anything but white space follows.
        _reader.Read();
        return false;
    }
}
