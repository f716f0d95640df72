using Amazon.Runtime;
using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>The function failed: <c>InvokeComplete</c> came with an error code. The chunks before it were delivered; they may be part of an answer.</summary>
/// <remarks><see cref="AmazonServiceException.ErrorCode"/> is an open set: <c>Unhandled</c>, the name of the function's own error, or the platform's <c>Runtime.*</c>, <c>Function.*</c>, <c>Sandbox.*</c>, of which <see cref="FunctionErrorCodes"/> has the known ones.</remarks>
public sealed class FunctionErrorException : LambdaStreamingException
{
    /// <summary>Makes the exception, also in tests.</summary>
    /// <param name="message">What went wrong.</param>
    /// <param name="invokeComplete">The event that carried the error.</param>
    /// <param name="details">What else is known.</param>
    /// <param name="innerException">The cause, if another exception was one.</param>
    public FunctionErrorException(string message, InvokeComplete invokeComplete, LambdaErrorDetails? details = null, Exception? innerException = null)
        : base(message, ErrorType.Receiver, (invokeComplete ?? throw new ArgumentNullException(nameof(invokeComplete))).ErrorCode, functionMayHaveRun: true, isTransient: false, details, innerException)
    {
        InvokeComplete = invokeComplete;
        (FunctionErrorType, FunctionErrorMessage, FunctionStackTrace) = FunctionErrorDetails.Parse(invokeComplete.ErrorDetails);
    }

    /// <summary>The event that carried the error.</summary>
    public InvokeComplete InvokeComplete { get; }

    /// <summary>What the function or the platform said of the error, exactly as it came: plain text or a JSON document.</summary>
    /// <value>At most 262,144 characters; longer details are truncated, and nothing of them is parsed.</value>
    public string? ErrorDetails => InvokeComplete.ErrorDetails;

    /// <summary>The last 4 KB of the function's log in base64, when the request asked for <see cref="LogType.Tail"/>.</summary>
    public string? LogResult => InvokeComplete.LogResult;

    /// <summary>The member <c>errorType</c> of <see cref="ErrorDetails"/>, where that is a JSON object that has one.</summary>
    public string? FunctionErrorType { get; }

    /// <summary>The member <c>errorMessage</c> of <see cref="ErrorDetails"/>, where that is a JSON object that has one.</summary>
    public string? FunctionErrorMessage { get; }

    /// <summary>The lines of the member <c>stackTrace</c> or <c>trace</c> of <see cref="ErrorDetails"/>.</summary>
    /// <value>At most 256 lines of at most 1,024 characters; empty if there are none.</value>
    public IReadOnlyList<string> FunctionStackTrace { get; }

    /// <summary>How many chunks were delivered before the error.</summary>
    public long ChunksReceived => Details.ChunksReceived;

    /// <summary>How many payload bytes were delivered before the error.</summary>
    public long BytesReceived => Details.BytesReceived;
}
