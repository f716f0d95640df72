using LambdaStreaming.Invocation;
using Polly;
using Polly.Retry;

namespace LambdaStreaming;

/// <summary>The rule of safe resends, for pipelines of your own: a bare <c>AddRetry</c> would run a function again after a broken connection.</summary>
public static class LambdaResilience
{
    /// <summary>Adds resends that keep the rule of <paramref name="options"/>, with backoff, jitter and the waits that the service asks for.</summary>
    /// <param name="builder">The pipeline to add to.</param>
    /// <param name="options">Copied; later changes have no effect.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentException">An option can't be right; the message names it.</exception>
    public static ResiliencePipelineBuilder AddLambdaRetry(this ResiliencePipelineBuilder builder, LambdaRetryOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return RetryPipeline.AddTo(builder, options.Copy());
    }

    /// <summary>Whether sending the request again keeps <paramref name="policy"/>'s promise.</summary>
    /// <param name="exception">What the last attempt ended with.</param>
    /// <param name="policy">The promise.</param>
    /// <returns><see langword="true"/> where the failure is transient and the promise allows another send.</returns>
    public static bool ShouldRetry(Exception exception, LambdaRetryPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception is LambdaStreamingException failure && policy switch
        {
            LambdaRetryPolicy.AtMostOnce => failure.IsSafeToRetry,
            LambdaRetryPolicy.AtLeastOnce => failure.IsTransient,
            _ => false,
        };
    }
}
