using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Soak;

/// <summary>Measures many open idle streams: the memory of each stream, and the latency of another call.</summary>
internal static class ManyStreams
{
    public static async Task<int> RunAsync(int streams, CancellationToken cancellationToken)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        await MeasureFirstChunkAsync(client, cancellationToken);
        var baseline = await MeasureMedianFirstChunkAsync(client, cancellationToken);
        var before = LeakCheck.Measure();

        var open = new List<OpenStream>();
        for (var i = 0; i < streams; i++)
        {
            var request = new InvokeWithResponseStreamRequest("idle");
            var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            var chunks = response.ReadChunksAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
            await chunks.MoveNextAsync();
            open.Add(new OpenStream(response, chunks, chunks.MoveNextAsync().AsTask()));
        }

        var after = LeakCheck.Measure();
        var withStreams = await MeasureMedianFirstChunkAsync(client, cancellationToken);
        var heap = (after.Heap - before.Heap) / 1024.0 / streams;
        var workingSet = (after.WorkingSet - before.WorkingSet) / 1024.0 / streams;
        Print(
            $"{streams} idle streams: {heap:0.0} KiB of heap and {workingSet:0.0} KiB of working set per stream, ",
            $"{after.Threads - before.Threads} more threads, {after.Sockets - before.Sockets} more sockets.");
        Print(
            $"First chunk of another call: {baseline:0.00} ms without the streams, {withStreams:0.00} ms with them ",
            $"(medians of 200).");

        var disposing = Stopwatch.StartNew();
        foreach (var stream in open) await DisposeAsync(stream);
        Print(
            $"Disposed in {disposing.Elapsed.TotalMilliseconds:0} ms; ",
            $"{LeakCheck.Measure().Sockets - before.Sockets} more sockets than before.");
        return 0;
    }

    private static async Task DisposeAsync(OpenStream stream)
    {
        stream.Response.Dispose();
        try
        {
            await stream.Waiting;
        }
        catch (ObjectDisposedException)
        {
            // Expected: the read was pending when its response was disposed.
        }

        await stream.Chunks.DisposeAsync();
    }

    private static async Task<double> MeasureMedianFirstChunkAsync(
        LambdaStreamingClient client, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        for (var i = 0; i < 200; i++) times.Add(await MeasureFirstChunkAsync(client, cancellationToken));
        times.Sort();
        return times[times.Count / 2];
    }

    private static async Task<double> MeasureFirstChunkAsync(
        LambdaStreamingClient client, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var request = new InvokeWithResponseStreamRequest("words");
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        double first = 0;
        await foreach (var _ in response.ReadChunksAsync(cancellationToken))
        {
            if (first == 0) first = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        return first;
    }

    private static void Print(params FormattableString[] parts) =>
        Console.WriteLine(string.Concat(parts.Select(part => part.ToString(CultureInfo.InvariantCulture))));

    private sealed record OpenStream(
        InvokeWithResponseStreamResponse Response, IAsyncEnumerator<PayloadChunk> Chunks, Task<bool> Waiting);
}
