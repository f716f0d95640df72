using System.Buffers;
using LambdaStreaming.Testing.EventStream;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The event stream of InvokeWithResponseStream: HTTP headers, chunks and <c>InvokeComplete</c>.</summary>
internal sealed class EventStreamBody(
    RawResponseWriter writer, FunctionInvocation invocation, LocalLambdaServerOptions options) : IResponseBody
{
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    private readonly ArrayBufferWriter<byte> _message = new(256);
    private readonly Bandwidth? _bandwidth = options.LimitBandwidth ? new(options.TimeProvider) : null;

    public long? MaxPayloadBytes => options.MaxResponseBytes;

    public bool HasEnded => writer.HasEnded;

    // It is not documented which header has the function's content type. According to the issue
    // awslabs/aws-sdk-rust#1075, the live service sends the event stream's content type in Content-Type.
    public Task StartAsync(string contentType) => writer.StartAsync(
        200,
        [
            new("Content-Type", options.SendFunctionContentType ? contentType : EventStreamContentType),
            new("X-Amz-Executed-Version", invocation.ExecutedVersion),
        ]);

    public async Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        if (_bandwidth is not null)
            await _bandwidth.TakeAsync(payload.Length, cancellationToken).ConfigureAwait(false);
        _message.ResetWrittenCount();
        EventStreamEncoder.WritePayloadChunk(_message, payload.Span);
        // A function whose wait was cancelled can already have changed its buffer.
        cancellationToken.ThrowIfCancellationRequested();
        await writer.WriteAsync(_message.WrittenMemory).ConfigureAwait(false);
    }

    public Task InterruptAsync(Interruption interruption) => writer.WriteAsync(interruption.Bytes);

    public Task AbortAsync(TruncationMode mode) => writer.AbortAsync(mode);

    public async Task CompleteAsync(FunctionError? error, LogTail log)
    {
        _message.ResetWrittenCount();
        EventStreamEncoder.WriteInvokeComplete(_message, CreateInvokeComplete(error, log));
        await writer.WriteAsync(_message.WrittenMemory).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }

    private byte[] CreateInvokeComplete(FunctionError? error, LogTail log) => JsonText.CreateObject(json =>
    {
        if (error is not null)
        {
            json.WriteString("ErrorCode", error.Code);
            json.WriteString("ErrorDetails", error.Details);
        }

        if (invocation.WantsLogTail) json.WriteString("LogResult", log.ToBase64());
    });
}
