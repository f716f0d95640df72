using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Text;

namespace LambdaStreaming.Benchmarks;

/// <summary>Event streams of chunks and InvokeComplete, encoded as by the service.</summary>
internal static class Wire
{
    private static readonly byte[] ChunkHeaders = Headers("PayloadChunk", "application/octet-stream");
    private static readonly byte[] CompleteHeaders = Headers("InvokeComplete", "application/json");

    /// <summary>Creates an event stream with random payloads.</summary>
    /// <param name="sizes">The size of each chunk, in bytes.</param>
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

    /// <summary>Checks the CRC at an offset, which covers all bytes before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CheckCrc(ReadOnlySpan<byte> message, int offset)
    {
        var expected = BinaryPrimitives.ReadUInt32BigEndian(message[offset..]);
        if (Crc32.HashToUInt32(message[..offset]) != expected) throw new InvalidDataException();
    }

    private static byte[] Message(byte[] headers, ReadOnlySpan<byte> payload)
    {
        var message = new byte[16 + headers.Length + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32.HashToUInt32(message.AsSpan(0, 8)));
        headers.CopyTo(message, 12);
        payload.CopyTo(message.AsSpan(12 + headers.Length));
        var end = message.Length - 4;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(end), Crc32.HashToUInt32(message.AsSpan(0, end)));
        return message;
    }

    private static byte[] Headers(string eventType, string contentType)
    {
        var headers = new List<byte>();
        Add(":message-type", "event");
        Add(":event-type", eventType);
        Add(":content-type", contentType);
        return [.. headers];

        void Add(string name, string value)
        {
            headers.AddRange([(byte)name.Length, .. Encoding.ASCII.GetBytes(name), 7, 0, (byte)value.Length]);
            headers.AddRange(Encoding.ASCII.GetBytes(value));
        }
    }
}
