using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Text;
using LambdaStreaming.Tool.Completion;
using LambdaStreaming.Tool.Invoke;
using LambdaStreaming.Tool.Record;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool;

/// <summary>The command line as a whole: from arguments to an exit code.</summary>
internal static class LambdaStreamCommand
{
    public static async Task<int> RunAsync(string[] args, ToolConsole console, CancellationToken cancellationToken)
    {
        // `@FILE` is a payload here, not a file with further arguments.
        var debug = new Option<bool>("--debug") { Description = "Log what the library does, and show stack traces, on standard error", Recursive = true };
        var parsed = Create(console, debug).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var message in parsed.Errors.Select(error => error.Message).Distinct(StringComparer.Ordinal)) console.SayError(message);
            console.Error.WriteLine($"Try: {GetPath(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        using var text = new StreamWriter(console.Output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { AutoFlush = true };
        try
        {
            var configuration = new InvocationConfiguration { Output = text, Error = console.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (Exception exception)
        {
            return Failure.Report(console, exception, parsed.GetValue(debug));
        }
    }

    private static RootCommand Create(ToolConsole console, Option<bool> debug)
    {
        var root = new RootCommand("Invokes AWS Lambda functions and prints their answers while they are being made; serves functions on this machine.")
        {
            InvokeCommand.Create(console, debug),
            ServeCommand.Create(console, debug),
            RecordCommand.Create(console, debug),
            CompletionCommand.Create(),
            debug,
        };
        if (!root.Directives.Any(directive => directive is SuggestDirective)) root.Add(new SuggestDirective());
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            if (help.Action is HelpAction action) help.Action = new HelpTables(action);
        }

        return root;
    }

    private static string GetPath(System.CommandLine.Parsing.CommandResult command) =>
        command.Parent is System.CommandLine.Parsing.CommandResult parent ? $"{GetPath(parent)} {command.Command.Name}" : "lambda-stream";
}
