using System.Buffers;
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
            await using var file = OutputFile.IsStandardOutput(path) ? null : OutputFile.Open(path, to.Name);
            await using var response = await invocation.SendAsync(client, request, parsed, cancellationToken);
            var recording = await ReadAsync(response, cancellationToken);
            invocation.PrintLog(parsed, InvocationOptions.LogOf(response.InvokeComplete), console);
            return await KeepAsync(recording, response.InvokeComplete, file, console, cancellationToken);
        });
        return command;
    }

    private static async Task<int> KeepAsync(RecordedStream recording, InvokeComplete? complete, OutputFile? file, ToolConsole console, CancellationToken cancellationToken)
    {
        var where = "";
        if (file is { IsPartial: true })
        {
            await SaveAsync(recording, file);
            where = $", to {file.Name}. Serve it: lambda-stream serve --replay {Path.GetFileNameWithoutExtension(file.Name)}={file.Name}";
        }
        else
        {
            await PrintAsync(recording, new AnswerOutput(file, console), cancellationToken);
        }

        var (exitCode, end) = complete switch
        {
            null => (ExitCode.NotWhole, "The answer was cut, and is recorded so"),
            { IsFunctionError: true } => (ExitCode.FunctionError, $"The function failed with {Failure.NameOf(complete)}, and is recorded so"),
            _ => (ExitCode.Whole, "Recorded a whole answer"),
        };
        console.Say(string.Create(CultureInfo.InvariantCulture, $"{end}: {Count.Of(recording.Chunks, "chunk")} in {Duration.Show(recording.Duration)}{where}"));
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
            throw InterruptedException.AmidAnswer(exception);
        }
    }

    private static async Task SaveAsync(RecordedStream recording, OutputFile file)
    {
        try
        {
            // It opens the file itself.
            file.Close();
            await recording.SaveAsync(file.CurrentPath, CancellationToken.None);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The recording {file.Name} can't be written: {exception.Message.TrimEnd('.')}. The function ran.", exception);
        }

        file.Commit();
    }

    // The library saves to a path, and what is open already has none that would not begin anew.
    private static async Task PrintAsync(RecordedStream recording, AnswerOutput output, CancellationToken cancellationToken)
    {
        var saved = Path.GetTempFileName();
        try
        {
            await recording.SaveAsync(saved, CancellationToken.None);
            await output.WriteAsync(new ReadOnlySequence<byte>(await File.ReadAllBytesAsync(saved, CancellationToken.None)), cancellationToken);
        }
        catch (OperationCanceledException exception)
        {
            throw new InterruptedException("Interrupted; the function has ended, and what was printed is no whole recording.", exception);
        }
        finally
        {
            File.Delete(saved);
        }
    }
}
