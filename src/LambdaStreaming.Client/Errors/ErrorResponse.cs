using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LambdaStreaming.Errors;

/// <summary>An AWS error response in any of the known formats.</summary>
/// <remarks>
/// Malformed input never throws. Source: conformance/responses/README.md, "Rules behind the cases".
/// </remarks>
/// <param name="Code">The name of the error; <see langword="null"/> if the response does not name it.</param>
/// <param name="Message">The message; <see langword="null"/> if the response has none.</param>
/// <param name="Fields">
/// The other members of the error, as text, and the header <c>Retry-After</c> as <c>retryAfterSeconds</c>.
/// </param>
internal sealed record ErrorResponse(string? Code, string? Message, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>Maximum number of bytes that are read from the body of an error.</summary>
    public const int MaxBodyBytes = 64 * 1024;

    /// <summary>Maximum length of the name of an error.</summary>
    public const int MaxCodeLength = 256;

    /// <summary>Maximum time to read the body of an error.</summary>
    /// <remarks>
    /// A body that takes longer is ignored, because the status and the headers are usually enough.
    /// </remarks>
    public static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(10);

    private const int MaxPlainTextBytes = 1024;

    private static readonly Dictionary<string, string> NoFields = [];

    /// <summary>Reads the headers and the body of an error response.</summary>
    public static async Task<ErrorResponse> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await ReadBodyAsync(response, cancellationToken).ConfigureAwait(false);
        return AddHeaders(response, FromBody(body.Span));
    }

    /// <summary>Reads only the headers of an error response, for a body that is not received in time.</summary>
    public static ErrorResponse FromHeaders(HttpResponseMessage response) =>
        AddHeaders(response, new ErrorResponse(null, null, NoFields));

    private static ErrorResponse AddHeaders(HttpResponseMessage response, ErrorResponse body)
    {
        var fields = new Dictionary<string, string>(body.Fields, StringComparer.Ordinal);
        if (Header(response, "Retry-After") is { } retryAfter) fields["retryAfterSeconds"] = retryAfter;
        return new ErrorResponse(ParseName(Header(response, "x-amzn-ErrorType")) ?? body.Code, body.Message, fields);
    }

    /// <summary>Reads the body of an error, which can contain anything.</summary>
    public static ErrorResponse FromBody(ReadOnlySpan<byte> body)
    {
        try
        {
            var json = new LenientJson(body);
            if (json.Kind != JsonTokenType.StartObject) return new ErrorResponse(null, null, NoFields);

            string? type = null, code = null, message = null;
            Dictionary<string, string> fields = new(StringComparer.Ordinal);
            while (json.TryReadMember(out var name, out var value))
            {
                if (LenientJson.GetText(value) is not { } text) continue;
                if (name.SequenceEqual("__type"u8)) type ??= text;
                else if (name.SequenceEqual("code"u8) || name.SequenceEqual("Code"u8)) code ??= text;
                else if (name.SequenceEqual("message"u8) || name.SequenceEqual("Message"u8)) message ??= text;
                else fields[Encoding.UTF8.GetString(name)] = text;
            }

            return new ErrorResponse(ParseName(type) ?? ParseName(code), message, fields);
        }
        catch (JsonException)
        {
            return new ErrorResponse(null, GetPlainText(body), NoFields);
        }
    }

    // Gets plain text, such as "upstream request timeout", which gateways write instead of JSON. HTML and invalid JSON
    // are ignored, because the HTTP status is more informative.
    private static string? GetPlainText(ReadOnlySpan<byte> body)
    {
        body = body.Trim(" \t\r\n"u8);
        if (body.IsEmpty || body.Length > MaxPlainTextBytes || !Utf8.IsValid(body)) return null;
        if (body[0] is (byte)'<' or (byte)'{' or (byte)'[') return null;
        foreach (var value in body)
        {
            if (value < 0x20 && value is not ((byte)'\t' or (byte)'\r' or (byte)'\n')) return null;
        }

        return Encoding.UTF8.GetString(body);
    }

    /// <summary>
    /// Gets the name of an error from the forms that services use, such as <c>aws.lambda#Name:http://…</c>.
    /// </summary>
    public static string? ParseName(string? value)
    {
        if (value is null) return null;
        var name = value.AsSpan();

        // The value can be from the header x-amzn-ErrorType. If that header was received twice, its values are
        // separated by a comma. Use the first one.
        if (name.IndexOf(',') is >= 0 and var comma) name = name[..comma];
        if (name.IndexOf(':') is >= 0 and var colon) name = name[..colon];
        if (name.LastIndexOf('#') is >= 0 and var hash) name = name[(hash + 1)..];
        name = name.Trim();
        if (name.Length > MaxCodeLength) return LenientJson.Truncate(name.ToString(), MaxCodeLength);
        return name.IsEmpty ? null : name.ToString();
    }

    /// <summary>Parses the retry delay. Invalid values are ignored.</summary>
    /// <remarks>
    /// The delay until a date is computed from the <c>Date</c> header of the response, if it has one, because the local
    /// clock can be wrong.
    /// </remarks>
    public static TimeSpan? GetRetryAfter(HttpResponseMessage response, DateTimeOffset now)
    {
        if (Header(response, "x-amz-retry-after") is { } header
            && long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
            && milliseconds <= int.MaxValue)
        {
            return TimeSpan.FromMilliseconds(milliseconds);
        }

        if (response.Headers.RetryAfter is not { } retryAfter) return null;
        var wait = retryAfter.Delta ?? (retryAfter.Date - (response.Headers.Date ?? now));
        return wait >= TimeSpan.Zero ? wait : null;
    }

    /// <summary>Gets the request id of a response, prepared for messages.</summary>
    public static string? GetRequestId(HttpResponseMessage response, Redactor redactor)
    {
        var id = Header(response, "x-amzn-RequestId") ?? Header(response, "x-amz-request-id");
        return id is null ? null : redactor.Name(id);
    }

    /// <summary>Gets a header of a response or of its content.</summary>
    public static string? Header(HttpResponseMessage response, string name)
    {
        var hasHeader = response.Headers.NonValidated.TryGetValues(name, out var values)
            || response.Content.Headers.NonValidated.TryGetValues(name, out values);
        return hasHeader ? values.ToString() : null;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(
        HttpResponseMessage response,
        CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        var length = 0;
        try
        {
            buffer = new byte[Math.Clamp(response.Content.Headers.ContentLength ?? 4096, 1, MaxBodyBytes)];
            var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(length), cancellationToken).ConfigureAwait(false);
                length += read;
                if (read == 0 || length == MaxBodyBytes) break;
                if (length == buffer.Length) Array.Resize(ref buffer, Math.Min(MaxBodyBytes, buffer.Length * 2));
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // A handler of the caller's HttpClient can substitute the content, for example to decompress it, or dispose
            // it. Exceptions of any type are ignored, because a missing body must not hide the status and the headers.
        }

        return buffer.AsMemory(0, length);
    }
}
