namespace LambdaStreaming.Payload;

/// <summary>What is known after some bytes of a payload.</summary>
internal enum HttpPreludeResult
{
    NeedsMoreBytes,
    Found,
    NotFound,
    TooLong,
}

/// <summary>Finds the prelude of the HTTP integration at the beginning of a payload.</summary>
/// <remarks>
/// <code>
/// byte order mark? | white space | JSON object | white space | 8 NUL bytes
/// </code>
/// The result depends on the bytes and never on how they were split: "not found" is returned as early as possible, but
/// only if no further byte could make a prelude of what was received. Each byte is looked at once.
/// </remarks>
/// <param name="acceptsAnyObject">Whether the first member of the object can have any name.</param>
/// <param name="maxBytes">Maximum length of everything before the 8 NUL bytes.</param>
internal struct HttpPreludeSearch(bool acceptsAnyObject, int maxBytes)
{
    private const int DelimiterBytes = 8;

    // "multiValueHeaders"
    private const int MaxNameBytes = 17;

    private static readonly byte[] Delimiter = new byte[DelimiterBytes];

    private bool _isInObject;
    private bool _isFirstMemberAccepted = acceptsAnyObject;
    private int _firstMember;
    private int _withoutNul;
    private int _end;
    private int _delimiter;
    private JsonValueScanner _object;

    /// <summary>Index of the object's first byte.</summary>
    public int JsonStart { get; private set; }

    /// <summary>Number of the object's bytes.</summary>
    public readonly int JsonBytes => _end - JsonStart;

    /// <summary>Index of the first byte after the prelude.</summary>
    public readonly int BodyStart => _delimiter + DelimiterBytes;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Looks at what was received since the last call.</summary>
    /// <param name="bytes">Everything that was received; at least one byte.</param>
    public HttpPreludeResult Look(ReadOnlySpan<byte> bytes)
    {
        // Not beyond the limit: how many of those bytes were received already depends on how they were split.
        var result = _end > 0 ? HttpPreludeResult.Found : FindObject(bytes[..Math.Min(bytes.Length, maxBytes)]);
        if (result == HttpPreludeResult.NeedsMoreBytes && bytes.Length > maxBytes) return HttpPreludeResult.TooLong;
        return result == HttpPreludeResult.Found ? FindDelimiter(bytes) : result;
    }

    private HttpPreludeResult FindObject(ReadOnlySpan<byte> bytes)
    {
        if (!_isInObject)
        {
            if (bytes.Length < ByteOrderMark.Length && ByteOrderMark.StartsWith(bytes))
                return HttpPreludeResult.NeedsMoreBytes;
            if (JsonStart == 0 && bytes.StartsWith(ByteOrderMark)) JsonStart = ByteOrderMark.Length;
            JsonStart = SkipWhiteSpace(bytes, JsonStart);
            if (JsonStart == bytes.Length) return HttpPreludeResult.NeedsMoreBytes;
            if (bytes[JsonStart] != '{') return HttpPreludeResult.NotFound;
            _isInObject = true;
            _firstMember = JsonStart + 1;
            _withoutNul = JsonStart;
        }

        if (!_isFirstMemberAccepted)
        {
            _firstMember = SkipWhiteSpace(bytes, _firstMember);
            var result = CheckFirstMember(bytes[_firstMember..]);
            if (result != HttpPreludeResult.Found) return result;
            _isFirstMemberAccepted = true;
        }

        var length = _object.FindEnd(bytes[JsonStart..]);
        var end = length < 0 ? bytes.Length : JsonStart + length;

        // JSON does not contain a NUL byte.
        if (bytes[_withoutNul..end].Contains((byte)0)) return HttpPreludeResult.NotFound;
        _withoutNul = end;
        if (length < 0) return HttpPreludeResult.NeedsMoreBytes;
        _end = _delimiter = end;
        return HttpPreludeResult.Found;
    }

    private static HttpPreludeResult CheckFirstMember(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return HttpPreludeResult.NeedsMoreBytes;
        if (bytes[0] == '}') return HttpPreludeResult.Found;
        if (bytes[0] != '"') return HttpPreludeResult.NotFound;

        var name = bytes[1..Math.Min(bytes.Length, 1 + MaxNameBytes + 1)];
        var end = name.IndexOfAny((byte)'"', (byte)'\\');
        if (end < 0) return name.Length <= MaxNameBytes ? HttpPreludeResult.NeedsMoreBytes : HttpPreludeResult.NotFound;

        // A name with escapes can be any name.
        return name[end] == '\\' || IsMemberName(name[..end]) ? HttpPreludeResult.Found : HttpPreludeResult.NotFound;
    }

    // Source: API Gateway, "Lambda proxy integration response streaming": the first four. Source: API Gateway, "Output
    // format of a Lambda function for proxy integration": its example, which functions also use as a prelude, begins
    // with the last one.
    private static bool IsMemberName(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("statusCode"u8)
        || name.SequenceEqual("headers"u8)
        || name.SequenceEqual("multiValueHeaders"u8)
        || name.SequenceEqual("cookies"u8)
        || name.SequenceEqual("isBase64Encoded"u8);

    private HttpPreludeResult FindDelimiter(ReadOnlySpan<byte> bytes)
    {
        _delimiter = SkipWhiteSpace(bytes, _delimiter);
        if (_delimiter > maxBytes) return HttpPreludeResult.TooLong;
        var rest = bytes[_delimiter..];
        if (rest.Length >= DelimiterBytes) rest = rest[..DelimiterBytes];
        if (!Delimiter.AsSpan().StartsWith(rest)) return HttpPreludeResult.NotFound;
        return rest.Length == DelimiterBytes ? HttpPreludeResult.Found : HttpPreludeResult.NeedsMoreBytes;
    }

    private static int SkipWhiteSpace(ReadOnlySpan<byte> bytes, int start)
    {
        var length = bytes[start..].IndexOfAnyExcept(" \t\r\n"u8);
        return length < 0 ? bytes.Length : start + length;
    }
}
