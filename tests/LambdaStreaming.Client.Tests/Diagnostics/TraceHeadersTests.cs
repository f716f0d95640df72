using System.Diagnostics;
using LambdaStreaming.Configuration;
using LambdaStreaming.Invocation;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Diagnostics;

/// <summary>
/// Trace headers of requests. The local server verifies each signature, so a header that invalidates it fails the call.
/// </summary>
public sealed class TraceHeadersTests : IDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly Activity _activity =
        new Activity("caller") { TraceStateString = "vendor=1" }.SetIdFormat(ActivityIdFormat.W3C);

    [Theory]
    [InlineData(null, false, false)]
    [InlineData(TraceHeaders.None, false, false)]
    [InlineData(TraceHeaders.W3C, true, false)]
    [InlineData(TraceHeaders.XRay, false, true)]
    [InlineData(TraceHeaders.XRay | TraceHeaders.W3C | TraceHeaders.Lambda, true, true)]
    public async Task Call_UnderAnActivity_SendsTheConfiguredTraceHeadersUnsigned(
        TraceHeaders? headers,
        bool w3c,
        bool xRay)
    {
        using var _ = _activity.Start();
        var request = await CallAsync(options => options.TraceHeaders = headers ?? options.TraceHeaders);

        Assert.Equal(w3c, request.Headers.TryGetValue("traceparent", out var parent));
        Assert.Equal(w3c ? "vendor=1" : null, request.Headers.GetValueOrDefault("tracestate"));
        if (w3c) Assert.StartsWith($"00-{_activity.TraceId}-", parent, StringComparison.Ordinal);
        Assert.Equal(xRay, request.Headers.TryGetValue("X-Amzn-Trace-Id", out var trace));
        var id = _activity.TraceId.ToHexString();
        if (xRay) Assert.Matches($"^Root=1-{id[..8]}-{id[8..]};Parent=[0-9a-f]{{16}};Sampled=[01]$", trace);
        Assert.DoesNotMatch("trace", GetSignedHeaders(request));
    }

    [Fact]
    public async Task Call_HasASpan_SendsTheIdOfThatSpan()
    {
        using var listeners = new Listeners();
        using var _ = _activity.Start();

        var request = await CallAsync(
            options => options.TraceHeaders = TraceHeaders.W3C | TraceHeaders.XRay, listeners.Function);

        // .NET 11 also sets the flag for random trace ids (02).
        Assert.Matches($"^00-{_activity.TraceId}-{listeners.Span.SpanId}-0[13]$", request.Headers["traceparent"]);
        Assert.EndsWith(
            $";Parent={listeners.Span.SpanId};Sampled=1", request.Headers["X-Amzn-Trace-Id"], StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void AddTo_XRay_HasTheSampledFlagOfTheSpan(bool recorded)
    {
        _activity.ActivityTraceFlags = recorded ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None;
        using var _ = _activity.Start();
        using var message = new HttpRequestMessage();

        var environment = new AwsEnvironment { Variable = _ => "set, but the option does not include Lambda" };
        TraceContext.AddTo(message, TraceHeaders.XRay, environment);

        var header = Assert.Single(message.Headers.GetValues("X-Amzn-Trace-Id"));
        Assert.EndsWith(recorded ? ";Sampled=1" : ";Sampled=0", header, StringComparison.Ordinal);
    }

    // If invocations run concurrently, each task has its own trace id.
    [Theory]
    [InlineData("4", "of-the-task", "of-the-task")]
    [InlineData("4", "", "of-the-process")]
    [InlineData("4", null, "of-the-process")]
    [InlineData(null, "of-the-task", "of-the-process")]
    public void FromEnvironment_TaskAndProcessHaveATraceId_UsesTheTaskIfInvocationsAreConcurrent(
        string? concurrency,
        string? ofTask,
        string expected)
    {
        var environment = new AwsEnvironment
        {
            Variable = name => name switch
            {
                "AWS_LAMBDA_FUNCTION_NAME" => "f",
                "AWS_LAMBDA_MAX_CONCURRENCY" => concurrency,
                "_X_AMZN_TRACE_ID" => "of-the-process",
                _ => null,
            },
        };
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
    public void AddTo_NoActivity_AddsNoHeader()
    {
        Activity.Current = null;
        using var message = new HttpRequestMessage();

        const TraceHeaders All = TraceHeaders.Lambda | TraceHeaders.W3C | TraceHeaders.XRay;
        TraceContext.AddTo(message, All, new AwsEnvironment { Variable = _ => null });

        Assert.Empty(message.Headers);
    }

    // SocketsHttpHandler adds trace headers after the request was signed, so the signature must not cover these
    // headers.
    [Fact]
    public async Task Call_HttpClientPropagatesTheActivity_SignatureStaysValid()
    {
        using var _ = _activity.Start();
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction("f"), Ct);
        using var httpClient = new HttpClient(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        var options = new LambdaStreamingClientOptions
        {
            ServiceUrl = lambda.ServiceUrl,
            Region = lambda.Region,
            Credentials = lambda.Credentials,
        };
        using var client = new LambdaStreamingClient(options, httpClient);

        await using var response = await client.InvokeAsync("f");

        Assert.Equal(200, (int)response.StatusCode);
        Assert.True(lambda.Requests[0].Headers.ContainsKey("traceparent"));
        Assert.DoesNotMatch("trace", GetSignedHeaders(lambda.Requests[0]));
    }

    [Fact]
    public void AddTo_InsideLambda_PrefersTheTraceOfTheInvocation()
    {
        using var _ = _activity.Start();
        using var message = new HttpRequestMessage();
        const string TraceId = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:1";
        var inLambda = new AwsEnvironment
        {
            Variable = name => name switch
            {
                "AWS_LAMBDA_FUNCTION_NAME" => "f",
                "_X_AMZN_TRACE_ID" => TraceId,
                _ => null,
            },
        };

        TraceContext.AddTo(message, TraceHeaders.Lambda | TraceHeaders.XRay, inLambda);

        Assert.Equal([TraceId], message.Headers.GetValues("X-Amzn-Trace-Id"));
    }

    [Fact]
    public void Constructor_TraceHeadersAreUnknown_Throws() =>
        Assert.Throws<ArgumentException>(
            nameof(TraceHeaders),
            () => new LambdaStreamingClient(new LambdaStreamingClientOptions { TraceHeaders = (TraceHeaders)8 }));

    public void Dispose() => _activity.Dispose();

    private static string GetSignedHeaders(ReceivedRequest request) =>
        request.Headers["Authorization"].Split("SignedHeaders=")[1].Split(',')[0];

    private static async Task<ReceivedRequest> CallAsync(
        Action<LambdaStreamingClientOptions> configure,
        string function = "f")
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction(function), Ct);
        using var client = lambda.CreateClient(configure);
        await using var response = await client.InvokeAsync(function);
        await response.ReadAsByteArrayAsync(cancellationToken: Ct);
        return Assert.Single(lambda.Requests);
    }
}
