using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Soak;

/// <summary>Good calls and every fault of the local server, mixed, for a given time: what the process holds must not grow.</summary>
internal static class MixedCalls
{
    private const int Parallel = 8;

    private const int Samples = 20;

    // ArrayPool lets go of the buffers it shares among threads only when they have lain for ten seconds, even where memory counts as short (see the project file).
    private static readonly TimeSpan UntilPoolsLetGo = TimeSpan.FromSeconds(12);

    // The local server keeps a record of every request it has seen: a pace keeps that process small for as long as this one is watched.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    // Below this there is no time to rest before each sample: then only a gross leak is told from what pools hold.
    private static readonly TimeSpan LongEnough = TimeSpan.FromMinutes(10);

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
        new("slow", LeaveAfterAWaitAsync, null),
        new("words", _ => Task.CompletedTask, null),
        new("unknown-event", ReadChunksAsync, null),
        new("small-pieces", ReadChunksAsync, null),
        new("fails", ReadChunksAsync, typeof(FunctionErrorException)),
        new("refused", ReadChunksAsync, typeof(ResourceConflictException)),
        new("no-head", ReadChunksAsync, typeof(LambdaTransportException)),
        new("long-error", ReadChunksAsync, typeof(LambdaServiceException)),
        new("web-page", ReadChunksAsync, typeof(ResponseStreamCorruptException)),
        new("cut", ReadChunksAsync, typeof(ResponseStreamTruncatedException)),
        new("no-complete", ReadChunksAsync, typeof(ResponseStreamTruncatedException)),
        new("closed", ReadChunksAsync, typeof(ResponseStreamTruncatedException)),
        // A reset discards what was not yet read of the connection, now and then the head too.
        new("reset", ReadChunksAsync, typeof(ResponseStreamTruncatedException), typeof(LambdaTransportException)),
        new("bit", ReadChunksAsync, typeof(ResponseStreamCorruptException)),
        new("oversized", ReadChunksAsync, typeof(ResponseStreamCorruptException)),
        new("exception", ReadChunksAsync, typeof(ResponseStreamErrorException)),
        new("silent", ReadChunksAsync, typeof(ResponseStreamIdleTimeoutException)),
    ];

    /// <summary>The functions that the calls need, beside those of the other modes.</summary>
    public static void AddFunctions(LocalLambdaServerOptions options)
    {
        options.AddFunction("slow", TextAsync("word")).OnEveryCall().DelayEachChunk(TimeSpan.FromMilliseconds(5));
        options.AddFunction("lines", TextAsync("a line\nanother\r\n"));
        options.AddFunction("json", TextAsync("""{"a":[1,2,3]} "text" """));
        options.AddFunction("events", TextAsync("data: one\n\n"));
        options.AddFunction("integration", async (_, response, cancellationToken) =>
        {
            await response.WriteTextAsync("""{"statusCode":201,"headers":{"a":"b"}}""" + new string('\0', 8), cancellationToken);
            await response.WriteTextAsync("body", cancellationToken);
        });
        options.AddFunction("unknown-event", TextAsync("word")).OnEveryCall().UnknownEventAfterChunks(1, "Novelty");
        options.AddFunction("small-pieces", TextAsync("word")).OnEveryCall().WriteInFragments(7);
        options.AddFunction("no-head").OnEveryCall().CloseBeforeHeaders(TruncationMode.Reset);
        options.AddFunction("long-error").OnEveryCall().RespondWithRaw(new RawResponse { StatusCode = 400, BodySegments = [new byte[300_000]] });
        options.AddFunction("web-page").OnEveryCall().RespondWithRaw(new RawResponse { Headers = [new("Content-Type", "text/html")], BodySegments = ["<html>a page of a proxy</html>"u8.ToArray()] });
        options.AddFunction("no-complete", TextAsync("word")).OnEveryCall().TruncateBeforeInvokeComplete(TruncationMode.EndOfBody);
        options.AddFunction("closed", TextAsync("word")).OnEveryCall().TruncateAfterChunks(3, TruncationMode.Close);
        options.AddFunction("reset", TextAsync("word")).OnEveryCall().TruncateAfterChunks(3, TruncationMode.Reset);
        options.AddFunction("bit", TextAsync("word")).OnEveryCall().FlipBit(333);
        options.AddFunction("oversized", TextAsync("word")).OnEveryCall().OversizedMessageAfterChunks(3, uint.MaxValue);
        options.AddFunction("exception", TextAsync("word")).OnEveryCall().ExceptionAfterChunks(3, "ServiceException", "planned");
    }

    /// <param name="duration">How long it runs. A quarter of that is warming up, half of it without a pace, so that pools are filled as far as they ever will be.</param>
    /// <param name="cancellationToken">Ends the run early, which then counts as failed.</param>
    public static async Task<int> RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        using var server = await ServerProcess.StartAsync();
        using var client = server.CreateClient();
        using var impatient = server.CreateClient(idleTimeout: TimeSpan.FromMilliseconds(200));
        var outcomes = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var wrong = new ConcurrentQueue<string>();
        var turn = -1;

        // A thread brings caches and a stack of its own: a steady number of them makes steady figures.
        ThreadPool.SetMaxThreads(Parallel * 2, Parallel * 2);
        var started = Stopwatch.StartNew();
        await RunForAsync(duration / 8, TimeSpan.Zero);
        await RunForAsync(duration / 8, Pace);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{outcomes.Values.Sum()} calls of warming up in {started.Elapsed.TotalSeconds:0} s."));
        outcomes.Clear();
        var isLong = duration >= LongEnough;
        var rest = isLong ? UntilPoolsLetGo : TimeSpan.Zero;
        Console.WriteLine($"{"seconds",8} {"calls",9} {"heap KiB",9} {"handles",8} {"threads",8} {"working set MiB",16}");
        var samples = new List<(Held Held, int Handles)>();
        while (samples.Count < Samples && !cancellationToken.IsCancellationRequested)
        {
            await RunForAsync((duration * 3 / 4 / Samples) - rest, Pace);
            await OneConnectionEachAsync(client);

            // Its collections are what the pools count their ten seconds from.
            NothingHeld.Measure();
            await Task.Delay(rest, CancellationToken.None);
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            var (held, handles) = (NothingHeld.Measure(), Handles());
            samples.Add((held, handles));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{started.Elapsed.TotalSeconds,8:0} {outcomes.Values.Sum(),9} {held.Heap / 1024.0,9:0.0} {handles,8} {held.Threads,8} {held.WorkingSet / 1048576.0,16:0.0}"));
        }

        foreach (var (outcome, calls) in outcomes.OrderBy(outcome => outcome.Key, StringComparer.Ordinal)) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {outcome}: {calls}"));
        foreach (var line in wrong.Take(20)) Console.WriteLine("WRONG: " + line);
        var allowed = isLong ? 0.02 : 0.25;
        var flat = IsFlat("heap", samples.ConvertAll(sample => (double)sample.Held.Heap), allowed)
            & IsFlat("handles", samples.ConvertAll(sample => (double)sample.Handles), allowed)
            & IsFlat("working set", samples.ConvertAll(sample => (double)sample.Held.WorkingSet), allowed);
        return flat && wrong.IsEmpty ? 0 : 1;

        async Task RunForAsync(TimeSpan time, TimeSpan pace)
        {
            var until = Stopwatch.StartNew();
            await Task.WhenAll(Enumerable.Range(0, Parallel).Select(async _ =>
            {
                while (until.Elapsed < time && !cancellationToken.IsCancellationRequested)
                {
                    var call = Calls[Interlocked.Increment(ref turn) % Calls.Length];
                    var failure = await CallAsync(call.Function == "silent" ? impatient : client, call).WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
                    if (!call.EndsSo(failure)) wrong.Enqueue($"{call.Function} ended with {failure?.ToString() ?? "nothing wrong"}.");
                    outcomes.AddOrUpdate($"{call.Function}: {failure?.GetType().Name ?? "well"}", 1, (_, so) => so + 1);
                    await Task.Delay(pace, CancellationToken.None);
                }
            }));
        }
    }

    private static bool IsFlat(string what, List<double> samples, double allowed)
    {
        if (samples.Count < Samples) return false;
        var (first, last) = (Median(samples[..(Samples / 4)]), Median(samples[^(Samples / 4)..]));
        var growth = (last - first) / first;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {growth:+0.0 %;-0.0 %;0.0 %} from the median of the first quarter ({first:0}) to that of the last ({last:0}); allowed +{allowed:0 %}."));
        return growth <= allowed;

        static double Median(List<double> of) => of.Order().ElementAt(of.Count / 2);
    }

    // Calls that end badly close their connections: so many are open again as were at the sample before.
    private static async Task OneConnectionEachAsync(LambdaStreamingClient client)
    {
        var responses = await Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ => client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("words"))));
        foreach (var response in responses)
        {
            await using (response) await ReadChunksAsync(response);
        }
    }

    private static int Handles()
    {
        using var self = Process.GetCurrentProcess();
        return OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Length : self.HandleCount;
    }

    private static async Task<Exception?> CallAsync(LambdaStreamingClient client, Call call)
    {
        try
        {
            await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest(call.Function));
            await call.Read(response);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    private static FunctionHandler TextAsync(string text) => async (_, response, cancellationToken) =>
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

    // What the wait has set up, a timer above all, must not hold the answer when it is left.
    private static async Task LeaveAfterAWaitAsync(InvokeWithResponseStreamResponse response)
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

    private static async Task ReadIntegrationAsync(InvokeWithResponseStreamResponse response) => await (await response.ReadHttpIntegrationResponseAsync()).ReadAsStringAsync();

    /// <summary>One kind of call, and the one way or two in which it may end.</summary>
    private sealed record Call(string Function, Func<InvokeWithResponseStreamResponse, Task> Read, Type? Failure, Type? OrFailure = null)
    {
        public bool EndsSo(Exception? failure) => failure?.GetType() == Failure || (failure is not null && failure.GetType() == OrFailure);
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(System.Text.Json.JsonElement))]
internal sealed partial class SoakJson : System.Text.Json.Serialization.JsonSerializerContext;
