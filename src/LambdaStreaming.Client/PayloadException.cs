using Amazon.Runtime;

namespace LambdaStreaming;

/// <summary>The exception that is thrown if the payload does not have the format that the reader expects.</summary>
/// <remarks>
/// Examples are invalid JSON, invalid text or an invalid HTTP prelude. The event stream was valid up to the invalid
/// data. A reader of text, lines, values or events has already delivered everything before the invalid data; a reader
/// of the complete payload returns nothing. The connection is closed. The message never contains a value from the
/// payload. It can contain names: those on the JSON path to the value, and the type of a server-sent event. The
/// parser's exception, in <see cref="Exception.InnerException"/>, might contain values. A
/// <see cref="NotSupportedException"/> there has two possible causes, which cannot be distinguished. Either the JSON
/// for an abstract type or an interface does not begin with a type discriminator, or System.Text.Json does not support
/// the type.
/// </remarks>
public sealed class PayloadFormatException : LambdaStreamingException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="byteOffset">The value of <see cref="ByteOffset"/>.</param>
    /// <param name="valueIndex">The value of <see cref="ValueIndex"/>.</param>
    /// <param name="details">Further properties of the exception.</param>
    /// <param name="innerException">The exception of the parser, or <see langword="null"/>.</param>
    public PayloadFormatException(
        string message,
        long? byteOffset = null,
        long? valueIndex = null,
        LambdaErrorDetails? details = null,
        Exception? innerException = null)
        : base(message, ErrorType.Unknown, null, functionMayHaveRun: true, isTransient: false, details, innerException)
    {
        ByteOffset = byteOffset;
        ValueIndex = valueIndex;
    }

    /// <summary>Offset of the invalid data in the payload, in bytes.</summary>
    /// <value>
    /// <see langword="null"/> if it is not known. The start of the JSON value if the parser did not report a position.
    /// </value>
    /// <remarks>
    /// If a converter of the app calls <c>JsonSerializer</c> itself, System.Text.Json reports a position in the nested
    /// value. This offset and the path in the message are then wrong.
    /// </remarks>
    public long? ByteOffset { get; }

    /// <summary>Zero-based index of the invalid value or event.</summary>
    /// <value>
    /// This is also the number of values or events that were delivered before. <see langword="null"/> if the payload
    /// was not read as a sequence of values or events.
    /// </value>
    public long? ValueIndex { get; }

    /// <summary>The type of the server-sent event with the invalid data, unchanged.</summary>
    /// <value>
    /// Default: <see langword="null"/>, if the payload was not read as server-sent events with JSON data.
    /// </value>
    public string? EventType { get; init; }

    /// <summary>The first characters of the data of the server-sent event, unchanged.</summary>
    /// <value>
    /// At most 200 characters. Default: <see langword="null"/>, if the payload was not read as server-sent events with
    /// JSON data.
    /// </value>
    /// <remarks>
    /// The text is a part of the payload and can contain confidential data. <see cref="Exception.Message"/> never
    /// contains it.
    /// </remarks>
    public string? DataExcerpt { get; init; }
}

/// <summary>The exception that is thrown if data exceeds a limit of <see cref="PayloadReadOptions"/>.</summary>
/// <remarks>
/// The data is a line, a value, an event, a comment, an HTTP prelude, or the complete payload. A reader of lines,
/// values or events has already delivered everything that precedes the oversized data. A reader of the complete payload
/// returns nothing. For the HTTP prelude, see <see cref="PayloadReadOptions.MaxPreludeBytes"/>. The connection is
/// closed. To read data of this size, increase the option that <see cref="Limit"/> names.
/// </remarks>
public sealed class PayloadLimitExceededException : LambdaStreamingException
{
    /// <summary>Initializes a new instance. Public so that tests can create it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="limit">The name of the option.</param>
    /// <param name="limitBytes">The value of the option, in bytes.</param>
    /// <param name="byteOffset">The value of <see cref="ByteOffset"/>.</param>
    /// <param name="details">Further properties of the exception.</param>
    /// <param name="innerException">The cause, or <see langword="null"/>.</param>
    public PayloadLimitExceededException(
        string message,
        string limit,
        long limitBytes,
        long byteOffset = 0,
        LambdaErrorDetails? details = null,
        Exception? innerException = null)
        : base(message, ErrorType.Unknown, null, functionMayHaveRun: true, isTransient: false, details, innerException)
    {
        Limit = limit;
        LimitBytes = limitBytes;
        ByteOffset = byteOffset;
    }

    /// <summary>The name of the option, for example <see cref="PayloadReadOptions.MaxLineBytes"/>.</summary>
    public string Limit { get; }

    /// <summary>The value of the option, in bytes.</summary>
    public long LimitBytes { get; }

    /// <summary>Offset in the payload at which the data that exceeds the limit begins, in bytes.</summary>
    public long ByteOffset { get; }
}
