using System.Buffers;
using System.Buffers.Binary;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.Benchmarks;

/// <summary>
/// Decoding from memory by this client and by AWSSDK.Core (the peer), compared with computing only the two CRCs of each
/// message (the floor).
/// </summary>
internal static class Decode
{
    private const int WireBytes = 4 * 1024 * 1024;
    private const int SingleRuns = 100;

    // On AMD Zen 3, long copies ("rep movsb") are up to 20 times slower for some addresses.
    // Condition: the page offset of the destination exceeds that of the source by 1 to 63 bytes.
    // Arrays at several offsets, used in turn, limit this effect to a few rounds.
    private const int OffsetCount = 5;
    private const int OffsetStep = 1000;

    private static readonly ResponseStreamReaderOptions ReaderOptions = new()
    {
        MaxMessageBytes = LambdaStreamingClientOptions.DefaultMaxMessageBytes,
        IdleTimeout = TimeSpan.FromMinutes(16),
        TimeProvider = TimeProvider.System,
        Logger = NullLogger.Instance,
        ThrowOnFunctionError = true,
    };

    public static async Task RunAsync(int rounds)
    {
        Console.WriteLine(
            "Decoding from memory: times divided by the floor (only the two CRCs of each message, System.IO.Hashing), "
            + "median and quartiles of the rounds. Minimum: fastest round divided by the fastest round of the floor.");
        Console.WriteLine();
        Console.WriteLine(
            "| payload | floor ns | span decoder | await foreach events | minimum | B per event "
            + "| await foreach chunks | minimum | AWSSDK.Core | B per event | AWSSDK.Core ÷ this client |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var size in (int[])[16, 64, 256, 1024, 8192, 65536, 1048576])
        {
            var count = Math.Max(64, WireBytes / (size + 106));
            await RunAsync(GetSizeName(size), [.. Enumerable.Repeat(size, count)], rounds);
        }

        var random = new Random(2);
        await RunAsync(
            "1–128 B mixed",
            [.. Enumerable.Range(0, WireBytes / 170).Select(_ => random.Next(1, 129))],
            rounds);
        Console.WriteLine();
    }

    private static async Task RunAsync(string name, int[] sizes, int rounds)
    {
        var wires = CreateAtOffsets(Wire.Create(sizes));
        var next = 0;
        ArraySegment<byte> Next() => wires[next++ % OffsetCount];
        var results = await Rounds.RunAsync(
            [
                new("floor", () => Task.FromResult(Floor(Next()))),
                new("span", () => Task.FromResult(Span(Next()))),
                new("events", () => EventsAsync(Next())),
                new("chunks", () => ChunksAsync(Next())),
                new("peer", () => PeerAsync(Next())),
            ],
            sizes.Length,
            rounds);
        var (floor, span, events, chunks, peer) = (results[0], results[1], results[2], results[3], results[4]);

        // Measure the allocation of a response with one chunk. It is subtracted below as the part that does not depend
        // on the number of events.
        var single = Wire.Create([1]);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < SingleRuns; i++) await EventsAsync(single);
        var singleBytes = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)SingleRuns;
        var eventBytes = Math.Max(0, events.AllocatedBytes - (singleBytes / sizes.Length));
        string[] cells =
        [
            name, Rounds.Text($"{floor.Nanoseconds:0.#}"), span.Spread,
            events.Spread, Rounds.Text($"{events.MinimumRatio:0.00}"), Rounds.Text($"{eventBytes:0.0}"),
            chunks.Spread, Rounds.Text($"{chunks.MinimumRatio:0.00}"),
            Rounds.Text($"{peer.Ratio:0.0}"), Rounds.Text($"{peer.AllocatedBytes:0}"), peer.SpreadOver(events),
        ];
        Console.WriteLine($"| {string.Join(" | ", cells)} |");
    }

    private static ArraySegment<byte>[] CreateAtOffsets(byte[] wire) =>
    [
        .. Enumerable.Range(0, OffsetCount).Select(offset =>
        {
            var array = new byte[wire.Length + (offset * OffsetStep)];
            wire.CopyTo(array, offset * OffsetStep);
            return new ArraySegment<byte>(array, offset * OffsetStep, wire.Length);
        }),
    ];

    private static MemoryStream CreateStream(ArraySegment<byte> wire) => new(wire.Array!, wire.Offset, wire.Count);

    internal static string GetSizeName(int bytes) => bytes switch
    {
        >= 1024 * 1024 => $"{bytes / 1024 / 1024} MiB",
        >= 1024 => $"{bytes / 1024} KiB",
        _ => $"{bytes} B",
    };

    // Each contender has its own method with a loop, so that the JIT compiler optimizes each loop separately.
    private static long Floor(ReadOnlySpan<byte> wire)
    {
        long payload = 0;
        for (var at = 0; at < wire.Length;)
        {
            var message = wire[at..];
            var total = BinaryPrimitives.ReadInt32BigEndian(message);
            Wire.CheckCrc(message, 8);
            Wire.CheckCrc(message, total - 4);
            at += total;
            if (at < wire.Length) payload += total - 16 - BinaryPrimitives.ReadInt32BigEndian(message[4..]);
        }

        return payload;
    }

    private static long Span(ArraySegment<byte> wire)
    {
        long payload = 0;
        var remaining = new ReadOnlySequence<byte>(wire);
        while (EventStreamDecoder.TryRead(ref remaining, ReaderOptions.MaxMessageBytes, default, out var message))
        {
            if (!remaining.IsEmpty) payload += message.Payload.Length;
        }

        return payload;
    }

    private static async Task<long> EventsAsync(ArraySegment<byte> wire)
    {
        long payload = 0;
        await foreach (var item in new Events(Reader(wire)))
        {
            if (item.TryGetPayloadChunk(out var chunk)) payload += chunk.Payload.Length;
        }

        return payload;
    }

    private static async Task<long> ChunksAsync(ArraySegment<byte> wire)
    {
        long payload = 0;
        await foreach (var chunk in new Chunks(Reader(wire))) payload += chunk.Payload.Length;
        return payload;
    }

    private static async Task<long> PeerAsync(ArraySegment<byte> wire)
    {
        long payload = 0;
        using var peer = new Peer(CreateStream(wire));
        await foreach (var item in peer)
        {
            if (item is Peer.Chunk chunk) payload += chunk.Payload.Length;
        }

        return payload;
    }

    private static ResponseStreamReader Reader(ArraySegment<byte> wire)
    {
        var stream = CreateStream(wire);
        var body = new ResponseStreamBody(stream, stream, ReaderOptions.TimeProvider, ReaderOptions.IdleTimeout);
        return new ResponseStreamReader(body, ReaderOptions, new LambdaErrorDetails());
    }

    private sealed class Events(ResponseStreamReader reader) : IAsyncEnumerable<ResponseStreamEvent>
    {
        public IAsyncEnumerator<ResponseStreamEvent> GetAsyncEnumerator(
            CancellationToken cancellationToken = default) =>
            new ResponseStreamEventEnumerator(reader, throwOnFunctionError: true);
    }

    private sealed class Chunks(ResponseStreamReader reader) : IAsyncEnumerable<PayloadChunk>
    {
        public IAsyncEnumerator<PayloadChunk> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            new PayloadChunkEnumerator(reader);
    }
}
