using System.Net;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Invocation;

/// <summary>State of one attempt of an invocation.</summary>
internal sealed class InvocationAttempt
{
    // Values of _final, which other threads read.
    private const int Open = 0;
    private const int DidNotRun = 1;
    private const int MightHaveRun = 2;

    private volatile int _final;
    private Redactor? _redactor;

    /// <param name="invocation">The invocation.</param>
    /// <param name="number">Number of the attempt, from 1.</param>
    /// <param name="handlersCanBypassGuard">See <see cref="RequestSender.HandlersCanBypassGuard"/>.</param>
    public InvocationAttempt(InvocationContext invocation, int number, bool handlersCanBypassGuard)
    {
        Invocation = invocation;
        Number = number;
        var maxAttempts = invocation.Retry?.MaxAttempts;
        Header = maxAttempts is null ? $"attempt={number}" : $"attempt={number}; max={maxAttempts}";
        Guard = new SendGuard(this, handlersCanBypassGuard);
    }

    public InvocationContext Invocation { get; }

    /// <summary>The attempt that began before this one.</summary>
    public InvocationAttempt? Previous { get; set; }

    /// <summary>Number of the attempt, from 1.</summary>
    public int Number { get; }

    /// <summary>The value of <c>amz-sdk-request</c>.</summary>
    public string Header { get; }

    /// <summary>The guard, which allows one send of the request and records whether it was sent.</summary>
    public SendGuard Guard { get; }

    /// <summary>The clock correction that the request was signed with.</summary>
    public TimeSpan ClockSkew { get; set; }

    /// <summary>Timestamp of the moment when the request was passed to the <see cref="HttpClient"/>.</summary>
    public long SentAt { get; set; }

    /// <summary>Prepares external text for messages. After signing, also removes keys and signature.</summary>
    public Redactor Redactor
    {
        get => _redactor ??= Redactor.Create(Invocation.Request);
        set => _redactor = value;
    }

    /// <summary>Whether this attempt might have run the function.</summary>
    /// <value>
    /// Before <see cref="End"/>: true if the request might have been sent and is not a dry run. After that: the value
    /// that <see cref="End"/> received or determined. <see cref="LambdaStreamingException.FunctionMayHaveRun"/>, in
    /// contrast, covers all attempts of the call.
    /// </value>
    public bool MayHaveRun => _final switch
    {
        Open => Guard.State != SendState.NotSent && !Invocation.IsDryRun,
        var final => final == MightHaveRun,
    };

    /// <summary>Ends the attempt.</summary>
    /// <param name="mayHaveRun">
    /// Whether the attempt might have run the function; <see langword="null"/> if <see cref="Guard"/> decides.
    /// </param>
    public void End(bool? mayHaveRun) => _final = (mayHaveRun ?? MayHaveRun) ? MightHaveRun : DidNotRun;

    /// <summary>Creates the details for the exception of this attempt.</summary>
    /// <remarks>
    /// <see cref="LambdaErrorDetails.FunctionMayHaveRun"/> is true if another attempt might have run the function, and
    /// false for a dry run. Otherwise it is null: then the exception or its creator decides for this attempt.
    /// </remarks>
    public LambdaErrorDetails Describe(HttpStatusCode statusCode = default, string? requestId = null) => new()
    {
        FunctionName = Invocation.Request.FunctionName,
        Region = Invocation.Settings.Region.SystemName,
        StatusCode = statusCode,
        RequestId = requestId,
        Attempts = Invocation.Attempts,
        MaxAttempts = Invocation.Retry?.MaxAttempts,
        FunctionMayHaveRun = Invocation.MayHaveRun(except: this) ? true : Invocation.IsDryRun ? false : null,
    };
}
