using System.IO.Pipelines;
using System.Text;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.AspNetCore.Tests;

public class EventStreamWriterTests
{
    private const string Comment = ": keep-alive\n\n";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    // After a comment, a byte order mark would be part of the first field's name.
    [Theory]
    [InlineData("\u00EF", "\u00BB\u00BFdata: 1\n\n", Comment + "data: 1\n\n")]
    [InlineData("\u00EF\u00BB", "\u00BFdata: 1\n\n", Comment + "data: 1\n\n")]
    [InlineData("\u00EF\u00BB", "data: 1\n\n", Comment + "\u00EF\u00BBdata: 1\n\n")]
    [InlineData("\u00EF", "\u00BB", Comment + "\u00EF\u00BB")]
    public async Task CopyFromAsync_ByteOrderMarkIsSplit_IsDroppedAfterComment(
        string first, string second, string expected)
    {
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { Response = { Body = body } };
        var time = new FakeTimeProvider();
        var tracking = new TrackingPipeWriter(context);
        using var writer = new EventStreamWriter(tracking, time, Interval);
        await tracking.FlushHeadersAsync(TestContext.Current.CancellationToken);
        var function = new TaskCompletionSource<int>();
        var waiting = writer.WaitAsync(function.Task, TestContext.Current.CancellationToken);
        time.Advance(Interval);
        function.SetResult(0);
        await waiting;
        var events = new Pipe();
        await events.Writer.WriteAsync(Encoding.Latin1.GetBytes(first), TestContext.Current.CancellationToken);

        var copy = writer.CopyFromAsync(events.Reader.AsStream(), TestContext.Current.CancellationToken);
        await events.Writer.WriteAsync(Encoding.Latin1.GetBytes(second), TestContext.Current.CancellationToken);
        await events.Writer.CompleteAsync();
        await copy;

        Assert.Equal(expected, Encoding.Latin1.GetString(body.ToArray()));
    }
}
