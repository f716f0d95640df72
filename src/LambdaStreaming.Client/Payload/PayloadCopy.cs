using System.Buffers;
using System.IO.Pipelines;

namespace LambdaStreaming.Payload;

/// <summary>Passes a payload on, or gathers it whole.</summary>
internal static class PayloadCopy
{
    // A pipe is flushed at the latest when so much is in it: below, small chunks would cost a wake-up of its reader each.
    private const int MaxUnflushedBytes = 16 * 1024;

    /// <summary>Writes piece by piece. Whatever is written is flushed before any wait, so nothing stays behind while the function is silent; nor does a failure keep it back.</summary>
    public static async Task ToStreamAsync(PayloadSegmentReader cursor, Stream destination, CancellationToken cancellationToken)
    {
        using var _ = cursor;
        var unflushed = false;
        while (true)
        {
            // Not awaited when it waits or failed: first what came before goes out.
            var move = cursor.MoveNextAsync();
            if (unflushed && !move.IsCompletedSuccessfully)
            {
                try
                {
                    await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
                catch
                {
                    // The read that is in progress ends too; nobody else observes its failure.
                    cursor.Dispose();
                    await ((Task)move.AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw;
                }

                unflushed = false;
            }

            if (!await move.ConfigureAwait(false)) break;
            await destination.WriteAsync(cursor.Current, cancellationToken).ConfigureAwait(false);
            unflushed = true;
        }

        if (unflushed) await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc cref="ToStreamAsync"/>
    public static async Task ToPipeAsync(PayloadSegmentReader cursor, PipeWriter destination, CancellationToken cancellationToken)
    {
        using var _ = cursor;
        var unflushed = 0;
        while (true)
        {
            if (cursor.TryMoveNext())
            {
                destination.Write(cursor.Current.Span);
                unflushed += cursor.Current.Length;
                if (unflushed < MaxUnflushedBytes) continue;
            }

            if (unflushed > 0)
            {
                // Back-pressure: this waits while the pipe's reader is behind. No read is pending meanwhile, so the function is slowed down too.
                unflushed = 0;
                var flushed = await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
                if (flushed.IsCanceled) throw new OperationCanceledException("The flush of the pipe was cancelled by CancelPendingFlush.");
                if (flushed.IsCompleted) return;
            }

            if (!await cursor.MoveNextAsync().ConfigureAwait(false)) return;
            destination.Write(cursor.Current.Span);
            unflushed = cursor.Current.Length;
        }
    }

    /// <summary>Gathers the whole payload in an array of the pool, lets <paramref name="use"/> make the result of it, and gives the array back.</summary>
    public static async Task<TResult> ReadToEndAsync<TState, TResult>(PayloadSegmentReader cursor, PayloadReadOptions options, TState state, Func<PayloadSegmentReader, ReadOnlyMemory<byte>, TState, TResult> use)
    {
        using var _ = cursor;
        byte[] buffer = [];
        var count = 0;
        try
        {
            while (await cursor.MoveNextAsync().ConfigureAwait(false))
            {
                var piece = cursor.Current;
                if (piece.Length > options.MaxPayloadBytes - count)
                    throw cursor.CreateLimitException("The payload", nameof(PayloadReadOptions.MaxPayloadBytes), options.MaxPayloadBytes, 0, ", or read it in parts");
                PayloadBuffer.Reserve(ref buffer, count, piece.Length);
                piece.CopyTo(buffer.AsMemory(count));
                count += piece.Length;
            }

            return use(cursor, buffer.AsMemory(0, count), state);
        }
        finally
        {
            PayloadBuffer.Release(ref buffer);
        }
    }
}
