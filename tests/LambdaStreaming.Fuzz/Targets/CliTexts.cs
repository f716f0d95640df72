using System.Buffers;
using System.Globalization;
using System.Text;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Fuzz;

/// <summary>Any text as a value that the command line parses, or that it prints to a terminal.</summary>
internal static class CliTexts
{
    private static readonly SearchValues<char> Printable = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c), '\n']);

    private static readonly FunctionHandler NoFunction = (_, _, _) => Task.CompletedTask;

    /// <summary>A failure is reported as one line of text, which cannot control the terminal.</summary>
    public static void CheckReport(Exception exception, ToolStreams streams)
    {
        Failure.Report(streams.Console, exception, debug: false);
        var text = streams.Error.ToString();
        FindingException.Unless(text.StartsWith("lambda-stream: ", StringComparison.Ordinal), "The report differs.");
        FindingException.Unless(text.IndexOf('\n', StringComparison.Ordinal) == text.Length - 1, "It is not one line.");
        CheckTerminalText(text);
    }

    /// <summary>Line feeds are the only control characters.</summary>
    public static void CheckTerminalText(string text)
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

    public static void CheckMessage(string text)
    {
        var streams = new ToolStreams([]);
        CheckReport(ToolException.Usage(text), streams);
        var line = ExternalText.ToLine(text);
        FindingException.Unless(!line.Contains('\n', StringComparison.Ordinal), "ToLine returns several lines.");
        FindingException.Unless(ExternalText.ToLine(line) == line, "ToLine changes its own result.");
        var isPrintable = text.All(c => c is >= ' ' and <= '~');
        FindingException.Unless(!isPrintable || line == text, "Printable text was changed.");
        var lines = ExternalText.ToLines(text, "| ");
        CheckTerminalText(lines);
        FindingException.Unless(
            Array.TrueForAll(lines.Split('\n'), part => part.StartsWith("| ", StringComparison.Ordinal)),
            "A line does not have the prefix.");
    }

    public static void CheckDuration(string text)
    {
        // No argument of a process contains a NUL, which .NET ignores after a number.
        if (text.Contains('\0', StringComparison.Ordinal) || !Duration.TryParse(text, out var duration)) return;
        FindingException.Unless(
            duration >= TimeSpan.Zero && duration <= TimeSpan.FromDays(49),
            $"The duration {duration} is not in the range.");
        FindingException.Unless(
            text.All(c => char.IsAsciiDigit(c) || c is '.' or 'm' or 's' or 'h'),
            "A duration has other characters.");
        FindingException.Unless(
            !text.EndsWith("ms", StringComparison.Ordinal) || duration == Parse(text[..^2] + "s") / 1000
                || text.Contains('.', StringComparison.Ordinal) || duration > TimeSpan.FromHours(1),
            "Milliseconds are not thousandths of seconds.");
        CheckTerminalText(Duration.Format(duration));

        static TimeSpan Parse(string seconds) => Duration.TryParse(seconds, out var parsed) ? parsed : default;
    }

    /// <summary>A quoted word is that word.</summary>
    public static void CheckWords(string text)
    {
        _ = CommandWords.TrySplit(text, out _, out _);
        var expected = text.Split('\n');
        var quoted = new StringBuilder();
        foreach (var word in expected)
        {
            quoted.Append(" '").Append(word.Replace("'", "'\\''", StringComparison.Ordinal)).Append('\'');
        }

        FindingException.Unless(
            CommandWords.TrySplit(quoted + " # handler ", out var words, out var handler),
            "A quoted word is not closed.");
        FindingException.Unless(words.SequenceEqual(expected), "The words differ.");
        FindingException.Unless(handler == "handler", "The handler differs.");
    }

    public static void CheckFault(string text)
    {
        try
        {
            var fault = ServedFault.Parse(text);
            FindingException.Unless(
                text.StartsWith(fault.Function, StringComparison.Ordinal) && fault.First >= 1
                    && fault.Last >= fault.First,
                "The calls of the fault are wrong.");

            // No documented limit of a text is reached within an input.
            fault.Apply(new LocalFunction("f", NoFunction).OnCalls(fault.First, fault.Last));
        }
        catch (ToolException exception)
        {
            CheckReport(exception, new ToolStreams([]));
        }
    }
}
