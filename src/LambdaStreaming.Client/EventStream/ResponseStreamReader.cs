using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.EventStream;

/// <summary>Turns the bytes of one answer into its events, one at a time, and holds the payload of the current one.</summary>
/// <remarks>
/// Messages that are whole in the buffer and look like the last chunk take the fast path of <see cref="TryTakeBufferedChunk"/>; all else goes through <see cref="ReadNextAsync"/>,
/// which alone throws. The consumer's thread runs everything here; other threads reach only <see cref="ResponseStreamBody.Abort"/>.
/// </remarks>
internal sealed class ResponseStreamReader
{
    // How long the end of the HTTP body may take after InvokeComplete, so that the connection can be used again. The answer is whole by then.
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromMilliseconds(250);
    private const long MaxDrainBytes = 64 * 1024;

    private readonly ResponseStreamBody? _body;
    private readonly ResponseStreamReaderOptions _options;
    private readonly LambdaErrorDetails _call;
    private readonly int _maxMessageBytes;

    // What has been read and not yet consumed. Of its first segment, [_next, _end) of _window is what is left; _windowStart is where the buffer begins there.
    private ReadOnlySequence<byte> _buffer;
    private byte[] _window = [];
    private int _windowStart;
    private int _next;
    private int _end;
    private bool _hasBuffer;
    private bool _readToEnd;

    // The current chunk: where the fast path took it, at _payloadStart of _window; else (_payloadStart is NotInWindow) in _payloadSequence.
    private const int NotInWindow = -1;
    private int _generation;
    private int _payloadStart = NotInWindow;
    private int _payloadLength;
    private ReadOnlySequence<byte> _payloadSequence;

    // The header block of the last message that was a chunk: the service repeats it, and one comparison replaces its parse.
    private byte[] _chunkHeaders = [];

    private long _chunks;
    private long _bytes;
    private long _messageOffset;
    private readonly object _moveLock = new();
    private bool _moving;
    private bool _disposedWhileMoving;
    private Exception? _failure;
    private bool _ended;

    /// <param name="body">The answer's bytes, or <see langword="null"/> for an answer that has none (a dry run).</param>
    /// <param name="options">How to read them.</param>
    /// <param name="call">What every exception is to say of the call.</param>
    public ResponseStreamReader(ResponseStreamBody? body, ResponseStreamReaderOptions options, LambdaErrorDetails call)
    {
        _body = body;
        _options = options;
        _maxMessageBytes = options.MaxMessageBytes;
        _call = call;
        _ended = body is null;
    }

    /// <summary>The end of the answer, once it was read, also when it carried an error.</summary>
    public InvokeComplete? InvokeComplete { get; private set; }

    /// <summary>Who is told how the answer comes; <see langword="null"/> where nobody listens.</summary>
    public CallTelemetry? Telemetry { get; set; }

    /// <summary>How much was given to the consumer so far.</summary>
    public (long Chunks, long Bytes) Delivered => (Volatile.Read(ref _chunks), Volatile.Read(ref _bytes));

    public int Generation => _generation;

    public Errors.Redactor Redactor => _options.Redactor;

    /// <summary>Whether the answer was ended from outside, so that the next move throws.</summary>
    public bool IsAborted => _body is { End: not BodyEnd.None };

    public ReadOnlySequence<byte> PayloadOf(int generation)
    {
        if (generation != _generation) ThrowMovedOn();
        return _payloadStart != NotInWindow ? new ReadOnlySequence<byte>(_window, _payloadStart, _payloadLength) : _payloadSequence;
    }

    public long PayloadLengthOf(int generation)
    {
        if (generation != _generation) ThrowMovedOn();
        return _payloadStart != NotInWindow ? _payloadLength : _payloadSequence.Length;
    }

    /// <summary>The payload of the chunk that <see cref="TryTakeBufferedChunk"/> has just taken: such a one lies in one piece.</summary>
    public ReadOnlyMemory<byte> BufferedPayload => new(_window, _payloadStart, _payloadLength);

    /// <summary>Moves to the next message if that is a chunk, wholly buffered, and sound. Anything else is left for <see cref="ReadNextAsync"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTakeBufferedChunk()
    {
        // First of all: from here on the last chunk throws, before any buffer can go back.
        _generation++;

        var bytes = new ReadOnlySpan<byte>(_window, _next, _end - _next);
        if (!EventStreamDecoder.StartsWithWholeMessage(bytes, _maxMessageBytes, out var totalLength, out var headersLength)
            || !bytes.Slice(EventStreamDecoder.PreludeBytes, headersLength).SequenceEqual(_chunkHeaders)
            || !EventStreamDecoder.MessageCrcHolds(bytes[..totalLength])
            || headersLength == 0
            || _moving
            || _body!.End != BodyEnd.None)
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

    /// <summary>Moves to the next event, reading as much as it needs.</summary>
    /// <param name="throwOnFunctionError">Whether an <c>InvokeComplete</c> with an error code is thrown, or returned as an event.</param>
    /// <returns>The event's kind; <see cref="ResponseStreamEventKind.None"/> after the last one.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ResponseStreamEventKind> ReadNextAsync(bool throwOnFunctionError)
    {
        if (!TryBeginMove()) throw new InvalidOperationException("The previous MoveNextAsync is still in progress. Await it before the next one: an answer has one reader.");
        try
        {
            if (_failure is not null) throw _failure;
            if (_ended) return ResponseStreamEventKind.None;
            if (InvokeComplete is not null)
            {
                await DrainAsync().ConfigureAwait(false);
                return ResponseStreamEventKind.None;
            }

            while (true)
            {
                if (_body!.End != BodyEnd.None) throw new BodyEndedException();
                while (TryTakeMessage(out var kind))
                {
                    if (kind == ResponseStreamEventKind.None) continue;
                    if (kind == ResponseStreamEventKind.InvokeComplete && throwOnFunctionError && InvokeComplete!.IsFunctionError)
                    {
                        await DrainAsync().ConfigureAwait(false);
                        throw FunctionError();
                    }

                    if (!TryEndMove()) throw new BodyEndedException();
                    return kind;
                }

                await ReadMoreAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (!ReferenceEquals(exception, _failure))
        {
            _failure = Translate(exception);
            Telemetry?.Fail(_failure);
            Finish();
            if (ReferenceEquals(_failure, exception)) throw;
            throw _failure;
        }
        finally
        {
            _moving = false;
        }
    }

    /// <summary>Ends the enumeration, wherever it stands: chunks end, buffers go back, and the connection closes unless the body was read to its end.</summary>
    public void Dispose()
    {
        if (TryBeginDispose()) GiveUp();
    }

    /// <summary>As <see cref="Dispose"/>, but right after <c>InvokeComplete</c> the body is read to its end, so that the connection is used again.</summary>
    public ValueTask DisposeAsync()
    {
        if (!TryBeginDispose()) return default;
        if (InvokeComplete is not null && !_ended && _failure is null && _body!.End == BodyEnd.None) return new ValueTask(DrainAsync());
        GiveUp();
        return default;
    }

    private bool TryBeginMove()
    {
        lock (_moveLock)
        {
            if (_moving) return false;
            return _moving = true;
        }
    }

    // False where the enumeration was disposed meanwhile: then the mover cleans up.
    private bool TryEndMove()
    {
        lock (_moveLock)
        {
            if (_disposedWhileMoving) return false;
            _moving = false;
            return true;
        }
    }

    // False on another thread than the one that moves: that one works on the buffers, and gives them back.
    private bool TryBeginDispose()
    {
        _generation++;
        lock (_moveLock)
        {
            if (!_moving) return true;
            _disposedWhileMoving = true;
        }

        _body!.Abort(BodyEnd.Disposed);
        return false;
    }

    private bool TryTakeMessage(out ResponseStreamEventKind kind)
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

            switch (LambdaMessage.KindOf(block))
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
                    Telemetry?.Complete(InvokeComplete);
                    return ResponseStreamEventKind.InvokeComplete;
                case LambdaMessageKind.Exception or LambdaMessageKind.Error:
                    throw LambdaMessage.ReadError(block, message.Payload, Progress(), _options.Redactor);
                default:
                    if (_options.Logger.IsEnabled(LogLevel.Debug)) Log.UnknownEventSkipped(_options.Logger, _call.FunctionName, _options.Redactor.Name(LambdaMessage.EventTypeOf(block)));
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

    // Reads the body to its end within a short bound, so that the connection is used again. Whatever happens here, the answer was whole.
    private async Task DrainAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(DrainTimeout, _options.TimeProvider);
            await using var registration = limit.Token.UnsafeRegister(static body => ((ResponseStreamBody)body!).Abort(BodyEnd.Disposed), _body).ConfigureAwait(false);
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
            // Of any type: a caller's HttpClient may decompress, for one.
            if (_options.Logger.IsEnabled(LogLevel.Debug)) Log.DrainFailed(_options.Logger, _call.FunctionName, exception.GetType().Name);
        }
        finally
        {
            Finish();
        }
    }

    private void GiveUp()
    {
        // Whoever goes on reading must not take this for the end.
        if (!_ended && InvokeComplete is null) _failure = Disposed();
        Finish();
    }

    private void Finish()
    {
        _ended = true;
        _hasBuffer = false;
        SetWindow([], 0, 0);
        _body?.Complete();
    }

    /// <summary>What an exception says of the call, and of how far the answer came.</summary>
    public LambdaErrorDetails Progress() => _call with { ChunksReceived = _chunks, BytesReceived = _bytes };

    private string SoFar => ErrorText.SoFar(Progress());

    private Exception Translate(Exception exception) => exception switch
    {
        LambdaStreamingException and not ResponseStreamCorruptException => exception,
        ResponseStreamCorruptException corrupt => Corrupt(corrupt),
        BodyEndedException => _body!.End switch
        {
            BodyEnd.Cancelled => new InvocationCanceledException($"Reading the answer of {_call.FunctionName} was cancelled. The function is not stopped by that.", functionMayHaveRun: true, cancellationToken: _body.CancelledToken),
            BodyEnd.Idle => new ResponseStreamIdleException($"Nothing came from {_call.FunctionName} for {_options.IdleTimeout} ({nameof(LambdaStreamingClientOptions.IdleTimeout)}). {SoFar}", Progress()),
            _ => Disposed(),
        },
        ScriptedFailureException scripted => scripted.Failure,
        _ => Truncated(0, exception),
    };

    private static ObjectDisposedException Disposed() => new(nameof(InvokeWithResponseStreamResponse), "The response, or its enumerator, was disposed before the answer was read to its end.");

    private ResponseStreamCorruptException Corrupt(ResponseStreamCorruptException corrupt)
    {
        // Bytes that are no event stream, under a head that says so itself.
        if (_messageOffset == 0 && corrupt.Reason == ResponseStreamCorruption.PreludeChecksum && _options.UnexpectedContent is { } content) return Unexpected(content);
        return new ResponseStreamCorruptException($"{corrupt.Message} It begins at byte {_messageOffset} of the answer. {SoFar}", corrupt.Reason, _messageOffset, Progress());
    }

    private ResponseStreamException Truncated(long unread, Exception? cause)
    {
        if (cause is null && _messageOffset == 0 && _options.UnexpectedContent is { } content) return Unexpected(content);
        var how = cause is not null ? "broke off" : unread > 0 ? $"ended inside a message, of which {unread} bytes came," : "ended";
        return new ResponseStreamTruncatedException($"The answer of {_call.FunctionName} {how} before InvokeComplete: it is not whole. {SoFar}", Progress(), cause);
    }

    private ResponseStreamCorruptException Unexpected(UnexpectedContent content) => new(
        $"The answer's {content.Description} and its bytes are no event stream. Something between this client and Lambda may have answered in its place. {SoFar}",
        content.Reason,
        0,
        Progress());

    private FunctionErrorException FunctionError()
    {
        var details = Progress() with { ErrorCode = InvokeComplete!.ErrorCode, Advice = ErrorText.AdviceOf(InvokeComplete) };
        return new FunctionErrorException(ErrorText.FunctionFailed(details, InvokeComplete, _options.Redactor), InvokeComplete, details);
    }

    [DoesNotReturn]
    private static void ThrowMovedOn() =>
        throw new InvalidOperationException("This chunk ended when the enumeration moved on. Copy its bytes while it is current, with ToArray() or CopyTo().");
}
