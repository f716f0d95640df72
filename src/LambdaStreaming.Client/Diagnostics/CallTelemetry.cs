using System.Diagnostics;
using System.Net;

namespace LambdaStreaming.Diagnostics;

/// <summary>What is told of one call: its span, from the call to the end of its answer, and its metrics. Made only where somebody listens.</summary>
/// <remarks>
/// What a listener throws after the start goes no further: no buffer and no connection may be lost for it, and no answer be taken for a broken one.
/// The first end counts and all later ones are ignored, so that everything that can end a call may say so: the failing call, the reader, the disposed response, a token, the idle timer; from any thread.
/// </remarks>
internal sealed class CallTelemetry
{
    private const string RpcSystem = "aws-api";
    private const string RpcService = "Lambda";
    private const string RpcMethod = "InvokeWithResponseStream";
    private const string SpanName = RpcService + "." + RpcMethod;
    private const string Provider = "aws";

    private const long NotWaiting = long.MinValue;

    private readonly TimeProvider _timeProvider;
    private readonly string _function;
    private readonly long _startedAt;
    private readonly Activity? _activity;
    private readonly bool _isCounted;
    private string? _region;
    private ITransferProgress? _progress;
    private long _waitingSince = NotWaiting;
    private TimeSpan _maxIdle;
    private int _retries;
    private int _ended;

    private CallTelemetry(InvokeWithResponseStreamRequest request, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _function = ShortenName(request.FunctionName);
        _startedAt = timeProvider.GetTimestamp();
        if (Telemetry.Source.HasListeners()) _activity = Telemetry.Source.StartActivity(SpanName, ActivityKind.Client, default(ActivityContext), Constants(_function));
        _isCounted = Telemetry.ActiveStreams.Enabled;
        Telemetry.ActiveStreams.Add(1, Constants(_function));
    }

    /// <summary>Begins the span, which becomes the current one of the method that calls this. <see langword="null"/> where nobody listens.</summary>
    public static CallTelemetry? Start(InvokeWithResponseStreamRequest request, TimeProvider timeProvider) => Telemetry.IsListenedTo ? new CallTelemetry(request, timeProvider) : null;

    /// <summary>Where the call goes, once that is known.</summary>
    public void SetService(string region, string host, int port)
    {
        _region = region;
        if (_activity is not { IsAllDataRequested: true }) return;
        _activity.SetTag("faas.invoked_region", _region);
        _activity.SetTag("server.address", host);
        _activity.SetTag("server.port", port);
    }

    /// <summary>An attempt after the first is about to be made.</summary>
    public void Resend(int attempt, LambdaStreamingException? failure)
    {
        Interlocked.Increment(ref _retries);
        try
        {
            var cause = failure is null ? null : CallOutcome.FromException(failure).ErrorType;
            Telemetry.Retries.Add(1, WithError(Tags(), cause));
            if (_activity is not { IsAllDataRequested: true }) return;
            var tags = new ActivityTagsCollection { ["lambda_streaming.attempt"] = attempt };
            if (cause is not null) tags["error.type"] = cause;
            _activity.AddEvent(new ActivityEvent("lambda_streaming.retry", tags: tags));
        }
        catch (Exception)
        {
            // A listener's own.
        }
    }

    /// <summary>The response headers were received.</summary>
    public void SetResponse(int statusCode, string requestId, ITransferProgress progress)
    {
        _progress = progress;
        SetResponse(statusCode, requestId);
    }

    /// <summary>The first chunk is given to the reader.</summary>
    public void FirstChunk()
    {
        if (Volatile.Read(ref _ended) != 0) return;
        try
        {
            _activity?.AddEvent(new ActivityEvent("lambda_streaming.first_chunk"));
            Telemetry.TimeToFirstChunk.Record(Elapsed.TotalSeconds, Tags());
        }
        catch (Exception)
        {
            // A listener's own.
        }
    }

    /// <summary>The reader begins to wait for bytes.</summary>
    public void BeginWait() => Volatile.Write(ref _waitingSince, _timeProvider.GetTimestamp());

    /// <summary>Bytes came.</summary>
    public void EndWait()
    {
        var waited = Waited();
        if (waited > _maxIdle) _maxIdle = waited;
        Volatile.Write(ref _waitingSince, NotWaiting);
    }

    /// <summary>The answer's last event was read.</summary>
    /// <param name="isFunctionError">Whether the function failed.</param>
    /// <param name="errorCode">The function's error code, fit for a span.</param>
    public void Complete(bool isFunctionError = false, string? errorCode = null)
    {
        if (isFunctionError) End(CallOutcome.FunctionError, errorCode, functionMayHaveRun: true);
        else End(CallOutcome.Completed, null, null);
    }

    /// <summary>The call, or the reading of its answer, ends in this exception.</summary>
    public void Fail(Exception exception)
    {
        if (exception is LambdaStreamingException { StatusCode: not default(HttpStatusCode) } answered) SetResponse((int)answered.StatusCode, answered.RequestId);
        var failure = exception as LambdaStreamingException;
        var mayHaveRun = failure?.FunctionMayHaveRun ?? (exception as InvocationCanceledException)?.FunctionMayHaveRun;
        End(CallOutcome.FromException(exception), failure?.Details.ShownErrorCode, mayHaveRun);
    }

    /// <summary>The answer's body was ended from outside.</summary>
    public void Abort(CallOutcome outcome) => End(outcome, null, functionMayHaveRun: true);

    private TimeSpan Elapsed => _timeProvider.GetElapsedTime(_startedAt);

    private TimeSpan Waited() => Volatile.Read(ref _waitingSince) is not NotWaiting and var since ? _timeProvider.GetElapsedTime(since) : TimeSpan.Zero;

    private void SetResponse(int statusCode, string? requestId)
    {
        if (_activity is not { IsAllDataRequested: true } || Volatile.Read(ref _ended) != 0) return;
        _activity.SetTag("http.response.status_code", statusCode);
        if (!string.IsNullOrEmpty(requestId)) _activity.SetTag("aws.request_id", requestId);
    }

    private void End(CallOutcome outcome, string? errorCode, bool? functionMayHaveRun)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;

        var waited = Waited();
        var maxIdle = waited > _maxIdle ? waited : _maxIdle;
        var (chunks, bytes) = _progress?.ReceivedSoFar ?? (0, 0);
        try
        {
            Measure(outcome, chunks, bytes, maxIdle);
        }
        catch (Exception)
        {
            // A listener's own.
        }

        if (_activity is null) return;
        try
        {
            EndSpan(_activity, outcome, errorCode, functionMayHaveRun, chunks, bytes, maxIdle);
        }
        catch (Exception)
        {
            // A listener's own.
        }
    }

    private void Measure(CallOutcome outcome, long chunks, long bytes, TimeSpan maxIdle)
    {
        // A listener that came midway has not seen this call begin.
        if (_isCounted) Telemetry.ActiveStreams.Add(-1, Constants(_function));
        var tags = WithError(Tags(), outcome.ErrorType);
        tags.Add("lambda_streaming.outcome", outcome.Name);
        Telemetry.CallDuration.Record(Elapsed.TotalSeconds, tags);
        if (_progress is null) return;
        Telemetry.Chunks.Record(chunks, tags);
        Telemetry.Bytes.Record(bytes, tags);
        Telemetry.MaxIdle.Record(maxIdle.TotalSeconds, tags);
    }

    private void EndSpan(Activity activity, CallOutcome outcome, string? errorCode, bool? functionMayHaveRun, long chunks, long bytes, TimeSpan maxIdle)
    {
        if (activity.IsAllDataRequested)
        {
            activity.SetTag("lambda_streaming.outcome", outcome.Name);
            activity.SetTag("lambda_streaming.chunks", chunks);
            activity.SetTag("lambda_streaming.payload.size", bytes);
            activity.SetTag("lambda_streaming.retries", Volatile.Read(ref _retries));
            if (_progress is not null) activity.SetTag("lambda_streaming.max_idle", maxIdle.TotalSeconds);
            if (!string.IsNullOrEmpty(errorCode)) activity.SetTag("lambda_streaming.error_code", errorCode);
            if (outcome != CallOutcome.Completed && functionMayHaveRun is { } mayHaveRun) activity.SetTag("lambda_streaming.function_may_have_run", mayHaveRun);
            if (outcome.ErrorType is { } type)
            {
                activity.SetTag("error.type", type);
                // No message of an exception: a function's own may hold anything.
                activity.SetStatus(ActivityStatusCode.Error, outcome.Name);
            }
        }

        // Stop makes the span that was current at the start current again, here and now; but this may be anybody's flow.
        var current = Activity.Current;
        activity.Stop();
        if (!ReferenceEquals(current, activity)) Activity.Current = current;
    }

    private TagList Tags()
    {
        var tags = new TagList(Constants(_function));
        if (_region is not null) tags.Add("faas.invoked_region", _region);
        return tags;
    }

    private static TagList WithError(TagList tags, string? errorType)
    {
        if (errorType is not null) tags.Add("error.type", errorType);
        return tags;
    }

    private static KeyValuePair<string, object?>[] Constants(string function) =>
    [
        new("rpc.system", RpcSystem),
        new("rpc.service", RpcService),
        new("rpc.method", RpcMethod),
        new("faas.invoked_name", function),
        new("faas.invoked_provider", Provider),
    ];

    // Source: AWS Lambda API reference, InvokeWithResponseStream, FunctionName: name, partial ARN (account:function:name) or ARN, each with or without :qualifier.
    internal static string ShortenName(string functionName)
    {
        var parts = functionName.Split(':');
        var marker = Array.IndexOf(parts, "function");
        return parts.Length == 1 ? functionName : marker > 0 && marker + 1 < parts.Length ? parts[marker + 1] : parts[0];
    }
}

/// <summary>How much of a response was delivered so far. Readable from any thread.</summary>
internal interface ITransferProgress
{
    (long Chunks, long Bytes) ReceivedSoFar { get; }
}
