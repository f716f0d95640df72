using System.CommandLine;
using System.Globalization;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Tool.Record;

/// <summary><c>lambda-stream record</c>: an answer with its timing, for <c>serve --replay</c> and for tests.</summary>
internal static class RecordCommand
{
    public static Command Create(ToolConsole console, Option<bool> debug)
    {
        var invocation = new InvocationOptions(debug);
        var to = new Option<string>("--to") { HelpName = "FILE", Description = "The recording: a JSON object a line. Replaced once the answer has ended, however it did; - prints it to standard output", Required = true };
        var command = new Command("record", "Invokes a function and keeps its answer with its timing in a file, for `lambda-stream serve --replay` and for LocalLambdaServer in tests.");
        InvocationOptions.RequireText(to);
        invocation.AddTo(command);
        command.Add(to);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var request = await invocation.ReadRequestAsync(parsed, console, cancellationToken);
            using var client = invocation.CreateClient(parsed, console);
            var path = parsed.GetRequiredValue(to);
            var toOutput = OutputFile.IsStandardOutput(path);
            if (toOutput) console.RequireOutput();
            await using var file = toOutput ? null : await OutputFile.OpenAsync(path, to.Name, cancellationToken);
            await using var response = await invocation.SendAsync(client, request, parsed, cancellationToken);
            var recording = await ReadAsync(response, cancellationToken);
            invocation.PrintLog(parsed, InvocationOptions.GetLog(response.InvokeComplete), console);
            return await KeepAsync(recording, response.InvokeComplete, file, console, cancellationToken);
        });
        return command;
    }

    private static async Task<int> KeepAsync(RecordedStream recording, InvokeComplete? complete, OutputFile? file, ToolConsole console, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(recording, file?.Stream ?? console.Output, file is { IsRegular: true } ? CancellationToken.None : cancellationToken);
            file?.Commit();
        }
        finally
        {
            if (file?.Abandon() is { } partial) console.Say($"the incomplete recording is in {partial}");
        }

        var where = file is { IsRegular: true }
            ? $", to {file.Name}. Serve it: lambda-stream serve --replay {Path.GetFileNameWithoutExtension(file.Name)}={file.Name}"
            : "";

        var (exitCode, end) = complete switch
        {
            null => (ExitCode.Incomplete, "The answer was cut, and is recorded so"),
            { IsFunctionError: true } => (ExitCode.FunctionError, $"The function failed with {Failure.GetName(complete)}, and is recorded so"),
            _ => (ExitCode.Complete, "Recorded a whole answer"),
        };
        console.Say(string.Create(CultureInfo.InvariantCulture, $"{end}: {Count.Format(recording.ChunkCount, "chunk")} in {Duration.Show(recording.Duration)}{where}"));
        return exitCode;
    }

    private static async Task<RecordedStream> ReadAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
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

    // The library saves to a path; the destination is open already.
    private static async Task WriteAsync(RecordedStream recording, Stream destination, CancellationToken cancellationToken)
    {
        var saved = Path.GetTempFileName();
        try
        {
            await recording.SaveAsync(saved, CancellationToken.None);
            var bytes = await File.ReadAllBytesAsync(saved, CancellationToken.None);

            // A write to a full pipe cannot be cancelled.
            await destination.WriteAsync(bytes, CancellationToken.None).AsTask().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            throw new InterruptedException("Interrupted. The function has ended, and what was printed is not a complete recording.", true, exception);
        }
        catch (Exception exception) when (exception is IOException { HResult: not OutputClosedException.BrokenPipe } or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The recording can't be written: {exception.Message.TrimEnd('.')}. The function ran.", exception);
        }
        finally
        {
            File.Delete(saved);
        }
    }
}
