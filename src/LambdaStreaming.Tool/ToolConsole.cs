using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;

namespace LambdaStreaming.Tool;

/// <summary>The three streams of the program, and whether a person looks at them. Tests put their own in their place.</summary>
internal sealed class ToolConsole
{
    public required Stream Input { get; init; }

    public bool InputIsTerminal { get; init; }

    /// <summary>Standard output, without a buffer.</summary>
    public required Stream Output { get; init; }

    public bool OutputIsTerminal { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Whether a person looks at <see cref="Error"/>: progress is shown.</summary>
    public bool ErrorIsTerminal { get; init; }

    public bool Colours { get; init; }

    /// <summary>Standard error for what is drawn and coloured.</summary>
    public IAnsiConsole Ansi => field ??= AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = ErrorIsTerminal ? AnsiSupport.Yes : AnsiSupport.No,
        ColorSystem = Colours ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        Interactive = ErrorIsTerminal ? InteractionSupport.Yes : InteractionSupport.No,
        Out = new AnsiConsoleOutput(Error),
    });

    [SuppressMessage("Reliability", "CA2000", Justification = "Standard error lives as long as the program.")]
    public static ToolConsole OfProcess()
    {
        Console.SetError(new ErrorWriter(Console.Error));
        var dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        var errorIsTerminal = !Console.IsErrorRedirected && !dumb;
        return new ToolConsole
        {
            Input = Console.OpenStandardInput(),
            InputIsTerminal = !Console.IsInputRedirected,
            Output = StandardOutput(),
            OutputIsTerminal = !Console.IsOutputRedirected,
            Error = Console.Error,
            ErrorIsTerminal = errorIsTerminal,
            // Source: no-color.org: any value that is not empty.
            Colours = errorIsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        };
    }

    /// <summary>Writes <c>lambda-stream: text</c> to standard error.</summary>
    public void Say(string text, Color? colour = null)
    {
        if (Colours) Ansi.Write(new Text("lambda-stream: ", new Style(colour ?? Color.Grey, decoration: Decoration.Bold)));
        else Error.Write("lambda-stream: ");
        Error.WriteLine(Printable(text));
    }

    public void SayError(string text) => Say(text, Color.Red);

    /// <summary>Texts of functions and services may hold what a terminal would obey.</summary>
    public static string Printable(string text) =>
        (text = text.Replace("\r\n", "\n", StringComparison.Ordinal)).Any(Obeyed) ? string.Concat(text.Select(c => Obeyed(c) ? '\uFFFD' : c)) : text;

    // A lone carriage return would write over the line's beginning.
    private static bool Obeyed(char c) => char.IsControl(c) && c is not ('\n' or '\t');

    // The platform's console stream takes a broken pipe for success, so that a whole answer would be read for nobody.
    // FileStream keeps a file's position to itself, so that in `(lambda-stream …; date) > file` the second would write over the first. Hence the one for pipes, the other for all else.
    [SuppressMessage("Reliability", "CA2000", Justification = "Standard output lives as long as the program.")]
    private static Stream StandardOutput()
    {
        if (!OperatingSystem.IsWindows() && Console.IsOutputRedirected)
        {
            var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!pipe.CanSeek) return pipe;
        }

        return Console.OpenStandardOutput();
    }
}
