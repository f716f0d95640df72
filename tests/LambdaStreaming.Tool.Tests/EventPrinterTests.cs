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
        using var test = new Fixture();
        await AbandonAsync(test.Output.WriteAsync("first\n", new CancellationToken(canceled: true)));

        await test.PrintFailureAsync(stream => stream.Release());

        Assert.Equal(["first", "error"], test.Lines.Select(line => line is "first" ? line : GetEvent(line)));
    }

    [Fact]
    public async Task PrintAsync_AbandonedWriteFails_PrintsNothing()
    {
        using var test = new Fixture();
        await AbandonAsync(test.Output.WriteAsync("first\n", new CancellationToken(canceled: true)));

        await test.PrintFailureAsync(stream => stream.Fail());

        Assert.Empty(test.Lines);
    }

    [Fact]
    public async Task PrintAsync_CompleteIsBeingPrinted_DoesNotContradictIt()
    {
        using var test = new Fixture { Stream = { FreeWrites = 1 } };
        await using var response = InvokeWithResponseStreamResponse.Create(Array.Empty<string>());
        using var stopping = new CancellationTokenSource();
        var printing = test.Printer.PrintAsync(response, stopping.Token);
        await test.Stream.Held.WaitAsync(Token);
        await stopping.CancelAsync();
        await AbandonAsync(printing);

        await test.PrintFailureAsync(stream => stream.Release());

        Assert.Equal(["headers", "complete"], test.Lines.Select(GetEvent));
    }

    private static string? GetEvent(string line) => (string?)JsonNode.Parse(line)!["event"];

    private static async Task AbandonAsync(Task write) =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);

    private sealed class Fixture : IDisposable
    {
        public Fixture()
        {
            var error = Run.CreateErrorWriter();
            var console = new ToolConsole { Input = System.IO.Stream.Null, Output = Stream, Error = error };
            Output = new OutputWriter(null, console);
            Printer = new EventPrinter(Output, new StreamStatistics(TimeProvider.System), console);
        }

        public HeldStream Stream { get; } = new();

        public OutputWriter Output { get; }

        public EventPrinter Printer { get; }

        public IEnumerable<string> Lines =>
            Encoding.UTF8.GetString(Stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        /// <summary>Prints a failure after a write that was abandoned, and then ends that write.</summary>
        public async Task PrintFailureAsync(Action<HeldStream> endWrite)
        {
            var printing = Printer.PrintAsync(new IOException("x"), "the text", Token);
            Assert.False(printing.IsCompleted);
            endWrite(Stream);
            await printing;
        }

        public void Dispose() => Stream.Dispose();
    }

    /// <summary>A stream whose writes wait for <see cref="Release"/> or <see cref="Fail"/>.</summary>
    private sealed class HeldStream : MemoryStream
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The number of writes that do not wait.</summary>
        public int FreeWrites { get; set; }

        /// <summary>Completes when a write waits.</summary>
        public Task Held => _held.Task;

        public void Release() => _released.SetResult();

        public void Fail()
        {
            FreeWrites = int.MaxValue;
            _released.SetException(new IOException("The disk is full."));
        }

        public override async ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (FreeWrites-- <= 0)
            {
                _held.TrySetResult();
                await _released.Task;
            }

            Write(buffer.Span);
        }
    }
}
