namespace LambdaStreaming;

/// <summary>Names of the library's telemetry, for OpenTelemetry, log filters and dashboards.</summary>
/// <remarks>The guide "Traces, metrics, logs" describes all spans, metrics and log messages.</remarks>
public static class LambdaStreamingTelemetry
{
    /// <summary>Name of the <see cref="System.Diagnostics.ActivitySource"/> of the spans.</summary>
    public const string ActivitySourceName = "LambdaStreaming";

    /// <summary>Name of the <see cref="System.Diagnostics.Metrics.Meter"/> of the metrics.</summary>
    public const string MeterName = "LambdaStreaming";

    /// <summary>Category of the log messages.</summary>
    public const string LogCategory = "LambdaStreaming";

    /// <summary>Histogram: time of a call, in seconds.</summary>
    public const string CallDurationMetric = "lambda_streaming.call.duration";

    /// <summary>Histogram: time to the first chunk of a call, in seconds.</summary>
    public const string TimeToFirstChunkMetric = "lambda_streaming.call.time_to_first_chunk";

    /// <summary>Histogram: longest wait for bytes during a response, in seconds.</summary>
    public const string MaxIdleMetric = "lambda_streaming.call.max_idle";

    /// <summary>Histogram: chunks of a response.</summary>
    public const string ChunksMetric = "lambda_streaming.call.chunks";

    /// <summary>Histogram: payload bytes of a response.</summary>
    public const string PayloadSizeMetric = "lambda_streaming.call.payload.size";

    /// <summary>Counter: attempts after the first attempt of a call.</summary>
    public const string RetriesMetric = "lambda_streaming.retries";

    /// <summary>UpDownCounter: calls whose response has not ended.</summary>
    public const string ActiveStreamsMetric = "lambda_streaming.active_streams";

    /// <summary>Attribute of spans and metrics: how a call ended, for example <c>completed</c>.</summary>
    public const string OutcomeAttribute = "lambda_streaming.outcome";
}
