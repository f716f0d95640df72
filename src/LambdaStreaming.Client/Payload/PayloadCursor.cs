using System.Buffers;
using System.Runtime.CompilerServices;
using LambdaStreaming.EventStream;

namespace LambdaStreaming.Payload;

/// <summary>Walks over the payload of one answer in pieces, each one span. Every reader here stands on it, so none sees where a chunk began.</summary>
/// <remarks>A piece is borrowed, as chunks are: it is good until the next move. The consumer's thread alone runs this.</remarks>
internal sealed class PayloadCursor(InvokeWithResponseStreamResponse response, ResponseStreamReader reader) : IDisposable
{
    // What of the current chunk comes after Current.
    private ReadOnlySequence<byte> _chunk;
    private SequencePosition _position;
    private bool _hasChunk;
    private ReadOnlyMemory<byte> _kept;

    /// <summary>The current piece; never empty after a move that returned <see langword="true"/>.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>How far the answer came, for exceptions.</summary>
    public LambdaErrorDetails Progress => reader.Progress();

    public Errors.Redactor Redactor => reader.Redactor;

    /// <summary>Moves on if the next piece is here already.</summary>
    public bool TryMoveNext()
    {
        if ((_hasChunk || !_kept.IsEmpty) && TryTakeHeld()) return true;

        // As nearly all small chunks come: each wholly in the buffer, in one piece.
        while (reader.TryTakeBufferedChunk())
        {
            var piece = reader.BufferedPayload;
            if (piece.IsEmpty) continue;
            Current = piece;
            return true;
        }

        Current = default;
        return false;
    }

    /// <summary>Moves on, reading where it must.</summary>
    /// <returns><see langword="false"/> after a whole <c>InvokeComplete</c>; any other end throws.</returns>
    public ValueTask<bool> MoveNextAsync() => TryMoveNext() ? new ValueTask<bool>(true) : MoveSlowlyAsync();

    /// <summary>Makes <paramref name="bytes"/> the next piece: what of the current one was not wanted, or a copy of what was.</summary>
    public void Keep(ReadOnlyMemory<byte> bytes) => _kept = bytes;

    /// <summary>Throws if the answer was cancelled or disposed meanwhile. For readers that have more than one value in a piece.</summary>
    public ValueTask ThrowIfAbortedAsync() => reader.IsAborted ? new ValueTask(MoveSlowlyAsync().AsTask()) : default;

    /// <summary>Lets <paramref name="cancellationToken"/> end the reading, now or later.</summary>
    public void AbortOn(CancellationToken cancellationToken) => response.AbortOn(cancellationToken);

    /// <summary>Ends the reading, from any thread. Unlike a file's, it can't be taken up again.</summary>
    public void Abort(CancellationToken cancellationToken) => response.Abort(cancellationToken);

    /// <summary>Frees the connection: the enumeration ends here. A move never stops between <c>InvokeComplete</c> and the body's end, so there is nothing to wait for.</summary>
    public void Dispose()
    {
        _hasChunk = false;
        _kept = Current = default;
        reader.Dispose();
    }

    public PayloadFormatException BadFormat(string what, long? byteOffset, long? valueIndex, Exception? cause = null)
    {
        var progress = Progress;
        return new PayloadFormatException($"{what}{Of(progress)}", byteOffset, valueIndex, progress, cause);
    }

    public PayloadLimitExceededException TooLong(string what, string limit, int limitBytes, long byteOffset, string instead = "")
    {
        var progress = Progress;
        return new PayloadLimitExceededException(
            $"{what} that begins at byte {byteOffset} of the payload is longer than {limitBytes} bytes. If that is genuine, raise {nameof(PayloadReadOptions)}.{limit}{instead}.{Of(progress)}",
            limit,
            limitBytes,
            byteOffset,
            progress);
    }

    private static string Of(LambdaErrorDetails progress) =>
        $" Function {progress.FunctionName}{(string.IsNullOrEmpty(progress.RequestId) ? "" : $", request id {progress.RequestId}")}.";

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveSlowlyAsync()
    {
        Current = default;
        while (true)
        {
            var kind = await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false);

            // Nothing comes after InvokeComplete: asking again reads the body to its end, so that the connection can be used again.
            if (kind == ResponseStreamEventKind.InvokeComplete) kind = await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false);
            if (kind == ResponseStreamEventKind.None) return false;
            _chunk = reader.PayloadOf(reader.Generation);
            _position = _chunk.Start;
            _hasChunk = true;
            if (TryTakePiece()) return true;
        }
    }

    private bool TryTakeHeld()
    {
        if (_kept.IsEmpty) return TryTakePiece();
        Current = _kept;
        _kept = default;
        return true;
    }

    private bool TryTakePiece()
    {
        while (_chunk.TryGet(ref _position, out var piece))
        {
            if (piece.IsEmpty) continue;
            Current = piece;
            return true;
        }

        _hasChunk = false;
        return false;
    }
}
