using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Encoded event streams.</summary>
internal static class Wire
{
    public static byte[] End { get; } = EventStreamEncoder.Encode(new InvokeComplete());

    public static byte[] Chunk(ReadOnlySpan<byte> payload) => EventStreamEncoder.Encode(payload);

    public static byte[] Create(params byte[][] chunks) => [.. chunks.SelectMany(chunk => Chunk(chunk)), .. End];

    /// <summary>Encodes <paramref name="count"/> copies of a chunk and the InvokeComplete event.</summary>
    public static byte[] Repeat(byte[] chunk, int count)
    {
        var message = Chunk(chunk);
        var wire = new byte[(message.Length * count) + End.Length];
        for (var i = 0; i < count; i++) message.CopyTo(wire, i * message.Length);
        End.CopyTo(wire, wire.Length - End.Length);
        return wire;
    }
}

/// <summary>A stream that returns one byte per read.</summary>
internal sealed class ByteByByteStream(byte[] bytes) : MemoryStream(bytes)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        base.ReadAsync(buffer[..Math.Min(buffer.Length, 1)], cancellationToken);
}
