using System.Globalization;
using System.Net;
using LambdaStreaming.AspNetCore.Responses;
using LambdaStreaming.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;

namespace LambdaStreaming.AspNetCore.Requests;

/// <summary>Creates the event of a function URL from a browser's request.</summary>
/// <remarks>
/// Fields that only AWS can fill are as for a function URL with auth type NONE: the account is <c>anonymous</c>, and
/// the authorizer is missing. The API id is the first label of the host name.
/// </remarks>
internal static class RequestEvent
{
    private const string ForwardedFor = "X-Forwarded-For";
    private const string ForwardedProto = "X-Forwarded-Proto";
    private const string ForwardedPort = "X-Forwarded-Port";

    /// <exception cref="RequestRejectedException">The event is larger than the service accepts.</exception>
    public static ReadOnlyMemory<byte> Create(
        HttpContext context,
        ReadOnlyMemory<byte> body,
        Func<string, bool>? allowHeader)
    {
        var request = context.Request;
        var functionUrlEvent = new FunctionUrlEvent
        {
            Method = request.Method,
            RawPath = GetPath(context),
            RawQueryString = request.QueryString.HasValue ? request.QueryString.Value![1..] : "",
            Headers = GetHeaders(context, body.Length),
            AllowHeader = allowHeader is null ? null : name => IsSetHere(name) || allowHeader(name),
            Body = body,
            DomainName = request.Host.Host,
            SourceIp = GetSourceIp(context),
            Protocol = request.Protocol,
            RequestId = context.TraceIdentifier,
            Time = (context.RequestServices.GetService<TimeProvider>() ?? TimeProvider.System).GetUtcNow(),
        };
        if (functionUrlEvent.TryCreatePayload(out var payload)) return payload;
        const string Message = "The request is too large for the function once it is encoded.";
        throw new RequestRejectedException(StatusCodes.Status413PayloadTooLarge, Message);
    }

    // Returns the path as received, because a decoded path does not show whether it was encoded twice. If the app or
    // the server has changed the path (PathBase, rewriting, dot segments), the changed path is used.
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

    private static List<KeyValuePair<string, string>> GetHeaders(HttpContext context, int bodyLength)
    {
        var request = context.Request;
        var fields = new List<KeyValuePair<string, string>>();
        var connectionTokens = HopByHopHeaders.ParseConnection(request.Headers.Connection.ToString());
        foreach (var (name, values) in request.Headers)
        {
            // Functions with a CGI or WSGI adapter read X_Forwarded_For as X-Forwarded-For.
            var variable = name.Replace('_', '-');
            if (IsSetHere(variable) || Is(variable, HeaderNames.ContentLength) || IsHopByHop(name)) continue;
            foreach (var value in values) fields.Add(new(name, value ?? ""));
        }

        // Middleware can have replaced the body, for example by its decompressed form.
        if (bodyLength > 0 || request.ContentLength is not null)
        {
            fields.Add(new(HeaderNames.ContentLength, bodyLength.ToString(CultureInfo.InvariantCulture)));
        }

        // X-Forwarded-For has the remote address of the HttpContext. The value that the browser sent was skipped above,
        // because a browser can send any value.
        if (GetSourceIp(context) is { Length: > 0 } ip) fields.Add(new(ForwardedFor, ip));
        fields.Add(new(ForwardedProto, request.Scheme));
        var port = request.Host.Port ?? (request.IsHttps ? 443 : 80);
        fields.Add(new(ForwardedPort, port.ToString(CultureInfo.InvariantCulture)));
        return fields;

        // Decided here, so that a Connection field cannot remove the fields that are added above.
        bool IsHopByHop(string name) => HopByHopHeaders.Contains(name) || connectionTokens.Contains(name);
    }

    private static bool IsSetHere(string name) =>
        Is(name, ForwardedFor) || Is(name, ForwardedProto) || Is(name, ForwardedPort);

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    private static string GetSourceIp(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address) return "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        // Without the zone of a link-local address, which is an interface of this server.
        return new IPAddress(address.GetAddressBytes()).ToString();
    }
}
