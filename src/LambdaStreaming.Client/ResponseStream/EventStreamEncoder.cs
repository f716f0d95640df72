using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.ResponseStream;

/// <summary>Writes the two events of an answer as the service does; <see cref="EventStreamDecoder"/> has the layout. For answers that a test makes up.</summary>
internal static class EventStreamEncoder
{
    private const byte StringType = (byte)EventStreamHeaderType.String;

    // Source: conformance/eventstream/valid, lambda-payload-chunk and lambda-invoke-complete: names, values and order.
    private static readonly byte[] ChunkHeaders = Headers("PayloadChunk", "application/octet-stream");
    private static readonly byte[] CompleteHeaders = Headers("InvokeComplete", "application/json");

    /// <summary>One <c>PayloadChunk</c>.</summary>
    public static byte[] Encode(ReadOnlySpan<byte> payload) => Message(ChunkHeaders, payload);

    /// <summary>One <c>InvokeComplete</c>.</summary>
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

        return Message(CompleteHeaders, json.GetBuffer().AsSpan(0, (int)json.Length));
    }

    private static byte[] Message(ReadOnlySpan<byte> headers, ReadOnlySpan<byte> payload)
    {
        var message = new byte[checked(EventStreamDecoder.MinMessageBytes + headers.Length + payload.Length)];
        BinaryPrimitives.WriteUInt32BigEndian(message, (uint)message.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), (uint)headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32.HashToUInt32(message.AsSpan(0, 8)));
        headers.CopyTo(message.AsSpan(EventStreamDecoder.PreludeBytes));
        payload.CopyTo(message.AsSpan(EventStreamDecoder.PreludeBytes + headers.Length));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(message.Length - EventStreamDecoder.MessageCrcBytes), Crc32.HashToUInt32(message.AsSpan(0, message.Length - EventStreamDecoder.MessageCrcBytes)));
        return message;
    }

    private static byte[] Headers(string eventType, string contentType) =>
        [.. Header(":message-type", "event"), .. Header(":event-type", eventType), .. Header(":content-type", contentType)];

    private static byte[] Header(string name, string value) =>
        [(byte)name.Length, .. Encoding.UTF8.GetBytes(name), StringType, 0, (byte)value.Length, .. Encoding.UTF8.GetBytes(value)];
}
