using System.Text;

namespace LambdaStreaming;

/// <summary>Specifies how the values of a JSON response are separated.</summary>
public enum JsonSequenceFormat
{
    /// <summary>
    /// Detects the format (default): <see cref="Array"/> if the response begins with <c>[</c>, otherwise
    /// <see cref="Concatenated"/>.
    /// </summary>
    Auto,

    /// <summary>One value per line (JSON Lines, NDJSON).</summary>
    /// <remarks>A value that contains a line break is an error.</remarks>
    Lines,

    /// <summary>Values one after another, with or without white space between them.</summary>
    /// <remarks>Line breaks have no meaning, so valid JSON Lines can be read, too.</remarks>
    Concatenated,

    /// <summary>The elements of one array.</summary>
    Array,
}

/// <summary>
/// Specifies whether a response can begin with the prelude of Lambda's HTTP integration: status code and headers as
/// JSON, then 8 NUL bytes.
/// </summary>
public enum HttpPreludeDetection
{
    /// <summary>Detects the prelude by its bytes, unless the content type excludes a prelude (default).</summary>
    /// <remarks>
    /// The reader looks for a prelude if the content type is
    /// <c>application/vnd.awslambda.http-integration-response</c>, <c>application/vnd.amazon.eventstream</c> or
    /// missing. A prelude consists of a JSON object of at most <see cref="PayloadReadOptions.MaxPreludeBytes"/> at the
    /// beginning of the response, and 8 NUL bytes. The first member of the object, if any, must be <c>statusCode</c>,
    /// <c>headers</c>, <c>multiValueHeaders</c>, <c>cookies</c> or <c>isBase64Encoded</c>. A byte order mark, and white
    /// space before and after the object, belong to the prelude. Everything else is the body, which is delivered as
    /// soon as its bytes exclude a prelude.
    /// </remarks>
    Auto,

    /// <summary>
    /// A JSON object at the beginning is a prelude if 8 NUL bytes follow, whatever its first member.
    /// </summary>
    /// <remarks>
    /// An object that exceeds <see cref="PayloadReadOptions.MaxPreludeBytes"/> throws
    /// <see cref="PayloadLimitExceededException"/>. A response that begins differently is the body.
    /// </remarks>
    Always,

    /// <summary>The complete response is the body.</summary>
    Never,
}

/// <summary>Options and limits of the payload readers.</summary>
/// <remarks>
/// The defaults are suitable for most responses. A reader validates and copies the options when it starts. Data that
/// exceeds a limit throws <see cref="PayloadLimitExceededException"/> after the data before it was delivered. A reader
/// needs memory for the limit, not for the complete response.
/// </remarks>
public sealed class PayloadReadOptions
{
    internal static readonly PayloadReadOptions Default = new();

    /// <summary>Maximum size of a payload that is read into one array, string or JSON value, in bytes.</summary>
    /// <value>
    /// 0 to 2,147,483,591. Default: 209,715,200 (200 MiB). Ignored by the readers that return the payload in parts.
    /// </value>
    // Source: AWS Lambda developer guide, "Response streaming": 200 MB is the service's default limit of a response.
    public int MaxPayloadBytes { get; set; } = 200 * 1024 * 1024;

    /// <summary>Maximum size of a line of text without its line break, in bytes.</summary>
    /// <value>1 to 1,073,741,824. Default: 1,048,576 (1 MiB).</value>
    public int MaxLineBytes { get; set; } = 1024 * 1024;

    /// <summary>Maximum size of one value of a JSON response, in bytes.</summary>
    /// <value>1 to 1,073,741,824. Default: 1,048,576 (1 MiB).</value>
    public int MaxValueBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Maximum size of a server-sent event, in bytes: the sum of its lines without their line breaks.
    /// </summary>
    /// <value>
    /// 1 to 1,073,741,824. Default: 16,777,216 (16 MiB). Comments are not counted, but the limit also applies to each
    /// comment.
    /// </value>
    public int MaxEventBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Maximum size of the prelude of the HTTP integration without its 8 NUL bytes, in bytes.</summary>
    /// <value>
    /// 1 to 1,073,741,824. Default: 65,536 (64 KiB). API Gateway itself accepts 16 KiB.
    /// </value>
    /// <remarks>
    /// Longer data is the body with <see cref="HttpPreludeDetection.Auto"/>, and an error with
    /// <see cref="HttpPreludeDetection.Always"/>.
    /// </remarks>
    public int MaxPreludeBytes { get; set; } = 64 * 1024;

    /// <summary>Encoding of text and lines.</summary>
    /// <value>Default: UTF-8. A byte order mark at the beginning is removed.</value>
    /// <remarks>JSON and server-sent events are always UTF-8.</remarks>
    public Encoding Encoding { get; set; } = Encoding.UTF8;

    /// <summary>
    /// Whether bytes that are not valid in <see cref="Encoding"/> throw <see cref="PayloadFormatException"/>.
    /// </summary>
    /// <value>
    /// Default: <see langword="false"/>: invalid bytes are replaced with U+FFFD, whatever the fallback of the encoding.
    /// </value>
    /// <remarks>
    /// Ignored for JSON, for which invalid bytes always throw, and for the text of server-sent events, for which they
    /// never throw.
    /// </remarks>
    public bool ThrowOnInvalidText { get; set; }

    /// <summary>How the values of a JSON response are separated.</summary>
    /// <value>Default: <see cref="JsonSequenceFormat.Auto"/>.</value>
    public JsonSequenceFormat JsonFormat { get; set; }

    /// <summary>Whether a response can begin with the prelude of the HTTP integration.</summary>
    /// <value>Default: <see cref="HttpPreludeDetection.Auto"/>.</value>
    public HttpPreludeDetection HttpPrelude { get; set; }

    internal PayloadReadOptions ValidatedCopy()
    {
        if (ReferenceEquals(this, Default)) return this;
        if (MaxPayloadBytes < 0 || MaxPayloadBytes > Array.MaxLength)
            throw InvalidMaxPayloadBytes(MaxPayloadBytes);
        RequireLimit(MaxLineBytes, nameof(MaxLineBytes));
        RequireLimit(MaxValueBytes, nameof(MaxValueBytes));
        RequireLimit(MaxEventBytes, nameof(MaxEventBytes));
        RequireLimit(MaxPreludeBytes, nameof(MaxPreludeBytes));
        if (Encoding is null)
            throw Invalid(nameof(Encoding), "must not be null.");
        if (JsonFormat is < JsonSequenceFormat.Auto or > JsonSequenceFormat.Array)
            throw Invalid(nameof(JsonFormat), $"is {JsonFormat}, which is not a {nameof(JsonSequenceFormat)}.");
        if (HttpPrelude is < HttpPreludeDetection.Auto or > HttpPreludeDetection.Never)
            throw Invalid(nameof(HttpPrelude), $"is {HttpPrelude}, which is not an {nameof(HttpPreludeDetection)}.");
        return (PayloadReadOptions)MemberwiseClone();
    }

    private static void RequireLimit(int value, string option)
    {
        if (value is < 1 or > 1024 * 1024 * 1024)
            throw Invalid(option, $"is {value}. It must be from 1 to 1,073,741,824 bytes.");
    }

    private static ArgumentException InvalidMaxPayloadBytes(int value) => Invalid(
        nameof(MaxPayloadBytes),
        $"is {value}. It must be from 0 to {Array.MaxLength} bytes.");

    private static ArgumentException Invalid(string option, string text) => new($"{option} {text}", option);
}
