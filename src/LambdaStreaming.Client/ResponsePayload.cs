using System.IO.Pipelines;
using System.Net.ServerSentEvents;
using System.Text.Json.Serialization.Metadata;
using LambdaStreaming.Payload;

namespace LambdaStreaming;

/// <summary>Bytes that a function is still making, and the ways to read them: stream, text, lines, JSON, server-sent events. Once.</summary>
/// <remarks>
/// Where the service cut the bytes changes no result. Every reader ends normally only after a whole <see cref="InvokeComplete"/>; else it throws what the enumeration of events
/// would (<see cref="FunctionErrorException"/>, <see cref="ResponseStreamException"/>), after what came before was delivered. A line, value or character that was cut off by a failure is not.
/// Leaving a loop early closes the connection at once. A token ends the reading and closes the connection too.
/// </remarks>
public abstract class ResponsePayload : IAsyncDisposable, IDisposable
{
    private protected ResponsePayload()
    {
    }

    /// <summary>The payload as a stream: one copy from the connection's buffer into the reader's.</summary>
    /// <returns>A stream that can only be read, and only asynchronously; a read that is cancelled closes the connection. Disposing it disposes this.</returns>
    /// <exception cref="InvalidOperationException">The payload was read before, or is being read.</exception>
    public Stream AsStream() => new PayloadStream(Open(CancellationToken.None), this);

    /// <summary>Writes the payload to a stream as it comes, no faster than the stream takes it. Whatever was written is flushed before any wait for more, so nothing stays behind.</summary>
    /// <param name="destination">Where it goes. Left open.</param>
    /// <param name="cancellationToken">Ends the copying.</param>
    /// <returns>Ends when the answer ended, whole.</returns>
    /// <exception cref="InvalidOperationException">The payload was read before, or is being read.</exception>
    public Task CopyToAsync(Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return PayloadCopy.ToStreamAsync(Open(cancellationToken), destination, cancellationToken);
    }

    /// <summary>Writes the payload to a pipe as it comes, no faster than the pipe's reader takes it. Whatever was written is flushed before any wait for more.</summary>
    /// <param name="destination">Where it goes. Not completed here.</param>
    /// <param name="cancellationToken">Ends the copying.</param>
    /// <returns>Ends when the answer ended, whole, or when the pipe's reader wants no more: the connection is closed then.</returns>
    /// <exception cref="InvalidOperationException">The payload was read before, or is being read.</exception>
    public Task CopyToAsync(PipeWriter destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return PayloadCopy.ToPipeAsync(Open(cancellationToken), destination, cancellationToken);
    }

    /// <summary>Reads the whole payload.</summary>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The bytes.</returns>
    /// <exception cref="PayloadLimitExceededException">It is longer than <see cref="PayloadReadOptions.MaxPayloadBytes"/>.</exception>
    public Task<byte[]> ReadAsByteArrayAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return PayloadCopy.ReadToEndAsync<object?, byte[]>(Open(cancellationToken), options, null, static (_, bytes, _) => bytes.ToArray());
    }

    /// <summary>Reads the whole payload as text.</summary>
    /// <param name="options">
    /// The limit and the encoding. Default: the defaults of <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The text, without a byte order mark.</returns>
    /// <exception cref="PayloadLimitExceededException">It is longer than <see cref="PayloadReadOptions.MaxPayloadBytes"/>.</exception>
    /// <exception cref="PayloadFormatException">It is no text, and <see cref="PayloadReadOptions.ThrowOnInvalidText"/> is set.</exception>
    public Task<string> ReadAsStringAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return PayloadCopy.ReadToEndAsync(Open(cancellationToken), options, PayloadText.GetEncoding(options), static (cursor, bytes, encoding) => PayloadText.Decode(cursor, bytes.Span, encoding, 0, atBeginning: true));
    }

    /// <summary>Reads the whole payload as one JSON value. For values as they come, use <see cref="ReadJsonValuesAsync"/>.</summary>
    /// <param name="jsonTypeInfo">The type, from a source-generated context.</param>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <typeparam name="T">The value's type.</typeparam>
    /// <returns>The value; <see langword="null"/> where the JSON is <c>null</c>.</returns>
    /// <exception cref="PayloadFormatException">It is no JSON of that type. A function error comes first: it is thrown whatever the JSON.</exception>
    /// <exception cref="PayloadLimitExceededException">It is longer than <see cref="PayloadReadOptions.MaxPayloadBytes"/>.</exception>
    public Task<T?> ReadFromJsonAsync<T>(
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        options = Checked(options);
        return PayloadCopy.ReadToEndAsync(Open(cancellationToken), options, jsonTypeInfo, static (cursor, bytes, type) => PayloadJson.Deserialize(cursor, bytes.Span, type));
    }

    /// <summary>Reads text as it comes, e.g. the tokens of a language model. Characters are never split; where one string ends and the next begins means nothing else.</summary>
    /// <param name="options">
    /// The encoding, and what becomes of bytes that are no text. Default: the defaults of
    /// <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Strings, none of them empty.</returns>
    /// <exception cref="PayloadFormatException">Bytes are no text, and <see cref="PayloadReadOptions.ThrowOnInvalidText"/> is set. The text before them was delivered.</exception>
    public IAsyncEnumerable<string> ReadTextAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return new PayloadEnumerable<string>(this, cursor => PayloadText.ReadAsync(cursor, options), cancellationToken);
    }

    /// <summary>Reads lines as they come, without their ends: <c>\n</c> or <c>\r\n</c>. The last line needs none.</summary>
    /// <param name="options">
    /// The limit, the encoding, and what becomes of bytes that are no text. Default: the defaults of
    /// <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The lines, empty ones included.</returns>
    /// <exception cref="PayloadLimitExceededException">A line is longer than <see cref="PayloadReadOptions.MaxLineBytes"/>.</exception>
    /// <exception cref="PayloadFormatException">Bytes are no text, and <see cref="PayloadReadOptions.ThrowOnInvalidText"/> is set. The lines before them were delivered.</exception>
    public IAsyncEnumerable<string> ReadLinesAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return new PayloadEnumerable<string>(this, cursor => PayloadLines.ReadAsync(cursor, options), cancellationToken);
    }

    /// <summary>Reads JSON values as they come, each as soon as its last byte is there: JSON lines, values one after another, or the elements of one array.</summary>
    /// <remarks>A number that no array holds has no last byte of its own: it comes when something follows it. Comments are not supported.</remarks>
    /// <param name="jsonTypeInfo">The type of one value, from a source-generated context.</param>
    /// <param name="options">
    /// The limit, and how the values follow each other. Default: the defaults of <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <typeparam name="T">The type of one value.</typeparam>
    /// <returns>The values; <see langword="null"/> where the JSON is <c>null</c>.</returns>
    /// <exception cref="PayloadFormatException">A value is no JSON of that type; it says which, and at which byte. The values before it were delivered.</exception>
    /// <exception cref="PayloadLimitExceededException">A value is longer than <see cref="PayloadReadOptions.MaxValueBytes"/>.</exception>
    public IAsyncEnumerable<T?> ReadJsonValuesAsync<T>(
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        options = Checked(options);
        return new PayloadEnumerable<T?>(this, cursor => PayloadJson.ReadAsync(cursor, jsonTypeInfo, options), cancellationToken);
    }

    /// <summary>Reads server-sent events as they come.</summary>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The events. One that the answer's end cuts off is left out, as the standard has it.</returns>
    /// <exception cref="PayloadLimitExceededException">An event is longer than <see cref="PayloadReadOptions.MaxEventBytes"/>.</exception>
    public IAsyncEnumerable<SseItem<string>> ReadServerSentEventsAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return new PayloadEnumerable<SseItem<string>>(this, cursor => PayloadServerSentEvents.ReadAsync(cursor, options), cancellationToken);
    }

    /// <summary>Reads server-sent events whose data is JSON, as they arrive.</summary>
    /// <remarks>
    /// Events whose data is empty (keep-alive events, for example) and the end mark <c>[DONE]</c> of language model APIs
    /// are skipped.
    /// </remarks>
    /// <param name="jsonTypeInfo">The type of an event's data, from a source-generated context.</param>
    /// <param name="options">The limit. Default: the defaults of <see cref="PayloadReadOptions"/>.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <typeparam name="T">The type of an event's data.</typeparam>
    /// <returns>The events. One that the answer's end cuts off is left out, as the standard has it.</returns>
    /// <exception cref="PayloadFormatException">An event's data is not JSON of that type. The exception has its index, type and beginning. The events before it were delivered.</exception>
    /// <exception cref="PayloadLimitExceededException">An event is longer than <see cref="PayloadReadOptions.MaxEventBytes"/>.</exception>
    public IAsyncEnumerable<SseItem<T?>> ReadServerSentEventsAsync<T>(
        JsonTypeInfo<T> jsonTypeInfo,
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(jsonTypeInfo);
        options = Checked(options);
        return new PayloadEnumerable<SseItem<T?>>(this, cursor => PayloadServerSentEvents.ReadAsync(cursor, jsonTypeInfo, options), cancellationToken);
    }

    /// <summary>Frees the connection.</summary>
    public abstract void Dispose();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        GC.SuppressFinalize(this);
        return default;
    }

    /// <summary>Begins the one reading.</summary>
    internal PayloadSegmentReader Open(CancellationToken cancellationToken)
    {
        var cursor = OpenOnce();
        cursor.RegisterCancellation(cancellationToken);
        return cursor;
    }

    private protected abstract PayloadSegmentReader OpenOnce();

    private protected static PayloadReadOptions Checked(PayloadReadOptions? options) =>
        (options ?? PayloadReadOptions.Default).ValidatedCopy();
}
