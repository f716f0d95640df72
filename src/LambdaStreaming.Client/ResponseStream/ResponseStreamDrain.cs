using System.Buffers;
using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.ResponseStream;

/// <summary>
/// Reads to the end of the HTTP body after <c>InvokeComplete</c>, so that the connection can be reused.
/// </summary>
internal static class ResponseStreamDrain
{
    private const long MaxBytes = 64 * 1024;

    private static readonly TimeSpan MaxTime = TimeSpan.FromMilliseconds(250);

    /// <summary>Reads and ignores the remaining bytes, within limits.</summary>
    /// <remarks>
    /// Call it only between <see cref="ResponseStreamBody.TryBeginMove"/> and <see
    /// cref="ResponseStreamBody.Complete"/>. The response is already complete, so a failure is logged and never thrown.
    /// </remarks>
    /// <param name="body">The body.</param>
    /// <param name="buffer">The bytes that were received after <c>InvokeComplete</c>.</param>
    /// <param name="isRead">Whether the body has already been read to its end.</param>
    /// <param name="options">The clock and the log.</param>
    /// <param name="call">The details of the call, for the log.</param>
    public static async ValueTask RunAsync(
        ResponseStreamBody body,
        ReadOnlySequence<byte> buffer,
        bool isRead,
        ResponseStreamReaderOptions options,
        LambdaErrorDetails call)
    {
        var ignored = buffer.Length;
        try
        {
            using var limit = new CancellationTokenSource(MaxTime, options.TimeProvider);
            await using var registration = limit.Token.UnsafeRegister(
                static state => ((ResponseStreamBody)state!).Abort(AbortReason.Disposed), body).ConfigureAwait(false);
            body.AdvanceTo(buffer.End, buffer.End, unconsumedBytes: 0);
            while (!isRead && ignored <= MaxBytes)
            {
                var result = await body.ReadAsync().ConfigureAwait(false);
                ignored += result.Buffer.Length;
                isRead = result.IsCompleted;
                body.AdvanceTo(result.Buffer.End, result.Buffer.End, unconsumedBytes: 0);
            }
        }
        catch (Exception exception)
        {
            // A handler of the caller's HttpClient, such as a decompressor, can throw any exception type.
            if (options.Logger.IsEnabled(LogLevel.Debug))
                Log.DrainFailed(options.Logger, call.FunctionName, exception.GetType().Name);
        }

        if (ignored > 0) Log.BytesAfterInvokeComplete(options.Logger, call.FunctionName, ignored);
    }
}
