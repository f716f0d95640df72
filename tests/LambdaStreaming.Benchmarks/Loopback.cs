using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Http.Headers;
using Amazon;

namespace LambdaStreaming.Benchmarks;

/// <summary>Complete calls over loopback to a server in another process.</summary>
internal static class Loopback
{
    private const int ResponseBytes = 48 * 1024 * 1024;
    private const int MinWarmUpRuns = 10;
    private const int WarmUpRuns = 100;
    private const int DripEvents = 400;

    private static readonly TimeSpan MaxWarmUp = TimeSpan.FromSeconds(4);

    private static readonly byte[] DiscardBuffer = new byte[64 * 1024];
    private static readonly byte[] FloorBuffer = new byte[128 * 1024];

    public static async Task RunAsync(int rounds)
    {
        using var server = await WireServer.StartAsync();
        using var raw = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = server.Url };
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions
        {
            ServiceUrl = server.Url,
            Region = RegionEndpoint.USEast1,
            Credentials = Calls.Credentials,
        });

        Console.WriteLine(
            $"Complete responses over loopback, {ResponseBytes / 1024 / 1024} MiB each in HTTP chunks of 64 KiB: speed "
            + "and client CPU divided by those of reading and discarding, median and quartiles of "
            + $"{rounds} shuffled rounds.");
        Console.WriteLine();
        Console.WriteLine(
            "Floor: reads and checks only the two CRCs of each message. Twice: checks them twice. CPU is the sum of "
            + "all rounds, because the operating system counts it in hundredths of a second.");
        Console.WriteLine();
        Console.WriteLine(
            "| payload | discarding MB/s | floor: speed | CPU | twice: speed | CPU | this client: speed | CPU "
            + "| AWSSDK.Core: speed | CPU | this client ÷ twice: speed |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var size in (int[])[64, 1024, 8192, 65536]) await ThroughputAsync(raw, client, size, rounds);
        Console.WriteLine();
        await DripAsync(raw, client);
        await Calls.RunAsync(raw, client, rounds);
    }

    private static async Task ThroughputAsync(HttpClient raw, LambdaStreamingClient client, int size, int rounds)
    {
        var function = Rounds.Text($"{size}-{ResponseBytes / (size + 106)}");
        (string Name, Func<Task> Run)[] contenders =
        [
            ("discard", () => DiscardAsync(raw, function)),
            ("floor", () => FloorAsync(raw, function, checks: 1)),
            ("twice", () => FloorAsync(raw, function, checks: 2)),
            ("client", () => ClientAsync(client, function)),
            ("peer", () => PeerAsync(raw, function)),
        ];
        foreach (var contender in contenders)
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; i < MinWarmUpRuns || (i < WarmUpRuns && Stopwatch.GetElapsedTime(started) < MaxWarmUp); i++)
                await contender.Run();
        }

        using var self = Process.GetCurrentProcess();
        var wall = contenders.Select(_ => new double[rounds]).ToArray();
        var cpu = contenders.Select(_ => new double[rounds]).ToArray();
        var order = Enumerable.Range(0, contenders.Length).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            Random.Shared.Shuffle(order);
            foreach (var index in order)
            {
                self.Refresh();
                var cpuBefore = self.TotalProcessorTime;
                var started = Stopwatch.GetTimestamp();
                await contenders[index].Run();
                wall[index][round] = Stopwatch.GetElapsedTime(started).TotalSeconds;
                self.Refresh();
                cpu[index][round] = (self.TotalProcessorTime - cpuBefore).TotalSeconds;
            }
        }

        Console.WriteLine(Rounds.Text(
            $"| {size} B | {ResponseBytes / 1e6 / Rounds.Median(wall[0]):0} | {Speed(1, 0)} | {Cpu(1):0.00} ",
            $"| {Speed(2, 0)} | {Cpu(2):0.00} | {Speed(3, 0)} | {Cpu(3):0.00} ",
            $"| {Speed(4, 0)} | {Cpu(4):0.0} | {Speed(3, 2)} |"));

        string Speed(int index, int reference) =>
            Rounds.Spread(wall[reference].Zip(wall[index], (other, own) => other / own));

        double Cpu(int index) => cpu[index].Sum() / cpu[0].Sum();
    }

    private static async Task DripAsync(HttpClient raw, LambdaStreamingClient client)
    {
        var function = Rounds.Text($"drip-{DripEvents}");
        var results = new Dictionary<string, double>(StringComparer.Ordinal);
        (string Name, Func<Task> Run)[] contenders =
        [
            ("raw", () => DiscardAsync(raw, function)),
            ("client", () => ClientAsync(client, function)),
        ];
        foreach (var (name, run) in contenders)
        {
            await run();
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await run();
            results[name] = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)DripEvents;
        }

        Console.WriteLine(Rounds.Text(
            $"One event per read ({DripEvents} events of 64 B, one per millisecond): a plain read loop allocates ",
            $"{results["raw"]:0} B per event, this client {results["client"]:0} B (including the call)."));
    }

    public static async Task DiscardAsync(HttpClient raw, string function)
    {
        using var response = await PostAsync(raw, function);
        await DiscardAsync(response);
    }

    /// <returns>The number of bytes of the body.</returns>
    public static async Task<long> DiscardAsync(HttpResponseMessage response)
    {
        await using var stream = await response.Content.ReadAsStreamAsync();
        long bytes = 0;
        while (await stream.ReadAsync(DiscardBuffer) is > 0 and var count) bytes += count;
        return bytes;
    }

    private static async Task FloorAsync(HttpClient raw, string function, int checks)
    {
        using var response = await PostAsync(raw, function);
        await using var stream = await response.Content.ReadAsStreamAsync();
        var buffer = FloorBuffer;
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length)) is > 0 and var read)
        {
            length += read;
            var start = Check(buffer, length);
            for (var check = 1; check < checks; check++) start = Check(buffer, length);
            buffer.AsSpan(start, length - start).CopyTo(buffer);
            length -= start;
        }

        if (length > 0) throw new InvalidDataException();
    }

    // Checks the complete messages and returns the offset of the incomplete message at the end.
    private static int Check(byte[] buffer, int length)
    {
        var at = 0;
        while (length - at >= 12)
        {
            var message = buffer.AsSpan(at, length - at);
            Wire.CheckCrc(message, 8);
            var total = BinaryPrimitives.ReadInt32BigEndian(message);
            if (message.Length < total) break;
            Wire.CheckCrc(message, total - 4);
            at += total;
        }

        return at;
    }

    /// <returns>The number of chunks.</returns>
    public static async Task<long> ClientAsync(LambdaStreamingClient client, string function)
    {
        long bytes = 0;
        long chunks = 0;
        await using var response = await client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest(function));
        await foreach (var chunk in response.ReadChunksAsync())
        {
            bytes += chunk.Payload.Length;
            chunks++;
        }

        if (bytes == 0) throw new InvalidOperationException("No payload was received.");
        return chunks;
    }

    /// <returns>The number of chunks.</returns>
    public static async Task<long> PeerAsync(HttpClient raw, string function)
    {
        long bytes = 0;
        long chunks = 0;
        using var response = await PostAsync(raw, function);
        using var peer = new Peer(await response.Content.ReadAsStreamAsync());
        await foreach (var item in peer)
        {
            if (item is not Peer.Chunk chunk) continue;
            bytes += chunk.Payload.Length;
            chunks++;
        }

        if (bytes == 0) throw new InvalidOperationException("No payload was received.");
        return chunks;
    }

    public static async Task<HttpResponseMessage> PostAsync(HttpClient raw, string function)
    {
        var path = $"/2021-11-15/functions/{function}/response-streaming-invocations";
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent([]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return await raw.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
