using System.Text;
using LambdaStreaming.AspNetCore.Responses;

namespace LambdaStreaming.AspNetCore.Tests;

/// <summary>Tests where a comment can be inserted in a stream of server-sent events.</summary>
public class EventBoundaryTests
{
    [Theory]
    [InlineData("", true)]
    [InlineData("d", false)]
    [InlineData("data: 1", false)]
    [InlineData("data: 1\n", false)]
    [InlineData("data: 1\n\n", true)]
    [InlineData("data: 1\n\n\n", true)]
    [InlineData("data: 1\n\ndata: 2\n", false)]
    [InlineData("data: 1\r\n", false)]
    [InlineData("data: 1\r\n\r", false)]
    [InlineData("data: 1\r\n\r\n", true)]
    [InlineData("data: 1\r", false)]
    [InlineData("data: 1\r\r", true)]
    [InlineData("data: 1\r\rdata: 2\r", false)]
    [InlineData("data: 1\n\r", false)]
    [InlineData("data: 1\n\r\n", true)]
    [InlineData("\r", false)]
    [InlineData("\n", true)]
    [InlineData(":", false)]
    [InlineData(": ping", false)]
    [InlineData(": ping\n", true)]
    [InlineData("data: 1\n: ping\n", false)]
    [InlineData("data: 1\n: ping\n\n", true)]
    [InlineData(": ping\n\n: ping\n\n", true)]
    public void IsBetweenEvents_BytesSplitAnywhere_IsTrueOnlyBetweenEvents(string text, bool expected)
    {
        var bytes = Encoding.ASCII.GetBytes(text);

        for (var first = 0; first <= bytes.Length; first++)
        {
            for (var second = first; second <= bytes.Length; second++)
            {
                var boundary = new EventBoundary();
                boundary.Append(bytes.AsSpan(0, first));
                boundary.Append(bytes.AsSpan(first, second - first));
                boundary.Append(bytes.AsSpan(second));
                Assert.Equal(expected, boundary.IsBetweenEvents);
            }
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("i", true)]
    [InlineData("id: 1", true)]
    [InlineData("retry: 1", true)]
    [InlineData("data: id", false)]
    [InlineData(": id", false)]
    [InlineData("id: 1\n", false)]
    [InlineData("id: 1\r", false)]
    [InlineData("id: 1\ndata", false)]
    [InlineData("data: 1\r\nid", true)]
    [InlineData("data: 1\n\nr", true)]
    public void IsInIdOrRetry_BytesSplitAnywhere_DependsOnFirstByteOfIncompleteLine(string text, bool expected)
    {
        Assert.All(ReadInTwoParts(text), boundary => Assert.Equal(expected, boundary.IsInIdOrRetry));
    }

    [Theory]
    [InlineData("id: 1", false)]
    [InlineData("id: 1\n", true)]
    [InlineData("id: 1\r", true)]
    [InlineData("id\r\n: comment\ndata: 1", true)]
    [InlineData("data: 1\nid: 1\ndata: 2\n", true)]
    [InlineData("data: 1\n", false)]
    [InlineData(": id\n", false)]
    [InlineData("id: 1\n\n", false)]
    [InlineData("id: 1\r\n\r\ndata: 1\n", false)]
    public void HasId_BytesSplitAnywhere_DependsOnCompleteLinesOfIncompleteEvent(string text, bool expected)
    {
        Assert.All(ReadInTwoParts(text), boundary => Assert.Equal(expected, boundary.HasId));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("data: 1\n\n", "")]
    [InlineData("data: 1\r\n\r\n", "")]
    [InlineData("data: 1\r\n\r", "line")]
    [InlineData("data: 1", "line event")]
    [InlineData("data: 1\n", "event")]
    [InlineData("data: 1\r\n", "event")]
    [InlineData("data: 1\r", "line event")]
    [InlineData(": pi", "line")]
    [InlineData(": ping\n", "")]
    [InlineData("data: 1\n: pi", "line event")]
    public void NeedsLineEnd_Always_DescribesIncompleteLineAndEvent(string text, string expected)
    {
        var boundary = new EventBoundary();

        boundary.Append(Encoding.ASCII.GetBytes(text));

        var parts = new[] { boundary.NeedsLineEnd ? "line" : "", boundary.IsInEvent ? "event" : "" };
        Assert.Equal(expected, string.Join(' ', parts.Where(part => part.Length > 0)));
    }

    // One for each position at which the bytes can be split.
    private static IEnumerable<EventBoundary> ReadInTwoParts(string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        for (var first = 0; first <= bytes.Length; first++)
        {
            var boundary = new EventBoundary();
            boundary.Append(bytes.AsSpan(0, first));
            boundary.Append(bytes.AsSpan(first));
            yield return boundary;
        }
    }
}
