using System.Text;

namespace LambdaStreaming;

/// <summary>How the values of a JSON answer follow each other.</summary>
public enum JsonSequenceFormat
{
    /// <summary>An answer that begins with <c>[</c> is one array, any other is <see cref="Concatenated"/>. The default.</summary>
    Auto,

    /// <summary>One value a line (JSON lines, NDJSON). A value that a line end cuts is refused there.</summary>
    Lines,

    /// <summary>Values one after another, with or without white space between; line ends mean nothing. Takes good JSON lines too.</summary>
    Concatenated,

    /// <summary>The elements of one array.</summary>
    Array,
}

/// <summary>Whether an answer is taken to begin with the prelude of Lambda's HTTP integration: status code and headers as JSON, then 8 NUL bytes.</summary>
public enum HttpPreludeDetection
{
    /// <summary>The bytes decide, unless the content type is one that excludes a prelude. The default.</summary>
    /// <remarks>
    /// A prelude is looked for if the content type is <c>application/vnd.awslambda.http-integration-response</c>,
    /// <c>application/vnd.amazon.eventstream</c> or missing. A response has a prelude if it begins with a JSON object of
    /// at most <see cref="PayloadReadOptions.MaxPreludeBytes"/> whose first member, if any, is <c>statusCode</c>,
    /// <c>headers</c>, <c>multiValueHeaders</c>, <c>cookies</c> or <c>isBase64Encoded</c>, and which 8 NUL bytes follow.
    /// A byte order mark and white space before the object, and white space after it, belong to the prelude. Everything
    /// else is the body, which is passed on as soon as its bytes exclude a prelude.
    /// </remarks>
    Auto,

    /// <summary>
    /// A JSON object at the beginning is a prelude if 8 NUL bytes follow, whatever its first member; one that is longer
    /// than <see cref="PayloadReadOptions.MaxPreludeBytes"/> throws. A response that begins otherwise is the body.
    /// </summary>
    Always,

    /// <summary>The whole answer is the body.</summary>
    Never,
}

/// <summary>How the readers of a payload read it, and how much they take. The defaults do for most answers.</summary>
/// <remarks>Read once, when a reader begins. A limit that is passed throws <see cref="PayloadLimitExceededException"/>, after what came before it was delivered; it costs the limit's memory, never the answer's.</remarks>
public sealed class PayloadReadOptions
{
    internal static readonly PayloadReadOptions Default = new();

    /// <summary>The longest payload that the readers take which hold it whole, in bytes: to an array, a string, or one JSON value.</summary>
    /// <value>0 to 2,147,483,591. Default: 209,715,200 (200 MiB). Ignored by the readers that hold a part at a time.</value>
    // Source: AWS Lambda developer guide, "Response streaming": 200 MB is the service's own default limit of an answer.
    public int MaxPayloadBytes { get; set; } = 200 * 1024 * 1024;

    /// <summary>The longest line of text, in bytes without its end.</summary>
    /// <value>1 to 1,073,741,824. Default: 1,048,576 (1 MiB).</value>
    public int MaxLineBytes { get; set; } = 1024 * 1024;

    /// <summary>The longest single value of a JSON answer, in bytes.</summary>
    /// <value>1 to 1,073,741,824. Default: 1,048,576 (1 MiB).</value>
    public int MaxValueBytes { get; set; } = 1024 * 1024;

    /// <summary>Maximum size of a server-sent event: the sum of its lines without their ends, in bytes.</summary>
    /// <value>
    /// 1 to 1,073,741,824. Default: 16,777,216 (16 MiB). Comments are not counted, but none of them can be longer.
    /// </value>
    public int MaxEventBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Maximum size of the prelude of the HTTP integration, in bytes without its 8 NUL bytes.</summary>
    /// <value>
    /// 1 to 1,073,741,824. Default: 65,536 (64 KiB). API Gateway itself accepts 16 KiB. What is longer is the body under
    /// <see cref="HttpPreludeDetection.Auto"/>, and an error under <see cref="HttpPreludeDetection.Always"/>.
    /// </value>
    public int MaxPreludeBytes { get; set; } = 64 * 1024;

    /// <summary>The encoding of text and lines. JSON and server-sent events are always UTF-8.</summary>
    /// <value>Default: UTF-8. A byte order mark at the beginning is left out.</value>
    public Encoding Encoding { get; set; } = Encoding.UTF8;

    /// <summary>Whether bytes that are no text in <see cref="Encoding"/> throw <see cref="PayloadFormatException"/>.</summary>
    /// <value>Default: <see langword="false"/>: they become the replacement character, whatever the fallback of the encoding. Ignored for JSON, where they always throw, and for the text of server-sent events, where they never do.</value>
    public bool ThrowOnInvalidText { get; set; }

    /// <summary>How the values of a JSON answer follow each other.</summary>
    /// <value>Default: <see cref="JsonSequenceFormat.Auto"/>.</value>
    public JsonSequenceFormat JsonFormat { get; set; }

    /// <summary>Whether the prelude of the HTTP integration is looked for.</summary>
    /// <value>Default: <see cref="HttpPreludeDetection.Auto"/>.</value>
    public HttpPreludeDetection HttpPrelude { get; set; }

    internal PayloadReadOptions ValidatedCopy()
    {
        if (ReferenceEquals(this, Default)) return this;
        if (MaxPayloadBytes < 0 || MaxPayloadBytes > Array.MaxLength) throw new ArgumentException($"{nameof(MaxPayloadBytes)} is {MaxPayloadBytes}; it must be between 0 and {Array.MaxLength} bytes.", nameof(MaxPayloadBytes));
        RequireLimit(MaxLineBytes, nameof(MaxLineBytes));
        RequireLimit(MaxValueBytes, nameof(MaxValueBytes));
        RequireLimit(MaxEventBytes, nameof(MaxEventBytes));
        RequireLimit(MaxPreludeBytes, nameof(MaxPreludeBytes));
        if (Encoding is null) throw new ArgumentException($"{nameof(Encoding)} must not be null.", nameof(Encoding));
        if (JsonFormat is < JsonSequenceFormat.Auto or > JsonSequenceFormat.Array) throw new ArgumentException($"{JsonFormat} is no format of a JSON answer.", nameof(JsonFormat));
        if (HttpPrelude is < HttpPreludeDetection.Auto or > HttpPreludeDetection.Never) throw new ArgumentException($"{HttpPrelude} is no way of looking for a prelude.", nameof(HttpPrelude));
        return (PayloadReadOptions)MemberwiseClone();
    }

    private static void RequireLimit(int value, string member)
    {
        if (value is < 1 or > 1024 * 1024 * 1024) throw new ArgumentException($"{member} is {value}; it must be between 1 and 1,073,741,824 bytes.", member);
    }
}
