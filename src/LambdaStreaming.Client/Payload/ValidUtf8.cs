using System.Buffers;
using System.Text;

namespace LambdaStreaming.Payload;

/// <summary>Finds invalid UTF-8.</summary>
/// <remarks>LambdaStreaming.AspNetCore compiles this file, too, and LambdaStreaming.Tool uses this class.</remarks>
internal static class ValidUtf8
{
    /// <summary>Counts the bytes before the first one that is not valid.</summary>
    public static int CountBytes(ReadOnlySpan<byte> text)
    {
        var count = 0;
        while (Rune.DecodeFromUtf8(text[count..], out _, out var length) == OperationStatus.Done) count += length;
        return count;
    }
}
