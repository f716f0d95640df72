using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace LambdaStreaming.Invocation;

/// <summary>The rule for retries of an invocation.</summary>
/// <param name="Options">Policy and delays.</param>
/// <param name="MaxAttempts">Maximum number of attempts, including the first one.</param>
internal readonly record struct RetryRule(LambdaRetryOptions Options, int MaxAttempts);

/// <summary>Runs the attempts of an invocation, with the built-in retries or a custom pipeline.</summary>
/// <remarks>No other code of this library retries a request.</remarks>
internal sealed class RetryPipeline(LambdaStreamingClientOptions options, ILogger logger)
{
    // Source: aws/aws-sdk-net#4411, aws/aws-sdk-go-v2#3400: the delay that the service requests is limited to 5 s above
    // the computed delay.
    private static readonly TimeSpan MaxRequestedExtraDelay = TimeSpan.FromSeconds(5);

    private static readonly ResiliencePropertyKey<RetryRule> Rule = new("LambdaStreaming.RetryRule");

    private static readonly ResiliencePropertyKey<Exception?> LastFailure = new("LambdaStreaming.LastFailure");

    private readonly ResiliencePipeline _pipeline = options.ResiliencePipeline ?? AddTo(
        new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider },
        context => context.Properties.GetValue(Rule, default),
        (exception, attempt, delay) =>
            Log.AttemptFailed(logger, attempt, exception.FunctionName, exception.GetType().Name, delay)).Build();

    /// <summary>Gets the retry rule for a request.</summary>
    /// <param name="request">The request. Its retry options take precedence over those of the client.</param>
    /// <param name="configuredMaxAttempts">
    /// The value from the environment or the profile. It is used if the options do not specify a maximum.
    /// </param>
    /// <returns><see langword="null"/> if a custom pipeline decides.</returns>
    public RetryRule? GetRule(InvokeWithResponseStreamRequest request, int? configuredMaxAttempts)
    {
        if (options.ResiliencePipeline is not null) return null;
        var retry = request.Retry ?? options.Retry;
        return new RetryRule(retry, retry.GetMaxAttempts(configuredMaxAttempts));
    }

    /// <summary>Runs <paramref name="attempt"/> in the pipeline, which can repeat it.</summary>
    public async ValueTask<InvokeWithResponseStreamResponse> ExecuteAsync(
        InvocationContext invocation,
        Func<InvocationContext, CancellationToken, Task<InvokeWithResponseStreamResponse>> attempt)
    {
        var context = ResilienceContextPool.Shared.Get(invocation.CancellationToken);
        try
        {
            if (invocation.Retry is { } rule) context.Properties.Set(Rule, rule);
            return await _pipeline.ExecuteAsync(
                static (context, state) => new ValueTask<InvokeWithResponseStreamResponse>(
                    state.attempt(state.invocation, context.CancellationToken)),
                context,
                (invocation, attempt)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    /// <summary>Adds retries with a fixed rule to a custom pipeline. They have a separate token bucket.</summary>
    public static ResiliencePipelineBuilder AddTo(ResiliencePipelineBuilder builder, LambdaRetryOptions options)
    {
        var rule = new RetryRule(options, options.GetMaxAttempts(configured: null));
        return AddTo(builder, _ => rule, onRetry: null);
    }

    private static ResiliencePipelineBuilder AddTo(
        ResiliencePipelineBuilder builder,
        Func<ResilienceContext, RetryRule> getRule,
        Action<LambdaStreamingException, int, TimeSpan>? onRetry)
    {
        var bucket = new RetryTokenBucket();
        return builder.AddRetry(new RetryStrategyOptions
        {
            // ShouldRetry limits the attempts.
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = arguments => new ValueTask<bool>(ShouldRetry(getRule(arguments.Context), bucket, arguments)),
            DelayGenerator = arguments => new ValueTask<TimeSpan?>(GetDelay(
                getRule(arguments.Context).Options,
                arguments.AttemptNumber,
                arguments.Outcome.Exception!,
                Random.Shared.NextDouble())),
            OnRetry = arguments =>
            {
                var failure = (LambdaStreamingException)arguments.Outcome.Exception!;
                onRetry?.Invoke(failure, arguments.AttemptNumber + 1, arguments.RetryDelay);
                return default;
            },
        });
    }

    // Polly calls this method after every attempt, also after a successful one. The last attempt must not take tokens,
    // because no retry follows. A retry that succeeds returns the tokens that it took; LastFailure determines how many.
    // If the first attempt succeeds, bucket.Return(null) returns the one token of a success without a retry.
    // LastFailure must not be read in that case. It can be from an earlier execution with the same context, because an
    // outer strategy of a custom pipeline can repeat this one.
    private static bool ShouldRetry(RetryRule rule, RetryTokenBucket bucket, RetryPredicateArguments<object> arguments)
    {
        var properties = arguments.Context.Properties;
        if (arguments.Outcome.Exception is not { } failure)
        {
            bucket.Return(arguments.AttemptNumber > 0 ? properties.GetValue(LastFailure, null) : null);
            return false;
        }

        if (arguments.AttemptNumber >= rule.MaxAttempts - 1
            || !LambdaResilience.ShouldRetry(failure, rule.Options.Policy)
            || !bucket.TryTake(RetryTokenBucket.GetCost(failure)))
        {
            return false;
        }

        properties.Set(LastFailure, failure);
        return true;
    }

    /// <summary>Computes the delay before a retry.</summary>
    /// <remarks>
    /// Full jitter: a random fraction of a bound that grows exponentially. If the service requests a longer delay, that
    /// delay is used, but at most 5 s more than the computed one.
    /// </remarks>
    internal static TimeSpan GetDelay(LambdaRetryOptions retry, int attemptNumber, Exception exception, double random)
    {
        var isThrottling = exception is LambdaServiceException { IsThrottling: true };
        var first = isThrottling ? retry.ThrottlingBaseDelay : retry.BaseDelay;
        // Larger powers exceed each MaxDelay. An infinite one would make a first delay of zero NaN.
        var power = Math.Pow(2, Math.Min(attemptNumber, 62));
        var bound = Math.Min(first.TotalMilliseconds * power, retry.MaxDelay.TotalMilliseconds);
        var computed = TimeSpan.FromMilliseconds(bound * random);
        if (exception is not LambdaServiceException { RetryAfter: { } requested } || requested <= computed)
            return computed;

        var longest = computed + MaxRequestedExtraDelay;
        return requested < longest ? requested : longest;
    }
}
