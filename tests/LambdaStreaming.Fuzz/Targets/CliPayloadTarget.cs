using System.Text;
using LambdaStreaming.Tool;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as a payload or a client context on the command line.</summary>
/// <remarks>The first byte selects what the other bytes are.</remarks>
internal static class CliPayloadTarget
{
    private static readonly string[] FilePrefixes = ["@", "file://", "fileb://", "@"];

    /// <summary>Whether to skip standard input and files, which another thread reads.</summary>
    /// <remarks>
    /// AFL++ gets the branches of all threads in one sequence. With two threads, it finds new edges by chance.
    /// </remarks>
    public static bool IsSingleThreaded { get; set; }

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var flags = input[0] >> 4;
        var bytes = input.AsSpan(1);
        switch (input[0] & 7)
        {
            case <= 3:
                CheckPayload(Encoding.UTF8.GetString(bytes), asIs: flags == 1);
                break;
            case 4:
                if (IsSingleThreaded) break;
                CheckInput(bytes.ToArray(), flags);
                break;
            default:
                CheckClientContext(Encoding.UTF8.GetString(bytes));
                break;
        }
    }

    // The prefixes of files are excluded: an input could name any file of this machine.
    private static void CheckPayload(string argument, bool asIs)
    {
        if (argument is "-" || IsFile(argument)) return;
        var expected = Encoding.UTF8.GetBytes(argument);
        CheckResult(argument, asIs, new ToolStreams([]), expected, asIs || IsPayload(expected));
    }

    // Standard input, or a file that does not exist. Both are read by another thread, so these inputs are slower.
    private static void CheckInput(byte[] input, int flags)
    {
        if ((flags & 1) == 0)
        {
            CheckResult("-", asIs: false, new ToolStreams(input), input, IsPayload(input));
            return;
        }

        var name = string.Concat(Encoding.Latin1.GetString(input).Where(char.IsAsciiLetterOrDigit));
        var prefix = FilePrefixes[(flags >> 1) & 3];
        var argument = prefix + (name.Length == 0 ? "" : "/this-folder-does-not-exist/" + name);
        CheckResult(argument, asIs: false, new ToolStreams([]), [], isValid: false);
    }

    private static bool IsFile(string argument) =>
        argument.StartsWith('@') || argument.StartsWith("file", StringComparison.Ordinal);

    private static bool IsPayload(ReadOnlySpan<byte> bytes) => bytes.IsEmpty || NaiveJson.IsValid(bytes);

    private static void CheckResult(string argument, bool asIs, ToolStreams streams, byte[] expected, bool isValid)
    {
        var read = PayloadArgument.ReadAsync(argument, asIs, streams.Console, CancellationToken.None);
        if (GetError(read) is { } error)
        {
            FindingException.Unless(!isValid, "A valid payload was rejected.");
            TerminalText.CheckReport(error, streams);
            FindingException.Unless(error.ExitCode == ExitCode.Usage, $"Exit code {error.ExitCode}.");
            return;
        }

        FindingException.Unless(isValid, "An invalid payload was accepted.");
        FindingException.Unless(SynchronousTask.GetResult(read).Span.SequenceEqual(expected), "The payload differs.");
    }

    // Throwing once more costs more than all checks.
    private static ToolException? GetError<T>(Task<T> task)
    {
        SynchronousTask.Wait(task);
        return task.Exception?.InnerException as ToolException;
    }

    private static void CheckClientContext(string argument)
    {
        if (IsFile(argument)) return;
        var json = argument.TrimStart().StartsWith('{')
            ? Encoding.UTF8.GetBytes(argument)
            : NaiveBase64.Decode(argument);
        var isValid = json is not null && NaiveJson.IsValid(json) && json.AsSpan().TrimStart(" \t\r\n"u8)[0] == '{';
        var read = PayloadArgument.ReadClientContextAsync(argument, CancellationToken.None);
        if (GetError(read) is { } error)
        {
            FindingException.Unless(
                !isValid || error.Message.StartsWith("--client-context:", StringComparison.Ordinal),
                "A valid client context was rejected.");
            TerminalText.CheckReport(error, new ToolStreams([]));
            return;
        }

        FindingException.Unless(isValid, "An invalid client context was accepted.");
        var context = NaiveBase64.Decode(SynchronousTask.GetResult(read)!);
        FindingException.Unless(context.AsSpan().SequenceEqual(json), "The client context differs.");
    }
}
