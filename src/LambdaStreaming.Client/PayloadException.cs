using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>The payload is not what the reader was asked to read: bad JSON, bad text, a bad prelude. The stream itself was sound; what came before was delivered.</summary>
/// <remarks>The connection is closed. The message never shows a value of the payload, but may show the names on the path to it; <see cref="Exception.InnerException"/>, the parser's own, may.</remarks>
public sealed class PayloadFormatException : LambdaStreamingException
{
    /// <summary>Makes the exception, also in tests.</summary>
    /// <param name="message">What was expected and what came.</param>
    /// <param name="byteOffset">Where in the payload the fault is, in bytes; <see langword="null"/> where that is not known.</param>
    /// <param name="valueIndex">Which value or event it is in, from 0; <see langword="null"/> where there are none.</param>
    /// <param name="details">What else is known.</param>
    /// <param name="innerException">The parser's own exception.</param>
    public PayloadFormatException(string message, long? byteOffset = null, long? valueIndex = null, LambdaErrorDetails? details = null, Exception? innerException = null)
        : base(message, ErrorType.Unknown, null, functionMayHaveRun: true, isTransient: false, details, innerException)
    {
        ByteOffset = byteOffset;
        ValueIndex = valueIndex;
    }

    /// <summary>Where in the payload the fault is, in bytes; <see langword="null"/> where that is not known.</summary>
    public long? ByteOffset { get; }

    /// <summary>Which value or event the fault is in, from 0: as many were delivered before. <see langword="null"/> where the payload is no sequence.</summary>
    public long? ValueIndex { get; }

    /// <summary>The type of the server-sent event whose data is wrong, exactly as it was received.</summary>
    /// <value>Default: <see langword="null"/>: the payload was not read as server-sent events of JSON.</value>
    public string? EventType { get; init; }

    /// <summary>The beginning of the event's data, at most 200 characters, exactly as it was received.</summary>
    /// <value>Default: <see langword="null"/>: the payload was not read as server-sent events of JSON.</value>
    /// <remarks>It is payload: <see cref="Exception.Message"/> never shows it, and it can contain anything.</remarks>
    public string? DataExcerpt { get; init; }
}

/// <summary>A line, a value, an event, a prelude or the whole payload is longer than <see cref="PayloadReadOptions"/> allows. What came before was delivered.</summary>
/// <remarks>The connection is closed. If the length is genuine, raise the option that <see cref="Limit"/> names.</remarks>
public sealed class PayloadLimitExceededException : LambdaStreamingException
{
    /// <summary>Makes the exception, also in tests.</summary>
    /// <param name="message">What was too long, and what to do.</param>
    /// <param name="limit">The name of the option.</param>
    /// <param name="limitBytes">Its value.</param>
    /// <param name="byteOffset">Offset in the payload of what is too long, in bytes.</param>
    /// <param name="details">What else is known.</param>
    /// <param name="innerException">The cause, if another exception was one.</param>
    public PayloadLimitExceededException(string message, string limit, long limitBytes, long byteOffset = 0, LambdaErrorDetails? details = null, Exception? innerException = null)
        : base(message, ErrorType.Unknown, null, functionMayHaveRun: true, isTransient: false, details, innerException)
    {
        Limit = limit;
        LimitBytes = limitBytes;
        ByteOffset = byteOffset;
    }

    /// <summary>The name of the option, e.g. <see cref="PayloadReadOptions.MaxLineBytes"/>.</summary>
    public string Limit { get; }

    /// <summary>The value of the option, in bytes.</summary>
    public long LimitBytes { get; }

    /// <summary>Offset in the payload of what is too long, in bytes.</summary>
    public long ByteOffset { get; }
}
