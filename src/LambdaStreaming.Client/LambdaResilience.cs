using LambdaStreaming.Invocation;
using Polly;
using Polly.Retry;

namespace LambdaStreaming;

/// <summary>Retry rules for custom resilience pipelines.</summary>
/// <remarks>Polly's plain <c>AddRetry</c> can run the function a second time after a dropped connection.</remarks>
public static class LambdaResilience
{
    /// <summary>Adds retries according to the policy in <paramref name="options"/>.</summary>
    /// <remarks>
    /// The retries use exponential backoff with jitter, and respect delays that the service requests. Each call of this
    /// method creates a new retry quota. All calls through the pipeline share it; it is separate from the quota of the
    /// built-in retries.
    /// </remarks>
    /// <param name="builder">The builder of the pipeline.</param>
    /// <param name="options">The options. They are copied; later changes have no effect.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="ArgumentException">
    /// An argument is null, or an option is not valid. The message names the option.
    /// </exception>
    public static ResiliencePipelineBuilder AddLambdaRetry(
        this ResiliencePipelineBuilder builder,
        LambdaRetryOptions options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return RetryPipeline.AddTo(builder, options.Copy());
    }

    /// <summary>Determines whether a policy allows another attempt after a failure.</summary>
    /// <param name="exception">The exception of the last attempt.</param>
    /// <param name="policy">The policy.</param>
    /// <returns>
    /// <see langword="true"/> if the failure is transient and <paramref name="policy"/> allows a retry.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="exception"/> is null.</exception>
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
