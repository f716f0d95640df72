using System.Buffers;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>The same bytes as sequences cut in different ways. No outcome may depend on the cut.</summary>
public static class Fragments
{
    // Cutting at every point is quadratic: beyond this many bytes a sample of points stands for all, borders of messages included.
    private const int EveryPointUpToBytes = 2048;

    /// <summary>Whole; one byte a segment, with empty segments between; in two at every point; in odd pieces.</summary>
    public static IEnumerable<ReadOnlySequence<byte>> Split(byte[] bytes)
    {
        yield return new ReadOnlySequence<byte>(bytes);
        if (bytes.Length <= 256 * 1024) yield return Cut(bytes, 1, emptyBetween: bytes.Length <= EveryPointUpToBytes);
        foreach (var size in (int[])[3, 7, 13, 16, 4096]) if (bytes.Length / size < 100_000) yield return Cut(bytes, size);
        foreach (var at in Points(bytes.Length)) yield return TwoFragments(bytes, at);
    }

    public static IEnumerable<int> Points(int length)
    {
        if (length <= EveryPointUpToBytes) return Enumerable.Range(0, length + 1);
        var ends = length <= 128 * 1024 ? 256 : 24;
        return Enumerable.Range(0, ends).Concat(Enumerable.Range(length - ends, ends + 1)).Concat(Enumerable.Range(1, 16).Select(i => (int)((long)length * i / 17)));
    }

    public static ReadOnlySequence<byte> TwoFragments(byte[] bytes, int at) => Join([bytes.AsMemory(0, at), bytes.AsMemory(at)]);

    public static ReadOnlySequence<byte> Cut(byte[] bytes, int size, bool emptyBetween = false)
    {
        var pieces = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < bytes.Length; at += size)
        {
            // A copy of its own: a read beyond the piece would see other bytes than the next ones.
            pieces.Add(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)).ToArray());
            if (emptyBetween) pieces.Add(ReadOnlyMemory<byte>.Empty);
        }

        return Join(pieces);
    }

    private static ReadOnlySequence<byte> Join(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        if (pieces.Count == 0) return ReadOnlySequence<byte>.Empty;
        var first = new Segment(pieces[0], null);
        var last = first;
        foreach (var piece in pieces.Skip(1)) last = new Segment(piece, last);
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
