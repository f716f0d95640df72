using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LambdaStreaming.Diagnostics;

/// <summary>The source of spans and the instruments, both named <c>LambdaStreaming</c>. The page of their names is docs/observability.md.</summary>
internal static class Telemetry
{
    public const string Name = "LambdaStreaming";

    public static readonly ActivitySource Source = new(Name, Version);

    private static readonly Meter Meter = new(Name, Version);

    public static readonly Histogram<double> CallDuration = Seconds("lambda_streaming.call.duration", "From the call to the end of its answer, or to its failure.");

    public static readonly Histogram<double> TimeToFirstChunk = Seconds("lambda_streaming.call.time_to_first_chunk", "From the call to its first chunk being given to the reader.");

    public static readonly Histogram<double> MaxIdle = Seconds("lambda_streaming.call.max_idle", "The longest wait for bytes within an answer; the reader's own time does not count.");

    public static readonly Histogram<long> Chunks = Meter.CreateHistogram<long>("lambda_streaming.call.chunks", "{chunk}", "Chunks given to the reader.");

    public static readonly Histogram<long> Bytes = Meter.CreateHistogram<long>("lambda_streaming.call.payload.size", "By", "Payload bytes given to the reader.");

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>("lambda_streaming.retries", "{retry}", "Attempts after the first one of a call.");

    public static readonly UpDownCounter<long> ActiveStreams = Meter.CreateUpDownCounter<long>("lambda_streaming.active_streams", "{stream}", "Calls begun whose answer has not ended.");

    /// <summary>Whether anybody wants to know of a call.</summary>
    public static bool IsListenedTo =>
        Source.HasListeners() || CallDuration.Enabled || TimeToFirstChunk.Enabled || MaxIdle.Enabled || Chunks.Enabled || Bytes.Enabled || Retries.Enabled || ActiveStreams.Enabled;

    private static string Version => typeof(Telemetry).Assembly.GetName().Version?.ToString(3) ?? "0";

    // A function may run for 15 minutes; the usual bounds end at 10 s. .NET 8 has no way to say so.
    private static Histogram<double> Seconds(string name, string description) =>
#if NET9_0_OR_GREATER
        Meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900] });
#else
        Meter.CreateHistogram<double>(name, "s", description);
#endif
}
