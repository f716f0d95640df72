#if NET10_0_OR_GREATER
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LambdaStreaming.EventStream;

/// <content>
/// Folding with vectors of 256 and 512 bits. .NET 10 is the first version with carry-less multiplication of these.
/// </content>
internal static partial class EventStreamCrc
{
    // Folds eight blocks at a time. On entry, lower and upper hold the first four blocks, and next is the index of the
    // block after them. On return, they hold the four lanes. Returns the index of the first block that was not folded.
    private static int Fold(
        ref Vector256<ulong> lower, ref Vector256<ulong> upper, ref byte from, int next, int blocks)
    {
        var (vector0, vector1, vector2, vector3) = (lower, upper, Load256(ref from, next), Load256(ref from, next + 2));
        var foldBy8 = Vector256.Create(FoldBy8, FoldBy8);
        for (next += 4; next + 8 <= blocks; next += 8)
        {
            vector0 = Multiply(vector0, foldBy8) ^ Load256(ref from, next);
            vector1 = Multiply(vector1, foldBy8) ^ Load256(ref from, next + 2);
            vector2 = Multiply(vector2, foldBy8) ^ Load256(ref from, next + 4);
            vector3 = Multiply(vector3, foldBy8) ^ Load256(ref from, next + 6);
        }

        var foldBy4 = Vector256.Create(FoldBy4, FoldBy4);
        lower = Multiply(vector0, foldBy4) ^ vector2;
        upper = Multiply(vector1, foldBy4) ^ vector3;
        return next;
    }

    // As Fold, but folds sixteen blocks at a time.
    private static int FoldWide(
        ref Vector256<ulong> lower, ref Vector256<ulong> upper, ref byte from, int next, int blocks)
    {
        var vector0 = Vector512.Create(lower, upper);
        var vector1 = Load512(ref from, next);
        var vector2 = Load512(ref from, next + 4);
        var vector3 = Load512(ref from, next + 8);
        var foldBy16 = Repeat(FoldBy16);
        for (next += 12; next + 16 <= blocks; next += 16)
        {
            vector0 = Multiply(vector0, foldBy16) ^ Load512(ref from, next);
            vector1 = Multiply(vector1, foldBy16) ^ Load512(ref from, next + 4);
            vector2 = Multiply(vector2, foldBy16) ^ Load512(ref from, next + 8);
            vector3 = Multiply(vector3, foldBy16) ^ Load512(ref from, next + 12);
        }

        var half0 = Multiply(vector0, Repeat(FoldBy8)) ^ vector2;
        var half1 = Multiply(vector1, Repeat(FoldBy8)) ^ vector3;
        var lanes = Multiply(half0, Repeat(FoldBy4)) ^ half1;
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
    private static Vector128<ulong> AddHalves(Vector256<ulong> blocks) => blocks.GetLower() ^ blocks.GetUpper();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Repeat(Vector128<ulong> powers) =>
        Vector512.Create(Vector256.Create(powers, powers), Vector256.Create(powers, powers));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ulong> Multiply(Vector256<ulong> blocks, Vector256<ulong> powers) =>
        Pclmulqdq.V256.CarrylessMultiply(blocks, powers, HighByLow)
        ^ Pclmulqdq.V256.CarrylessMultiply(blocks, powers, LowByHigh);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Multiply(Vector512<ulong> blocks, Vector512<ulong> powers) =>
        Pclmulqdq.V512.CarrylessMultiply(blocks, powers, HighByLow)
        ^ Pclmulqdq.V512.CarrylessMultiply(blocks, powers, LowByHigh);
}
#endif
