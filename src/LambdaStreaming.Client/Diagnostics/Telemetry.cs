using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LambdaStreaming.Diagnostics;

/// <summary>The activity source and the instruments, both named <c>LambdaStreaming</c>.</summary>
/// <remarks>docs/observability.md lists their names.</remarks>
internal static class Telemetry
{
    public const string Name = "LambdaStreaming";

    public static readonly ActivitySource Source = new(Name, Version);

    private static readonly Meter Meter = new(Name, Version);

    public static readonly Histogram<double> CallDuration = CreateSeconds(
        "lambda_streaming.call.duration",
        "Time from the start of a call to the end of its response, or to its failure.");

    public static readonly Histogram<double> TimeToFirstChunk = CreateSeconds(
        "lambda_streaming.call.time_to_first_chunk",
        "Time from the start of a call to the delivery of its first chunk.");

    public static readonly Histogram<double> MaxIdle = CreateSeconds(
        "lambda_streaming.call.max_idle",
        "Longest wait for bytes during a response. Time that the consumer spends is not included.");

    public static readonly Histogram<long> Chunks = Meter.CreateHistogram<long>(
        "lambda_streaming.call.chunks",
        "{chunk}",
        "Chunks delivered to the consumer.");

    public static readonly Histogram<long> Bytes = Meter.CreateHistogram<long>(
        "lambda_streaming.call.payload.size",
        "By",
        "Payload bytes delivered to the consumer.");

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        "lambda_streaming.retries",
        "{retry}",
        "Attempts after the first attempt of a call.");

    public static readonly UpDownCounter<long> ActiveStreams = Meter.CreateUpDownCounter<long>(
        "lambda_streaming.active_streams",
        "{stream}",
        "Calls that have started and whose response has not ended.");

    /// <summary>Whether there is a listener.</summary>
    public static bool IsEnabled =>
        Source.HasListeners()
        || CallDuration.Enabled
        || TimeToFirstChunk.Enabled
        || MaxIdle.Enabled
        || Chunks.Enabled
        || Bytes.Enabled
        || Retries.Enabled
        || ActiveStreams.Enabled;

    private static string Version => typeof(Telemetry).Assembly.GetName().Version?.ToString(3) ?? "0";

    // The bucket boundaries end at 15 minutes, the maximum duration of a function. OpenTelemetry's default boundaries
    // (0, 5, 10, 25, … 10,000) are too coarse for seconds. .NET 8 does not have an API for boundaries.
    // Source: open-telemetry/opentelemetry-dotnet, Metric.DefaultHistogramBounds.
    private static Histogram<double> CreateSeconds(string name, string description) =>
#if NET9_0_OR_GREATER
        Meter.CreateHistogram(
            name,
            "s",
            description,
            tags: null,
            new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries =
                    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900],
            });
#else
        Meter.CreateHistogram<double>(name, "s", description);
#endif
}
