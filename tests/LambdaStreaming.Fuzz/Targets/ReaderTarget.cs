using LambdaStreaming.Tests;
using LambdaStreaming.Tests.Differential;

namespace LambdaStreaming.Fuzz;

/// <summary>Any bytes as an answer, read in pieces of any size. The first bit says whether checksums are made right.</summary>
internal static class ReaderTarget
{
    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var wire = input[1..];
        if ((input[0] & 1) != 0) wire = WireRepair.Sealed(wire);
        Compare(wire, NaiveEvents.From(NaiveDecoder.Decode(wire, LambdaStreamingClientOptions.DefaultMaxMessageBytes)), new FragmentSizes(input));
    }

    public static void Compare(byte[] wire, NaiveEvents expected, FragmentSizes pieces)
    {
        Compare(wire, expected, () => int.MaxValue);
        Compare(wire, expected, pieces.Next);
    }

    private static void Compare(byte[] wire, NaiveEvents expected, Func<int> nextPiece)
    {
        var count = 0;
        Exception? failure = null;
        var stream = new FragmentedStream(wire, nextPiece);
        var response = InvokeWithResponseStreamResponse.Create(stream);
        var events = response.GetAsyncEnumerator();
        try
        {
            while (Waits.Finished(events.MoveNextAsync()))
            {
                if (!events.Current.TryGetPayloadChunk(out var chunk)) continue;
                FindingException.Unless(count < expected.Chunks.Count, $"Chunk {count} is delivered; there are {expected.Chunks.Count}.");
                FindingException.Unless(chunk.ToArray().AsSpan().SequenceEqual(expected.Chunks[count]), $"Chunk {count} differs.");
                count++;
            }
        }
        catch (LambdaStreamingException exception)
        {
            failure = exception;
        }

        Waits.Finished(events.DisposeAsync());
        FindingException.Unless(count == expected.Chunks.Count, $"{count} chunks are delivered; there are {expected.Chunks.Count}. The end: {failure?.Message ?? "well"}");
        FindingException.Unless(expected.Allows(failure), $"The answer ends with {failure?.ToString() ?? "nothing wrong"}; it must be {expected.End}.");
        FindingException.Unless(failure is null == (response.InvokeComplete is { } complete && string.IsNullOrEmpty(complete.ErrorCode) && string.IsNullOrEmpty(complete.ErrorDetails)), "It ended well without a good InvokeComplete, or badly with one.");
        FindingException.Unless(stream.IsDisposed, "The connection is not freed.");
        if (failure is ResponseStreamException stopped) FindingException.Unless(stopped.ChunksReceived == count && stopped.FunctionMayHaveRun, "The exception's counts are wrong.");
    }
}
