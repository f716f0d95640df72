using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace LambdaStreaming.EventStream;

/// <summary>The ten types of a header's value, by their numbers on the wire.</summary>
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
internal readonly ref struct EventStreamHeader(ReadOnlySpan<byte> name, EventStreamHeaderType type, ReadOnlySpan<byte> value)
{
    public ReadOnlySpan<byte> Name { get; } = name;

    public EventStreamHeaderType Type { get; } = type;

    /// <summary>The bytes of the value, without its length; none for the two booleans.</summary>
    public ReadOnlySpan<byte> Value { get; } = value;
}

/// <summary>Reads a header block front to back.</summary>
/// <remarks>
/// <code>
/// name length  name  type  value
/// 1            1–255 1     0 | 1 | 2 | 4 | 8 | 16, or length (2) and as many bytes
/// </code>
/// Source: AWS, "Event stream encoding", Headers.
/// </remarks>
internal ref struct EventStreamHeaders(ReadOnlySpan<byte> block)
{
    // Source: conformance/eventstream/README.md, error classes: aws-c-event-stream takes 32,767.
    private const int MaxValueBytes = short.MaxValue;

    // Up to this many headers are compared with each other; beyond, a set of names keeps a hostile block from costing its square.
    private const int FewHeaders = 16;

    private ReadOnlySpan<byte> _rest = block;

    /// <summary>Reads the next header.</summary>
    /// <returns><see langword="false"/> at the end of the block.</returns>
    /// <exception cref="ResponseStreamCorruptException">A header runs out of the block, or has an unknown type, an empty name, an overlong value or bad UTF-8.</exception>
    public bool TryRead(out EventStreamHeader header)
    {
        header = default;
        if (_rest.IsEmpty) return false;

        int nameLength = _rest[0];
        if (nameLength == 0) Malformed("A header has an empty name.");
        if (_rest.Length < 1 + nameLength + 1) Malformed($"A header's name claims {nameLength} bytes; only {_rest.Length - 1} are left in the block, its type included.");
        var name = _rest.Slice(1, nameLength);
        if (!Utf8.IsValid(name)) Malformed("A header's name is not UTF-8.");

        var type = (EventStreamHeaderType)_rest[1 + nameLength];
        var value = _rest[(1 + nameLength + 1)..];
        var valueLength = type switch
        {
            EventStreamHeaderType.BoolTrue or EventStreamHeaderType.BoolFalse => 0,
            EventStreamHeaderType.Byte => 1,
            EventStreamHeaderType.Short => 2,
            EventStreamHeaderType.Int => 4,
            EventStreamHeaderType.Long or EventStreamHeaderType.Timestamp => 8,
            EventStreamHeaderType.Uuid => 16,
            EventStreamHeaderType.Bytes or EventStreamHeaderType.String => TakeLength(ref value),
            _ => UnknownType(type),
        };
        if (value.Length < valueLength) Malformed($"The value of a header of type {type} needs {valueLength} bytes; only {value.Length} are left in the block.");

        _rest = value[valueLength..];
        value = value[..valueLength];
        if (type == EventStreamHeaderType.String && !Utf8.IsValid(value)) Malformed("The value of a string header is not UTF-8.");
        header = new EventStreamHeader(name, type, value);
        return true;
    }

    /// <summary>Checks a whole header block, repeated names included.</summary>
    /// <exception cref="ResponseStreamCorruptException">It is malformed.</exception>
    public static void Validate(ReadOnlySequence<byte> block)
    {
        if (block.IsSingleSegment)
        {
            Validate(block.FirstSpan);
            return;
        }

        var rented = ArrayPool<byte>.Shared.Rent((int)block.Length);
        try
        {
            block.CopyTo(rented);
            Validate(rented.AsSpan(0, (int)block.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static void Validate(ReadOnlySpan<byte> block)
    {
        HashSet<string>? seen = null;
        var count = 0;
        var headers = new EventStreamHeaders(block);
        while (headers.TryRead(out var header))
        {
            count++;
            if (count <= FewHeaders ? IsDuplicate(header.Name, block, count - 1) : !(seen ??= FirstNames(block)).Add(Encoding.UTF8.GetString(header.Name)))
                Malformed("Two headers of a message have the same name.");
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

    private static HashSet<string> FirstNames(ReadOnlySpan<byte> block)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var headers = new EventStreamHeaders(block);
        while (names.Count < FewHeaders && headers.TryRead(out var header)) names.Add(Encoding.UTF8.GetString(header.Name));
        return names;
    }

    private static int TakeLength(ref ReadOnlySpan<byte> value)
    {
        if (value.Length < 2) Malformed($"The length of a header's value needs 2 bytes; only {value.Length} are left in the block.");
        int length = BinaryPrimitives.ReadUInt16BigEndian(value);
        if (length > MaxValueBytes) Malformed($"A header's value claims {length} bytes; at most {MaxValueBytes} are taken.");
        value = value[2..];
        return length;
    }

    private static int UnknownType(EventStreamHeaderType type)
    {
        Malformed($"A header has the type {(int)type}; the types are 0 to 9.");
        return 0;
    }

    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
    private static void Malformed(string message) => EventStreamDecoder.Throw(ResponseStreamCorruptionReason.MalformedHeader, message);
}
