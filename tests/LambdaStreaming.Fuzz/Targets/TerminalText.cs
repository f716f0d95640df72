using System.Buffers;
using System.Globalization;
using System.Text;
using LambdaStreaming.Tool;

namespace LambdaStreaming.Fuzz;

/// <summary>Text that the command line prints to a terminal.</summary>
internal static class TerminalText
{
    private static readonly SearchValues<char> Printable = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c), '\n']);

    /// <summary>A failure is reported as one line of text, which cannot control the terminal.</summary>
    public static void CheckReport(Exception exception, ToolStreams streams)
    {
        Failure.Report(streams.Console, exception, debug: false);
        var text = streams.Error.ToString();
        FindingException.Unless(text.StartsWith("lambda-stream: ", StringComparison.Ordinal), "The report differs.");
        FindingException.Unless(text.IndexOf('\n', StringComparison.Ordinal) == text.Length - 1, "It is not one line.");
        Check(text);
    }

    /// <summary>Line feeds are the only control characters.</summary>
    public static void Check(string text)
    {
        if (text.AsSpan().IndexOfAnyExcept(Printable) < 0) return;
        foreach (var rune in text.EnumerateRunes())
        {
            var isControl = rune.Value is < 0x20 and not '\n' or (>= 0x7F and < 0xA0)
                || CharUnicodeInfo.GetUnicodeCategory(rune.Value) is UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            FindingException.Unless(!isControl, $"U+{rune.Value:X4} reaches the terminal.");
        }
    }
}
