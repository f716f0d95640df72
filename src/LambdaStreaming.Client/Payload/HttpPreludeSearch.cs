namespace LambdaStreaming.Payload;

/// <summary>The result of examining the first bytes of a payload.</summary>
internal enum HttpPreludeResult
{
    NeedsMoreBytes,
    Found,
    NotFound,
    TooLong,
}

/// <summary>Finds the HTTP prelude at the beginning of a payload.</summary>
/// <remarks>
/// <code>
/// byte order mark? | white space | JSON object | white space | 8 NUL bytes
/// </code>
/// The result depends on the bytes and never on how they were split. "Not found" is returned as early as possible, but
/// only if the received bytes cannot be the beginning of an HTTP prelude. New bytes do not restart the search.
/// </remarks>
/// <param name="acceptsAnyObject">Whether the first member of the object can have any name.</param>
/// <param name="maxBytes">Maximum number of bytes before the 8 NUL bytes.</param>
internal struct HttpPreludeSearch(bool acceptsAnyObject, int maxBytes)
{
    private const int DelimiterBytes = 8;

    // The length of the longest accepted name, "multiValueHeaders".
    private const int MaxNameBytes = 17;

    private static readonly byte[] Delimiter = new byte[DelimiterBytes];

    private bool _isInObject;
    private bool _isFirstMemberAccepted = acceptsAnyObject;
    private int _firstMember;
    private int _checkedForNul;
    private int _end;
    private int _delimiter;
    private JsonValueScanner _object;

    /// <summary>Index of the first byte of the object.</summary>
    public int JsonStart { get; private set; }

    /// <summary>Length of the object in bytes.</summary>
    public readonly int JsonBytes => _end - JsonStart;

    /// <summary>Index of the first byte after the HTTP prelude.</summary>
    public readonly int BodyStart => _delimiter + DelimiterBytes;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Examines the bytes that were received since the last call.</summary>
    /// <param name="bytes">All bytes that were received; at least one byte.</param>
    public HttpPreludeResult Examine(ReadOnlySpan<byte> bytes)
    {
        // Search only up to the limit. Otherwise the result would depend on how many later bytes happen to have
        // arrived.
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
            _checkedForNul = JsonStart;
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
        if (bytes[_checkedForNul..end].Contains((byte)0)) return HttpPreludeResult.NotFound;
        _checkedForNul = end;
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

        // Escape sequences are not decoded here, so a name that contains one is accepted.
        return name[end] == '\\' || IsMemberName(name[..end]) ? HttpPreludeResult.Found : HttpPreludeResult.NotFound;
    }

    // Source: API Gateway, "Lambda proxy integration response streaming" (the first four names).
    // Source: API Gateway, "Output format of a Lambda function for proxy integration" (the last name). Functions also
    // use that format as a prelude.
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
        var candidate = bytes[_delimiter..];
        if (candidate.Length >= DelimiterBytes) candidate = candidate[..DelimiterBytes];
        if (!Delimiter.AsSpan().StartsWith(candidate)) return HttpPreludeResult.NotFound;
        return candidate.Length == DelimiterBytes ? HttpPreludeResult.Found : HttpPreludeResult.NeedsMoreBytes;
    }

    private static int SkipWhiteSpace(ReadOnlySpan<byte> bytes, int start)
    {
        var length = bytes[start..].IndexOfAnyExcept(" \t\r\n"u8);
        return length < 0 ? bytes.Length : start + length;
    }
}
