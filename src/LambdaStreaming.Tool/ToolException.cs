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

/// <summary>Ctrl-C after the call was begun.</summary>
internal sealed class InterruptedException(string message, Exception innerException) : OperationCanceledException(message, innerException)
{
    /// <summary>While the answer came.</summary>
    public static InterruptedException AmidAnswer(Exception innerException) =>
        new("Interrupted; the connection is closed. That does not stop the function: it may run on, and is billed to its end.", innerException);
}
