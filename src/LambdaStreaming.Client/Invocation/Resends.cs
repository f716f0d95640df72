using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace LambdaStreaming.Invocation;

/// <summary>Decides whether a request is sent again, and when. The only place in this library where that happens.</summary>
internal sealed class Resends
{
    // Source: aws/aws-sdk-net#4411 and aws/aws-sdk-go-v2#3400: a server's hint is clamped to at most 5 s above the computed delay.
    private static readonly TimeSpan LongestHintedExtra = TimeSpan.FromSeconds(5);

    private static readonly ResiliencePropertyKey<Exception?> LastFailure = new("LambdaStreaming.LastFailure");

    private readonly LambdaStreamingClientOptions _options;
    private readonly ILogger _logger;
    private readonly ResendBudget _budget = new();
    private readonly ResendPipeline _pipeline;
    private ResendPipeline? _configuredPipeline;

    public Resends(LambdaStreamingClientOptions options, ILogger logger)
    {
        _options = options;
        _logger = logger;
        _pipeline = options.ResiliencePipeline is { } own ? new ResendPipeline(own, null, null) : PipelineOf(options.Retry);
    }

    /// <param name="request">May have resends of its own.</param>
    /// <param name="configuredMaxAttempts">What environment or profile say, where neither client nor request do.</param>
    public ResendPipeline PipelineOf(InvokeWithResponseStreamRequest request, int? configuredMaxAttempts)
    {
        if (_options.ResiliencePipeline is not null) return _pipeline;
        if (request.Retry is { } own) return PipelineOf(WithMaxAttempts(own, configuredMaxAttempts));
        if (configuredMaxAttempts is null || _options.Retry.HasMaxAttempts) return _pipeline;
        // The settings of a client are found once, so this is one value.
        return _configuredPipeline ??= PipelineOf(WithMaxAttempts(_options.Retry, configuredMaxAttempts));
    }

    private static LambdaRetryOptions WithMaxAttempts(LambdaRetryOptions retry, int? configuredMaxAttempts)
    {
        var copy = retry.Copy();
        if (!copy.HasMaxAttempts && configuredMaxAttempts is { } maxAttempts) copy.MaxAttempts = maxAttempts;
        return copy;
    }

    private ResendPipeline PipelineOf(LambdaRetryOptions retry)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = _options.TimeProvider };
        AddTo(builder, retry, _budget, (exception, attempt, delay) => Log.AttemptFailed(_logger, attempt, exception.FunctionName, exception.GetType().Name, delay));
        return new ResendPipeline(builder.Build(), retry.MaxSends, retry.MaxSends == 1 ? _budget : null);
    }

    public static ResiliencePipelineBuilder AddTo(ResiliencePipelineBuilder builder, LambdaRetryOptions retry, ResendBudget budget, Action<LambdaStreamingException, int, TimeSpan>? onResend)
    {
        if (retry.MaxSends == 1) return builder;
        return builder.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = retry.MaxAttempts - 1,
            ShouldHandle = arguments => new ValueTask<bool>(ShouldResend(retry, budget, arguments.AttemptNumber, arguments.Outcome.Exception, arguments.Context.Properties)),
            DelayGenerator = arguments => new ValueTask<TimeSpan?>(DelayOf(retry, arguments.AttemptNumber, arguments.Outcome.Exception!, Random.Shared.NextDouble())),
            OnRetry = arguments =>
            {
                onResend?.Invoke((LambdaStreamingException)arguments.Outcome.Exception!, arguments.AttemptNumber + 1, arguments.RetryDelay);
                return default;
            },
        });
    }

    // Asked after every attempt: after the last one too, which must not cost the budget anything, and after one that succeeded, which gives back what the resend before it took.
    private static bool ShouldResend(LambdaRetryOptions retry, ResendBudget budget, int attemptNumber, Exception? failure, ResilienceProperties properties)
    {
        if (failure is null)
        {
            budget.GiveBack(attemptNumber > 0 ? properties.GetValue(LastFailure, null) : null);
            return false;
        }

        if (attemptNumber >= retry.MaxAttempts - 1 || !LambdaResilience.MayResend(failure, retry.Policy) || !budget.TryTake(ResendBudget.CostAfter(failure))) return false;
        properties.Set(LastFailure, failure);
        return true;
    }

    /// <summary>Full jitter: a random part of an exponentially growing bound, stretched towards what the service asks for.</summary>
    internal static TimeSpan DelayOf(LambdaRetryOptions retry, int attemptNumber, Exception exception, double random)
    {
        var first = IsThrottling(exception) ? retry.ThrottlingBaseDelay : retry.BaseDelay;
        var bound = Math.Min(first.TotalMilliseconds * Math.Pow(2, attemptNumber), retry.MaxDelay.TotalMilliseconds);
        var computed = TimeSpan.FromMilliseconds(bound * random);
        if (exception is not LambdaServiceException { RetryAfter: { } asked } || asked <= computed) return computed;
        var longest = computed + LongestHintedExtra;
        return asked < longest ? asked : longest;
    }

    private static bool IsThrottling(Exception exception) => exception is LambdaServiceException { IsThrottling: true };
}

/// <summary>The resends of one call.</summary>
/// <param name="pipeline">Sends once, or as often as its strategy decides.</param>
/// <param name="maxAttempts">How often a request is sent at most.</param>
/// <param name="refills">The budget that a success gives back to; <see langword="null"/> where the pipeline's own strategy does that.</param>
internal sealed class ResendPipeline(ResiliencePipeline pipeline, int? maxAttempts, ResendBudget? refills)
{
    /// <summary>How often a request is sent at most; <see langword="null"/> where a user's own pipeline decides.</summary>
    public int? MaxAttempts { get; } = maxAttempts;

    public async ValueTask<InvokeWithResponseStreamResponse> ExecuteAsync(InvocationAttempt attempt, InvocationCall call)
    {
        var response = await pipeline.ExecuteAsync(static (state, token) => new ValueTask<InvokeWithResponseStreamResponse>(state.attempt.SendAsync(state.call, token)), (attempt, call), call.CancellationToken).ConfigureAwait(false);
        refills?.GiveBack(null);
        return response;
    }
}

/// <summary>A token bucket over all calls of a client, so that an outage is not amplified by resends.</summary>
/// <remarks>Source: aws/aws-sdk-net#4411, AWS's retry rules of 2026: 500 tokens; a transient resend costs 14, a throttling one 5; a success gives 1 back, a success after a resend its cost.</remarks>
internal sealed class ResendBudget
{
    private const int Capacity = 500;
    private const int TransientCost = 14;
    private const int ThrottlingCost = 5;

    private readonly object _lock = new();
    private int _tokens = Capacity;

    public static int CostAfter(Exception failure) => failure is LambdaServiceException { IsThrottling: true } ? ThrottlingCost : TransientCost;

    public bool TryTake(int cost)
    {
        lock (_lock)
        {
            if (_tokens < cost) return false;
            _tokens -= cost;
            return true;
        }
    }

    public void GiveBack(Exception? failureBefore)
    {
        lock (_lock) _tokens = Math.Min(Capacity, _tokens + (failureBefore is null ? 1 : CostAfter(failureBefore)));
    }
}
