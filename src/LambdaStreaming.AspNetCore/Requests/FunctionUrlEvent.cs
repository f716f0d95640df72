using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using LambdaStreaming.AspNetCore.Responses;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Creates the event that a function URL would create from a request (payload format 2.0).</summary>
/// <remarks>
/// Source: AWS Lambda developer guide, "Invoking Lambda function URLs", request payload format; the sample events of
/// aws-lambda-go (lambda-urls-request.json) and of Powertools for AWS Lambda.
/// Header names are lower case, repeated values are joined with a comma, and cookies are separate from the headers.
/// Values that this server cannot know are those of a function URL without authorization.
/// </remarks>
internal static class FunctionUrlEvent
{
    // The payload is not HTML. Escaping all non-ASCII characters would only make it longer.
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static ReadOnlyMemory<byte> Create(
        HttpContext context,
        ReadOnlySpan<byte> body,
        Func<string, bool>? allowHeader)
    {
        var request = context.Request;
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        var path = GetPath(context);

        json.WriteStartObject();
        json.WriteString("version"u8, "2.0"u8);
        json.WriteString("routeKey"u8, "$default"u8);
        json.WriteString("rawPath"u8, path);
        var query = request.QueryString;
        json.WriteString("rawQueryString"u8, query.HasValue ? query.Value.AsSpan(1) : default);
        WriteCookies(json, request, allowHeader);
        WriteHeaders(json, context, allowHeader);
        WriteQuery(json, query);
        WriteContext(json, context, path);
        json.Flush();
        var isText = IsText(request) && Utf8.IsValid(body);
        return EventBody.Append(buffer.WrittenSpan, body, isText, WriterOptions.Encoder!);
    }

    // Returns the path as the client sent it: a decoded path does not show how often it was encoded. If the app or the
    // server has changed the path (PathBase, rewriting, dot segments), returns the changed path.
    private static string GetPath(HttpContext context)
    {
        var request = context.Request;
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var raw = target.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? target[..query] : target;
        var start = request.PathBase.ToUriComponent();
        if (raw.StartsWith(start, StringComparison.Ordinal)) raw = raw[start.Length..];
        var isUnchanged = raw.StartsWith('/')
            && PathString.FromUriComponent(raw).Equals(request.Path, StringComparison.Ordinal);
        if (isUnchanged) return raw;
        return request.Path.HasValue ? request.Path.ToUriComponent() : "/";
    }

    private static void WriteCookies(Utf8JsonWriter json, HttpRequest request, Func<string, bool>? allowHeader)
    {
        var header = request.Headers.Cookie;
        if (StringValues.IsNullOrEmpty(header) || allowHeader?.Invoke(HeaderNames.Cookie) == false) return;
        json.WriteStartArray("cookies"u8);
        const StringSplitOptions Options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        var cookies = header.SelectMany(line => (line ?? "").Split(';', Options));
        foreach (var cookie in cookies) json.WriteStringValue(cookie);

        json.WriteEndArray();
    }

    private static void WriteHeaders(Utf8JsonWriter json, HttpContext context, Func<string, bool>? allowHeader)
    {
        var request = context.Request;
        var connectionTokens = HeaderRules.ParseConnectionTokens(request.Headers.Connection);
        json.WriteStartObject("headers"u8);
        foreach (var (name, values) in request.Headers)
        {
            if (name.StartsWith(':') || HeaderRules.IsHopByHop(name, connectionTokens)) continue;
            if (IsWrittenSeparately(name) || allowHeader?.Invoke(GetCanonicalName(name)) == false) continue;
            json.WriteString(HeaderRules.ToLowerCase(name), string.Join(',', values.ToArray()));
        }

        // Values that this server observed; values that the client sent are not trusted.
        var port = request.Host.Port ?? (request.IsHttps ? 443 : 80);
        if (GetSourceIp(context) is { Length: > 0 } ip) json.WriteString("x-forwarded-for"u8, ip);
        json.WriteString("x-forwarded-proto"u8, request.Scheme);
        json.WriteString("x-forwarded-port"u8, port.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }

    // Servers can keep names in lower case. A predicate that compares with "Authorization" must still drop the header.
    private static string GetCanonicalName(string name) =>
        name.Equals(HeaderNames.Authorization, StringComparison.OrdinalIgnoreCase) ? HeaderNames.Authorization : name;

    private static bool IsWrittenSeparately(string name) =>
        name.Equals(HeaderNames.Cookie, StringComparison.OrdinalIgnoreCase)
        || name.Equals("X-Forwarded-For", StringComparison.OrdinalIgnoreCase)
        || name.Equals("X-Forwarded-Proto", StringComparison.OrdinalIgnoreCase)
        || name.Equals("X-Forwarded-Port", StringComparison.OrdinalIgnoreCase);

    // Query names are case-sensitive; HttpRequest.Query ignores case.
    private static void WriteQuery(Utf8JsonWriter json, QueryString query)
    {
        var parameters = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var pair in new QueryStringEnumerable(query.Value))
        {
            var name = pair.DecodeName().ToString();
            if (!parameters.TryGetValue(name, out var values)) parameters[name] = values = [];
            values.Add(pair.DecodeValue().ToString());
        }

        if (parameters.Count == 0) return;
        json.WriteStartObject("queryStringParameters"u8);
        foreach (var (name, values) in parameters) json.WriteString(name, string.Join(',', values));
        json.WriteEndObject();
    }

    private static void WriteContext(Utf8JsonWriter json, HttpContext context, string path)
    {
        var request = context.Request;
        var domain = request.Host.Host;
        var prefix = domain.Split('.')[0];
        var now = (context.RequestServices.GetService<TimeProvider>() ?? TimeProvider.System).GetUtcNow();

        json.WriteStartObject("requestContext"u8);
        json.WriteString("accountId"u8, "anonymous"u8);
        json.WriteString("apiId"u8, prefix);
        json.WriteString("domainName"u8, domain);
        json.WriteString("domainPrefix"u8, prefix);
        json.WriteStartObject("http"u8);
        json.WriteString("method"u8, request.Method);
        json.WriteString("path"u8, path);
        json.WriteString("protocol"u8, request.Protocol);
        json.WriteString("sourceIp"u8, GetSourceIp(context));
        json.WriteString("userAgent"u8, request.Headers.UserAgent.ToString());
        json.WriteEndObject();
        json.WriteString("requestId"u8, context.TraceIdentifier);
        json.WriteString("routeKey"u8, "$default"u8);
        json.WriteString("stage"u8, "$default"u8);
        json.WriteString("time"u8, now.ToString("dd/MMM/yyyy:HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
        json.WriteNumber("timeEpoch"u8, now.ToUnixTimeMilliseconds());
        json.WriteEndObject();
    }

    // The same media types as for API Gateway and function URLs. A compressed body is binary.
    private static bool IsText(HttpRequest request)
    {
        if (!StringValues.IsNullOrEmpty(request.Headers.ContentEncoding)) return false;
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)) return false;
        var isApplication = type.Type.Equals("application", StringComparison.OrdinalIgnoreCase);
        return type.Type.Equals("text", StringComparison.OrdinalIgnoreCase)
            || (isApplication && IsTextual(type.SubTypeWithoutSuffix))
            || IsTextual(type.Suffix);
    }

    private static bool IsTextual(StringSegment name) =>
        name.Equals("json", StringComparison.OrdinalIgnoreCase)
        || name.Equals("javascript", StringComparison.OrdinalIgnoreCase)
        || name.Equals("xml", StringComparison.OrdinalIgnoreCase);

    private static string GetSourceIp(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        if (address is { IsIPv4MappedToIPv6: true }) address = address.MapToIPv4();
        return address?.ToString() ?? "";
    }
}
