using System.Globalization;
using System.Net.ServerSentEvents;
using System.Text;
using FsCheck.Xunit;

namespace LambdaStreaming.Tests.Payload;

/// <summary>
/// Server-sent events compared with a direct implementation of the HTML standard and with the parser of .NET.
/// </summary>
public class ServerSentEventStandardTests
{
    private static readonly string[] Lines =
    [
        "", "", "", "", "data: a", "data:b", "data", "data:", "data:  c", "event: e", "event:f", "event", "event:",
        "id: 1", "id", "id: 2\0", "retry: 50", "retry: 0", "retry", "retry: x", "retry: -1", "retry: +1",
        "retry: 1\0",
        "retry: 922337203685477", "retry: 922337203685478", "retry: 99999999999999999999",
        ": comment", ":", "database: x", " data: x", "Data: x",
    ];

    // Source: HTML standard, 9.2.6: an empty type is "message", and a reconnection time has only digits. The parser of
    // .NET leaves the type empty, and accepts NUL after the digits.
    private static readonly string[] PeerLines =
        [.. Lines.Where(line => line is not ("event" or "event:" or "retry: 1\0"))];

    private static readonly string[] LineEnds = ["\n", "\r", "\r\n"];

    [Property(MaxTest = 2000)]
    public async Task<bool> ReadServerSentEventsAsync_AnyLinesAndLineEnds_EventsFollowTheStandard(
        uint[] picks,
        int[] sizes,
        bool hasByteOrderMark)
    {
        var lines = picks.Select((pick, index) => Pick(Lines, pick, index) + Pick(LineEnds, pick, index));
        var stream = (hasByteOrderMark ? "\uFEFF" : "") + string.Concat(lines);
        await using var response = Fragmented.Response(Fragmented.SplitAt(Encoding.UTF8.GetBytes(stream), sizes));

        var events = await Fragmented.OutcomeAsync(response.ReadServerSentEventsAsync(), Show);

        return string.Equals(Interpret(stream), events, StringComparison.Ordinal);
    }

    [Property(MaxTest = 500)]
    public async Task<bool> ReadServerSentEventsAsync_AnyBlocks_EventsEqualThoseOfSseParser(
        uint[] picks,
        byte[] bytes,
        int[] sizes)
    {
        byte[] value = [.. "data:"u8, .. bytes.Where(value => value is not ((byte)'\r' or (byte)'\n'))];
        var lines = picks.Select((pick, index) => Pick(PeerLines, pick, index));

        // Every block has data. Contrary to the standard, SseParser applies the type of a block without data to the
        // next event.
        var blocks = string.Join('\n', lines.Select(line => line.Length == 0 ? "data: end\n" : line));
        byte[] stream = [.. Encoding.UTF8.GetBytes(blocks), (byte)'\n', .. value, .. "\n\n"u8];
        await using var response = Fragmented.Response(Fragmented.SplitAt(stream, sizes));

        var events = await Fragmented.OutcomeAsync(response.ReadServerSentEventsAsync(), Show);

        using var copy = new MemoryStream(stream);
        var peerEvents = await Fragmented.OutcomeAsync(SseParser.Create(copy).EnumerateAsync(), Show);
        return string.Equals(peerEvents, events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_DataIsJson_EventsHaveTypeIdAndReconnectionInterval()
    {
        await using var response = Fragmented.Response("id: 7\nretry: 50\nevent: tick\ndata: 1\n\nevent:\ndata: 2\n\n");

        Assert.Equal("<tick 1 7 50><message 2  >", await Fragmented.OutcomeAsync(
            response.ReadServerSentEventsAsync(TestJson.Default.Int32),
            item => $"{item.EventType} {item.Data} {item.EventId} {item.ReconnectionInterval?.TotalMilliseconds}"));
    }

    private static string Show(SseItem<string> item)
    {
        var milliseconds = (long)(item.ReconnectionInterval?.TotalMilliseconds ?? -1);
        return $"{item.EventType} {item.Data} {item.EventId ?? "-"} {milliseconds}";
    }

    // FsCheck prefers small numbers. A multiplication by the golden ratio of 2^32 distributes them over all lines.
    private static string Pick(string[] texts, uint pick, int index) =>
        texts[((pick + (31u * (uint)index)) * 2_654_435_769u >> 8) % texts.Length];

    // Source: HTML standard, 9.2.6, "Interpreting an event stream". Id and retry time apply to the next event with
    // data.
    private static string Interpret(string stream)
    {
        var events = new StringBuilder();
        string data = "", type = "", id = "-", retry = "-1";
        if (stream.StartsWith('\uFEFF')) stream = stream[1..];
        foreach (var line in stream.ReplaceLineEndings("\n").Split('\n')[..^1])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? "" : line[(colon + 1)..];
            if (value.StartsWith(' ')) value = value[1..];
            if (field == "data") data += value + "\n";
            if (field == "event") type = value;
            if (field == "id" && !value.Contains('\0', StringComparison.Ordinal)) id = value;
            if (field == "retry" && value is "50" or "0" or "922337203685477") retry = value;
            if (line.Length > 0) continue;

            if (data.Length > 0)
            {
                type = type.Length > 0 ? type : "message";
                events.Append(CultureInfo.InvariantCulture, $"<{type} {data[..^1]} {id} {retry}>");
                (id, retry) = ("-", "-1");
            }

            data = type = "";
        }

        return events.ToString();
    }
}
