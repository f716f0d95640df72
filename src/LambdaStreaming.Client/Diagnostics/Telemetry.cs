using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LambdaStreaming.Diagnostics;

/// <summary>The activity source and the instruments. docs/observability.md lists their names.</summary>
internal static class Telemetry
{
    // The version of OpenTelemetry's semantic conventions that names the attributes. Version 1.39 renames rpc.system,
    // but the page for AWS SDKs keeps it.
    public const string SchemaUrl = "https://opentelemetry.io/schemas/1.38.0";

    public static readonly ActivitySource Source = CreateSource();

    private static readonly Meter Meter = CreateMeter();

    public static readonly Histogram<double> CallDuration = CreateSeconds(
        LambdaStreamingTelemetry.CallDurationMetric,
        "Time from the start of a call to the end of its response, or to its failure.");

    public static readonly Histogram<double> TimeToFirstChunk = CreateSeconds(
        LambdaStreamingTelemetry.TimeToFirstChunkMetric,
        "Time from the start of a call to the delivery of its first chunk.");

    public static readonly Histogram<double> MaxIdle = CreateSeconds(
        LambdaStreamingTelemetry.MaxIdleMetric,
        "Longest wait for bytes during a response. Time that the consumer spends is not included.");

    public static readonly Histogram<long> Chunks = Meter.CreateHistogram<long>(
        LambdaStreamingTelemetry.ChunksMetric,
        "{chunk}",
        "Chunks delivered to the consumer.");

    public static readonly Histogram<long> Bytes = Meter.CreateHistogram<long>(
        LambdaStreamingTelemetry.PayloadSizeMetric,
        "By",
        "Payload bytes delivered to the consumer.");

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>(
        LambdaStreamingTelemetry.RetriesMetric,
        "{retry}",
        "Attempts after the first attempt of a call.");

    public static readonly UpDownCounter<long> ActiveStreams = Meter.CreateUpDownCounter<long>(
        LambdaStreamingTelemetry.ActiveStreamsMetric,
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

    // .NET 8 has no API for the schema URL.
    private static ActivitySource CreateSource()
    {
        const string Name = LambdaStreamingTelemetry.ActivitySourceName;
#if NET10_0_OR_GREATER
        return new(new ActivitySourceOptions(Name) { Version = Version, TelemetrySchemaUrl = SchemaUrl });
#else
        return new(Name, Version);
#endif
    }

    private static Meter CreateMeter()
    {
        const string Name = LambdaStreamingTelemetry.MeterName;
#if NET10_0_OR_GREATER
        return new(new MeterOptions(Name) { Version = Version, TelemetrySchemaUrl = SchemaUrl });
#else
        return new(Name, Version);
#endif
    }

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
