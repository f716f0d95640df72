using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.EventStream;

/// <summary>Reads event-stream messages from the start of a buffer. Independent of Lambda and without state.</summary>
/// <remarks>
/// <code>
/// total length  headers length  prelude CRC | headers            | payload   | message CRC
/// 4             4               4           | headers length     | remainder | 4
/// </code>
/// The second line has the sizes in bytes. All numbers are big-endian and unsigned. The first 12 bytes are the message
/// prelude. Its CRC is the CRC-32 of the first 8 bytes. The message CRC is the CRC-32 of all bytes before it.
/// Source: AWS, "Event stream encoding"; conformance/eventstream/README.md.
/// </remarks>
internal static class EventStreamDecoder
{
    public const int PreludeBytes = 12;
    public const int MessageCrcBytes = 4;
    public const int MinMessageBytes = PreludeBytes + MessageCrcBytes;

    // botocore and the Go SDK accept 128 KiB of headers.
    // Source: conformance/eventstream/README.md, "Limits in official implementations".
    public const int MaxHeadersBytes = 131_072;

    /// <summary>Reads one complete message from the start of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">The bytes that were received and not yet consumed.</param>
    /// <param name="maxMessageBytes">Maximum size of a message, in bytes.</param>
    /// <param name="validHeaders">
    /// A header block that was validated before, or an empty one. If the message has an equal header block, that block
    /// is not validated again.
    /// </param>
    /// <param name="message">The message. It points into <paramref name="buffer"/>.</param>
    /// <returns>
    /// <see langword="true"/> if a message was read; <paramref name="buffer"/> then begins after it.
    /// <see langword="false"/> if more bytes are needed; <paramref name="buffer"/> is then unchanged.
    /// </returns>
    /// <exception cref="ResponseStreamCorruptException">
    /// The bytes are not the beginning of a valid message. The exception has neither the position of the message nor
    /// the details of the call; <c>ResponseStreamReader</c> replaces it with one that has both.
    /// </exception>
    public static bool TryRead(
        ref ReadOnlySequence<byte> buffer,
        int maxMessageBytes,
        ReadOnlySpan<byte> validHeaders,
        out EventStreamMessage message)
    {
        message = default;
        if (buffer.Length < PreludeBytes) return false;

        Span<byte> copy = stackalloc byte[PreludeBytes];
        var prelude = buffer.FirstSpan.Length >= PreludeBytes ? buffer.FirstSpan[..PreludeBytes] : Copy(buffer, copy);
        ReadPrelude(prelude, maxMessageBytes, out var totalLength, out var headersLength);
        if (buffer.Length < totalLength) return false;

        var bytes = buffer.Slice(0, totalLength);
        CheckMessageCrc(bytes, totalLength);
        var headers = bytes.Slice(PreludeBytes, headersLength);
        using var block = new ContiguousHeaders(headers);
        var isRepeated = !validHeaders.IsEmpty && block.Bytes.SequenceEqual(validHeaders);
        if (!isRepeated) EventStreamHeaders.Validate(block.Bytes);

        var payloadLength = totalLength - MinMessageBytes - headersLength;
        var payload = bytes.Slice(PreludeBytes + headersLength, payloadLength);
        message = new EventStreamMessage(totalLength, headers, payload, isRepeated);
        buffer = buffer.Slice(totalLength);
        return true;
    }

    /// <summary>
    /// Returns true if <paramref name="bytes"/> begin with a complete message with a valid message prelude.
    /// </summary>
    /// <remarks>
    /// For the fast path of a reader. It checks neither the message CRC nor the headers. If it returns false,
    /// <see cref="TryRead"/> distinguishes an incomplete message from a corrupt one.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StartsWithCompleteMessage(
        ReadOnlySpan<byte> bytes, int maxMessageBytes, out int totalLength, out int headersLength)
    {
        totalLength = headersLength = 0;
        if (bytes.Length < MinMessageBytes) return false;
        if (BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) != EventStreamCrc.ComputeOfEight(bytes)) return false;

        var total = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var headers = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (total < MinMessageBytes || total > (uint)Math.Min(bytes.Length, maxMessageBytes)) return false;
        if (headers > MaxHeadersBytes || headers > total - MinMessageBytes) return false;

        (totalLength, headersLength) = ((int)total, (int)headers);
        return true;
    }

    /// <summary>Returns true if the message CRC of the complete <paramref name="message"/> is correct.</summary>
    public static bool IsMessageCrcValid(ReadOnlySpan<byte> message) =>
        BinaryPrimitives.ReadUInt32BigEndian(message[^MessageCrcBytes..])
        == EventStreamCrc.Compute(message[..^MessageCrcBytes]);

    [DoesNotReturn]
    internal static void Throw(ResponseStreamCorruptionReason reason, string message) =>
        throw new ResponseStreamCorruptException(message, reason);

    private static void ReadPrelude(
        ReadOnlySpan<byte> prelude, int maxMessageBytes, out int totalLength, out int headersLength)
    {
        var expected = BinaryPrimitives.ReadUInt32BigEndian(prelude[8..]);
        var actual = EventStreamCrc.ComputeOfEight(prelude);
        if (expected != actual) ThrowPreludeCrc(expected, actual);

        // Unsigned until checked: a length with its top bit set must not become negative.
        var total = BinaryPrimitives.ReadUInt32BigEndian(prelude);
        var headers = BinaryPrimitives.ReadUInt32BigEndian(prelude[4..]);
        if (total < MinMessageBytes) ThrowTooShort(total);
        if (total > (uint)maxMessageBytes) ThrowTooLong(total, maxMessageBytes);
        if (headers > MaxHeadersBytes) ThrowHeadersTooLong(headers);
        if (headers > total - MinMessageBytes) ThrowHeadersExceedMessage(headers, total);
        (totalLength, headersLength) = ((int)total, (int)headers);
    }

    private static void CheckMessageCrc(ReadOnlySequence<byte> message, int totalLength)
    {
        Span<byte> copy = stackalloc byte[MessageCrcBytes];
        var crcStart = totalLength - MessageCrcBytes;
        var expected = BinaryPrimitives.ReadUInt32BigEndian(Copy(message.Slice(crcStart), copy));
        var actual = EventStreamCrc.Compute(message.Slice(0, crcStart));
        if (expected != actual) ThrowMessageCrc(totalLength, expected, actual);
    }

    private static ReadOnlySpan<byte> Copy(ReadOnlySequence<byte> from, Span<byte> to)
    {
        from.Slice(0, to.Length).CopyTo(to);
        return to;
    }

    [DoesNotReturn]
    private static void ThrowPreludeCrc(uint expected, uint actual) => Throw(
        ResponseStreamCorruptionReason.PreludeChecksum,
        $"The CRC-32 of a message prelude is {expected:x8}, but its bytes have {actual:x8}. "
        + "The bytes were damaged, or they are not an event stream.");

    [DoesNotReturn]
    private static void ThrowMessageCrc(int totalLength, uint expected, uint actual) => Throw(
        ResponseStreamCorruptionReason.MessageChecksum,
        $"The CRC-32 of a message of {totalLength} bytes is {expected:x8}, but its bytes have {actual:x8}. "
        + "The bytes were damaged in transit.");

    [DoesNotReturn]
    private static void ThrowTooShort(uint total) =>
        MalformedLength($"A message has a length of {total} bytes; the minimum is {MinMessageBytes}.");

    [DoesNotReturn]
    private static void ThrowTooLong(uint total, int maxMessageBytes) => MalformedLength(
        $"A message has a length of {total} bytes; the maximum is {maxMessageBytes}. "
        + $"If such messages are expected, raise {nameof(LambdaStreamingClientOptions.MaxMessageBytes)}.");

    [DoesNotReturn]
    private static void ThrowHeadersTooLong(uint headers) =>
        MalformedLength($"A message has {headers} bytes of headers; the maximum is {MaxHeadersBytes}.");

    [DoesNotReturn]
    private static void ThrowHeadersExceedMessage(uint headers, uint total) => MalformedLength(
        $"A message of {total} bytes has {headers} bytes of headers; at most {total - MinMessageBytes} fit.");

    [DoesNotReturn]
    private static void MalformedLength(string message) =>
        Throw(ResponseStreamCorruptionReason.MalformedLength, message);
}
