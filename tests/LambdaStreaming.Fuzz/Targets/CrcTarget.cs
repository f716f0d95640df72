using System.IO.Hashing;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Fuzz;

/// <summary>The decoder's CRC-32 equals that of System.IO.Hashing for any bytes in any fragments.</summary>
internal static class CrcTarget
{
    public static void Run(byte[] input)
    {
        var expected = Crc32.HashToUInt32(input);
        FindingException.Unless(EventStreamCrc.Compute(input) == expected, "The CRC-32 of one segment differs.");
        var fragments = new FragmentSizes(input).Split(input);
        FindingException.Unless(EventStreamCrc.Compute(fragments) == expected, "The CRC-32 of fragments differs.");
    }
}
