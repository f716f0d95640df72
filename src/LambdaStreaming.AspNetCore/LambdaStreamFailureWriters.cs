using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace LambdaStreaming.AspNetCore;

/// <summary>Values of <see cref="LambdaStreamOptions.FailureWriter"/> for known protocols.</summary>
public static class LambdaStreamFailureWriters
{
    /// <summary>Writes nothing.</summary>
    public static LambdaStreamFailureWriter None { get; } = static (_, _) => { };

    /// <summary>Writes a server-sent event of the type <c>error</c>.</summary>
    /// <value>
    /// The data is a JSON object with <c>status</c>, <c>detail</c> and <c>traceId</c>, as in the ProblemDetails
    /// response.
    /// </value>
    public static LambdaStreamFailureWriter ServerSentEvents { get; } = static (failure, body) =>
    {
        body.Write("event: error\n"u8);
        WriteData(body, failure, static (json, failure) =>
        {
            json.WriteNumber("status"u8, failure.StatusCode);
            json.WriteString("detail"u8, failure.Detail);
            json.WriteString("traceId"u8, failure.TraceId);
            if (failure.ErrorDetails is { } details) json.WriteString("exception"u8, details);
            if (failure.RequestId is { } requestId) json.WriteString("requestId"u8, requestId);
        });
    };

    /// <summary>Writes the <c>error</c> part of the UI message stream protocol of the AI SDK.</summary>
    /// <value><c>useChat</c> shows the text as its error.</value>
    public static LambdaStreamFailureWriter AISdkUI { get; } = static (failure, body) =>
        WriteData(body, failure, static (json, failure) =>
        {
            // Source: ai-sdk.dev, AI SDK UI, stream protocols, error part.
            json.WriteString("type"u8, "error"u8);
            json.WriteString("errorText"u8, GetText(failure));
        });

    /// <summary>Writes the <c>RUN_ERROR</c> event of the AG-UI protocol.</summary>
    /// <value>The code of the event is <see cref="LambdaStreamFailure.StatusCode"/>.</value>
    public static LambdaStreamFailureWriter AGUI { get; } = static (failure, body) =>
        WriteData(body, failure, static (json, failure) =>
        {
            // Source: docs.ag-ui.com, events, RunError.
            json.WriteString("type"u8, "RUN_ERROR"u8);
            json.WriteString("message"u8, GetText(failure));
            json.WriteString("code"u8, failure.StatusCode.ToString(CultureInfo.InvariantCulture));
        });

    private static string GetText(LambdaStreamFailure failure)
    {
        var text = failure.Detail;
        if (failure.ErrorDetails is { } details) text += " " + details;
        if (failure.RequestId is { } requestId) text += $" (request id {requestId})";
        return text;
    }

    // The JSON is one line, because its writer escapes line breaks.
    private static void WriteData(
        IBufferWriter<byte> body,
        LambdaStreamFailure failure,
        Action<Utf8JsonWriter, LambdaStreamFailure> writeMembers)
    {
        body.Write("data: "u8);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            writeMembers(json, failure);
            json.WriteEndObject();
        }

        body.Write("\n\n"u8);
    }
}
