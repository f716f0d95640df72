using LambdaStreaming.Testing.Faults;
using LambdaStreaming.Testing.Functions;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Functions that cancellation does not end: most of them ignore every exception in a loop.</summary>
public sealed class FunctionRunTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan FunctionTimeout = TimeSpan.FromSeconds(3);

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly CancellationTokenSource _aborted = new();
    private readonly ReceivedRequest _request = TestCall.CreateRequest();

    // Its continuation runs in SetResult.
    private readonly TaskCompletionSource _started = new();

    private FunctionRun? _run;
    private CancellationToken _functionToken;
    private volatile bool _isTestEnding;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        // Ends the loop first: Dispose waits for it if a callback of a token runs it.
        _isTestEnding = true;
        _run?.Dispose();
        _aborted.Dispose();
    }

    public static TheoryData<string> Waits => ["write", "other"];

    [Theory, MemberData(nameof(Waits))]
    public async Task WithTimeout_FunctionSwallowsExceptionsOfAPendingWait_EndsWithSandboxTimedout(string wait)
    {
        var body = new WaitingBody(_aborted.Token);

        var running = RunAsync(wait, body);
        await Task.Run(() => _clock.Advance(FunctionTimeout), Token).WaitAsync(Soon, Token);
        Assert.Equal("Sandbox.Timedout", _request.FunctionErrorCode);
        body.Resume();
        await running.WaitAsync(Soon, Token);

        Assert.True(body.HasEnded);
    }

    [Theory, MemberData(nameof(Waits))]
    public async Task RunAsync_ClientDisconnectsAndFunctionSwallowsExceptions_EndsWithoutFunctionError(string wait)
    {
        var running = RunAsync(wait, new WaitingBody(_aborted.Token));
        await Task.Run(_aborted.Cancel, Token).WaitAsync(Soon, Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running.WaitAsync(Soon, Token));

        Assert.Null(_request.FunctionErrorCode);
    }

    // The chunk delay is not over after the timeout of the function.
    [Fact]
    public async Task WithTimeout_FunctionSwallowsExceptionsDuringAChunkDelay_EndsWithSandboxTimedout()
    {
        var running = RunAsync(
            "other",
            new WaitingBody(_aborted.Token),
            new InjectedFaults { ChunkDelay = TimeSpan.FromHours(1) });

        await Task.Run(() => _clock.Advance(FunctionTimeout), Token).WaitAsync(Soon, Token);
        await running.WaitAsync(Soon, Token);

        Assert.Equal("Sandbox.Timedout", _request.FunctionErrorCode);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task RunAsync_ClientDisconnectsOrFunctionTimesOut_TokenIsCancelledBeforeTheRunEnds(bool timesOut)
    {
        var body = new WaitingBody(_aborted.Token);
        var running = RunAsync("nothing", body);
        var wasCancelled = running.ContinueWith(
            _ => _functionToken.IsCancellationRequested,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

        if (timesOut) _clock.Advance(FunctionTimeout);
        else await _aborted.CancelAsync();

        Assert.True(await wasCancelled.WaitAsync(Soon, Token));
    }

    [Theory, InlineData("$LATEST"), InlineData("1")]
    public async Task WithTimeout_FunctionBlocksItsThread_EndsWithSandboxTimedout(string version)
    {
        using var started = new SemaphoreSlim(0);
        using var resume = new ManualResetEventSlim();
        var options = new LocalLambdaServerOptions { TimeProvider = _clock };
        var function = options.AddFunction("f", Block).AddVersion("1", Block).WithTimeout(FunctionTimeout);
        var handler = function.Resolve(version)!.Value.Handler;
        _run = new FunctionRun(
            options, function, handler, TestCall.CreateInvocation(), TimeSpan.Zero, _aborted.Token);

        var body = new WaitingBody(_aborted.Token);
        var running = Task.Run(() => _run.RunAsync(body, InjectedFaults.None, _request), Token);
        try
        {
            Assert.True(await started.WaitAsync(Soon, Token));
            await Task.Run(() => _clock.Advance(FunctionTimeout), Token).WaitAsync(Soon, Token);
            await running.WaitAsync(Soon, Token);
        }
        finally
        {
            resume.Set();
        }

        Assert.Equal("Sandbox.Timedout", _request.FunctionErrorCode);

        Task Block(FunctionInvocation call, FunctionResponse response, CancellationToken token)
        {
            started.Release();
            resume.Wait(CancellationToken.None);
            return Task.CompletedTask;
        }
    }

    private Task RunAsync(string wait, WaitingBody body, InjectedFaults? faults = null)
    {
        var options = new LocalLambdaServerOptions { TimeProvider = _clock };
        var function = options.AddFunction("f").WithTimeout(FunctionTimeout);
        var invocation = TestCall.CreateInvocation();
        _run = new FunctionRun(options, function, LoopAsync, invocation, TimeSpan.Zero, _aborted.Token);
        var running = _run.RunAsync(body, faults ?? InjectedFaults.None, _request);
        // The wait of the function begins after that of the run, and therefore ends before it.
        _started.SetResult();
        return running;

        async Task LoopAsync(FunctionInvocation call, FunctionResponse response, CancellationToken token)
        {
            _functionToken = token;
            await _started.Task;
            if (faults is not null) _ = response.WriteTextAsync("text", token);
            if (wait == "nothing") await Task.Delay(Timeout.InfiniteTimeSpan, token);
            while (!_isTestEnding)
            {
                try
                {
                    if (wait == "write") await response.WriteTextAsync("text", token);
                    else await new TaskCompletionSource().Task.WaitAsync(token);
                }
                catch (OperationCanceledException)
                {
                    // The mistake of the function.
                }
            }
        }
    }

    private sealed class WaitingBody(CancellationToken aborted) : IResponseBody
    {
        private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public long? MaxPayloadBytes => null;

        public bool HasEnded { get; private set; }

        public void Resume() => _resumed.SetResult();

        public Task StartAsync(string contentType) => Task.CompletedTask;

        public Task WriteChunkAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellationToken) =>
            _resumed.Task.WaitAsync(aborted);

        public Task InterruptAsync(Interruption interruption) => Task.CompletedTask;

        public Task AbortAsync(TruncationMode mode) => throw new NotSupportedException();

        public Task CompleteAsync(FunctionError? error, LogTail log)
        {
            HasEnded = true;
            return Task.CompletedTask;
        }
    }
}
