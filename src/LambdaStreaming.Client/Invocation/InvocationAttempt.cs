using System.Net;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Invocation;

/// <summary>State of one attempt of an invocation.</summary>
internal sealed class InvocationAttempt
{
    private bool? _hasRun;
    private Redactor? _redactor;

    public InvocationAttempt(InvocationContext invocation, int number, bool canBeSentUnseen)
    {
        Invocation = invocation;
        Number = number;
        var maxAttempts = invocation.Retry?.MaxAttempts;
        Header = maxAttempts is null ? $"attempt={number}" : $"attempt={number}; max={maxAttempts}";
        Guard = new SendGuard(this, canBeSentUnseen);
    }

    public InvocationContext Invocation { get; }

    /// <summary>The attempt that began before this one.</summary>
    public InvocationAttempt? Previous { get; set; }

    /// <summary>Number of the attempt, from 1.</summary>
    public int Number { get; }

    /// <summary>The value of <c>amz-sdk-request</c>.</summary>
    public string Header { get; }

    /// <summary>Knows whether the request was sent.</summary>
    public SendGuard Guard { get; }

    /// <summary>The clock correction that the request was signed with.</summary>
    public TimeSpan ClockSkew { get; set; }

    /// <summary>Timestamp of the moment when the request was handed to the <see cref="HttpClient"/>.</summary>
    public long SentAt { get; set; }

    /// <summary>Prepares external text for messages. After signing it knows keys and signature too.</summary>
    public Redactor Redactor
    {
        get => _redactor ??= Redactor.Create(Invocation.Request);
        set => _redactor = value;
    }

    /// <summary>
    /// Whether this attempt may have run the function: from the moment that its content was requested, until its end
    /// shows that the function did not run.
    /// </summary>
    public bool MayHaveRun => _hasRun ?? (Guard.State != SendState.NotSent && !Invocation.IsDryRun);

    /// <summary>Ends the attempt.</summary>
    /// <param name="mayHaveRun">What its end shows; <see langword="null"/> if only the sending can tell.</param>
    public void End(bool? mayHaveRun) => _hasRun ??= mayHaveRun ?? MayHaveRun;

    /// <summary>Details for the exception of this attempt. Attempts other than this one count for them.</summary>
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
