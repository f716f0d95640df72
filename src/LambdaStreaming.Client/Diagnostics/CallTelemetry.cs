using System.Diagnostics;
using System.Net;

namespace LambdaStreaming.Diagnostics;

/// <summary>The span and the metrics of one call, created only if there is a listener.</summary>
/// <remarks>
/// Exceptions of listeners after the start are ignored, because they could leak a buffer or a connection, or make a
/// complete response look broken. Only the first end that is reported is recorded. Therefore the call, the reader,
/// disposal, a token and the idle timer can all report the end, from any thread.
/// </remarks>
internal sealed class CallTelemetry
{
    private const long NotWaiting = long.MinValue;

    private readonly TimeProvider _timeProvider;
    private readonly string _function;
    private readonly long _startedAt;

    // Of the system clock, because a span also ends by it.
    private readonly DateTimeOffset _startTime = TimeProvider.System.GetUtcNow();
    private Activity? _activity;
    private bool _hasBegun;
    private bool _isCounted;
    private string? _region;
    private ITransferProgress? _progress;
    private long _waitingSince = NotWaiting;
    private TimeSpan _maxIdle;
    private int _retries;
    private int _hasEnded;

    private CallTelemetry(InvokeWithResponseStreamRequest request, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _function = ShortenName(request.FunctionName);
        _startedAt = timeProvider.GetTimestamp();
    }

    private TimeSpan Elapsed => _timeProvider.GetElapsedTime(_startedAt);

    private TimeSpan CurrentWait =>
        Volatile.Read(ref _waitingSince) is not NotWaiting and var since
            ? _timeProvider.GetElapsedTime(since)
            : TimeSpan.Zero;

    /// <summary>Starts the clock of a call.</summary>
    /// <returns>The telemetry, or <see langword="null"/> without a listener.</returns>
    public static CallTelemetry? Start(InvokeWithResponseStreamRequest request, TimeProvider timeProvider) =>
        Telemetry.IsEnabled ? new CallTelemetry(request, timeProvider) : null;

    /// <summary>
    /// Creates the span, which begins when the call began and becomes the current activity of the calling method.
    /// </summary>
    /// <remarks>Region and endpoint must be known before, because samplers see only the first attributes.</remarks>
    public void Begin(string region, string host, int port)
    {
        _region = region;
        Begin(
        [
            .. CreateConstantTags(_function),
            new("faas.invoked_region", region),
            new("cloud.region", region),
            new("server.address", host),
            new("server.port", port),
        ]);
    }

    /// <summary>Records that an attempt after the first one starts.</summary>
    public void RecordRetry(int attempt, LambdaStreamingException? failure)
    {
        Interlocked.Increment(ref _retries);
        try
        {
            var cause = failure is null ? null : CallOutcome.FromException(failure).ErrorType;
            Telemetry.Retries.Add(1, AddErrorType(CreateTags(), cause));
            if (_activity is not { IsAllDataRequested: true }) return;
            var tags = new ActivityTagsCollection { ["lambda_streaming.attempt"] = attempt };
            if (cause is not null) tags["error.type"] = cause;
            _activity.AddEvent(new ActivityEvent("lambda_streaming.retry", tags: tags));
        }
        catch (Exception)
        {
            // Ignore exceptions of telemetry listeners.
        }
    }

    /// <summary>Records that the response headers were received.</summary>
    public void SetResponse(int statusCode, string requestId, ITransferProgress progress)
    {
        _progress = progress;
        SetResponse(statusCode, requestId);
    }

    /// <summary>Records that the first chunk is delivered to the consumer.</summary>
    public void RecordFirstChunk()
    {
        if (Volatile.Read(ref _hasEnded) != 0) return;
        try
        {
            _activity?.AddEvent(new ActivityEvent("lambda_streaming.first_chunk"));
            Telemetry.TimeToFirstChunk.Record(Elapsed.TotalSeconds, CreateTags());
        }
        catch (Exception)
        {
            // Ignore exceptions of telemetry listeners.
        }
    }

    /// <summary>Records that the reader starts to wait for bytes.</summary>
    public void BeginWait() => Volatile.Write(ref _waitingSince, _timeProvider.GetTimestamp());

    /// <summary>Records that the wait has ended, with bytes or with the end of the body.</summary>
    public void EndWait()
    {
        var wait = CurrentWait;
        if (wait > _maxIdle) _maxIdle = wait;
        Volatile.Write(ref _waitingSince, NotWaiting);
    }

    /// <summary>Records that the last event of the response was read.</summary>
    /// <param name="isFunctionError">Whether the function failed.</param>
    /// <param name="errorCode">The function's error code, as one short line without secrets.</param>
    public void Complete(bool isFunctionError = false, string? errorCode = null)
    {
        if (isFunctionError) End(CallOutcome.FunctionError, errorCode, functionMayHaveRun: true);
        else End(CallOutcome.Completed, null, null);
    }

    /// <summary>Records that the call, or reading its response, failed.</summary>
    public void Fail(Exception exception)
    {
        var failure = exception as LambdaStreamingException;
        if (failure is { StatusCode: not default(HttpStatusCode) })
            SetResponse((int)failure.StatusCode, failure.RequestId);
        var mayHaveRun = failure?.FunctionMayHaveRun
            ?? (exception as InvocationCanceledException)?.FunctionMayHaveRun
            ?? (_progress is null ? null : true);
        End(CallOutcome.FromException(exception), failure?.Details.RedactedErrorCode, mayHaveRun);
    }

    /// <summary>Records that the response was aborted.</summary>
    public void Abort(CallOutcome outcome) => End(outcome, null, functionMayHaveRun: true);

    private void Begin(KeyValuePair<string, object?>[] tags)
    {
        _hasBegun = true;
        if (Telemetry.Source.HasListeners())
        {
            _activity = Telemetry.Source.StartActivity(
                "Lambda.InvokeWithResponseStream",
                ActivityKind.Client,
                default(ActivityContext),
                tags,
                links: null,
                _startTime);
        }

        _isCounted = Telemetry.ActiveStreams.Enabled;
        Telemetry.ActiveStreams.Add(1, CreateConstantTags(_function));
    }

    private void SetResponse(int statusCode, string? requestId)
    {
        if (_activity is not { IsAllDataRequested: true } || Volatile.Read(ref _hasEnded) != 0) return;
        _activity.SetTag("http.response.status_code", statusCode);
        if (!string.IsNullOrEmpty(requestId)) _activity.SetTag("aws.request_id", requestId);
    }

    private void End(CallOutcome outcome, string? errorCode, bool? functionMayHaveRun)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0) return;

        var wait = CurrentWait;
        var maxIdle = wait > _maxIdle ? wait : _maxIdle;
        var (chunks, bytes) = _progress?.ReceivedSoFar ?? (0, 0);
        try
        {
            // If the settings could not be resolved, the span has neither region nor endpoint.
            if (!_hasBegun) Begin(CreateConstantTags(_function));
            RecordMetrics(outcome, chunks, bytes, maxIdle);
        }
        catch (Exception)
        {
            // Ignore exceptions of telemetry listeners.
        }

        if (_activity is null) return;
        try
        {
            SetEndTags(_activity, outcome, errorCode, functionMayHaveRun, chunks, bytes, maxIdle);
            StopActivity(_activity);
        }
        catch (Exception)
        {
            // Ignore exceptions of telemetry listeners.
        }
    }

    private void RecordMetrics(CallOutcome outcome, long chunks, long bytes, TimeSpan maxIdle)
    {
        // Decrement only if there was a listener for the increment. A listener that started later did not receive the
        // increment, so its count would become negative.
        if (_isCounted) Telemetry.ActiveStreams.Add(-1, CreateConstantTags(_function));
        var tags = AddErrorType(CreateTags(), outcome.ErrorType);
        tags.Add(LambdaStreamingTelemetry.OutcomeAttribute, outcome.Name);
        Telemetry.CallDuration.Record(Elapsed.TotalSeconds, tags);
        if (_progress is null) return;
        Telemetry.Chunks.Record(chunks, tags);
        Telemetry.Bytes.Record(bytes, tags);
        Telemetry.MaxIdle.Record(maxIdle.TotalSeconds, tags);
    }

    private void SetEndTags(
        Activity activity,
        CallOutcome outcome,
        string? errorCode,
        bool? functionMayHaveRun,
        long chunks,
        long bytes,
        TimeSpan maxIdle)
    {
        if (!activity.IsAllDataRequested) return;
        activity.SetTag(LambdaStreamingTelemetry.OutcomeAttribute, outcome.Name);
        activity.SetTag("lambda_streaming.chunks", chunks);
        activity.SetTag("lambda_streaming.payload.size", bytes);
        activity.SetTag("lambda_streaming.retries", Volatile.Read(ref _retries));
        if (_progress is not null) activity.SetTag("lambda_streaming.max_idle", maxIdle.TotalSeconds);
        if (!string.IsNullOrEmpty(errorCode)) activity.SetTag("lambda_streaming.error_code", errorCode);
        if (outcome != CallOutcome.Completed && functionMayHaveRun is { } mayHaveRun)
            activity.SetTag("lambda_streaming.function_may_have_run", mayHaveRun);
        if (outcome.ErrorType is not { } errorType) return;
        activity.SetTag("error.type", errorType);

        // The description is the outcome and not the exception's message, which can contain any text of the function.
        activity.SetStatus(ActivityStatusCode.Error, outcome.Name);
    }

    // Activity.Stop sets Activity.Current to the parent of the span. If the current ExecutionContext has an unrelated
    // activity, that activity is restored.
    private static void StopActivity(Activity activity)
    {
        var current = Activity.Current;
        activity.Stop();
        if (!ReferenceEquals(current, activity)) Activity.Current = current;
    }

    private TagList CreateTags()
    {
        var tags = new TagList(CreateConstantTags(_function));
        if (_region is not null) tags.Add("faas.invoked_region", _region);
        return tags;
    }

    private static TagList AddErrorType(TagList tags, string? errorType)
    {
        if (errorType is not null) tags.Add("error.type", errorType);
        return tags;
    }

    private static KeyValuePair<string, object?>[] CreateConstantTags(string function) =>
    [
        new("rpc.system", "aws-api"),
        new("rpc.service", "Lambda"),
        new("rpc.method", "InvokeWithResponseStream"),
        new("faas.invoked_name", function),
        new("faas.invoked_provider", "aws"),
    ];

    /// <summary>Gets the name of a function without account and qualifier.</summary>
    // Source: AWS Lambda API reference, InvokeWithResponseStream, FunctionName: name, partial ARN
    // (account:function:name) or ARN, each with or without :qualifier. The pattern of the service model also allows
    // account:name.
    internal static string ShortenName(string functionName)
    {
        var parts = functionName.Split(':');
        if (parts.Length == 1) return functionName;
        var marker = Array.IndexOf(parts, "function");
        if (marker > 0 && marker + 1 < parts.Length) return parts[marker + 1];
        return parts[0].Length == 12 && parts[0].All(char.IsAsciiDigit) ? parts[1] : parts[0];
    }
}

/// <summary>The amount of a response that was delivered, readable from any thread.</summary>
internal interface ITransferProgress
{
    (long Chunks, long Bytes) ReceivedSoFar { get; }
}
