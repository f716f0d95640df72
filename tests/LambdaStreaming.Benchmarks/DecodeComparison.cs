using System.Buffers.Binary;

namespace LambdaStreaming.Benchmarks;

/// <summary>Compares the public API with the cost of the checksums and with the decoder of AWSSDK.Core.</summary>
/// <remarks>
/// Contender A computes both CRCs of each message with System.IO.Hashing and does nothing else. Contender B is the
/// decoder of AWSSDK.Core. The contenders alternate in one process; each reads the same 32 MiB from memory.
/// </remarks>
internal static class DecodeComparison
{
    private const int WireBytes = 32 * 1024 * 1024;
    private const int MessageOverheadBytes = 102;
    private static readonly int[] PayloadSizes = [16, 64, 256, 1024, 8192, 65536, 1024 * 1024];

    public static async Task RunAsync(int rounds)
    {
        Console.WriteLine("`await foreach` over events, compared with A and B: median (quartiles) of one run.");
        Console.WriteLine();
        Console.WriteLine("| payload | ns per event | ÷ A | times as fast as B | B per event | B per event of B |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- |");
        foreach (var size in PayloadSizes) await CompareAsync(size, rounds);
        Console.WriteLine();
    }

    private static async Task CompareAsync(int size, int rounds)
    {
        var events = Math.Max(1, WireBytes / (size + MessageOverheadBytes));
        var wire = Wire.Create(Enumerable.Repeat(size, events));
        var results = await Rounds.RunAsync(
            [
                new("A", () => Task.FromResult(ComputeCrcs(wire))),
                new("ours", () => ReadEventsAsync(wire)),
                new("B", () => ReadPeerEventsAsync(wire)),
            ],
            events,
            rounds);
        var (ours, peer) = (results[1], results[2]);
        string[] cells =
        [
            Decode.GetSizeName(size), Rounds.Text($"{ours.Nanoseconds:0.0}"), ours.Spread, peer.SpreadOver(ours),
            Rounds.Text($"{ours.AllocatedBytes:0.00}"), Rounds.Text($"{peer.AllocatedBytes:0}"),
        ];
        Console.WriteLine($"| {string.Join(" | ", cells)} |");
    }

    private static long ComputeCrcs(ReadOnlySpan<byte> wire)
    {
        long events = 0;
        while (!wire.IsEmpty)
        {
            var total = BinaryPrimitives.ReadInt32BigEndian(wire);
            Wire.CheckCrc(wire, 8);
            Wire.CheckCrc(wire, total - 4);
            wire = wire[total..];
            events++;
        }

        return events;
    }

    private static async Task<long> ReadEventsAsync(byte[] wire)
    {
        long events = 0;
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));
        await foreach (var _ in response) events++;
        return events;
    }

    private static async Task<long> ReadPeerEventsAsync(byte[] wire)
    {
        long events = 0;
        using var peer = new Peer(new MemoryStream(wire));
        await foreach (var _ in peer) events++;
        return events;
    }
}
