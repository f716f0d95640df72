using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>Base class of the exceptions for a response that is incomplete or not valid.</summary>
/// <remarks>
/// Most of them are thrown while the response is being read. The call itself throws
/// <see cref="ResponseStreamCorruptException"/> if the status is 2xx, but not the expected one. It throws
/// <see cref="ResponseStreamTruncatedException"/> if a handler of a custom <see cref="HttpClient"/> has replaced the
/// response's content, and getting a stream from the new content failed. If getting the stream takes longer than
/// <see cref="LambdaStreamingClientOptions.IdleTimeout"/>, it throws <see cref="ResponseStreamIdleTimeoutException"/>.
/// The chunks that were delivered before the failure are valid: their checksums were verified. Such failures are never
/// retried, because a part of the response might have been delivered.
/// </remarks>
public abstract class ResponseStreamException : LambdaStreamingException
{
    private protected ResponseStreamException(
        string message,
        string? errorCode,
        LambdaErrorDetails? details,
        Exception? innerException)
        : base(
            message,
            ErrorType.Unknown,
            errorCode,
            functionMayHaveRun: true,
            isTransient: false,
            details,
            innerException)
    {
    }

    /// <summary>Number of chunks that were delivered before the failure.</summary>
    public long ChunksReceived => Details.ChunksReceived;

    /// <summary>Number of payload bytes that were delivered before the failure.</summary>
    public long BytesReceived => Details.BytesReceived;
}

/// <summary>Specifies why bytes of a response are not a valid message or event.</summary>
public enum ResponseStreamCorruptionReason
{
    /// <summary>Not specified, as in an exception that a test creates.</summary>
    Unknown,

    /// <summary>
    /// The checksum of a message prelude, the first 12 bytes of a message, does not match. (The message prelude is not
    /// the HTTP prelude.)
    /// </summary>
    /// <remarks>
    /// Also used if the bytes are not an event stream, but the content type is that of an event stream or absent.
    /// </remarks>
    PreludeChecksum,

    /// <summary>
    /// The checksum of a message prelude matches, but the lengths in it are impossible or exceed a limit.
    /// </summary>
    MalformedLength,

    /// <summary>The CRC-32 of a complete message does not match.</summary>
    MessageChecksum,

    /// <summary>
    /// A header exceeds the header block, or its type is unknown, its name is empty or duplicate, or its UTF-8 is
    /// invalid.
    /// </summary>
    MalformedHeader,

    /// <summary>
    /// A complete message is not a usable event. Its <c>:message-type</c> is missing or unknown, its <c>:event-type</c>
    /// is missing, or it is an <c>InvokeComplete</c> event whose payload is not a JSON object.
    /// </summary>
    MalformedEvent,

    /// <summary>Neither the content type nor the bytes are those of an event stream.</summary>
    UnexpectedContentType,

    /// <summary>
    /// The status is 2xx, but not the expected one: an invocation received a status other than 200, or a dry run one
    /// other than 204.
    /// </summary>
    UnexpectedStatus,

    /// <summary>
    /// The response specifies a content encoding, such as gzip, and its bytes are not an event stream.
    /// </summary>
    UnexpectedContentEncoding,
}

/// <summary>
/// The response is not valid: it was damaged, something other than Lambda sent it, or one of its messages exceeds
/// <see cref="LambdaStreamingClientOptions.MaxMessageBytes"/>.
/// </summary>
public sealed class ResponseStreamCorruptException : ResponseStreamException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">What was expected and what was received.</param>
    /// <param name="reason">The value of <see cref="Reason"/>.</param>
    /// <param name="byteOffset">The value of <see cref="ByteOffset"/>.</param>
    /// <param name="details">The call, and the chunks that were received before.</param>
    /// <param name="innerException">The cause, if it is another exception.</param>
    public ResponseStreamCorruptException(
        string message,
        ResponseStreamCorruptionReason reason = default,
        long byteOffset = 0,
        LambdaErrorDetails? details = null,
        Exception? innerException = null)
        : base(message, null, details, innerException)
    {
        Reason = reason;
        ByteOffset = byteOffset;
    }

    /// <summary>Why the bytes are not valid.</summary>
    public ResponseStreamCorruptionReason Reason { get; }

    /// <summary>Offset of the first invalid message in the response body, in bytes.</summary>
    /// <value>0 for <see cref="ResponseStreamCorruptionReason.UnexpectedStatus"/>.</value>
    public long ByteOffset { get; }
}

/// <summary>The response ended before <c>InvokeComplete</c>, so its end is missing.</summary>
public sealed class ResponseStreamTruncatedException : ResponseStreamException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">How the response ended.</param>
    /// <param name="details">The call, and the chunks that were received before.</param>
    /// <param name="innerException">The failure of the connection, if there was one.</param>
    /// <param name="endedInsideMessage">The value of <see cref="EndedInsideMessage"/>.</param>
    public ResponseStreamTruncatedException(
        string message,
        LambdaErrorDetails? details = null,
        Exception? innerException = null,
        bool endedInsideMessage = false)
        : base(message, null, details, innerException) => EndedInsideMessage = endedInsideMessage;

    /// <summary>Whether the body ended inside an event-stream message.</summary>
    /// <value>
    /// <see langword="true"/> if the last message is incomplete; <see langword="false"/> if the body ended between two
    /// messages.
    /// </value>
    public bool EndedInsideMessage { get; }
}

/// <summary>
/// The service ended the response with an event-stream message of the type <c>exception</c> or <c>error</c>.
/// </summary>
/// <remarks>
/// <see cref="AmazonServiceException.ErrorCode"/> is the name of the error. If the name is documented,
/// <see cref="Exception.InnerException"/> is the typed exception for it.
/// </remarks>
public sealed class ResponseStreamErrorException(
    string message,
    LambdaErrorDetails? details = null,
    Exception? innerException = null)
    : ResponseStreamException(message, null, details, innerException)
{
    /// <summary>The message of the service, unchanged.</summary>
    /// <value>
    /// Empty if the service did not send a message. Equal to <see cref="Exception.Message"/> if a test created the
    /// exception without a message of the service.
    /// </value>
    /// <remarks>
    /// <see cref="Exception.Message"/> states which call failed. It contains the first line of this message, unless
    /// that line might quote the payload.
    /// </remarks>
    public string ServiceMessage => Details.ServiceMessage ?? Message;
}

/// <summary>The response started, but no data was received within the idle timeout.</summary>
public sealed class ResponseStreamIdleTimeoutException(
    string message,
    LambdaErrorDetails? details = null,
    Exception? innerException = null)
    : ResponseStreamException(message, null, details, innerException);
