using System.CommandLine;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The command <c>invoke</c>, which invokes a function and prints its response.</summary>
internal sealed class InvokeCommand(ToolConsole console, Option<bool> debug)
{
    private readonly InvocationOptions _invocation = new(debug);

    private readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Check parameters and permission only; the function does not run",
    };

    private readonly Option<string?> _invocationType = new("--invocation-type")
    {
        Hidden = true,
        Description = "The spelling of the AWS CLI: DryRun is --dry-run",
    };

    private readonly HttpPreludeHint _hint = new();

    private readonly Option<bool> _http = new("--http")
    {
        Description = "Print the HTTP status and headers at the start of the payload to standard error, "
            + "and the body to standard output. Can be combined with the other formats except --events",
    };

    private readonly Option<string?> _output = new("--output", "-o")
    {
        HelpName = "FILE",
        Description = "Write to FILE, which is replaced once the response is complete; the data of an incomplete "
            + "response is kept in FILE.partial",
    };

    private readonly Option<bool> _stats = new("--stats")
    {
        Description = "Print request id, version, chunks, bytes and times to standard error at the end",
    };

    private readonly IReadOnlyList<(OutputFormat Format, Option<bool> Option)> _formats =
    [
        (OutputFormat.Raw, new("--raw") { Description = "Print the bytes of the payload as they arrive (default)" }),
        (OutputFormat.Text, new("--text")
        {
            Description = "Print text: characters are never split, and invalid UTF-8 is replaced with U+FFFD",
        }),
        (OutputFormat.Lines, new("--lines") { Description = "Print complete lines, each ended by \\n" }),
        (OutputFormat.Json, new("--json")
        {
            Description = "Print each JSON value of the payload on its own line "
                + "(JSON lines, concatenated values, or the elements of one array)",
        }),
        (OutputFormat.ServerSentEvents, new("--sse")
        {
            Description = "Print the data of each server-sent event, except the end marker [DONE]",
        }),
        (OutputFormat.Events, new("--events")
        {
            Description = "For scripts: print one JSON object for each event of the invocation: headers, chunks, "
                + "and complete or error",
        }),
    ];

    private string? _log;

    public static Command Create(ToolConsole console, Option<bool> debug)
    {
        var invoke = new InvokeCommand(console, debug);
        var command = new Command(
            "invoke",
            "Invokes a function and prints its response to standard output as it arrives. "
            + "Everything else is written to standard error.");
        invoke._invocation.AddTo(command);
        OptionValidators.RequireText(invoke._output);
        OptionValidators.RequireOneOf(invoke._invocationType, "RequestResponse", "DryRun");
        command.Add(invoke._dryRun);
        command.Add(invoke._invocationType);
        foreach (var (_, option) in invoke._formats)
            command.Add(option);
        command.Add(invoke._http);
        command.Add(invoke._output);
        command.Add(invoke._stats);
        command.SetAction(invoke.RunAsync);
        return command;
    }

    // Not a validator: those also run for an option whose value is missing, for which GetValue throws.
    private void CheckCombinations(ParseResult parsed)
    {
        string[] formats = [.. _formats.Where(row => parsed.GetValue(row.Option)).Select(row => row.Option.Name)];
        if (formats.Length > 1)
        {
            throw ToolException.Usage(
                $"{string.Join(" and ", formats)} cannot be used together: the output has one format.");
        }

        if (formats is ["--events"] && parsed.GetValue(_http))
            throw ToolException.Usage("--http and --events cannot be used together.");
        if (IsDryRun(parsed) && parsed.GetValue(_output) is not null)
        {
            throw ToolException.Usage(
                "--dry-run and --output cannot be used together: a dry run has no response to write.");
        }
    }

    private bool IsDryRun(ParseResult parsed) =>
        parsed.GetValue(_dryRun) || parsed.GetValue(_invocationType) is "DryRun";

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        CheckCombinations(parsed);
        var request = await _invocation.ReadRequestAsync(parsed, console, cancellationToken);
        if (IsDryRun(parsed))
            request = request with { InvocationType = InvocationType.DryRun };
        using var client = _invocation.CreateClient(parsed, console);
        var path = parsed.GetValue(_output) is { } value && !OutputFile.IsStandardOutput(value) ? value : null;
        var isEvents = GetFormat(parsed) == OutputFormat.Events;
        if (path is null && (isEvents || !IsDryRun(parsed)))
            console.RequireOutput();
        await using var file = path is null ? null : await OutputFile.OpenAsync(path, _output.Name, cancellationToken);
        var statistics = new StreamStatistics(TimeProvider.System);
        var output = new OutputWriter(file, console);
        Task Read() => ReadAsync(client, request, output, statistics, parsed, cancellationToken);
        try
        {
            if (file is not null && CanShowProgress(parsed))
                await ProgressLine.RunAsync(console.Ansi, statistics, Path.GetFileName(file.Name), Read);
            else
                await Read();
            file?.Commit();
        }
        finally
        {
            statistics.Stop();
            _invocation.PrintLog(parsed, _log, console);
            if (await _hint.IsNeededAsync())
                console.WriteMessage(HttpPreludeHint.Text);
            if (parsed.GetValue(_stats))
                statistics.Print(console.Error);
            // Without a response, the file contains at most the error event, which is on standard error, too.
            if (file?.Abandon(keepData: statistics.HasHeaders) is { } partial)
                console.WriteMessage($"the incomplete response is in {partial}");
        }

        if (file is not null && console.ErrorIsTerminal)
            console.WriteMessage($"complete: {statistics.Summarize()}, in {file.Name}");
        return ExitCode.Complete;
    }

    private OutputFormat GetFormat(ParseResult parsed) =>
        _formats.FirstOrDefault(row => parsed.GetValue(row.Option)).Format;

    // --http and --debug write to the terminal and would be overwritten by the progress line.
    private bool CanShowProgress(ParseResult parsed) =>
        console.ErrorIsTerminal && !parsed.GetValue(_http) && !_invocation.IsDebug(parsed);

    private async Task ReadAsync(
        LambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        OutputWriter output,
        StreamStatistics statistics,
        ParseResult parsed,
        CancellationToken cancellationToken)
    {
        var format = GetFormat(parsed);
        var hint = parsed.GetValue(_http) ? null : _hint;
        var printer = new ResponsePrinter(format, hint, output, statistics, console);
        var events = format == OutputFormat.Events ? new EventPrinter(output, statistics, console) : null;
        try
        {
            await using var response = await _invocation.SendAsync(client, request, parsed, cancellationToken);
            statistics.RecordHeaders(response);
            await PrintAsync(response, request, printer, events, cancellationToken);
        }
        catch (Exception exception) when (events is not null && IsPrintable(exception))
        {
            await events.PrintAsync(exception, Failure.GetText(exception) ?? exception.Message, cancellationToken);
            throw;
        }
        finally
        {
            if (console is { OutputIsTerminal: true, ErrorIsTerminal: true } && output.EndsMidLine)
                console.Error.WriteLine();
        }
    }

    private async Task PrintAsync(
        InvokeWithResponseStreamResponse response,
        InvokeWithResponseStreamRequest request,
        ResponsePrinter printer,
        EventPrinter? events,
        CancellationToken cancellationToken)
    {
        try
        {
            var isDryRun = request.InvocationType == InvocationType.DryRun;
            if (isDryRun)
            {
                console.WriteMessage(
                    $"dry run succeeded: you can invoke {request.FunctionName}. The function did not run.");
            }

            if (events is not null)
                await events.PrintAsync(response, cancellationToken);
            else if (!isDryRun)
                await printer.PrintAsync(response, request.FunctionName, cancellationToken);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw response.InvokeComplete is null
                ? InterruptedException.DuringResponse(exception)
                : InterruptedException.AfterResponse(exception, isComplete: true);
        }
        finally
        {
            _log = InvocationOptions.GetLog(response.InvokeComplete);
        }
    }

    // These two exceptions mean that the output cannot be written.
    private static bool IsPrintable(Exception exception) =>
        exception is not IOException { HResult: Failure.BrokenPipe } and not ToolException { ExitCode: ExitCode.Local };
}
