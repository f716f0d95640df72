using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace LambdaStreaming.Benchmarks;

/// <summary>Event streams of so many chunks and their InvokeComplete, as the service writes them.</summary>
internal static class Wire
{
    private static readonly byte[] ChunkHeaders = Headers("PayloadChunk", "application/octet-stream");
    private static readonly byte[] CompleteHeaders = Headers("InvokeComplete", "application/json");

    /// <param name="sizes">The payload's length of each chunk, in bytes.</param>
    public static byte[] Create(IEnumerable<int> sizes)
    {
        var random = new Random(1);
        return Create(sizes.Select(size =>
        {
            var payload = new byte[size];
            random.NextBytes(payload);
            return payload;
        }));
    }

    public static byte[] Create(IEnumerable<byte[]> payloads)
    {
        using var wire = new MemoryStream();
        foreach (var payload in payloads) wire.Write(Message(ChunkHeaders, payload));

        wire.Write(Message(CompleteHeaders, "{}"u8));
        return wire.ToArray();
    }

    public static byte[] Chunk(int size) => Message(ChunkHeaders, new byte[size]);

    public static byte[] Complete() => Message(CompleteHeaders, "{}"u8);

    private static byte[] Message(byte[] headers, ReadOnlySpan<byte> payload)
    {
        var message = new byte[16 + headers.Length + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32.HashToUInt32(message.AsSpan(0, 8)));
        headers.CopyTo(message, 12);
        payload.CopyTo(message.AsSpan(12 + headers.Length));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(message.Length - 4), Crc32.HashToUInt32(message.AsSpan(0, message.Length - 4)));
        return message;
    }

    private static byte[] Headers(string eventType, string contentType)
    {
        var headers = new List<byte>();
        foreach (var (name, value) in ((string, string)[])[(":message-type", "event"), (":event-type", eventType), (":content-type", contentType)])
            headers.AddRange([(byte)name.Length, .. Encoding.ASCII.GetBytes(name), 7, 0, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        return [.. headers];
    }
}
