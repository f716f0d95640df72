using System.Buffers.Binary;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>
/// Correction of the checksums of mutated messages, so that code after the checksum checks is reached.
/// </summary>
internal static class WireRepair
{
    /// <summary>Returns a copy of the input with valid checksums.</summary>
    public static byte[] FixChecksums(byte[] input)
    {
        var wire = input.ToArray();
        for (var at = 0; wire.Length - at >= 12;)
        {
            BinaryPrimitives.WriteUInt32BigEndian(wire.AsSpan(at + 8), Messages.Crc(wire.AsSpan(at, 8)));
            var total = BinaryPrimitives.ReadUInt32BigEndian(wire.AsSpan(at));
            if (total < 16 || total > wire.Length - at) break;
            BinaryPrimitives.WriteUInt32BigEndian(
                wire.AsSpan(at + (int)total - 4),
                Messages.Crc(wire.AsSpan(at, (int)total - 4)));
            at += (int)total;
        }

        return wire;
    }
}
