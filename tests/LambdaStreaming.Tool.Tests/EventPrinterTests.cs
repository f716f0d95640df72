using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Tool.Tests;

/// <summary>The last line of <c>--events</c> after a write that was abandoned.</summary>
public class EventPrinterTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // Ctrl-C abandons a write that can end at the same moment. Its line is then complete.
    [Fact]
    public async Task PrintAsync_AbandonedWriteEnds_PrintsTheFailureAfterIt()
    {
        using var stream = new HeldStream();
        var console = new ToolConsole { Input = Stream.Null, Output = stream, Error = Run.CreateErrorWriter() };
        var output = new OutputWriter(null, console);
        var printer = new EventPrinter(output, new StreamStatistics(TimeProvider.System), console);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => output.WriteAsync(new ReadOnlySequence<byte>("first\n"u8.ToArray()), new(canceled: true)));

        var printing = printer.PrintAsync(new IOException("x"), "the text", Token);
        Assert.False(printing.IsCompleted);
        stream.Release();
        await printing;

        var lines = Encoding.UTF8.GetString(stream.ToArray()).TrimEnd('\n').Split('\n');
        Assert.Equal(["first", "error"], [lines[0], (string?)JsonNode.Parse(lines[1])!["event"]]);
    }

    /// <summary>A stream whose writes end after <see cref="Release"/>.</summary>
    private sealed class HeldStream : MemoryStream
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _released.SetResult();

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _released.Task;
            Write(buffer.Span);
        }
    }
}
