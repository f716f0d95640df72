using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ArmCrc32 = System.Runtime.Intrinsics.Arm.Crc32;

namespace LambdaStreaming.EventStream;

/// <summary>CRC-32 of event-stream messages (CRC-32/ISO-HDLC, reflected polynomial 0xEDB88320).</summary>
/// <remarks>
/// Bytes are polynomials over GF(2); bit 0 of byte 0 is the highest coefficient. P is the CRC polynomial. The CRC is
/// (message * x^32) mod P; the first 32 bits of the message, and the result, are inverted.
/// A message is the sum of its 16-byte blocks, each multiplied by the power of x for its distance to the end. The
/// products do not depend on each other, so the processor computes several at the same time.
/// Messages of MinLaneBlocks blocks or more use four lanes. A lane is the sum of every fourth block, which is computed
/// by folding. A fold by n blocks multiplies the sum by x^(128 n), and adds the block that is n blocks later. Wide
/// vectors first fold into 8 or 16 such sums, and then fold these into the four lanes.
/// Source: V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", 2009.
/// A benchmark justifies this code: docs/performance.md, "Decoding".
/// </remarks>
internal static partial class EventStreamCrc
{
    private const int BlockBytes = 16;
    private const int Lanes = 4;
    private const int MaxDistance = 32;
    private const int MaxArmInstructionBytes = 128;

    // Control bytes of PCLMULQDQ. Each selects one half of the left operand and one half of the right operand.
    private const byte LowByHigh = 0x10;
    private const byte HighByLow = 0x01;

    // Two values for each distance to the last block, from 32 blocks down to 0. The high half of a block is multiplied
    // by x^(128 distance + 31) mod P, the low half by x^(128 distance + 95) mod P. The exponents include the x^32 of
    // the CRC. They are 1 lower than the distance requires, because a product of reflected values has one more x.
    private static readonly ulong[] Powers =
    [
        0x1072db28, 0xa55d1514, 0x398e2ff2, 0x0c30f51d, 0xc2dcc467, 0x145575d5, 0x9fb66bd3, 0x9ee62949,
        0xad0d2bb2, 0x6d40f445, 0xeff5e99d, 0xcd669a40, 0x4b700aa8, 0xf9d9c7ee, 0x8b8d8645, 0xeea395c4,
        0x2ce423f1, 0x4470ac44, 0x7eaed122, 0xd31343ea, 0xc51b93e3, 0x9b9bdbd0, 0x76278617, 0xf183c71b,
        0x0e9bd5cc, 0x1c63267b, 0x32b0733c, 0xcec97417, 0x2c538639, 0xff6f2fc2, 0xa749e894, 0x71d54a59,
        0xce3371cb, 0xb918a347, 0x0077f00d, 0xe95c1271, 0x4a28bd43, 0x1f0c2cdd, 0x682bdd4f, 0xfe807bbd,
        0x596c8d81, 0x3c656ced, 0x5a1bb05d, 0xf5e48c85, 0xe3543be0, 0xd1df2327, 0x26b70c3d, 0x9026d5b1,
        0x33fff533, 0x3f41287a, 0x31f8303f, 0x910eeec1, 0xdf068dc2, 0x0cbec0ed, 0x1c279815, 0x57c54819,
        0x8f352d95, 0xae0b5394, 0x3db1ecdc, 0x1d9513d7, 0xf1da05aa, 0xaf449247, 0xae689191, 0x81256527,
        0x00000001, 0xccaa009e,
    ];

    // Constants of the Barrett reduction, both reflected: floor(x^96 / P) without the coefficient of x^0, and P.
    private const ulong BarrettQuotient = 0xb4e5b025f7011641;
    private const ulong Polynomial = 0x1db710641;

    // Two values for each fold, by 1, 4, 8 or 16 blocks. The high half is multiplied by x^(128 blocks - 33) mod P, the
    // low half by x^(128 blocks + 31) mod P. These exponents are 64 lower than in Powers. They do not include the x^32
    // of the CRC, and the product is read as a block, which adds another 32: see Multiply.
    private static Vector128<ulong> FoldBy1 => Vector128.Create(0xccaa009eul, 0xae689191ul);
    private static Vector128<ulong> FoldBy4 => Vector128.Create(0x1d9513d7ul, 0x8f352d95ul);
    private static Vector128<ulong> FoldBy8 => Vector128.Create(0x910eeec1ul, 0x33fff533ul);
    private static Vector128<ulong> FoldBy16 => Vector128.Create(0xe95c1271ul, 0xce3371cbul);

    // Messages with fewer blocks are summed without lanes. Measured: on processors with 512-bit vectors, summing
    // without lanes is faster for up to 31 blocks.
    private static int MinLaneBlocks => HasVector512 ? MaxDistance : MaxDistance / 2;

#if NET10_0_OR_GREATER
    private static bool HasVector512 => Pclmulqdq.V512.IsSupported && Vector512.IsHardwareAccelerated;
#else
    private static bool HasVector512 => false;
#endif

    private static bool IsAccelerated => Pclmulqdq.IsSupported && Ssse3.IsSupported && BitConverter.IsLittleEndian;

    // The mask at offset r moves the first r bytes of a vector to its end. The mask at offset 16 + r removes the first
    // r bytes and moves the others to the start. Both fill the vector with zeros, which 0x80 selects.
    private static ReadOnlySpan<byte> ShuffleMasks =>
    [
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
    ];

    /// <summary>Computes the CRC-32 of <paramref name="bytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        if (IsAccelerated) return ~Update(uint.MaxValue, bytes);
        return ArmCrc32.Arm64.IsSupported && bytes.Length <= MaxArmInstructionBytes
            ? ~UpdateByArmInstructions(uint.MaxValue, bytes)
            : Crc32.HashToUInt32(bytes);
    }

    /// <summary>Computes the CRC-32 of the first 8 bytes of <paramref name="bytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ComputeOfEight(ReadOnlySpan<byte> bytes) => IsAccelerated
        ? ~Reduce(Vector128.CreateScalar(BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ uint.MaxValue))
        : Compute(bytes[..sizeof(ulong)]);

    /// <summary>Computes the CRC-32 of <paramref name="bytes"/>, which can consist of several segments.</summary>
    public static uint Compute(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment) return Compute(bytes.FirstSpan);
        if (IsAccelerated)
        {
            var state = uint.MaxValue;
            foreach (var segment in bytes) state = Update(state, segment.Span);
            return ~state;
        }

        // System.IO.Hashing can continue a CRC over several segments only with an instance of Crc32.
        var crc = new Crc32();
        foreach (var segment in bytes) crc.Append(segment.Span);
        return crc.GetCurrentHashAsUInt32();
    }

    private static uint Update(uint state, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < BlockBytes) return UpdateShort(state, bytes);

        ref var current = ref MemoryMarshal.GetReference(bytes);
        var blocks = bytes.Length / BlockBytes;
        var remainder = (uint)bytes.Length % BlockBytes;

        // The first block (head) ends with the bytes by which the length exceeds a multiple of 16. Zeros precede them,
        // which do not change the value of the message. The state is added to the first 4 bytes of the message, which
        // can span head and the next block (first).
        ref var masks = ref MemoryMarshal.GetReference(ShuffleMasks);
        var stateBlock = Vector128.CreateScalar(state).AsByte();
        var head = Ssse3.Shuffle(
            Vector128.LoadUnsafe(ref current) ^ stateBlock, Vector128.LoadUnsafe(ref masks, remainder)).AsUInt64();
        current = ref Unsafe.Add(ref current, remainder);
        var first = (Vector128.LoadUnsafe(ref current)
            ^ Ssse3.Shuffle(stateBlock, Vector128.LoadUnsafe(ref masks, BlockBytes + remainder))).AsUInt64();
        current = ref Unsafe.Add(ref current, BlockBytes);

        if (blocks >= MinLaneBlocks) return Reduce(SumLanes(first ^ Multiply(head, FoldBy1), ref current, blocks - 1));

        var sum = Multiply(head, GetPowers(blocks)) ^ Multiply(first, GetPowers(blocks - 1));
        return Reduce(sum ^ SumBlocks(ref current, blocks - 1));
    }

    private static Vector128<ulong> SumBlocks(ref byte current, int blocks)
    {
        var sum = Vector128<ulong>.Zero;
        var next = 0;
#if NET10_0_OR_GREATER
        if (HasVector512 && blocks >= 4)
        {
            var wide = Vector512<ulong>.Zero;
            for (; next + 4 <= blocks; next += 4)
            {
                var powers = Vector512.LoadUnsafe(ref GetPowersReference(blocks - 1 - next));
                wide ^= Multiply(Load512(ref current, next), powers);
            }

            sum = AddHalves(wide.GetLower() ^ wide.GetUpper());
        }

        if (Pclmulqdq.V256.IsSupported)
        {
            var wide = Vector256<ulong>.Zero;
            for (; next + 2 <= blocks; next += 2)
            {
                var powers = Vector256.LoadUnsafe(ref GetPowersReference(blocks - 1 - next));
                wide ^= Multiply(Load256(ref current, next), powers);
            }

            sum ^= AddHalves(wide);
        }
#endif
        for (; next < blocks; next++) sum ^= Multiply(Load(ref current, next), GetPowers(blocks - 1 - next));
        return sum;
    }

    // Folds the first block and those at current into four lanes. Returns the sum of the lanes and the last 0 to 3
    // blocks. Each is multiplied by the power of x for its distance to the end.
    private static Vector128<ulong> SumLanes(Vector128<ulong> first, ref byte current, int blocks)
    {
        var (lane0, lane1, lane2, lane3) = (first, Load(ref current, 0), Load(ref current, 1), Load(ref current, 2));
        var next = Lanes - 1;
#if NET10_0_OR_GREATER
        if (Pclmulqdq.V256.IsSupported)
        {
            var (lower, upper) = (Vector256.Create(lane0, lane1), Vector256.Create(lane2, lane3));
            next = HasVector512
                ? FoldWide(ref lower, ref upper, ref current, next, blocks)
                : Fold(ref lower, ref upper, ref current, next, blocks);
            (lane0, lane1, lane2, lane3) = (lower.GetLower(), lower.GetUpper(), upper.GetLower(), upper.GetUpper());
        }
#endif
        for (; next + Lanes <= blocks; next += Lanes)
        {
            lane0 = Multiply(lane0, FoldBy4) ^ Load(ref current, next);
            lane1 = Multiply(lane1, FoldBy4) ^ Load(ref current, next + 1);
            lane2 = Multiply(lane2, FoldBy4) ^ Load(ref current, next + 2);
            lane3 = Multiply(lane3, FoldBy4) ^ Load(ref current, next + 3);
        }

        var remaining = blocks - next;
        return Multiply(lane0, GetPowers(remaining + 3)) ^ Multiply(lane1, GetPowers(remaining + 2))
            ^ Multiply(lane2, GetPowers(remaining + 1)) ^ Multiply(lane3, GetPowers(remaining))
            ^ SumBlocks(ref Unsafe.Add(ref current, next * BlockBytes), remaining);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref ulong GetPowersReference(int distance) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Powers), 2 * (MaxDistance - distance));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> GetPowers(int distance) => Vector128.LoadUnsafe(ref GetPowersReference(distance));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte from, int block) =>
        Vector128.LoadUnsafe(ref from, (nuint)(block * BlockBytes)).AsUInt64();

    // The product has 96 bits, as Reduce expects. If it is read as a block of 128 bits instead, which folding does, it
    // is multiplied by x^32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Multiply(Vector128<ulong> block, Vector128<ulong> powers) =>
        Pclmulqdq.CarrylessMultiply(block, powers, HighByLow) ^ Pclmulqdq.CarrylessMultiply(block, powers, LowByHigh);

    // Barrett reduction of 96 bits, highest coefficient first, to the remainder modulo P.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Reduce(Vector128<ulong> value)
    {
        var constants = Vector128.Create(BarrettQuotient, Polynomial);
        var quotient = Pclmulqdq.CarrylessMultiply(value, constants, 0);
        return (uint)(Pclmulqdq.CarrylessMultiply(quotient, constants, LowByHigh) ^ value).GetElement(1);
    }

    // Up to eight bytes and the state fit into one value of 96 bits. More bytes need two such values.
    private static uint UpdateShort(uint state, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= sizeof(ulong))
        {
            state = Reduce(Vector128.CreateScalar(BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ state));
            bytes = bytes[sizeof(ulong)..];
        }

        if (bytes.IsEmpty) return state;
        ulong value = 0;
        for (var i = bytes.Length - 1; i >= 0; i--) value = (value << 8) | bytes[i];
        value ^= state;
        var bits = 8 * bytes.Length;
        return Reduce(Vector128.Create(value << (64 - bits), value >> bits));
    }

    private static uint UpdateByArmInstructions(uint state, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            state = ArmCrc32.Arm64.ComputeCrc32(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var value in bytes) state = ArmCrc32.ComputeCrc32(state, value);
        return state;
    }
}
