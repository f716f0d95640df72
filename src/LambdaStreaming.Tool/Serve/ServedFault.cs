using System.Globalization;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>What goes wrong with a function's calls: <c>chat=cut:137</c>, <c>chat@1-2=throttle</c>, <c>chat@3=cut:2chunks:reset</c>.</summary>
/// <param name="Function">The function's name.</param>
/// <param name="First">The first call that meets it, from 1.</param>
/// <param name="Last">The last one.</param>
/// <param name="Apply">Adds it to the calls' script.</param>
internal sealed record ServedFault(string Function, int First, int Last, Action<CallBehavior> Apply)
{
    public static IReadOnlyList<(string Form, string Meaning)> Forms { get; } =
    [
        ("throttle", "429 TooManyRequestsException"),
        ("error:CODE", "an error of the service, e.g. error:KMSAccessDeniedException"),
        ("status:N", "a bare HTTP status, e.g. status:503"),
        ("no-answer[:reset]", "the connection is closed, or reset, without an answer"),
        ("cut:BYTES[:END]", "the answer ends after so many bytes; END is close (default), reset or clean"),
        ("cut:Nchunks[:END]", "the answer ends after N chunks"),
        ("cut:end[:END]", "the answer ends before its last event, InvokeComplete"),
        ("flip:BYTE", "one bit of that byte is wrong"),
        ("exception:N:TYPE", "the service ends the answer with an exception after N chunks"),
        ("silence[:N]", "nothing is answered; with N: nothing more after N chunks"),
        ("delay:TIME", "the answer begins later, e.g. delay:2s"),
        ("slow:TIME", "a pause before each chunk, e.g. slow:200ms"),
        ("pieces:BYTES", "the answer is written in small pieces"),
    ];

    public static ServedFault Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1) throw Wrong(text, "it names no function");
        var target = text[..equals].Split('@');
        var (first, last) = target.Length switch
        {
            1 => (1, int.MaxValue),
            2 => Calls(text, target[1]),
            _ => throw Wrong(text, "it has more than one @"),
        };
        return new ServedFault(target[0], first, last, ParseFault(text, text[(equals + 1)..].Split(':')));
    }

    private static Action<CallBehavior> ParseFault(string text, string[] parts) => (parts[0], parts.Length) switch
    {
        ("throttle", 1) => script => script.Throttle(),
        ("error", 2) when parts[1].Length > 0 && parts[1].All(char.IsAsciiLetterOrDigit) => script => script.RespondWithError(parts[1]),
        ("status", 2) => With(Number(text, parts[1], 200, 599), (script, status) => script.RespondWithStatus(status)),
        ("no-answer", 1) => script => script.CloseBeforeHeaders(TruncationMode.Close),
        ("no-answer", 2) when parts[1] is "close" or "reset" => With(End(text, parts, 1), (script, end) => script.CloseBeforeHeaders(end)),
        ("cut", 2 or 3) => Cut(text, parts),
        ("flip", 2) => With(Number(text, parts[1]), (script, at) => script.FlipBit(at)),
        ("exception", 3) when parts[2].Length > 0 => With(Number(text, parts[1]), (script, chunks) => script.ExceptionAfterChunks(chunks, parts[2], "The local server was told to end the answer so.")),
        ("silence", 1) => script => script.StallBeforeHeaders(),
        ("silence", 2) => With(Number(text, parts[1]), (script, chunks) => script.StallAfterChunks(chunks)),
        ("delay", 2) => With(Time(text, parts[1]), (script, time) => script.Delay(time)),
        ("slow", 2) => With(Time(text, parts[1]), (script, time) => script.DelayEachChunk(time)),
        ("pieces", 2) => With(Number(text, parts[1], 1), (script, bytes) => script.WriteInFragments(bytes)),
        _ => throw Wrong(text, $"'{string.Join(':', parts)}' is no fault"),
    };

    private static Action<CallBehavior> Cut(string text, string[] parts)
    {
        var end = End(text, parts, 2);
        if (parts[1] == "end") return script => script.TruncateBeforeInvokeComplete(end);
        const string Chunks = "chunks";
        if (parts[1].EndsWith(Chunks, StringComparison.Ordinal)) return With(Number(text, parts[1][..^Chunks.Length]), (script, chunks) => script.TruncateAfterChunks(chunks, end));
        return With(Number(text, parts[1]), (script, bytes) => script.TruncateAfterBytes(bytes, end));
    }

    // What is wrong with a number is said while the command line is read, not when the call comes.
    private static Action<CallBehavior> With<T>(T value, Action<CallBehavior, T> apply) => script => apply(script, value);

    private static TruncationMode End(string text, string[] parts, int index) => parts.Length <= index ? TruncationMode.Close : parts[index] switch
    {
        "close" => TruncationMode.Close,
        "reset" => TruncationMode.Reset,
        "clean" => TruncationMode.EndOfBody,
        _ => throw Wrong(text, $"'{parts[index]}' is no end: close, reset or clean"),
    };

    private static (int First, int Last) Calls(string text, string calls)
    {
        var range = calls.Split('-', 2);
        var first = Number(text, range[0], 1);
        return (first, range.Length == 1 ? first : Number(text, range[1], first));
    }

    private static int Number(string text, string number, int min = 0, int max = int.MaxValue) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw Wrong(text, $"'{number}' is no whole number {(max == int.MaxValue ? $"from {min}" : $"from {min} to {max}")}");

    private static TimeSpan Time(string text, string time) =>
        Duration.TryParse(time, out var value) ? value : throw Wrong(text, $"'{time}' is no time like 200ms or 2s");

    private static ToolException Wrong(string text, string why) =>
        ToolException.Usage($"--fault '{text}': {why}. Write NAME=FAULT, NAME@CALL=FAULT or NAME@FIRST-LAST=FAULT, with FAULT one of {string.Join(", ", Forms.Select(form => form.Form))}.");
}
