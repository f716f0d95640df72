using System.Buffers;
using System.Runtime.CompilerServices;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>Reads the payload of one response as a series of spans. All payload readers use it, so none of them sees chunk boundaries.</summary>
/// <remarks>A span is valid until the next move, as a chunk is. Moves belong to the consumer; other threads may call <see cref="Dispose"/> and <see cref="Abort"/>.</remarks>
internal sealed class PayloadSegmentReader(InvokeWithResponseStreamResponse response, ResponseStreamReader reader) : IDisposable
{
    // What of the current chunk comes after Current.
    private ReadOnlySequence<byte> _chunk;
    private SequencePosition _position;
    private bool _hasChunk;
    private ReadOnlyMemory<byte> _unread;

    /// <summary>The current piece; never empty after a move that returned <see langword="true"/>.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>How far the answer came, for exceptions.</summary>
    public LambdaErrorDetails Progress => reader.Progress();

    public Errors.Redactor Redactor => reader.Redactor;

    /// <summary>Moves on if the next piece is here already.</summary>
    public bool TryMoveNext()
    {
        if ((_hasChunk || !_unread.IsEmpty) && TryTakePending()) return true;

        // As nearly all small chunks come: each wholly in the buffer, in one piece.
        while (reader.TryReadBufferedChunk())
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
    public ValueTask<bool> MoveNextAsync() => TryMoveNext() ? new ValueTask<bool>(true) : MoveNextCoreAsync();

    /// <summary>Makes <paramref name="bytes"/> the next piece: what of the current one was not wanted, or a copy of what was.</summary>
    public void Unread(ReadOnlyMemory<byte> bytes) => _unread = bytes;

    /// <summary>The source to abort, for <see cref="GuardedEnumerator{T}"/>.</summary>
    public IAbortable Source => reader;

    /// <summary>Lets <paramref name="cancellationToken"/> end the reading, now or later.</summary>
    public void RegisterCancellation(CancellationToken cancellationToken) => response.RegisterCancellation(cancellationToken);

    /// <summary>Ends the reading, from any thread. Unlike a file's, it can't be taken up again.</summary>
    public void Abort(CancellationToken cancellationToken) => response.Abort(cancellationToken);

    /// <summary>Aborts the response if it was not read to its end.</summary>
    public void Dispose() => reader.Dispose();

    public PayloadFormatException CreateFormatException(string what, long? byteOffset, long? valueIndex, Exception? cause = null, string? eventType = null, string? dataExcerpt = null)
    {
        var progress = Progress;
        return new PayloadFormatException($"{what}{Describe(progress)}", byteOffset, valueIndex, progress, cause) { EventType = eventType, DataExcerpt = dataExcerpt };
    }

    public PayloadLimitExceededException CreateLimitException(string what, string limit, int limitBytes, long byteOffset, string instead = "")
    {
        var progress = Progress;
        return new PayloadLimitExceededException(
            $"{what} that begins at byte {byteOffset} of the payload is longer than {limitBytes} bytes. If that is genuine, raise {nameof(PayloadReadOptions)}.{limit}{instead}.{Describe(progress)}",
            limit,
            limitBytes,
            byteOffset,
            progress);
    }

    private static string Describe(LambdaErrorDetails progress) =>
        $" Function {progress.FunctionName}{(string.IsNullOrEmpty(progress.RequestId) ? "" : $", request id {progress.RequestId}")}.";

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> MoveNextCoreAsync()
    {
        Current = default;
        while (true)
        {
            var kind = await reader.ReadNextAsync(throwOnFunctionError: true).ConfigureAwait(false);
            if (kind != ResponseStreamEventKind.PayloadChunk) return false;
            _chunk = reader.CurrentPayload;
            _position = _chunk.Start;
            _hasChunk = true;
            if (TryTakePiece()) return true;
        }
    }

    private bool TryTakePending()
    {
        if (_unread.IsEmpty) return TryTakePiece();
        Current = _unread;
        _unread = default;
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
