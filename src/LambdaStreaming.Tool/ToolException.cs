namespace LambdaStreaming.Tool;

/// <summary>A failure that ends the program with an exit code and a message for the user.</summary>
internal sealed class ToolException(int exitCode, string message, Exception? innerException = null)
    : Exception(message, innerException)
{
    public int ExitCode { get; } = exitCode;

    public static ToolException Usage(string message) => new(Tool.ExitCode.Usage, message);
}

/// <summary>Ctrl-C or SIGTERM after the invocation began.</summary>
internal sealed class InterruptedException(string message, bool functionMayHaveRun, Exception innerException)
    : OperationCanceledException(message, innerException)
{
    public bool FunctionMayHaveRun { get; } = functionMayHaveRun;

    public static InterruptedException BeforeResponse(OperationCanceledException exception)
    {
        // Only the library's exception shows that the function did not run. After any other exception, it might have
        // run.
        var mayHaveRun = exception is not InvocationCanceledException { FunctionMayHaveRun: false };
        var consequence = mayHaveRun
            ? "The function might have run and might still be running: closing the connection does not stop it."
            : "The function did not run.";
        return new($"Interrupted before the response. {consequence}", mayHaveRun, exception);
    }

    public static InterruptedException DuringResponse(OperationCanceledException exception) => new(
        "Interrupted during the response. The function might still be running and is billed until it ends: "
        + "closing the connection does not stop it.",
        functionMayHaveRun: true,
        exception);

    /// <param name="exception">The cancellation of a write.</param>
    /// <param name="isComplete">Whether <c>InvokeComplete</c> was received.</param>
    public static InterruptedException AfterResponse(OperationCanceledException exception, bool isComplete) => new(
        "Interrupted after the end of the response. The output might be incomplete. "
        + (isComplete ? "The function has ended." : "The function might still be running."),
        functionMayHaveRun: true,
        exception);
}
