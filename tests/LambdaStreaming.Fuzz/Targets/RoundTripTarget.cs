using System.Buffers;
using System.Text;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.Differential;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as chunks and as texts of InvokeComplete, encoded, then read by the naive decoder and the reader.
/// </summary>
internal static class RoundTripTarget
{
    public static void Run(byte[] input)
    {
        var sizes = new FragmentSizes(input);
        var chunks = new List<byte[]>();
        using var wire = new MemoryStream();
        for (var at = 0; at < input.Length;)
        {
            var chunk = input[at..Math.Min(at + sizes.Next() - 1, input.Length)];
            at += Math.Max(chunk.Length, 1);
            chunks.Add(chunk);
            wire.Write(EventStreamEncoder.Encode(chunk));
        }

        // Invalid UTF-8 becomes U+FFFD, so that the texts can be compared.
        var text = Encoding.UTF8.GetString(input);
        var (hasCode, hasDetails) = (sizes.Next() & 3) switch
        {
            0 => (true, true),
            1 => (false, true),
            _ => (false, false),
        };
        var complete = new InvokeComplete
        {
            ErrorCode = hasCode && text.Length > 0 ? text : null,
            ErrorDetails = hasDetails ? text : null,
            LogResult = hasDetails ? null : text,
        };
        var end = EventStreamEncoder.Encode(complete);
        wire.Write(end);

        var naive = NaiveEvents.From(NaiveDecoder.Decode(wire.ToArray(), int.MaxValue));
        FindingException.Unless(naive.End == NaiveEventsEnd.InvokeComplete, "The naive decoder reports another end.");
        FindingException.Unless(naive.Chunks.Count == chunks.Count, "The naive decoder reads other chunks.");
        for (var i = 0; i < chunks.Count; i++)
        {
            var isSame = naive.Chunks[i].AsSpan().SequenceEqual(chunks[i]);
            FindingException.Unless(isSame, "The naive decoder reads another payload.");
        }

        var buffer = new ReadOnlySequence<byte>(end);
        FindingException.Unless(
            EventStreamDecoder.TryRead(ref buffer, int.MaxValue, default, out var message),
            "The InvokeComplete message is incomplete.");
        var read = LambdaMessage.ReadInvokeComplete(message.Payload);
        FindingException.Unless(IsSameCode(complete.ErrorCode, read.ErrorCode), "ErrorCode differs.");
        FindingException.Unless(read.ErrorDetails == complete.ErrorDetails, "ErrorDetails differs.");
        FindingException.Unless(read.LogResult == complete.LogResult, "LogResult differs.");
        ReaderTarget.Compare(wire.ToArray(), naive, sizes);
    }

    // A code of more than 256 characters is truncated.
    private static bool IsSameCode(string? written, string? read) => written is not { Length: > 256 }
        ? read == written
        : read is { Length: 255 or 256 } && read[^1] == '…' && written.StartsWith(read[..^1], StringComparison.Ordinal);
}
