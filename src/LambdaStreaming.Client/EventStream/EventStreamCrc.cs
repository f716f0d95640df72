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
/// Bytes are polynomials over GF(2); bit 0 of byte 0 is the highest coefficient. The CRC is (message * x^32) mod P.
/// A message is a sum of 16-byte blocks. Each block is multiplied by a power of x for its distance to the end.
/// The products do not depend on each other. Longer messages are first folded into four lanes.
/// Source: V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", 2009.
/// A benchmark justifies this code: docs/performance.md, "Decoding".
/// </remarks>
internal static class EventStreamCrc
{
    private const int BlockBytes = 16;
    private const int Lanes = 4;
    private const int MinLaneBlocks = 16;
    private const int MaxArmInstructionBytes = 128;

    // PCLMULQDQ multiplies the low half of the left operand by the high half of the right one, and the reverse.
    private const byte LowByHigh = 0x10;
    private const byte HighByLow = 0x01;

    // Entry i is x^(64 i + 31) mod P, reflected. The product of two reflected operands has one more factor x.
    private static readonly ulong[] Powers =
    [
        0x00000001, 0xccaa009e, 0xae689191, 0x81256527, 0xf1da05aa, 0xaf449247, 0x3db1ecdc, 0x1d9513d7,
        0x8f352d95, 0xae0b5394, 0x1c279815, 0x57c54819, 0xdf068dc2, 0x0cbec0ed, 0x31f8303f, 0x910eeec1,
        0x33fff533, 0x3f41287a, 0x26b70c3d, 0x9026d5b1, 0xe3543be0, 0xd1df2327, 0x5a1bb05d, 0xf5e48c85,
        0x596c8d81, 0x3c656ced, 0x682bdd4f, 0xfe807bbd, 0x4a28bd43, 0x1f0c2cdd, 0x0077f00d, 0xe95c1271,
        0xce3371cb,
    ];

    // floor(x^96 / P) without its last coefficient, and P. Both reflected.
    private const ulong BarrettQuotient = 0xb4e5b025f7011641;
    private const ulong Polynomial = 0x1db710641;

    private static bool IsAccelerated => Pclmulqdq.IsSupported && Ssse3.IsSupported && BitConverter.IsLittleEndian;

    // Offset r moves the first r bytes of a vector to its end; offset 16 + r removes them. 0x80 gives zero.
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

    /// <summary>Computes the CRC-32 of the first eight bytes of <paramref name="bytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ComputeOfEight(ReadOnlySpan<byte> bytes) => IsAccelerated
        ? ~Reduce(Vector128.CreateScalar(BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ uint.MaxValue))
        : Compute(bytes[..sizeof(ulong)]);

    /// <summary>Computes the CRC-32 of <paramref name="bytes"/>, which may consist of several segments.</summary>
    public static uint Compute(in ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment) return Compute(bytes.FirstSpan);
        if (IsAccelerated)
        {
            var state = uint.MaxValue;
            foreach (var segment in bytes) state = Update(state, segment.Span);
            return ~state;
        }

        // System.IO.Hashing continues a CRC only as an object.
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

        // The remainder is the first block, with zeros before it: they do not change the value, and no tail remains.
        // The state is added to the first four bytes of the message, which may lie in the two first blocks.
        ref var masks = ref MemoryMarshal.GetReference(ShuffleMasks);
        var stateBlock = Vector128.CreateScalar(state).AsByte();
        var head = Ssse3.Shuffle(
            Vector128.LoadUnsafe(ref current) ^ stateBlock, Vector128.LoadUnsafe(ref masks, remainder)).AsUInt64();
        current = ref Unsafe.Add(ref current, remainder);
        var first = (Vector128.LoadUnsafe(ref current)
            ^ Ssse3.Shuffle(stateBlock, Vector128.LoadUnsafe(ref masks, BlockBytes + remainder))).AsUInt64();
        current = ref Unsafe.Add(ref current, BlockBytes);

        if (blocks >= MinLaneBlocks) return Reduce(SumLanes(first ^ Multiply(head, 1), ref current, blocks - 1));

        var sum = Multiply(head, 2 * blocks) ^ Multiply(first, 2 * (blocks - 1));
        return Reduce(sum ^ SumBlocks(ref current, blocks - 1));
    }

    private static Vector128<ulong> SumBlocks(ref byte current, int blocks)
    {
        var sum = Vector128<ulong>.Zero;
        for (var distance = blocks - 1; distance >= 0; distance--)
        {
            sum ^= Multiply(Load(ref current, 0), 2 * distance);
            current = ref Unsafe.Add(ref current, BlockBytes);
        }

        return sum;
    }

    // Folds blocks into four lanes, and gives the sum of the lanes and of the blocks after them.
    private static Vector128<ulong> SumLanes(Vector128<ulong> first, ref byte current, int blocks)
    {
        var (lane0, lane1, lane2, lane3) = (first, Load(ref current, 0), Load(ref current, 1), Load(ref current, 2));
        var next = Lanes - 1;
#if NET10_0_OR_GREATER
        if (Pclmulqdq.V256.IsSupported)
        {
            var (lower, upper) = (Vector256.Create(lane0, lane1), Vector256.Create(lane2, lane3));
            next = Pclmulqdq.V512.IsSupported && Vector512.IsHardwareAccelerated
                ? FoldWide(ref lower, ref upper, ref current, next, blocks)
                : Fold(ref lower, ref upper, ref current, next, blocks);
            (lane0, lane1, lane2, lane3) = (lower.GetLower(), lower.GetUpper(), upper.GetLower(), upper.GetUpper());
        }
#endif
        for (; next + Lanes <= blocks; next += Lanes)
        {
            lane0 = Multiply(lane0, 7) ^ Load(ref current, next);
            lane1 = Multiply(lane1, 7) ^ Load(ref current, next + 1);
            lane2 = Multiply(lane2, 7) ^ Load(ref current, next + 2);
            lane3 = Multiply(lane3, 7) ^ Load(ref current, next + 3);
        }

        var remaining = blocks - next;
        return Multiply(lane0, (2 * remaining) + 6) ^ Multiply(lane1, (2 * remaining) + 4)
            ^ Multiply(lane2, (2 * remaining) + 2) ^ Multiply(lane3, 2 * remaining)
            ^ SumBlocks(ref Unsafe.Add(ref current, next * BlockBytes), remaining);
    }

#if NET10_0_OR_GREATER
    // Folds eight blocks at a time, and the result into the four blocks of lower and upper. Returns the next block.
    private static int Fold(
        ref Vector256<ulong> lower, ref Vector256<ulong> upper, ref byte from, int next, int blocks)
    {
        var (vector0, vector1, vector2, vector3) = (lower, upper, Load256(ref from, next), Load256(ref from, next + 2));
        for (next += 4; next + 8 <= blocks; next += 8)
        {
            vector0 = Multiply(vector0, 15) ^ Load256(ref from, next);
            vector1 = Multiply(vector1, 15) ^ Load256(ref from, next + 2);
            vector2 = Multiply(vector2, 15) ^ Load256(ref from, next + 4);
            vector3 = Multiply(vector3, 15) ^ Load256(ref from, next + 6);
        }

        lower = Multiply(vector0, 7) ^ vector2;
        upper = Multiply(vector1, 7) ^ vector3;
        return next;
    }

    // Folds sixteen blocks at a time, and the result into the four blocks of lower and upper. Returns the next block.
    private static int FoldWide(
        ref Vector256<ulong> lower, ref Vector256<ulong> upper, ref byte from, int next, int blocks)
    {
        var vector0 = Vector512.Create(lower, upper);
        var (vector1, vector2) = (Load512(ref from, next), Load512(ref from, next + 4));
        var vector3 = Load512(ref from, next + 8);
        for (next += 12; next + 16 <= blocks; next += 16)
        {
            vector0 = Multiply(vector0, 31) ^ Load512(ref from, next);
            vector1 = Multiply(vector1, 31) ^ Load512(ref from, next + 4);
            vector2 = Multiply(vector2, 31) ^ Load512(ref from, next + 8);
            vector3 = Multiply(vector3, 31) ^ Load512(ref from, next + 12);
        }

        var lanes = Multiply(Multiply(vector0, 15) ^ vector2, 7) ^ Multiply(vector1, 15) ^ vector3;
        (lower, upper) = (lanes.GetLower(), lanes.GetUpper());
        return next;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Load256(ref byte from, int block) =>
        Vector256.LoadUnsafe(ref from, (nuint)(block * BlockBytes)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Load512(ref byte from, int block) =>
        Vector512.LoadUnsafe(ref from, (nuint)(block * BlockBytes)).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Multiply(Vector256<ulong> blocks, int power)
    {
        var powers = Vector256.Create(LoadPowers(power), LoadPowers(power));
        return Pclmulqdq.V256.CarrylessMultiply(blocks, powers, HighByLow)
            ^ Pclmulqdq.V256.CarrylessMultiply(blocks, powers, LowByHigh);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Multiply(Vector512<ulong> blocks, int power)
    {
        var half = Vector256.Create(LoadPowers(power), LoadPowers(power));
        var powers = Vector512.Create(half, half);
        return Pclmulqdq.V512.CarrylessMultiply(blocks, powers, HighByLow)
            ^ Pclmulqdq.V512.CarrylessMultiply(blocks, powers, LowByHigh);
    }
#endif

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> LoadPowers(int power) =>
        Vector128.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(Powers), (nuint)power);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Load(ref byte from, int block) =>
        Vector128.LoadUnsafe(ref from, (nuint)(block * BlockBytes)).AsUInt64();

    // Multiplies a block by x^(64 * power + 32), modulo P. Read as a block, the product is that by x^(64 * power + 64).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Multiply(Vector128<ulong> block, int power)
    {
        var powers = LoadPowers(power);
        return Pclmulqdq.CarrylessMultiply(block, powers, HighByLow)
            ^ Pclmulqdq.CarrylessMultiply(block, powers, LowByHigh);
    }

    // Barrett reduction of 96 bits, highest coefficient first, to the remainder modulo P.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Reduce(Vector128<ulong> value)
    {
        var constants = Vector128.Create(BarrettQuotient, Polynomial);
        var quotient = Pclmulqdq.CarrylessMultiply(value, constants, 0);
        return (uint)(Pclmulqdq.CarrylessMultiply(quotient, constants, LowByHigh) ^ value).GetElement(1);
    }

    // Up to eight bytes and the state are one value of 96 bits; more are two of them.
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
