using LambdaStreaming.Configuration;
using LambdaStreaming.Diagnostics;

namespace LambdaStreaming.Invocation;

/// <summary>State of one invocation, shared by all its attempts.</summary>
internal sealed class InvocationContext(
    InvokeWithResponseStreamRequest request,
    ResolvedConfiguration settings,
    RetryRule? retry,
    CallTelemetry? telemetry,
    CancellationToken cancellationToken)
{
    private InvocationAttempt? _latest;
    private int _attempts;
    private int _hasEnded;

    public InvokeWithResponseStreamRequest Request { get; } = request;

    public ResolvedConfiguration Settings { get; } = settings;

    public Uri Url { get; } = LambdaEndpoint.CreateUrl(settings.Endpoint, request.FunctionName, request.Qualifier);

    /// <summary>The value of <c>amz-sdk-invocation-id</c>, which is the same for all attempts.</summary>
    public string Id { get; } = SendGuard.CreateInvocationId();

    /// <summary>The retry rule; <see langword="null"/> if a custom pipeline decides.</summary>
    public RetryRule? Retry { get; } = retry;

    /// <summary>Telemetry of the invocation; <see langword="null"/> without a listener.</summary>
    public CallTelemetry? Telemetry { get; } = telemetry;

    /// <summary>The caller's token, which also governs the response body.</summary>
    /// <remarks>
    /// The token of an attempt must not be used for the body, because that token ends with the attempt.
    /// </remarks>
    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Whether the request is a dry run, which never runs the function.</summary>
    public bool IsDryRun => Request.InvocationType == InvocationType.DryRun;

    /// <summary>Number of attempts so far.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>The exception of the attempt that failed last.</summary>
    public LambdaStreamingException? LastFailure { get; set; }

    /// <summary>Whether the invocation has returned or thrown. Nothing must be sent after that.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded) != 0;

    /// <summary>Returns whether the caller or a resilience strategy has cancelled an attempt.</summary>
    public bool IsCanceled(CancellationToken attemptToken) =>
        attemptToken.IsCancellationRequested || CancellationToken.IsCancellationRequested;

    /// <summary>Begins an attempt. A custom pipeline can run several attempts at the same time.</summary>
    /// <param name="handlersCanBypassGuard">See <see cref="RequestSender.HandlersCanBypassGuard"/>.</param>
    public InvocationAttempt BeginAttempt(bool handlersCanBypassGuard)
    {
        var attempt = new InvocationAttempt(this, Interlocked.Increment(ref _attempts), handlersCanBypassGuard);
        do attempt.Previous = _latest;
        while (Interlocked.CompareExchange(ref _latest, attempt, attempt.Previous) != attempt.Previous);
        return attempt;
    }

    /// <summary>Returns whether an attempt other than <paramref name="except"/> might have run the function.</summary>
    public bool MayHaveRun(InvocationAttempt? except = null)
    {
        for (var attempt = Volatile.Read(ref _latest); attempt is not null; attempt = attempt.Previous)
        {
            if (attempt != except && attempt.MayHaveRun) return true;
        }

        return false;
    }

    /// <summary>
    /// Ends the invocation, so that an attempt that a pipeline has abandoned can no longer send its content.
    /// </summary>
    /// <returns>
    /// Whether any attempt might have run the function. False is final, because
    /// <see cref="SendGuard.MarkContentRead"/> fails from now on.
    /// </returns>
    public bool EndAndGetMayHaveRun()
    {
        Interlocked.Exchange(ref _hasEnded, 1);
        return MayHaveRun();
    }
}
