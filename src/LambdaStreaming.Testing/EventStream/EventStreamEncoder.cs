using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace LambdaStreaming.Testing.EventStream;

/// <summary>Encodes messages of the AWS event-stream format.</summary>
/// <remarks>
/// <para>
/// Message: total length (4) | headers length (4) | CRC-32 of these 8 bytes (4) | headers | payload | CRC-32 of all
/// bytes before it (4). All integers are big-endian.
/// </para>
/// <para>Header: name length (1) | name | type (1; 7 is a string) | value length (2) | value.</para>
/// <para>Source: AWS, "Event stream encoding", Message components.</para>
/// </remarks>
internal static class EventStreamEncoder
{
    private const int PreludeBytes = 12;
    private const int MessageCrcBytes = 4;
    private const byte StringType = 7;

    // Source: botocore, lambda 2015-03-31 service-2, InvokeWithResponseStreamResponseEvent; the JSON body of
    // InvokeComplete: aws-sdk-php#2829.
    private static readonly byte[] PayloadChunkHeaders = EncodeHeaders(
    [
        (":message-type", "event"),
        (":event-type", "PayloadChunk"),
        (":content-type", "application/octet-stream"),
    ]);

    private static readonly byte[] InvokeCompleteHeaders = EncodeHeaders(
    [
        (":message-type", "event"),
        (":event-type", "InvokeComplete"),
        (":content-type", "application/json"),
    ]);

    public static void WritePayloadChunk(IBufferWriter<byte> output, ReadOnlySpan<byte> payload) =>
        Write(output, PayloadChunkHeaders, payload);

    public static void WriteInvokeComplete(IBufferWriter<byte> output, ReadOnlySpan<byte> json) =>
        Write(output, InvokeCompleteHeaders, json);

    public static byte[] CreateMessage(
        IReadOnlyList<(string Name, string Value)> headers, ReadOnlySpan<byte> payload)
    {
        var message = new ArrayBufferWriter<byte>();
        Write(message, EncodeHeaders(headers), payload);
        return message.WrittenSpan.ToArray();
    }

    private static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var total = checked(PreludeBytes + headers.Length + payload.Length + MessageCrcBytes);
        var message = output.GetSpan(total)[..total];
        BinaryPrimitives.WriteInt32BigEndian(message, total);
        BinaryPrimitives.WriteInt32BigEndian(message[4..], headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message[8..], Crc32.HashToUInt32(message[..8]));
        headers.CopyTo(message[PreludeBytes..]);
        payload.CopyTo(message[(PreludeBytes + headers.Length)..]);
        var messageCrc = Crc32.HashToUInt32(message[..^MessageCrcBytes]);
        BinaryPrimitives.WriteUInt32BigEndian(message[^MessageCrcBytes..], messageCrc);
        output.Advance(total);
    }

    private static byte[] EncodeHeaders(IReadOnlyList<(string Name, string Value)> headers)
    {
        var block = new ArrayBufferWriter<byte>();
        Span<byte> length = stackalloc byte[2];
        foreach ((var name, var value) in headers)
        {
            var nameBytes = Encoding.UTF8.GetBytes(name);
            var valueBytes = Encoding.UTF8.GetBytes(value);
            BinaryPrimitives.WriteUInt16BigEndian(length, checked((ushort)valueBytes.Length));
            block.Write([checked((byte)nameBytes.Length)]);
            block.Write(nameBytes);
            block.Write([StringType]);
            block.Write(length);
            block.Write(valueBytes);
        }

        return block.WrittenSpan.ToArray();
    }
}
