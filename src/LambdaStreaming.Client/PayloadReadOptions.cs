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
    /// <remarks>A line break inside a value causes a <see cref="PayloadFormatException"/>.</remarks>
    Lines,

    /// <summary>Values one after another, with or without white space between them.</summary>
    /// <remarks>Line breaks count as white space, so valid JSON Lines can be read, too.</remarks>
    Concatenated,

    /// <summary>The elements of one array.</summary>
    Array,
}

/// <summary>Specifies how the HTTP prelude at the beginning of a response is detected.</summary>
/// <remarks>
/// Functions that use Lambda's HTTP integration send the HTTP prelude before the body. It begins with an optional byte
/// order mark and white space. A JSON object with status code, headers and cookies follows. Optional white space and 8
/// NUL bytes end it.
/// </remarks>
public enum HttpPreludeDetection
{
    /// <summary>Detects the HTTP prelude from the content type and the first bytes (default).</summary>
    /// <remarks>
    /// A response has an HTTP prelude if all three conditions hold:
    /// <list type="bullet">
    /// <item>
    /// The response's <c>Content-Type</c> (<see cref="InvokeWithResponseStreamResponse.ResponseStreamContentType"/>) is
    /// absent or one of two types. The function sets <c>application/vnd.awslambda.http-integration-response</c>. The
    /// event stream has the type <c>application/vnd.amazon.eventstream</c>. Both are accepted, because it has not been
    /// verified which of the two the live service sends. With any other content type, such as <c>application/json</c>,
    /// the response does not have an HTTP prelude.
    /// </item>
    /// <item>
    /// The response begins with a JSON object of at most <see cref="PayloadReadOptions.MaxPreludeBytes"/>, which is
    /// followed by 8 NUL bytes.
    /// </item>
    /// <item>
    /// The first member of the object, if there is one, is <c>statusCode</c>, <c>headers</c>, <c>multiValueHeaders</c>,
    /// <c>cookies</c> or <c>isBase64Encoded</c>.
    /// </item>
    /// </list>
    /// Every other response is treated as the body. The body is delivered as soon as the received bytes rule out an
    /// HTTP prelude.
    /// </remarks>
    Auto,

    /// <summary>Accepts any content type and any first member of the JSON object.</summary>
    /// <remarks>
    /// A response without an HTTP prelude is still returned as the body. An object that, with the white space around
    /// it, exceeds <see cref="PayloadReadOptions.MaxPreludeBytes"/> causes a
    /// <see cref="PayloadLimitExceededException"/>.
    /// </remarks>
    Always,

    /// <summary>Treats the complete response as the body.</summary>
    Never,
}

/// <summary>Options and limits of the payload readers.</summary>
/// <remarks>
/// The defaults are suitable for most responses. A reader validates and copies the options when its method is called;
/// an invalid option causes an <see cref="ArgumentException"/>. If a limit is exceeded, a reader of lines, values or
/// events first delivers everything that precedes the oversized data, and then throws
/// <see cref="PayloadLimitExceededException"/>. A reader of the complete payload returns nothing. For the HTTP
/// prelude, see <see cref="MaxPreludeBytes"/>. A reader that returns the payload in parts buffers one part at a time,
/// up to its limit, and never the complete response.
/// </remarks>
public sealed class PayloadReadOptions
{
    internal static readonly PayloadReadOptions Default = new();

    /// <summary>Maximum size of a payload that is read into one array, string or JSON value, in bytes.</summary>
    /// <value>
    /// 0 to 2,147,483,591. Default: 209,715,200 (200 MiB). Ignored by the readers that return the payload in parts.
    /// A string has at most 1,073,741,791 characters; longer text causes an <see cref="OutOfMemoryException"/>.
    /// </value>
    // Source: AWS Lambda developer guide, "Response streaming": 200 MB is the service's default limit of a response.
    public int MaxPayloadBytes { get; set; } = 200 * 1024 * 1024;

    /// <summary>
    /// Maximum size of a line of text without its line break, in bytes. A byte order mark is not counted.
    /// </summary>
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

    /// <summary>Maximum size of the HTTP prelude without its 8 NUL bytes, in bytes.</summary>
    /// <value>
    /// 1 to 1,073,741,824. Default: 65,536 (64 KiB). API Gateway itself accepts 16 KiB.
    /// </value>
    /// <remarks>
    /// With <see cref="HttpPreludeDetection.Auto"/>, a response with a longer object is treated as the body. With
    /// <see cref="HttpPreludeDetection.Always"/>, it causes a <see cref="PayloadLimitExceededException"/>.
    /// </remarks>
    public int MaxPreludeBytes { get; set; } = 64 * 1024;

    /// <summary>Encoding of text and lines.</summary>
    /// <value>Default: UTF-8. A byte order mark at the beginning is removed.</value>
    /// <remarks>JSON and server-sent events are always UTF-8.</remarks>
    public Encoding Encoding { get; set; } = Encoding.UTF8;

    /// <summary>
    /// Whether bytes that are not valid in <see cref="Encoding"/> cause a <see cref="PayloadFormatException"/>.
    /// </summary>
    /// <value>
    /// Default: <see langword="false"/>: invalid bytes are replaced with U+FFFD, even if the encoding specifies another
    /// fallback.
    /// </value>
    /// <remarks>
    /// Used for text and lines only. In JSON, invalid bytes always cause a <see cref="PayloadFormatException"/>. In the
    /// text of server-sent events, they are always replaced.
    /// </remarks>
    public bool ThrowOnInvalidText { get; set; }

    /// <summary>How the values of a JSON response are separated.</summary>
    /// <value>Default: <see cref="JsonSequenceFormat.Auto"/>.</value>
    public JsonSequenceFormat JsonFormat { get; set; }

    /// <summary>How the HTTP prelude at the beginning of a response is detected.</summary>
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
