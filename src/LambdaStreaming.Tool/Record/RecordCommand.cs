using System.CommandLine;
using LambdaStreaming.Errors;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Invoke;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool.Record;

/// <summary>The command <c>record</c>, which records a response with its timing.</summary>
internal sealed class RecordCommand(ToolConsole console, Option<bool> debug)
{
    private readonly InvocationOptions _invocation = new(debug);
    private readonly Option<string> _to = new("--to")
    {
        HelpName = "FILE",
        Description = "The file for the recording (JSON lines), replaced when the response ends, even if the response "
            + "is incomplete; - is standard output",
        Required = true,
    };

    public static Command Create(ToolConsole console, Option<bool> debug)
    {
        var instance = new RecordCommand(console, debug);
        var command = new Command(
            "record",
            "Invokes a function and records its response and timing in a file, "
            + "for `lambda-stream serve --replay` and for LocalLambdaServer in tests.");
        OptionValidators.RequireText(instance._to);
        instance._invocation.AddTo(command);
        command.Add(instance._to);
        command.SetAction(instance.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var request = await _invocation.ReadRequestAsync(parsed, console, cancellationToken);
        using var client = _invocation.CreateClient(parsed, console);
        var path = parsed.GetRequiredValue(_to);
        var toOutput = OutputFile.IsStandardOutput(path);
        if (toOutput)
            console.RequireOutput();
        await using var file = toOutput ? null : await OutputFile.OpenAsync(path, _to.Name, cancellationToken);
        await using var response = await _invocation.SendAsync(client, request, parsed, cancellationToken);
        var recording = await ReadAsync(response, cancellationToken);
        _invocation.PrintLog(parsed, InvocationOptions.GetLog(response.InvokeComplete), console);
        // Before the recording is saved: if that fails, the failure of the response must still be known.
        var exitCode = recording.Failure is { } failure
            ? Failure.Report(console, failure, _invocation.IsDebug(parsed))
            : ExitCode.Complete;
        await SaveAsync(recording, file, cancellationToken);
        PrintResult(recording, file);
        return exitCode;
    }

    private static async Task<RecordedStream> ReadAsync(
        InvokeWithResponseStreamResponse response,
        CancellationToken cancellationToken)
    {
        try
        {
            return await RecordedStream.RecordAsync(response, cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            throw InterruptedException.DuringResponse(exception);
        }
    }

    private async Task SaveAsync(RecordedStream recording, OutputFile? file, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(recording, file, cancellationToken);
            file?.Commit();
        }
        finally
        {
            if (file?.Abandon(keepData: true) is { } partial)
                console.WriteMessage($"the incomplete recording is in {partial}");
        }
    }

    private void PrintResult(RecordedStream recording, OutputFile? file)
    {
        var result = recording.Failure switch
        {
            null => "recorded a complete response",
            FunctionErrorException => "recorded a failure of the function",
            _ => "recorded an incomplete response",
        };
        var chunks = ExceptionMessages.Count(recording.ChunkCount, "chunk");
        var where = "";
        if (file is { IsRegular: true })
        {
            var function = ServedFunction.CreateName(Path.GetFileNameWithoutExtension(file.Name));
            var argument = $"{function}={ShellText.Quote(file.Name)}";
            where = $", in {file.Name}. To serve it: lambda-stream serve --replay {argument}";
        }

        console.WriteMessage($"{result}: {chunks} in {Duration.Format(recording.Duration)}{where}");
    }

    private async Task WriteAsync(RecordedStream recording, OutputFile? file, CancellationToken cancellationToken)
    {
        try
        {
            // A write to a full pipe cannot be cancelled. A regular file is written completely.
            var writing = recording.WriteAsync(file?.Stream ?? console.Output);
            await writing.WaitAsync(file is { IsRegular: true } ? CancellationToken.None : cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            throw InterruptedException.AfterResponse(
                exception,
                isComplete: recording.Failure is not ResponseStreamException);
        }
        catch (Exception exception) when (
            exception is IOException { HResult: not Failure.BrokenPipe } or UnauthorizedAccessException)
        {
            throw new ToolException(
                ExitCode.Local,
                $"The function ran, but the recording cannot be written: {exception.Message.TrimEnd('.')}.",
                exception);
        }
    }
}
