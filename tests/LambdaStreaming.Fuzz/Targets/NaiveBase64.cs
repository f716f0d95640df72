namespace LambdaStreaming.Fuzz;

/// <summary>A simple decoder of base64. Source: RFC 4648, section 4. As in .NET, white space is ignored.</summary>
internal static class NaiveBase64
{
    private const string Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    /// <summary>Decodes a text.</summary>
    /// <returns><see langword="null"/> if it is not valid.</returns>
    public static byte[]? Decode(string text)
    {
        var bytes = new List<byte>(text.Length);
        int value = 0, count = 0, padding = 0;
        foreach (var character in text)
        {
            if (character is ' ' or '\t' or '\r' or '\n') continue;
            var digit = Digits.IndexOf(character, StringComparison.Ordinal);
            if (character == '=' ? count % 4 < 2 : digit < 0 || padding > 0) return null;
            if (character == '=') padding++;
            value = (value << 6) | Math.Max(digit, 0);
            if (++count % 4 != 0) continue;
            bytes.AddRange([(byte)(value >> 16), (byte)(value >> 8), (byte)value]);
            if (padding > 0) break;
        }

        if (count % 4 != 0 || HasMore(text)) return null;
        return [.. bytes.SkipLast(padding)];

        // Nothing can follow the padding.
        bool HasMore(string all) => all.Count(c => c is not (' ' or '\t' or '\r' or '\n')) != count;
    }
}
