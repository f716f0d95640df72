using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;
using LambdaStreaming.EventStream;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.ResponseStream;

/// <summary>Decodes the events of one response, one at a time, and holds the payload of the current one.</summary>
/// <remarks>
/// Complete messages in the buffer that repeat the last chunk's headers take the fast path of <see cref="TryReadBufferedChunk"/>,
/// which never throws. <see cref="ReadNextAsync"/> handles everything else. Both belong to the consumer, one call at a time;
/// all fields but <see cref="_isDisposed"/> are written by moves only. Other threads may call <see cref="Dispose"/>.
/// </remarks>
internal sealed class ResponseStreamReader : IAbortable, ITransferProgress
{
    // Maximum time and bytes after InvokeComplete to reach the end of the HTTP body, so that the connection can be reused.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromMilliseconds(250);
    private const long MaxDrainBytes = 64 * 1024;

    private readonly ResponseStreamBody? _body;
    private readonly ResponseStreamReaderOptions _options;
    private readonly LambdaErrorDetails _call;
    private readonly int _maxMessageBytes;

    // The bytes that were read and not yet consumed. [_next, _end) of _window is the rest of the first segment, which begins at _windowStart.
    private ReadOnlySequence<byte> _buffer;
    private byte[] _window = [];
    private int _windowStart;
    private int _next;
    private int _end;
    private bool _hasBuffer;
    private bool _readToEnd;

    // The current chunk: at _payloadStart of _window if the fast path took it; else, if that is NotInWindow, in _payloadSequence.
    private const int NotInWindow = -1;
    private int _generation;
    private int _payloadStart = NotInWindow;
    private int _payloadLength;
    private ReadOnlySequence<byte> _payloadSequence;

    // The header block of the last chunk. The service repeats it, and one comparison replaces parsing it.
    private byte[] _chunkHeaders = [];

    private long _chunks;
    private long _bytes;
    private long _messageOffset;
    private Exception? _failure;
    private volatile bool _isDisposed;

    /// <param name="body">The response's bytes, or <see langword="null"/> if it has none (a dry run).</param>
    /// <param name="options">How to read them.</param>
    /// <param name="call">The details of the call, for exceptions.</param>
    public ResponseStreamReader(ResponseStreamBody? body, ResponseStreamReaderOptions options, LambdaErrorDetails call)
    {
        _body = body;
        _options = options;
        _maxMessageBytes = options.MaxMessageBytes;
        _call = call;
    }

    /// <summary>The last event, once it was read, also if it reported an error.</summary>
    public InvokeComplete? InvokeComplete { get; private set; }

    /// <summary>Receives the progress of the response; <see langword="null"/> if there is no listener.</summary>
    public CallTelemetry? Telemetry { get; set; }

    /// <summary>What was delivered to the consumer so far.</summary>
    public (long Chunks, long Bytes) ReceivedSoFar => (Volatile.Read(ref _chunks), Volatile.Read(ref _bytes));

    public int Generation => _generation;

    /// <summary>True if the response was ended from outside, so that the next move throws.</summary>
    public bool IsAborted => _body is { IsAborted: true };
    public Redactor Redactor => _options.Redactor;

    /// <summary>True after <see cref="Dispose"/>: no chunk is current.</summary>
    public bool IsDisposed => _isDisposed;

    /// <summary>The current chunk, without the check that <see cref="GetPayload"/> makes. Only between two moves.</summary>
    public ReadOnlySequence<byte> CurrentPayload =>
        _payloadStart != NotInWindow ? new ReadOnlySequence<byte>(_window, _payloadStart, _payloadLength) : _payloadSequence;

    /// <summary>The chunk that <see cref="TryReadBufferedChunk"/> has just taken; it always lies in one segment.</summary>
    public ReadOnlyMemory<byte> BufferedPayload => new(_window, _payloadStart, _payloadLength);

    /// <exception cref="InvalidOperationException">The chunk of this generation has expired.</exception>
    public ReadOnlySequence<byte> GetPayload(int generation)
    {
        if (generation != _generation || _isDisposed) ThrowChunkExpired();
        return CurrentPayload;
    }

    /// <inheritdoc cref="GetPayload"/>
    public long GetPayloadLength(int generation)
    {
        if (generation != _generation || _isDisposed) ThrowChunkExpired();
        return _payloadStart != NotInWindow ? _payloadLength : _payloadSequence.Length;
    }

    /// <summary>Moves to the next message if it is a chunk, complete in the buffer, and valid. <see cref="ReadNextAsync"/> handles all others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadBufferedChunk()
    {
        if (_body is not { IsOpen: true }) return false;

        // Invalidate the previous chunk before any buffer can be returned to the pool.
        _generation++;

        var bytes = new ReadOnlySpan<byte>(_window, _next, _end - _next);
        if (!EventStreamDecoder.StartsWithCompleteMessage(bytes, _maxMessageBytes, out var totalLength, out var headersLength)
            || !bytes.Slice(EventStreamDecoder.PreludeBytes, headersLength).SequenceEqual(_chunkHeaders)
            || !EventStreamDecoder.IsMessageCrcValid(bytes[..totalLength])
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

    /// <summary>Moves to the next event, reading as much as it needs. With <c>InvokeComplete</c> the body has been read to its end.</summary>
    /// <param name="throwOnFunctionError">Whether an <c>InvokeComplete</c> with an error is thrown, or returned as an event.</param>
    /// <returns>The event's kind; <see cref="ResponseStreamEventKind.None"/> after the last one.</returns>
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
                if (!_body.TryEndMove()) throw new BodyAbortedException();
                return kind;
            }

            await DrainAsync().ConfigureAwait(false);
            if (throwOnFunctionError && InvokeComplete!.IsFunctionError) throw FunctionError();
            Complete();
            return kind;
        }
        catch (Exception exception)
        {
            // Recorded before the body is completed: a later move must not take a failure for a normal end.
            _failure = Translate(exception);
            Telemetry?.Fail(_failure);
            Complete();
            if (ReferenceEquals(_failure, exception)) throw;
            throw _failure;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> ThrowAbortedAsync() =>
        await ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false) != ResponseStreamEventKind.None;

    /// <summary>Expires the current chunk and aborts the response. Callable from any thread, at any time; returns no buffer.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _body?.Abort(AbortReason.Disposed);
    }

    private void ExpireChunk()
    {
        _generation++;
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

        var rest = _buffer.Slice(_buffer.GetPosition(_next - _windowStart));
        if (!EventStreamDecoder.TryRead(ref rest, _maxMessageBytes, out var message)) return false;

        kind = Interpret(message);
        _messageOffset += message.TotalLength;
        SetBuffer(rest);

        // What comes after the end is no event: the fast path must not see it.
        if (kind == ResponseStreamEventKind.InvokeComplete) _end = _next;
        return true;
    }

    private ResponseStreamEventKind Interpret(in EventStreamMessage message)
    {
        var buffer = message.Headers.IsSingleSegment ? null : ArrayPool<byte>.Shared.Rent((int)message.Headers.Length);
        try
        {
            var block = message.Headers.FirstSpan;
            if (buffer is not null)
            {
                message.Headers.CopyTo(buffer);
                block = buffer.AsSpan(0, (int)message.Headers.Length);
            }

            switch (LambdaMessage.GetKind(block))
            {
                case LambdaMessageKind.PayloadChunk:
                    if (!block.SequenceEqual(_chunkHeaders)) _chunkHeaders = block.ToArray();
                    _payloadStart = NotInWindow;
                    _payloadSequence = message.Payload;
                    _chunks++;
                    _bytes += message.Payload.Length;
                    if (_chunks == 1) Telemetry?.FirstChunk();
                    return ResponseStreamEventKind.PayloadChunk;
                case LambdaMessageKind.InvokeComplete:
                    InvokeComplete = LambdaMessage.ReadInvokeComplete(message.Payload);
                    var code = _options.Redactor.Name(InvokeComplete.ErrorCode);
                    Telemetry?.Complete(InvokeComplete.IsFunctionError, code);
                    return ResponseStreamEventKind.InvokeComplete;
                case LambdaMessageKind.Exception or LambdaMessageKind.Error:
                    throw LambdaMessage.ReadError(block, message.Payload, Progress(), _options.Redactor);
                default:
                    if (_options.Logger.IsEnabled(LogLevel.Debug)) Log.UnknownEventSkipped(_options.Logger, _call.FunctionName, _options.Redactor.Name(LambdaMessage.GetEventType(block)));
                    return ResponseStreamEventKind.None;
            }
        }
        finally
        {
            if (buffer is not null) ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask ReadMoreAsync()
    {
        // Everything was looked at: examined must be the end, or the next read returns at once with the same bytes.
        if (_hasBuffer)
        {
            _hasBuffer = false;
            var consumed = _buffer.GetPosition(_next - _windowStart);
            var end = _buffer.End;
            var unread = _buffer.Slice(consumed).Length;
            SetWindow([], 0, 0);
            _body!.AdvanceTo(consumed, end, unread);
            if (_readToEnd) throw Truncated(unread, null);
        }

        Telemetry?.BeginWait();
        var result = await _body!.ReadAsync().ConfigureAwait(false);
        Telemetry?.EndWait();
        _readToEnd = result.IsCompleted;
        _hasBuffer = true;
        SetBuffer(result.Buffer);
    }

    private void SetBuffer(ReadOnlySequence<byte> buffer)
    {
        _buffer = buffer;
        if (MemoryMarshal.TryGetArray(buffer.First, out var first) && first.Array is not null) SetWindow(first.Array, first.Offset, first.Count);
        else SetWindow([], 0, 0);
    }

    private void SetWindow(byte[] array, int start, int count)
    {
        _window = array;
        _windowStart = _next = start;
        _end = start + count;
    }

    // Reads the body to its end within a short bound, so that the connection is reused. The response is complete, whatever happens here.
    private async ValueTask DrainAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(DrainTimeout, _options.TimeProvider);
            await using var registration = limit.Token.UnsafeRegister(
                static body => ((ResponseStreamBody)body!).Abort(AbortReason.Disposed), _body).ConfigureAwait(false);
            long ignored = 0;
            if (_hasBuffer)
            {
                _hasBuffer = false;
                ignored = _buffer.Slice(_buffer.GetPosition(_next - _windowStart)).Length;
                SetWindow([], 0, 0);
                _body!.AdvanceTo(_buffer.End, _buffer.End, 0);
            }

            while (!_readToEnd && ignored <= MaxDrainBytes)
            {
                var result = await _body!.ReadAsync().ConfigureAwait(false);
                ignored += result.Buffer.Length;
                _readToEnd = result.IsCompleted;
                _body.AdvanceTo(result.Buffer.End, result.Buffer.End, 0);
            }

            if (ignored > 0) Log.BytesAfterInvokeComplete(_options.Logger, _call.FunctionName, ignored);
        }
        catch (Exception exception)
        {
            // Any type: a caller's HttpClient may decompress, for example.
            if (_options.Logger.IsEnabled(LogLevel.Debug)) Log.DrainFailed(_options.Logger, _call.FunctionName, exception.GetType().Name);
        }
    }

    private void Complete()
    {
        _hasBuffer = false;
        ExpireChunk();
        SetWindow([], 0, 0);
        _body!.Complete();
    }

    /// <summary>What an exception says of the call, and of how far the answer came.</summary>
    public LambdaErrorDetails Progress() => _call with { ChunksReceived = _chunks, BytesReceived = _bytes };

    private string DescribeProgress => ExceptionMessages.DescribeProgress(Progress());

    private Exception Translate(Exception exception) => exception switch
    {
        LambdaStreamingException and not ResponseStreamCorruptException => exception,
        ResponseStreamCorruptException corrupt => Corrupt(corrupt),
        BodyAbortedException => _body!.AbortReason switch
        {
            AbortReason.Cancelled => new InvocationCanceledException($"Reading the answer of {_call.FunctionName} was cancelled. The function is not stopped by that.", functionMayHaveRun: true, cancellationToken: _body.CancelledToken),
            AbortReason.Idle => new ResponseStreamIdleTimeoutException($"Nothing came from {_call.FunctionName} for {_options.IdleTimeout} ({nameof(LambdaStreamingClientOptions.IdleTimeout)}). {DescribeProgress}", Progress()),
            _ => Disposed(),
        },
        ScriptedFailureException scripted => scripted.Failure,
        _ => Truncated(0, exception),
    };

    private static ObjectDisposedException Disposed() => new(nameof(InvokeWithResponseStreamResponse), "The response, or its enumerator, was disposed before the answer was read to its end.");

    private ResponseStreamCorruptException Corrupt(ResponseStreamCorruptException corrupt)
    {
        // Bytes that are no event stream, under a head that says so itself.
        if (_messageOffset == 0 && corrupt.Reason == ResponseStreamCorruptionReason.PreludeChecksum && _options.UnexpectedContent is { } content) return Unexpected(content);
        return new ResponseStreamCorruptException($"{corrupt.Message} It begins at byte {_messageOffset} of the answer. {DescribeProgress}", corrupt.Reason, _messageOffset, Progress());
    }

    private ResponseStreamException Truncated(long unread, Exception? cause)
    {
        if (cause is null && _messageOffset == 0 && _options.UnexpectedContent is { } content) return Unexpected(content);
        var how = cause is not null ? "broke off" : unread > 0 ? $"ended inside a message, of which {unread} bytes came," : "ended";
        return new ResponseStreamTruncatedException($"The answer of {_call.FunctionName} {how} before InvokeComplete: it is not whole. {DescribeProgress}", Progress(), cause);
    }

    private ResponseStreamCorruptException Unexpected(UnexpectedContent content) => new(
        $"The answer's {content.Description} and its bytes are no event stream. Something between this client and Lambda may have answered in its place. {DescribeProgress}",
        content.Reason,
        0,
        Progress());

    private FunctionErrorException FunctionError()
    {
        var details = Progress() with { ErrorCode = InvokeComplete!.ErrorCode, Advice = ExceptionMessages.GetAdvice(InvokeComplete) };
        return new FunctionErrorException(ExceptionMessages.FunctionFailed(details, InvokeComplete, _options.Redactor), InvokeComplete, details);
    }

    [DoesNotReturn]
    private static void ThrowChunkExpired() =>
        throw new InvalidOperationException("This chunk ended when the enumeration moved on. Copy its bytes while it is current, with ToArray() or CopyTo().");
}
