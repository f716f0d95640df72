using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>The body of the browser's answer. It knows whether the answer has begun also where a middleware holds the body back, so that the server has not started to send it.</summary>
internal sealed class TrackingPipeWriter(HttpContext context) : PipeWriter
{
    private bool _flushed;

    /// <summary>Whether it is too late for another status: something of the function's answer has gone where it can't be taken back.</summary>
    public bool HasBegun => _flushed || context.Response.HasStarted;

    private PipeWriter Writer => field ??= context.Response.BodyWriter;

    public override void Advance(int bytes) => Writer.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => Writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => Writer.GetSpan(sizeHint);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var flushed = await Writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        _flushed = true;
        return flushed;
    }

    public override void CancelPendingFlush() => Writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => Writer.Complete(exception);
}
