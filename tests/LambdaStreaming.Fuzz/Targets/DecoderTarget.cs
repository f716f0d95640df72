using System.Buffers;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.Differential;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as a stream of messages: the decoder says what the naive one says, wherever the bytes are cut.</summary>
internal static class DecoderTarget
{
    private const int MaxMessageBytes = 64 * 1024;

    public static void Run(byte[] input)
    {
        var expected = NaiveDecoder.Decode(input, MaxMessageBytes);
        Compare(expected, new ReadOnlySequence<byte>(input));
        Compare(expected, new FragmentSizes(input).Cut(input));
        CompareShortcut(expected, input);
    }

    private static void Compare(NaiveStream expected, ReadOnlySequence<byte> buffer)
    {
        var count = 0;
        try
        {
            while (true)
            {
                var before = buffer;
                if (!EventStreamDecoder.TryRead(ref buffer, MaxMessageBytes, out var message))
                {
                    FindingException.Unless(before.Length == buffer.Length, "The buffer moved although more bytes are needed.");
                    FindingException.Unless(expected.End == (buffer.IsEmpty ? NaiveEnd.Whole : NaiveEnd.Truncated), $"More bytes are asked for; the naive decoder says {expected.End}.");
                    break;
                }

                FindingException.Unless(count < expected.Messages.Count, $"Message {count} is read; the naive decoder says {expected.End}.");
                FindingException.Unless(before.Length - message.TotalLength == buffer.Length, "The buffer did not move past the message.");
                CompareMessage(expected.Messages[count], message);
                count++;
            }
        }
        catch (ResponseStreamCorruptException exception)
        {
            FindingException.Unless(exception.Reason.ToString() == expected.End.ToString(), $"{exception.Reason}; the naive decoder says {expected.End}.");
        }

        FindingException.Unless(count == expected.Messages.Count, $"{count} messages; the naive decoder reads {expected.Messages.Count}.");
    }

    private static void CompareMessage(NaiveMessage expected, in EventStreamMessage message)
    {
        FindingException.Unless(Same(message.Payload, expected.Payload), "The payload differs.");
        var block = message.Headers.ToArray();
        var headers = new EventStreamHeaders(block);
        foreach (var want in expected.Headers)
        {
            FindingException.Unless(headers.TryRead(out var header), "A header is missing.");
            FindingException.Unless(header.Name.SequenceEqual(want.Name) && (byte)header.Type == want.Type && header.Value.SequenceEqual(want.Value), "A header differs.");
        }

        FindingException.Unless(!headers.TryRead(out _), "There is a header too many.");
    }

    // The reader's fast path: what it takes for a whole message with sound checksums is one, unless a header is malformed.
    private static void CompareShortcut(NaiveStream expected, byte[] input)
    {
        var taken = EventStreamDecoder.StartsWithCompleteMessage(input, MaxMessageBytes, out var total, out _) && EventStreamDecoder.IsMessageCrcValid(input.AsSpan(0, total));
        var isOne = expected.Messages.Count > 0 || expected.End == NaiveEnd.MalformedHeader;
        FindingException.Unless(taken == isOne, $"The fast path says {taken} of the first message; the naive decoder reads {expected.Messages.Count} and says {expected.End}.");
    }

    private static bool Same(ReadOnlySequence<byte> sequence, byte[] bytes)
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
