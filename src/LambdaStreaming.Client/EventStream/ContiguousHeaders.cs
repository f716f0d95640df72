using System.Buffers;

namespace LambdaStreaming.EventStream;

/// <summary>The headers of a message as one span.</summary>
/// <remarks>They are copied, to a pooled array, only if they are split over segments.</remarks>
internal readonly ref struct ContiguousHeaders
{
    private readonly byte[]? _array;

    public ContiguousHeaders(ReadOnlySequence<byte> headers)
    {
        if (headers.IsSingleSegment)
        {
            Bytes = headers.FirstSpan;
            return;
        }

        var length = (int)headers.Length;
        _array = ArrayPool<byte>.Shared.Rent(length);
        headers.CopyTo(_array);
        Bytes = _array.AsSpan(0, length);
    }

    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Returns the array to the pool.</summary>
    public void Dispose()
    {
        if (_array is not null) ArrayPool<byte>.Shared.Return(_array);
    }
}
