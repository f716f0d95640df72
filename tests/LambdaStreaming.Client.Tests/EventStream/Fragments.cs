using System.Buffers;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>Splits of the same bytes into sequences of segments. No outcome may depend on the split.</summary>
public static class Fragments
{
    // Splitting at every position is quadratic. Longer inputs are split at a sample of positions, near both ends
    // included.
    private const int MaxBytesForEveryPosition = 2048;

    /// <summary>
    /// Yields one segment, segments of one byte with empty ones between them, segments of other sizes, and two segments
    /// split at every position.
    /// </summary>
    public static IEnumerable<ReadOnlySequence<byte>> Split(byte[] bytes)
    {
        yield return new ReadOnlySequence<byte>(bytes);
        if (bytes.Length <= 256 * 1024)
            yield return SplitBySize(bytes, 1, emptyBetween: bytes.Length <= MaxBytesForEveryPosition);
        foreach (var size in (int[])[3, 7, 13, 16, 4096])
        {
            if (bytes.Length / size < 100_000) yield return SplitBySize(bytes, size);
        }

        foreach (var at in GetPositions(bytes.Length)) yield return SplitAt(bytes, at);
    }

    public static IEnumerable<int> GetPositions(int length)
    {
        if (length <= MaxBytesForEveryPosition) return Enumerable.Range(0, length + 1);
        var ends = length <= 128 * 1024 ? 256 : 24;
        return Enumerable.Range(0, ends)
            .Concat(Enumerable.Range(length - ends, ends + 1))
            .Concat(Enumerable.Range(1, 16).Select(i => (int)((long)length * i / 17)));
    }

    public static ReadOnlySequence<byte> SplitAt(byte[] bytes, int at) =>
        Join([bytes.AsMemory(0, at), bytes.AsMemory(at)]);

    public static ReadOnlySequence<byte> SplitBySize(byte[] bytes, int size, bool emptyBetween = false)
    {
        var segments = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < bytes.Length; at += size)
        {
            // Each segment is a copy, so that a read beyond its end does not see the next bytes.
            segments.Add(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)).ToArray());
            if (emptyBetween) segments.Add(ReadOnlyMemory<byte>.Empty);
        }

        return Join(segments);
    }

    private static ReadOnlySequence<byte> Join(IReadOnlyList<ReadOnlyMemory<byte>> segments)
    {
        if (segments.Count == 0) return ReadOnlySequence<byte>.Empty;
        var first = new Segment(segments[0], null);
        var last = first;
        foreach (var segment in segments.Skip(1)) last = new Segment(segment, last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null) return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
