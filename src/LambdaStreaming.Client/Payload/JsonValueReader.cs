using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Payload;

/// <summary>The enumerator of the JSON values of a payload.</summary>
/// <remarks>
/// This is not an iterator method: for each value, the enumerator that the compiler creates would cost as much as
/// finding the value. Only a <see cref="ResponseStream.GuardedEnumerator{T}"/> uses this class. It does not call it
/// again after an exception.
/// </remarks>
internal sealed class JsonValueReader<T>(
    PayloadSegmentReader segments,
    JsonTypeInfo<T> jsonTypeInfo,
    PayloadReadOptions options)
    : IAsyncEnumerator<T?>
{
    private enum Position
    {
        Beginning,
        BeforeValue,
        AfterValue,
        AfterOpening,
        AfterArray,
    }

    private readonly PayloadBuffer _buffer = new(segments);
    private JsonSequenceFormat _format = options.JsonFormat;
    private Position _position = Position.Beginning;
    private JsonValueScanner _scanner;
    private long _index;

    public T? Current { get; private set; }

    public ValueTask<bool> MoveNextAsync()
    {
        try
        {
            while (!TryTake())
            {
                if (_buffer.IsEnd)
                {
                    _buffer.Dispose();
                    return new ValueTask<bool>(false);
                }

                var read = _buffer.ReadMoreAsync();
                if (read != default) return AwaitReadAsync(read);
            }
        }
#pragma warning disable CA1031 // As in an async method, the task has every exception, also those of a converter.
        catch (Exception exception)
        {
            _buffer.Dispose();
            return ValueTask.FromException<bool>(exception);
        }
#pragma warning restore CA1031

        return new ValueTask<bool>(true);
    }

    public ValueTask DisposeAsync()
    {
        _buffer.Dispose();
        return default;
    }

    // A loop and not a recursion: a value can arrive in any number of reads. MoveNextAsync has a loop of its own, which
    // allocates nothing while reads complete at once.
    private async ValueTask<bool> AwaitReadAsync(ValueTask read)
    {
        try
        {
            while (true)
            {
                await read.ConfigureAwait(false);
                if (TryTake()) return true;
                if (_buffer.IsEnd) break;
                read = _buffer.ReadMoreAsync();
            }
        }
        catch
        {
            _buffer.Dispose();
            throw;
        }

        _buffer.Dispose();
        return false;
    }

    /// <summary>Takes the next value from the buffer, as <see cref="Current"/>.</summary>
    /// <returns>
    /// False if more bytes are needed; at the end of the payload, false if there are no more values.
    /// </returns>
    private bool TryTake()
    {
        if (!_buffer.TrySkipByteOrderMark()) return false;

        // If the scanner has already examined bytes, the buffer begins with an incomplete value: do not skip
        // separators again.
        if (_scanner.Searched == 0 && !TrySkipToValue()) return false;
        var unread = _buffer.Unread;
        var end = _scanner.FindEnd(unread);
        var length = end < 0 ? unread.Length : end;
        if (length > options.MaxValueBytes) throw CreateLimitException();
        if (end < 0 && !_buffer.IsEnd) return false;
        Current = PayloadJson.Deserialize(segments, unread[..length], _buffer.Offset, _index, jsonTypeInfo);
        // Fast path: a comma usually follows directly. To consume it here saves an iteration of TrySkipToValue.
        var isCommaNext = _format == JsonSequenceFormat.Array && length < unread.Length && unread[length] == ',';
        _buffer.Consume(isCommaNext ? length + 1 : length);
        _position = isCommaNext ? Position.BeforeValue : Position.AfterValue;
        _scanner = CreateScanner();
        _index++;
        return true;
    }

    private JsonValueScanner CreateScanner() => new(endsWithLine: _format == JsonSequenceFormat.Lines);

    private bool TrySkipToValue()
    {
        while (true)
        {
            SkipWhiteSpace();
            if (_buffer.Unread.IsEmpty)
            {
                if (_buffer.IsEnd) ThrowIfArrayIsOpen();
                return false;
            }

            if (TrySkipSeparator(_buffer.Unread[0])) continue;
            _scanner = CreateScanner();
            return true;
        }
    }

    private void SkipWhiteSpace()
    {
        var unread = _buffer.Unread;
        if (!unread.IsEmpty && unread[0] > ' ') return;
        var count = unread.IndexOfAnyExcept(" \t\r\n"u8);
        if (count < 0) count = unread.Length;
        var hasLineEnd = unread[..count].Contains((byte)'\n');
        if (hasLineEnd && _format == JsonSequenceFormat.Lines) _position = Position.BeforeValue;
        _buffer.Consume(count);
    }

    // Returns false if the next byte belongs to a value. Otherwise, skips the separator or determines the format.
    private bool TrySkipSeparator(byte next)
    {
        switch (_position, _format)
        {
            case (Position.Beginning, JsonSequenceFormat.Auto):
                _format = next == '[' ? JsonSequenceFormat.Array : JsonSequenceFormat.Concatenated;
                return true;
            case (Position.Beginning, JsonSequenceFormat.Array) when next == '[':
                Skip(Position.AfterOpening);
                return true;
            case (Position.AfterOpening, _) when next == ']':
            case (Position.AfterValue, JsonSequenceFormat.Array) when next == ']':
            case (Position.BeforeValue, JsonSequenceFormat.Array) when next == ']' && AllowsTrailingCommas:
                Skip(Position.AfterArray);
                return true;
            case (Position.AfterValue, JsonSequenceFormat.Array) when next == ',':
                Skip(Position.BeforeValue);
                return true;
            case (Position.Beginning, JsonSequenceFormat.Array):
                throw CreateFormatException("Expected '[' at the beginning of a JSON array");
            case (Position.AfterValue, JsonSequenceFormat.Array):
                throw CreateFormatException("Expected ',' or ']' after an element of the JSON array");
            case (Position.AfterArray, _):
                throw CreateFormatException("Unexpected data after the end of the JSON array", SeveralArraysAdvice);
            case (Position.AfterValue, JsonSequenceFormat.Lines):
                throw CreateFormatException("Expected a line end after the JSON value");
            default:
                return false;
        }
    }

    private bool AllowsTrailingCommas => jsonTypeInfo.Options.AllowTrailingCommas;

    private static string SeveralArraysAdvice =>
        $" If each value is an array, set {nameof(PayloadReadOptions.JsonFormat)} to "
        + $"{nameof(JsonSequenceFormat.Lines)} or {nameof(JsonSequenceFormat.Concatenated)}.";

    private void Skip(Position newPosition)
    {
        _buffer.Consume(1);
        _position = newPosition;
    }

    private void ThrowIfArrayIsOpen()
    {
        if (_format == JsonSequenceFormat.Array && _position != Position.AfterArray)
            throw CreateFormatException("The payload ended before the end of the JSON array");
    }

    private PayloadFormatException CreateFormatException(string problem, string advice = "")
    {
        var values = ExceptionMessages.Count(_index, "value");
        return segments.CreateFormatException(
            $"{problem} (payload byte {_buffer.Offset}, after {values}).{advice}",
            _buffer.Offset,
            _index);
    }

    private PayloadLimitExceededException CreateLimitException() => segments.CreateLimitException(
        $"Value {_index} (zero-based)",
        nameof(PayloadReadOptions.MaxValueBytes),
        options.MaxValueBytes,
        _buffer.Offset);
}
