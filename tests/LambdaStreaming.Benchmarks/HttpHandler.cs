using System.Text;
using Amazon;
using LambdaStreaming.Http;

namespace LambdaStreaming.Benchmarks;

/// <summary>The overhead of <see cref="LambdaHttpHandler"/> compared with an invocation.</summary>
internal static class HttpHandler
{
    private const int CallsPerRun = 300;
    private const int BodyBytes = 64 * 1024 * 1024;
    private const int ChunkBytes = 64 * 1024;
    private const string SmallFunction = WireServer.HttpPrefix + "64-1";

    private static readonly byte[] Buffer = new byte[ChunkBytes];

    // The payload of invocations without the handler. It is as large as the event that the handler sends.
    private static readonly byte[] Event = Encoding.UTF8.GetBytes($"\"{new string('e', 600)}\"");

    public static async Task RunAsync(int rounds)
    {
        using var server = await WireServer.StartAsync();
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            ServiceUrl = server.Url,
            Region = RegionEndpoint.USEast1,
            Credentials = Calls.Credentials,
        });

        await RunSmallAsync(client, rounds);
        await RunLargeAsync(client, rounds);
    }

    private static async Task RunSmallAsync(LambdaStreamingClient client, int rounds)
    {
        using var http = new HttpClient(new LambdaHttpHandler(client, SmallFunction));
        var results = await Rounds.RunAsync(
            [
                new("InvokeWithResponseStreamAsync, all chunks", () => ManyAsync(() => ReadChunksAsync(client))),
                new("ReadHttpIntegrationResponseAsync", () => ManyAsync(() => ReadByHandAsync(client, SmallFunction))),
                new("LambdaHttpHandler, GET", () => ManyAsync(() => ReadAsync(http, HttpMethod.Get))),
                new("LambdaHttpHandler, POST with 100 bytes", () => ManyAsync(() => ReadAsync(http, HttpMethod.Post))),
            ],
            CallsPerRun,
            rounds);

        Console.WriteLine("| a call with a body of 64 bytes | µs | later by µs | ratio | bytes allocated |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        foreach (var result in results)
        {
            var (time, first) = (result.Nanoseconds / 1000, results[0].Nanoseconds / 1000);
            var columns = Rounds.Text($"{time:0} | {time - first:0} | {result.Spread} | {result.AllocatedBytes:0}");
            Console.WriteLine($"| {result.Name} | {columns} |");
        }

        Console.WriteLine();
    }

    private static async Task RunLargeAsync(LambdaStreamingClient client, int rounds)
    {
        var function = Rounds.Text($"{WireServer.HttpPrefix}{ChunkBytes}-{BodyBytes / ChunkBytes}");
        using var http = new HttpClient(new LambdaHttpHandler(client, function));
        var results = await Rounds.RunAsync(
            [
                new("ReadHttpIntegrationResponseAsync, read", () => ReadByHandAsync(client, function)),
                new("LambdaHttpHandler, read", () => ReadAsync(http, HttpMethod.Get)),
                new("ReadHttpIntegrationResponseAsync, copied", () => CopyByHandAsync(client, function)),
                new("LambdaHttpHandler, copied", () => CopyAsync(http)),
            ],
            operations: 1,
            rounds);

        Console.WriteLine("| a body of 64 MiB | MB/s | time ÷ first row |");
        Console.WriteLine("| --- | --- | --- |");
        foreach (var result in results)
        {
            var megabytes = Rounds.Text($"{BodyBytes * 1e3 / result.Nanoseconds:0}");
            Console.WriteLine($"| {result.Name} | {megabytes} | {result.Spread} |");
        }

        Console.WriteLine();
    }

    private static async Task<long> ManyAsync(Func<Task<long>> call)
    {
        long bytes = 0;
        for (var i = 0; i < CallsPerRun; i++) bytes += await call();
        return bytes;
    }

    private static async Task<long> ReadChunksAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(Request(SmallFunction));
        long last = 0;
        await foreach (var chunk in response.ReadChunksAsync()) last = chunk.Length;
        return last;
    }

    private static async Task<long> ReadByHandAsync(LambdaStreamingClient client, string function)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(Request(function));
        using var http = await response.ReadHttpIntegrationResponseAsync();
        return await ReadToEndAsync(http.Body);
    }

    private static async Task<long> CopyByHandAsync(LambdaStreamingClient client, string function)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(Request(function));
        using var http = await response.ReadHttpIntegrationResponseAsync();
        using var counter = new CountingStream();
        await http.CopyToAsync(counter);
        return counter.Count;
    }

    private static async Task<long> ReadAsync(HttpClient http, HttpMethod method)
    {
        using var request = new HttpRequestMessage(method, "https://web/v1/items?q=1");
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer token");
        if (method == HttpMethod.Post) request.Content = new ByteArrayContent(Event, 0, 100);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        return await ReadToEndAsync(stream);
    }

    private static async Task<long> CopyAsync(HttpClient http)
    {
        using var response = await http.GetAsync("https://web/", HttpCompletionOption.ResponseHeadersRead);
        using var counter = new CountingStream();
        await response.Content.CopyToAsync(counter);
        return counter.Count;
    }

    private static async Task<long> ReadToEndAsync(Stream stream)
    {
        long bytes = 0;
        while (await stream.ReadAsync(Buffer) is > 0 and var count) bytes += count;
        return bytes;
    }

    private static InvokeWithResponseStreamRequest Request(string function) => new(function) { Payload = Event };

    private sealed class CountingStream : MemoryStream
    {
        public long Count { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return default;
        }
    }
}
