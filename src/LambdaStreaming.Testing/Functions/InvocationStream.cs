using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LambdaStreaming.Testing.EventStream;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The event stream of one response: HTTP headers, chunks and <c>InvokeComplete</c>.</summary>
/// <remarks>
/// <c>functionCancellation</c> is cancelled when the function must stop. <c>aborted</c> is cancelled when the client
/// disconnects or the server stops.
/// </remarks>
#pragma warning disable CA1001 // The semaphore has no wait handle to dispose. An abandoned function might still use it.
internal sealed class InvocationStream(
    RawResponseWriter writer,
    FunctionInvocation invocation,
    InjectedFaults faults,
    LocalLambdaServerOptions options,
    CancellationTokenSource functionCancellation,
    CancellationToken aborted)
#pragma warning restore CA1001
{
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    private static readonly JsonWriterOptions RelaxedJson =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _message = new(256);
    private readonly SemaphoreSlim _writeLock = new(1);
    private readonly CancellationToken _functionToken = functionCancellation.Token;
    private readonly Bandwidth? _bandwidth = options.LimitBandwidth ? new(options.TimeProvider) : null;
    private readonly List<Interruption> _interruptions =
        [.. faults.Interruptions.OrderBy(interruption => interruption.AfterChunks)];

    private string _contentType = "application/octet-stream";
    private (string Code, string Details)? _error;
    private bool _headersSent;
    private bool _isCompleting;
    private int _chunks;
    private long _payloadBytes;

    public LogTail Log { get; } = new();

    public string ContentType
    {
        get => _contentType;
        set
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(value);
            if (_headersSent) throw CreateStartedException();
            _contentType = value;
        }
    }

    public bool HasFailed => _error is not null;

    public Task StartAsync(CancellationToken cancellationToken) => SendIfOpenAsync(SendHeadersAsync, cancellationToken);

    public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        SendIfOpenAsync(token => SendChunkAsync(payload, token), cancellationToken);

    public Task AbortAsync(TruncationMode mode, CancellationToken cancellationToken) => SendIfOpenAsync(
        async token =>
        {
            if (mode == TruncationMode.EndOfBody) await SendHeadersAsync(token).ConfigureAwait(false);
            await writer.AbortAsync(mode).ConfigureAwait(false);
        },
        cancellationToken);

    public void Fail(string errorCode, string errorDetails)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorCode);
        ArgumentNullException.ThrowIfNull(errorDetails);
        _error ??= (errorCode, errorDetails);
    }

    /// <summary>Fails in the format in which runtimes report an unhandled exception.</summary>
    public void Fail(Exception exception)
    {
        var stackTrace = (exception.StackTrace ?? "").Split(
            '\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var details = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(details, RelaxedJson))
        {
            json.WriteStartObject();
            json.WriteString("errorMessage", exception.Message);
            json.WriteString("errorType", exception.GetType().Name);
            json.WriteStartArray("stackTrace");
            foreach (var line in stackTrace)
                json.WriteStringValue(line);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        Fail("Unhandled", Encoding.UTF8.GetString(details.WrittenSpan));
    }

    /// <summary>Ends the response. Later writes of the function are rejected.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await _writeLock.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // A stall holds the lock until the client disconnects or the server stops. Do not complete the response
            // then.
            cancellationToken.ThrowIfCancellationRequested();
            _isCompleting = true;
            await SendHeadersAsync(cancellationToken).ConfigureAwait(false);
            await InterruptAsync(int.MaxValue, cancellationToken).ConfigureAwait(false);
            _message.ResetWrittenCount();
            EventStreamEncoder.WriteInvokeComplete(_message, CreateInvokeComplete());
            await writer.WriteAsync(_message.WrittenMemory, cancellationToken).ConfigureAwait(false);
            if (!writer.HasEnded) await writer.CompleteAsync().ConfigureAwait(false);
        }
        finally
        {
            _writeLock.Release();
        }
    }

    /// <summary>Sends for the function, one write at a time.</summary>
    /// <exception cref="InvalidOperationException">The function has reported an error.</exception>
    /// <exception cref="OperationCanceledException">The response has ended.</exception>
    private async Task SendIfOpenAsync(Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        if (HasFailed) throw CreateFailedException();
        _functionToken.ThrowIfCancellationRequested();
        using var linked = cancellationToken == _functionToken
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _functionToken);
        var token = linked?.Token ?? _functionToken;
        await _writeLock.WaitAsync(token).ConfigureAwait(false);
        try
        {
            if (_isCompleting) throw new OperationCanceledException(_functionToken);
            await send(token).ConfigureAwait(false);
            if (writer.HasEnded || HasFailed) await functionCancellation.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            _writeLock.Release();
        }

        _functionToken.ThrowIfCancellationRequested();
    }

    private async Task SendHeadersAsync(CancellationToken cancellationToken)
    {
        if (_headersSent) return;
        _headersSent = true;
        // It is not documented which header has the function's content type. The live service was observed to send the
        // event stream's content type in Content-Type (aws-sdk-rust#1075).
        await writer.StartAsync(
            200,
            [
                new("Content-Type", options.SendFunctionContentType ? _contentType : EventStreamContentType),
                new("X-Amz-Executed-Version", invocation.ExecutedVersion),
            ],
            cancellationToken).ConfigureAwait(false);
        await InterruptAsync(0, cancellationToken).ConfigureAwait(false);
    }

    private async Task SendChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        // A stream over the limit is truncated at the limit, with this error. Source: Lambda's own code (rapid,
        // directinvoke.go).
        if (options.MaxResponseBytes is { } limit && _payloadBytes + payload.Length > limit)
        {
            payload = payload[..(int)(limit - _payloadBytes)];
            var details = $"Response payload size exceeded maximum allowed payload size ({limit} bytes).";
            Fail("Function.ResponseSizeTooLarge", details);
            if (payload.IsEmpty) return;
        }

        await SendHeadersAsync(cancellationToken).ConfigureAwait(false);
        if (faults.ChunkDelay > TimeSpan.Zero)
            await Task.Delay(faults.ChunkDelay, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        if (_bandwidth is not null)
            await _bandwidth.TakeAsync(payload.Length, cancellationToken).ConfigureAwait(false);
        _message.ResetWrittenCount();
        EventStreamEncoder.WritePayloadChunk(_message, payload.Span);
        await writer.WriteAsync(_message.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _payloadBytes += payload.Length;
        await InterruptAsync(++_chunks, cancellationToken).ConfigureAwait(false);
    }

    private async Task InterruptAsync(int chunks, CancellationToken cancellationToken)
    {
        while (_interruptions is [var next, ..] && next.AfterChunks <= chunks)
        {
            _interruptions.RemoveAt(0);
            await writer.WriteAsync(next.Bytes, cancellationToken).ConfigureAwait(false);
            // The function's timeout does not end a stall.
            if (next.Stall)
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, aborted).ConfigureAwait(false);
            if (next.Truncation is { } mode && !writer.HasEnded)
                await writer.AbortAsync(mode).ConfigureAwait(false);
        }
    }

    private ReadOnlySpan<byte> CreateInvokeComplete()
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, RelaxedJson))
        {
            json.WriteStartObject();
            if (_error is { } error)
            {
                json.WriteString("ErrorCode", error.Code);
                json.WriteString("ErrorDetails", error.Details);
            }

            if (invocation.LogType == "Tail") json.WriteString("LogResult", Log.ToBase64());
            json.WriteEndObject();
        }

        return body.WrittenSpan;
    }

    private static InvalidOperationException CreateStartedException() =>
        new("The response has started. Set its content type before the first write.");

    private static InvalidOperationException CreateFailedException() =>
        new("Fail has ended this response. Write all chunks before calling Fail.");
}
