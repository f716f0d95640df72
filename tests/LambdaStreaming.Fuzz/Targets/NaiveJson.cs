namespace LambdaStreaming.Fuzz;

/// <summary>A simple check of JSON texts. Source: RFC 8259.</summary>
internal static class NaiveJson
{
    /// <summary>Returns whether the bytes are one JSON value in UTF-8, with any depth.</summary>
    public static bool IsValid(ReadOnlySpan<byte> json)
    {
        if (!IsUtf8(json)) return false;
        var parents = new Stack<byte>();
        var at = 0;
        while (true)
        {
            // A value begins here.
            SkipSpace(json, ref at);
            if (at == json.Length) return false;
            var first = json[at];
            if (first is (byte)'{' or (byte)'[')
            {
                at++;
                SkipSpace(json, ref at);
                if (at < json.Length && json[at] == first + 2)
                {
                    at++;
                }
                else
                {
                    parents.Push(first);
                    if (first == '{' && !TryReadName(json, ref at)) return false;
                    continue;
                }
            }
            else if (!TryReadScalar(json, ref at))
            {
                return false;
            }

            while (true)
            {
                SkipSpace(json, ref at);
                if (parents.Count == 0) return at == json.Length;
                if (at == json.Length) return false;
                var next = json[at++];
                if (next == ',')
                {
                    if (parents.Peek() == '{' && !TryReadName(json, ref at)) return false;
                    break;
                }

                if (next != parents.Pop() + 2) return false;
            }
        }
    }

    /// <summary>Returns whether the bytes are UTF-8 without surrogates and overlong forms.</summary>
    public static bool IsUtf8(ReadOnlySpan<byte> text)
    {
        for (var i = 0; i < text.Length;)
        {
            var first = text[i++];
            if (first < 0x80) continue;
            var (count, min) = first switch
            {
                >= 0xC2 and <= 0xDF => (1, 0x80),
                >= 0xE0 and <= 0xEF => (2, 0x800),
                >= 0xF0 and <= 0xF4 => (3, 0x10000),
                _ => (0, 0),
            };
            if (count == 0 || text.Length - i < count) return false;
            var value = first & (0x3F >> count);
            for (; count > 0; count--)
            {
                if ((text[i] & 0xC0) != 0x80) return false;
                value = (value << 6) | (text[i++] & 0x3F);
            }

            if (value < min || value > 0x10FFFF || value is >= 0xD800 and <= 0xDFFF) return false;
        }

        return true;
    }

    private static void SkipSpace(ReadOnlySpan<byte> json, ref int at)
    {
        while (at < json.Length && json[at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n') at++;
    }

    private static bool TryReadName(ReadOnlySpan<byte> json, ref int at)
    {
        SkipSpace(json, ref at);
        if (!TryReadString(json, ref at)) return false;
        SkipSpace(json, ref at);
        return at < json.Length && json[at++] == ':';
    }

    private static bool TryReadScalar(ReadOnlySpan<byte> json, ref int at) => json[at] switch
    {
        (byte)'"' => TryReadString(json, ref at),
        (byte)'t' => TryReadLiteral(json, ref at, "true"u8),
        (byte)'f' => TryReadLiteral(json, ref at, "false"u8),
        (byte)'n' => TryReadLiteral(json, ref at, "null"u8),
        _ => TryReadNumber(json, ref at),
    };

    private static bool TryReadLiteral(ReadOnlySpan<byte> json, ref int at, ReadOnlySpan<byte> literal)
    {
        if (!json[at..].StartsWith(literal)) return false;
        at += literal.Length;
        return true;
    }

    private static bool TryReadString(ReadOnlySpan<byte> json, ref int at)
    {
        if (at == json.Length || json[at++] != '"') return false;
        while (at < json.Length)
        {
            var next = json[at++];
            if (next == '"') return true;
            if (next < 0x20) return false;
            if (next != '\\') continue;
            if (at == json.Length) return false;
            var escape = json[at++];
            if (!"\"\\/bfnrtu"u8.Contains(escape)) return false;
            for (var digits = escape == 'u' ? 4 : 0; digits > 0; digits--)
            {
                if (at == json.Length || !char.IsAsciiHexDigit((char)json[at++])) return false;
            }
        }

        return false;
    }

    private static bool TryReadNumber(ReadOnlySpan<byte> json, ref int at)
    {
        if (json[at] == '-') at++;
        if (at < json.Length && json[at] == '0') at++;
        else if (SkipDigits(json, ref at) == 0) return false;
        if (at < json.Length && json[at] == '.')
        {
            at++;
            if (SkipDigits(json, ref at) == 0) return false;
        }

        if (at == json.Length || (json[at] | 0x20) != 'e') return true;
        at++;
        if (at < json.Length && json[at] is (byte)'+' or (byte)'-') at++;
        return SkipDigits(json, ref at) > 0;
    }

    private static int SkipDigits(ReadOnlySpan<byte> json, ref int at)
    {
        var start = at;
        while (at < json.Length && char.IsAsciiDigit((char)json[at])) at++;
        return at - start;
    }
}
