using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming;

/// <summary>Which event of the stream a <see cref="ResponseStreamEvent"/> is.</summary>
public enum ResponseStreamEventKind
{
    /// <summary>No event: the value of <c>default(ResponseStreamEvent)</c>.</summary>
    None,

    /// <summary>Some bytes of the answer.</summary>
    PayloadChunk,

    /// <summary>The end of the answer.</summary>
    InvokeComplete,
}

/// <summary>One event of the answer: a chunk of its payload, or its end.</summary>
[StructLayout(LayoutKind.Auto)]
[SuppressMessage("Performance", "CA1815", Justification = "A position in an enumeration; there is nothing to compare.")]
public readonly struct ResponseStreamEvent
{
    // 16 bytes: the reader and its generation for a chunk, the InvokeComplete itself for the end. Source: docs/internals/design-decisions.md.
    private readonly object? _source;
    private readonly int _generation;

    internal ResponseStreamEvent(ResponseStreamReader reader, int generation) => (_source, _generation) = (reader, generation);

    internal ResponseStreamEvent(InvokeComplete invokeComplete) => _source = invokeComplete;

    /// <summary>Which event this is.</summary>
    public ResponseStreamEventKind Kind => _source switch
    {
        null => ResponseStreamEventKind.None,
        ResponseStreamReader => ResponseStreamEventKind.PayloadChunk,
        _ => ResponseStreamEventKind.InvokeComplete,
    };

    /// <summary>The chunk, or <see langword="null"/> where this event is none.</summary>
    public PayloadChunk? PayloadChunk => TryGetPayloadChunk(out var chunk) ? chunk : null;

    /// <summary>The end of the answer, or <see langword="null"/> where this event is none.</summary>
    public InvokeComplete? InvokeComplete => _source as InvokeComplete;

    /// <summary>Gets the chunk where this event is one.</summary>
    /// <param name="chunk">The chunk.</param>
    /// <returns><see langword="true"/> where this event is a chunk.</returns>
    public bool TryGetPayloadChunk(out PayloadChunk chunk)
    {
        if (_source is ResponseStreamReader reader)
        {
            chunk = new PayloadChunk(reader, _generation);
            return true;
        }

        chunk = default;
        return false;
    }
}

/// <summary>Some bytes of the answer, as they came. Where one chunk ends and the next begins means nothing: the service may split and merge them.</summary>
/// <remarks>Borrowed: valid until the enumeration moves on or ends. Members then throw <see cref="InvalidOperationException"/>. A sequence or span taken out of a chunk cannot be guarded like that: do not keep it.</remarks>
[StructLayout(LayoutKind.Auto)]
[SuppressMessage("Performance", "CA1815", Justification = "A position in an enumeration; there is nothing to compare.")]
public readonly struct PayloadChunk
{
    private readonly ResponseStreamReader? _reader;
    private readonly int _generation;

    internal PayloadChunk(ResponseStreamReader reader, int generation) => (_reader, _generation) = (reader, generation);

    /// <summary>The bytes of this chunk, in one or more segments.</summary>
    /// <remarks>Borrowed: valid until the enumeration moves on or ends; afterwards this property throws. Copy with <see cref="ToArray"/>.</remarks>
    /// <exception cref="InvalidOperationException">The enumeration has moved past this chunk.</exception>
    public ReadOnlySequence<byte> Payload => Reader.GetPayload(_generation);

    /// <summary>How many bytes this chunk has. May be 0.</summary>
    /// <exception cref="InvalidOperationException">The enumeration has moved past this chunk.</exception>
    public long Length => Reader.GetPayloadLength(_generation);

    private ResponseStreamReader Reader => _reader ?? throw new InvalidOperationException("This chunk is default(PayloadChunk): it never came from a response.");

    /// <summary>Copies the bytes into a new array, which is the caller's to keep.</summary>
    /// <returns>The copy.</returns>
    /// <exception cref="InvalidOperationException">The enumeration has moved past this chunk.</exception>
    public byte[] ToArray() => Payload.ToArray();

    /// <summary>Copies the bytes into <paramref name="destination"/>.</summary>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="InvalidOperationException">The enumeration has moved past this chunk.</exception>
    public void CopyTo(Span<byte> destination)
    {
        var payload = Payload;
        if (destination.Length < payload.Length) throw new ArgumentException($"The chunk has {payload.Length} bytes, the destination only {destination.Length}.", nameof(destination));
        payload.CopyTo(destination);
    }

    /// <summary>Copies the bytes into <paramref name="writer"/>.</summary>
    /// <param name="writer">Where the bytes go.</param>
    /// <exception cref="InvalidOperationException">The enumeration has moved past this chunk.</exception>
    public void CopyTo(IBufferWriter<byte> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach (var segment in Payload) writer.Write(segment.Span);
    }
}

/// <summary>The last event of an answer: how the function ended.</summary>
public sealed class InvokeComplete
{
    /// <summary>What kind of error ended the function; <see langword="null"/> where it ended well. An open set: <c>Unhandled</c>, the function's own error type, <c>Runtime.*</c>, <c>Function.*</c>, <c>Sandbox.*</c>.</summary>
    /// <value>At most 256 characters; a longer code is truncated and ends with "…".</value>
    public string? ErrorCode { get; init; }

    /// <summary>What the function or the platform said of the error, exactly as it came: plain text or a JSON document.</summary>
    /// <value>At most 262,144 characters; longer details are truncated and end with "…".</value>
    public string? ErrorDetails { get; init; }

    /// <summary>Whether the function failed: an error's code came, or its details without one.</summary>
    /// <remarks>No source says that details come without a code, and none that they can't: what may be a failure must not look like success.</remarks>
    public bool IsFunctionError => !string.IsNullOrEmpty(ErrorCode) || !string.IsNullOrEmpty(ErrorDetails);

    /// <summary>The last 4 KB of the function's log in base64, when the request asked for <see cref="LogType.Tail"/>.</summary>
    public string? LogResult { get; init; }

    /// <summary>Decodes <see cref="LogResult"/> to text.</summary>
    /// <returns>The log's tail, or <see langword="null"/> where none came. Bytes that are no UTF-8 (the service cuts the log at 4 KB, wherever that is) become the replacement character.</returns>
    /// <exception cref="FormatException"><see cref="LogResult"/> is no base64.</exception>
    public string? DecodeLogResult() => LogResult is null ? null : Encoding.UTF8.GetString(Convert.FromBase64String(LogResult));
}
