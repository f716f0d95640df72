using System.IO.Pipelines;
using System.Text;

namespace LambdaStreaming.AotSmoke;

/// <summary>Calls every public method that reads a response.</summary>
internal static class Readers
{
    private const string HttpPayload =
        "{\"statusCode\":201,\"headers\":{\"a\":\"b\"},\"cookies\":[\"c=d\"]}\0\0\0\0\0\0\0\0body";

    private delegate Task<string> Reader(
        InvokeWithResponseStreamResponse response,
        CancellationToken cancellationToken);

    private static readonly (string Name, string Payload, string Expected, Reader ReadAsync)[] Cases =
    [
        ("events", "one", "one!", async (response, token) =>
        {
            var text = new StringBuilder();
            await foreach (var item in response.WithCancellation(token))
            {
                if (item.TryGetPayloadChunk(out var chunk)) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
                else text.Append(item.InvokeComplete is not null ? '!' : '?');
            }

            return text.ToString();
        }),
        ("owned chunks", "one", "one", async (response, token) =>
        {
            var text = new StringBuilder();
            await foreach (var chunk in response.ReadOwnedChunksAsync(token))
            {
                text.Append(Encoding.UTF8.GetString(chunk.Span));
            }

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
        ("bytes", "one", "one", async (response, token) =>
        {
            var bytes = await response.ReadAsByteArrayAsync(cancellationToken: token);
            return Encoding.UTF8.GetString(bytes);
        }),
        ("string", "one", "one", (response, token) => response.ReadAsStringAsync(cancellationToken: token)),
        ("one JSON value", """{"Name":"Ada"}""", "Ada", async (response, token) =>
        {
            var greeting = await response.ReadFromJsonAsync(Json.Default.Greeting, cancellationToken: token);
            return greeting!.Name;
        }),
        ("text", "one", "one", (response, token) => JoinAsync(response.ReadTextAsync(cancellationToken: token))),
        ("lines", "one\ntwo\r\n", "one|two|", (response, token) => JoinAsync(
            response.ReadLinesAsync(cancellationToken: token),
            "|")),
        ("JSON values", """{"Name":"Ada"}{"Name":"Bo"}""", "Ada|Bo|", (response, token) => JoinAsync(
            response.ReadJsonValuesAsync(Json.Default.Greeting, cancellationToken: token),
            "|",
            greeting => greeting!.Name)),
        ("a JSON array", """[{"Name":"Ada"},{"Name":"Bo"}]""", "Ada|Bo|", (response, token) => JoinAsync(
            response.ReadJsonValuesAsync(Json.Default.Greeting, cancellationToken: token),
            "|",
            greeting => greeting!.Name)),
        ("server-sent events", "event: e\ndata: one\n\n", "e=one|", (response, token) => JoinAsync(
            response.ReadServerSentEventsAsync(cancellationToken: token),
            "|",
            item => $"{item.EventType}={item.Data}")),
        ("server-sent events of JSON", "data: {\"Name\":\"Ada\"}\n\n", "Ada|", (response, token) => JoinAsync(
            response.ReadServerSentEventsAsync(Json.Default.Greeting, cancellationToken: token),
            "|",
            item => item.Data!.Name)),
        ("HTTP integration", HttpPayload, "201 b c=d body", async (response, token) =>
        {
            var integration = await response.ReadHttpIntegrationResponseAsync(cancellationToken: token);
            var body = await integration.ReadAsStringAsync(cancellationToken: token);
            return $"{(int)integration.StatusCode} {integration.Headers["A"]} {integration.Cookies[0]} {body}";
        }),
    ];

    /// <summary>Calls every method and compares its result.</summary>
    /// <returns>The unexpected results; empty on success.</returns>
    public static async Task<IReadOnlyList<string>> CheckAsync(
        LambdaStreamingClient client,
        string echo,
        CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        foreach (var (name, payload, expected, readAsync) in Cases)
        {
            var request = new InvokeWithResponseStreamRequest(echo) { Payload = Encoding.UTF8.GetBytes(payload) };
            await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            var text = await readAsync(response, cancellationToken);
            if (text != expected) problems.Add($"{name}: '{text}'; expected '{expected}'");
        }

        const string GreetingJson = """{"Name":"Ada"}""";
        var events = new InvokeWithResponseStreamRequest(echo) { Payload = "data: one\n\n"u8.ToArray() };
        (string Name, string Text, string Expected)[] extensions =
        [
            (
                "InvokeTextAsync",
                await JoinAsync(client.InvokeTextAsync(echo, GreetingJson, cancellationToken: cancellationToken)),
                GreetingJson),
            (
                "InvokeLinesAsync",
                await JoinAsync(client.InvokeLinesAsync(echo, GreetingJson, cancellationToken: cancellationToken)),
                GreetingJson),
            (
                "InvokeJsonValuesAsync",
                await JoinAsync(
                    client.InvokeJsonValuesAsync(
                        echo, GreetingJson, Json.Default.Greeting, cancellationToken: cancellationToken),
                    "",
                    greeting => greeting!.Name),
                "Ada"),
            (
                "InvokeServerSentEventsAsync",
                await JoinAsync(
                    client.InvokeServerSentEventsAsync(events, cancellationToken: cancellationToken),
                    "",
                    item => item.Data),
                "one"),
            (
                "InvokeJsonValuesAsync, typed payload",
                await JoinAsync(
                    client.InvokeJsonValuesAsync(
                        echo,
                        new Greeting("Ada"),
                        Json.Default.Greeting,
                        Json.Default.Greeting,
                        cancellationToken: cancellationToken),
                    "",
                    greeting => greeting!.Name),
                "Ada"),
            (
                "InvokeServerSentEventsAsync, typed data",
                await JoinAsync(
                    client.InvokeServerSentEventsAsync(
                        new InvokeWithResponseStreamRequest(echo)
                        {
                            Payload = Encoding.UTF8.GetBytes($"data: {GreetingJson}\n\n"),
                        },
                        Json.Default.Greeting,
                        cancellationToken: cancellationToken),
                    "",
                    item => item.Data!.Name),
                "Ada"),
        ];
        problems.AddRange(extensions
            .Where(result => result.Text != result.Expected)
            .Select(result => $"{result.Name}: '{result.Text}'; expected '{result.Expected}'"));
        return problems;
    }

    private static Task<string> JoinAsync(IAsyncEnumerable<string> values, string end = "") =>
        JoinAsync(values, end, value => value);

    private static async Task<string> JoinAsync<T>(IAsyncEnumerable<T> values, string end, Func<T, string> text)
    {
        var all = new StringBuilder();
        await foreach (var value in values) all.Append(text(value)).Append(end);
        return all.ToString();
    }
}
