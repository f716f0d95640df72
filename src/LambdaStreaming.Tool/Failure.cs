using LambdaStreaming.Errors;

namespace LambdaStreaming.Tool;

/// <summary>Maps an exception to an exit code and to one paragraph of text.</summary>
/// <remarks>
/// The text states whether the function might have run. Exit code and text depend on exception types and properties
/// only. The program does not search the messages of the library for words.
/// </remarks>
internal static class Failure
{
    // The reader of the output closed the pipe. The program then ends without a message.
    // Source: errno.h of Linux and macOS; .NET passes the number on as HResult.
    public const int BrokenPipe = 32;

    private const int MaxFunctionMessageLength = 2000;

    /// <summary>Prints the failure, unless its text is <see langword="null"/>.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(ToolConsole console, Exception exception, bool debug)
    {
        if (GetText(exception) is { } text)
            console.WriteError(text);
        if (debug)
            console.Error.WriteLine(ExternalText.ToLines(exception.ToString(), "  "));
        return GetExitCode(exception, console);
    }

    public static int GetExitCode(Exception exception, ToolConsole console) => exception switch
    {
        ToolException tool => tool.ExitCode,
        IOException { HResult: BrokenPipe } => ExitCode.OutputClosed,
        OperationCanceledException => console.InterruptedExitCode,
        FunctionErrorException => ExitCode.FunctionError,
        ResponseStreamException => ExitCode.Incomplete,
        LambdaServiceException => ExitCode.ServiceError,
        LambdaTransportException => ExitCode.Transport,
        LambdaConfigurationException => ExitCode.Configuration,
        PayloadFormatException or PayloadLimitExceededException => ExitCode.PayloadFormat,
        _ => ExitCode.Local,
    };

    /// <summary>Gets the text to print.</summary>
    /// <returns><see langword="null"/> if nothing should be printed.</returns>
    public static string? GetText(Exception exception) => exception switch
    {
        IOException { HResult: BrokenPipe } => null,
        ToolException or InterruptedException => exception.Message,
        OperationCanceledException => "Interrupted. Nothing was sent.",
        FunctionErrorException function => Describe(function),
        ResponseStreamIdleTimeoutException idle => Describe(idle),
        PayloadFormatException =>
            $"{exception.Message} The function ran. Use --raw to print the payload without parsing it.",
        PayloadLimitExceededException limit => Describe(limit),
        LambdaConfigurationException configuration => Describe(configuration),

        // The messages of these exceptions state whether the function might have run.
        LambdaStreamingException => exception.Message,
        _ => $"{exception.Message.TrimEnd('.')} ({exception.GetType().Name}). Use --debug for a stack trace.",
    };

    private static string GetName(InvokeComplete complete) =>
        complete.ErrorCode is { Length: > 0 } code ? code : "an unnamed error";

    // The library's message refers to properties of the exception. This text contains the values of these properties.
    private static string Describe(FunctionErrorException exception)
    {
        var message = GetFunctionMessage(exception);
        if (message.Length > MaxFunctionMessageLength)
            message = message[..MaxFunctionMessageLength] + "…";
        var advice = exception.Advice is { } sentence ? $" {sentence}" : "";
        return $"The function {exception.FunctionName} ran and failed with {GetName(exception.InvokeComplete)}"
            + $"{message.TrimEnd('.')}.{advice} "
            + DescribeProgress(exception.ChunksReceived, exception.BytesReceived, exception);
    }

    private static string GetFunctionMessage(FunctionErrorException exception)
    {
        if (exception.FunctionErrorMessage is { } text && exception.FunctionErrorType is { } type)
            return type == exception.ErrorCode ? $": {text}" : $": {type}: {text}";
        return exception.ErrorDetails is { Length: > 0 } details ? $": {details}" : "";
    }

    private static string Describe(ResponseStreamIdleTimeoutException exception) =>
        $"No data was received from {exception.FunctionName} within the time of --idle-timeout. "
        + $"{DescribeExecution(exception.FunctionMayHaveRun)} "
        + DescribeProgress(exception.ChunksReceived, exception.BytesReceived, exception);

    private static string Describe(PayloadLimitExceededException exception) =>
        $"A line, value, event or HTTP prelude at byte {exception.ByteOffset} is longer than "
        + $"{exception.LimitBytes} bytes. "
        + "The function ran. Use --raw to print the payload without parsing it.";

    private static string Describe(LambdaConfigurationException exception) =>
        $"{exception.Message} {DescribeExecution(exception.FunctionMayHaveRun)} "
        + "On the command line, use --region, --profile or --endpoint-url.";

    private static string DescribeProgress(long chunks, long bytes, LambdaStreamingException exception)
    {
        var request = exception.RequestId is { Length: > 0 } id ? $" Request id: {id}." : "";
        var received = $"{ExceptionMessages.Count(chunks, "chunk")} ({ExceptionMessages.Count(bytes, "byte")})";
        return $"Received {received}.{request}";
    }

    private static string DescribeExecution(bool functionMayHaveRun) => functionMayHaveRun
        ? "The function might have run and might still be running."
        : "The function did not run.";
}
