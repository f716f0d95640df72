using System.Globalization;
using System.Net.Http.Headers;

namespace LambdaStreaming.Http.Requests;

/// <summary>Creates the payload of a request.</summary>
internal static class RequestPayload
{
    /// <exception cref="RequestTooLargeException">The event is larger than the service accepts.</exception>
    public static async Task<ReadOnlyMemory<byte>> CreateAsync(
        HttpRequestMessage request,
        Uri url,
        LambdaHttpHandlerOptions options,
        CancellationToken cancellationToken)
    {
        using var body = new RequestBuffer();
        if (request.Content is { } content)
            await ReadAsync(content, body, cancellationToken).ConfigureAwait(false);

        var functionUrlEvent = new FunctionUrlEvent
        {
            // Known methods are upper-case, as when SocketsHttpHandler sends them.
            Method = HttpMethod.Parse(request.Method.Method).Method,
            RawPath = url.AbsolutePath,
            RawQueryString = url.Query.StartsWith('?') ? url.Query[1..] : "",
            Headers = GetHeaders(request, url, body.Length),
            AllowHeader = options.AllowRequestHeader,
            Body = body.WrittenMemory,
            DomainName = GetHostName(url),
            // The function does not need the address of this process, but adapters parse this member as an address.
            SourceIp = "0.0.0.0",
            RequestId = Guid.NewGuid().ToString(),
            Time = options.TimeProvider.GetUtcNow(),
        };
        return functionUrlEvent.TryCreatePayload(out var payload) ? payload : throw TooLarge();
    }

    private static async Task ReadAsync(HttpContent content, RequestBuffer body, CancellationToken cancellationToken)
    {
        try
        {
            await content.CopyToAsync(body, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception) when (body.IsTooLong)
        {
            throw TooLarge();
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw Cancelled(exception, cancellationToken);
        }

        // The content can also have caught the exception of the buffer.
        // Source: dotnet/yarp, StreamCopyHttpContent.SerializeToStreamAsync.
        if (body.IsTooLong) throw TooLarge();
    }

    private static List<KeyValuePair<string, string>> GetHeaders(HttpRequestMessage request, Uri url, long bodyLength)
    {
        var fields = new List<KeyValuePair<string, string>>();
        var nonValidated = request.Headers.NonValidated;
        if (!nonValidated.Contains(HeaderNames.Host)) fields.Add(new(HeaderNames.Host, GetHost(url)));

        // Connection is applied here, so that it cannot remove the fields of this handler.
        var hasConnection = nonValidated.TryGetValues(HeaderNames.Connection, out var connection);
        var skipped = HopByHopHeaders.ParseConnection(hasConnection ? connection.ToString() : "");
        skipped.Add(HeaderNames.Connection);
        AddFields(nonValidated);
        if (request.Content is { } content)
        {
            skipped.Add(HeaderNames.ContentLength);
            AddFields(content.Headers.NonValidated);
            fields.Add(new(HeaderNames.ContentLength, bodyLength.ToString(CultureInfo.InvariantCulture)));
        }

        // Web frameworks take the scheme from X-Forwarded-Proto. If a proxy uses this handler, it has set these headers
        // for its own client, so they are kept. The port of the URI belongs to the scheme of the URI.
        if (nonValidated.Contains("X-Forwarded-Proto")) return fields;
        fields.Add(new("X-Forwarded-Proto", url.Scheme));
        if (!nonValidated.Contains("X-Forwarded-Port"))
            fields.Add(new("X-Forwarded-Port", url.Port.ToString(CultureInfo.InvariantCulture)));
        return fields;

        void AddFields(HttpHeadersNonValidated headers)
        {
            // ToString joins several values as .NET does when it sends a request.
            foreach (var (name, values) in headers)
            {
                if (!skipped.Contains(name)) fields.Add(new(name, values.ToString()));
            }
        }
    }

    private static string GetHost(Uri url) => url.IsDefaultPort ? GetHostName(url) : $"{GetHostName(url)}:{url.Port}";

    // Of an IPv6 address, Host has the brackets and no zone, as HTTP requires. IdnHost has the opposite.
    private static string GetHostName(Uri url) =>
        url.HostNameType == UriHostNameType.IPv6 ? url.Host : url.IdnHost;

    private static InvocationCanceledException Cancelled(
        OperationCanceledException exception,
        CancellationToken cancellationToken) => new(
        "The call was cancelled while the content of the request was read. Nothing was sent.",
        functionMayHaveRun: false,
        exception,
        cancellationToken);

    // The same type as for a rejection by the service, so that callers handle one type.
    public static RequestTooLargeException TooLarge() => new(
        $"The request is larger than {FunctionUrlEvent.MaxPayloadBytes} bytes as an event of a function URL. "
        + "Nothing was sent, so the function did not run. Base64 makes a binary body a third larger.",
        new LambdaErrorDetails { FunctionMayHaveRun = false, IsTransient = false });
}
