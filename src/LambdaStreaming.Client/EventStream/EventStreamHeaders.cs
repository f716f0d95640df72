using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Unicode;

namespace LambdaStreaming.EventStream;

/// <summary>Types of a header value, with their numbers on the wire.</summary>
internal enum EventStreamHeaderType
{
    BoolTrue = 0,
    BoolFalse = 1,
    Byte = 2,
    Short = 3,
    Int = 4,
    Long = 5,
    Bytes = 6,
    String = 7,
    Timestamp = 8,
    Uuid = 9,
}

/// <summary>One header of a message. It points into the header block.</summary>
internal readonly ref struct EventStreamHeader(
    ReadOnlySpan<byte> name, EventStreamHeaderType type, ReadOnlySpan<byte> value)
{
    public ReadOnlySpan<byte> Name { get; } = name;

    public EventStreamHeaderType Type { get; } = type;

    /// <summary>The bytes of the value, without its length. Empty for the two booleans.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>Reads the headers of a message in their order.</summary>
/// <remarks>
/// <code>
/// name length  name  type  value
/// 1            1–255 1     0 | 1 | 2 | 4 | 8 | 16, or length (2) and value
/// </code>
/// The second line has the sizes in bytes. Source: AWS, "Event stream encoding", Headers.
/// </remarks>
internal ref struct EventStreamHeaders(ReadOnlySpan<byte> block)
{
    // aws-c-event-stream accepts 32,767 bytes. Source: conformance/eventstream/README.md, error classes.
    private const int MaxValueBytes = short.MaxValue;

    // Duplicates are found by comparing each name with all earlier names, up to this number of headers. For more
    // headers, a set is used, so that the cost stays linear.
    private const int FewHeaders = 16;

    private ReadOnlySpan<byte> _remaining = block;

    /// <summary>Reads the next header.</summary>
    /// <returns><see langword="false"/> at the end of the block.</returns>
    /// <exception cref="ResponseStreamCorruptException">
    /// A header exceeds the block, or has an unknown type, an empty name, a value over the limit, or invalid UTF-8.
    /// </exception>
    public bool TryRead(out EventStreamHeader header)
    {
        header = default;
        if (_remaining.IsEmpty) return false;

        int nameLength = _remaining[0];
        if (nameLength == 0) Malformed("A header has an empty name.");
        if (_remaining.Length < 1 + nameLength + 1) ThrowNameExceedsBlock(nameLength, _remaining.Length - 1);
        var name = _remaining.Slice(1, nameLength);
        if (!Utf8.IsValid(name)) Malformed("A header name is not UTF-8.");

        var type = (EventStreamHeaderType)_remaining[1 + nameLength];
        var value = _remaining[(1 + nameLength + 1)..];
        var valueLength = type switch
        {
            EventStreamHeaderType.BoolTrue or EventStreamHeaderType.BoolFalse => 0,
            EventStreamHeaderType.Byte => 1,
            EventStreamHeaderType.Short => 2,
            EventStreamHeaderType.Int => 4,
            EventStreamHeaderType.Long or EventStreamHeaderType.Timestamp => 8,
            EventStreamHeaderType.Uuid => 16,
            EventStreamHeaderType.Bytes or EventStreamHeaderType.String => ReadLength(ref value),
            _ => ThrowUnknownType(type),
        };
        if (value.Length < valueLength) ThrowValueExceedsBlock(type, valueLength, value.Length);

        _remaining = value[valueLength..];
        value = value[..valueLength];
        if (type == EventStreamHeaderType.String && !Utf8.IsValid(value))
        {
            Malformed("The value of a string header is not UTF-8.");
        }

        header = new EventStreamHeader(name, type, value);
        return true;
    }

    /// <summary>Validates a complete header block. Each name must be unique.</summary>
    /// <exception cref="ResponseStreamCorruptException">The block is malformed.</exception>
    public static void Validate(ReadOnlySpan<byte> block)
    {
        HashSet<string>? seen = null;
        var count = 0;
        var headers = new EventStreamHeaders(block);
        while (headers.TryRead(out var header))
        {
            count++;
            var isDuplicate = count <= FewHeaders
                ? IsDuplicate(header.Name, block, count - 1)
                : !(seen ??= GetFirstNames(block)).Add(Encoding.UTF8.GetString(header.Name));
            if (isDuplicate) Malformed("Two headers of a message have the same name.");
        }
    }

    private static bool IsDuplicate(ReadOnlySpan<byte> name, ReadOnlySpan<byte> block, int count)
    {
        var headers = new EventStreamHeaders(block);
        for (var i = 0; i < count && headers.TryRead(out var header); i++)
        {
            if (header.Name.SequenceEqual(name)) return true;
        }

        return false;
    }

    private static HashSet<string> GetFirstNames(ReadOnlySpan<byte> block)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var headers = new EventStreamHeaders(block);
        while (names.Count < FewHeaders && headers.TryRead(out var header))
        {
            names.Add(Encoding.UTF8.GetString(header.Name));
        }

        return names;
    }

    private static int ReadLength(ref ReadOnlySpan<byte> value)
    {
        if (value.Length < 2) Malformed("The header block ends inside the length of a header value.");
        int length = BinaryPrimitives.ReadUInt16BigEndian(value);
        if (length > MaxValueBytes) Malformed($"A header value has {length} bytes; the maximum is {MaxValueBytes}.");
        value = value[2..];
        return length;
    }

    private static int ThrowUnknownType(EventStreamHeaderType type)
    {
        Malformed($"A header has the type {(int)type}; the types are 0 to 9.");
        return 0;
    }

    [DoesNotReturn]
    private static void ThrowNameExceedsBlock(int nameLength, int remaining) => Malformed(
        $"A header name of {nameLength} bytes and its type exceed the header block: {remaining} bytes remain.");

    [DoesNotReturn]
    private static void ThrowValueExceedsBlock(EventStreamHeaderType type, int valueLength, int remaining) => Malformed(
        $"A header value of {valueLength} bytes (type {type}) exceeds the header block: {remaining} bytes remain.");

    [DoesNotReturn]
    private static void Malformed(string message) =>
        EventStreamDecoder.Throw(ResponseStreamCorruptionReason.MalformedHeader, message);
}
