using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming;

/// <summary>Specifies the kind of a <see cref="ResponseStreamEvent"/>.</summary>
public enum ResponseStreamEventKind
{
    /// <summary>Not an event: the value of <c>default(ResponseStreamEvent)</c>.</summary>
    None,

    /// <summary>A part of the payload.</summary>
    PayloadChunk,

    /// <summary>The end of the response.</summary>
    InvokeComplete,
}

/// <summary>An event of a response: a chunk of the payload, or the end of the response.</summary>
[StructLayout(LayoutKind.Auto)]
[SuppressMessage("Performance", "CA1815", Justification = "A position in an enumeration, which is not comparable.")]
public readonly struct ResponseStreamEvent
{
    // 16 bytes. For a chunk: the reader and its generation, a number that each read increments. The chunk is valid
    // while the reader has this generation. For the end: the InvokeComplete.
    // Source: docs/internals/design-decisions.md.
    private readonly object? _source;
    private readonly int _generation;

    internal ResponseStreamEvent(ResponseStreamReader reader, int generation)
    {
        _source = reader;
        _generation = generation;
    }

    internal ResponseStreamEvent(InvokeComplete invokeComplete) => _source = invokeComplete;

    /// <summary>The kind of this event.</summary>
    public ResponseStreamEventKind Kind => _source switch
    {
        null => ResponseStreamEventKind.None,
        ResponseStreamReader => ResponseStreamEventKind.PayloadChunk,
        _ => ResponseStreamEventKind.InvokeComplete,
    };

    /// <summary>The chunk.</summary>
    /// <value><see langword="null"/> if this event is not a chunk.</value>
    public PayloadChunk? PayloadChunk => TryGetPayloadChunk(out var chunk) ? chunk : null;

    /// <summary>The end of the response.</summary>
    /// <value><see langword="null"/> if this event is not the end of the response.</value>
    public InvokeComplete? InvokeComplete => _source as InvokeComplete;

    /// <summary>Gets the chunk, if this event is a chunk.</summary>
    /// <param name="chunk">The chunk, or <c>default</c>.</param>
    /// <returns><see langword="true"/> if this event is a chunk.</returns>
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

/// <summary>A chunk of the payload: the bytes of one <c>PayloadChunk</c> event.</summary>
/// <remarks>
/// <para>
/// A chunk is valid until the next iteration or the end of the enumeration. After that, its members throw
/// <see cref="InvalidOperationException"/>. Do not keep a sequence or span from <see cref="Payload"/>: its memory is
/// reused, and access to it after that time cannot be detected. It can then contain a later chunk or any other data.
/// </para>
/// <para>
/// The boundaries between chunks have no meaning: the service can split and merge chunks.
/// </para>
/// </remarks>
[StructLayout(LayoutKind.Auto)]
[SuppressMessage("Performance", "CA1815", Justification = "A position in an enumeration, which is not comparable.")]
public readonly struct PayloadChunk
{
    private readonly ResponseStreamReader? _reader;
    private readonly int _generation;

    internal PayloadChunk(ResponseStreamReader reader, int generation)
    {
        _reader = reader;
        _generation = generation;
    }

    /// <summary>The bytes of this chunk, in one or more segments.</summary>
    /// <remarks>
    /// Valid until the next iteration or the end of the enumeration. Use <see cref="ToArray"/> for a copy.
    /// </remarks>
    /// <exception cref="InvalidOperationException">This chunk is no longer valid.</exception>
    public ReadOnlySequence<byte> Payload => Reader.GetPayload(_generation);

    /// <summary>Number of bytes in this chunk, which can be 0.</summary>
    /// <exception cref="InvalidOperationException">This chunk is no longer valid.</exception>
    public long Length => Reader.GetPayloadLength(_generation);

    private ResponseStreamReader Reader => _reader ?? throw CreateDefaultException();

    /// <summary>Copies the bytes to a new array, which stays valid.</summary>
    /// <returns>The copy.</returns>
    /// <exception cref="InvalidOperationException">This chunk is no longer valid.</exception>
    public byte[] ToArray() => Payload.ToArray();

    /// <summary>Copies the bytes to a span.</summary>
    /// <param name="destination">The destination, of at least <see cref="Length"/> bytes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> is too short.</exception>
    /// <exception cref="InvalidOperationException">This chunk is no longer valid.</exception>
    public void CopyTo(Span<byte> destination)
    {
        var payload = Payload;
        if (destination.Length < payload.Length)
            throw CreateTooShortException(destination.Length, payload.Length, nameof(destination));
        payload.CopyTo(destination);
    }

    /// <summary>Copies the bytes to a buffer writer.</summary>
    /// <param name="writer">The destination.</param>
    /// <exception cref="InvalidOperationException">This chunk is no longer valid.</exception>
    public void CopyTo(IBufferWriter<byte> writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach (var segment in Payload) writer.Write(segment.Span);
    }

    private static InvalidOperationException CreateDefaultException() =>
        new("This chunk is default(PayloadChunk), which does not have a payload.");

    private static ArgumentException CreateTooShortException(int length, long chunkLength, string parameter) => new(
        $"The destination is too short. It has {length} bytes, and the chunk has {chunkLength} bytes.",
        parameter);
}

/// <summary>The last event of a response, which reports how the function ended.</summary>
public sealed class InvokeComplete
{
    /// <summary>The kind of the error.</summary>
    /// <value>
    /// <see langword="null"/> if the function succeeded. At most 256 characters; a longer code is truncated and ends
    /// with "…".
    /// </value>
    /// <remarks>
    /// Any value is possible: <c>Unhandled</c>, an error type of the function, or a name of Lambda such as
    /// <c>Runtime.ExitError</c>. <see cref="FunctionErrorCodes"/> lists the known values.
    /// </remarks>
    public string? ErrorCode { get; init; }

    /// <summary>The description of the error from the function or from Lambda, unchanged: plain text or JSON.</summary>
    /// <value>At most 262,144 characters. Longer details are truncated and end with "…".</value>
    public string? ErrorDetails { get; init; }

    /// <summary>Whether the function failed: the event contains an error code or error details.</summary>
    /// <remarks>
    /// AWS does not document events with details but without a code. They count as failures, so that a failure never
    /// looks like success.
    /// </remarks>
    public bool IsFunctionError => !string.IsNullOrEmpty(ErrorCode) || !string.IsNullOrEmpty(ErrorDetails);

    /// <summary>The last 4 KB of the function's log, encoded as base64.</summary>
    /// <value>
    /// <see langword="null"/> unless <see cref="InvokeWithResponseStreamRequest.LogType"/> of the request was
    /// <see cref="LogType.Tail"/>.
    /// </value>
    public string? LogResult { get; init; }

    /// <summary>Decodes <see cref="LogResult"/> to text.</summary>
    /// <returns>
    /// The end of the log, or <see langword="null"/> if <see cref="LogResult"/> is <see langword="null"/>.
    /// </returns>
    /// <remarks>
    /// Invalid UTF-8 is replaced with U+FFFD. The text begins with U+FFFD if the service's limit of 4 KB splits a
    /// character.
    /// </remarks>
    /// <exception cref="FormatException"><see cref="LogResult"/> is not valid base64.</exception>
    public string? DecodeLogResult() =>
        LogResult is null ? null : Encoding.UTF8.GetString(Convert.FromBase64String(LogResult));
}
