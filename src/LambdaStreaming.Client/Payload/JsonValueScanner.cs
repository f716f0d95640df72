using System.Buffers;

namespace LambdaStreaming.Payload;

/// <summary>Finds where a JSON value ends, looking at each byte once however the bytes are cut. Whether it is good JSON is the deserialiser's to say.</summary>
/// <remarks>
/// Utf8JsonReader would begin a long string anew with every piece that comes (a value of n bytes in n pieces costs n²), and it stops at another byte of a bad value for
/// another cut. Brackets and quotes are enough to find the end, and always find the same one.
/// </remarks>
internal struct JsonValueScanner
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]"u8);
    private static readonly SearchValues<byte> StructureOrLineEnd = SearchValues.Create("\"{}[]\n"u8);
    private static readonly SearchValues<byte> InString = SearchValues.Create("\"\\"u8);
    private static readonly SearchValues<byte> InStringOrLineEnd = SearchValues.Create("\"\\\n"u8);
    private static readonly SearchValues<byte> AfterScalar = SearchValues.Create(" \t\r\n,:]}[{\""u8);

    private const int Near = 8;

    private readonly bool _endsWithLine;
    private int _depth;
    private bool _inString;

    /// <param name="endsWithLine">Whether a line end cuts the value, as in JSON lines.</param>
    public JsonValueScanner(bool endsWithLine) => _endsWithLine = endsWithLine;

    /// <summary>How many bytes were looked at, from the value's first.</summary>
    public int Searched { get; private set; }

    /// <summary>Finds the end of the value that <paramref name="value"/>, which has at least one byte, begins with; the last call's bytes are its beginning.</summary>
    /// <returns>The value's length, or -1 when more bytes are needed: of a number, the end is only known when something else follows.</returns>
    public int FindEnd(ReadOnlySpan<byte> value)
    {
        if (value[0] is not ((byte)'{' or (byte)'[' or (byte)'"')) return FindEndOfScalar(value);

        while (true)
        {
            var rest = value[Searched..];
            var at = IndexOfNext(rest);
            if (at < 0)
            {
                Searched = value.Length;
                return -1;
            }

            switch (rest[at])
            {
                case (byte)'\\' when at + 1 == rest.Length:
                    // What is escaped has not come yet; looked at again from here.
                    Searched += at;
                    return -1;
                case (byte)'\\':
                    Searched += _endsWithLine && rest[at + 1] == '\n' ? at + 1 : at + 2;
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

    // Names, short strings and what stands between them are a few bytes long: for those a vectorised search costs more to begin than to do.
    private int IndexOfNext(ReadOnlySpan<byte> bytes)
    {
        var near = Math.Min(bytes.Length, Near);
        for (var i = 0; i < near; i++)
        {
            if (_inString ? bytes[i] is (byte)'"' or (byte)'\\' : bytes[i] is (byte)'"' or (byte)'{' or (byte)'}' or (byte)'[' or (byte)']') return i;
            if (_endsWithLine && bytes[i] == '\n') return i;
        }

        var wanted = _inString ? (_endsWithLine ? InStringOrLineEnd : InString) : _endsWithLine ? StructureOrLineEnd : Structure;
        var at = bytes[near..].IndexOfAny(wanted);
        return at < 0 ? -1 : near + at;
    }

    private int FindEndOfScalar(ReadOnlySpan<byte> value)
    {
        // The three words end by themselves.
        var word = value[0] switch { (byte)'t' => "true"u8, (byte)'f' => "false"u8, (byte)'n' => "null"u8, _ => default };
        if (!word.IsEmpty && value.StartsWith(word)) return word.Length;

        // A byte that can't begin a value is a bad value by itself.
        var from = Math.Max(Searched, 1);
        var at = value[from..].IndexOfAny(AfterScalar);
        if (at >= 0 || AfterScalar.Contains(value[0])) return AfterScalar.Contains(value[0]) ? 1 : from + at;
        Searched = value.Length;
        return -1;
    }
}
