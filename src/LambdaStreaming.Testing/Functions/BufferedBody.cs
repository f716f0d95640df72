using System.Buffers;
using System.Globalization;
using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Http;

namespace LambdaStreaming.Testing.Functions;

/// <summary>The response of Invoke: nothing is sent before the function has ended.</summary>
internal sealed class BufferedBody(
    RawResponseWriter writer, FunctionInvocation invocation, InjectedFaults faults, LocalLambdaServerOptions options)
    : IResponseBody
{
    // Source: the error message of the live service, recorded by localstack/localstack on 24 November 2025
    // (tests/aws/services/lambda_/test_lambda.snapshot.json), and Lambda's own emulator (interop/model.go).
    private const int MaxBytes = (6 * 1024 * 1024) + 100;

    private readonly ArrayBufferWriter<byte> _payload = new();

    public long? MaxPayloadBytes => Math.Min(options.MaxResponseBytes ?? MaxBytes, MaxBytes);

    public bool HasEnded => writer.HasEnded;

    public Task StartAsync(string contentType) => Task.CompletedTask;

    public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        payload.Span.CopyTo(_payload.GetSpan(payload.Length));
        // A function whose wait was cancelled can already have changed its buffer.
        cancellationToken.ThrowIfCancellationRequested();
        _payload.Advance(payload.Length);
        return Task.CompletedTask;
    }

    public Task InterruptAsync(Interruption interruption) =>
        interruption.Error is { } error ? writer.WriteErrorAsync(error) : Task.CompletedTask;

    /// <summary>Sends the chunks that exist, as an incomplete body.</summary>
    public async Task AbortAsync(TruncationMode mode)
    {
        // A body that ends properly must have its exact length. Any other body is at least one byte too short.
        var length = _payload.WrittenCount + (mode == TruncationMode.EndOfBody ? 0 : 1);
        await SendAsync(_payload.WrittenMemory, length, []).ConfigureAwait(false);
        await writer.AbortAsync(mode).ConfigureAwait(false);
    }

    // An empty output is an empty body. Inferred: runtimes send "null" for a function that returns nothing, and the
    // service does not change their responses.
    public async Task CompleteAsync(FunctionError? error, LogTail log)
    {
        // Inferred: if a function fails after it has written chunks, the response contains only the error.
        var body = error?.ToJson() ?? _payload.WrittenMemory;
        var headers = new List<KeyValuePair<string, string>>();
        if (error is not null) headers.Add(new("X-Amz-Function-Error", "Unhandled"));
        if (invocation.WantsLogTail) headers.Add(new("X-Amz-Log-Result", log.ToBase64()));
        await SendAsync(body, body.Length, headers).ConfigureAwait(false);
        await writer.CompleteAsync().ConfigureAwait(false);
    }

    private async Task SendAsync(
        ReadOnlyMemory<byte> body, long length, List<KeyValuePair<string, string>> headers)
    {
        if (faults.Truncation is { Mode: TruncationMode.EndOfBody } truncation)
            length = Math.Min(length, truncation.AfterBytes);
        headers.Add(new("Content-Type", "application/json"));
        headers.Add(new("Content-Length", length.ToString(CultureInfo.InvariantCulture)));
        headers.Add(new("X-Amz-Executed-Version", invocation.ExecutedVersion));
        await writer.StartAsync(200, headers).ConfigureAwait(false);
        await writer.WriteAsync(body).ConfigureAwait(false);
    }
}
