using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool;

/// <summary>The help of a command, with what the options alone do not say: exit codes, and the forms of faults.</summary>
internal sealed class HelpTables(HelpAction help) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var exitCode = help.Invoke(parseResult);
        var writer = parseResult.InvocationConfiguration.Output;
        var command = parseResult.CommandResult.Command;
        if (command.Name == "serve") Write(writer, "Faults:", ServedFault.Forms);
        if (command is RootCommand || command.Name is "invoke" or "record") Write(writer, "Exit codes:", [.. ExitCode.All.Select(row => (row.Code.ToString(CultureInfo.InvariantCulture), row.Meaning))]);
        if (command.Name == "serve") Write(writer, "Exit codes:", [("0", "stopped by Ctrl-C or SIGTERM"), ("1", "it could not start, e.g. the port is taken"), ("2", "the command line, a file or a recording is wrong")]);
        return exitCode;
    }

    private static void Write(TextWriter writer, string title, IReadOnlyList<(string Name, string Meaning)> rows)
    {
        writer.WriteLine(title);
        var width = rows.Max(row => row.Name.Length);
        foreach (var (name, meaning) in rows) writer.WriteLine($"  {name.PadRight(width)}  {meaning}");
        writer.WriteLine();
    }
}
