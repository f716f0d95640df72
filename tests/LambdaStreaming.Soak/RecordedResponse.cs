using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace LambdaStreaming.Soak;

/// <summary>The bytes of a complete HTTP response, and the content of each part of it.</summary>
internal sealed class RecordedResponse
{
    private readonly List<(int End, int PayloadBytes, bool IsComplete)> _messages = [];
    private readonly int[] _bodyBytesAt;

    private RecordedResponse(byte[] headers, List<byte[]> messages, int httpChunkBytes)
    {
        Headers = headers;
        Body = [.. messages.SelectMany(message => message)];
        (Wire, _bodyBytesAt) = Encode(Body, httpChunkBytes);
        var end = 0;
        foreach (var message in messages)
        {
            var isComplete = ReferenceEquals(message, messages[^1]);
            var headersLength = BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(4));
            end += message.Length;
            _messages.Add((end, isComplete ? 0 : message.Length - 16 - headersLength, isComplete));
        }
    }

    /// <summary>The status line and HTTP headers.</summary>
    public byte[] Headers { get; }

    /// <summary>The event stream, without the chunked encoding of HTTP.</summary>
    public byte[] Body { get; }

    /// <summary>The headers and the body in chunked encoding, as sent over the connection.</summary>
    public byte[] Wire { get; }

    /// <summary>Creates a response of about <paramref name="bytes"/> bytes with chunks of 0 to 300 bytes.</summary>
    public static RecordedResponse Create(int bytes)
    {
        var random = new Random(7);
        var messages = new List<byte[]>();
        while (messages.Sum(message => message.Length) < bytes)
        {
            var payload = new byte[random.Next(0, 300)];
            random.NextBytes(payload);
            messages.Add(EncodeChunk(payload));
        }

        messages.Add(EncodeMessage("InvokeComplete", "application/json", """{"LogResult":"U1RBUlQK"}"""u8.ToArray()));
        const string HttpHeaders = "HTTP/1.1 200 OK\r\n"
            + "Content-Type: application/vnd.amazon.eventstream\r\n"
            + "x-amzn-RequestId: 0d3f7a6e-5b1c-4c7e-9a52-3c1f6f0b7d11\r\n"
            + "X-Amz-Executed-Version: $LATEST\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n";
        return new RecordedResponse(Encoding.ASCII.GetBytes(HttpHeaders), messages, httpChunkBytes: 500);
    }

    /// <summary>The message of a successful <c>InvokeComplete</c>.</summary>
    public static byte[] InvokeComplete { get; } =
        EncodeMessage("InvokeComplete", "application/json", "{}"u8.ToArray());

    /// <summary>Encodes the message of one chunk.</summary>
    public static byte[] EncodeChunk(byte[] payload) =>
        EncodeMessage("PayloadChunk", "application/octet-stream", payload);

    /// <summary>Returns the content of the first <paramref name="count"/> bytes of <see cref="Wire"/>.</summary>
    public ExpectedContent GetContentOfWire(int count) => count < Headers.Length
        ? new ExpectedContent(HasHeaders: false, Chunks: 0, Bytes: 0, IsComplete: false)
        : GetContentOfBody(GetBodyBytes(count));

    /// <summary>Returns the content of the first <paramref name="count"/> bytes of <see cref="Body"/>.</summary>
    public ExpectedContent GetContentOfBody(int count)
    {
        var messages = _messages.TakeWhile(message => message.End <= count).ToList();
        return new ExpectedContent(
            HasHeaders: true,
            messages.Count(message => !message.IsComplete),
            messages.Sum(message => message.PayloadBytes),
            messages.Exists(message => message.IsComplete));
    }

    /// <summary>Counts the <see cref="Body"/> bytes in the first <paramref name="count"/> bytes of the wire.</summary>
    public int GetBodyBytes(int count) => _bodyBytesAt[count - Headers.Length];

    /// <summary>Encodes a response whose HTTP body ends properly after a part of the event stream.</summary>
    /// <param name="count">The number of bytes of the event stream.</param>
    public byte[] EndBodyAfter(int count) =>
        [.. Headers, .. EncodeHttpChunk(Body.AsSpan(0, count)), .. "0\r\n\r\n"u8];

    private static byte[] EncodeHttpChunk(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return [];
        var length = bytes.Length.ToString("x", CultureInfo.InvariantCulture);
        return [.. Encoding.ASCII.GetBytes(length), .. "\r\n"u8, .. bytes, .. "\r\n"u8];
    }

    private (byte[] Wire, int[] BodyBytesAt) Encode(byte[] body, int httpChunkBytes)
    {
        var wire = new List<byte>(Headers);
        var bodyBytesAt = new List<int> { 0 };
        for (var at = 0; at < body.Length; at += httpChunkBytes)
        {
            var length = Math.Min(httpChunkBytes, body.Length - at);
            var chunk = EncodeHttpChunk(body.AsSpan(at, length));
            var framing = chunk.Length - length - 2;
            for (var i = 1; i <= chunk.Length; i++) bodyBytesAt.Add(at + Math.Clamp(i - framing, 0, length));
            wire.AddRange(chunk);
        }

        wire.AddRange("0\r\n\r\n"u8);
        while (bodyBytesAt.Count <= wire.Count - Headers.Length) bodyBytesAt.Add(body.Length);
        return ([.. wire], [.. bodyBytesAt]);
    }

    private static byte[] EncodeMessage(string eventType, string contentType, byte[] payload)
    {
        (string, string)[] fields =
            [(":message-type", "event"), (":event-type", eventType), (":content-type", contentType)];
        var headers = new List<byte>();
        foreach (var (name, value) in fields)
        {
            headers.AddRange([(byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);
            headers.AddRange([7, 0, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        }

        var message = new byte[16 + headers.Count + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(message, message.Length);
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(4), headers.Count);
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(8), Crc32.HashToUInt32(message.AsSpan(0, 8)));
        headers.CopyTo(message, 12);
        payload.CopyTo(message, 12 + headers.Count);
        var crcStart = message.Length - 4;
        var crc = Crc32.HashToUInt32(message.AsSpan(0, crcStart));
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(crcStart), crc);
        return message;
    }
}

/// <summary>The content that a correct reader must receive from a part of a response.</summary>
internal sealed record ExpectedContent(bool HasHeaders, int Chunks, long Bytes, bool IsComplete);
