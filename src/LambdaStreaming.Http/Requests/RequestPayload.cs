using System.Globalization;

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
        try
        {
            if (request.Content is { } content)
                await content.CopyToAsync(body, cancellationToken).ConfigureAwait(false);
        }
        catch (RequestLimitException)
        {
            throw TooLarge();
        }

        var functionUrlEvent = new FunctionUrlEvent
        {
            Method = request.Method.Method,
            RawPath = url.AbsolutePath,
            RawQueryString = url.Query.StartsWith('?') ? url.Query[1..] : "",
            Headers = GetHeaders(request, url, body.Length),
            AllowHeader = options.AllowRequestHeader,
            Body = body.WrittenMemory,
            DomainName = url.IdnHost,
            // The function does not need the address of this process, but adapters parse this member as an address.
            SourceIp = "0.0.0.0",
            RequestId = Guid.NewGuid().ToString(),
            Time = options.TimeProvider.GetUtcNow(),
        };
        return functionUrlEvent.TryCreatePayload(out var payload) ? payload : throw TooLarge();
    }

    private static List<KeyValuePair<string, string>> GetHeaders(HttpRequestMessage request, Uri url, long bodyLength)
    {
        var fields = new List<KeyValuePair<string, string>>();
        var nonValidated = request.Headers.NonValidated;
        if (!nonValidated.Contains("Host")) fields.Add(new("Host", GetHost(url)));

        // ToString joins several values as .NET does when it sends a request.
        foreach (var (name, values) in nonValidated) fields.Add(new(name, values.ToString()));
        if (request.Content is { } content)
        {
            foreach (var (name, values) in content.Headers.NonValidated)
            {
                if (!name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase))
                    fields.Add(new(name, values.ToString()));
            }

            fields.Add(new(HeaderNames.ContentLength, bodyLength.ToString(CultureInfo.InvariantCulture)));
        }

        // Web frameworks take the scheme from X-Forwarded-Proto. If a proxy uses this handler, it has set these headers
        // for its own client, so they are kept.
        if (!nonValidated.Contains("X-Forwarded-Proto")) fields.Add(new("X-Forwarded-Proto", url.Scheme));
        if (!nonValidated.Contains("X-Forwarded-Port"))
            fields.Add(new("X-Forwarded-Port", url.Port.ToString(CultureInfo.InvariantCulture)));
        return fields;
    }

    private static string GetHost(Uri url) => url.IsDefaultPort ? url.IdnHost : $"{url.IdnHost}:{url.Port}";

    // The same type as for a rejection by the service, so that callers handle one type.
    private static RequestTooLargeException TooLarge() => new(
        $"The request is larger than {FunctionUrlEvent.MaxPayloadBytes} bytes as an event of a function URL. "
        + "Nothing was sent, so the function did not run. Base64 makes a binary body a third larger.",
        new LambdaErrorDetails { FunctionMayHaveRun = false, IsTransient = false });
}
