using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;

namespace LambdaStreaming.Invocation;

/// <summary>When an invocation is retried.</summary>
/// <param name="Options">Policy and delays.</param>
/// <param name="MaxAttempts">Maximum number of attempts, the first one included.</param>
internal readonly record struct RetryRule(LambdaRetryOptions Options, int MaxAttempts);

/// <summary>Runs the attempts of an invocation: the built-in retries, or a user's own pipeline.</summary>
/// <remarks>Nothing else in this library sends a request again.</remarks>
internal sealed class RetryPipeline
{
    // Source: aws/aws-sdk-net#4411, aws/aws-sdk-go-v2#3400: a hint is clamped to 5 s above the computed delay.
    private static readonly TimeSpan LongestHintedExtra = TimeSpan.FromSeconds(5);

    private static readonly ResiliencePropertyKey<RetryRule> Rule = new("LambdaStreaming.RetryRule");

    private static readonly ResiliencePropertyKey<Exception?> LastFailure = new("LambdaStreaming.LastFailure");

    private readonly LambdaStreamingClientOptions _options;
    private readonly ResiliencePipeline _pipeline;

    public RetryPipeline(LambdaStreamingClientOptions options, ILogger logger)
    {
        _options = options;
        _pipeline = options.ResiliencePipeline ?? AddTo(
            new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider },
            context => context.Properties.GetValue(Rule, default),
            (exception, attempt, delay) =>
                Log.AttemptFailed(logger, attempt, exception.FunctionName, exception.GetType().Name, delay)).Build();
    }

    /// <summary>The rule of a request; <see langword="null"/> if a user's own pipeline decides.</summary>
    /// <param name="request">May have retry options of its own.</param>
    /// <param name="configuredMaxAttempts">The value of environment or profile, if the options have none.</param>
    public RetryRule? GetRule(InvokeWithResponseStreamRequest request, int? configuredMaxAttempts)
    {
        if (_options.ResiliencePipeline is not null) return null;
        var retry = request.Retry?.Copy() ?? _options.Retry;
        return new RetryRule(retry, retry.GetMaxAttempts(configuredMaxAttempts));
    }

    /// <summary>Runs <paramref name="attempt"/> as often as the pipeline decides.</summary>
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

    /// <summary>Adds the retries of a fixed rule to a user's pipeline. They have a token bucket of their own.</summary>
    public static ResiliencePipelineBuilder AddTo(ResiliencePipelineBuilder builder, LambdaRetryOptions options)
    {
        var rule = new RetryRule(options, options.GetMaxAttempts(configured: null));
        return AddTo(builder, _ => rule, onRetry: null);
    }

    private static ResiliencePipelineBuilder AddTo(
        ResiliencePipelineBuilder builder,
        Func<ResilienceContext, RetryRule> ruleOf,
        Action<LambdaStreamingException, int, TimeSpan>? onRetry)
    {
        var bucket = new RetryTokenBucket();
        return builder.AddRetry(new RetryStrategyOptions
        {
            // The rule decides.
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = arguments => new ValueTask<bool>(ShouldRetry(ruleOf(arguments.Context), bucket, arguments)),
            DelayGenerator = arguments => new ValueTask<TimeSpan?>(GetDelay(
                ruleOf(arguments.Context).Options,
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

    // Polly asks after every attempt. The last one must not take tokens; a success returns those of the retry before.
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
            || !bucket.TryTake(RetryTokenBucket.GetCost(failure))) return false;
        properties.Set(LastFailure, failure);
        return true;
    }

    /// <summary>Full jitter: a random part of a growing bound, extended to what the service asks for.</summary>
    internal static TimeSpan GetDelay(LambdaRetryOptions retry, int attemptNumber, Exception exception, double random)
    {
        var isThrottling = exception is LambdaServiceException { IsThrottling: true };
        var first = isThrottling ? retry.ThrottlingBaseDelay : retry.BaseDelay;
        var bound = Math.Min(first.TotalMilliseconds * Math.Pow(2, attemptNumber), retry.MaxDelay.TotalMilliseconds);
        var computed = TimeSpan.FromMilliseconds(bound * random);
        if (exception is not LambdaServiceException { RetryAfter: { } asked } || asked <= computed) return computed;
        var longest = computed + LongestHintedExtra;
        return asked < longest ? asked : longest;
    }
}
