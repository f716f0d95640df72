using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>When the processes of a function start and end.</summary>
public class RuntimePoolTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static readonly IReadOnlyDictionary<string, string?> NoVariables = new Dictionary<string, string?>();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithTimeout_ElapsesWhileTheProcessStarts_NextCallUsesTheProcess()
    {
        FakeRuntime.SkipIfNotSupported();
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var runtime = new FakeRuntime(maxProcesses: 1);
        using var starts = new SemaphoreSlim(0);
        var variables = new TaskCompletionSource<IReadOnlyDictionary<string, string?>>();
        await using var server = await StartAsync(
            runtime.Options with
            {
                EnvironmentProvider = _ =>
                {
                    starts.Release();
                    return variables.Task;
                },
            },
            clock);
        using var client = server.CreateClient();

        var late = InvokeAsync(client);
        await starts.WaitAsync(Token).WaitAsync(Soon, Token);
        clock.Advance(TimeSpan.FromSeconds(3));
        var error = await Assert.ThrowsAsync<FunctionErrorException>(() => late.WaitAsync(Soon, Token));
        variables.SetResult(NoVariables);
        var next = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("Sandbox.Timedout", error.ErrorCode);
        Assert.Equal("good", await next.WaitAsync(Soon, Token));
        Assert.Equal(0, starts.CurrentCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void MaxProcesses_IsNotPositive_ThrowsArgumentOutOfRangeException(int number)
    {
        var options = new RuntimeProcessOptions("program");

        var processes = Assert.Throws<ArgumentOutOfRangeException>(() => options with { MaxProcesses = number });
        var calls = Assert.Throws<ArgumentOutOfRangeException>(() => options with { ConcurrencyPerProcess = number });

        Assert.Equal(("MaxProcesses", number), (processes.ParamName, processes.ActualValue));
        Assert.Equal(("ConcurrencyPerProcess", number), (calls.ParamName, calls.ActualValue));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(int.MaxValue)]
    public async Task MaxProcesses_IsNotLimited_Responds(int concurrencyPerProcess)
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(int.MaxValue, concurrencyPerProcess);
        await using var server = await StartAsync(runtime.Options);
        using var client = server.CreateClient();

        var call = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "good");

        Assert.Equal("good", await call.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task MaxProcesses_RetiredProcessHasAnotherCall_NextCallWaitsForItsEnd()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 1, concurrencyPerProcess: 2);
        var firstProcess = 0;
        var startsDuringTheFirst = new ConcurrentQueue<bool>();
        var options = runtime.Options with
        {
            EnvironmentProvider = _ =>
            {
                startsDuringTheFirst.Enqueue(firstProcess != 0 && IsAlive(firstProcess));
                return Task.FromResult(NoVariables);
            },
        };
        await using var server = await StartAsync(options);
        using var client = server.CreateClient();

        var truncated = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        firstProcess = process.Process;
        var connection = await process.StartStreamingAsync(await process.NextIdAsync(), "part", trailers: null);
        var other = InvokeAsync(client);
        var otherId = await process.NextIdAsync();
        connection.Dispose();
        await Assert.ThrowsAsync<FunctionErrorException>(() => truncated.WaitAsync(Soon, Token));
        var next = InvokeAsync(client);
        for (var request = 0; request < 3; request++) await server.WaitForRequestAsync(Token).WaitAsync(Soon, Token);
        using var accepted = await process.RespondAsync(otherId, "other");
        Assert.Equal("other", await other.WaitAsync(Soon, Token));
        // The process is idle when it requests a call. The server then kills it.
        var idle = Record.ExceptionAsync(process.NextIdAsync).AsTask();
        var another = await runtime.NextProcessAsync();
        using var acceptedToo = await another.RespondAsync(await another.NextIdAsync(), "next");

        Assert.Equal("next", await next.WaitAsync(Soon, Token));
        Assert.NotNull(await idle.WaitAsync(Soon, Token));
        Assert.Equal([false, false], startsDuringTheFirst);
    }

    [Fact]
    public async Task MaxProcesses_IdleProcessHasExited_NextCallUsesANewProcess()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime(maxProcesses: 1, concurrencyPerProcess: 2);
        await using var server = await StartAsync(runtime.Options);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        using var accepted = await process.RespondAsync(await process.NextIdAsync(), "one");
        Assert.Equal("one", await first.WaitAsync(Soon, Token));
        process.Kill();
        var second = InvokeAsync(client);
        process = await runtime.NextProcessAsync();
        using var acceptedToo = await process.RespondAsync(await process.NextIdAsync(), "two");

        Assert.Equal("two", await second.WaitAsync(Soon, Token));
    }

    [Fact]
    public async Task MaxProcesses_CallsWaitForOneSecond_ReportsOnceUntilNoCallWaits()
    {
        FakeRuntime.SkipIfNotSupported();
        var clock = new WaitClock(TimeSpan.FromSeconds(1));
        using var runtime = new FakeRuntime(maxProcesses: 1);
        var reports = new ConcurrentQueue<string>();
        var options = runtime.Options with
        {
            OutputReceived = line =>
            {
                runtime.Options.ReportLine(line);
                if (line.Contains("busy", StringComparison.Ordinal)) reports.Enqueue(line);
            },
        };
        await using var server = await StartAsync(options, clock);
        using var client = server.CreateClient();

        List<Task<string>> calls = [InvokeAsync(client)];
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        foreach (var waiting in (int[])[2, 1])
        {
            for (var i = 0; i < waiting; i++) calls.Add(InvokeAsync(client));
            for (var i = 0; i < waiting; i++) await clock.Waits.WaitAsync(Token).WaitAsync(Soon, Token);
            var before = reports.Count;
            clock.Advance(TimeSpan.FromSeconds(1));
            Assert.True(SpinWait.SpinUntil(() => reports.Count > before, Soon));
            for (var i = 0; i < waiting; i++)
            {
                using var accepted = await process.RespondAsync(id, "good");
                id = await process.NextIdAsync();
            }
        }

        using var last = await process.RespondAsync(id, "good");
        await Task.WhenAll(calls).WaitAsync(Soon, Token);

        Assert.Equal(2, reports.Count);
        Assert.All(reports, report => Assert.Contains("--processes", report));
    }

    private static Task<LocalLambdaServer> StartAsync(RuntimeProcessOptions options, TimeProvider? clock = null) =>
        LocalLambdaServer.StartAsync(
            s =>
            {
                s.TimeProvider = clock ?? s.TimeProvider;
                var function = s.AddFunction("fake", options);
                if (clock is not null) function.WithTimeout(TimeSpan.FromSeconds(3));
            },
            Token);

    private static async Task<string> InvokeAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("fake"), Token);
        var text = "";
        await foreach (var part in response.ReadTextAsync(cancellationToken: Token)) text += part;
        return text;
    }

    private static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>A clock that counts the waits of one duration.</summary>
    private sealed class WaitClock(TimeSpan duration) : FakeTimeProvider(DateTimeOffset.UtcNow)
    {
        public SemaphoreSlim Waits { get; } = new(0);

        public override ITimer CreateTimer(
            TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            if (dueTime == duration) Waits.Release();
            return timer;
        }
    }
}
