using System.Globalization;
using System.Text;

namespace LambdaStreaming.Tool;

/// <summary>Makes text of functions, services and headers fit for standard error: it can begin no line, and neither control a terminal nor reorder its text.</summary>
internal static class ExternalText
{
    /// <summary>Returns the text as one line. Line feeds and tabs become spaces; other control and format characters become U+FFFD.</summary>
    public static string ToLine(string text)
    {
        var line = new StringBuilder(text.Length);
        foreach (var rune in text.Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            if (rune.Value is '\n' or '\t') line.Append(' ');
            else line.Append(IsPrintable(rune) ? rune.ToString() : "\uFFFD");
        }

        return line.ToString();
    }

    /// <summary>Returns the text with its lines, each after a prefix that marks it as external.</summary>
    public static string ToLines(string text, string prefix) =>
        string.Join('\n', text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').Select(line => prefix + ToLine(line)));

    // Format characters reorder or hide text (U+202E, U+200B). Some terminals end a line at a line or paragraph separator.
    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
