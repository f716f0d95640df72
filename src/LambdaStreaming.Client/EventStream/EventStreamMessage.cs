using System.Buffers;
using System.Runtime.InteropServices;

namespace LambdaStreaming.EventStream;

/// <summary>A complete, validated message. It points into the buffer that it was read from.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct EventStreamMessage(
    int totalLength, ReadOnlySequence<byte> headers, ReadOnlySequence<byte> payload)
{
    public int TotalLength { get; } = totalLength;

    /// <summary>The header block, for <see cref="EventStreamHeaders"/>.</summary>
    public ReadOnlySequence<byte> Headers { get; } = headers;

    public ReadOnlySequence<byte> Payload { get; } = payload;
}
