using System.Buffers;
using System.Buffers.Binary;

namespace LambdaStreaming.Fuzz;

/// <summary>A simple parser of server-sent events, which works on bytes.</summary>
/// <remarks>
/// Source: WHATWG HTML, "Interpreting an event stream". It needs the complete stream. Two streams have the same events
/// if their records are equal.
/// </remarks>
internal sealed class NaiveServerSentEvents
{
    private readonly ArrayBufferWriter<byte> _records = new();
    private readonly ArrayBufferWriter<byte> _data = new();
    private readonly ArrayBufferWriter<byte> _lastData = new();
    private byte[] _type = [];
    private byte[] _id = [];
    private byte[] _lastId = [];
    private int _lastRecord;

    /// <summary>Receives the data of each event.</summary>
    public Action<byte[]>? Dispatched { get; set; }

    /// <summary>The number of dispatched events.</summary>
    public int Count { get; private set; }

    /// <summary>The type of the last dispatched event.</summary>
    public byte[] LastType { get; private set; } = [];

    /// <summary>The data of the last dispatched event.</summary>
    public ReadOnlyMemory<byte> LastData => _lastData.WrittenMemory;

    /// <summary>Whether a field has been read after the last empty line.</summary>
    public bool HasPendingField { get; private set; }

    /// <summary>Whether an id has been read after the last empty line.</summary>
    public bool HasPendingId { get; private set; }

    /// <summary>Whether the stream ends within a line.</summary>
    public bool HasPendingLine { get; private set; }

    /// <summary>All events and reconnection times, then the last event id.</summary>
    public ReadOnlySpan<byte> Records => _records.WrittenSpan;

    /// <summary>The events and reconnection times before the last event.</summary>
    public ReadOnlySpan<byte> RecordsBeforeLast => _records.WrittenSpan[.._lastRecord];

    /// <summary>Parses a complete stream.</summary>
    /// <param name="stream">The bytes.</param>
    /// <param name="incompleteType">
    /// The type of an event that the stream does not complete. Without it, such an event is discarded. An incomplete
    /// <c>id</c> or <c>retry</c> has no effect.
    /// </param>
    public void Read(ReadOnlySpan<byte> stream, byte[]? incompleteType = null)
    {
        _records.ResetWrittenCount();
        _data.ResetWrittenCount();
        (_type, _id, _lastId, Count, _lastRecord) = ([], [], [], 0, 0);
        (HasPendingField, HasPendingId) = (false, false);
        if (stream is [0xEF, 0xBB, 0xBF, ..]) stream = stream[3..];
        while (stream.IndexOfAny((byte)'\r', (byte)'\n') is >= 0 and var end)
        {
            ReadLine(stream[..end]);
            var isCrLf = stream[end] == '\r' && end + 1 < stream.Length && stream[end + 1] == '\n';
            stream = stream[(isCrLf ? end + 2 : end + 1)..];
        }

        HasPendingLine = !stream.IsEmpty;
        if (incompleteType is null) return;
        if (HasPendingLine) ReadLine(stream, isIncomplete: true);
        if (!HasPendingField) return;
        _type = incompleteType;
        Dispatch();
    }

    /// <summary>Adds the last event id to the records.</summary>
    public void RecordLastId() => Record((byte)'I', _lastId);

    private void ReadLine(ReadOnlySpan<byte> line, bool isIncomplete = false)
    {
        if (line.IsEmpty)
        {
            Dispatch();
            return;
        }

        if (line[0] == ':') return;
        HasPendingField = true;
        var colon = line.IndexOf((byte)':');
        var name = colon < 0 ? line : line[..colon];
        var value = colon < 0 ? default : line[(colon + 1)..];
        if (value is [(byte)' ', ..]) value = value[1..];
        if (name.SequenceEqual("data"u8))
        {
            _data.Write(value);
            _data.Write("\n"u8);
        }
        else if (name.SequenceEqual("event"u8))
        {
            _type = value.ToArray();
        }
        else if (name.SequenceEqual("id"u8) && !isIncomplete && !value.Contains((byte)0))
        {
            _id = value.ToArray();
            HasPendingId = true;
        }
        else if (name.SequenceEqual("retry"u8) && !isIncomplete && IsNumber(value))
        {
            Record((byte)'R', value);
        }
    }

    private static bool IsNumber(ReadOnlySpan<byte> value) =>
        !value.IsEmpty && !value.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    private void Dispatch()
    {
        (HasPendingField, HasPendingId) = (false, false);
        _lastId = _id;
        var type = _type;
        _type = [];
        if (_data.WrittenCount == 0) return;
        _lastRecord = _records.WrittenCount;
        LastType = type;
        _lastData.ResetWrittenCount();
        _lastData.Write(_data.WrittenSpan[..^1]);
        _data.ResetWrittenCount();
        Record((byte)'T', type);
        Record((byte)'D', _lastData.WrittenSpan);
        Record((byte)'I', _lastId);
        Count++;
        Dispatched?.Invoke(_lastData.WrittenSpan.ToArray());
    }

    private void Record(byte kind, ReadOnlySpan<byte> value)
    {
        var record = _records.GetSpan(value.Length + 5);
        record[0] = kind;
        BinaryPrimitives.WriteInt32BigEndian(record[1..], value.Length);
        value.CopyTo(record[5..]);
        _records.Advance(value.Length + 5);
    }
}
