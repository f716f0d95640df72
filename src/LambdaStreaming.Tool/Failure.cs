using System.Globalization;

namespace LambdaStreaming.Tool;

/// <summary>Maps a failure to an exit code and to one paragraph that says whether the function might have run.</summary>
/// <remarks>Decided by types and properties. Messages of the library are printed as they are; no code looks for words in them.</remarks>
internal static class Failure
{
    private const int MaxFunctionMessageLength = 2000;

    /// <summary>Prints the failure, unless there is nothing to print.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(ToolConsole console, Exception exception, bool debug)
    {
        if (GetText(exception) is { } text) console.SayError(text);
        if (debug) console.Error.WriteLine(ExternalText.ToLines(exception.ToString(), "  "));
        return GetExitCode(exception);
    }

    public static int GetExitCode(Exception exception) => exception switch
    {
        ToolException tool => tool.ExitCode,
        OutputClosedException or IOException { HResult: OutputClosedException.BrokenPipe } => ExitCode.OutputClosed,
        OperationCanceledException => ExitCode.Interrupted,
        FunctionErrorException => ExitCode.FunctionError,
        ResponseStreamException => ExitCode.Incomplete,
        LambdaServiceException => ExitCode.ServiceError,
        LambdaTransportException => ExitCode.Transport,
        LambdaConfigurationException => ExitCode.Configuration,
        PayloadFormatException or PayloadLimitExceededException => ExitCode.PayloadFormat,
        _ => ExitCode.Local,
    };

    /// <returns><see langword="null"/> if there is nothing to print.</returns>
    public static string? GetText(Exception exception) => exception switch
    {
        OutputClosedException or IOException { HResult: OutputClosedException.BrokenPipe } => null,
        ToolException or InterruptedException => exception.Message,
        OperationCanceledException => "Interrupted. Nothing was sent.",
        FunctionErrorException function => Describe(function),
        ResponseStreamIdleTimeoutException idle => Describe(idle),
        PayloadFormatException => $"{exception.Message} --raw prints the payload as it is. The function ran.",
        PayloadLimitExceededException limit => Describe(limit),
        LambdaConfigurationException configuration => Describe(configuration),

        // Their messages say whether the function might have run.
        LambdaStreamingException => exception.Message,
        _ => $"{exception.Message} ({exception.GetType().Name}; --debug shows more)",
    };

    public static string GetName(InvokeComplete complete) => complete.ErrorCode is { Length: > 0 } code ? code : "an error without a name";

    // The library's message refers to properties of the exception; here they are printed.
    private static string Describe(FunctionErrorException exception)
    {
        var message = exception.FunctionErrorMessage is { } text && exception.FunctionErrorType is { } type
            ? type == exception.ErrorCode ? $": {text}" : $": {type}: {text}"
            : exception.ErrorDetails is { Length: > 0 } details ? $": {details}" : "";
        if (message.Length > MaxFunctionMessageLength) message = message[..MaxFunctionMessageLength] + "…";
        var advice = exception.Advice is { } sentence ? $" {sentence}" : "";
        return $"The function {exception.FunctionName} failed with {GetName(exception.InvokeComplete)}{message.TrimEnd('.')}.{advice} "
            + $"It ran. {Received(exception.ChunksReceived, exception.BytesReceived, exception)}";
    }

    private static string Describe(ResponseStreamIdleTimeoutException exception) =>
        $"No data was received from {exception.FunctionName} within the time of --idle-timeout. "
        + $"{Consequence(exception.FunctionMayHaveRun)} {Received(exception.ChunksReceived, exception.BytesReceived, exception)}";

    private static string Describe(PayloadLimitExceededException exception) => string.Create(
        CultureInfo.InvariantCulture,
        $"A line, value or prelude of the payload is longer than {exception.LimitBytes} bytes. It begins at byte {exception.ByteOffset}. "
        + $"--raw prints the payload as it is. The function ran.");

    private static string Describe(LambdaConfigurationException exception) =>
        $"{exception.Message} {Consequence(exception.FunctionMayHaveRun)} On the command line, use --region, --profile and --endpoint-url.";

    private static string Received(long chunks, long bytes, LambdaStreamingException exception)
    {
        var request = exception.RequestId is { Length: > 0 } id ? $" (request id {id})" : "";
        return string.Create(CultureInfo.InvariantCulture, $"Received before that: {Count.Format(chunks, "chunk")} with {Count.Format(bytes, "byte")}{request}.");
    }

    private static string Consequence(bool functionMayHaveRun) =>
        functionMayHaveRun ? "The function might have run, and might still be running." : "The function did not run.";
}
