using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.IO.Hashing;
using System.Runtime.CompilerServices;

namespace LambdaStreaming.EventStream;

/// <summary>Takes messages off the front of a buffer. Knows no Lambda, does no IO, keeps no state.</summary>
/// <remarks>
/// <code>
/// total length  headers length  prelude CRC | headers            | payload | message CRC
/// 4             4               4           | headers length     | rest    | 4
/// </code>
/// All numbers are big-endian and unsigned. The prelude CRC is the CRC-32 of the first 8 bytes, the message CRC that of everything before it.
/// Source: AWS, "Event stream encoding"; conformance/eventstream/README.md.
/// </remarks>
internal static class EventStreamDecoder
{
    public const int PreludeBytes = 12;
    public const int MessageCrcBytes = 4;
    public const int MinMessageBytes = PreludeBytes + MessageCrcBytes;

    // Source: conformance/eventstream/README.md, "Limits in official implementations": botocore and the Go SDK take 128 KiB of headers.
    public const int MaxHeadersBytes = 131_072;

    /// <summary>Takes one whole message off the front of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">What has been read and not yet consumed.</param>
    /// <param name="maxMessageBytes">The largest message that is believed.</param>
    /// <param name="message">The message; it points into <paramref name="buffer"/>.</param>
    /// <returns><see langword="true"/> with <paramref name="buffer"/> moved past the message; <see langword="false"/>, untouched, when more bytes are needed.</returns>
    /// <exception cref="ResponseStreamCorruptException">The bytes can never become a message. Its offset counts from the message's first byte.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, int maxMessageBytes, out EventStreamMessage message)
    {
        message = default;
        if (buffer.Length < PreludeBytes) return false;

        Span<byte> copy = stackalloc byte[PreludeBytes];
        var prelude = buffer.FirstSpan.Length >= PreludeBytes ? buffer.FirstSpan[..PreludeBytes] : Copy(buffer, copy);
        ReadPrelude(prelude, maxMessageBytes, out var totalLength, out var headersLength);
        if (buffer.Length < totalLength) return false;

        var whole = buffer.Slice(0, totalLength);
        CheckMessageCrc(whole, totalLength);
        var headers = whole.Slice(PreludeBytes, headersLength);
        EventStreamHeaders.Validate(headers);

        message = new EventStreamMessage(totalLength, headers, whole.Slice(PreludeBytes + headersLength, totalLength - MinMessageBytes - headersLength));
        buffer = buffer.Slice(totalLength);
        return true;
    }

    /// <summary>Says whether <paramref name="bytes"/> begin with a whole message whose prelude is sound. Its checksum and headers are not looked at.</summary>
    /// <remarks>For the fast path of a reader: everything else, broken or incomplete, is <see cref="TryRead"/>'s to tell apart.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool StartsWithCompleteMessage(ReadOnlySpan<byte> bytes, int maxMessageBytes, out int totalLength, out int headersLength)
    {
        totalLength = headersLength = 0;
        if (bytes.Length < MinMessageBytes || BinaryPrimitives.ReadUInt32BigEndian(bytes[8..]) != Crc32.HashToUInt32(bytes[..8])) return false;
        var total = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var headers = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
        if (total < MinMessageBytes || total > (uint)Math.Min(bytes.Length, maxMessageBytes) || headers > MaxHeadersBytes || headers > total - MinMessageBytes) return false;
        (totalLength, headersLength) = ((int)total, (int)headers);
        return true;
    }

    /// <summary>Says whether the message CRC of the whole <paramref name="message"/> holds.</summary>
    public static bool IsMessageCrcValid(ReadOnlySpan<byte> message) =>
        BinaryPrimitives.ReadUInt32BigEndian(message[^MessageCrcBytes..]) == Crc32.HashToUInt32(message[..^MessageCrcBytes]);

    private static void ReadPrelude(ReadOnlySpan<byte> prelude, int maxMessageBytes, out int totalLength, out int headersLength)
    {
        var carried = BinaryPrimitives.ReadUInt32BigEndian(prelude[8..]);
        var computed = Crc32.HashToUInt32(prelude[..8]);
        if (carried != computed) Throw(ResponseStreamCorruptionReason.PreludeChecksum, $"The message's prelude carries the CRC-32 {carried:x8}, but its bytes give {computed:x8}. The stream was damaged, or it is no event stream.");

        // Unsigned until checked: a length with its top bit set must not turn negative.
        var total = BinaryPrimitives.ReadUInt32BigEndian(prelude);
        var headers = BinaryPrimitives.ReadUInt32BigEndian(prelude[4..]);
        if (total < MinMessageBytes) Throw(ResponseStreamCorruptionReason.MalformedLength, $"A message claims a length of {total} bytes; the smallest has {MinMessageBytes}.");
        if (total > (uint)maxMessageBytes) Throw(ResponseStreamCorruptionReason.MalformedLength, $"A message claims a length of {total} bytes; at most {maxMessageBytes} are taken. If that is genuine, raise {nameof(LambdaStreamingClientOptions.MaxMessageBytes)}.");
        if (headers > MaxHeadersBytes) Throw(ResponseStreamCorruptionReason.MalformedLength, $"A message claims {headers} bytes of headers; at most {MaxHeadersBytes} are taken.");
        if (headers > total - MinMessageBytes) Throw(ResponseStreamCorruptionReason.MalformedLength, $"A message of {total} bytes claims {headers} bytes of headers; there is room for {total - MinMessageBytes}.");
        (totalLength, headersLength) = ((int)total, (int)headers);
    }

    private static void CheckMessageCrc(ReadOnlySequence<byte> message, int totalLength)
    {
        Span<byte> copy = stackalloc byte[MessageCrcBytes];
        var carried = BinaryPrimitives.ReadUInt32BigEndian(Copy(message.Slice(totalLength - MessageCrcBytes), copy));
        var computed = ComputeCrc(message.Slice(0, totalLength - MessageCrcBytes));
        if (carried != computed) Throw(ResponseStreamCorruptionReason.MessageChecksum, $"A message of {totalLength} bytes carries the CRC-32 {carried:x8}, but its bytes give {computed:x8}. It was damaged on the way.");
    }

    private static uint ComputeCrc(ReadOnlySequence<byte> bytes)
    {
        if (bytes.IsSingleSegment) return Crc32.HashToUInt32(bytes.FirstSpan);

        var crc = _splitMessageCrc ??= new Crc32();
        crc.Reset();
        foreach (var segment in bytes) crc.Append(segment.Span);
        return crc.GetCurrentHashAsUInt32();
    }

    private static ReadOnlySpan<byte> Copy(ReadOnlySequence<byte> from, Span<byte> to)
    {
        from.Slice(0, to.Length).CopyTo(to);
        return to;
    }

    [DoesNotReturn]
    internal static void Throw(ResponseStreamCorruptionReason reason, string message) => throw new ResponseStreamCorruptException(message, reason);

    // Of a thread, so that a message split over two reads allocates nothing.
    [ThreadStatic]
    private static Crc32? _splitMessageCrc;
}
