namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Tracks whether a stream of server-sent events is between two events.</summary>
/// <remarks>
/// Lines end with LF, CR or CRLF, and an empty line ends an event. Bytes can be split at any position.
/// Source: WHATWG HTML, "Parsing an event stream".
/// </remarks>
internal struct EventBoundary
{
    private const byte Lf = (byte)'\n';
    private const byte Cr = (byte)'\r';

    private bool _isInLine;
    private byte _lineStart;
    private bool _isInEvent;
    private bool _isAfterCr;
    private bool _isCrLineEnd;

    /// <summary>Whether a comment or an event can be inserted here.</summary>
    /// <remarks>
    /// After a CR, the LF of a CRLF can follow. The boundary is uncertain unless an earlier CR ended a line alone.
    /// </remarks>
    public readonly bool IsBetweenEvents => !_isInLine && !_isInEvent && (!_isAfterCr || _isCrLineEnd);

    /// <summary>Whether an LF is needed to end a line, or to complete a CRLF.</summary>
    public readonly bool NeedsLineEnd => _isInLine || _isAfterCr;

    /// <summary>Whether fields of an event have been received, but not the empty line that ends it.</summary>
    public readonly bool IsInEvent => _isInEvent || (_isInLine && !IsComment);

    /// <summary>Whether the incomplete line could be the field <c>id</c> or <c>retry</c>.</summary>
    public readonly bool IsInIdOrRetry => _isInLine && (_lineStart is (byte)'i' or (byte)'r');

    /// <summary>Whether a complete line of the incomplete event could be its <c>id</c>.</summary>
    public bool HasId { readonly get; private set; }

    private readonly bool IsComment => _lineStart == ':';

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_isAfterCr)
            {
                _isAfterCr = false;
                _isCrLineEnd = bytes[0] != Lf;
                if (!_isCrLineEnd)
                {
                    bytes = bytes[1..];
                    continue;
                }
            }

            var length = bytes.IndexOfAny(Cr, Lf);
            if (length != 0) BeginOrContinueLine(bytes[0]);
            if (length < 0) return;
            EndLine();
            _isAfterCr = bytes[length] == Cr;
            bytes = bytes[(length + 1)..];
        }
    }

    private void BeginOrContinueLine(byte first)
    {
        if (_isInLine) return;
        _isInLine = true;
        _lineStart = first;
    }

    private void EndLine()
    {
        // A comment changes nothing, and an empty line ends the event.
        _isInEvent = _isInLine && (_isInEvent || !IsComment);
        HasId = _isInLine && (HasId || _lineStart == (byte)'i');
        _isInLine = false;
    }
}
