using System.Buffers;
using System.Runtime.InteropServices;

namespace LambdaStreaming.EventStream;

/// <summary>A complete, validated message. It points into the buffer that it was read from.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct EventStreamMessage(
    int totalLength, ReadOnlySequence<byte> headers, ReadOnlySequence<byte> payload, bool repeatsValidHeaders)
{
    public int TotalLength { get; } = totalLength;

    /// <summary>The header block, for <see cref="EventStreamHeaders"/>.</summary>
    public ReadOnlySequence<byte> Headers { get; } = headers;

    public ReadOnlySequence<byte> Payload { get; } = payload;

    /// <summary>Whether the header block equals the validated block that the decoder was given.</summary>
    public bool RepeatsValidHeaders { get; } = repeatsValidHeaders;
}
