using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Invocation;
using LambdaStreaming.Payload;
using LambdaStreaming.ResponseStream;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming;

/// <summary>A streaming response.</summary>
/// <remarks>
/// <para>
/// The response headers have been received; the events can be enumerated once, as the function produces them.
/// Enumeration ends normally only after an <see cref="InvokeComplete"/> event without an error (a dry run has no
/// events). If that event reports an error, enumeration throws <see cref="FunctionErrorException"/>. If
/// <see cref="LambdaStreamingClientOptions.ThrowOnFunctionError"/> is false, enumerating the events returns that event
/// and ends normally instead. If the response is incomplete or corrupt, enumeration throws a
/// <see cref="ResponseStreamException"/>, which reports how much was received.
/// </para>
/// <para>
/// Dispose the response: disposal closes the connection at once if the response was not read to its end.
/// </para>
/// <para>
/// Disposal of the response or its enumerator, and cancellation, are safe from any thread. Only one consumer can read:
/// <c>MoveNextAsync</c> and access to a chunk must not overlap.
/// </para>
/// </remarks>
public sealed class InvokeWithResponseStreamResponse : ResponsePayload, IAsyncEnumerable<ResponseStreamEvent>
{
    private readonly ResponseHeaders _headers;
    private readonly ResponseStreamBody? _body;
    private readonly ResponseStreamReader _reader;
    private readonly ResponseStreamReaderOptions _readerOptions;
    private int _isEnumerated;
    private volatile bool _isDisposed;

    internal InvokeWithResponseStreamResponse(
        ResponseHeaders headers,
        string requestId,
        ResponseStreamBody? body,
        ResponseStreamReader reader,
        ResponseStreamReaderOptions readerOptions)
    {
        _headers = headers;
        _body = body;
        _reader = reader;
        _readerOptions = readerOptions;
        RequestId = requestId;
    }

    /// <summary>The HTTP status: 200, or 204 for a dry run.</summary>
    public HttpStatusCode StatusCode => _headers.StatusCode;

    /// <summary>The request id of this invocation, which the function's log contains, too.</summary>
    /// <value>Empty if the response does not contain a request id.</value>
    public string RequestId { get; }

    /// <summary>The function version that ran, from <c>X-Amz-Executed-Version</c>.</summary>
    /// <value><see langword="null"/> if the response does not have this header.</value>
    public string? ExecutedVersion => _headers["X-Amz-Executed-Version"];

    /// <summary>The content type in the response headers.</summary>
    /// <value><see langword="null"/> if the response does not have this header.</value>
    /// <remarks>It has not been verified which value the live service sends for each kind of function.</remarks>
    public string? ResponseStreamContentType => _headers["Content-Type"];

    /// <summary>All response headers, with case-insensitive names.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Headers => field ??= _headers.ToDictionary();

    /// <summary>The last event of the response, even if it reported an error.</summary>
    /// <value><see langword="null"/> until the event has been read.</value>
    public InvokeComplete? InvokeComplete => _reader.InvokeComplete;

    /// <summary>Creates a fake response with binary chunks, for unit tests.</summary>
    /// <remarks>Unlike a response from the service, it has no idle timeout and no telemetry.</remarks>
    /// <param name="chunks">
    /// The chunks. A chunk is requested only when the consumer waits for it, so a test controls when a chunk arrives.
    /// </param>
    /// <param name="complete">The last event. Default: an event without an error.</param>
    /// <param name="failure">
    /// The exception to throw after the chunks instead of <paramref name="complete"/>, for example a
    /// <see cref="ResponseStreamTruncatedException"/>. It is thrown unchanged.
    /// </param>
    /// <param name="metadata">Status and headers. Default: status 200 without headers.</param>
    /// <returns>The response, which can be enumerated once.</returns>
    /// <exception cref="ArgumentException">
    /// Both <paramref name="complete"/> and <paramref name="failure"/> are set.
    /// </exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The response disposes the stream.")]
    public static InvokeWithResponseStreamResponse Create(
        IAsyncEnumerable<ReadOnlyMemory<byte>> chunks,
        InvokeComplete? complete = null,
        Exception? failure = null,
        ResponseStreamMetadata? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        if (complete is not null && failure is not null) throw CreateTwoEndsException(nameof(failure));
        var stream = new ScriptedStream(chunks, complete ?? new InvokeComplete(), failure);
        return FromStream(stream, Array.MaxLength, metadata);
    }

    /// <summary>Creates a fake response with chunks of text, for unit tests.</summary>
    /// <param name="chunks">The chunks, which are encoded as UTF-8.</param>
    /// <param name="complete">The last event. Default: an event without an error.</param>
    /// <param name="failure">
    /// The exception to throw after the chunks instead of <paramref name="complete"/>. It is thrown unchanged.
    /// </param>
    /// <param name="metadata">Status and headers. Default: status 200 without headers.</param>
    /// <returns>The response, which can be enumerated once.</returns>
    /// <exception cref="ArgumentException">
    /// Both <paramref name="complete"/> and <paramref name="failure"/> are set.
    /// </exception>
    public static InvokeWithResponseStreamResponse Create(
        IEnumerable<string> chunks,
        InvokeComplete? complete = null,
        Exception? failure = null,
        ResponseStreamMetadata? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        return Create(EncodeAsync(chunks), complete, failure, metadata);
    }

    /// <summary>Creates a response from the bytes of an event stream, for example a recorded one.</summary>
    /// <remarks>A message of more than 24 MiB is corrupt, as with the default options of a client.</remarks>
    /// <param name="stream">The event stream. Disposed together with the response, and at once for status 204.</param>
    /// <param name="metadata">Status and headers. Default: status 200 without headers.</param>
    /// <returns>The response, which can be enumerated once.</returns>
    public static InvokeWithResponseStreamResponse Create(Stream stream, ResponseStreamMetadata? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return FromStream(stream, LambdaStreamingClientOptions.DefaultMaxMessageBytes, metadata);
    }

    /// <summary>Enumerates the events once: chunks, then <see cref="InvokeComplete"/>.</summary>
    /// <param name="cancellationToken">Cancels the enumeration, in addition to the token of the call.</param>
    /// <returns>
    /// The enumerator. Dispose it, as <c>await foreach</c> does: this closes the connection of an unfinished response.
    /// </returns>
    /// <exception cref="InvalidOperationException">The response has been or is being enumerated.</exception>
    /// <exception cref="ObjectDisposedException">The response was disposed.</exception>
    /// <exception cref="FunctionErrorException">The function failed and <c>ThrowOnFunctionError</c> is set.</exception>
    /// <exception cref="ResponseStreamException">The response is incomplete or corrupt.</exception>
    /// <exception cref="InvocationCanceledException">A token was cancelled.</exception>
    public IAsyncEnumerator<ResponseStreamEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        new ResponseStreamEventEnumerator(BeginEnumeration(cancellationToken), _readerOptions.ThrowOnFunctionError);

    /// <summary>Enumerates the chunks once.</summary>
    /// <param name="cancellationToken">Cancels the enumeration, in addition to the token of the call.</param>
    /// <returns>The chunks. Each is valid until the next iteration.</returns>
    /// <exception cref="InvalidOperationException">The response has been or is being enumerated.</exception>
    /// <exception cref="FunctionErrorException">
    /// The function failed. All earlier chunks have already been delivered.
    /// </exception>
    /// <exception cref="ResponseStreamException">
    /// The response is incomplete or corrupt. All earlier chunks have already been delivered.
    /// </exception>
    /// <exception cref="InvocationCanceledException">
    /// <paramref name="cancellationToken"/> or the token of the call was cancelled.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The response was disposed.</exception>
    public IAsyncEnumerable<PayloadChunk> ReadChunksAsync(CancellationToken cancellationToken = default) =>
        new DeferredEnumerable<PayloadChunk>(enumeratorToken =>
            new PayloadChunkEnumerator(BeginEnumeration(cancellationToken, enumeratorToken)));

    /// <summary>Enumerates copies of the chunks once.</summary>
    /// <remarks>The copies stay valid: use them for lists, channels and other threads.</remarks>
    /// <param name="cancellationToken">Cancels the enumeration, in addition to the token of the call.</param>
    /// <returns>The copies.</returns>
    /// <inheritdoc cref="ReadChunksAsync" path="/exception"/>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadOwnedChunksAsync(CancellationToken cancellationToken = default) =>
        new DeferredEnumerable<ReadOnlyMemory<byte>>(enumeratorToken =>
            OwnedChunks.Enumerate(BeginEnumeration(cancellationToken, enumeratorToken)));

    /// <summary>Reads status, headers and cookies of a response that uses Lambda's HTTP integration.</summary>
    /// <remarks>
    /// Use it for functions that respond through <c>HttpResponseStream</c> or a web adapter. They send status, headers
    /// and cookies as JSON before the body: the HTTP prelude.
    /// </remarks>
    /// <param name="options">
    /// The maximum size of the HTTP prelude, and how it is detected. Default: the defaults of
    /// <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Cancels reading, including reading of the body.</param>
    /// <returns>
    /// Status, headers and cookies, and the body, which has not been read. Without an HTTP prelude, the complete
    /// response is the body.
    /// </returns>
    /// <exception cref="ArgumentException">An option is not valid. The message names it.</exception>
    /// <exception cref="InvalidOperationException">The response has been or is being enumerated.</exception>
    /// <exception cref="PayloadFormatException">
    /// The HTTP prelude is not valid, for example because its status code is not an integer from 100 to 999.
    /// </exception>
    /// <exception cref="PayloadLimitExceededException">
    /// The HTTP prelude exceeds <see cref="PayloadReadOptions.MaxPreludeBytes"/>, and
    /// <see cref="HttpPreludeDetection.Always"/> is set.
    /// </exception>
    /// <exception cref="FunctionErrorException">The function failed before the end of the HTTP prelude.</exception>
    /// <exception cref="ResponseStreamException">
    /// The response is corrupt, or it ended before the end of the HTTP prelude.
    /// </exception>
    /// <exception cref="InvocationCanceledException">
    /// <paramref name="cancellationToken"/> or the token of the call was cancelled.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The response was disposed.</exception>
    public Task<HttpIntegrationResponse> ReadHttpIntegrationResponseAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = ValidateOptions(options);
        return HttpIntegrationPrelude.ReadAsync(this, Open(cancellationToken), options);
    }

    /// <summary>Frees the connection.</summary>
    /// <remarks>
    /// If the response was read to its end, the connection returns to the pool. Otherwise, it is closed at once, and
    /// the current or next <c>MoveNextAsync</c> throws <see cref="ObjectDisposedException"/>. The current chunk stays
    /// valid until the next <c>MoveNextAsync</c>. This method can be called from any thread.
    /// </remarks>
    public override void Dispose()
    {
        _isDisposed = true;
        _body?.Abort(AbortReason.Disposed);
    }

    internal void SetTelemetry(CallTelemetry telemetry)
    {
        telemetry.SetResponse((int)StatusCode, RequestId, _reader);
        _reader.Telemetry = telemetry;
        if (_body is not null) _body.SetTelemetry(telemetry);
        else telemetry.Complete();
    }

    internal void Abort(CancellationToken cancelledToken) => _body?.Abort(AbortReason.Cancelled, cancelledToken);

    internal void RegisterCancellation(CancellationToken cancellationToken) =>
        _body?.RegisterCancellation(cancellationToken);

    /// <summary>Starts the only enumeration.</summary>
    internal ResponseStreamReader BeginEnumeration(
        CancellationToken cancellationToken,
        CancellationToken enumeratorToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Interlocked.Exchange(ref _isEnumerated, 1) != 0) throw CreateAlreadyEnumeratedException();
        _body?.RegisterCancellation(cancellationToken);
        _body?.RegisterCancellation(enumeratorToken);
        return _reader;
    }

    private protected override PayloadSegmentReader OpenOnce() => new(this, BeginEnumeration(CancellationToken.None));

    private static InvokeWithResponseStreamResponse FromStream(
        Stream stream,
        int maxMessageBytes,
        ResponseStreamMetadata? metadata)
    {
        metadata ??= new ResponseStreamMetadata();
        var options = new ResponseStreamReaderOptions
        {
            MaxMessageBytes = maxMessageBytes,
            IdleTimeout = Timeout.InfiniteTimeSpan,
            TimeProvider = TimeProvider.System,
            Logger = NullLogger.Instance,
            ThrowOnFunctionError = metadata.ThrowOnFunctionError,
        };
        var details = new LambdaErrorDetails
        {
            FunctionName = metadata.FunctionName,
            RequestId = metadata.RequestId,
            StatusCode = metadata.StatusCode,
            Attempts = 1,
        };
        var hasBody = metadata.StatusCode != HttpStatusCode.NoContent;
        if (!hasBody) stream.Dispose();
        var body = hasBody ? new ResponseStreamBody(stream, stream, options.TimeProvider, options.IdleTimeout) : null;
        return new InvokeWithResponseStreamResponse(
            metadata.ToHeaders(),
            metadata.RequestId,
            body,
            new ResponseStreamReader(body, options, details),
            options);
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> EncodeAsync(IEnumerable<string> chunks)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (var chunk in chunks) yield return Encoding.UTF8.GetBytes(chunk);
    }

    private static ArgumentException CreateTwoEndsException(string parameter) =>
        new("A response ends with either complete or failure. Do not set both.", parameter);

    private static InvalidOperationException CreateAlreadyEnumeratedException() => new(
        "The response has already been enumerated. It can be read only once. Keep copies of data that you need again.");
}
