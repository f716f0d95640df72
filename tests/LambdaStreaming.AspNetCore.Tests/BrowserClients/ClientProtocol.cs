namespace LambdaStreaming.AspNetCore.Tests.BrowserClients;

/// <summary>The bytes of a function that responds "Hello" to one of the clients of tests/browser/clients.jsx.</summary>
/// <param name="ContentType">The content type of the endpoint.</param>
/// <param name="FailureWriter">The option of the endpoint, or <see langword="null"/> for its default.</param>
/// <param name="Begin">The response until its text is "Hel".</param>
/// <param name="End">The remaining response.</param>
internal sealed record ClientProtocol(
    string ContentType,
    LambdaStreamFailureWriter? FailureWriter,
    string Begin,
    string End)
{
    private const string EventStream = "text/event-stream";

    // Source: ai-sdk.dev, "Stream Protocols", UI message stream.
    public static ClientProtocol UiMessageStream { get; } = new(
        EventStream,
        LambdaStreamFailureWriters.AISdkUI,
        Events(
            """{"type":"start","messageId":"m1"}""",
            """{"type":"text-start","id":"t1"}""",
            """{"type":"text-delta","id":"t1","delta":"Hel"}"""),
        Events(
            """{"type":"text-delta","id":"t1","delta":"lo"}""",
            """{"type":"text-end","id":"t1"}""",
            """{"type":"finish","finishReason":"stop"}""",
            "[DONE]"));

    // Source: docs.ag-ui.com, "Events".
    public static ClientProtocol AgUi { get; } = new(
        EventStream,
        LambdaStreamFailureWriters.AGUI,
        Events(
            """{"type":"RUN_STARTED","threadId":"1","runId":"1"}""",
            """{"type":"TEXT_MESSAGE_START","messageId":"m1","role":"assistant"}""",
            """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1","delta":"Hel"}"""),
        Events(
            """{"type":"TEXT_MESSAGE_CONTENT","messageId":"m1","delta":"lo"}""",
            """{"type":"TEXT_MESSAGE_END","messageId":"m1"}""",
            """{"type":"RUN_FINISHED","threadId":"1","runId":"1"}"""));

    public static ClientProtocol ServerSentEvents { get; } = new(
        EventStream, null, "retry: 50\n" + Events("Hel"), Events("lo") + "event: done\n" + Events(""));

    public static ClientProtocol Text { get; } = new("text/plain; charset=utf-8", null, "Hel", "lo");

    private static string Events(params string[] data) => string.Concat(data.Select(text => $"data: {text}\n\n"));
}
