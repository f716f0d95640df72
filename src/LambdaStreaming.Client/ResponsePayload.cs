using System.IO.Pipelines;
using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Payload;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming;

/// <summary>A payload that can be read once: as a stream, text, lines, JSON or server-sent events.</summary>
/// <remarks>
/// <para>The readers return the same text, lines, values and events for any chunk boundaries.</para>
/// <para>
/// A reader ends normally only after an <see cref="InvokeComplete"/> event without an error. Otherwise, it throws <see
/// cref="FunctionErrorException"/> or a <see cref="ResponseStreamException"/>. Two special cases: a dry run has no
/// events, and <see cref="CopyToAsync(PipeWriter, CancellationToken)"/> also returns if the consumer of the pipe has
/// completed its reader. A reader that returns parts delivers all complete characters, lines, values and events before
/// it throws.
/// </para>
/// <para>
/// Leaving a loop early closes the connection at once. Cancellation also closes the connection, and throws
/// <see cref="InvocationCanceledException"/>.
/// </para>
/// </remarks>
public abstract class ResponsePayload : IAsyncDisposable, IDisposable
{
    private protected ResponsePayload()
    {
    }

    /// <summary>Returns the payload as a stream.</summary>
    /// <remarks>
    /// Each byte is copied once, from the receive buffer to the caller's buffer. If the function or the response fails,
    /// or a token is cancelled, reading from the stream throws.
    /// </remarks>
    /// <returns>
    /// A stream that supports asynchronous reading only. Cancelling a read that waits closes the connection. A read
    /// whose token is already cancelled reads nothing. Disposing the stream disposes this object.
    /// </returns>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public Stream AsStream() => new PayloadStream(Open(CancellationToken.None), this);

    /// <summary>Copies the payload to a stream as it arrives, with backpressure.</summary>
    /// <remarks>The destination is flushed before each wait for more data, so that no data is delayed.</remarks>
    /// <param name="destination">The destination. It is not closed.</param>
    /// <param name="cancellationToken">Cancels copying.</param>
    /// <returns>A task that completes when the complete response has been copied.</returns>
    /// <exception cref="InvalidOperationException">The payload has been read, or is being read.</exception>
    /// <exception cref="FunctionErrorException">The function failed, before or during its response.</exception>
    /// <exception cref="ResponseStreamException">The response is incomplete or corrupt.</exception>
    /// <exception cref="InvocationCanceledException">The token of this read or of the call was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">This object was disposed.</exception>
    public Task CopyToAsync(Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return PayloadCopy.ToStreamAsync(Open(cancellationToken), destination, cancellationToken);
    }

    /// <summary>Copies the payload to a pipe as it arrives, with backpressure.</summary>
    /// <remarks>The pipe is flushed before each wait for more data, so that no data is delayed.</remarks>
    /// <param name="destination">The destination. It is not completed.</param>
    /// <param name="cancellationToken">Cancels copying.</param>
    /// <returns>
    /// A task that completes when the response has been copied, or at the next write after the consumer of the pipe has
    /// completed its reader. In the second case, the connection is closed, and a normal return does not prove that the
    /// response was complete. Nothing is written while the function is idle: use the token to end the copy at once.
    /// </returns>
    /// <exception cref="OperationCanceledException"><c>CancelPendingFlush</c> of the pipe was called.</exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public Task CopyToAsync(PipeWriter destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return PayloadCopy.ToPipeAsync(Open(cancellationToken), destination, cancellationToken);
    }

    /// <summary>Reads the complete payload as bytes.</summary>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <returns>The bytes.</returns>
    /// <exception cref="PayloadLimitExceededException">
    /// The payload exceeds <see cref="PayloadReadOptions.MaxPayloadBytes"/>.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public Task<byte[]> ReadAsByteArrayAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = ValidateOptions(options);
        return PayloadCopy.ReadToEndAsync(Open(cancellationToken), options, (_, bytes) => bytes.ToArray());
    }

    /// <summary>Reads the complete payload as text.</summary>
    /// <param name="options">
    /// The limit and the encoding. Default: the defaults of <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <returns>The text, without a byte order mark.</returns>
    /// <exception cref="PayloadLimitExceededException">
    /// The payload exceeds <see cref="PayloadReadOptions.MaxPayloadBytes"/>.
    /// </exception>
    /// <exception cref="PayloadFormatException">
    /// The payload is not valid text, and <see cref="PayloadReadOptions.ThrowOnInvalidText"/> is set.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public Task<string> ReadAsStringAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = ValidateOptions(options);
        var encoding = PayloadText.GetEncoding(options);
        return PayloadCopy.ReadToEndAsync(
            Open(cancellationToken),
            options,
            (reader, bytes) => PayloadText.Decode(reader, bytes.Span, encoding, 0, atBeginning: true));
    }

    /// <summary>Reads the complete payload as one JSON value.</summary>
    /// <remarks>To read values as they arrive, use <see cref="ReadJsonValuesAsync"/>.</remarks>
    /// <param name="jsonTypeInfo">The JSON metadata of the value's type, from a source-generated context.</param>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <typeparam name="T">The type of the value.</typeparam>
    /// <returns>The value, or <see langword="null"/> if the JSON is <c>null</c>.</returns>
    /// <exception cref="PayloadFormatException">
    /// The payload is not a JSON value of that type, although the function succeeded.
    /// </exception>
    /// <exception cref="PayloadLimitExceededException">
    /// The payload exceeds <see cref="PayloadReadOptions.MaxPayloadBytes"/>.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public Task<T?> ReadFromJsonAsync<T>(
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        options = ValidateOptions(options);
        return PayloadCopy.ReadToEndAsync(
            Open(cancellationToken),
            options,
            (reader, bytes) => PayloadJson.Deserialize(reader, bytes.Span, jsonTypeInfo));
    }

    /// <summary>Reads text as it arrives, for example the tokens of a language model.</summary>
    /// <remarks>A character is never split between two strings. Apart from that, text can be split anywhere.</remarks>
    /// <param name="options">
    /// The encoding and the handling of invalid bytes. Default: the defaults of <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <returns>Non-empty strings.</returns>
    /// <exception cref="PayloadFormatException">
    /// Bytes are not valid text, and <see cref="PayloadReadOptions.ThrowOnInvalidText"/> is set. All earlier text has
    /// already been delivered.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public IAsyncEnumerable<string> ReadTextAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = ValidateOptions(options);
        return Enumerate(reader => PayloadText.ReadAsync(reader, options), cancellationToken);
    }

    /// <summary>Reads lines as they arrive.</summary>
    /// <remarks>A line ends with <c>\n</c>, <c>\r\n</c> or the end of the payload.</remarks>
    /// <param name="options">
    /// The limit, the encoding and the handling of invalid bytes. Default: the defaults of
    /// <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <returns>The lines without their line breaks, including empty lines.</returns>
    /// <exception cref="PayloadLimitExceededException">
    /// A line exceeds <see cref="PayloadReadOptions.MaxLineBytes"/>. All earlier lines have already been delivered.
    /// </exception>
    /// <exception cref="PayloadFormatException">
    /// Bytes are not valid text, and <see cref="PayloadReadOptions.ThrowOnInvalidText"/> is set. All earlier lines have
    /// already been delivered.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public IAsyncEnumerable<string> ReadLinesAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = ValidateOptions(options);
        return Enumerate(reader => PayloadLines.ReadAsync(reader, options), cancellationToken);
    }

    /// <summary>Reads JSON values, each when its last byte has arrived.</summary>
    /// <remarks>
    /// The payload can be JSON Lines, values one after another, or the elements of one array. A number is returned when
    /// the next byte arrives or at the end of the payload, because only that shows where the number ends. Comments are
    /// not supported.
    /// </remarks>
    /// <param name="jsonTypeInfo">The JSON metadata of a value's type, from a source-generated context.</param>
    /// <param name="options">
    /// The limit and the separation of the values. Default: the defaults of <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <typeparam name="T">The type of a value.</typeparam>
    /// <returns>The values. A value is <see langword="null"/> if the JSON is <c>null</c>.</returns>
    /// <exception cref="PayloadFormatException">
    /// A value is not JSON of that type. The exception contains the value's index and byte offset. All earlier values
    /// have already been delivered.
    /// </exception>
    /// <exception cref="PayloadLimitExceededException">
    /// A value exceeds <see cref="PayloadReadOptions.MaxValueBytes"/>. All earlier values have already been delivered.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public IAsyncEnumerable<T?> ReadJsonValuesAsync<T>(
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        options = ValidateOptions(options);
        return Enumerate<T?>(reader => new JsonValueReader<T>(reader, jsonTypeInfo, options), cancellationToken);
    }

    /// <summary>Reads server-sent events as they arrive.</summary>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <returns>
    /// The events. An event that is incomplete at the end of the payload is omitted, as the standard requires.
    /// </returns>
    /// <exception cref="PayloadLimitExceededException">
    /// An event or a comment exceeds <see cref="PayloadReadOptions.MaxEventBytes"/>. All earlier events were delivered.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public IAsyncEnumerable<SseItem<string>> ReadServerSentEventsAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = ValidateOptions(options);
        return Enumerate(reader => PayloadServerSentEvents.ReadAsync(reader, options), cancellationToken);
    }

    /// <summary>Reads server-sent events with JSON data as they arrive.</summary>
    /// <remarks>
    /// Events with empty data (keep-alive events, for example) and the end mark <c>[DONE]</c> of language model APIs
    /// are skipped.
    /// </remarks>
    /// <param name="jsonTypeInfo">The JSON metadata of the data's type, from a source-generated context.</param>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    /// <typeparam name="T">The type of an event's data.</typeparam>
    /// <returns>
    /// The events. An event that is incomplete at the end of the payload is omitted, as the standard requires.
    /// </returns>
    /// <exception cref="PayloadFormatException">
    /// The data of an event is not JSON of that type. The exception contains the event's index and type, and the
    /// beginning of its data. All earlier events have already been delivered.
    /// </exception>
    /// <exception cref="PayloadLimitExceededException">
    /// An event or a comment exceeds <see cref="PayloadReadOptions.MaxEventBytes"/>. All earlier events were delivered.
    /// </exception>
    /// <inheritdoc cref="CopyToAsync(Stream, CancellationToken)" path="/exception"/>
    public IAsyncEnumerable<SseItem<T?>> ReadServerSentEventsAsync<T>(
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        options = ValidateOptions(options);
        return Enumerate<SseItem<T?>>(
            reader => PayloadServerSentEvents.ReadAsync(reader, jsonTypeInfo, options),
            cancellationToken);
    }

    /// <summary>Frees the connection. If the payload was not read to its end, the connection is closed.</summary>
    public abstract void Dispose();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        GC.SuppressFinalize(this);
        return default;
    }

    /// <summary>Starts the only read of the payload.</summary>
    internal PayloadSegmentReader Open(CancellationToken cancellationToken)
    {
        var reader = OpenOnce();
        reader.RegisterCancellation(cancellationToken);
        return reader;
    }

    private protected abstract PayloadSegmentReader OpenOnce();

    private protected static PayloadReadOptions ValidateOptions(PayloadReadOptions? options) =>
        (options ?? PayloadReadOptions.Default).ValidatedCopy();

    private DeferredEnumerable<T> Enumerate<T>(
        Func<PayloadSegmentReader, IAsyncEnumerator<T>> read, CancellationToken cancellationToken) =>
        new(enumeratorToken =>
        {
            var segments = Open(cancellationToken);
            segments.RegisterCancellation(enumeratorToken);
            return new GuardedEnumerator<T>(read(segments), segments.Source);
        });
}
