using System.Diagnostics.CodeAnalysis;
using Spectre.Console;

namespace LambdaStreaming.Tool;

/// <summary>The standard streams of the program, their properties, and the signal that it received.</summary>
/// <remarks>Tests supply other streams.</remarks>
internal sealed class ToolConsole
{
    public required Stream Input { get; init; }

    public bool InputIsTerminal { get; init; }

    /// <summary>Standard output, unbuffered.</summary>
    public required Stream Output { get; init; }

    public bool OutputIsTerminal { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Whether <see cref="Error"/> is a terminal that can show progress.</summary>
    public bool ErrorIsTerminal { get; init; }

    public bool UseColors { get; init; }

    /// <summary>The exit code of an interrupted command: 130 after Ctrl-C, 143 after SIGTERM.</summary>
    public int InterruptedExitCode { get; set; } = ExitCode.Interrupted;

    /// <summary>Standard error for progress and colored text.</summary>
    public IAnsiConsole Ansi => field ??= AnsiConsole.Create(new AnsiConsoleSettings
    {
        Ansi = ErrorIsTerminal ? AnsiSupport.Yes : AnsiSupport.No,
        ColorSystem = UseColors ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
        Interactive = ErrorIsTerminal ? InteractionSupport.Yes : InteractionSupport.No,
        Out = new AnsiConsoleOutput(Error),
    });

    [SuppressMessage("Reliability", "CA2000", Justification = "The standard streams live as long as the program.")]
    public static ToolConsole CreateForProcess()
    {
        // If standard error is closed, .NET might use its descriptor number for another file or pipe. Do not write to
        // that file.
        var hasError = IsOpen(2);
        if (hasError)
            Console.SetError(new ErrorWriter(Console.Error));
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
            UseColors = errorIsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        };
    }

    /// <summary>Throws if standard output is closed, before anything is sent.</summary>
    public void RequireOutput()
    {
        if (Output is DescriptorStream { IsClosed: true })
            throw new ToolException(ExitCode.Local, "Standard output is closed. Nothing was sent.");
    }

    /// <summary>Writes <c>lambda-stream: text</c> to standard error as one line.</summary>
    public void WriteMessage(string text) => Write(text, Color.Grey);

    /// <summary>Writes <c>lambda-stream: text</c> to standard error as one line, with the color of an error.</summary>
    public void WriteError(string text) => Write(text, Color.Red);

    private void Write(string text, Color color)
    {
        if (UseColors)
            Ansi.Write(new Text("lambda-stream: ", new Style(color, decoration: Decoration.Bold)));
        else
            Error.Write("lambda-stream: ");
        Error.WriteLine(ExternalText.ToLine(text));
    }

    private static bool IsOpen(int descriptor) =>
        OperatingSystem.IsWindows() || DescriptorStream.IsInherited(descriptor);
}
