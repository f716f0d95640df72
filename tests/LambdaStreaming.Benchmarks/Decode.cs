using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.Benchmarks;

/// <summary>Decoding from memory: ours and the peer's, beside the floor of both CRCs a message and nothing else.</summary>
internal static class Decode
{
    private const int WireBytes = 4 * 1024 * 1024;
    private const int OnceRuns = 100;

    // On AMD's Zen 3 a long copy to an address 1 to 63 bytes further into its page than the one it comes from takes up to 20 times as long ("rep movsb").
    // Wherever the arrays and the pipe's buffers happen to lie, that hits a few rounds at most if they take turns.
    private const int Places = 5;
    private const int PlaceStep = 1000;

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
        Console.WriteLine("Decoding from memory: times divided by the floor's (both CRCs of each message by System.IO.Hashing, nothing else), median and quartiles of the rounds; least is the fastest round divided by the floor's fastest.");
        Console.WriteLine();
        Console.WriteLine("| payload | floor ns | span decoder | await foreach events | least | B an event | await foreach chunks | least | peer | B an event | peer ÷ ours |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var size in (int[])[16, 64, 256, 1024, 8192, 65536, 1048576]) await RunAsync(SizeName(size), [.. Enumerable.Repeat(size, Math.Max(64, WireBytes / (size + 106)))], rounds);
        var random = new Random(2);
        await RunAsync("1–128 B mixed", [.. Enumerable.Range(0, WireBytes / 170).Select(_ => random.Next(1, 129))], rounds);
        Console.WriteLine();
    }

    private static async Task RunAsync(string name, int[] sizes, int rounds)
    {
        var wires = Placed(Wire.Create(sizes));
        var turn = 0;
        ArraySegment<byte> Next() => wires[turn++ % Places];
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

        // What an answer costs once, its first reads included, is not the events'.
        var once = Wire.Create([1]);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < OnceRuns; i++) await EventsAsync(once);
        var onceBytes = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)OnceRuns;
        var eventBytes = Math.Max(0, events.AllocatedBytes - (onceBytes / sizes.Length));
        string[] cells =
        [
            name, Rounds.Text($"{floor.Nanoseconds:0.#}"), span.Spread,
            events.Spread, Rounds.Text($"{events.LeastRatio:0.00}"), Rounds.Text($"{eventBytes:0.0}"),
            chunks.Spread, Rounds.Text($"{chunks.LeastRatio:0.00}"),
            Rounds.Text($"{peer.Ratio:0.0}"), Rounds.Text($"{peer.AllocatedBytes:0}"), peer.SpreadOver(events),
        ];
        Console.WriteLine($"| {string.Join(" | ", cells)} |");
    }

    private static ArraySegment<byte>[] Placed(byte[] wire) =>
    [
        .. Enumerable.Range(0, Places).Select(place =>
        {
            var array = new byte[wire.Length + (place * PlaceStep)];
            wire.CopyTo(array, place * PlaceStep);
            return new ArraySegment<byte>(array, place * PlaceStep, wire.Length);
        }),
    ];

    private static MemoryStream StreamOf(ArraySegment<byte> wire) => new(wire.Array!, wire.Offset, wire.Count);

    internal static string SizeName(int bytes) => bytes switch
    {
        >= 1024 * 1024 => $"{bytes / 1024 / 1024} MiB",
        >= 1024 => $"{bytes / 1024} KiB",
        _ => $"{bytes} B",
    };

    // Each contender has a consumer of its own: a shared one would be compiled for all of them and flatter none.
    private static long Floor(ReadOnlySpan<byte> wire)
    {
        long payload = 0;
        for (var at = 0; at < wire.Length;)
        {
            var message = wire[at..];
            var total = BinaryPrimitives.ReadInt32BigEndian(message);
            if (Crc32.HashToUInt32(message[..8]) != BinaryPrimitives.ReadUInt32BigEndian(message[8..])) throw new InvalidDataException();
            if (Crc32.HashToUInt32(message[..(total - 4)]) != BinaryPrimitives.ReadUInt32BigEndian(message[(total - 4)..])) throw new InvalidDataException();
            at += total;
            if (at < wire.Length) payload += total - 16 - BinaryPrimitives.ReadInt32BigEndian(message[4..]);
        }

        return payload;
    }

    private static long Span(ArraySegment<byte> wire)
    {
        long payload = 0;
        var rest = new ReadOnlySequence<byte>(wire);
        while (EventStreamDecoder.TryRead(ref rest, LambdaStreamingClientOptions.DefaultMaxMessageBytes, out var message))
        {
            if (!rest.IsEmpty) payload += message.Payload.Length;
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
        using var peer = new Peer(StreamOf(wire));
        await foreach (var item in peer)
        {
            if (item is Peer.Chunk chunk) payload += chunk.Payload.Length;
        }

        return payload;
    }

    private static ResponseStreamReader Reader(ArraySegment<byte> wire)
    {
        var stream = StreamOf(wire);
        return new ResponseStreamReader(new ResponseStreamBody(stream, stream, ReaderOptions.TimeProvider, ReaderOptions.IdleTimeout), ReaderOptions, new LambdaErrorDetails());
    }

    private sealed class Events(ResponseStreamReader reader) : IAsyncEnumerable<ResponseStreamEvent>
    {
        public IAsyncEnumerator<ResponseStreamEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new ResponseStreamEventEnumerator(reader, throwOnFunctionError: true);
    }

    private sealed class Chunks(ResponseStreamReader reader) : IAsyncEnumerable<PayloadChunk>
    {
        public IAsyncEnumerator<PayloadChunk> GetAsyncEnumerator(CancellationToken cancellationToken = default) => new PayloadChunkEnumerator(reader);
    }
}
