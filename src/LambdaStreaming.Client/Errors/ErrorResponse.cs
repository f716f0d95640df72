using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LambdaStreaming.Errors;

/// <summary>What an error answer says of itself, in any of the spellings that AWS services use. Nothing in it can fail the reading.</summary>
/// <remarks>Source: conformance/responses/README.md, "Rules behind the cases".</remarks>
/// <param name="Code">The error's name, or <see langword="null"/> where nothing names it.</param>
/// <param name="Message">Its message, or <see langword="null"/> where none is to be found.</param>
/// <param name="Fields">Its other members, as text.</param>
internal sealed record ErrorResponse(string? Code, string? Message, IReadOnlyDictionary<string, string> Fields)
{
    /// <summary>How much of an error's body is read.</summary>
    public const int MaxBodyBytes = 64 * 1024;

    /// <summary>Maximum length of an error's name.</summary>
    public const int MaxCodeLength = 256;

    /// <summary>How long an error's body may take: its head is there, and says most of it.</summary>
    public static readonly TimeSpan BodyTimeout = TimeSpan.FromSeconds(10);

    private const int MaxPlainTextBytes = 1024;

    private static readonly Dictionary<string, string> NoFields = [];

    /// <summary>Reads head and body of an error answer.</summary>
    public static async Task<ErrorResponse> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await ReadBodyAsync(response, cancellationToken).ConfigureAwait(false);
        return WithHead(response, FromBody(body.Span));
    }

    /// <summary>Reads the head of an error answer whose body does not come.</summary>
    public static ErrorResponse FromHead(HttpResponseMessage response) => WithHead(response, new ErrorResponse(null, null, NoFields));

    private static ErrorResponse WithHead(HttpResponseMessage response, ErrorResponse body)
    {
        var fields = new Dictionary<string, string>(body.Fields, StringComparer.Ordinal);
        if (Header(response, "Retry-After") is { } retryAfter) fields["retryAfterSeconds"] = retryAfter;
        return new ErrorResponse(ParseName(Header(response, "x-amzn-ErrorType")) ?? body.Code, body.Message, fields);
    }

    /// <summary>Reads the body of an error, which may be anything at all.</summary>
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
            return new ErrorResponse(null, PlainText(body), NoFields);
        }
    }

    // What gateways write in place of JSON, such as "upstream request timeout". A page of HTML says less than its status.
    private static string? PlainText(ReadOnlySpan<byte> body)
    {
        body = body.Trim(" \t\r\n"u8);
        if (body.IsEmpty || body.Length > MaxPlainTextBytes || body[0] is (byte)'<' or (byte)'{' or (byte)'[' || !Utf8.IsValid(body)) return null;
        foreach (var value in body)
        {
            if (value < 0x20 && value is not ((byte)'\t' or (byte)'\r' or (byte)'\n')) return null;
        }

        return Encoding.UTF8.GetString(body);
    }

    /// <summary>Cuts a name out of the forms that services give it: <c>aws.lambda#Name:http://…</c>.</summary>
    public static string? ParseName(string? value)
    {
        if (value is null) return null;
        var name = value.AsSpan();
        if (name.IndexOf(',') is >= 0 and var comma) name = name[..comma]; // A header that came twice.
        if (name.IndexOf(':') is >= 0 and var colon) name = name[..colon];
        if (name.LastIndexOf('#') is >= 0 and var hash) name = name[(hash + 1)..];
        name = name.Trim();
        if (name.Length > MaxCodeLength) return LenientJson.Truncate(name.ToString(), MaxCodeLength);
        return name.IsEmpty ? null : name.ToString();
    }

    /// <summary>How long the service asks to wait; a value that is none is ignored. A date is counted from the answer's own, where it has one: our clock may be wrong.</summary>
    public static TimeSpan? GetRetryAfter(HttpResponseMessage response, DateTimeOffset now)
    {
        if (Header(response, "x-amz-retry-after") is { } milliseconds && long.TryParse(milliseconds, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= int.MaxValue)
            return TimeSpan.FromMilliseconds(value);
        if (response.Headers.RetryAfter is not { } retryAfter) return null;
        var wait = retryAfter.Delta ?? (retryAfter.Date - (response.Headers.Date ?? now));
        return wait >= TimeSpan.Zero ? wait : null;
    }

    /// <summary>The request id of a response, fit for messages.</summary>
    public static string? GetRequestId(HttpResponseMessage response, Redactor redactor)
    {
        var id = Header(response, "x-amzn-RequestId") ?? Header(response, "x-amz-request-id");
        return id is null ? null : redactor.Name(id);
    }

    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.NonValidated.TryGetValues(name, out var values) || response.Content.Headers.NonValidated.TryGetValues(name, out values) ? values.ToString() : null;

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Clamp(response.Content.Headers.ContentLength ?? 4096, 1, MaxBodyBytes)];
        var length = 0;
        try
        {
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
            // Of any type: a caller's HttpClient may decompress, for one. The status and the head say enough; a body that breaks off must not hide them.
        }

        return buffer.AsMemory(0, length);
    }
}
