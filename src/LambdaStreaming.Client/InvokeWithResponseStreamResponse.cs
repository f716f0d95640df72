using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Invocation;
using LambdaStreaming.Payload;
using LambdaStreaming.ResponseStream;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming;

/// <summary>The answer of a function: its head is there, its events are enumerated once, while they are being made.</summary>
/// <remarks>
/// Enumeration ends normally only after a whole <see cref="InvokeComplete"/>; anything else is an exception that says how far the answer came.
/// Dispose it: leaving the loop early, or never starting it, then closes the connection at once.
/// Disposal of the response or its enumerator, and cancellation, are safe from any thread. Everything else belongs to one consumer:
/// <c>MoveNextAsync</c> and access to a chunk must not overlap.
/// </remarks>
public sealed class InvokeWithResponseStreamResponse : ResponsePayload, IAsyncEnumerable<ResponseStreamEvent>
{
    private readonly ResponseHeaders _headers;
    private readonly ResponseStreamBody? _body;
    private readonly ResponseStreamReader _reader;
    private readonly ResponseStreamReaderOptions _readerOptions;
    private int _isEnumerated;
    private volatile bool _isDisposed;

    internal InvokeWithResponseStreamResponse(ResponseHeaders headers, string requestId, ResponseStreamBody? body, ResponseStreamReader reader, ResponseStreamReaderOptions readerOptions)
    {
        _headers = headers;
        _body = body;
        _reader = reader;
        _readerOptions = readerOptions;
        RequestId = requestId;
    }

    /// <summary>The HTTP status: 200, or 204 for a dry run.</summary>
    public HttpStatusCode StatusCode => _headers.StatusCode;

    /// <summary>The service's id of this invocation; the function's log names the same one. Empty where the answer has none.</summary>
    public string RequestId { get; }

    /// <summary>The version that was run, from <c>X-Amz-Executed-Version</c>.</summary>
    public string? ExecutedVersion => _headers["X-Amz-Executed-Version"];

    /// <summary>The content type of the head. What the live service puts here for each kind of function is not verified.</summary>
    public string? ResponseStreamContentType => _headers["Content-Type"];

    /// <summary>All headers of the answer, by name, in any case.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Headers => field ??= _headers.ToDictionary();

    /// <summary>The end of the answer, once it was read, also when it carried an error.</summary>
    public InvokeComplete? InvokeComplete => _reader.InvokeComplete;

    /// <summary>Makes an answer up, for tests of code that reads one: everything behaves as it would over the wire.</summary>
    /// <param name="chunks">The chunks; each is asked for when the reader waits for it, so that a test can decide when it comes.</param>
    /// <param name="complete">How the function ended. Default: well.</param>
    /// <param name="failure">What is thrown after the chunks in place of <paramref name="complete"/>: exactly this exception, e.g. a <see cref="ResponseStreamTruncatedException"/>.</param>
    /// <param name="metadata">The response headers. Default: 200 and nothing else.</param>
    /// <returns>The answer, to be enumerated once.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "The answer disposes its wire.")]
    public static InvokeWithResponseStreamResponse Create(IAsyncEnumerable<ReadOnlyMemory<byte>> chunks, InvokeComplete? complete = null, Exception? failure = null, ResponseStreamMetadata? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        if (complete is not null && failure is not null) throw new ArgumentException("An answer ends with complete or with failure, not with both.", nameof(failure));
        return FromStream(new ScriptedStream(chunks, complete ?? new InvokeComplete(), failure), Array.MaxLength, metadata);
    }

    /// <summary>Makes an answer of text up, for tests of code that reads one.</summary>
    /// <param name="chunks">The chunks, as UTF-8.</param>
    /// <param name="complete">How the function ended. Default: well.</param>
    /// <param name="failure">What is thrown after the chunks in place of <paramref name="complete"/>: exactly this exception.</param>
    /// <param name="metadata">The response headers. Default: 200 and nothing else.</param>
    /// <returns>The answer, to be enumerated once.</returns>
    public static InvokeWithResponseStreamResponse Create(IEnumerable<string> chunks, InvokeComplete? complete = null, Exception? failure = null, ResponseStreamMetadata? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(chunks);
        return Create(EncodeAsync(chunks), complete, failure, metadata);
    }

    /// <summary>Reads an answer from its bytes on the wire, e.g. a recorded one.</summary>
    /// <param name="stream">The event stream. Disposed with the answer.</param>
    /// <param name="metadata">The response headers. Default: 200 and nothing else.</param>
    /// <returns>The answer, to be enumerated once.</returns>
    public static InvokeWithResponseStreamResponse Create(Stream stream, ResponseStreamMetadata? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return FromStream(stream, LambdaStreamingClientOptions.DefaultMaxMessageBytes, metadata);
    }

    /// <summary>Enumerates the events: chunks, then <see cref="ResponseStreamEventKind.InvokeComplete"/>. Once.</summary>
    /// <param name="cancellationToken">Ends the enumeration, beside the token of the call.</param>
    /// <returns>The enumerator. A chunk is borrowed until its next <see cref="IAsyncEnumerator{T}.MoveNextAsync"/>.</returns>
    /// <exception cref="InvalidOperationException">The answer was enumerated before, or is being enumerated.</exception>
    public IAsyncEnumerator<ResponseStreamEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        return new ResponseStreamEventEnumerator(BeginEnumeration(cancellationToken), _readerOptions.ThrowOnFunctionError);
    }

    /// <summary>Enumerates the chunks alone. Once.</summary>
    /// <param name="cancellationToken">Ends the enumeration, beside the token of the call.</param>
    /// <returns>The chunks; each is borrowed until the next one is asked for.</returns>
    /// <exception cref="InvalidOperationException">The answer was enumerated before, or is being enumerated.</exception>
    /// <exception cref="FunctionErrorException">The function failed; the chunks before that were delivered.</exception>
    /// <exception cref="ResponseStreamException">The answer can't be trusted to be whole; the chunks before that were delivered.</exception>
    public IAsyncEnumerable<PayloadChunk> ReadChunksAsync(CancellationToken cancellationToken = default) => new PayloadChunkEnumerable(this, cancellationToken);

    /// <summary>Enumerates copies of the chunks, which are the caller's to keep: for lists, channels and other threads. Once.</summary>
    /// <param name="cancellationToken">Ends the enumeration, beside the token of the call.</param>
    /// <returns>The copies.</returns>
    /// <exception cref="InvalidOperationException">The answer was enumerated before, or is being enumerated.</exception>
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadOwnedChunksAsync(CancellationToken cancellationToken = default) =>
        new OwnedChunkEnumerable(this, cancellationToken);

    /// <summary>Reads the answer as Lambda's HTTP integration means it: status, headers and cookies off its front, then the body. For functions that answer through <c>HttpResponseStream</c> or a web adapter.</summary>
    /// <param name="options">
    /// The limit, and whether a prelude is looked for. Default: the defaults of <see cref="PayloadReadOptions"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the reading, that of the body too.</param>
    /// <returns>The metadata; the body is yet to be read. Without a prelude the whole answer is the body.</returns>
    /// <exception cref="InvalidOperationException">The answer was enumerated before, or is being enumerated.</exception>
    /// <exception cref="PayloadFormatException">The prelude is wrong, e.g. its status code is not an integral number from 100 to 999.</exception>
    /// <exception cref="PayloadLimitExceededException">The prelude is longer than <see cref="PayloadReadOptions.MaxPreludeBytes"/>, under <see cref="HttpPreludeDetection.Always"/>.</exception>
    public Task<HttpIntegrationResponse> ReadHttpIntegrationResponseAsync(
        PayloadReadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = Checked(options);
        return HttpIntegrationPrelude.ReadAsync(this, Open(cancellationToken), options);
    }

    /// <summary>Frees the connection: it returns to the pool if the response was read to its end, else it is closed at once.</summary>
    /// <remarks>Callable from any thread. A move in progress, or the next one, throws <see cref="ObjectDisposedException"/>. A chunk that the loop holds stays valid until then.</remarks>
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

    internal void Abort(CancellationToken cancellationToken) =>
        _body?.Abort(cancellationToken.IsCancellationRequested ? AbortReason.Cancelled : AbortReason.Disposed, cancellationToken);

    internal void RegisterCancellation(CancellationToken cancellationToken) => _body?.RegisterCancellation(cancellationToken);

    /// <summary>Begins the one enumeration.</summary>
    internal ResponseStreamReader BeginEnumeration(CancellationToken cancellationToken, CancellationToken enumeratorToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (Interlocked.Exchange(ref _isEnumerated, 1) != 0)
            throw new InvalidOperationException("This response was enumerated before. It can be read only once; keep copies of what is needed again.");
        _body?.RegisterCancellation(cancellationToken);
        _body?.RegisterCancellation(enumeratorToken);
        return _reader;
    }

    private protected override PayloadSegmentReader OpenOnce() => new(this, BeginEnumeration(CancellationToken.None));

    private static InvokeWithResponseStreamResponse FromStream(Stream stream, int maxMessageBytes, ResponseStreamMetadata? metadata)
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
        var details = new LambdaErrorDetails { FunctionName = metadata.FunctionName, RequestId = metadata.RequestId, StatusCode = metadata.StatusCode, Attempts = 1 };
        var body = metadata.StatusCode == HttpStatusCode.NoContent ? null : new ResponseStreamBody(stream, stream, options.TimeProvider, options.IdleTimeout);
        return new InvokeWithResponseStreamResponse(metadata.ToHeaders(), metadata.RequestId, body, new ResponseStreamReader(body, options, details), options);
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> EncodeAsync(IEnumerable<string> chunks)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (var chunk in chunks) yield return Encoding.UTF8.GetBytes(chunk);
    }
}
