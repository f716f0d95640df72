using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>Prints the events of an invocation as JSON lines.</summary>
/// <remarks>The events are <c>headers</c>, each <c>chunk</c>, and last <c>complete</c> or <c>error</c>.</remarks>
internal sealed class EventPrinter(OutputWriter output, StreamStatistics statistics, ToolConsole console)
{
    private static readonly TimeSpan WriteTimeoutAfterCtrlC = TimeSpan.FromSeconds(1);

    private bool _hasLastLine;

    public async Task PrintAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        await WriteAsync("headers", json => WriteHeaders(json, response), cancellationToken);

        statistics.BeginWait();
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
        {
            statistics.RecordChunk(chunk.Length);
            var bytes = chunk.ToArray();
            await WriteAsync("chunk", json => WritePayload(json, bytes), cancellationToken);
            statistics.BeginWait();
        }

        _hasLastLine = true;
        await WriteAsync("complete", json => WriteLog(json, response.InvokeComplete), cancellationToken);
    }

    /// <summary>Prints the failure as the last line, unless that is <c>complete</c>.</summary>
    /// <remarks>After Ctrl-C, it waits at most 1 s for the output.</remarks>
    public async Task PrintAsync(Exception exception, string text, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout.InfiniteTimeSpan, TimeProvider.System);
        using var registration = cancellationToken.Register(() => timeout.CancelAfter(WriteTimeoutAfterCtrlC));
        try
        {
            if (await output.EndAbandonedWriteAsync(timeout.Token) && !_hasLastLine)
                await WriteAsync("error", json => WriteError(json, exception, text), timeout.Token);
        }
        catch (Exception failure) when (failure is ToolException || cancellationToken.IsCancellationRequested)
        {
            // The failure itself is more important than that of the output.
        }
    }

    private static void WriteHeaders(Utf8JsonWriter json, InvokeWithResponseStreamResponse response)
    {
        json.WriteNumber("statusCode", (int)response.StatusCode);
        json.WriteString("requestId", response.RequestId);
        json.WriteString("executedVersion", response.ExecutedVersion);
        json.WriteString("contentType", response.ResponseStreamContentType);
    }

    private void WriteError(Utf8JsonWriter json, Exception exception, string text)
    {
        json.WriteNumber("exitCode", Failure.GetExitCode(exception, console));
        if (exception is ToolException { InnerException: { } inner })
            exception = inner;
        json.WriteString("type", exception.GetType().Name);
        json.WriteString("message", text);
        if (exception is InterruptedException interrupted)
            json.WriteBoolean("functionMayHaveRun", interrupted.FunctionMayHaveRun);
        if (exception is not LambdaStreamingException failure)
            return;
        json.WriteString("errorCode", failure.ErrorCode is { Length: > 0 } code ? code : null);
        json.WriteString("requestId", failure.RequestId is { Length: > 0 } id ? id : null);
        json.WriteBoolean("functionMayHaveRun", failure.FunctionMayHaveRun);
        json.WriteBoolean("isSafeToRetry", failure.IsSafeToRetry);
        if (exception is not FunctionErrorException function)
            return;
        json.WriteString("errorDetails", function.ErrorDetails);
        WriteLog(json, function.InvokeComplete);
    }

    private static void WriteLog(Utf8JsonWriter json, InvokeComplete? complete)
    {
        if (InvocationOptions.GetLog(complete) is { } log)
            json.WriteString("log", log);
    }

    private static void WritePayload(Utf8JsonWriter json, byte[] bytes)
    {
        if (Utf8.IsValid(bytes))
            json.WriteString("text", bytes);
        else
            json.WriteBase64String("base64", bytes);
    }

    private Task WriteAsync(string name, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        var line = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(line, options))
        {
            json.WriteStartObject();
            json.WriteString("event", name);
            json.WriteNumber("milliseconds", Math.Round(statistics.Elapsed.TotalMilliseconds, 1));
            write(json);
            json.WriteEndObject();
        }

        line.Write("\n"u8);
        return output.WriteAsync(new ReadOnlySequence<byte>(line.WrittenMemory), cancellationToken);
    }
}
