using System.Buffers;
using System.Runtime.CompilerServices;
using LambdaStreaming.Errors;
using LambdaStreaming.ResponseStream;

namespace LambdaStreaming.Payload;

/// <summary>Reads the payload of one response as a sequence of memory segments.</summary>
/// <remarks>
/// All payload readers use this class, so that none of them depends on chunk boundaries. A segment is valid until the
/// next call of <see cref="TryMoveNext"/> or <see cref="MoveNextAsync"/>. Only the consumer calls these two; other
/// threads can call <see cref="Dispose"/> and <see cref="Abort"/>.
/// </remarks>
internal sealed class PayloadSegmentReader(InvokeWithResponseStreamResponse response, ResponseStreamReader reader)
    : IDisposable
{
    // The current chunk. The segments from _position on have not been read. _unread precedes them.
    private ReadOnlySequence<byte> _chunk;
    private SequencePosition _position;
    private bool _hasChunk;
    private ReadOnlyMemory<byte> _unread;

    /// <summary>The current segment. It is not empty after <see cref="MoveNextAsync"/> has returned true.</summary>
    public ReadOnlyMemory<byte> Current { get; private set; }

    /// <summary>The details for an exception: the call, and the chunks that were received so far.</summary>
    public LambdaErrorDetails ErrorDetails => reader.CreateErrorDetails();

    public Redactor Redactor => reader.Redactor;

    /// <summary>The source to abort, for <see cref="GuardedEnumerator{T}"/>.</summary>
    public IAbortable Source => reader;

    /// <summary>Moves to the next segment if it has already been received.</summary>
    /// <returns>False also for a received chunk that needs the slow path of <see cref="MoveNextAsync"/>.</returns>
    public bool TryMoveNext()
    {
        if ((_hasChunk || !_unread.IsEmpty) && TryTakePending()) return true;

        // The usual case for small chunks: each is complete in the buffer, in one segment.
        while (reader.TryReadBufferedChunk())
        {
            var segment = reader.BufferedPayload;
            if (segment.IsEmpty) continue;
            Current = segment;
            return true;
        }

        Current = default;
        return false;
    }

    /// <summary>Moves to the next segment, reading if necessary.</summary>
    /// <returns>False after <c>InvokeComplete</c> without an error. A failed or incomplete response throws.</returns>
    public ValueTask<bool> MoveNextAsync() => TryMoveNext() ? new ValueTask<bool>(true) : MoveNextCoreAsync();

    /// <summary>Makes <paramref name="bytes"/> the next segment.</summary>
    /// <param name="bytes">The unused end of the current segment, or a copy of bytes that were read before.</param>
    public void Unread(ReadOnlyMemory<byte> bytes) => _unread = bytes;

    /// <summary>Aborts the response when <paramref name="cancellationToken"/> is cancelled.</summary>
    public void RegisterCancellation(CancellationToken cancellationToken) =>
        response.RegisterCancellation(cancellationToken);

    /// <summary>Aborts the response. Callable from any thread. Reading cannot be resumed.</summary>
    public void Abort(CancellationToken cancellationToken) => response.Abort(cancellationToken);

    /// <summary>Aborts the response if it was not read to its end.</summary>
    public void Dispose() => reader.Dispose();

    /// <summary>Creates the exception for a cancelled token that did not abort the response.</summary>
    /// <param name="cause">The exception of the operation that the token ended, if one had begun.</param>
    /// <param name="cancellationToken">The cancelled token.</param>
    public InvocationCanceledException CreateCanceledException(
        OperationCanceledException? cause,
        CancellationToken cancellationToken) =>
        ResponseStreamFailures.Cancelled(ErrorDetails, cancellationToken, cause);

    public PayloadFormatException CreateFormatException(
        string problem,
        long? byteOffset,
        long? valueIndex,
        Exception? cause = null,
        string? eventType = null,
        string? dataExcerpt = null)
    {
        var details = ErrorDetails;
        var message = $"{problem} {DescribeCall(details)}";
        return new PayloadFormatException(message, byteOffset, valueIndex, details, cause)
        {
            EventType = eventType,
            DataExcerpt = dataExcerpt,
        };
    }

    /// <param name="subject">The part of the payload that is too long.</param>
    /// <param name="limit">The name of the option.</param>
    /// <param name="limitBytes">The value of the option.</param>
    /// <param name="byteOffset">Offset of <paramref name="subject"/> in the payload, in bytes.</param>
    /// <param name="alternative">What to do instead of raising the limit.</param>
    public PayloadLimitExceededException CreateLimitException(
        string subject,
        string limit,
        int limitBytes,
        long byteOffset,
        string alternative = "")
    {
        var details = ErrorDetails;
        var place = byteOffset == 0 ? "" : $", which begins at payload byte {byteOffset},";
        var message = $"{subject}{place} is longer than {ExceptionMessages.Count(limitBytes, "byte")}. "
            + $"If this size is expected, raise {nameof(PayloadReadOptions)}.{limit}{alternative}. "
            + DescribeCall(details);
        return new PayloadLimitExceededException(message, limit, limitBytes, byteOffset, details);
    }

    private static string DescribeCall(LambdaErrorDetails details) => string.IsNullOrEmpty(details.RequestId)
        ? $"(function {details.FunctionName})."
        : $"(function {details.FunctionName}, request id {details.RequestId}).";

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
            if (TryTakeSegment()) return true;
        }
    }

    private bool TryTakePending()
    {
        if (_unread.IsEmpty) return TryTakeSegment();
        Current = _unread;
        _unread = default;
        return true;
    }

    private bool TryTakeSegment()
    {
        while (_chunk.TryGet(ref _position, out var segment))
        {
            if (segment.IsEmpty) continue;
            Current = segment;
            return true;
        }

        _hasChunk = false;
        return false;
    }
}
