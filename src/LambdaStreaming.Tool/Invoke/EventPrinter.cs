using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>Prints what happens as one JSON object a line: <c>head</c>, each <c>chunk</c>, and last <c>complete</c> or <c>error</c>.</summary>
internal sealed class EventPrinter(OutputWriter output, StreamStatistics stats)
{
    private static readonly TimeSpan AfterCtrlC = TimeSpan.FromSeconds(1);

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public async Task PrintAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        await WriteAsync("head", json =>
        {
            json.WriteNumber("statusCode", (int)response.StatusCode);
            json.WriteString("requestId", response.RequestId);
            json.WriteString("executedVersion", response.ExecutedVersion);
            json.WriteString("contentType", response.ResponseStreamContentType);
        }, cancellationToken);

        stats.Waits();
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
        {
            stats.Chunk(chunk.Length);
            var bytes = chunk.ToArray();
            await WriteAsync("chunk", json => WritePayload(json, bytes), cancellationToken);
            stats.Waits();
        }

        await WriteAsync("complete", json => WriteLog(json, response.InvokeComplete), cancellationToken);
    }

    /// <summary>The last line, where the answer did not come to its end; also after Ctrl-C, as long as somebody reads it.</summary>
    public async Task PrintAsync(Exception exception, string text, CancellationToken cancellationToken)
    {
        if (output.HasPendingWrite) return;
        if (!cancellationToken.IsCancellationRequested)
        {
            await WriteErrorAsync(exception, text, cancellationToken);
            return;
        }

        using var patience = new CancellationTokenSource(AfterCtrlC, TimeProvider.System);
        await WriteErrorAsync(exception, text, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task WriteErrorAsync(Exception exception, string text, CancellationToken cancellationToken) => WriteAsync("error", json =>
    {
        json.WriteNumber("exitCode", Failure.GetExitCode(exception));
        if (exception is ToolException { InnerException: { } inner }) exception = inner;
        json.WriteString("type", exception.GetType().Name);
        json.WriteString("message", text);
        if (exception is InterruptedException interrupted) json.WriteBoolean("functionMayHaveRun", interrupted.FunctionMayHaveRun);
        if (exception is not LambdaStreamingException e) return;
        json.WriteString("errorCode", e.ErrorCode is { Length: > 0 } code ? code : null);
        json.WriteString("requestId", e.RequestId is { Length: > 0 } id ? id : null);
        json.WriteBoolean("functionMayHaveRun", e.FunctionMayHaveRun);
        json.WriteBoolean("isSafeToRetry", e.IsSafeToRetry);
        if (exception is not FunctionErrorException function) return;
        json.WriteString("errorDetails", function.ErrorDetails);
        WriteLog(json, function.InvokeComplete);
    }, cancellationToken);

    private static void WriteLog(Utf8JsonWriter json, InvokeComplete? complete)
    {
        if (InvocationOptions.GetLog(complete) is { } log) json.WriteString("log", log);
    }

    private static void WritePayload(Utf8JsonWriter json, byte[] bytes)
    {
        try
        {
            json.WriteString("text", StrictUtf8.GetString(bytes));
        }
        catch (DecoderFallbackException)
        {
            json.WriteBase64String("base64", bytes);
        }
    }

    private Task WriteAsync(string name, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        var line = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("event", name);
            json.WriteNumber("milliseconds", Math.Round(stats.Elapsed.TotalMilliseconds, 1));
            write(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return output.WriteAsync(new ReadOnlySequence<byte>(line.WrittenMemory), cancellationToken);
    }
}
