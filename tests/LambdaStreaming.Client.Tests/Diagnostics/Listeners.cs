using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>Collects the spans and measurements of the calls of one function, because tests run in parallel.</summary>
public sealed class Listeners : IDisposable
{
    private readonly ActivityListener _spans;
    private readonly MeterListener _metrics = CreateMeterListener();

    public Listeners(string? function = null)
    {
        if (function is not null) Function = function;
        _spans = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LambdaStreaming",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStarted = span => Add(Started, span),
            ActivityStopped = span => Add(Stopped, span),
        };
        ActivitySource.AddActivityListener(_spans);
        _metrics.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _metrics.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _metrics.Start();
    }

    /// <summary>The function whose calls are collected.</summary>
    public string Function { get; } = "f-" + Guid.NewGuid().ToString("N");

    public ConcurrentQueue<Activity> Started { get; } = new();

    public ConcurrentQueue<Activity> Stopped { get; } = new();

    public ConcurrentQueue<Measurement> Measurements { get; } = new();

    /// <summary>The only span, which was started once and stopped once.</summary>
    public Activity Span
    {
        get
        {
            Assert.Single(Started);
            return Assert.Single(Stopped);
        }
    }

    public string? Outcome => (string?)Span.GetTagItem("lambda_streaming.outcome");

    public Measurement GetMeasurement(string instrument) => Assert.Single(GetMeasurements(instrument));

    public IReadOnlyList<Measurement> GetMeasurements(string instrument) =>
        [.. Measurements.Where(measurement => measurement.Instrument == instrument)];

    /// <summary>Creates a listener that enables all instruments of this library when it is started.</summary>
    public static MeterListener CreateMeterListener() => new()
    {
        InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "LambdaStreaming") listener.EnableMeasurementEvents(instrument);
        },
        // Without this callback, .NET 8 does not disable the instruments when the listener is disposed.
        MeasurementsCompleted = (_, _) => { },
    };

    public void StopMetrics() => _metrics.Dispose();

    public void Dispose()
    {
        _spans.Dispose();
        _metrics.Dispose();
    }

    private void Add(ConcurrentQueue<Activity> spans, Activity span)
    {
        if ((string?)span.GetTagItem("faas.invoked_name") == Function) spans.Enqueue(span);
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var copy = tags.ToArray().ToDictionary(StringComparer.Ordinal);
        if ((string?)copy["faas.invoked_name"] == Function)
            Measurements.Enqueue(new Measurement(instrument.Name, instrument.Unit, value, copy));
    }
}

public sealed record Measurement(
    string Instrument,
    string? Unit,
    double Value,
    IReadOnlyDictionary<string, object?> Tags)
{
    public string? Outcome => (string?)Tags["lambda_streaming.outcome"];
}
