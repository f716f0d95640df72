using LambdaStreaming.Tests;
using LambdaStreaming.Tests.Differential;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Any bytes as a response, read in fragments of any size. If the first byte is odd, checksums are corrected.
/// </summary>
internal static class ReaderTarget
{
    public static void Run(byte[] input)
    {
        if (input.Length == 0) return;
        var wire = input[1..];
        if ((input[0] & 1) != 0) wire = WireRepair.FixChecksums(wire);
        var stream = NaiveDecoder.Decode(wire, LambdaStreamingClientOptions.DefaultMaxMessageBytes);
        Compare(wire, NaiveEvents.From(stream), new FragmentSizes(input));
    }

    public static void Compare(byte[] wire, NaiveEvents expected, FragmentSizes sizes)
    {
        Compare(wire, expected, () => int.MaxValue);
        Compare(wire, expected, sizes.Next);
    }

    private static void Compare(byte[] wire, NaiveEvents expected, Func<int> nextSize)
    {
        var count = 0;
        Exception? failure = null;
        var stream = new FragmentedStream(wire, nextSize);
        var response = InvokeWithResponseStreamResponse.Create(stream);
        var events = response.GetAsyncEnumerator();
        try
        {
            while (SynchronousTask.GetResult(events.MoveNextAsync()))
            {
                if (!events.Current.TryGetPayloadChunk(out var chunk)) continue;
                FindingException.Unless(
                    count < expected.Chunks.Count,
                    $"Chunk {count} was delivered; expected {expected.Chunks.Count} chunks.");
                FindingException.Unless(
                    chunk.ToArray().AsSpan().SequenceEqual(expected.Chunks[count]),
                    $"Chunk {count} differs.");
                count++;
            }
        }
        catch (LambdaStreamingException exception)
        {
            failure = exception;
        }

        SynchronousTask.GetResult(events.DisposeAsync());
        FindingException.Unless(
            count == expected.Chunks.Count,
            $"{count} chunks were delivered; expected {expected.Chunks.Count}. End: {failure?.Message ?? "success"}");
        FindingException.Unless(
            expected.Allows(failure),
            $"The response ended with {failure?.ToString() ?? "success"}; expected {expected.End}.");
        var hasSuccess = response.InvokeComplete is { } complete
            && string.IsNullOrEmpty(complete.ErrorCode)
            && string.IsNullOrEmpty(complete.ErrorDetails);
        FindingException.Unless((failure is null) == hasSuccess, "The end and InvokeComplete contradict each other.");
        FindingException.Unless(stream.IsDisposed, "The connection was not released.");
        if (failure is not ResponseStreamException error) return;
        FindingException.Unless(error.ChunksReceived == count, "ChunksReceived is wrong.");
        FindingException.Unless(error.FunctionMayHaveRun, "FunctionMayHaveRun is wrong.");
    }
}
