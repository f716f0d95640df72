using System.Buffers;
using System.Text;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Tests.Differential;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as chunks and the texts of their end: what the encoder writes, the naive decoder and the reader give back.</summary>
internal static class RoundTripTarget
{
    public static void Run(byte[] input)
    {
        var pieces = new FragmentSizes(input);
        var chunks = new List<byte[]>();
        using var wire = new MemoryStream();
        for (var at = 0; at < input.Length;)
        {
            var chunk = input[at..Math.Min(at + pieces.Next() - 1, input.Length)];
            at += Math.Max(chunk.Length, 1);
            chunks.Add(chunk);
            wire.Write(EventStreamEncoder.Encode(chunk));
        }

        // What is no UTF-8 becomes the replacement character, so that there is a text to compare.
        var text = Encoding.UTF8.GetString(input);
        var complete = new InvokeComplete { ErrorCode = text.Length > 0 ? text : null, ErrorDetails = text, LogResult = null };
        var end = EventStreamEncoder.Encode(complete);
        wire.Write(end);

        var naive = NaiveEvents.From(NaiveDecoder.Decode(wire.ToArray(), int.MaxValue));
        FindingException.Unless(naive.End == NaiveEventsEnd.InvokeComplete && naive.Chunks.Count == chunks.Count, "The naive decoder reads other events.");
        for (var i = 0; i < chunks.Count; i++) FindingException.Unless(naive.Chunks[i].AsSpan().SequenceEqual(chunks[i]), "The naive decoder reads another payload.");

        var buffer = new ReadOnlySequence<byte>(end);
        FindingException.Unless(EventStreamDecoder.TryRead(ref buffer, int.MaxValue, out var message), "The end is not whole.");
        var read = LambdaMessage.ReadInvokeComplete(message.Payload);
        FindingException.Unless(IsRead(complete.ErrorCode, read.ErrorCode) && read.ErrorDetails == complete.ErrorDetails && read.LogResult is null, "InvokeComplete reads as another one.");
        ReaderTarget.Compare(wire.ToArray(), naive, pieces);
    }

    // A code of more than 256 characters is truncated.
    private static bool IsRead(string? written, string? read) => written is not { Length: > 256 }
        ? read == written
        : read is { Length: 255 or 256 } && read[^1] == '…' && written.StartsWith(read[..^1], StringComparison.Ordinal);
}
