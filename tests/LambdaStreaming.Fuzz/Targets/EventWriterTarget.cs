using System.Text;
using System.Text.Json;
using LambdaStreaming.AspNetCore;
using LambdaStreaming.AspNetCore.Responses;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as server-sent events that are forwarded to a browser in fragments, with keep-alive comments between them.
/// </summary>
/// <remarks>
/// The browser must receive the events of the input only. Bits of the first byte select: comments before the first byte
/// (1); a failure after the last byte (2) and its protocol (4, 8). With bit 16, comments are between fragments.
/// </remarks>
#pragma warning disable CA1001 // The clock is disposed by the writer.
internal sealed class EventWriterTarget
#pragma warning restore CA1001
{
    // Each comment costs a parse of all bytes before it.
    private const int MaxComments = 6;

    private const int MaxFailureTextBytes = 48;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static readonly byte[] Incomplete = "incomplete"u8.ToArray();

    private static readonly InvalidOperationException Cause = new("x");

    [ThreadStatic]
    private static EventWriterTarget? _current;

    private readonly MemoryBody _body = new();
    private readonly NaiveServerSentEvents _expected = new();
    private readonly NaiveServerSentEvents _actual = new();
    private readonly List<(int Start, int Length)> _comments = [];
    private byte[] _input = [];
    private ManualClock _clock = new();

    private ReadOnlySpan<byte> Payload => _input.AsSpan(1);

    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var target = _current ??= new EventWriterTarget();
        target._input = input;
        target.Run();
    }

    private void Run()
    {
        _body.Reset();
        _comments.Clear();
        _clock = new ManualClock();
        var flags = _input[0];
        using var writer = new EventStreamWriter(_body.Tracking, _clock, Interval);
        FindingException.Unless(
            _body.Tracking.FlushHeadersAsync(CancellationToken.None).IsCompletedSuccessfully,
            "The headers were not sent.");
        if ((flags & 1) != 0) WaitForFunction(writer);
        Copy(writer, writesComments: (flags & 16) != 0);
        CheckForwardedBytes();
        if ((flags & 2) == 0) CheckEvents();
        else CheckFailure(writer, (flags >> 2) & 3);
    }

    private void WaitForFunction(EventStreamWriter writer)
    {
        var function = new TaskCompletionSource<int>();
        var waiting = writer.WaitAsync(function.Task, CancellationToken.None);
        Fire(forwarded: 0);
        function.SetResult(7);
        FindingException.Unless(SynchronousTask.GetResult(waiting) == 7, "The result of the operation differs.");
    }

    private void Copy(EventStreamWriter writer, bool writesComments)
    {
        using var stream = new DeliveredStream(_input, 1, new FragmentSizes(_input).Next);
        var copy = writer.CopyFromAsync(stream, CancellationToken.None);
        while (stream.IsWaiting)
        {
            if (writesComments && _comments.Count < MaxComments) Fire(stream.Delivered - 1);
            stream.Deliver();
        }

        FindingException.Unless(copy.IsCompleted, "The copy hangs although all bytes are available.");
        copy.GetAwaiter().GetResult();
    }

    // Half of the interval must not suffice for a comment.
    private void Fire(int forwarded)
    {
        var start = _body.Written.Length;
        _clock.Fire(Interval / 2);
        FindingException.Unless(_body.Written.Length == start, "A comment was written before the interval elapsed.");
        _clock.Fire(Interval / 2);
        var comment = _body.Written[start..];
        CheckPosition(Payload[..forwarded], !comment.IsEmpty);
        if (comment.IsEmpty) return;
        _comments.Add((start, comment.Length));
        var isComment = comment[0] == ':' && comment.IndexOfAny((byte)'\r', (byte)'\n') == comment.Length - 2
            && comment.EndsWith("\n\n"u8);
        FindingException.Unless(isComment, "The text between two events is not one comment.");
    }

    // Between a CR and the next byte, both are correct. The beginning of a byte order mark is held back.
    private void CheckPosition(ReadOnlySpan<byte> forwarded, bool isWritten)
    {
        if (new byte[] { 0xEF, 0xBB }.AsSpan().StartsWith(forwarded)) forwarded = [];
        _expected.Read(forwarded);
        var isBetween = !_expected.HasPendingField && !_expected.HasPendingLine;
        FindingException.Unless(isBetween || !isWritten, "A comment was written within an event.");
        var isKnown = forwarded is not [.., (byte)'\r'];
        FindingException.Unless(isWritten || !isBetween || !isKnown, "A comment is missing between two events.");
    }

    private void CheckForwardedBytes()
    {
        var expected = Payload;
        var hasFirstComment = _comments is [{ Start: 0 }, ..];
        if (hasFirstComment && expected is [0xEF, 0xBB, 0xBF, ..]) expected = expected[3..];
        var written = _body.Written;
        var at = 0;
        foreach (var (start, length) in _comments)
        {
            CheckPart(written[at..start], ref expected);
            at = start + length;
        }

        CheckPart(written[at..], ref expected);
        FindingException.Unless(expected.IsEmpty, "The last bytes of the function are missing.");
    }

    private static void CheckPart(ReadOnlySpan<byte> part, ref ReadOnlySpan<byte> expected)
    {
        FindingException.Unless(expected.StartsWith(part), "The bytes of the function were changed.");
        expected = expected[part.Length..];
    }

    private void CheckEvents()
    {
        _expected.Read(Payload);
        _actual.Read(_body.Written);
        FindingException.Unless(_expected.Count == _actual.Count, "The number of events differs.");
        _expected.RecordLastId();
        _actual.RecordLastId();
        FindingException.Unless(_expected.Records.SequenceEqual(_actual.Records), "The events differ.");
    }

    private void CheckFailure(EventStreamWriter writer, int protocol)
    {
        _expected.Read(Payload);
        if (!writer.CanEndEvent)
        {
            FindingException.Unless(_expected.HasPendingField, "No event is incomplete, but none can follow.");
            return;
        }

        FindingException.Unless(!_expected.HasPendingId, "The id of an incomplete event would be stored.");
        var text = Encoding.UTF8.GetString(Payload[..Math.Min(Payload.Length, MaxFailureTextBytes)]);
        var failure = new LambdaStreamFailure
        {
            StatusCode = 502,
            Detail = text,
            TraceId = text,
            ErrorDetails = (protocol & 1) == 0 ? text : null,
            RequestId = text.Length > 4 ? text : null,
            Exception = Cause,
        };
        writer.EndEvent();
        var (write, type) = protocol switch
        {
            0 => (LambdaStreamFailureWriters.AISdkUI, ""),
            1 => (LambdaStreamFailureWriters.AGUI, ""),
            _ => (LambdaStreamFailureWriters.ServerSentEvents, "error"),
        };
        write(failure, _body.Tracking);

        _expected.Read(Payload, Incomplete);
        _actual.Read(_body.Written);
        FindingException.Unless(_actual.Count == _expected.Count + 1, "The failure is not exactly one event.");
        FindingException.Unless(
            _actual.RecordsBeforeLast.SequenceEqual(_expected.Records),
            "The events before the failure differ.");
        FindingException.Unless(
            Encoding.UTF8.GetString(_actual.LastType) == type,
            "The type of the failure's event differs.");
        CheckFailureText(failure, protocol);
    }

    private void CheckFailureText(LambdaStreamFailure failure, int protocol)
    {
        using var json = JsonDocument.Parse(_actual.LastData);
        var name = protocol switch
        {
            0 => "errorText",
            1 => "message",
            _ => "detail",
        };
        var text = json.RootElement.GetProperty(name).GetString()!;
        var isSame = protocol switch
        {
            0 or 1 => text.StartsWith(failure.Detail, StringComparison.Ordinal)
                && text.Contains(failure.ErrorDetails ?? "", StringComparison.Ordinal)
                && text.Contains(failure.RequestId ?? "", StringComparison.Ordinal),
            _ => text == failure.Detail
                && json.RootElement.GetProperty("traceId").GetString() == failure.TraceId
                && json.RootElement.TryGetProperty("exception", out _) == failure.ErrorDetails is not null
                && json.RootElement.TryGetProperty("requestId", out _) == failure.RequestId is not null,
        };
        FindingException.Unless(isSame, "The text of the failure differs.");
    }
}
