using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Soak;

/// <summary>Many streams open at once, all silent: what each costs, and how a new call fares beside them.</summary>
internal static class ManyStreams
{
    public static async Task<int> RunAsync(int streams, CancellationToken cancellationToken)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        await FirstChunkAsync(client, cancellationToken);
        var alone = await MedianFirstChunkAsync(client, cancellationToken);
        var before = NothingHeld.Measure();

        var open = new List<(InvokeWithResponseStreamResponse Response, IAsyncEnumerator<PayloadChunk> Chunks, Task<bool> Waiting)>();
        for (var i = 0; i < streams; i++)
        {
            var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("silent"), cancellationToken);
            var chunks = response.ReadChunksAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
            await chunks.MoveNextAsync();
            open.Add((response, chunks, chunks.MoveNextAsync().AsTask()));
        }

        var after = NothingHeld.Measure();
        var beside = await MedianFirstChunkAsync(client, cancellationToken);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{streams} silent streams: {(after.Heap - before.Heap) / 1024.0 / streams:0.0} KiB of heap each, {(after.WorkingSet - before.WorkingSet) / 1024.0 / streams:0.0} KiB of working set each, {after.Threads - before.Threads} threads more, {after.Sockets - before.Sockets} sockets more."));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"First chunk of another call: {alone:0.00} ms alone, {beside:0.00} ms beside them (medians of 200)."));

        var disposing = Stopwatch.StartNew();
        foreach (var (response, chunks, waiting) in open)
        {
            response.Dispose();
            try
            {
                await waiting;
            }
            catch (ObjectDisposedException)
            {
                // As it should.
            }

            await chunks.DisposeAsync();
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Disposed in {disposing.Elapsed.TotalMilliseconds:0} ms; {NothingHeld.Measure().Sockets - before.Sockets} sockets more than before."));
        return 0;
    }

    private static async Task<double> MedianFirstChunkAsync(LambdaStreamingClient client, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var i = 0; i < 200; i++) times.Add(await FirstChunkAsync(client, cancellationToken));
        times.Sort();
        return times[times.Count / 2];
    }

    private static async Task<double> FirstChunkAsync(LambdaStreamingClient client, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("words"), cancellationToken);
        double first = 0;
        await foreach (var _ in response.ReadChunksAsync(cancellationToken))
        {
            if (first == 0) first = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        return first;
    }
}
