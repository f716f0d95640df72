using System.Diagnostics;
using Amazon;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>What samplers see, which decide when the span is created.</summary>
public sealed class SpanCreationTests : IDisposable
{
    private readonly string _function = "f-" + Guid.NewGuid().ToString("N");
    private readonly ActivityListener _sampler;
    private Dictionary<string, object?> _sampled = [];
    private string? _name;

    public SpanCreationTests()
    {
        _sampler = new ActivityListener
        {
            ShouldListenTo = source => source.Name == LambdaStreamingTelemetry.ActivitySourceName,
            Sample = Sample,
        };
        ActivitySource.AddActivityListener(_sampler);
    }

    public void Dispose() => _sampler.Dispose();

    [Fact]
    public async Task Sampler_CallStarts_SeesFunctionRegionAndEndpoint()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(
            options =>
            {
                options.Region = RegionEndpoint.EUCentral1;
                options.AddFunction(_function, LocalService.Three);
            },
            TestContext.Current.CancellationToken);
        using var client = lambda.CreateClient();

        await using var response = await client.InvokeAsync(_function);

        Assert.Equal("Lambda.InvokeWithResponseStream", _name);
        Assert.Equal("aws-api", _sampled["rpc.system"]);
        Assert.Equal("eu-central-1", _sampled["cloud.region"]);
        Assert.Equal("eu-central-1", _sampled["faas.invoked_region"]);
        Assert.Equal("127.0.0.1", _sampled["server.address"]);
        Assert.Equal(lambda.ServiceUrl.Port, _sampled["server.port"]);
    }

    [Fact]
    public async Task Span_SettingsTakeTime_BeginsWithTheCall()
    {
        using var listeners = new Listeners(_function);
        using var client = StubbedClient.Streaming(Stream.Null);
        var before = TimeProvider.System.GetUtcNow();
        var telemetry = CallTelemetry.Start(new InvokeWithResponseStreamRequest(_function), TimeProvider.System)!;
        var after = TimeProvider.System.GetUtcNow();
        while (TimeProvider.System.GetUtcNow() - after < TimeSpan.FromMilliseconds(20)) await Task.Yield();

        telemetry.Begin("us-east-1", "host", 443);
        telemetry.Complete();

        Assert.InRange(listeners.Span.StartTimeUtc, before.UtcDateTime, after.UtcDateTime);
    }

    [Fact]
    public async Task Span_SettingsCannotBeResolved_IsCreatedWithoutRegion()
    {
        using var listeners = new Listeners(_function);
        using var client = new LambdaStreamingClient(new() { Profile = "nobody" });

        await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync(_function));

        Assert.Equal("configuration_error", listeners.Outcome);
        Assert.DoesNotContain("cloud.region", _sampled.Keys);
        Assert.Equal(
            0, listeners.GetMeasurements(LambdaStreamingTelemetry.ActiveStreamsMetric).Sum(item => item.Value));
    }

#if NET10_0_OR_GREATER
    [Fact]
    public void SchemaUrl_SourceAndMeter_HaveTheVersionOfTheConventions()
    {
        Assert.Equal("https://opentelemetry.io/schemas/1.38.0", Telemetry.Source.TelemetrySchemaUrl);
        Assert.Equal("https://opentelemetry.io/schemas/1.38.0", Telemetry.Bytes.Meter.TelemetrySchemaUrl);
    }
#endif

    private ActivitySamplingResult Sample(ref ActivityCreationOptions<ActivityContext> options)
    {
        var tags = options.Tags!.ToDictionary(StringComparer.Ordinal);
        if ((string?)tags["faas.invoked_name"] != _function) return ActivitySamplingResult.None;
        (_name, _sampled) = (options.Name, tags);
        return ActivitySamplingResult.AllDataAndRecorded;
    }
}
