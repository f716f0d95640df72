using System.Net;
using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>The base type of all exceptions of this library about a call.</summary>
/// <remarks>
/// It derives from <see cref="AmazonServiceException"/>, so that existing <c>catch</c> blocks of AWS SDK users keep
/// working. A cancelled call throws <see cref="InvocationCanceledException"/> instead.
/// </remarks>
public abstract class LambdaStreamingException : AmazonServiceException
{
    private bool _otherAttemptMayHaveRun;

    private protected LambdaStreamingException(
        string message,
        ErrorType errorType,
        string? errorCode,
        bool functionMayHaveRun,
        bool isTransient,
        LambdaErrorDetails? details,
        Exception? innerException)
        : base(
            message,
            innerException,
            errorType,
            details?.ErrorCode ?? errorCode ?? "",
            details?.RequestId ?? "",
            details?.StatusCode ?? default(HttpStatusCode))
    {
        Details = details ?? new LambdaErrorDetails();
        FunctionMayHaveRun = Details.FunctionMayHaveRun ?? functionMayHaveRun;
        IsTransient = Details.IsTransient ?? isTransient;
    }

    /// <summary>The name of the function, as in the request.</summary>
    /// <value><see langword="null"/> if it is not known.</value>
    public string? FunctionName => Details.FunctionName;

    /// <summary>The region that was called.</summary>
    /// <value><see langword="null"/> if it is not known.</value>
    public string? Region => Details.Region;

    /// <summary>Whether the function might have run, or might still be running.</summary>
    /// <value><see langword="false"/> only if that can be ruled out for all attempts of the call.</value>
    /// <remarks>
    /// A function that has started runs to completion, and is billed until then, even if the client disconnects.
    /// </remarks>
    public bool FunctionMayHaveRun { get; private set; }

    /// <inheritdoc/>
    public override string Message => _otherAttemptMayHaveRun
        ? $"{base.Message} Another attempt of this call was sent, so the function might have run."
        : base.Message;

    /// <summary>What to do about the failure.</summary>
    /// <value>One or two sentences of <see cref="Message"/>, or <see langword="null"/> without advice.</value>
    public string? Advice => Details.Advice;

    /// <summary>Whether a retry might succeed and cannot run the function a second time.</summary>
    /// <value>
    /// <see langword="true"/> if the failure is transient and <see cref="FunctionMayHaveRun"/> is
    /// <see langword="false"/>.
    /// </value>
    public bool IsSafeToRetry => IsTransient && !FunctionMayHaveRun;

    /// <summary>Number of attempts of the call, including the last one.</summary>
    /// <value>0 if no attempt was started. An attempt that could not connect is counted.</value>
    public int Attempts => Details.Attempts;

    /// <summary>Whether a retry might succeed, and whether the service throttled the request.</summary>
    /// <value>
    /// Not <see langword="null"/> if the failure is transient, even if the function might have run. Use
    /// <see cref="IsSafeToRetry"/> to prevent a second run.
    /// </value>
    public override RetryableDetails? Retryable => IsTransient ? new RetryableDetails(IsThrottlingError) : null;

    internal bool IsTransient { get; }

    internal LambdaErrorDetails Details { get; }

    /// <summary>Records that another attempt of the call was sent after this exception was created.</summary>
    internal void AddAttemptThatMayHaveRun() => _otherAttemptMayHaveRun = FunctionMayHaveRun = true;

    private protected virtual bool IsThrottlingError => false;
}

/// <summary>The exception that is thrown if a setting that the call needs is missing or not valid.</summary>
/// <remarks>
/// Examples are a region, credentials, or a package that a profile needs. Nothing was sent, unless
/// <see cref="LambdaStreamingException.Attempts"/> counts earlier attempts.
/// </remarks>
public sealed class LambdaConfigurationException : LambdaStreamingException
{
    /// <summary>Creates the exception, also in tests.</summary>
    /// <param name="message">What is missing or not valid, and how to set it.</param>
    /// <param name="innerException">The cause, or <see langword="null"/>.</param>
    public LambdaConfigurationException(string message, Exception? innerException = null)
        : this(message, null, innerException)
    {
    }

    internal LambdaConfigurationException(string message, LambdaErrorDetails? details, Exception? innerException)
        : base(message, ErrorType.Sender, null, functionMayHaveRun: false, isTransient: false, details, innerException)
    {
    }
}

/// <summary>
/// The exception that is thrown if the service could not be reached, or the connection broke before the response
/// headers.
/// </summary>
/// <remarks>
/// Causes are name resolution, connecting, the TLS handshake, a reset, or response headers that do not arrive in time.
/// <see cref="Exception.InnerException"/> is the exception of .NET.
/// <see cref="LambdaStreamingException.FunctionMayHaveRun"/> is <see langword="true"/> if any part of the request was
/// handed to the connection.
/// </remarks>
/// <param name="message">The message.</param>
/// <param name="details">Further properties of the exception.</param>
/// <param name="innerException">The cause, or <see langword="null"/>.</param>
public sealed class LambdaTransportException(
    string message,
    LambdaErrorDetails? details = null,
    Exception? innerException = null)
    : LambdaStreamingException(
        message,
        ErrorType.Unknown,
        null,
        functionMayHaveRun: true,
        isTransient: true,
        details,
        innerException);
