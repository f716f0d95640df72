using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool;

/// <summary>The help of a command, its exit codes and, for <c>serve</c>, the forms of functions and faults.</summary>
internal sealed class HelpTables(HelpAction help) : SynchronousCommandLineAction
{
    private static readonly (string Name, string Meaning)[] ServeExitCodes =
    [
        ("0", "stopped by Ctrl-C or SIGTERM"),
        ("1", "the server could not start, e.g. the port is in use"),
        ("2", "the command line, a file or a recording is invalid"),
        ("130", "Ctrl-C (SIGINT) before the server has started, e.g. during a build"),
        ("143", "SIGTERM before the server has started"),
    ];

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var exitCode = help.Invoke(parseResult);
        var writer = parseResult.InvocationConfiguration.Output;
        var command = parseResult.CommandResult.Command;
        if (command.Name == "serve")
        {
            Write(writer, "Functions (KIND:TARGET):", ServedFunction.Forms);
            Write(writer, "Faults:", ServedFault.Forms);
            Write(writer, "Exit codes:", ServeExitCodes);
        }

        if (command is RootCommand || command.Name is "invoke" or "record")
            Write(writer, "Exit codes:", [.. ExitCode.All.Select(row => (FormatCode(row.Code), row.Meaning))]);
        return exitCode;
    }

    private static string FormatCode(int code) => code.ToString(CultureInfo.InvariantCulture);

    private static void Write(TextWriter writer, string title, IReadOnlyList<(string Name, string Meaning)> rows)
    {
        writer.WriteLine(title);
        var width = rows.Max(row => row.Name.Length);
        foreach (var (name, meaning) in rows)
            writer.WriteLine($"  {name.PadRight(width)}  {meaning}");
        writer.WriteLine();
    }
}
