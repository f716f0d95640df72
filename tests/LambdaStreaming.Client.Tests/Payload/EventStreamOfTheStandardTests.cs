using System.Text;
using FsCheck.Xunit;

namespace LambdaStreaming.Tests.Payload;

/// <summary>Server-sent events are what the standard says, held against the plainest reading of it.</summary>
public class EventStreamOfTheStandardTests
{
    private static readonly string[] Lines = ["", "", "", "data: a", "data:b", "data", "data:", "event: e", "event:f", "event", "event:", "id: 1", "id", ": comment", "database: x", " data: x"];
    private static readonly string[] Ends = ["\n", "\r", "\r\n"];

    [Property(MaxTest = 2000)]
    public async Task<bool> ReadServerSentEventsAsync_AnyLinesAndEnds_EventsAreThoseOfTheStandard(uint[] picks, int[] sizes, bool hasMark)
    {
        var stream = (hasMark ? "\uFEFF" : "") + string.Concat(picks.Select(pick => Lines[pick % Lines.Length] + Ends[pick / 16 % Ends.Length]));
        await using var response = Cut.Answer(Cut.At(Encoding.UTF8.GetBytes(stream), sizes));

        var events = await Cut.OutcomeAsync(response.ReadServerSentEventsAsync(), item => $"{item.EventType} {item.Data}");

        return string.Equals(Interpret(stream), events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadServerSentEventsAsync_ValuesAreJson_EventsKeepTypeIdAndTime()
    {
        await using var response = Cut.Answer("id: 7\nretry: 50\nevent: tick\ndata: 1\n\nevent:\ndata: 2\n\n");

        Assert.Equal("<tick 1 7 50><message 2  >", await Cut.OutcomeAsync(response.ReadServerSentEventsAsync(TestJson.Default.Int32), item => $"{item.EventType} {item.Data} {item.EventId} {item.ReconnectionInterval?.TotalMilliseconds}"));
    }

    // Source: HTML standard, 9.2.6, "Interpreting an event stream".
    private static string Interpret(string stream)
    {
        var events = new StringBuilder();
        string data = "", type = "";
        if (stream.StartsWith('\uFEFF')) stream = stream[1..];
        foreach (var line in stream.ReplaceLineEndings("\n").Split('\n')[..^1])
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var field = colon < 0 ? line : line[..colon];
            var value = colon < 0 ? "" : line[(colon + 1)..];
            if (value.StartsWith(' ')) value = value[1..];
            if (field == "data") data += value + "\n";
            if (field == "event") type = value;
            if (line.Length > 0) continue;

            if (data.Length > 0) events.Append('<').Append(type.Length > 0 ? type : "message").Append(' ').Append(data[..^1]).Append('>');
            data = type = "";
        }

        return events.ToString();
    }
}
