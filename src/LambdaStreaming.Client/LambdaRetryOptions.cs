namespace LambdaStreaming;

/// <summary>Which failures before the answer are met by sending the request again. A failure within an answer never is.</summary>
public enum LambdaRetryPolicy
{
    /// <summary>Only what is transient and came before the function: throttling, a connection that could not be made, and the errors that <c>docs/errors.md</c> marks so. The function runs at most once (over an <see cref="HttpClient"/> of your own: with a <see cref="SendOnceHandler"/> in it). The default.</summary>
    AtMostOnce,

    /// <summary>All that is transient, also where the function may have run (500, 502, 503, 504, a reset after sending began): the function may run several times. For idempotent functions.</summary>
    AtLeastOnce,

    /// <summary>Nothing: one request is one send.</summary>
    Never,
}

/// <summary>When and how often a request is sent again. A request's own replaces the client's as a whole.</summary>
public sealed class LambdaRetryOptions
{
    private int? _maxAttempts;

    /// <summary>How often one request is sent at most, the first time included.</summary>
    /// <value>At least 1. Default: <c>AWS_MAX_ATTEMPTS</c> or the profile's <c>max_attempts</c> (where the client's options set none either, and not for <see cref="LambdaResilience.AddLambdaRetry"/>), else 3.</value>
    public int MaxAttempts { get => _maxAttempts ?? DefaultMaxAttempts; set => _maxAttempts = value; }

    /// <summary>Which failures are met by sending again.</summary>
    /// <value>Default: <see cref="LambdaRetryPolicy.AtMostOnce"/>.</value>
    public LambdaRetryPolicy Policy { get; set; }

    /// <summary>The longest first delay after a transient failure. The n-th delay is random between 0 and this times 2^(n-1).</summary>
    /// <value>Default: 50 ms.</value>
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest first delay after throttling. The n-th delay is random between 0 and this times 2^(n-1).</summary>
    /// <value>Default: 1 s.</value>
    public TimeSpan ThrottlingBaseDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay before jitter.</summary>
    /// <value>Default: 20 s. A wait that the service asks for may add up to 5 s.</value>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(20);

    internal const int DefaultMaxAttempts = 3;

    internal bool HasMaxAttempts => _maxAttempts is not null;

    /// <summary>Maximum number of attempts, the policy considered.</summary>
    /// <param name="configured">The value of environment or profile, which applies if none was set here.</param>
    internal int GetMaxAttempts(int? configured) =>
        Policy == LambdaRetryPolicy.Never ? 1 : _maxAttempts ?? configured ?? DefaultMaxAttempts;

    internal LambdaRetryOptions Copy() => (LambdaRetryOptions)MemberwiseClone();

    internal void Validate()
    {
        if (MaxAttempts < 1) throw new ArgumentException($"Retry.{nameof(MaxAttempts)} is {MaxAttempts}; it counts every send, so it must be at least 1.", nameof(MaxAttempts));
        if (Policy is not (LambdaRetryPolicy.AtMostOnce or LambdaRetryPolicy.AtLeastOnce or LambdaRetryPolicy.Never)) throw new ArgumentException($"Retry.{nameof(Policy)} is {Policy}, which is no resend policy.", nameof(Policy));
        if (BaseDelay < TimeSpan.Zero) throw new ArgumentException($"Retry.{nameof(BaseDelay)} is {BaseDelay}; it must not be negative.", nameof(BaseDelay));
        if (ThrottlingBaseDelay < TimeSpan.Zero) throw new ArgumentException($"Retry.{nameof(ThrottlingBaseDelay)} is {ThrottlingBaseDelay}; it must not be negative.", nameof(ThrottlingBaseDelay));
        if (MaxDelay < TimeSpan.Zero) throw new ArgumentException($"Retry.{nameof(MaxDelay)} is {MaxDelay}; it must not be negative.", nameof(MaxDelay));
    }
}
