using System.Net;
using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>The base of every exception of this library that is about a call, so that one <c>catch</c> sees them all.</summary>
/// <remarks>It derives from <see cref="AmazonServiceException"/>: existing <c>catch</c> blocks of AWS SDK users keep working. A cancelled call throws <see cref="InvocationCanceledException"/> instead.</remarks>
public abstract class LambdaStreamingException : AmazonServiceException
{
    private bool _otherAttemptMayHaveRun;

    private protected LambdaStreamingException(string message, ErrorType errorType, string? errorCode, bool functionMayHaveRun, bool isTransient, LambdaErrorDetails? details, Exception? innerException)
        : base(message, innerException, errorType, details?.ErrorCode ?? errorCode ?? "", details?.RequestId ?? "", details?.StatusCode ?? default(HttpStatusCode))
    {
        Details = details ?? new LambdaErrorDetails();
        FunctionMayHaveRun = Details.FunctionMayHaveRun ?? functionMayHaveRun;
        IsTransient = Details.IsTransient ?? isTransient;
    }

    /// <summary>The function as the request named it, or <see langword="null"/> where it is not known.</summary>
    public string? FunctionName => Details.FunctionName;

    /// <summary>The region that was called, or <see langword="null"/> where it is not known.</summary>
    public string? Region => Details.Region;

    /// <summary>Whether the function may have run, or may be running still, by this attempt or one before it. <see langword="false"/> only where that can be ruled out.</summary>
    /// <remarks>A function that was started runs to its end, and is billed to its end, also when nobody listens any more.</remarks>
    public bool FunctionMayHaveRun { get; private set; }

    /// <inheritdoc/>
    public override string Message => _otherAttemptMayHaveRun
        ? $"{base.Message} Another attempt of this call was sent, so the function might have run."
        : base.Message;

    /// <summary>What to do about the failure, in one or two sentences, which <see cref="Message"/> has too.</summary>
    /// <value><see langword="null"/> if there is no advice.</value>
    public string? Advice => Details.Advice;

    /// <summary>Whether the same request can be sent again without any danger of a second run: the failure is transient and came before the function.</summary>
    public bool IsSafeToRetry => IsTransient && !FunctionMayHaveRun;

    /// <summary>How often the request was sent, the last time included; 0 when no attempt was begun. A connection that could not be made counts.</summary>
    public int Attempts => Details.Attempts;

    /// <summary>Not null where the same request may succeed a little later, whether or not the function may have run; it says whether the service asked to slow down.</summary>
    public override RetryableDetails? Retryable => IsTransient ? new RetryableDetails(IsThrottlingError) : null;

    internal bool IsTransient { get; }

    internal LambdaErrorDetails Details { get; }

    /// <summary>Adds that another attempt of the call was sent after this exception was created.</summary>
    internal void AddAttemptThatMayHaveRun() => _otherAttemptMayHaveRun = FunctionMayHaveRun = true;

    private protected virtual bool IsThrottlingError => false;
}

/// <summary>Something that the call needs is missing in the settings: a region, credentials, or a package that a profile needs. Nothing was sent, unless <see cref="LambdaStreamingException.Attempts"/> counts attempts before this one.</summary>
public sealed class LambdaConfigurationException : LambdaStreamingException
{
    /// <summary>Makes one.</summary>
    /// <param name="message">What is missing, and how to set it.</param>
    /// <param name="innerException">What was tried.</param>
    public LambdaConfigurationException(string message, Exception? innerException = null)
        : this(message, null, innerException)
    {
    }

    internal LambdaConfigurationException(string message, LambdaErrorDetails? details, Exception? innerException)
        : base(message, ErrorType.Sender, null, functionMayHaveRun: false, isTransient: false, details, innerException)
    {
    }
}

/// <summary>The service could not be reached, or the connection broke before an answer came: name resolution, connect, TLS, a reset, or no response head in time.</summary>
/// <remarks><see cref="Exception.InnerException"/> is the platform's own exception. <see cref="LambdaStreamingException.FunctionMayHaveRun"/> is <see langword="true"/> once any part of the request was handed to the connection.</remarks>
public sealed class LambdaTransportException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : LambdaStreamingException(message, ErrorType.Unknown, null, functionMayHaveRun: true, isTransient: true, details, innerException);
