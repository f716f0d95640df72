using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace LambdaStreaming.Tool.Invoke;

/// <summary><c>lambda-stream invoke</c>.</summary>
internal sealed class InvokeCommand
{
    private readonly InvocationOptions _invocation;
    private readonly ToolConsole _console;
    private string? _log;
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Check parameters and permission only; the function does not run" };
    private readonly Option<bool> _http = new("--http") { Description = "Take an HTTP status and headers off the front of the answer, print them to standard error, then the body. Goes with the other readings" };
    private readonly Option<string?> _output = new("--output", "-o") { HelpName = "FILE", Description = "Write to FILE, which is replaced once the response is complete; what an incomplete one contains is kept in FILE.partial" };
    private readonly Option<bool> _stats = new("--stats") { Description = "Print request id, version, chunks, bytes and times to standard error at the end" };
    private readonly IReadOnlyList<(OutputFormat Form, Option<bool> Option)> _forms =
    [
        (OutputFormat.Raw, new("--raw") { Description = "Print the payload's bytes as they come (the default)" }),
        (OutputFormat.Text, new("--text") { Description = "Print the payload as text: whole characters, bad UTF-8 replaced" }),
        (OutputFormat.Lines, new("--lines") { Description = "Print whole lines, ended by \\n" }),
        (OutputFormat.Json, new("--json") { Description = "Print each JSON value of the payload on a line of its own (JSON lines, values one after another, or the elements of one array)" }),
        (OutputFormat.ServerSentEvents, new("--sse") { Description = "Print the data of each server-sent event, without an end mark [DONE]" }),
        (OutputFormat.Events, new("--events") { Description = "For scripts: print one JSON object for each event of the call: head, chunks, and complete or error" }),
    ];

    private InvokeCommand(ToolConsole console, Option<bool> debug)
    {
        _console = console;
        _invocation = new InvocationOptions(debug);
    }

    public static Command Create(ToolConsole console, Option<bool> debug)
    {
        var invoke = new InvokeCommand(console, debug);
        var command = new Command("invoke", "Invokes a function and prints its answer to standard output while it is being made; everything else goes to standard error.");
        invoke._invocation.AddTo(command);
        InvocationOptions.RequireText(invoke._output);
        command.Add(invoke._dryRun);
        foreach (var (_, option) in invoke._forms) command.Add(option);
        command.Add(invoke._http);
        command.Add(invoke._output);
        command.Add(invoke._stats);
        command.Validators.Add(invoke.ValidateForms);
        command.SetAction(invoke.RunAsync);
        return command;
    }

    private void ValidateForms(CommandResult result)
    {
        List<string> given = [.. _forms.Where(form => result.GetValue(form.Option)).Select(form => form.Option.Name)];
        if (given.Count > 1) result.AddError($"{string.Join(" and ", given)} exclude each other: an answer is read in one way.");
        else if (given is ["--events"] && result.GetValue(_http)) result.AddError("--http and --events exclude each other.");
        if (result.GetValue(_dryRun) && result.GetResult(_output) is not null) result.AddError("--dry-run and --output exclude each other: nothing runs, so there is no answer to write.");
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var request = await _invocation.ReadRequestAsync(parsed, _console, cancellationToken);
        if (parsed.GetValue(_dryRun)) request = request with { InvocationType = InvocationType.DryRun };
        using var client = _invocation.CreateClient(parsed, _console);
        var form = _forms.FirstOrDefault(row => parsed.GetValue(row.Option)).Form;
        var path = parsed.GetValue(_output) is { } given && !OutputFile.IsStandardOutput(given) ? given : null;

        if (path is null && !parsed.GetValue(_dryRun)) _console.RequireOutput();
        await using var file = path is null ? null : await OutputFile.OpenAsync(path, _output.Name, cancellationToken);
        // The line would be drawn over what these write.
        var progress = file is not null && _console.ErrorIsTerminal && !parsed.GetValue(_http) && !_invocation.Debug(parsed);
        var stats = new StreamStatistics(TimeProvider.System);
        var output = new OutputWriter(file, _console);
        Task Read() => ReadAsync(client, request, new(form, parsed.GetValue(_http), output, stats, _console), form == OutputFormat.Events ? new EventPrinter(output, stats) : null, stats, parsed, cancellationToken);
        try
        {
            if (progress) await ProgressLine.RunAsync(_console.Ansi, stats, Path.GetFileName(path!), TimeProvider.System, Read);
            else await Read();
            file?.Commit();
        }
        finally
        {
            stats.End();
            _invocation.PrintLog(parsed, _log, _console);
            if (parsed.GetValue(_stats)) stats.Print(_console.Error);
            if (file?.Abandon() is { } partial) _console.Say($"the incomplete response is in {partial}");
        }

        if (file is not null && _console.ErrorIsTerminal)
            _console.Say(string.Create(CultureInfo.InvariantCulture, $"{ByteCount.Show(stats.Bytes)} in {Count.Format(stats.Chunks, "chunk")} and {Duration.Show(stats.Elapsed)}, whole: {path}"));
        return ExitCode.Complete;
    }

    private async Task ReadAsync(
        LambdaStreamingClient client, InvokeWithResponseStreamRequest request, ResponsePrinter printer, EventPrinter? events, StreamStatistics stats, ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            await using var response = await _invocation.SendAsync(client, request, parsed, cancellationToken);
            stats.RecordHeaders(response);
            try
            {
                if (request.InvocationType == InvocationType.DryRun) _console.Say($"allowed: {request.FunctionName} exists and may be invoked so; it did not run");
                if (events is not null) await events.PrintAsync(response, cancellationToken);
                else await printer.PrintAsync(response, request.FunctionName, cancellationToken);
            }
            catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
            {
                throw InterruptedException.DuringResponse(exception);
            }
            finally
            {
                _log = InvocationOptions.GetLog(response.InvokeComplete);
            }
        }
        catch (Exception exception) when (events is not null && exception is not OutputClosedException and not ToolException { ExitCode: ExitCode.Local })
        {
            await events.PrintAsync(exception, Failure.GetText(exception) ?? exception.Message, cancellationToken);
            throw;
        }
        finally
        {
            if (_console is { OutputIsTerminal: true, ErrorIsTerminal: true } && printer.EndsMidLine) _console.Error.WriteLine();
        }
    }
}
