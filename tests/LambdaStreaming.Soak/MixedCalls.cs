using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Soak;

/// <summary>Runs calls with and without faults for a given time. Resource usage must not grow.</summary>
internal static class MixedCalls
{
    private const int Parallel = 8;

    private const int Samples = 20;

    // ArrayPool trims the buffers that threads share only if they were unused for ten seconds, even at high memory
    // pressure (see the project file).
    private static readonly TimeSpan PoolTrimDelay = TimeSpan.FromSeconds(12);

    // The local server records every request. A delay between calls keeps its process small during a long run.
    private static readonly TimeSpan CallDelay = TimeSpan.FromMilliseconds(50);

    // A shorter run has no time to wait for the pools before each sample, so only a large leak is detected.
    private static readonly TimeSpan LongRun = TimeSpan.FromMinutes(10);

    private static readonly Call[] Calls =
    [
        new("words", ReadChunksAsync, null),
        new("many", ReadChunksAsync, null),
        new("words", response => response.ReadAsByteArrayAsync(), null),
        new("words", response => response.CopyToAsync(Stream.Null), null),
        new("lines", ReadAllAsync, null),
        new("json", ReadJsonValuesAsync, null),
        new("events", ReadEventsAsync, null),
        new("integration", ReadIntegrationAsync, null),
        new("words", BreakAsync, null),
        new("slow", AbandonAfterAWaitAsync, null),
        new("words", _ => Task.CompletedTask, null),
        new("unknown-event", ReadChunksAsync, null),
        new("fragments", ReadChunksAsync, null),
        new("fails", ReadChunksAsync, typeof(FunctionErrorException)),
        new("rejected", ReadChunksAsync, typeof(ResourceConflictException)),
        new("no-headers", ReadChunksAsync, typeof(LambdaTransportException)),
        new("long-error", ReadChunksAsync, typeof(LambdaServiceException)),
        new("web-page", ReadChunksAsync, typeof(ResponseStreamCorruptException)),
        new("truncated", ReadChunksAsync, typeof(ResponseStreamTruncatedException)),
        new("no-complete", ReadChunksAsync, typeof(ResponseStreamTruncatedException)),
        new("closed", ReadChunksAsync, typeof(ResponseStreamTruncatedException)),
        // A reset discards unread bytes of the connection, sometimes including the response headers.
        new("reset", ReadChunksAsync, typeof(ResponseStreamTruncatedException), typeof(LambdaTransportException)),
        new("bit", ReadChunksAsync, typeof(ResponseStreamCorruptException)),
        new("oversized", ReadChunksAsync, typeof(ResponseStreamCorruptException)),
        new("exception", ReadChunksAsync, typeof(ResponseStreamErrorException)),
        new("idle", ReadChunksAsync, typeof(ResponseStreamIdleTimeoutException)),
    ];

    /// <summary>Adds the functions that only these calls need.</summary>
    public static void AddFunctions(LocalLambdaServerOptions options)
    {
        options.AddFunction("slow", WriteText("word")).OnEveryCall().DelayEachChunk(TimeSpan.FromMilliseconds(5));
        options.AddFunction("lines", WriteText("a line\nanother\r\n"));
        options.AddFunction("json", WriteText("""{"a":[1,2,3]} "text" """));
        options.AddFunction("events", WriteText("data: one\n\n"));
        options.AddFunction("integration", async (_, response, cancellationToken) =>
        {
            const string Prelude = """{"statusCode":201,"headers":{"a":"b"}}""";
            await response.WriteTextAsync(Prelude + new string('\0', 8), cancellationToken);
            await response.WriteTextAsync("body", cancellationToken);
        });
        options.AddFunction("unknown-event", WriteText("word"))
            .OnEveryCall().UnknownEventAfterChunks(1, "Novelty");
        options.AddFunction("fragments", WriteText("word")).OnEveryCall().WriteInFragments(7);
        options.AddFunction("no-headers").OnEveryCall().CloseBeforeHeaders(TruncationMode.Reset);
        options.AddFunction("long-error").OnEveryCall().RespondWithRaw(
            new RawResponse { StatusCode = 400, BodySegments = [new byte[300_000]] });
        options.AddFunction("web-page").OnEveryCall().RespondWithRaw(new RawResponse
        {
            Headers = [new("Content-Type", "text/html")],
            BodySegments = ["<html>a page of a proxy</html>"u8.ToArray()],
        });
        options.AddFunction("no-complete", WriteText("word"))
            .OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody);
        options.AddFunction("closed", WriteText("word")).OnEveryCall().TruncateAfterChunks(3, TruncationMode.Close);
        options.AddFunction("reset", WriteText("word")).OnEveryCall().TruncateAfterChunks(3, TruncationMode.Reset);
        options.AddFunction("bit", WriteText("word")).OnEveryCall().FlipBit(333);
        options.AddFunction("oversized", WriteText("word"))
            .OnEveryCall().OversizedMessageAfterChunks(3, uint.MaxValue);
        options.AddFunction("exception", WriteText("word"))
            .OnEveryCall().ExceptionAfterChunks(3, "ServiceException", "planned");
    }

    /// <summary>Runs calls and checks that memory and handles do not grow.</summary>
    /// <param name="duration">
    /// The duration, a quarter of which is warm-up. Half of the warm-up runs without delays, to fill the pools
    /// completely.
    /// </param>
    /// <param name="cancellationToken">Ends the run early. The run then counts as failed.</param>
    public static async Task<int> RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        using var impatientClient = server.CreateClient(idleTimeout: TimeSpan.FromMilliseconds(200));
        var run = new Run(client, impatientClient, cancellationToken);

        // Each thread adds caches and a stack: a constant number of threads gives constant measurements.
        ThreadPool.SetMaxThreads(Parallel * 2, Parallel * 2);
        var started = Stopwatch.StartNew();
        await run.CallAsync(duration / 8, TimeSpan.Zero);
        await run.CallAsync(duration / 8, CallDelay);
        Print($"{run.Outcomes.Values.Sum()} warm-up calls in {started.Elapsed.TotalSeconds:0} s.");
        run.Outcomes.Clear();
        var isLong = duration >= LongRun;
        var trimDelay = isLong ? PoolTrimDelay : TimeSpan.Zero;
        Print($"{"seconds",8} {"calls",9} {"heap KiB",9} {"handles",8} {"threads",8} {"working set MiB",16}");
        var samples = new List<(ResourceUsage Usage, int Handles)>();
        while (samples.Count < Samples && !cancellationToken.IsCancellationRequested)
        {
            await run.CallAsync((duration * 3 / 4 / Samples) - trimDelay, CallDelay);
            await OpenConnectionsAsync(client);

            // The collections of this measurement start the ten seconds after which the pools are trimmed.
            LeakCheck.Measure();
            await Task.Delay(trimDelay, CancellationToken.None);
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            var (usage, handles) = (LeakCheck.Measure(), CountHandles());
            samples.Add((usage, handles));
            var (heap, workingSet) = (usage.Heap / 1024.0, usage.WorkingSet / 1048576.0);
            Print(
                $"{started.Elapsed.TotalSeconds,8:0} {run.Outcomes.Values.Sum(),9} {heap,9:0.0} ",
                $"{handles,8} {usage.Threads,8} {workingSet,16:0.0}");
        }

        foreach (var (outcome, calls) in run.Outcomes.OrderBy(outcome => outcome.Key, StringComparer.Ordinal))
            Print($"  {outcome}: {calls}");
        foreach (var failure in run.Failures.Take(20)) Console.WriteLine("WRONG: " + failure);
        var allowed = isLong ? 0.02 : 0.25;
        var isStable = IsStable("heap", samples.ConvertAll(sample => (double)sample.Usage.Heap), allowed)
            & IsStable("handles", samples.ConvertAll(sample => (double)sample.Handles), allowed)
            & IsStable("working set", samples.ConvertAll(sample => (double)sample.Usage.WorkingSet), allowed);
        return isStable && run.Failures.IsEmpty ? 0 : 1;
    }

    private static bool IsStable(string name, List<double> samples, double allowed)
    {
        if (samples.Count < Samples) return false;
        var first = GetMedian(samples[..(Samples / 4)]);
        var last = GetMedian(samples[^(Samples / 4)..]);
        var growth = (last - first) / first;
        Print(
            $"{name}: {growth:+0.0 %;-0.0 %;0.0 %} from the median of the first quarter ({first:0}) ",
            $"to that of the last ({last:0}); allowed +{allowed:0 %}.");
        return growth <= allowed;

        static double GetMedian(List<double> values) => values.Order().ElementAt(values.Count / 2);
    }

    // Failed calls close their connections. Opening one for each worker gives every sample the same number.
    private static async Task OpenConnectionsAsync(LambdaStreamingClient client)
    {
        var responses = await Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ =>
            client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("words"))));
        foreach (var response in responses)
        {
            await using (response) await ReadChunksAsync(response);
        }
    }

    private static int CountHandles()
    {
        using var self = Process.GetCurrentProcess();
        return OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Length : self.HandleCount;
    }

    private static FunctionHandler WriteText(string text) => async (_, response, cancellationToken) =>
    {
        for (var i = 0; i < 20; i++) await response.WriteTextAsync(text, cancellationToken);
    };

    private static async Task ReadChunksAsync(InvokeWithResponseStreamResponse response)
    {
        await foreach (var chunk in response.ReadChunksAsync()) _ = chunk.Payload.Length;
    }

    private static async Task BreakAsync(InvokeWithResponseStreamResponse response)
    {
        await foreach (var _ in response.ReadChunksAsync()) return;
    }

    // The timer of a wait must not keep an abandoned response in memory.
    private static async Task AbandonAfterAWaitAsync(InvokeWithResponseStreamResponse response)
    {
        using var stream = response.AsStream();
        for (var reads = 0; reads < 2; reads++) await stream.ReadExactlyAsync(new byte[4]);
    }

    private static async Task ReadAllAsync(InvokeWithResponseStreamResponse response)
    {
        await foreach (var _ in response.ReadLinesAsync())
        {
        }
    }

    private static async Task ReadJsonValuesAsync(InvokeWithResponseStreamResponse response)
    {
        await foreach (var _ in response.ReadJsonValuesAsync(SoakJson.Default.JsonElement))
        {
        }
    }

    private static async Task ReadEventsAsync(InvokeWithResponseStreamResponse response)
    {
        await foreach (var _ in response.ReadServerSentEventsAsync())
        {
        }
    }

    private static async Task ReadIntegrationAsync(InvokeWithResponseStreamResponse response)
    {
        var http = await response.ReadHttpIntegrationResponseAsync();
        await http.ReadAsStringAsync();
    }

    private static void Print(params FormattableString[] parts) =>
        Console.WriteLine(string.Concat(parts.Select(part => part.ToString(CultureInfo.InvariantCulture))));

    /// <summary>The calls of one run, with their outcomes and unexpected failures.</summary>
    private sealed class Run(
        LambdaStreamingClient client, LambdaStreamingClient impatientClient, CancellationToken cancellationToken)
    {
        private int _last = -1;

        public ConcurrentDictionary<string, long> Outcomes { get; } = new(StringComparer.Ordinal);

        public ConcurrentQueue<string> Failures { get; } = new();

        public async Task CallAsync(TimeSpan duration, TimeSpan delay)
        {
            var elapsed = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async _ =>
            {
                while (elapsed.Elapsed < duration && !cancellationToken.IsCancellationRequested)
                {
                    await CallAsync(Calls[Interlocked.Increment(ref _last) % Calls.Length]);
                    await Task.Delay(delay, CancellationToken.None);
                }
            }));
        }

        private async Task CallAsync(Call call)
        {
            var failure = await InvokeAsync(call).WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
            if (!call.IsExpected(failure))
                Failures.Enqueue($"{call.Function} ended with {failure?.ToString() ?? "success"}.");
            var outcome = $"{call.Function}: {failure?.GetType().Name ?? "success"}";
            Outcomes.AddOrUpdate(outcome, 1, (_, count) => count + 1);
        }

        private async Task<Exception?> InvokeAsync(Call call)
        {
            try
            {
                var request = new InvokeWithResponseStreamRequest(call.Function);
                var caller = call.Function == "idle" ? impatientClient : client;
                await using var response = await caller.InvokeWithResponseStreamAsync(request);
                await call.Read(response);
                return null;
            }
            catch (Exception exception)
            {
                return exception;
            }
        }
    }

    /// <summary>A kind of call, and the one or two exceptions that it can end with.</summary>
    private sealed record Call(
        string Function,
        Func<InvokeWithResponseStreamResponse, Task> Read,
        Type? Failure,
        Type? OtherFailure = null)
    {
        public bool IsExpected(Exception? failure) =>
            failure?.GetType() == Failure || (failure is not null && failure.GetType() == OtherFailure);
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(System.Text.Json.JsonElement))]
internal sealed partial class SoakJson : System.Text.Json.Serialization.JsonSerializerContext;
