using LambdaStreaming.Tests.EventStream;
using LambdaStreaming.Tests.Payload;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Invalid arguments, options and calls.</summary>
internal static class UsageScenarios
{
    public static MessageArea Area { get; } = new(
        "Arguments and usage",
        [.. Options(), .. Requests(), .. ReadOptions(), .. Responses()]);

    private static IEnumerable<MessageScenario> Options() =>
    [
        Option("Timeout", options => options.IdleTimeout = TimeSpan.Zero),
        Option("MaxMessageBytes", options => options.MaxMessageBytes = 1),
        Option("Retry", options => options.Retry = null!),
        Option("TimeProvider", options => options.TimeProvider = null!),
        Option("Profile", options => options.Profile = " "),
        Option("ServiceUrl", options => options.ServiceUrl = new Uri("ftp://host")),
        Option("ServiceUrl and FIPS", options =>
            (options.ServiceUrl, options.UseFipsEndpoint) = (new Uri("http://host"), true)),
        Option("ServiceUrl and dual stack", options =>
            (options.ServiceUrl, options.UseDualStackEndpoint) = (new Uri("http://host"), true)),
        Option("TraceHeaders", options => options.TraceHeaders = (TraceHeaders)8),
        Option("Retry.MaxAttempts", options => options.Retry.MaxAttempts = 0),
        Option("Retry.Policy", options => options.Retry.Policy = (LambdaRetryPolicy)9),
        Option("Retry.BaseDelay", options => options.Retry.BaseDelay = TimeSpan.FromSeconds(-1)),
        Option("Retry.ThrottlingBaseDelay", options => options.Retry.ThrottlingBaseDelay = TimeSpan.FromDays(50)),
        Option("Retry.MaxDelay", options => options.Retry.MaxDelay = TimeSpan.FromSeconds(-1)),
    ];

    private static IEnumerable<MessageScenario> Requests() =>
    [
        Request("name that a URL cannot contain", new("..")),
        Request("name too long", new(new string('a', 4000))),
        Request("control character", new("my-function") { Qualifier = "1\n" }),
        Request("delete character", new("my-function") { Qualifier = "1\u007f" }),
        Request("control character in a header", new("my-function") { TenantId = "a\n" }),
        Request("character outside ASCII", new("my-function") { TenantId = "é" }),
        Request("client context too long", new("my-function") { ClientContext = new string('a', 4000) }),
        Request("invocation type", new("my-function") { InvocationType = (InvocationType)9 }),
        Request("log type", new("my-function") { LogType = (LogType)9 }),
        new("Request: client context too long to encode", () =>
        {
            InvokeWithResponseStreamRequest.EncodeClientContext(new string('a', 4000));
        }),
    ];

    private static IEnumerable<MessageScenario> ReadOptions() =>
    [
        ReadOption("MaxPayloadBytes", new() { MaxPayloadBytes = -1 }),
        ReadOption("limit", new() { MaxLineBytes = 0 }),
        ReadOption("Encoding", new() { Encoding = null! }),
        ReadOption("JsonFormat", new() { JsonFormat = (JsonSequenceFormat)9 }),
        ReadOption("HttpPrelude", new() { HttpPrelude = (HttpPreludeDetection)9 }),
    ];

    private static IEnumerable<MessageScenario> Responses() =>
    [
        new("Response read twice", () => ReadingAsync(Three(), async response =>
        {
            await response.ReadAsStringAsync();
            await response.ReadAsStringAsync();
        })),
        new("Body of an HTTP integration read twice", () => ReadingAsync(Three(), async response =>
        {
            var integration = await response.ReadHttpIntegrationResponseAsync();
            await integration.ReadAsStringAsync();
            await integration.ReadAsStringAsync();
        })),
        new("Two moves at a time", () => ReadingAsync(FuncStream.Idle(), async response =>
        {
            var chunks = response.ReadChunksAsync(Provocations.Token).GetAsyncEnumerator(Provocations.Token);
            _ = chunks.MoveNextAsync().AsTask();
            await chunks.MoveNextAsync();
        })),
        new("Two reads of the stream at a time", () => ReadingAsync(FuncStream.Idle(), async response =>
        {
            var stream = response.AsStream();
            _ = stream.ReadAsync(new byte[1], Provocations.Token).AsTask();
            await stream.ReadExactlyAsync(new byte[1], Provocations.Token);
        })),
        new("Response disposed while it is read", () => ReadingAsync(FuncStream.Idle(), async response =>
        {
            var chunks = response.ReadChunksAsync(Provocations.Token).GetAsyncEnumerator(Provocations.Token);
            var move = chunks.MoveNextAsync().AsTask();
            response.Dispose();
            await move;
        })),
        new("Enumerator used after it was disposed", () => ReadingAsync(Three(), async response =>
        {
            var lines = response.ReadLinesAsync().GetAsyncEnumerator(Provocations.Token);
            await lines.DisposeAsync();
            await lines.MoveNextAsync();
        })),
        new("Chunk expired", () => ReadingAsync(Three(), async response =>
        {
            var chunks = response.ReadChunksAsync(Provocations.Token).GetAsyncEnumerator(Provocations.Token);
            await chunks.MoveNextAsync();
            var first = chunks.Current;
            await chunks.MoveNextAsync();
            _ = first.Payload;
        })),
        new("Chunk copied to a short destination", () => ReadingAsync(Three(), async response =>
        {
            await foreach (var chunk in response.ReadChunksAsync(Provocations.Token)) chunk.CopyTo(Span<byte>.Empty);
        })),
        new("Chunk that was never read", () =>
        {
            _ = default(PayloadChunk).Length;
        }),
        StreamUse("read synchronously", stream => stream.ReadByte()),
        StreamUse("position", stream => stream.Position),
        StreamUse("length", stream => stream.Length),
        StreamUse("write", stream =>
        {
            stream.WriteByte(1);
            return 0;
        }),
        new("Created response with two ends", () =>
        {
            Fragmented.Response("a", new InvokeComplete(), new IOException("It broke."));
        }),
    ];

    private static MessageScenario Option(string name, Action<LambdaStreamingClientOptions> configure) => new(
        $"Option {name}", () =>
    {
        var options = StubbedClient.Options();
        configure(options);
        using var client = new LambdaStreamingClient(options);
    });

    private static MessageScenario Request(string name, InvokeWithResponseStreamRequest request) =>
        new($"Request: {name}", () => Provocations.ReadAsync(StubbedClient.Streaming(Stream.Null), request));

    private static MessageScenario ReadOption(string name, PayloadReadOptions options) => new(
        $"Read option {name}",
        () => ReadingAsync(Three(), async response =>
        {
            if (options.MaxPayloadBytes < 0) await response.ReadAsStringAsync(options);
            await using var lines = response.ReadLinesAsync(options).GetAsyncEnumerator(Provocations.Token);
        }));

    private static MessageScenario StreamUse(string name, Func<Stream, long> use) => new(
        $"Stream of a response: {name}",
        () => ReadingAsync(Three(), response => Task.FromResult(use(response.AsStream()))));

    private static MemoryStream Three() =>
        new([.. Messages.Chunk("a"), .. Messages.Chunk("b"), .. Messages.Chunk("c"), .. Messages.Complete()]);

    private static async Task ReadingAsync(Stream body, Func<InvokeWithResponseStreamResponse, Task> readAsync)
    {
        using var client = StubbedClient.Streaming(body);
        await using var response = await client.InvokeWithResponseStreamAsync(Provocations.Request, Provocations.Token);
        await readAsync(response);
    }
}
