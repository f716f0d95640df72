using System.Diagnostics.CodeAnalysis;
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

    [SuppressMessage("Reliability", "CA2000", Justification = "The standard streams live as long as the program.")]
    public static ToolConsole OfProcess()
    {
        // .NET may use the number of a closed standard error for a file or pipe of its own.
        var hasError = IsOpen(2);
        if (hasError) Console.SetError(new ErrorWriter(Console.Error));
        var dumb = Environment.GetEnvironmentVariable("TERM") is "dumb";
        var errorIsTerminal = hasError && !Console.IsErrorRedirected && !dumb;
        return new ToolConsole
        {
            Input = !IsOpen(0) ? DescriptorStream.Closed
                : OperatingSystem.IsWindows() || !Console.IsInputRedirected ? Console.OpenStandardInput()
                : new DescriptorStream(0),
            InputIsTerminal = !Console.IsInputRedirected,
            Output = !IsOpen(1) ? DescriptorStream.Closed
                : OperatingSystem.IsWindows() ? Console.OpenStandardOutput()
                : new DescriptorStream(1),
            OutputIsTerminal = !Console.IsOutputRedirected,
            Error = hasError ? Console.Error : TextWriter.Null,
            ErrorIsTerminal = errorIsTerminal,
            // Source: no-color.org: any value that is not empty.
            Colours = errorIsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        };
    }

    /// <summary>Throws if standard output is closed, before anything is sent.</summary>
    public void RequireOutput()
    {
        if (Output is DescriptorStream { IsClosed: true }) throw new ToolException(ExitCode.Local, "Standard output is closed. Nothing was sent.");
    }

    /// <summary>Writes <c>lambda-stream: text</c> to standard error, as one line.</summary>
    public void Say(string text, Color? colour = null)
    {
        if (Colours) Ansi.Write(new Text("lambda-stream: ", new Style(colour ?? Color.Grey, decoration: Decoration.Bold)));
        else Error.Write("lambda-stream: ");
        Error.WriteLine(ExternalText.ToLine(text));
    }

    public void SayError(string text) => Say(text, Color.Red);

    private static bool IsOpen(int descriptor) => OperatingSystem.IsWindows() || DescriptorStream.IsInherited(descriptor);
}
