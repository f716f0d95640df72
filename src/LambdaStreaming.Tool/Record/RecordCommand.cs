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
        var to = new Option<string>("--to") { HelpName = "FILE", Description = "The recording: a JSON object a line. Replaced once the answer has ended, however it did", Required = true };
        var command = new Command("record", "Invokes a function and keeps its answer with its timing in a file, for `lambda-stream serve --replay` and for LocalLambdaServer in tests.");
        invocation.AddTo(command);
        InvocationOptions.RequireText(to);
        command.Add(to);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            InvokeWithResponseStreamRequest request = await invocation.ReadRequestAsync(parsed, console, cancellationToken);
            using LambdaStreamingClient client = invocation.CreateClient(parsed, console);
            string path = parsed.GetRequiredValue(to);
            await using OutputFile file = OutputFile.Open(path, to.Name);
            await using InvokeWithResponseStreamResponse response = await invocation.SendAsync(client, request, parsed, cancellationToken);
            RecordedStream recording = await ReadAsync(response, cancellationToken);
            invocation.PrintLog(parsed, InvocationOptions.LogOf(response.InvokeComplete), console);
            return await KeepAsync(recording, response.InvokeComplete, file, path, console);
        });
        return command;
    }

    private static async Task<int> KeepAsync(RecordedStream recording, InvokeComplete? complete, OutputFile file, string path, ToolConsole console)
    {
        await SaveAsync(recording, file, path);

        (int exitCode, string end) = complete switch
        {
            null => (ExitCode.NotWhole, "The answer was cut, and is recorded so"),
            { ErrorCode: { } error } => (ExitCode.FunctionError, $"The function failed with {error}, and is recorded so"),
            _ => (ExitCode.Whole, "Recorded a whole answer"),
        };
        console.Say(string.Create(CultureInfo.InvariantCulture, $"{end}: {recording.Chunks} chunks in {Duration.Show(recording.Duration)}, to {path}. Serve it: lambda-stream serve --replay {Path.GetFileNameWithoutExtension(path)}={path}"));
        return exitCode;
    }

    private static async Task<RecordedStream> ReadAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        try
        {
            return await RecordedStream.RecordAsync(response, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw InterruptedException.AmidAnswer(e);
        }
    }

    private static async Task SaveAsync(RecordedStream recording, OutputFile file, string path)
    {
        try
        {
            // It opens the file itself.
            file.Close();
            await recording.SaveAsync(file.CurrentPath, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The recording {path} can't be written: {e.Message.TrimEnd('.')}. The function ran.", e);
        }

        file.Commit();
    }
}
