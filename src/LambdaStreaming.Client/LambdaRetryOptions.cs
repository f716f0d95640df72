using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>Specifies which failures are retried.</summary>
/// <remarks>Failures while reading the response are never retried.</remarks>
public enum LambdaRetryPolicy
{
    /// <summary>Retry transient failures that occur before the function starts (default).</summary>
    /// <remarks>
    /// These are throttling, connection failures, and the errors that are marked in <c>docs/errors.md</c>. The function
    /// runs at most once. With a custom <see cref="HttpClient"/>, this requires a <see cref="SendOnceHandler"/> in it.
    /// </remarks>
    AtMostOnce,

    /// <summary>Retry all transient failures, even if the function might have run.</summary>
    /// <remarks>
    /// This includes status 500, 502, 503 and 504, and a connection reset after sending began. The function might run
    /// several times: use it for idempotent functions only.
    /// </remarks>
    AtLeastOnce,

    /// <summary>Never retry.</summary>
    Never,
}

/// <summary>The options of retries.</summary>
/// <remarks>
/// The options of a request replace the client's options completely: single properties are not merged.
/// </remarks>
public sealed class LambdaRetryOptions
{
    internal const int DefaultMaxAttempts = 3;

    private int? _maxAttempts;

    /// <summary>Maximum number of attempts, including the first one.</summary>
    /// <value>
    /// At least 1. Default: <c>AWS_MAX_ATTEMPTS</c> or <c>max_attempts</c> of the profile, otherwise 3. Environment and
    /// profile are not used for <see cref="LambdaResilience.AddLambdaRetry"/>, or if the client's options set a value.
    /// </value>
    public int MaxAttempts { get => _maxAttempts ?? DefaultMaxAttempts; set => _maxAttempts = value; }

    /// <summary>Which failures are retried.</summary>
    /// <value>Default: <see cref="LambdaRetryPolicy.AtMostOnce"/>.</value>
    public LambdaRetryPolicy Policy { get; set; }

    /// <summary>Upper limit of the first delay after a transient failure.</summary>
    /// <value>Default: 50 ms.</value>
    /// <remarks>The n-th delay is random, from 0 to this value times 2^(n-1).</remarks>
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Upper limit of the first delay after throttling.</summary>
    /// <value>Default: 1 s.</value>
    /// <remarks>The n-th delay is random, from 0 to this value times 2^(n-1).</remarks>
    public TimeSpan ThrottlingBaseDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Maximum delay before jitter.</summary>
    /// <value>Default: 20 s. A delay that the service requests can add up to 5 s.</value>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(20);

    internal bool HasMaxAttempts => _maxAttempts is not null;

    /// <summary>Gets the maximum number of attempts with the policy taken into account.</summary>
    /// <param name="configured">The value from environment or profile, which applies if no option was set.</param>
    internal int GetMaxAttempts(int? configured) =>
        Policy == LambdaRetryPolicy.Never ? 1 : _maxAttempts ?? configured ?? DefaultMaxAttempts;

    internal LambdaRetryOptions Copy() => (LambdaRetryOptions)MemberwiseClone();

    internal void Validate()
    {
        if (MaxAttempts < 1)
            throw Invalid(nameof(MaxAttempts), $"{MaxAttempts}. It must be at least 1: it includes the first attempt.");
        if (Policy is not (LambdaRetryPolicy.AtMostOnce or LambdaRetryPolicy.AtLeastOnce or LambdaRetryPolicy.Never))
            throw Invalid(nameof(Policy), $"{Policy}, which is not a {nameof(LambdaRetryPolicy)}.");
        RequireDelay(BaseDelay, nameof(BaseDelay));
        RequireDelay(ThrottlingBaseDelay, nameof(ThrottlingBaseDelay));
        RequireDelay(MaxDelay, nameof(MaxDelay));
    }

    private static void RequireDelay(TimeSpan value, string option)
    {
        if (value < TimeSpan.Zero)
            throw Invalid(option, $"{ExceptionMessages.FormatDuration(value)}. It must not be negative.");
    }

    private static ArgumentException Invalid(string option, string text) => new($"Retry.{option} is {text}", option);
}
