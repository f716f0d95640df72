using System.Text;

namespace LambdaStreaming.Testing.Http;

/// <summary>Decodes text that might be base64.</summary>
internal static class Base64Text
{
    /// <summary>Decodes base64 of UTF-8. Text that is not valid base64 is returned unchanged.</summary>
    public static string Decode(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var length)
            ? Encoding.UTF8.GetString(bytes, 0, length)
            : text;
    }
}
