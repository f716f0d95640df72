using System.Text;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Payloads with an unexpected format, and payloads that exceed a limit.</summary>
internal static class PayloadScenarios
{
    private static readonly PayloadReadOptions Strict = new() { ThrowOnInvalidText = true };

    public static MessageArea Area { get; } = new(
        "Payload formats and limits",
        [.. JsonValues(), .. Others(), .. Limits()]);

    private static IEnumerable<MessageScenario> JsonValues() =>
    [
        Json("JSON array expected", "1 2", JsonSequenceFormat.Array),
        Json("Comma expected", "[1 2]", JsonSequenceFormat.Array),
        Json("JSON array not closed", "[1, 2", JsonSequenceFormat.Array),
        Json("Bytes after a JSON array", "[1] [2]", JsonSequenceFormat.Auto),
        Json("Line end expected", "1 2", JsonSequenceFormat.Lines),
        Json("JSON value of another type", "1 x", JsonSequenceFormat.Concatenated),
        new("JSON value without a type discriminator", () => ReadAsync(
            "{\"$type\":\"delta\"} {}",
            response => DrainAsync(response.ReadJsonValuesAsync(TestJson.Default.Part)))),
        new("JSON value that is not UTF-8", () => ReadAsync(
            [.. "1 \""u8, 0xFF, .. "\""u8],
            response => DrainAsync(response.ReadJsonValuesAsync(TestJson.Default.JsonElement)))),
    ];

    private static IEnumerable<MessageScenario> Others() =>
    [
        new("Payload is not JSON", () => ReadAsync(
            "{\n\"N\":x}",
            response => response.ReadFromJsonAsync(TestJson.Default.Token))),
        new("Data of an event is not JSON", () => ReadAsync(
            "data: 1\n\nevent: e\ndata: x\n\n",
            response => DrainAsync(response.ReadServerSentEventsAsync(TestJson.Default.Int32)))),
        new("Data of an event without a type discriminator", () => ReadAsync(
            "data: {}\n\n",
            response => DrainAsync(response.ReadServerSentEventsAsync(TestJson.Default.Part)))),
        new("Text that is not UTF-8", () => ReadAsync(
            [.. "ab"u8, 0xFF],
            response => DrainAsync(response.ReadTextAsync(Strict)))),
        new("HTTP prelude is not one", () => ReadAsync(
            "{ab}\0\0\0\0\0\0\0\0",
            response => response.ReadHttpIntegrationResponseAsync(
                new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always }))),
    ];

    private static IEnumerable<MessageScenario> Limits() =>
    [
        new("Payload too long", () => ReadAsync(
            "abc",
            response => response.ReadAsStringAsync(new PayloadReadOptions { MaxPayloadBytes = 2 }))),
        new("Line too long", () => ReadAsync(
            "a\nbcdef",
            response => DrainAsync(response.ReadLinesAsync(new PayloadReadOptions { MaxLineBytes = 4 })))),
        new("JSON value too long", () => ReadAsync(
            "1 234 ",
            response => DrainAsync(response.ReadJsonValuesAsync(
                TestJson.Default.Int32,
                new PayloadReadOptions { MaxValueBytes = 2 })))),
        new("Server-sent event too long", () => ReadAsync(
            ":a\ndata: a\ndata: bc\n\n",
            response => DrainAsync(response.ReadServerSentEventsAsync(new PayloadReadOptions { MaxEventBytes = 14 })))),
        new("Comment of server-sent events too long", () => ReadAsync(
            "data: a\n:2345678\n",
            response => DrainAsync(response.ReadServerSentEventsAsync(new PayloadReadOptions { MaxEventBytes = 7 })))),
        new("HTTP prelude too long", () => ReadAsync(
            "{\"a\":1}\0\0\0\0\0\0\0\0",
            response => response.ReadHttpIntegrationResponseAsync(
                new PayloadReadOptions { HttpPrelude = HttpPreludeDetection.Always, MaxPreludeBytes = 4 }))),
    ];

    private static MessageScenario Json(string name, string payload, JsonSequenceFormat format) => new(name, () =>
    {
        var options = new PayloadReadOptions { JsonFormat = format };
        return ReadAsync(
            payload,
            response => DrainAsync(response.ReadJsonValuesAsync(TestJson.Default.Int32, options)));
    });

    private static Task ReadAsync(string payload, Func<InvokeWithResponseStreamResponse, Task> readAsync) =>
        ReadAsync(Encoding.UTF8.GetBytes(payload), readAsync);

    private static async Task ReadAsync(byte[] payload, Func<InvokeWithResponseStreamResponse, Task> readAsync)
    {
        var metadata = new ResponseStreamMetadata { FunctionName = "my-function", RequestId = "r-1" };
        var stream = new MemoryStream(Wire.Create(payload));
        await using var response = InvokeWithResponseStreamResponse.Create(stream, metadata);
        await readAsync(response);
    }

    private static async Task DrainAsync<T>(IAsyncEnumerable<T> elements)
    {
        await foreach (var _ in elements)
        {
        }
    }
}
