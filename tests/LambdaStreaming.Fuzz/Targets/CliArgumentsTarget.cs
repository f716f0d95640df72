using System.CommandLine;
using System.Text;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool;
using LambdaStreaming.Tool.Invoke;
using LambdaStreaming.Tool.Record;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Fuzz;

/// <summary>Any text as arguments or a value that the command line parses, or as a message that it prints.</summary>
/// <remarks>The first byte selects what the other bytes are.</remarks>
internal static class CliArgumentsTarget
{
    private static readonly FunctionHandler NoFunction = (_, _, _) => Task.CompletedTask;

    // Creating the commands takes longer than parsing.
    private static readonly ThreadLocal<RootCommand> Root = new(CreateRoot);

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var text = Encoding.UTF8.GetString(input.AsSpan(1));
        switch (input[0] & 7)
        {
            case 0:
                CheckMessage(text);
                break;
            case 1:
                CheckDuration(text);
                break;
            case 2:
                CheckWords(text);
                break;
            case 3:
                CheckFault(text);
                break;
            default:
                CheckArguments(text, input[0] >> 4);
                break;
        }
    }

    private static RootCommand CreateRoot()
    {
        var console = new ToolStreams([]).Console;
        var debug = new Option<bool>("--debug") { Recursive = true };
        return new RootCommand
        {
            InvokeCommand.Create(console, debug),
            ServeCommand.Create(console, debug),
            RecordCommand.Create(console, debug),
            debug,
        };
    }

    // Only parsed, never run.
    private static void CheckArguments(string text, int flags)
    {
        if (!CommandWords.TrySplit(text, out var words, out _)) return;
        string[] command = (flags & 3) switch
        {
            0 => ["invoke"],
            1 => ["serve"],
            2 => ["record"],
            _ => [],
        };
        var streams = new ToolStreams([]);
        var parsed = Root.Value!.Parse(
            [.. command, .. words],
            new ParserConfiguration { ResponseFileTokenReplacer = null });
        foreach (var error in parsed.Errors) streams.Console.WriteError(error.Message);
        foreach (var suggestion in Suggestions.Get(parsed)) streams.Console.WriteError(suggestion);
        TerminalText.Check(streams.Error.ToString());
    }

    private static void CheckMessage(string text)
    {
        var streams = new ToolStreams([]);
        TerminalText.CheckReport(ToolException.Usage(text), streams);
        var line = ExternalText.ToLine(text);
        FindingException.Unless(!line.Contains('\n', StringComparison.Ordinal), "ToLine returns several lines.");
        FindingException.Unless(ExternalText.ToLine(line) == line, "ToLine changes its own result.");
        var isPrintable = text.All(c => c is >= ' ' and <= '~');
        FindingException.Unless(!isPrintable || line == text, "Printable text was changed.");
        var lines = ExternalText.ToLines(text, "| ");
        TerminalText.Check(lines);
        FindingException.Unless(
            Array.TrueForAll(lines.Split('\n'), part => part.StartsWith("| ", StringComparison.Ordinal)),
            "A line does not have the prefix.");
    }

    private static void CheckDuration(string text)
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
        TerminalText.Check(Duration.Format(duration));

        static TimeSpan Parse(string seconds) => Duration.TryParse(seconds, out var parsed) ? parsed : default;
    }

    /// <summary>A quoted word is that word.</summary>
    private static void CheckWords(string text)
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

    private static void CheckFault(string text)
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
            TerminalText.CheckReport(exception, new ToolStreams([]));
        }
    }
}
