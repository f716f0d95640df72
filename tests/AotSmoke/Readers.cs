using System.IO.Pipelines;
using System.Text;

namespace LambdaStreaming.AotSmoke;

/// <summary>Every public way to read an answer, each on a call of its own.</summary>
internal static class Readers
{
    private static readonly (string Name, string Payload, string Expected, Func<InvokeWithResponseStreamResponse, CancellationToken, Task<string>> Read)[] Ways =
    [
        ("events", "one", "one!", async (response, token) =>
        {
            var text = new StringBuilder();
            await foreach (var e in response.WithCancellation(token)) text.Append(e.TryGetPayloadChunk(out var chunk) ? Encoding.UTF8.GetString(chunk.ToArray()) : e.InvokeComplete is not null ? "!" : "?");
            return text.ToString();
        }),
        ("owned chunks", "one", "one", async (response, token) =>
        {
            var text = new StringBuilder();
            await foreach (var chunk in response.ReadOwnedChunksAsync(token)) text.Append(Encoding.UTF8.GetString(chunk.Span));
            return text.ToString();
        }),
        ("stream", "one", "one", async (response, token) =>
        {
            using var reader = new StreamReader(response.AsStream());
            return await reader.ReadToEndAsync(token);
        }),
        ("copy to a stream", "one", "one", async (response, token) =>
        {
            using var copy = new MemoryStream();
            await response.CopyToAsync(copy, token);
            return Encoding.UTF8.GetString(copy.ToArray());
        }),
        ("copy to a pipe", "one", "one", async (response, token) =>
        {
            using var copy = new MemoryStream();
            var pipe = PipeWriter.Create(copy, new StreamPipeWriterOptions(leaveOpen: true));
            await response.CopyToAsync(pipe, token);
            await pipe.CompleteAsync();
            return Encoding.UTF8.GetString(copy.ToArray());
        }),
        ("bytes", "one", "one", async (response, token) => Encoding.UTF8.GetString(await response.ReadAsByteArrayAsync(cancellationToken: token))),
        ("string", "one", "one", (response, token) => response.ReadAsStringAsync(cancellationToken: token)),
        ("one JSON value", """{"Name":"Ada"}""", "Ada", async (response, token) => (await response.ReadFromJsonAsync(Json.Default.Greeting, cancellationToken: token))!.Name),
        ("text", "one", "one", (response, token) => JoinAsync(response.ReadTextAsync(cancellationToken: token))),
        ("lines", "one\ntwo\r\n", "one|two|", (response, token) => JoinAsync(response.ReadLinesAsync(cancellationToken: token), "|")),
        ("JSON values", """{"Name":"Ada"}{"Name":"Bo"}""", "Ada|Bo|", (response, token) => JoinAsync(response.ReadJsonValuesAsync(Json.Default.Greeting, cancellationToken: token), "|", greeting => greeting!.Name)),
        ("a JSON array", """[{"Name":"Ada"},{"Name":"Bo"}]""", "Ada|Bo|", (response, token) => JoinAsync(response.ReadJsonValuesAsync(Json.Default.Greeting, cancellationToken: token), "|", greeting => greeting!.Name)),
        ("server-sent events", "event: e\ndata: one\n\n", "e=one|", (response, token) => JoinAsync(response.ReadServerSentEventsAsync(cancellationToken: token), "|", item => $"{item.EventType}={item.Data}")),
        ("server-sent events of JSON", "data: {\"Name\":\"Ada\"}\n\n", "Ada|", (response, token) => JoinAsync(response.ReadServerSentEventsAsync(Json.Default.Greeting, cancellationToken: token), "|", item => item.Data!.Name)),
        ("HTTP integration", "{\"statusCode\":201,\"headers\":{\"a\":\"b\"},\"cookies\":[\"c=d\"]}\0\0\0\0\0\0\0\0body", "201 b c=d body", async (response, token) =>
        {
            var integration = await response.ReadHttpIntegrationResponseAsync(cancellationToken: token);
            return $"{(int)integration.StatusCode} {integration.Headers["A"]} {integration.Cookies[0]} {await integration.ReadAsStringAsync(cancellationToken: token)}";
        }),
    ];

    /// <returns>What read otherwise than it should; nothing, where all is well.</returns>
    public static async Task<IReadOnlyList<string>> CheckAsync(LambdaStreamingClient client, string echo, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        foreach (var (name, payload, expected, read) in Ways)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new(echo) { Payload = Encoding.UTF8.GetBytes(payload) }, cancellationToken);
            var text = await read(response, cancellationToken);
            if (text != expected) problems.Add($"{name}: '{text}' in place of '{expected}'");
        }

        const string Json1 = """{"Name":"Ada"}""";
        (string Name, string Text, string Expected)[] oneLiners =
        [
            ("InvokeTextAsync", await JoinAsync(client.InvokeTextAsync(echo, Json1, cancellationToken: cancellationToken)), Json1),
            ("InvokeLinesAsync", await JoinAsync(client.InvokeLinesAsync(echo, Json1, cancellationToken: cancellationToken)), Json1),
            ("InvokeJsonValuesAsync", await JoinAsync(client.InvokeJsonValuesAsync(echo, Json1, Json.Default.Greeting, cancellationToken: cancellationToken), "", greeting => greeting!.Name), "Ada"),
            ("InvokeServerSentEventsAsync", await JoinAsync(client.InvokeServerSentEventsAsync(new InvokeWithResponseStreamRequest(echo) { Payload = "data: one\n\n"u8.ToArray() }, cancellationToken: cancellationToken), "", item => item.Data), "one"),
        ];
        problems.AddRange(oneLiners.Where(one => one.Text != one.Expected).Select(one => $"{one.Name}: '{one.Text}' in place of '{one.Expected}'"));
        return problems;
    }

    private static Task<string> JoinAsync(IAsyncEnumerable<string> values, string end = "") => JoinAsync(values, end, value => value);

    private static async Task<string> JoinAsync<T>(IAsyncEnumerable<T> values, string end, Func<T, string> text)
    {
        var all = new StringBuilder();
        await foreach (var value in values) all.Append(text(value)).Append(end);
        return all.ToString();
    }
}
