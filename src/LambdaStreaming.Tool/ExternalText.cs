using System.Text;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Tool;

/// <summary>Sanitizes text of functions, services and headers for standard error.</summary>
/// <remarks>Sanitized text cannot begin a new line, control a terminal or reorder other text.</remarks>
internal static class ExternalText
{
    /// <summary>Converts text to a single line.</summary>
    /// <remarks>Line feeds and tabs become spaces. Other control and format characters become U+FFFD.</remarks>
    public static string ToLine(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (var rune in text.Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            if (rune.Value is '\n' or '\t')
                line.Append(' ');
            else
                line.Append(PrintableText.IsPrintable(rune) ? rune.ToString() : "\uFFFD");
        }

        return line.ToString();
    }

    /// <summary>Sanitizes each line of a text and marks it as external with a prefix.</summary>
    public static string ToLines(string text, string prefix) => string.Join(
        '\n',
        text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').Select(line => prefix + ToLine(line)));
}
