using System.Buffers;
using System.Buffers.Binary;
using LambdaStreaming.EventStream;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Bytes that are not a valid event stream.</summary>
/// <remarks>The reader adds the position and the call to the messages of the decoder.</remarks>
internal static class CorruptStreamScenarios
{
    private const int MaxMessageBytes = 200_000;

    public static MessageArea Area { get; } = new(
        "Corrupt streams",
        [.. Responses(), .. Checksums(), .. Lengths(), .. Headers()]);

    private static IEnumerable<MessageScenario> Responses() =>
    [
        new("Damaged second message", () => Provocations.ReadAsync(
            [.. Messages.Chunk("abc"), .. Damaged(Messages.Chunk("de"), Messages.Chunk("de").Length - 1)])),
        new("Web page", () => Provocations.ReadAsync(StubbedClient.Create(
            _ => Provocations.Response(200, "<html>Please sign in</html>", ("Content-Type", "text/html"))))),
        new("Compressed response", () => Provocations.ReadAsync(StubbedClient.Create(
            _ => Provocations.Response(200, "bytes of gzip, for example", ("Content-Encoding", "gzip"))))),
        new("Message without a type", () => Provocations.ReadAsync(Messages.Create([], "{}"u8))),
        new("Message of an unknown type", () => Provocations.ReadAsync(
            Messages.Create([(":message-type", "other")], "{}"u8))),
        new(
            "Event without a type",
            () => Provocations.ReadAsync(Messages.Create([(":message-type", "event")], "{}"u8))),
        new("InvokeComplete is not JSON", () => Provocations.ReadAsync(Messages.Complete("text"))),
        new("InvokeComplete is not an object", () => Provocations.ReadAsync(Messages.Complete("[]"))),
    ];

    private static IEnumerable<MessageScenario> Checksums() =>
    [
        new("Checksum of a message prelude", () => Decode(Damaged(Messages.Raw([], "payload"u8), 8))),
        new("Checksum of a message", () => Decode(Damaged(Messages.Raw([], "payload"u8), 19))),
    ];

    private static IEnumerable<MessageScenario> Lengths() =>
    [
        new("Message too short", () => Decode(Prelude(15, 0))),
        new("Message over the limit", () => Decode(Prelude(uint.MaxValue, 0))),
        new("Headers over the limit", () => Decode(Prelude(MaxMessageBytes, 131_073))),
        new("Headers longer than their message", () => Decode(Prelude(40, 25))),
    ];

    private static IEnumerable<MessageScenario> Headers() =>
    [
        Header("Header with an empty name", "00"),
        Header("Header name without its bytes", "026e6e"),
        Header("Header name that is not UTF-8", "01ff00"),
        Header("Header of an unknown type", "016e0a"),
        Header("Header value without its bytes", "016e04000000"),
        Header("Header value without its length", "016e0600"),
        Header("Header value over the limit", "016e068000"),
        Header("Header text that is not UTF-8", "016e070001ff"),
        Header("Two headers with the same name", "016e00016e01"),
    ];

    private static MessageScenario Header(string name, string block) =>
        new(name, () => Decode(Messages.Raw(Convert.FromHexString(block), "payload"u8)));

    private static byte[] Damaged(byte[] message, int at)
    {
        message[at] ^= 1;
        return message;
    }

    private static byte[] Prelude(uint total, uint headers)
    {
        var prelude = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(prelude, total);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(4), headers);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), Messages.Crc(prelude.AsSpan(0, 8)));
        return prelude;
    }

    private static void Decode(byte[] bytes)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        EventStreamDecoder.TryRead(ref buffer, MaxMessageBytes, default, out _);
    }
}
