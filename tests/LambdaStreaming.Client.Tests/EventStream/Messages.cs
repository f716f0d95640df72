using System.Buffers.Binary;
using System.Text;

namespace LambdaStreaming.Tests.EventStream;

/// <summary>
/// Encodes messages as the format description defines, independently of the decoder, with a separate CRC-32.
/// </summary>
public static class Messages
{
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(value =>
    {
        var crc = (uint)value;
        for (var bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xEDB88320u ^ (crc >> 1) : crc >> 1;
        return crc;
    })];

    public static byte[] Chunk(ReadOnlySpan<byte> payload) =>
        Create([.. Event("PayloadChunk"), (":content-type", "application/octet-stream")], payload);

    public static byte[] Chunk(string payload) => Chunk(Encoding.UTF8.GetBytes(payload));

    public static byte[] Complete(string json = "{}") =>
        Create([.. Event("InvokeComplete"), (":content-type", "application/json")], Encoding.UTF8.GetBytes(json));

    public static byte[] Exception(string type, string json) =>
        Create(
            [(":message-type", "exception"), (":exception-type", type), (":content-type", "application/json")],
            Encoding.UTF8.GetBytes(json));

    public static byte[] Create((string Name, string Value)[] headers, ReadOnlySpan<byte> payload)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in headers)
        {
            var nameBytes = Encoding.UTF8.GetBytes(name);
            var valueBytes = Encoding.UTF8.GetBytes(value);
            block.WriteByte((byte)nameBytes.Length);
            block.Write(nameBytes);
            block.WriteByte(7);
            block.WriteByte((byte)(valueBytes.Length >> 8));
            block.WriteByte((byte)valueBytes.Length);
            block.Write(valueBytes);
        }

        return Raw(block.ToArray(), payload);
    }

    public static byte[] Raw(byte[] headers, ReadOnlySpan<byte> payload)
    {
        var message = new byte[16 + headers.Length + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)message.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), (uint)headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc(message.AsSpan(0, 8)));
        headers.CopyTo(message, 12);
        payload.CopyTo(message.AsSpan(12 + headers.Length));
        BinaryPrimitives.WriteUInt32BigEndian(
            message.AsSpan(message.Length - 4),
            Crc(message.AsSpan(0, message.Length - 4)));
        return message;
    }

    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var value in bytes) crc = CrcTable[(byte)(crc ^ value)] ^ (crc >> 8);
        return ~crc;
    }

    private static (string Name, string Value)[] Event(string type) =>
        [(":message-type", "event"), (":event-type", type)];
}
