using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>The body of the HTTP response, which records whether anything has been flushed.</summary>
/// <remarks>
/// <see cref="HttpResponse.HasStarted"/> alone is not sufficient: it stays false while middleware holds the body back.
/// </remarks>
internal sealed class TrackingPipeWriter(HttpContext context) : PipeWriter
{
    private bool _isFlushed;

    /// <summary>Whether data has been flushed, so that the status cannot be changed.</summary>
    public bool HasStarted => _isFlushed || context.Response.HasStarted;

    private PipeWriter Writer => field ??= context.Response.BodyWriter;

    /// <summary>Sends the headers before the first byte of the body.</summary>
    public async Task FlushHeadersAsync(CancellationToken cancellationToken)
    {
        // If middleware replaces the body's stream, a flush of the writer does nothing without data.
        await context.Response.Body.FlushAsync(cancellationToken).ConfigureAwait(false);
        _isFlushed = true;
    }

    public override void Advance(int bytes) => Writer.Advance(bytes);

    public override Memory<byte> GetMemory(int sizeHint = 0) => Writer.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => Writer.GetSpan(sizeHint);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        var result = await Writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        _isFlushed = true;
        return result;
    }

    public override void CancelPendingFlush() => Writer.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => Writer.Complete(exception);
}
