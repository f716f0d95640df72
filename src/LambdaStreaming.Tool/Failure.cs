using System.Globalization;

namespace LambdaStreaming.Tool;

/// <summary>What a failure means: an exit code, and one paragraph that says whether the function may have run.</summary>
internal static class Failure
{
    private static readonly (string Theirs, string Ours)[] Options =
    [
        ("LambdaStreamingClientOptions.Profile", "--profile"),
        ("LambdaStreamingClientOptions.Region", "--region"),
        ("LambdaStreamingClientOptions.Credentials, ", ""),
        ("LambdaStreamingClientOptions.ServiceUrl", "--endpoint-url"),
        ("(IdleTimeout)", "(--idle-timeout)"),
        ("(ResponseHeadTimeout)", "(--idle-timeout)"),
        ("ServiceUrl", "--endpoint-url"),
        ("JSON of the type JsonElement", "JSON"),
    ];

    /// <summary>Tells the person, unless there is nothing to tell.</summary>
    /// <returns>The exit code.</returns>
    public static int Report(ToolConsole console, Exception exception, bool debug)
    {
        if (TextOf(exception) is { } text) console.SayError(text);
        if (debug) console.Error.WriteLine(ExternalText.ToLines(exception.ToString(), "  "));
        return ExitCodeOf(exception);
    }

    public static int ExitCodeOf(Exception exception) => exception switch
    {
        ToolException e => e.ExitCode,
        OutputClosedException or IOException { HResult: OutputClosedException.BrokenPipe } => ExitCode.OutputClosed,
        OperationCanceledException => ExitCode.Interrupted,
        FunctionErrorException => ExitCode.FunctionError,
        ResponseStreamException => ExitCode.NotWhole,
        LambdaServiceException => ExitCode.ServiceError,
        LambdaTransportException => ExitCode.Transport,
        LambdaConfigurationException => ExitCode.Configuration,
        PayloadFormatException or PayloadLimitExceededException => ExitCode.PayloadFormat,
        _ => ExitCode.Local,
    };

    /// <returns><see langword="null"/> when nothing is to be said.</returns>
    public static string? TextOf(Exception exception) => exception switch
    {
        OutputClosedException or IOException { HResult: OutputClosedException.BrokenPipe } => null,
        ToolException e => e.Message,
        FunctionErrorException e => OfFunction(e),
        PayloadLimitExceededException e => string.Create(CultureInfo.InvariantCulture, $"A line, value or prelude of the answer is longer than {e.LimitBytes} bytes; it begins at byte {e.ByteOffset}. --raw prints the answer as it is. The function ran."),
        PayloadFormatException e => $"{InTheseWords(e.Message)} --raw prints the answer as it is. The function ran.",
        LambdaStreamingException e => WithRun(e),
        InterruptedException e => e.Message,
        OperationCanceledException => "Interrupted; nothing was sent.",
        _ => $"{exception.Message} ({exception.GetType().Name}; --debug shows more)",
    };

    /// <summary>A text of the library with this program's options in the place of its own.</summary>
    public static string InTheseWords(string message)
    {
        foreach (var (theirs, ours) in Options) message = message.Replace(theirs, ours, StringComparison.Ordinal);
        return message;
    }

    // The library's own text sends a programmer to properties of the exception; here they are shown.
    private static string OfFunction(FunctionErrorException e)
    {
        var said = e.FunctionErrorMessage is { } message && e.FunctionErrorType is { } type
            ? type == e.ErrorCode ? $": {message}" : $": {type}: {message}"
            : e.ErrorDetails is { Length: > 0 } details ? $": {details}" : "";
        const int MaxSaid = 2000;
        if (said.Length > MaxSaid) said = said[..MaxSaid] + "…";
        var request = e.RequestId is { Length: > 0 } id ? $" (request id {id})" : "";
        return string.Create(CultureInfo.InvariantCulture, $"The function {e.FunctionName} failed with {NameOf(e.InvokeComplete)}{said.TrimEnd('.')}. It ran; {Count.Of(e.ChunksReceived, "chunk")} with {Count.Of(e.BytesReceived, "byte")} came before{request}.");
    }

    public static string NameOf(InvokeComplete complete) => complete.ErrorCode is { Length: > 0 } code ? code : "an error without a name";

    private static string WithRun(LambdaStreamingException e)
    {
        string[] saidSo = ["may have run", "did not run", "Nothing was sent", "may be running", "runs nothing"];
        var message = InTheseWords(e.Message);
        if (saidSo.Any(words => message.Contains(words, StringComparison.Ordinal))) return message;
        return $"{message} {(e.FunctionMayHaveRun ? "The function may have run, and may be running still." : "The function did not run.")}";
    }
}
