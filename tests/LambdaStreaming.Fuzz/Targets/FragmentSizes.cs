using System.Buffers;

namespace LambdaStreaming.Fuzz;

/// <summary>Pseudorandom fragment sizes that depend only on the input.</summary>
internal sealed class FragmentSizes(byte[] input)
{
    private uint _state = input.Length == 0
        ? 1
        : (uint)input.Length + (input[0] * 31u) + (input[^1] * 1009u) + 1;

    /// <summary>Returns the size of the next fragment, which is usually small.</summary>
    public int Next()
    {
        _state = (_state * 1103515245) + 12345;
        var random = (int)(_state >> 16) & 0x7fff;
        return (random & 3) switch
        {
            0 => 1,
            1 => 1 + (random >> 2) % 16,
            2 => 1 + (random >> 2) % 256,
            _ => 1 + (random >> 2),
        };
    }

    public ReadOnlySequence<byte> Split(byte[] bytes)
    {
        Segment? first = null, last = null;
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(Next(), bytes.Length - at);

            // Each segment is a copy, so that a read beyond its end does not see the next bytes.
            last = new Segment(bytes.AsMemory(at, length).ToArray(), last);
            first ??= last;
            at += length;
        }

        return first is null ? default : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
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
