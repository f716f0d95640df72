using System.Buffers;
using System.Runtime.InteropServices;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>Uses the shared array pool as other responses do, on the current thread.</summary>
internal static class SharedPool
{
    public const byte Foreign = 0xEE;

    // The sizes of the pipe's buffers and of the readers' arrays.
    private static readonly int[] Sizes = [256, 1024, 4096, 16 * 1024, 64 * 1024, 128 * 1024, 256 * 1024];

    /// <summary>Overwrites every array that the pool lends to this thread, as the next response on it would.</summary>
    public static void Overwrite() => RentAll(array => Array.Fill(array, Foreign));

    /// <summary>Whether the pool lends the array behind <paramref name="buffer"/>: then it was returned to it.</summary>
    public static bool Lends(ReadOnlyMemory<byte> buffer)
    {
        MemoryMarshal.TryGetArray(buffer, out var segment);
        var isLent = false;
        RentAll(array => isLent |= ReferenceEquals(array, segment.Array));
        return isLent;
    }

    private static void RentAll(Action<byte[]> use)
    {
        foreach (var size in Sizes)
        {
            var arrays = Enumerable.Range(0, 64).Select(_ => ArrayPool<byte>.Shared.Rent(size)).ToList();
            arrays.ForEach(use);
            arrays.ForEach(array => ArrayPool<byte>.Shared.Return(array));
        }
    }
}
