using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using LambdaStreaming.Http.Requests;

namespace LambdaStreaming.Http;

/// <summary>An HTTP request in the form in which a function URL passes it to a function: payload format 2.0.</summary>
/// <remarks>
/// Functions behind a function URL or an HTTP API, and web adapters, read this event. The <c>accountId</c> in the event
/// is <c>anonymous</c>, as for a request without IAM authorization.
/// </remarks>
// Source: AWS Lambda developer guide, "Invoking Lambda function URLs", request payload format; the sample events of
// aws-lambda-go (lambda-urls-request.json) and of Powertools for AWS Lambda; captured events of function URLs in
// aws/aws-lambda-go (lambdaurl/testdata/function-url-request-with-headers-and-cookies-and-text-body.json, 2679a89f) and
// hotsock/voker (vokerhttp/testdata/functionurl-request.json, captured on 2026-07-10, 7e397613).
public sealed class FunctionUrlEvent
{
    // The payload is not HTML, so escaping all characters outside ASCII would only make it longer.
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Maximum size of a payload that the service accepts, in bytes.</summary>
    /// <value>6,291,556: 6 MiB and 100 bytes.</value>
    // Source: AWS Lambda developer guide, quotas: 6 MB for the payload of a synchronous invocation; Lambda's emulator
    // allows 6 MiB and 100 bytes.
    public const int MaxPayloadBytes = (6 * 1024 * 1024) + 100;

    /// <summary>The HTTP method.</summary>
    public required string Method { get; init; }

    /// <summary>The path, percent-encoded as in the request line.</summary>
    /// <remarks>
    /// In the event, <c>requestContext.http.path</c> is the decoded path. <c>%2F</c> is decoded, and bytes that are not
    /// UTF-8 stay encoded; how a function URL treats both has not been verified.
    /// </remarks>
    public required string RawPath { get; init; }

    /// <summary>The query, percent-encoded as in the request line, without the question mark.</summary>
    /// <value>Default: empty.</value>
    public string RawQueryString { get; init; } = "";

    /// <summary>The header fields, with case-insensitive names. A name can be repeated.</summary>
    /// <value>Default: empty.</value>
    /// <remarks>
    /// In the event, names are lower-case, and repeated values are joined by commas, those of <c>Cookie</c> by
    /// semicolons. The event also contains the cookies as a list, the member <c>cookies</c>. Pseudo headers, hop-by-hop
    /// fields, <c>Expect</c> and the fields that <c>Connection</c> names, except <c>Host</c>, are omitted.
    /// </remarks>
    public IEnumerable<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>A predicate on the name that selects which header fields reach the function.</summary>
    /// <value>
    /// Default: <see langword="null"/>, which allows all fields. <c>Authorization</c> and <c>Cookie</c> are passed in
    /// this spelling, other names as in <see cref="Headers"/>. Compare names case-insensitively.
    /// </value>
    public Func<string, bool>? AllowHeader { get; init; }

    /// <summary>The body.</summary>
    /// <value>Default: empty.</value>
    /// <remarks>
    /// The event contains the body as text if <c>Content-Type</c> is a textual type, <c>Content-Encoding</c> is missing
    /// and the bytes are valid UTF-8. Otherwise, the event contains it as base64.
    /// </remarks>
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The host name that the request was sent to.</summary>
    public required string DomainName { get; init; }

    /// <summary>The IP address of the caller.</summary>
    /// <value>Default: empty.</value>
    public string SourceIp { get; init; } = "";

    /// <summary>The protocol of the request.</summary>
    /// <value>Default: <c>HTTP/1.1</c>.</value>
    public string Protocol { get; init; } = "HTTP/1.1";

    /// <summary>The id of the request.</summary>
    /// <value>Default: empty.</value>
    public string RequestId { get; init; } = "";

    /// <summary>The time of the request.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Creates the payload of an invocation.</summary>
    /// <param name="payload">The event as JSON, or empty.</param>
    /// <returns>
    /// <see langword="false"/> if the event is larger than <see cref="MaxPayloadBytes"/>; the service rejects such an
    /// event.
    /// </returns>
    public bool TryCreatePayload(out ReadOnlyMemory<byte> payload)
    {
        var headers = EventHeaders.Create(Headers, AllowHeader);
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        json.WriteStartObject();
        json.WriteString("version"u8, "2.0"u8);
        json.WriteString("routeKey"u8, "$default"u8);
        json.WriteString("rawPath"u8, RawPath);
        json.WriteString("rawQueryString"u8, RawQueryString);
        headers.Write(json);
        EventQuery.Write(json, RawQueryString);
        WriteContext(json, headers.UserAgent);
        json.Flush();
        return EventBody.TryAppend(buffer.WrittenSpan, Body.Span, headers, WriterOptions.Encoder!, out payload);
    }

    private void WriteContext(Utf8JsonWriter json, string userAgent)
    {
        var prefix = DomainName.Split('.')[0];
        json.WriteStartObject("requestContext"u8);
        json.WriteString("accountId"u8, "anonymous"u8);
        json.WriteString("apiId"u8, prefix);
        json.WriteString("domainName"u8, DomainName);
        json.WriteString("domainPrefix"u8, prefix);
        json.WriteStartObject("http"u8);
        json.WriteString("method"u8, Method);
        // Decoded, as in the captured events. Inferred: %2F and bytes that are not UTF-8.
        json.WriteString("path"u8, Uri.UnescapeDataString(RawPath));
        json.WriteString("protocol"u8, Protocol);
        json.WriteString("sourceIp"u8, SourceIp);
        json.WriteString("userAgent"u8, userAgent);
        json.WriteEndObject();
        json.WriteString("requestId"u8, RequestId);
        json.WriteString("routeKey"u8, "$default"u8);
        json.WriteString("stage"u8, "$default"u8);
        var time = Time.ToUniversalTime();
        json.WriteString("time"u8, time.ToString("dd/MMM/yyyy:HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
        json.WriteNumber("timeEpoch"u8, time.ToUnixTimeMilliseconds());
        json.WriteEndObject();
    }
}
