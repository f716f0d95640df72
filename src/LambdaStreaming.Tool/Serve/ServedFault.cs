using System.Globalization;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>A value of <c>--fault</c>: a fault that is injected into calls of a function.</summary>
/// <remarks>
/// Examples: <c>chat=truncate:137</c>, <c>chat@1-2=throttle</c>, <c>chat@3=truncate:2chunks:reset</c>.
/// </remarks>
/// <param name="Function">The name of the function.</param>
/// <param name="First">The number of the first affected call, starting at 1.</param>
/// <param name="Last">The number of the last affected call.</param>
/// <param name="Apply">Adds the fault to the behavior of the calls.</param>
internal sealed record ServedFault(string Function, int First, int Last, Action<CallBehavior> Apply)
{
    private const string ExceptionMessage = "This exception was injected by the local server (--fault).";

    private const string FunctionErrorMessage = "This error was injected by the local server (--fault).";

    public static IReadOnlyList<(string Form, string Meaning)> Forms { get; } =
    [
        ("throttle", "429 TooManyRequestsException"),
        ("error:CODE", "an error of the service, e.g. error:KMSAccessDeniedException"),
        ("status:N", "an HTTP status without an error name, e.g. status:503"),
        ("close[:reset]", "the connection is closed or reset without a response"),
        ("truncate:BYTES[:END]", "the response ends after BYTES bytes; END is close (default), reset or end-of-body"),
        ("truncate:Nchunks[:END]", "the response ends after N chunks"),
        ("truncate:end[:END]", "the response ends before its last event, InvokeComplete"),
        ("flip:BYTE", "one bit of this byte of the response is flipped"),
        ("exception:N:TYPE", "the service ends the response with an exception after N chunks"),
        ("fail:N:TYPE[:MESSAGE]", "the function fails after N chunks, with this error"),
        ("stall[:N]", "the response never starts; with N, it stalls after N chunks"),
        ("delay:TIME", "a pause before the response, e.g. delay:2s"),
        ("slow:TIME", "a pause before each chunk, e.g. slow:200ms"),
        ("fragments:BYTES", "the response is written in fragments of BYTES bytes"),
    ];

    public static ServedFault Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw CreateException(text, "the function name is missing");
        var target = text[..equals].Split('@');
        var (first, last) = target.Length switch
        {
            1 => (1, int.MaxValue),
            2 => ParseCalls(text, target[1]),
            _ => throw CreateException(text, "it contains more than one @"),
        };
        return new ServedFault(target[0], first, last, ParseFault(text, text[(equals + 1)..].Split(':')));
    }

    private static Action<CallBehavior> ParseFault(string text, string[] parts) => (parts[0], parts.Length) switch
    {
        ("throttle", 1) => calls => calls.Throttle(),
        ("error", 2) when parts[1].Length > 0 && parts[1].All(char.IsAsciiLetterOrDigit) =>
            calls => calls.RespondWithError(parts[1]),
        ("status", 2) =>
            With(ParseInteger(text, parts[1], 200, 599), (calls, status) => calls.RespondWithStatus(status)),
        ("close", 1) => calls => calls.CloseBeforeHeaders(TruncationMode.Close),
        ("close", 2) when parts[1] is "close" or "reset" =>
            With(ParseMode(text, parts, 1), (calls, mode) => calls.CloseBeforeHeaders(mode)),
        ("truncate", 2 or 3) => ParseTruncation(text, parts),
        ("flip", 2) => With(ParseInteger(text, parts[1]), (calls, offset) => calls.FlipBit(offset)),
        ("exception", 3) when !string.IsNullOrWhiteSpace(parts[2]) => With(
            ParseInteger(text, parts[1]),
            (calls, chunks) => calls.ExceptionAfterChunks(chunks, parts[2], ExceptionMessage)),
        ("fail", >= 3) when !string.IsNullOrWhiteSpace(parts[2]) => With(
            ParseInteger(text, parts[1]),
            (calls, chunks) => calls.FunctionErrorAfterChunks(
                chunks, parts[2], parts.Length > 3 ? string.Join(':', parts[3..]) : FunctionErrorMessage)),
        ("stall", 1) => calls => calls.StallBeforeHeaders(),
        ("stall", 2) => With(ParseInteger(text, parts[1]), (calls, chunks) => calls.StallAfterChunks(chunks)),
        ("delay", 2) => With(ParseDuration(text, parts[1]), (calls, delay) => calls.Delay(delay)),
        ("slow", 2) => With(ParseDuration(text, parts[1]), (calls, delay) => calls.DelayEachChunk(delay)),
        ("fragments", 2) => With(ParseInteger(text, parts[1], 1), (calls, bytes) => calls.WriteInFragments(bytes)),
        _ => throw CreateException(text, $"'{string.Join(':', parts)}' is not a fault"),
    };

    private static Action<CallBehavior> ParseTruncation(string text, string[] parts)
    {
        const string Chunks = "chunks";
        var mode = ParseMode(text, parts, 2);
        if (parts[1] == "end")
            return calls => calls.TruncateBeforeInvokeComplete(mode);
        if (!parts[1].EndsWith(Chunks, StringComparison.Ordinal))
            return With(ParseInteger(text, parts[1]), (calls, bytes) => calls.TruncateAfterBytes(bytes, mode));
        var count = ParseInteger(text, parts[1][..^Chunks.Length]);
        return calls => calls.TruncateAfterChunks(count, mode);
    }

    // The value is parsed while the command line is read, so that an error is reported before the server starts.
    private static Action<CallBehavior> With<T>(T value, Action<CallBehavior, T> apply) => calls => apply(calls, value);

    private static TruncationMode ParseMode(string text, string[] parts, int index)
    {
        if (parts.Length <= index)
            return TruncationMode.Close;
        return parts[index] switch
        {
            "close" => TruncationMode.Close,
            "reset" => TruncationMode.Reset,
            "end-of-body" => TruncationMode.EndOfBody,
            _ => throw CreateException(text, $"'{parts[index]}' is not close, reset or end-of-body"),
        };
    }

    private static (int First, int Last) ParseCalls(string text, string calls)
    {
        var range = calls.Split('-', 2);
        var first = ParseInteger(text, range[0], 1);
        return (first, range.Length == 1 ? first : ParseInteger(text, range[1], first));
    }

    private static int ParseInteger(string text, string number, int min = 0, int max = int.MaxValue)
    {
        var isInteger = int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        if (isInteger && value >= min && value <= max)
            return value;
        var range = max == int.MaxValue ? $"an integer of at least {min}" : $"an integer from {min} to {max}";
        throw CreateException(text, $"'{number}' is not {range}");
    }

    private static TimeSpan ParseDuration(string text, string duration) => Duration.TryParse(duration, out var value)
        ? value
        : throw CreateException(text, $"'{duration}' is not a duration such as 200ms or 2s");

    private static ToolException CreateException(string text, string reason) => ToolException.Usage(
        $"--fault '{text}': {reason}. Use NAME=FAULT, NAME@CALL=FAULT or NAME@FIRST-LAST=FAULT, "
        + $"with FAULT one of {string.Join(", ", Forms.Select(form => form.Form))}.");
}
