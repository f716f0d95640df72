using System.Buffers;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.Differential;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as a stream of messages. For each split, the decoder must agree with <see cref="NaiveDecoder"/>.
/// </summary>
internal static class DecoderTarget
{
    private const int MaxMessageBytes = 64 * 1024;

    public static void Run(byte[] input)
    {
        var expected = NaiveDecoder.Decode(input, MaxMessageBytes);
        Compare(expected, new ReadOnlySequence<byte>(input));
        Compare(expected, new FragmentSizes(input).Split(input));
        CompareFastPath(expected, input);
    }

    private static void Compare(NaiveStream expected, ReadOnlySequence<byte> buffer)
    {
        var count = 0;
        try
        {
            while (true)
            {
                var before = buffer;
                if (!EventStreamDecoder.TryRead(ref buffer, MaxMessageBytes, default, out var message))
                {
                    FindingException.Unless(
                        before.Length == buffer.Length,
                        "The buffer was advanced although more bytes are needed.");
                    var end = buffer.IsEmpty ? NaiveEnd.Complete : NaiveEnd.Truncated;
                    FindingException.Unless(expected.End == end, $"More bytes needed. Naive decoder: {expected.End}.");
                    break;
                }

                FindingException.Unless(
                    count < expected.Messages.Count,
                    $"Message {count} was read. Naive decoder: {expected.End}.");
                FindingException.Unless(
                    before.Length - message.TotalLength == buffer.Length,
                    "The buffer was not advanced past the message.");
                CompareMessage(expected.Messages[count], message);
                count++;
            }
        }
        catch (ResponseStreamCorruptException exception)
        {
            FindingException.Unless(
                exception.Reason.ToString() == expected.End.ToString(),
                $"{exception.Reason}. Naive decoder: {expected.End}.");
        }

        FindingException.Unless(
            count == expected.Messages.Count,
            $"{count} messages. Naive decoder: {expected.Messages.Count}.");
    }

    private static void CompareMessage(NaiveMessage expected, in EventStreamMessage message)
    {
        FindingException.Unless(IsSame(message.Payload, expected.Payload), "The payload differs.");
        var block = message.Headers.ToArray();
        var headers = new EventStreamHeaders(block);
        foreach (var want in expected.Headers)
        {
            FindingException.Unless(headers.TryRead(out var header), "A header is missing.");
            var isSame = header.Name.SequenceEqual(want.Name)
                && (byte)header.Type == want.Type
                && header.Value.SequenceEqual(want.Value);
            FindingException.Unless(isSame, "A header differs.");
        }

        FindingException.Unless(!headers.TryRead(out _), "There are too many headers.");
    }

    // The fast path of the reader must recognize exactly the complete messages with valid checksums. It does not check
    // headers.
    private static void CompareFastPath(NaiveStream expected, byte[] input)
    {
        var isAccepted = EventStreamDecoder.StartsWithCompleteMessage(input, MaxMessageBytes, out var total, out _)
            && EventStreamDecoder.IsMessageCrcValid(input.AsSpan(0, total));
        var isMessage = expected.Messages.Count > 0 || expected.End == NaiveEnd.MalformedHeader;
        FindingException.Unless(
            isAccepted == isMessage,
            $"Fast path for the first message: {isAccepted}. "
            + $"Naive decoder: {expected.Messages.Count} messages, then {expected.End}.");
    }

    private static bool IsSame(ReadOnlySequence<byte> sequence, byte[] bytes)
    {
        if (sequence.Length != bytes.Length) return false;
        var at = 0;
        foreach (var segment in sequence)
        {
            if (!segment.Span.SequenceEqual(bytes.AsSpan(at, segment.Length))) return false;
            at += segment.Length;
        }

        return true;
    }
}
