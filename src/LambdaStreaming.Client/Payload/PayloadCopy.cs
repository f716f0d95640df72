using System.Buffers;
using System.IO.Pipelines;

namespace LambdaStreaming.Payload;

/// <summary>Copies a payload to a stream or a pipe, or reads it to its end.</summary>
internal static class PayloadCopy
{
    // Maximum number of bytes that are written to a pipe without a flush. Flushing each small chunk would wake the
    // pipe's reader for each of them.
    private const int MaxUnflushedBytes = 16 * 1024;

    // Larger segments are divided by the pipe, which might not have a buffer of their size.
    private const int MaxSharedBytes = 4096;

    /// <summary>Copies the payload to a stream.</summary>
    /// <remarks>
    /// All written bytes are flushed before each wait for data, so that no byte stays in a buffer while the function is
    /// idle. Written bytes are also flushed before a failure is thrown.
    /// </remarks>
    public static Task ToStreamAsync(
        PayloadSegmentReader segments,
        Stream destination,
        CancellationToken cancellationToken) =>
        EndAsync(WriteToAsync(segments, destination, cancellationToken), segments, cancellationToken);

    /// <summary>Copies the payload to a pipe.</summary>
    /// <inheritdoc cref="ToStreamAsync" path="/remarks"/>
    public static Task ToPipeAsync(
        PayloadSegmentReader segments,
        PipeWriter destination,
        CancellationToken cancellationToken) =>
        EndAsync(WriteToAsync(segments, destination, cancellationToken), segments, cancellationToken);

    /// <summary>Reads the payload to its end, and creates the result from a pooled array.</summary>
    /// <param name="segments">The payload.</param>
    /// <param name="options">The limit.</param>
    /// <param name="createResult">Creates the result. The bytes are valid only during the call.</param>
    public static async Task<T> ReadToEndAsync<T>(
        PayloadSegmentReader segments,
        PayloadReadOptions options,
        Func<PayloadSegmentReader, ReadOnlyMemory<byte>, T> createResult)
    {
        using var _ = segments;
        byte[] buffer = [];
        var count = 0;
        try
        {
            while (await segments.MoveNextAsync().ConfigureAwait(false))
            {
                var segment = segments.Current;
                if (segment.Length > options.MaxPayloadBytes - count) throw CreateLimitException(segments, options);
                PayloadBuffer.Reserve(ref buffer, count, segment.Length);
                segment.CopyTo(buffer.AsMemory(count));
                count += segment.Length;
            }

            return createResult(segments, buffer.AsMemory(0, count));
        }
        finally
        {
            PayloadBuffer.Release(ref buffer);
        }
    }

    /// <summary>Disposes the payload after the copy. If the token ended the copy, cancels the response.</summary>
    /// <exception cref="InvocationCanceledException">
    /// The destination has thrown another exception for the cancelled token.
    /// </exception>
    private static async Task EndAsync(
        Task copy,
        PayloadSegmentReader segments,
        CancellationToken cancellationToken)
    {
        using var _ = segments;
        try
        {
            await copy.ConfigureAwait(false);
        }
        catch (OperationCanceledException exception)
            when (exception is not InvocationCanceledException && cancellationToken.IsCancellationRequested)
        {
            segments.Abort(cancellationToken);
            throw segments.CreateCanceledException(exception, cancellationToken);
        }
    }

    private static async Task WriteToAsync(
        PayloadSegmentReader segments,
        Stream destination,
        CancellationToken cancellationToken)
    {
        var hasUnflushed = false;
        while (true)
        {
            // Flush before awaiting a MoveNextAsync that is pending or has failed.
            var move = segments.MoveNextAsync();
            if (hasUnflushed && !move.IsCompletedSuccessfully)
            {
                try
                {
                    await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
                catch
                {
                    // End the pending MoveNextAsync. Observe its failure, because nothing else awaits it.
                    if (cancellationToken.IsCancellationRequested) segments.Abort(cancellationToken);
                    segments.Dispose();
                    await ((Task)move.AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw;
                }

                hasUnflushed = false;
            }

            if (!await move.ConfigureAwait(false)) break;
            await destination.WriteAsync(segments.Current, cancellationToken).ConfigureAwait(false);
            hasUnflushed = true;
        }

        if (hasUnflushed) await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static async Task WriteToAsync(
        PayloadSegmentReader segments,
        PipeWriter destination,
        CancellationToken cancellationToken)
    {
        while (await segments.MoveNextAsync().ConfigureAwait(false))
        {
            WriteAvailable(segments, destination);

            // The flush waits while the pipe's reader is behind. No read of the response is pending during that time,
            // so back-pressure reaches the function.
            var flushed = await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (flushed.IsCanceled) throw CreateFlushCanceledException();
            if (flushed.IsCompleted) return;
        }
    }

    /// <summary>Writes the current segment and those that are available, up to a limit, without a flush.</summary>
    /// <remarks>Small segments share one call of <see cref="PipeWriter.Advance"/>, which can take a lock.</remarks>
    private static void WriteAvailable(PayloadSegmentReader segments, PipeWriter destination)
    {
        var total = 0;
        var free = Span<byte>.Empty;
        var filled = 0;
        do
        {
            var segment = segments.Current.Span;
            total += segment.Length;
            if (segment.Length > free.Length)
            {
                if (filled > 0) destination.Advance(filled);
                filled = 0;
                free = destination.GetSpan(Math.Min(segment.Length, MaxSharedBytes));
            }

            if (segment.Length <= free.Length)
            {
                segment.CopyTo(free);
                free = free[segment.Length..];
                filled += segment.Length;
            }
            else
            {
                destination.Write(segment);
                free = [];
            }
        }
        while (total < MaxUnflushedBytes && segments.TryMoveNext());

        if (filled > 0) destination.Advance(filled);
    }

    private static OperationCanceledException CreateFlushCanceledException() =>
        new($"The flush of the pipe was cancelled by {nameof(PipeWriter.CancelPendingFlush)}.");

    private static PayloadLimitExceededException CreateLimitException(
        PayloadSegmentReader segments,
        PayloadReadOptions options) =>
        segments.CreateLimitException(
            "The payload",
            nameof(PayloadReadOptions.MaxPayloadBytes),
            options.MaxPayloadBytes,
            byteOffset: 0,
            ", or read it in parts");
}
