using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace LambdaStreaming.Soak;

/// <summary>One whole HTTP answer as bytes, and what any part of it is worth.</summary>
internal sealed class RecordedResponse
{
    private readonly List<(int End, int Payload, bool IsComplete)> _messages = [];
    private readonly int[] _bodyBytesAt;

    private RecordedResponse(byte[] head, List<byte[]> messages, int httpChunkBytes)
    {
        Head = head;
        Body = [.. messages.SelectMany(message => message)];
        (Wire, _bodyBytesAt) = Encode(Body, httpChunkBytes);
        var end = 0;
        foreach (var message in messages)
        {
            var isComplete = ReferenceEquals(message, messages[^1]);
            var headers = BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(4));
            _messages.Add((end += message.Length, isComplete ? 0 : message.Length - 16 - headers, isComplete));
        }
    }

    public byte[] Head { get; }

    /// <summary>The event stream, without HTTP's own chunking.</summary>
    public byte[] Body { get; }

    /// <summary>Head and chunked body, as on the wire.</summary>
    public byte[] Wire { get; }

    /// <summary>An answer of about <paramref name="bytes"/> bytes with chunks of 0 to 300 bytes.</summary>
    public static RecordedResponse Create(int bytes)
    {
        var random = new Random(7);
        var messages = new List<byte[]>();
        while (messages.Sum(message => message.Length) < bytes)
        {
            var payload = new byte[random.Next(0, 300)];
            random.NextBytes(payload);
            messages.Add(Message("PayloadChunk", "application/octet-stream", payload));
        }

        messages.Add(Message("InvokeComplete", "application/json", Encoding.UTF8.GetBytes("""{"LogResult":"U1RBUlQK"}""")));
        var head = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nx-amzn-RequestId: 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11\r\nX-Amz-Executed-Version: $LATEST\r\nTransfer-Encoding: chunked\r\n\r\n";
        return new RecordedResponse(Encoding.ASCII.GetBytes(head), messages, httpChunkBytes: 500);
    }

    /// <summary>A successful <c>InvokeComplete</c>, as bytes.</summary>
    public static byte[] Complete { get; } = Message("InvokeComplete", "application/json", "{}"u8.ToArray());

    /// <summary>One chunk, as bytes.</summary>
    public static byte[] Chunk(byte[] payload) => Message("PayloadChunk", "application/octet-stream", payload);

    /// <summary>What the first <paramref name="count"/> bytes of the wire give: whether the head is whole, how many chunks and payload bytes, and whether the end was among them.</summary>
    public Worth OfWire(int count) => count < Head.Length ? new Worth(false, 0, 0, false) : OfBody(_bodyBytesAt[count - Head.Length]);

    /// <summary>How many bytes of the event stream are among the first <paramref name="count"/> of the wire.</summary>
    public int BodyBytesAt(int count) => _bodyBytesAt[count - Head.Length];

    /// <summary>What the first <paramref name="count"/> bytes of the body give.</summary>
    public Worth OfBody(int count)
    {
        var whole = _messages.TakeWhile(message => message.End <= count).ToList();
        return new Worth(true, whole.Count(message => !message.IsComplete), whole.Sum(message => message.Payload), whole.Exists(message => message.IsComplete));
    }

    /// <summary>The wire of an answer whose HTTP body ends well after <paramref name="count"/> bytes of the event stream.</summary>
    public byte[] CleanlyEndedAfter(int count) => [.. Head, .. ChunkOf(Body.AsSpan(0, count)), .. "0\r\n\r\n"u8];

    private static byte[] ChunkOf(ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty ? [] : [.. Encoding.ASCII.GetBytes(bytes.Length.ToString("x", CultureInfo.InvariantCulture)), .. "\r\n"u8, .. bytes, .. "\r\n"u8];

    private (byte[] Wire, int[] BodyBytesAt) Encode(byte[] body, int httpChunkBytes)
    {
        var wire = new List<byte>(Head);
        var bodyBytesAt = new List<int> { 0 };
        for (var at = 0; at < body.Length; at += httpChunkBytes)
        {
            var length = Math.Min(httpChunkBytes, body.Length - at);
            var chunk = ChunkOf(body.AsSpan(at, length));
            var framing = chunk.Length - length - 2;
            for (var i = 1; i <= chunk.Length; i++) bodyBytesAt.Add(at + Math.Clamp(i - framing, 0, length));
            wire.AddRange(chunk);
        }

        wire.AddRange("0\r\n\r\n"u8);
        while (bodyBytesAt.Count <= wire.Count - Head.Length) bodyBytesAt.Add(body.Length);
        return ([.. wire], [.. bodyBytesAt]);
    }

    private static byte[] Message(string eventType, string contentType, byte[] payload)
    {
        var headers = new List<byte>();
        foreach (var (name, value) in ((string, string)[])[(":message-type", "event"), (":event-type", eventType), (":content-type", contentType)])
        {
            headers.AddRange([(byte)name.Length, .. Encoding.ASCII.GetBytes(name), 7, 0, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        }

        var message = new byte[16 + headers.Count + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), headers.Count);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32.HashToUInt32(message.AsSpan(0, 8)));
        headers.CopyTo(message, 12);
        payload.CopyTo(message, 12 + headers.Count);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(message.Length - 4), Crc32.HashToUInt32(message.AsSpan(0, message.Length - 4)));
        return message;
    }
}

/// <summary>What a part of an answer gives to a reader that reads honestly.</summary>
internal sealed record Worth(bool HasHeaders, int Chunks, long Bytes, bool IsWhole);
