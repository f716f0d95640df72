using System.Net;
using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>Base class of all call-related exceptions in this library, except for cancellation.</summary>
/// <remarks>
/// This class derives from <see cref="AmazonServiceException"/>, so that existing <c>catch</c> blocks of AWS SDK users
/// keep working. A cancelled call throws <see cref="InvocationCanceledException"/> instead, which does not derive from
/// this class.
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
    /// <value><see langword="false"/> only if the function cannot have run in any attempt of the call.</value>
    /// <remarks>
    /// A function that has started runs to completion, and is billed until then, even if the client disconnects.
    /// </remarks>
    public bool FunctionMayHaveRun { get; private set; }

    /// <inheritdoc/>
    public override string Message => _otherAttemptMayHaveRun
        ? $"{base.Message} Another attempt of this call was sent, so the function might have run."
        : base.Message;

    /// <summary>What to do about the failure.</summary>
    /// <value>
    /// One or two sentences, which <see cref="Message"/> also contains; <see langword="null"/> without advice.
    /// </value>
    public string? Advice => Details.Advice;

    /// <summary>Whether a retry might succeed and cannot run the function a second time.</summary>
    /// <value>
    /// <see langword="true"/> if the failure is transient and <see cref="FunctionMayHaveRun"/> is
    /// <see langword="false"/>.
    /// </value>
    public bool IsSafeToRetry => IsTransient && !FunctionMayHaveRun;

    /// <summary>Number of attempts of the call, including the last one.</summary>
    /// <value>
    /// An attempt that could not connect is counted. An attempt that failed before that, because its credentials could
    /// not be resolved, is not. 0 if the configuration could not be resolved.
    /// </value>
    public int Attempts => Details.Attempts;

    /// <summary>The information about retries that AWS SDKs use.</summary>
    /// <value>
    /// Not <see langword="null"/> if a retry might succeed, even if the function might have run. Its
    /// <see cref="RetryableDetails.Throttling"/> states whether the service throttled the request. Use
    /// <see cref="IsSafeToRetry"/> to prevent a second run.
    /// </value>
    public override RetryableDetails? Retryable => IsTransient ? new RetryableDetails(IsThrottlingError) : null;

    internal bool IsTransient { get; }

    internal LambdaErrorDetails Details { get; }

    /// <summary>Records that another attempt of the call might have run the function.</summary>
    /// <remarks>
    /// This can become known after the exception was created. A custom pipeline can run attempts in parallel (hedging),
    /// or drop an attempt and its result.
    /// </remarks>
    internal void MarkOtherAttemptMayHaveRun() => _otherAttemptMayHaveRun = FunctionMayHaveRun = true;

    private protected virtual bool IsThrottlingError => false;
}

/// <summary>The exception that is thrown if a setting that the call needs is missing or not valid.</summary>
/// <remarks>
/// Examples are a region, credentials, or a NuGet package that the profile's type of credentials needs, for example for
/// SSO. The last attempt sent nothing. An earlier attempt of the same call might have run the function: check
/// <see cref="LambdaStreamingException.FunctionMayHaveRun"/>.
/// </remarks>
/// <param name="message">What is missing or not valid, and how to set it.</param>
/// <param name="details">Further properties of the exception.</param>
/// <param name="innerException">The cause, or <see langword="null"/>.</param>
public sealed class LambdaConfigurationException(
    string message,
    LambdaErrorDetails? details = null,
    Exception? innerException = null)
    : LambdaStreamingException(
        message,
        ErrorType.Sender,
        null,
        functionMayHaveRun: false,
        isTransient: false,
        details,
        innerException);

/// <summary>The exception that is thrown if no response of the service was received.</summary>
/// <remarks>
/// <para>Possible causes:</para>
/// <list type="bullet">
/// <item>The host name could not be resolved.</item>
/// <item>The connection or the TLS handshake failed.</item>
/// <item>The connection was reset.</item>
/// <item>The response headers did not arrive in time.</item>
/// <item>A proxy rejected the request.</item>
/// <item>What arrived is not an HTTP response, or has more headers than .NET accepts.</item>
/// <item>A custom HTTP handler failed, followed a redirect or tried to send the request twice.</item>
/// </list>
/// <para>
/// <see cref="Exception.InnerException"/> is the cause: a <see cref="TimeoutException"/> if a timeout elapsed.
/// <see cref="LambdaStreamingException.FunctionMayHaveRun"/> is <see langword="true"/> if the attempt that failed might
/// have sent a part of the request. It is also <see langword="true"/> if another attempt of the call might have run the
/// function. For a dry run, it is <see langword="false"/>.
/// </para>
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
