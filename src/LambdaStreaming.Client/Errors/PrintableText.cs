using System.Globalization;
using System.Text;

namespace LambdaStreaming.Errors;

/// <summary>Which characters of a function, a service or a header can be shown.</summary>
internal static class PrintableText
{
    /// <summary>Returns whether a message, a log or a terminal can contain the character.</summary>
    /// <remarks>
    /// Format characters reorder or hide text (U+202E, U+200B). Some terminals end a line at a line or paragraph
    /// separator.
    /// </remarks>
    public static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control
        or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator);
}
