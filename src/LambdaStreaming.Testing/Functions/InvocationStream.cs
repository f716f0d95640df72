using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using LambdaStreaming.Testing.EventStream;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing.Functions;

/// <summary>One answer as a stream of events: head, chunks, completion.</summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody asks for holds nothing; and a function left behind may still come to it.
internal sealed class InvocationStream(
    RawResponseWriter wire, FunctionInvocation invocation, InjectedFaults faults, LocalLambdaServerOptions options, CancellationTokenSource over, CancellationToken gone)
#pragma warning restore CA1001
{
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    private static readonly JsonWriterOptions CompleteJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _message = new(256);
    private readonly SemaphoreSlim _writing = new(1);
    private readonly CancellationToken _over = over.Token;
    private readonly Bandwidth? _bandwidth = options.LimitBandwidth ? new(options.TimeProvider) : null;
    private readonly List<Interruption> _interruptions = [.. faults.Interruptions.OrderBy(interruption => interruption.AfterChunks)];
    private string _contentType = "application/octet-stream";
    private (string Code, string Details)? _error;
    private bool _started;
    private bool _completing;
    private int _chunks;
    private long _payloadBytes;

    public LogTail Log { get; } = new();

    public string ContentType
    {
        get => _contentType;
        set
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(value);
            if (_started) throw new InvalidOperationException("The answer has begun; set its content type before the first write.");
            _contentType = value;
        }
    }

    public bool Failed => _error is not null;

    public Task StartAsync(CancellationToken cancellationToken) => WhileOpenAsync(SendHeadersAsync, cancellationToken);

    public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
        WhileOpenAsync(token => SendChunkAsync(payload, token), cancellationToken);

    public Task AbortAsync(TruncationMode mode, CancellationToken cancellationToken) => WhileOpenAsync(
        async token =>
        {
            if (mode == TruncationMode.EndOfBody) await SendHeadersAsync(token).ConfigureAwait(false);
            await wire.AbortAsync(mode).ConfigureAwait(false);
        },
        cancellationToken);

    public void Fail(string errorCode, string errorDetails)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(errorCode);
        ArgumentNullException.ThrowIfNull(errorDetails);
        _error ??= (errorCode, errorDetails);
    }

    /// <summary>Fails the way a runtime reports an exception that left the function.</summary>
    public void Fail(Exception exception)
    {
        var details = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(details, CompleteJson))
        {
            json.WriteStartObject();
            json.WriteString("errorMessage", exception.Message);
            json.WriteString("errorType", exception.GetType().Name);
            json.WriteStartArray("stackTrace");
            foreach (var line in (exception.StackTrace ?? "").Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                json.WriteStringValue(line);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        Fail("Unhandled", System.Text.Encoding.UTF8.GetString(details.WrittenSpan));
    }

    /// <summary>Ends the answer; what the function still writes is refused.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // After a silence, which ends when the client leaves or the server stops, there is nothing to complete.
            cancellationToken.ThrowIfCancellationRequested();
            _completing = true;
            await SendHeadersAsync(cancellationToken).ConfigureAwait(false);
            await InterruptAsync(int.MaxValue, cancellationToken).ConfigureAwait(false);
            _message.ResetWrittenCount();
            EventStreamEncoder.WriteInvokeComplete(_message, InvokeComplete());
            await wire.WriteAsync(_message.WrittenMemory, cancellationToken).ConfigureAwait(false);
            if (!wire.Ended) await wire.CompleteAsync().ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task WhileOpenAsync(Func<CancellationToken, Task> send, CancellationToken cancellationToken)
    {
        if (Failed) throw new InvalidOperationException("Fail has ended this answer; nothing can be written after it.");
        _over.ThrowIfCancellationRequested();
        using var both = cancellationToken == _over ? null : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _over);
        var token = both?.Token ?? _over;
        await _writing.WaitAsync(token).ConfigureAwait(false);
        try
        {
            if (_completing) throw new OperationCanceledException(_over);
            await send(token).ConfigureAwait(false);
            if (wire.Ended || Failed) await over.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }

        _over.ThrowIfCancellationRequested();
    }

    private async Task SendHeadersAsync(CancellationToken cancellationToken)
    {
        if (_started) return;
        _started = true;
        // Open where the function's own content type travels: the live service was seen to put the event stream's here (aws-sdk-rust#1075).
        await wire.StartAsync(
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
        // Source: Lambda's own code: a stream over the limit is cut after that many bytes, with this error (rapid, directinvoke.go).
        if (options.MaxResponseBytes is { } limit && _payloadBytes + payload.Length > limit)
        {
            payload = payload[..(int)(limit - _payloadBytes)];
            Fail("Function.ResponseSizeTooLarge", $"Response payload size exceeded maximum allowed payload size ({limit} bytes).");
            if (payload.IsEmpty) return;
        }

        await SendHeadersAsync(cancellationToken).ConfigureAwait(false);
        if (faults.ChunkDelay > TimeSpan.Zero) await Task.Delay(faults.ChunkDelay, options.TimeProvider, cancellationToken).ConfigureAwait(false);
        if (_bandwidth is not null) await _bandwidth.TakeAsync(payload.Length, cancellationToken).ConfigureAwait(false);
        _message.ResetWrittenCount();
        EventStreamEncoder.WritePayloadChunk(_message, payload.Span);
        await wire.WriteAsync(_message.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _payloadBytes += payload.Length;
        await InterruptAsync(++_chunks, cancellationToken).ConfigureAwait(false);
    }

    private async Task InterruptAsync(int chunks, CancellationToken cancellationToken)
    {
        while (_interruptions is [var next, ..] && next.AfterChunks <= chunks)
        {
            _interruptions.RemoveAt(0);
            await wire.WriteAsync(next.Bytes, cancellationToken).ConfigureAwait(false);
            // Not even the end of the function's time ends it.
            if (next.Silence) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, gone).ConfigureAwait(false);
            if (next.Cut is { } cut && !wire.Ended) await wire.AbortAsync(cut).ConfigureAwait(false);
        }
    }

    private ReadOnlySpan<byte> InvokeComplete()
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body, CompleteJson))
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
}
