using System.Buffers;
using System.Runtime.InteropServices;

namespace LambdaStreaming.Tests.ResponseStream;

/// <summary>Rents arrays from the shared pool on the current thread, as another response would.</summary>
internal static class SharedPool
{
    public const byte ForeignByte = 0xEE;

    // Sizes of the pipe's buffers and of the readers' arrays.
    private static readonly int[] Sizes = [256, 1024, 4096, 16 * 1024, 64 * 1024, 128 * 1024, 256 * 1024];

    /// <summary>Overwrites the arrays that this thread can rent, as the next response on this thread would.</summary>
    public static void Overwrite() => RentAll(array => Array.Fill(array, ForeignByte));

    /// <summary>Returns true if the array of <paramref name="buffer"/> was returned to the pool.</summary>
    public static bool Contains(ReadOnlyMemory<byte> buffer)
    {
        MemoryMarshal.TryGetArray(buffer, out var segment);
        var isFound = false;
        RentAll(array => isFound |= ReferenceEquals(array, segment.Array));
        return isFound;
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
