using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.ResponseStream;

/// <summary>Encodes the two events of a response as the service does, for responses that a test creates.</summary>
/// <remarks><see cref="EventStreamDecoder"/> documents the layout.</remarks>
internal static class EventStreamEncoder
{
    private const byte StringType = (byte)EventStreamHeaderType.String;

    // Source: conformance/eventstream/valid, lambda-payload-chunk and lambda-invoke-complete: names, values and order.
    private static readonly byte[] ChunkHeaders = EncodeHeaders("PayloadChunk", "application/octet-stream");
    private static readonly byte[] CompleteHeaders = EncodeHeaders("InvokeComplete", "application/json");

    /// <summary>Encodes a <c>PayloadChunk</c>.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> payload) => EncodeMessage(ChunkHeaders, payload);

    /// <summary>Encodes an <c>InvokeComplete</c>.</summary>
    public static byte[] Encode(InvokeComplete complete)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            if (complete.ErrorCode is { } code) writer.WriteString("ErrorCode"u8, code);
            if (complete.ErrorDetails is { } details) writer.WriteString("ErrorDetails"u8, details);
            if (complete.LogResult is { } log) writer.WriteString("LogResult"u8, log);
            writer.WriteEndObject();
        }

        return EncodeMessage(CompleteHeaders, json.GetBuffer().AsSpan(0, (int)json.Length));
    }

    private static byte[] EncodeMessage(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var message = new byte[checked(EventStreamDecoder.MinMessageBytes + headers.Length + payload.Length)];
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)message.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), (uint)headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32.HashToUInt32(message.AsSpan(0, 8)));
        headers.CopyTo(message.AsSpan(EventStreamDecoder.PreludeBytes));
        payload.CopyTo(message.AsSpan(EventStreamDecoder.PreludeBytes + headers.Length));
        var crcStart = message.Length - EventStreamDecoder.MessageCrcBytes;
        var crc = Crc32.HashToUInt32(message.AsSpan(0, crcStart));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(crcStart), crc);
        return message;
    }

    private static byte[] EncodeHeaders(string eventType, string contentType) =>
    [
        .. EncodeHeader(":message-type", "event"),
        .. EncodeHeader(":event-type", eventType),
        .. EncodeHeader(":content-type", contentType),
    ];

    private static byte[] EncodeHeader(string name, string value) =>
    [
        (byte)name.Length,
        .. Encoding.UTF8.GetBytes(name),
        StringType,
        0,
        (byte)value.Length,
        .. Encoding.UTF8.GetBytes(value),
    ];
}
