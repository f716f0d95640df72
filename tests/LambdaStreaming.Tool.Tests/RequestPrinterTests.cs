using System.Text;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool.Tests;

/// <summary>The log of <c>serve</c> when its output is not read.</summary>
public sealed class RequestPrinterTests
{
    private static readonly TimeSpan TestTimeout = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task PrintAsync_OutputIsBlocked_StatesTheNumberOfRequestsThatAreNotShown()
    {
        await using var server = await LocalLambdaServer.StartAsync(options =>
        {
            options.MaxRecordedRequests = 5;
            options.AddFunction("f");
        });
        using var client = server.CreateClient();
        using var stopping = new CancellationTokenSource();
        using var writer = new BlockingWriter("-> f:last, ");
        var console = new ToolConsole { Input = Stream.Null, Output = Stream.Null, Error = writer };
        var printer = new RequestPrinter(console, TimeProvider.System, stopping.Token);

        var printing = Task.Run(() => printer.PrintAsync(server), TestContext.Current.CancellationToken);
        await InvokeAsync("f");
        await writer.Blocked.WaitAsync(TestTimeout, TestContext.Current.CancellationToken);
        for (var call = 2; call < 8; call++)
            await InvokeAsync("f");
        await InvokeAsync("f:last");
        writer.Resume();
        var lines = await writer.Completed.WaitAsync(TestTimeout, TestContext.Current.CancellationToken);
        await stopping.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => printing);
        // The server has the last five of the eight requests, and the first one had been taken before.
        Assert.Equal(6, lines.Count(line => line.Contains("-> f", StringComparison.Ordinal)));
        Assert.Single(lines, line => line.Contains("-- 2 requests not shown", StringComparison.Ordinal));

        async Task InvokeAsync(string function)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(
                new(function), TestContext.Current.CancellationToken);
            await response.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Blocks the first write of a line. Completes at the line that contains a text.</summary>
    private sealed class BlockingWriter(string last) : TextWriter
    {
        private readonly ManualResetEventSlim _resume = new();
        private readonly List<string> _lines = [];
        private readonly TaskCompletionSource _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private readonly TaskCompletionSource<IReadOnlyList<string>> _completed =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Blocked => _blocked.Task;

        public Task<IReadOnlyList<string>> Completed => _completed.Task;

        public override Encoding Encoding => Encoding.UTF8;

        public void Resume() => _resume.Set();

        public override void WriteLine(string? value)
        {
            _blocked.TrySetResult();
            _resume.Wait(TestTimeout);
            lock (_lines)
            {
                _lines.Add(value!);
                if (value!.Contains(last, StringComparison.Ordinal))
                    _completed.TrySetResult([.. _lines]);
            }
        }

        protected override void Dispose(bool disposing)
        {
            _resume.Set();
            base.Dispose(disposing);
        }
    }
}
