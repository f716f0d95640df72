namespace LambdaStreaming.Tool;

/// <summary>Something that ends the program with a text for the person at the keyboard.</summary>
internal sealed class ToolException(int exitCode, string message, Exception? innerException = null) : Exception(message, innerException)
{
    public int ExitCode { get; } = exitCode;

    public static ToolException Usage(string message) => new(Tool.ExitCode.Usage, message);
}

/// <summary>Whoever read the output has gone: no failure of ours, and nothing to be said about it.</summary>
internal sealed class OutputClosedException(Exception innerException) : Exception("The output was closed.", innerException)
{
    // Source: errno.h of Linux and macOS; the platform hands the number through as HResult.
    public const int BrokenPipe = 32;
}

/// <summary>Ctrl-C after the invocation began.</summary>
internal sealed class InterruptedException(string message, bool functionMayHaveRun, Exception innerException)
    : OperationCanceledException(message, innerException)
{
    public bool FunctionMayHaveRun { get; } = functionMayHaveRun;

    public static InterruptedException BeforeResponse(OperationCanceledException exception)
    {
        // The library says it of each cancelled invocation; of anything else nothing is known.
        var mayHaveRun = exception is not InvocationCanceledException { FunctionMayHaveRun: false };
        var consequence = mayHaveRun
            ? "The function might have run, and might still be running: the connection is closed, which does not stop it."
            : "The function did not run.";
        return new($"Interrupted before the response. {consequence}", mayHaveRun, exception);
    }

    public static InterruptedException DuringResponse(OperationCanceledException exception) => new(
        "Interrupted. The connection is closed, which does not stop the function: it might still be running, and is billed until it ends.",
        functionMayHaveRun: true,
        exception);
}
