using System.Diagnostics;
using LambdaStreaming.Configuration;
using LambdaStreaming.Invocation;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>What is sent of a trace. The local server verifies each signature, so that a header which broke it would fail the call.</summary>
public sealed class TraceHeadersTests : IDisposable
{
    private readonly Activity _activity = new Activity("callers") { TraceStateString = "vendor=1" }.SetIdFormat(ActivityIdFormat.W3C);

    [Theory]
    [InlineData(null, false, false)]
    [InlineData(TraceHeaders.None, false, false)]
    [InlineData(TraceHeaders.W3C, true, false)]
    [InlineData(TraceHeaders.XRay, false, true)]
    [InlineData(TraceHeaders.XRay | TraceHeaders.W3C | TraceHeaders.Lambda, true, true)]
    public async Task Call_UnderAnActivity_SendsWhatTheOptionSaysUnsigned(TraceHeaders? headers, bool w3c, bool xRay)
    {
        using var _ = _activity.Start();
        var request = await CallAsync(options => options.TraceHeaders = headers ?? options.TraceHeaders);

        Assert.Equal(w3c, request.Headers.TryGetValue("traceparent", out var parent));
        Assert.Equal(w3c ? "vendor=1" : null, request.Headers.GetValueOrDefault("tracestate"));
        if (w3c) Assert.StartsWith($"00-{_activity.TraceId}-", parent, StringComparison.Ordinal);
        Assert.Equal(xRay, request.Headers.TryGetValue("X-Amzn-Trace-Id", out var trace));
        var id = _activity.TraceId.ToHexString();
        if (xRay) Assert.Matches($"^Root=1-{id[..8]}-{id[8..]};Parent=[0-9a-f]{{16}};Sampled=[01]$", trace);
        Assert.DoesNotMatch("trace", SignedHeaders(request));
    }

    [Fact]
    public async Task Call_UnderItsOwnSpan_SendsThatOne()
    {
        using var heard = new Listeners();
        using var _ = _activity.Start();

        var request = await CallAsync(options => options.TraceHeaders = TraceHeaders.W3C | TraceHeaders.XRay, heard.Function);

        Assert.Equal($"00-{_activity.TraceId}-{heard.Span.SpanId}-01", request.Headers["traceparent"]);
        Assert.EndsWith($";Parent={heard.Span.SpanId};Sampled=1", request.Headers["X-Amzn-Trace-Id"], StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void AddTo_XRay_SaysWhetherTheSpanIsSampled(bool recorded)
    {
        _activity.ActivityTraceFlags = recorded ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None;
        using var _ = _activity.Start();
        using var message = new HttpRequestMessage();

        TraceContext.AddTo(message, TraceHeaders.XRay, new AwsEnvironment { Variable = name => "in Lambda, but not asked for" });

        Assert.EndsWith(recorded ? ";Sampled=1" : ";Sampled=0", Assert.Single(message.Headers.GetValues("X-Amzn-Trace-Id")), StringComparison.Ordinal);
    }

    // Where several invocations run at a time, each task has its own.
    [Theory]
    [InlineData("4", "of-the-task", "of-the-task")]
    [InlineData("4", "", "of-the-process")]
    [InlineData("4", null, "of-the-process")]
    [InlineData(null, "of-the-task", "of-the-process")]
    public void OfRunningInvocation_OfTaskAndProcess_IsTheTasksWhereThereAreSeveral(string? concurrency, string? ofTask, string expected)
    {
        var environment = new AwsEnvironment { Variable = name => name switch { "AWS_LAMBDA_FUNCTION_NAME" => "f", "AWS_LAMBDA_MAX_CONCURRENCY" => concurrency, "_X_AMZN_TRACE_ID" => "of-the-process", _ => null } };
        Amazon.Runtime.SDKTaskContext.Default.Set("_X_AMZN_TRACE_ID", ofTask);
        try
        {
            Assert.Equal(expected, TraceContext.FromEnvironment(environment));
        }
        finally
        {
            Amazon.Runtime.SDKTaskContext.Default.Set("_X_AMZN_TRACE_ID", null);
        }
    }

    [Fact]
    public void AddTo_NoActivity_AddsNone()
    {
        Activity.Current = null;
        using var message = new HttpRequestMessage();

        TraceContext.AddTo(message, TraceHeaders.Lambda | TraceHeaders.W3C | TraceHeaders.XRay, new AwsEnvironment { Variable = _ => null });

        Assert.Empty(message.Headers);
    }

    // A caller's HttpClient has the platform's own propagation, which adds to the request after it was signed.
    [Fact]
    public async Task Call_HttpClientThatPropagatesByItself_KeepsTheSignatureGood()
    {
        using var _ = _activity.Start();
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction("f"), TestContext.Current.CancellationToken);
        using var httpClient = new HttpClient(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        using var client = new LambdaStreamingClient(new LambdaStreamingClientOptions { ServiceUrl = lambda.ServiceUrl, Region = lambda.Region, Credentials = lambda.Credentials }, httpClient);

        await using var response = await client.InvokeAsync("f");

        Assert.Equal(200, (int)response.StatusCode);
        Assert.True(lambda.Requests[0].Headers.ContainsKey("traceparent"));
        Assert.DoesNotMatch("trace", SignedHeaders(lambda.Requests[0]));
    }

    [Fact]
    public void AddTo_RunningInvocation_GoesBeforeTheSpan()
    {
        using var _ = _activity.Start();
        using var message = new HttpRequestMessage();
        var inLambda = new AwsEnvironment { Variable = name => name switch { "AWS_LAMBDA_FUNCTION_NAME" => "f", "_X_AMZN_TRACE_ID" => "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:1", _ => null } };

        TraceContext.AddTo(message, TraceHeaders.Lambda | TraceHeaders.XRay, inLambda);

        Assert.Equal(["Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:1"], message.Headers.GetValues("X-Amzn-Trace-Id"));
    }

    [Fact]
    public void Constructor_TraceHeadersUnknown_Throws() =>
        Assert.Throws<ArgumentException>(nameof(TraceHeaders), () => new LambdaStreamingClient(new LambdaStreamingClientOptions { TraceHeaders = (TraceHeaders)8 }));

    public void Dispose() => _activity.Dispose();

    private static string SignedHeaders(ReceivedRequest request) => request.Headers["Authorization"].Split("SignedHeaders=")[1].Split(',')[0];

    private static async Task<ReceivedRequest> CallAsync(Action<LambdaStreamingClientOptions> configure, string function = "f")
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction(function), TestContext.Current.CancellationToken);
        using var client = lambda.CreateClient(configure);
        await using var response = await client.InvokeAsync(function);
        await response.ReadAsByteArrayAsync(cancellationToken: TestContext.Current.CancellationToken);
        return Assert.Single(lambda.Requests);
    }
}
