using Amazon.Runtime;
using LambdaStreaming.Errors;

namespace LambdaStreaming;

/// <summary>The exception that is thrown if the function failed: <c>InvokeComplete</c> reported an error.</summary>
/// <remarks>
/// All chunks before <c>InvokeComplete</c> have already been delivered; they might be only a part of a response.
/// <see cref="AmazonServiceException.ErrorCode"/> can have any value: <c>Unhandled</c>, a name that the function chose,
/// or a name of Lambda such as <c>Runtime.ExitError</c>. <see cref="FunctionErrorCodes"/> lists
/// the known names.
/// </remarks>
public sealed class FunctionErrorException : LambdaStreamingException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="invokeComplete">The event that reported the error.</param>
    /// <param name="details">Further properties of the exception.</param>
    /// <param name="innerException">The cause, or <see langword="null"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="invokeComplete"/> is null.</exception>
    public FunctionErrorException(
        string message,
        InvokeComplete invokeComplete,
        LambdaErrorDetails? details = null,
        Exception? innerException = null)
        : base(
            message,
            ErrorType.Receiver,
            (invokeComplete ?? throw new ArgumentNullException(nameof(invokeComplete))).ErrorCode,
            functionMayHaveRun: true,
            isTransient: false,
            details,
            innerException)
    {
        InvokeComplete = invokeComplete;
        (FunctionErrorType, FunctionErrorMessage, FunctionStackTrace) =
            FunctionErrorDetails.Parse(invokeComplete.ErrorDetails);
    }

    /// <summary>The event that reported the error.</summary>
    public InvokeComplete InvokeComplete { get; }

    /// <summary>The description of the error from the function or from Lambda, unchanged: plain text or JSON.</summary>
    /// <value>At most 262,144 characters. Longer details are truncated and are not parsed.</value>
    public string? ErrorDetails => InvokeComplete.ErrorDetails;

    /// <summary>The last 4 KB of the function's log, encoded as base64.</summary>
    /// <value>
    /// <see langword="null"/> unless <see cref="InvokeWithResponseStreamRequest.LogType"/> of the request was
    /// <see cref="LogType.Tail"/>.
    /// </value>
    public string? LogResult => InvokeComplete.LogResult;

    /// <summary>The member <c>errorType</c> of <see cref="ErrorDetails"/>.</summary>
    /// <value><see langword="null"/> if the details are not a JSON object with this member.</value>
    public string? FunctionErrorType { get; }

    /// <summary>The member <c>errorMessage</c> of <see cref="ErrorDetails"/>.</summary>
    /// <value><see langword="null"/> if the details are not a JSON object with this member.</value>
    public string? FunctionErrorMessage { get; }

    /// <summary>The lines of the member <c>stackTrace</c> or <c>trace</c> of <see cref="ErrorDetails"/>.</summary>
    /// <value>At most 256 lines of at most 1,024 characters. Empty if the details do not contain such a member.</value>
    public IReadOnlyList<string> FunctionStackTrace { get; }

    /// <summary>Number of chunks that were delivered before the error.</summary>
    public long ChunksReceived => Details.ChunksReceived;

    /// <summary>Number of payload bytes that were delivered before the error.</summary>
    public long BytesReceived => Details.BytesReceived;
}
