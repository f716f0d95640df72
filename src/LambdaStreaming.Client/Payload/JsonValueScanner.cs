using System.Buffers;
using System.Numerics;
using System.Runtime.Intrinsics;

namespace LambdaStreaming.Payload;

/// <summary>Finds the end of a JSON value in linear time, however the bytes are split.</summary>
/// <remarks>
/// It does not validate the value; the deserializer does. <c>Utf8JsonReader</c> is not used for two reasons. It would
/// restart at the beginning of a long string for each new segment: n² steps for n bytes in n segments. For an invalid
/// value, it stops at a byte that depends on how the bytes were split.
/// Brackets and quotes are enough to find the end, and the result never depends on the splits.
/// </remarks>
internal struct JsonValueScanner
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> StructureOrLineEnd = SearchValues.Create("\"{}[]\n"u8);
    private static readonly SearchValues<byte> InString = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> InStringOrLineEnd = SearchValues.Create("\"\\\n"u8);
    private static readonly SearchValues<byte> AfterScalar = SearchValues.Create(" \t\r\n,:]}[{\""u8);

    private const int BlockBytes = 64;
    private const int NearBytes = 8;

    private readonly bool _endsWithLine;
    private int _depth;
    private bool _inString;

    /// <param name="endsWithLine">Whether the value also ends with its line, as in JSON lines.</param>
    public JsonValueScanner(bool endsWithLine) => _endsWithLine = endsWithLine;

    /// <summary>Number of bytes that were examined, from the first byte of the value.</summary>
    public int Searched { get; private set; }

    /// <summary>Finds the end of the value at the beginning of <paramref name="value"/>.</summary>
    /// <param name="value">At least one byte. Contains the bytes of the previous call, and then the new ones.</param>
    /// <returns>
    /// The length of the value; -1 if more bytes are needed. The end of a number is known only after another byte
    /// follows.
    /// </returns>
    public int FindEnd(ReadOnlySpan<byte> value)
    {
        if (value[0] is not ((byte)'{' or (byte)'[' or (byte)'"')) return FindScalarEnd(value);

        while (true)
        {
            if (TryFindEndInBlocks(value)) return Searched;
            var remaining = value[Searched..];
            var at = FindNext(remaining);
            if (at < 0)
            {
                Searched = value.Length;
                return -1;
            }

            switch (remaining[at])
            {
                case (byte)'\\' when at + 1 == remaining.Length:
                    // The escaped character has not been received. Examine the backslash again.
                    Searched += at;
                    return -1;
                case (byte)'\\':
                    Searched += _endsWithLine && remaining[at + 1] == '\n' ? at + 1 : at + 2;
                    continue;
                case (byte)'\n':
                    return Searched + at;
                case (byte)'"':
                    _inString = !_inString;
                    break;
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                default:
                    _depth--;
                    break;
            }

            Searched += at + 1;
            if (_depth == 0 && !_inString) return Searched;
        }
    }

    private bool TryFindEndInBlocks(ReadOnlySpan<byte> value)
    {
        while (_depth > 0 && value.Length - Searched >= BlockBytes)
        {
            var (searched, wasInString) = (Searched, _inString);
            if (TryFindEndInBlock(value.Slice(Searched, BlockBytes))) return true;
            // Inside long strings, FindNext is faster.
            if (Searched < searched + BlockBytes || (wasInString && _inString)) return false;
        }

        return false;
    }

    // Examines a block inside an object or array, up to the first byte that needs the loop in FindEnd. This is a
    // backslash, or a line end that ends the value. In the masks, bit i stands for byte i.
    private bool TryFindEndInBlock(ReadOnlySpan<byte> block)
    {
        var stops = FindAll(block, (byte)'\\') | (_endsWithLine ? FindAll(block, (byte)'\n') : 0);
        var count = BitOperations.TrailingZeroCount(stops);
        var examined = count == BlockBytes ? ulong.MaxValue : (1UL << count) - 1;
        var quotes = FindAll(block, (byte)'"') & examined;
        var outside = _inString ? GetParities(quotes) : ~GetParities(quotes);
        var opening = FindAll(block, (byte)'{', ignored: '{' ^ '[') & examined & outside;
        var closing = FindAll(block, (byte)'}', ignored: '}' ^ ']') & examined & outside;
        if (BitOperations.PopCount(closing) < _depth)
        {
            _depth += BitOperations.PopCount(opening) - BitOperations.PopCount(closing);
        }
        else
        {
            for (var brackets = opening | closing; brackets != 0; brackets &= brackets - 1)
            {
                var at = BitOperations.TrailingZeroCount(brackets);
                _depth += (opening >> at & 1) == 1 ? 1 : -1;
                if (_depth > 0) continue;
                Searched += at + 1;
                return true;
            }
        }

        _inString ^= (BitOperations.PopCount(quotes) & 1) == 1;
        Searched += count;
        return false;
    }

    /// <param name="block">The bytes.</param>
    /// <param name="value">The byte to find.</param>
    /// <param name="ignored">Bits that do not count.</param>
    private static ulong FindAll(ReadOnlySpan<byte> block, byte value, byte ignored = 0)
    {
        if (Vector512.IsHardwareAccelerated)
        {
            var bytes = Vector512.Create(block) | Vector512.Create(ignored);
            return Vector512.Equals(bytes, Vector512.Create(value)).ExtractMostSignificantBits();
        }

        var low = Vector256.Create(block[..Vector256<byte>.Count]) | Vector256.Create(ignored);
        var high = Vector256.Create(block[Vector256<byte>.Count..]) | Vector256.Create(ignored);
        return Vector256.Equals(low, Vector256.Create(value)).ExtractMostSignificantBits()
            | ((ulong)Vector256.Equals(high, Vector256.Create(value)).ExtractMostSignificantBits()
                << Vector256<byte>.Count);
    }

    // Bit i of the result is set if the number of set bits from 0 to i is odd.
    private static ulong GetParities(ulong bits)
    {
        for (var shift = 1; shift < BlockBytes; shift *= 2) bits ^= bits << shift;
        return bits;
    }

    // Most names, short strings and separators are a few bytes long. For them, starting a vectorized search costs more
    // than a loop.
    private int FindNext(ReadOnlySpan<byte> bytes)
    {
        var near = Math.Min(bytes.Length, NearBytes);
        for (var i = 0; i < near; i++)
        {
            var isFound = _inString
                ? bytes[i] is (byte)'"' or (byte)'\\'
                : bytes[i] is (byte)'"' or (byte)'{' or (byte)'}' or (byte)'[' or (byte)']';
            if (isFound || (_endsWithLine && bytes[i] == '\n')) return i;
        }

        var wanted = (_inString, _endsWithLine) switch
        {
            (true, true) => InStringOrLineEnd,
            (true, false) => InString,
            (false, true) => StructureOrLineEnd,
            _ => Structure,
        };
        var at = bytes[near..].IndexOfAny(wanted);
        return at < 0 ? -1 : near + at;
    }

    private int FindScalarEnd(ReadOnlySpan<byte> value)
    {
        // true, false and null are complete without a following byte; a number is not.
        var word = value[0] switch
        {
            (byte)'t' => "true"u8,
            (byte)'f' => "false"u8,
            (byte)'n' => "null"u8,
            _ => default,
        };
        if (!word.IsEmpty && value.StartsWith(word)) return word.Length;

        // A delimiter instead of a value, such as a comma, counts as an invalid value of one byte.
        if (AfterScalar.Contains(value[0])) return 1;
        var from = Math.Max(Searched, 1);
        var at = value[from..].IndexOfAny(AfterScalar);
        if (at >= 0) return from + at;
        Searched = value.Length;
        return -1;
    }
}
