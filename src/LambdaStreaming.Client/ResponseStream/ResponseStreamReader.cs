using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;
using LambdaStreaming.EventStream;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.ResponseStream;

/// <summary>Decodes the events of one response, one at a time, and holds the payload of the current chunk.</summary>
/// <remarks>
/// <see cref="TryReadBufferedChunk"/> is the fast path, which never throws. It takes complete messages in the buffer
/// that repeat the headers of the last chunk. <see cref="ReadNextAsync"/> handles all other messages.
/// Only the consumer calls these two methods, one at a time, and only they write the fields. Other threads can only
/// call <see cref="Dispose"/>, which writes only <see cref="_isDisposed"/>, and read <see cref="ReceivedSoFar"/>.
/// Each <see cref="ReadNextAsync"/> is one move of the body (see <see cref="ResponseStreamBody"/>). TryBeginMove
/// returns false if the body is completed, and TryEndMove if it was aborted during the move.
/// </remarks>
/// <param name="body">The response body; <see langword="null"/> for the response to a dry run.</param>
/// <param name="options">How to read the body.</param>
/// <param name="call">The details of the call, for exceptions.</param>
internal sealed class ResponseStreamReader(
    ResponseStreamBody? body,
    ResponseStreamReaderOptions options,
    LambdaErrorDetails call)
    : IAbortable, ITransferProgress
{
    private readonly ResponseStreamBody? _body = body;
    private readonly ResponseStreamReaderOptions _options = options;
    private readonly LambdaErrorDetails _call = call;
    private readonly int _maxMessageBytes = options.MaxMessageBytes;

    // _buffer: the received bytes. _window: the array of the first segment of _buffer. That segment starts at
    // _windowStart; [_next, _end) is not yet consumed. _leftoverBytes: how many bytes of an incomplete message had been
    // received when the last read began.
    private ReadOnlySequence<byte> _buffer;
    private byte[] _window = [];
    private int _windowStart;
    private int _next;
    private int _end;
    private bool _hasBuffer;
    private bool _bodyEnded;
    private long _leftoverBytes;

    // The current chunk. A chunk expires when Generation is incremented; PayloadChunk stores the value to detect this.
    // A chunk of the fast path begins at _payloadStart of _window. For other chunks, _payloadStart is NotInWindow and
    // _payloadSequence has the payload.
    private const int NotInWindow = -1;
    private int _payloadStart = NotInWindow;
    private int _payloadLength;
    private ReadOnlySequence<byte> _payloadSequence;

    // The headers of the last chunk. The service repeats them in each chunk, so one comparison can replace parsing.
    private byte[] _chunkHeaders = [];
    private long _chunks;
    private long _bytes;
    private long _messageOffset;
    private Exception? _failure;
    private volatile bool _isDisposed;

    /// <summary>The <c>InvokeComplete</c> event, even if it reports an error; null until it has been read.</summary>
    public InvokeComplete? InvokeComplete { get; private set; }

    /// <summary>Receives the progress of the response; <see langword="null"/> without a listener.</summary>
    public CallTelemetry? Telemetry { get; set; }

    /// <summary>The chunks and payload bytes that were delivered to the consumer so far.</summary>
    public (long Chunks, long Bytes) ReceivedSoFar => (Volatile.Read(ref _chunks), Volatile.Read(ref _bytes));

    public int Generation { get; private set; }
    public bool IsAborted => _body is { IsAborted: true };
    public Redactor Redactor => _options.Redactor;

    /// <summary>True after <see cref="Dispose"/>. No chunk is current then, and no later move reads a chunk.</summary>
    public bool IsDisposed => _isDisposed;

    /// <summary>The current chunk, without a check for expiry: use it only while no event is being read.</summary>
    public ReadOnlySequence<byte> CurrentPayload => _payloadStart != NotInWindow
        ? new ReadOnlySequence<byte>(_window, _payloadStart, _payloadLength)
        : _payloadSequence;

    /// <summary>The chunk that <see cref="TryReadBufferedChunk"/> has just read, which is always one segment.</summary>
    public ReadOnlyMemory<byte> BufferedPayload => new(_window, _payloadStart, _payloadLength);

    /// <exception cref="InvalidOperationException">The chunk of this generation has expired.</exception>
    public ReadOnlySequence<byte> GetPayload(int generation)
    {
        if (generation != Generation || _isDisposed) ResponseStreamFailures.ThrowChunkExpired();
        return CurrentPayload;
    }

    /// <inheritdoc cref="GetPayload"/>
    public long GetPayloadLength(int generation)
    {
        if (generation != Generation || _isDisposed) ResponseStreamFailures.ThrowChunkExpired();
        return _payloadStart != NotInWindow ? _payloadLength : _payloadSequence.Length;
    }

    /// <summary>Reads the next chunk if it is complete in _window, valid, and repeats the last headers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadBufferedChunk()
    {
        if (_body is not { IsOpen: true }) return false;

        // Expire the previous chunk: the fields that describe it are overwritten below.
        Generation++;
        var bytes = new ReadOnlySpan<byte>(_window, _next, _end - _next);
        if (!EventStreamDecoder.StartsWithCompleteMessage(
                bytes, _maxMessageBytes, out var totalLength, out var headersLength)
            || !bytes.Slice(EventStreamDecoder.PreludeBytes, headersLength).SequenceEqual(_chunkHeaders)
            || !EventStreamDecoder.IsMessageCrcValid(bytes[..totalLength])
            // Before the first chunk, _chunkHeaders is empty, and would equal the headers of a message without headers.
            || headersLength == 0)
        {
            return false;
        }

        _payloadStart = _next + EventStreamDecoder.PreludeBytes + headersLength;
        _payloadLength = totalLength - EventStreamDecoder.MinMessageBytes - headersLength;
        _next += totalLength;
        _messageOffset += totalLength;
        _chunks++;
        _bytes += _payloadLength;
        return true;
    }

    /// <summary>Reads the next event. After <c>InvokeComplete</c>, also reads the body to its end.</summary>
    /// <param name="throwOnFunctionError">Whether to throw for an <c>InvokeComplete</c> with an error.</param>
    /// <returns>The kind of the event; <see cref="ResponseStreamEventKind.None"/> after the last one.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ResponseStreamEventKind> ReadNextAsync(bool throwOnFunctionError)
    {
        if (_body is null) return ResponseStreamEventKind.None;
        if (!_body.TryBeginMove()) return _failure is null ? ResponseStreamEventKind.None : throw _failure;
        try
        {
            ExpireChunk();
            var kind = await ReadEventAsync().ConfigureAwait(false);
            if (kind == ResponseStreamEventKind.PayloadChunk)
            {
                if (_body.TryEndMove()) return kind;
                // The chunk is not delivered, so it does not count.
                (_chunks, _bytes) = (_chunks - 1, _bytes - _payloadSequence.Length);
                throw new BodyAbortedException();
            }

            await ResponseStreamDrain.RunAsync(_body, TakeBuffer(), _bodyEnded, _options, _call).ConfigureAwait(false);
            if (throwOnFunctionError && InvokeComplete!.IsFunctionError)
                throw ResponseStreamFailures.FunctionError(InvokeComplete, CreateErrorDetails(), _options);
            Complete();
            return kind;
        }
        catch (Exception exception)
        {
            // Record the failure before completing the body: a later call must throw it, not report normal completion.
            _failure = ResponseStreamFailures.Translate(
                exception, _body, _options, CreateErrorDetails(), _messageOffset, _leftoverBytes);
            Telemetry?.Fail(_failure);
            Complete();
            if (ReferenceEquals(_failure, exception)) throw;
            throw _failure;
        }
    }

    // After an abort, ReadNextAsync throws its exception, or returns None if the body was read to its end before.
    public async ValueTask<bool> ThrowIfAbortedAsync() =>
        await ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false) != ResponseStreamEventKind.None;

    /// <summary>Expires the chunk and aborts. Callable from any thread; does not return buffers to the pool.</summary>
    public void Dispose()
    {
        // Abort first. Otherwise, moves could succeed without a current chunk, and reach a normal end.
        _body?.Abort(AbortReason.Disposed);
        _isDisposed = true;
    }

    /// <summary>Creates the details for an exception: the call, and the chunks that were received so far.</summary>
    public LambdaErrorDetails CreateErrorDetails() => _call with { ChunksReceived = _chunks, BytesReceived = _bytes };

    private void ExpireChunk()
    {
        Generation++;
        _payloadStart = NotInWindow;
        _payloadSequence = default;
    }

    private async ValueTask<ResponseStreamEventKind> ReadEventAsync()
    {
        while (true)
        {
            if (_body!.IsAborted) throw new BodyAbortedException();
            while (TryReadMessage(out var kind))
            {
                if (kind != ResponseStreamEventKind.None) return kind;
            }

            await ReadMoreAsync().ConfigureAwait(false);
        }
    }

    private bool TryReadMessage(out ResponseStreamEventKind kind)
    {
        kind = ResponseStreamEventKind.None;
        if (!_hasBuffer) return false;
        var remaining = GetUnconsumed();
        if (!EventStreamDecoder.TryRead(ref remaining, _maxMessageBytes, _chunkHeaders, out var message)) return false;
        kind = Interpret(message);
        _messageOffset += message.TotalLength;
        SetBuffer(remaining);

        // Bytes after InvokeComplete are not events. The fast path must not read them.
        if (kind == ResponseStreamEventKind.InvokeComplete) _end = _next;
        return true;
    }

    private ResponseStreamEventKind Interpret(in EventStreamMessage message)
    {
        if (message.RepeatsValidHeaders) return TakeChunk(message.Payload);
        using var block = new ContiguousHeaders(message.Headers);
        var headers = block.Bytes;
        switch (LambdaMessage.GetKind(headers))
        {
            case LambdaMessageKind.PayloadChunk:
                if (!headers.SequenceEqual(_chunkHeaders)) _chunkHeaders = headers.ToArray();
                return TakeChunk(message.Payload);
            case LambdaMessageKind.InvokeComplete:
                InvokeComplete = LambdaMessage.ReadInvokeComplete(message.Payload);
                Telemetry?.Complete(InvokeComplete.IsFunctionError, Redactor.Name(InvokeComplete.ErrorCode));
                return ResponseStreamEventKind.InvokeComplete;
            case LambdaMessageKind.Exception or LambdaMessageKind.Error:
                throw LambdaMessage.ReadError(headers, message.Payload, CreateErrorDetails(), Redactor);
            default:
                if (!_options.Logger.IsEnabled(LogLevel.Debug)) return ResponseStreamEventKind.None;
                var eventType = Redactor.Name(LambdaMessage.GetEventType(headers));
                Log.UnknownEventSkipped(_options.Logger, _call.FunctionName, eventType);
                return ResponseStreamEventKind.None;
        }
    }

    private ResponseStreamEventKind TakeChunk(ReadOnlySequence<byte> payload)
    {
        _payloadStart = NotInWindow;
        _payloadSequence = payload;
        _chunks++;
        _bytes += payload.Length;
        if (_chunks == 1) Telemetry?.RecordFirstChunk();
        return ResponseStreamEventKind.PayloadChunk;
    }

    private async ValueTask ReadMoreAsync()
    {
        if (_hasBuffer)
        {
            // Mark all bytes as examined. Otherwise the next read would return at once with the same bytes.
            var incomplete = TakeBuffer();
            _leftoverBytes = incomplete.Length;
            _body!.AdvanceTo(incomplete.Start, incomplete.End, _leftoverBytes);
            if (_bodyEnded) throw new BodyEndedException();
        }

        Telemetry?.BeginWait();
        var result = await _body!.ReadAsync().ConfigureAwait(false);
        Telemetry?.EndWait();
        _bodyEnded = result.IsCompleted;
        _hasBuffer = true;
        SetBuffer(result.Buffer);
    }

    private ReadOnlySequence<byte> GetUnconsumed() => _buffer.Slice(_buffer.GetPosition(_next - _windowStart));

    private ReadOnlySequence<byte> TakeBuffer()
    {
        var unconsumed = GetUnconsumed();
        _hasBuffer = false;
        SetWindow([], 0, 0);
        return unconsumed;
    }

    private void SetBuffer(ReadOnlySequence<byte> buffer)
    {
        _buffer = buffer;
        MemoryMarshal.TryGetArray(buffer.First, out var first);
        SetWindow(first.Array ?? [], first.Offset, first.Count);
    }

    private void SetWindow(byte[] array, int start, int count)
    {
        _window = array;
        _windowStart = _next = start;
        _end = start + count;
    }

    private void Complete()
    {
        ExpireChunk();
        SetWindow([], 0, 0);
        _body!.Complete();
    }
}
