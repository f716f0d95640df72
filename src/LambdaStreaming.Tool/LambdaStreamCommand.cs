using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Text;
using LambdaStreaming.Tool.Completion;
using LambdaStreaming.Tool.Invoke;
using LambdaStreaming.Tool.Record;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool;

/// <summary>Parses the arguments, runs the selected command and returns the exit code.</summary>
internal static class LambdaStreamCommand
{
    public static async Task<int> RunAsync(string[] args, ToolConsole console, CancellationToken cancellationToken)
    {
        var debug = new Option<bool>("--debug")
        {
            Description = "Write the log of the library and stack traces to standard error",
            Recursive = true,
        };

        // `@FILE` is a payload here, not a file with further arguments.
        var parserConfiguration = new ParserConfiguration { ResponseFileTokenReplacer = null };
        var root = Create(console, debug);
        if (args.Length == 0)
            return ShowHelp(root, console);
        var parsed = root.Parse(args, parserConfiguration);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var message in parsed.Errors.Select(error => error.Message).Distinct(StringComparer.Ordinal))
                console.WriteError(message);
            foreach (var suggestion in Suggestions.Get(parsed))
                console.WriteError(suggestion);
            console.Error.WriteLine($"Try: {GetPath(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        var encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        using var text = new StreamWriter(console.Output, encoding, leaveOpen: true) { AutoFlush = true };
        try
        {
            var configuration = new InvocationConfiguration
            {
                Output = text,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (Exception exception)
        {
            return Failure.Report(console, exception, parsed.GetValue(debug));
        }
    }

    // The command line is incomplete, so the exit code is not 0, and standard output stays empty as for other errors.
    private static int ShowHelp(RootCommand root, ToolConsole console)
    {
        root.Parse("--help").Invoke(new InvocationConfiguration { Output = console.Error, Error = console.Error });
        return ExitCode.Usage;
    }

    private static RootCommand Create(ToolConsole console, Option<bool> debug)
    {
        var root = new RootCommand(
            "Invokes AWS Lambda functions and prints their responses as they arrive; serves functions on this machine.")
        {
            InvokeCommand.Create(console, debug),
            ServeCommand.Create(console, debug),
            RecordCommand.Create(console, debug),
            CompletionCommand.Create(),
            debug,
        };
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpTables((HelpAction)help.Action!);
        return root;
    }

    private static string GetPath(CommandResult command) => command.Parent is CommandResult parent
        ? $"{GetPath(parent)} {command.Command.Name}"
        : "lambda-stream";
}
