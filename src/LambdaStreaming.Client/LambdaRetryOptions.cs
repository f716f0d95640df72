using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>Specifies which failures are retried.</summary>
/// <remarks>Failures while reading the response are never retried.</remarks>
public enum LambdaRetryPolicy
{
    /// <summary>
    /// The function runs at most once: retries only transient failures that occur before the function starts (default).
    /// </summary>
    /// <remarks>
    /// These failures are throttling, failed connections, and the service errors whose exception types are documented
    /// as "retried by default". They also include a wait for a free connection that took too long, and a signature that
    /// was rejected because the local clock is wrong. Any transient failure of a dry run is retried. In a custom
    /// <see cref="HttpClient"/>, <see cref="SendOnceHandler"/> must wrap the connection handler
    /// (<see cref="SocketsHttpHandler"/>) directly, inside all other handlers. Otherwise, another handler could send
    /// the request several times.
    /// </remarks>
    AtMostOnce,

    /// <summary>
    /// The function runs at least once: retries all transient failures, even if the function might have run.
    /// </summary>
    /// <remarks>
    /// These failures include status 500, 502, 503 and 504, except for exception types that are documented as never
    /// retried. They also include a connection reset after sending began. The call still fails if the last attempt
    /// fails. The function might run several times: use this policy for idempotent functions only.
    /// </remarks>
    AtLeastOnce,

    /// <summary>Failures are never retried.</summary>
    Never,
}

/// <summary>Retry options.</summary>
/// <remarks>
/// The options of a request replace the client's options completely: individual properties are not merged.
/// </remarks>
public sealed class LambdaRetryOptions
{
    internal const int DefaultMaxAttempts = 3;

    // The largest number of complete days that a timer of .NET supports.
    private static readonly TimeSpan MaxTimerDelay = TimeSpan.FromDays(49);

    private int? _maxAttempts;

    /// <summary>Maximum number of attempts, including the first one.</summary>
    /// <value>
    /// At least 1. Default: <c>AWS_MAX_ATTEMPTS</c> or <c>max_attempts</c> of the profile, otherwise 3.
    /// </value>
    /// <remarks>
    /// A request can have its own <see cref="InvokeWithResponseStreamRequest.Retry"/>. If that leaves this property
    /// unset, the request does not use the client's value. It uses the default above, with one exception. If the
    /// client's options set this property, environment and profile are not read, and the request makes at most 3
    /// attempts. The default of <see cref="LambdaResilience.AddLambdaRetry"/> is always 3.
    /// </remarks>
    public int MaxAttempts { get => _maxAttempts ?? DefaultMaxAttempts; set => _maxAttempts = value; }

    /// <summary>Which failures are retried.</summary>
    /// <value>Default: <see cref="LambdaRetryPolicy.AtMostOnce"/>.</value>
    public LambdaRetryPolicy Policy { get; set; }

    /// <summary>Upper limit of the first delay after a transient failure other than throttling.</summary>
    /// <value>From 0 to 49 days. Default: 50 ms.</value>
    /// <remarks>
    /// The n-th delay is random, from 0 to the smaller of <see cref="MaxDelay"/> and this value times 2^(n-1).
    /// </remarks>
    public TimeSpan BaseDelay { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Upper limit of the first delay after throttling.</summary>
    /// <value>From 0 to 49 days. Default: 1 s.</value>
    /// <remarks>
    /// The n-th delay is random, from 0 to the smaller of <see cref="MaxDelay"/> and this value times 2^(n-1).
    /// </remarks>
    public TimeSpan ThrottlingBaseDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Upper limit of every calculated delay.</summary>
    /// <value>From 0 to 49 days. Default: 20 s.</value>
    /// <remarks>
    /// A longer delay that the service requests is used, but is limited to the calculated delay plus 5 s.
    /// </remarks>
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
        if (value < TimeSpan.Zero || value > MaxTimerDelay)
            throw Invalid(option, $"{ExceptionMessages.FormatDuration(value)}. It must be from 0 to 49 days.");
    }

    private static ArgumentException Invalid(string option, string text) => new($"Retry.{option} is {text}", option);
}
