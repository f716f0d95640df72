using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>The answer began and cannot be trusted to be whole. What was delivered before is genuine: every chunk's checksum held.</summary>
public abstract class ResponseStreamException : LambdaStreamingException
{
    private protected ResponseStreamException(string message, string? errorCode, LambdaErrorDetails? details, Exception? innerException)
        : base(message, ErrorType.Unknown, errorCode, functionMayHaveRun: true, isTransient: false, details, innerException)
    {
    }

    /// <summary>How many chunks were delivered before the failure.</summary>
    public long ChunksReceived => Details.ChunksReceived;

    /// <summary>How many payload bytes were delivered before the failure.</summary>
    public long BytesReceived => Details.BytesReceived;
}

/// <summary>What is wrong with bytes that can never become a message or an event.</summary>
public enum ResponseStreamCorruptionReason
{
    /// <summary>Not said, as in an exception made by a test.</summary>
    Unknown,

    /// <summary>The CRC-32 of a message's first 8 bytes differs from the one that it carries. Also what bytes look like that are no event stream at all.</summary>
    PreludeChecksum,

    /// <summary>A message claims lengths that are impossible or beyond the limits, under a good prelude checksum.</summary>
    MalformedLength,

    /// <summary>The CRC-32 of a message differs from the one that it carries.</summary>
    MessageChecksum,

    /// <summary>A header runs out of its block, has an unknown type, an empty or repeated name, or bad UTF-8.</summary>
    MalformedHeader,

    /// <summary>A whole message that is no usable event: no <c>:message-type</c> or <c>:event-type</c>, or an <c>InvokeComplete</c> that is no JSON object.</summary>
    MalformedEvent,

    /// <summary>The answer's content type is another, and its bytes are no event stream either.</summary>
    UnexpectedContentType,

    /// <summary>The answer's status does not fit the request: 204 to an invocation, 200 to a dry run, or another 2xx.</summary>
    UnexpectedStatus,

    /// <summary>The response has a content encoding, such as gzip, and its bytes are not an event stream.</summary>
    UnexpectedContentEncoding,
}

/// <summary>The bytes that came are not what the service sends: damaged on the way, or from something else than the service.</summary>
public sealed class ResponseStreamCorruptException : ResponseStreamException
{
    /// <summary>Makes the exception, also in tests.</summary>
    /// <param name="message">What was expected and what came.</param>
    /// <param name="reason">What kind of damage.</param>
    /// <param name="byteOffset">Where in the body the damaged message begins, in bytes.</param>
    /// <param name="details">What else is known.</param>
    /// <param name="innerException">The cause, if another exception was one.</param>
    public ResponseStreamCorruptException(string message, ResponseStreamCorruptionReason reason = default, long byteOffset = 0, LambdaErrorDetails? details = null, Exception? innerException = null)
        : base(message, null, details, innerException)
    {
        Reason = reason;
        ByteOffset = byteOffset;
    }

    /// <summary>What kind of damage.</summary>
    public ResponseStreamCorruptionReason Reason { get; }

    /// <summary>Where in the response body the damaged message begins, in bytes.</summary>
    public long ByteOffset { get; }
}

/// <summary>The answer ended or broke before <c>InvokeComplete</c>: what came is only its beginning.</summary>
public sealed class ResponseStreamTruncatedException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : ResponseStreamException(message, null, details, innerException);

/// <summary>The service ended the answer with an exception or error message in the stream.</summary>
/// <remarks><see cref="AmazonServiceException.ErrorCode"/> is its name. <see cref="Exception.InnerException"/> is the typed exception of the error catalogue, where the name is known there.</remarks>
public sealed class ResponseStreamErrorException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : ResponseStreamException(message, null, details, innerException)
{
    /// <summary>The service's own words; <see cref="Exception.Message"/> adds which call failed.</summary>
    public string ServiceMessage => Details.ServiceMessage ?? Message;
}

/// <summary>The answer began, then nothing came for the idle timeout.</summary>
public sealed class ResponseStreamIdleTimeoutException(string message, LambdaErrorDetails? details = null, Exception? innerException = null)
    : ResponseStreamException(message, null, details, innerException);
