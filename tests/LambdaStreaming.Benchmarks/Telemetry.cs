using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.EventStream;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.Benchmarks;

/// <summary>Cost of telemetry with and without listeners, and an example of its output.</summary>
internal static class Telemetry
{
    private const string Source = "LambdaStreaming";
    private const int ChunkBytes = 64;
    private const int Calls = 300;

    // Factor for the number of rounds. A round takes only 1 or 2 ms, and more rounds reduce the effect of other load.
    private const int ShortRounds = 20;

    public static async Task RunAsync(int rounds)
    {
        await CostAsync(rounds);
        await ShowAsync();
    }

    private static async Task CostAsync(int rounds)
    {
        var chunks = 4 * 1024 * 1024 / (ChunkBytes + 106);
        var wire = Wire.Create(Enumerable.Repeat(ChunkBytes, chunks));
        var withoutListener = await CallAsync();
        using var spans = Spans(_ => { });
        using var metrics = Metrics((_, _, _) => { });
        var withListener = await CallAsync();
        var results = await Rounds.RunAsync(
            [
                new("no listener", () => DecodeWithoutListenerAsync(wire)),
                new("span and metrics", () => DecodeWithListenerAsync(wire)),
            ],
            chunks,
            rounds * ShortRounds);

        Console.WriteLine(
            $"Telemetry: await foreach over {chunks} chunks of {ChunkBytes} B per response from memory, "
            + "and complete calls with one chunk over an HTTP stub.");
        Console.WriteLine();
        Console.WriteLine("| | time per chunk, divided by that of the first row | allocated per call |");
        Console.WriteLine("| --- | --- | --- |");
        Console.WriteLine(Rounds.Text($"| {results[0].Name} | 1 | {withoutListener:0} B |"));
        Console.WriteLine(Rounds.Text($"| {results[1].Name} | {results[1].Spread} | {withListener:0} B |"));
        Console.WriteLine();
    }

    // Each contender has its own method with a loop, so that the JIT compiler optimizes each loop separately.
    private static async Task<long> DecodeWithoutListenerAsync(byte[] wire)
    {
        long payload = 0;
        await foreach (var chunk in new Chunks(Reader(wire, null))) payload += chunk.Payload.Length;
        return payload;
    }

    private static async Task<long> DecodeWithListenerAsync(byte[] wire)
    {
        long payload = 0;
        var telemetry = CallTelemetry.Start(new InvokeWithResponseStreamRequest("f"), TimeProvider.System);
        telemetry?.Begin("us-east-1", "127.0.0.1", 443);
        await foreach (var chunk in new Chunks(Reader(wire, telemetry))) payload += chunk.Payload.Length;
        return payload;
    }

    private static ResponseStreamReader Reader(byte[] wire, CallTelemetry? telemetry)
    {
        var options = new ResponseStreamReaderOptions
        {
            MaxMessageBytes = LambdaStreamingClientOptions.DefaultMaxMessageBytes,
            IdleTimeout = TimeSpan.FromMinutes(16),
            TimeProvider = TimeProvider.System,
            Logger = NullLogger.Instance,
            ThrowOnFunctionError = true,
        };
        var stream = new MemoryStream(wire);
        var body = new ResponseStreamBody(stream, stream, options.TimeProvider, options.IdleTimeout);
        var reader = new ResponseStreamReader(body, options, new LambdaErrorDetails()) { Telemetry = telemetry };
        if (telemetry is null) return reader;
        telemetry.SetResponse(200, "", reader);
        body.SetTelemetry(telemetry);
        return reader;
    }

    private static async Task<double> CallAsync()
    {
        var wire = Wire.Create([ChunkBytes]);
        using var client = new LambdaStreamingClient(
            new LambdaStreamingClientOptions
            {
                Region = RegionEndpoint.USEast1,
                Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "secret"),
            },
            new HttpClient(new Stub(wire)) { Timeout = Timeout.InfiniteTimeSpan });
        long before = 0;
        for (var i = 0; i < Calls * 2; i++)
        {
            if (i == Calls) before = GC.GetTotalAllocatedBytes(precise: true);
            await using var response = await client.InvokeWithResponseStreamAsync(
                new InvokeWithResponseStreamRequest("f"));
            await foreach (var _ in response.ReadChunksAsync()) continue;
        }

        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Calls;
    }

    // Makes calls to a local server that end in six ways, and prints their telemetry.
    private static async Task ShowAsync()
    {
        var ended = new ConcurrentQueue<Activity>();
        var measured = new ConcurrentDictionary<(string Name, string Unit, string Outcome), ConcurrentQueue<double>>();
        using var spans = Spans(ended.Enqueue);
        using var metrics = Metrics((instrument, value, outcome) =>
        {
            var key = (instrument.Name, instrument.Unit ?? "", outcome);
            measured.GetOrAdd(key, _ => new()).Enqueue(value);
        });
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.AddFunction("story", WriteStoryAsync).OnCall(1).Throttle();
            server.AddFunction("truncated", WriteStoryAsync).OnEveryCall().TruncateAfterChunks(3, TruncationMode.Reset);
            server.AddFunction("broken", async (invocation, response, token) =>
            {
                await WriteStoryAsync(invocation, response, token);
                response.Fail("Function.Broken", "no more words");
            });
            server.AddFunction("stalled", WriteStoryAsync).OnEveryCall().StallAfterChunks(2);
        });
        using var client = lambda.CreateClient(options => options.IdleTimeout = TimeSpan.FromMilliseconds(300));

        string[] functions = ["story", "story", "story", "truncated", "broken", "stalled", "unknown"];
        foreach (var function in functions)
        {
            try
            {
                await foreach (var _ in client.InvokeTextAsync(function, "{}")) continue;
            }
            catch (LambdaStreamingException)
            {
                // The telemetry reports the failure.
            }
        }

        await foreach (var _ in client.InvokeTextAsync("story", "{}")) break;

        Console.WriteLine("The span of the first call, which was throttled once:");
        Console.WriteLine();
        Console.WriteLine("```");
        Print(ended.First());
        Console.WriteLine("```");
        Console.WriteLine();
        Console.WriteLine("The metrics of eight calls:");
        Console.WriteLine();
        Console.WriteLine("| metric | outcome | count | sum | maximum |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        foreach (var ((name, unit, outcome), values) in measured.OrderBy(item => item.Key))
        {
            var (sum, max) = (values.Sum(), values.Max());
            Console.WriteLine(Rounds.Text(
                $"| {name} | {outcome} | {values.Count} | {sum:0.###} {unit} | {max:0.###} {unit} |"));
        }

        Console.WriteLine();
    }

    private static async Task WriteStoryAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        foreach (var word in (string[])["Once ", "upon ", "a ", "time"])
        {
            await response.WriteTextAsync(word, cancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(40), cancellationToken);
        }
    }

    private static void Print(Activity span)
    {
        Console.WriteLine(Rounds.Text(
            $"{span.DisplayName}  {span.Kind}  {span.Duration.TotalMilliseconds:0} ms  status {span.Status}"));
        foreach (var (key, value) in span.TagObjects) Console.WriteLine(Rounds.Text($"  {key} = {value}"));
        foreach (var item in span.Events)
        {
            var offset = item.Timestamp.UtcDateTime - span.StartTimeUtc;
            var tags = string.Join(", ", item.Tags.Select(tag => $"{tag.Key} = {tag.Value}"));
            Console.WriteLine(Rounds.Text($"  + {offset.TotalMilliseconds:0} ms  {item.Name}  {tags}"));
        }
    }

    private static ActivityListener Spans(Action<Activity> stopped)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = stopped,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    private static MeterListener Metrics(Action<Instrument, double, string> record)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == Source) listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>(
            (instrument, value, tags, _) => record(instrument, value, GetOutcome(tags)));
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, tags, _) => record(instrument, value, GetOutcome(tags)));
        listener.Start();
        return listener;
    }

    private static string GetOutcome(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        foreach (var (key, value) in tags)
        {
            if (key == "lambda_streaming.outcome") return (string?)value ?? "";
        }

        return "";
    }

    private sealed class Chunks(ResponseStreamReader reader) : IAsyncEnumerable<PayloadChunk>
    {
        public IAsyncEnumerator<PayloadChunk> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            new PayloadChunkEnumerator(reader);
    }

    private sealed class Stub(byte[] wire) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            var response = new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StreamContent(new MemoryStream(wire)),
            };
            response.Content.Headers.TryAddWithoutValidation("Content-Type", "application/vnd.amazon.eventstream");
            return Task.FromResult(response);
        }
    }
}
