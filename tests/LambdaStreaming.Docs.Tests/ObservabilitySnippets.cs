using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using LambdaStreaming.AspNetCore.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/observability.md, with the OpenTelemetry SDK in an ASP.NET Core app.</summary>
public sealed class ObservabilitySnippets : IDisposable
{
    private readonly CollectingProcessor _spans = new();
    private readonly string _function = "f-" + Guid.NewGuid().ToString("N");

    public void Dispose() => _spans.Dispose();

    [Fact]
    public async Task OpenTelemetry()
    {
        await CallAsync(builder =>
        {
            // begin: open-telemetry
            builder.Services.AddOpenTelemetry()
                .WithTracing(tracing => tracing
                    .AddSource("Microsoft.AspNetCore")
                    .AddSource(LambdaStreamingTelemetry.ActivitySourceName))
                .WithMetrics(metrics => metrics.AddMeter(LambdaStreamingTelemetry.MeterName));
            // end: open-telemetry
        }, HasBothSpans);

        AssertCallHasTheSpanOfItsRequest();
    }

    /// <summary>The reason for the source of ASP.NET Core on the page.</summary>
    [Fact]
    public async Task OpenTelemetryWithoutTheSourceOfAspNetCore_HasNoSpan()
    {
        await CallAsync(builder => builder.Services.AddOpenTelemetry()
            .WithTracing(tracing => tracing.AddSource(LambdaStreamingTelemetry.ActivitySourceName)));

        Assert.DoesNotContain(_spans.Ended, IsOfThisTest);
    }

    /// <summary>The code in docs/aspire.md, after what the default ServiceDefaults of Aspire add.</summary>
    [Fact]
    public async Task Aspire()
    {
        await CallAsync(builder =>
        {
            AddServiceDefaults(builder);
            // begin: aspire-telemetry
            builder.Services.AddOpenTelemetry()
                .WithTracing(tracing => tracing.AddSource(LambdaStreamingTelemetry.ActivitySourceName))
                .WithMetrics(metrics => metrics.AddMeter(LambdaStreamingTelemetry.MeterName));
            // end: aspire-telemetry
        }, HasBothSpans);

        AssertCallHasTheSpanOfItsRequest();
    }

    /// <summary>The reason for the code in docs/aspire.md.</summary>
    [Fact]
    public async Task AspireWithoutTheSourceOfTheClient_HasNoSpanOfTheCall()
    {
        await CallAsync(AddServiceDefaults);

        // The request to the app has a span of HttpClient, and the request to the function has none.
        Assert.Contains(_spans.Ended, span => span.Source.Name == "System.Net.Http");
        Assert.DoesNotContain(
            _spans.Ended,
            span => $"{span.GetTagItem("url.full")}".Contains(_function, StringComparison.Ordinal));
        Assert.DoesNotContain(_spans.Ended, IsOfThisTest);
    }

    [Fact]
    public async Task LogsWithoutContainer()
    {
        // begin: console-log
        using var loggerFactory = LoggerFactory.Create(logging => logging
            .AddSimpleConsole()
            .AddFilter(LambdaStreamingTelemetry.LogCategory, LogLevel.Debug));
        var options = new LambdaStreamingClientOptions { LoggerFactory = loggerFactory };
        using var client = new LambdaStreamingClient(options);
        // end: console-log

        Assert.True(loggerFactory.CreateLogger(LambdaStreamingTelemetry.LogCategory).IsEnabled(LogLevel.Debug));
        Assert.False(loggerFactory.CreateLogger("App").IsEnabled(LogLevel.Debug));
        await using var response = await client.InvokeWithResponseStreamAsync(
            new("my-function"),
            TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("LambdaStreaming", LogLevel.Debug)]
    [InlineData("App", LogLevel.Information)]
    [InlineData("System.Net.Http.HttpClient.LambdaStreaming.LogicalHandler", LogLevel.Warning)]
    public void LogLevels_OfThePage_Apply(string category, LogLevel expected)
    {
        var json = new Page("docs/observability.md").Blocks.Single(block => block.Language == "json").Code;
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));
        var configuration = new ConfigurationBuilder().AddJsonStream(stream).Build();
        using var loggerFactory = LoggerFactory.Create(logging => logging
            .AddSimpleConsole()
            .AddConfiguration(configuration.GetSection("Logging")));

        var logger = loggerFactory.CreateLogger(category);

        Assert.Equal(expected, Enum.GetValues<LogLevel>().First(logger.IsEnabled));
    }

    // The instrumentation packages that ServiceDefaults use listen to these sources.
    private static void AddServiceDefaults(WebApplicationBuilder builder) => builder.Services.AddOpenTelemetry()
        .WithTracing(tracing => tracing.AddSource("Microsoft.AspNetCore").AddSource("System.Net.Http"));

    private void AssertCallHasTheSpanOfItsRequest()
    {
        var call = Assert.Single(_spans.Ended, IsOfThisTest);
        Assert.Single(
            _spans.Ended,
            span => span.Source.Name == "Microsoft.AspNetCore" && span.SpanId == call.ParentSpanId);
    }

    // Other tests create spans at the same time.
    private bool IsOfThisTest(Activity span) => (string?)span.GetTagItem("faas.invoked_name") == _function;

    // The span of the request ends after the client has its response.
    private bool HasBothSpans() => _spans.Ended.Where(IsOfThisTest)
        .Any(call => _spans.Ended.Any(span => span.SpanId == call.ParentSpanId));

    private async Task CallAsync(Action<WebApplicationBuilder> addOpenTelemetry, Func<bool>? isComplete = null)
    {
        await using var app = await WebApp.StartAsync(
            options => options.AddFunction(_function, async (_, response, token) =>
                await response.WriteTextAsync("Hello", token)),
            web => web.MapGet("/", async (ILambdaStreamingClient client) =>
            {
                var text = "";
                await foreach (var part in client.InvokeTextAsync(_function)) text += part;
                return text;
            }),
            services: builder =>
            {
                addOpenTelemetry(builder);
                builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(_spans));
            });

        Assert.Equal("Hello", await app.Browser.GetStringAsync("/", TestContext.Current.CancellationToken));
        for (var i = 0; i < 1200 && isComplete?.Invoke() == false; i++)
            await Task.Delay(50, TestContext.Current.CancellationToken);
        await app.DisposeAsync();
    }

    private sealed class CollectingProcessor : BaseProcessor<Activity>
    {
        public ConcurrentQueue<Activity> Ended { get; } = new();

        public override void OnEnd(Activity data) => Ended.Enqueue(data);
    }
}
