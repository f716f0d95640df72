using System.Diagnostics.CodeAnalysis;
using System.Net;
using LambdaStreaming.Payload;

namespace LambdaStreaming.Http.Responses;

/// <summary>Creates the <see cref="HttpResponseMessage"/> of a function's response.</summary>
internal static class ResponseMessage
{
    /// <exception cref="PayloadFormatException">
    /// The status in the HTTP prelude is not a final HTTP status (200 or higher).
    /// </exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The message disposes its content, and that its stream.")]
    public static HttpResponseMessage Create(
        HttpRequestMessage request,
        InvokeWithResponseStreamResponse response,
        HttpIntegrationResponse http)
    {
        if ((int)http.StatusCode < 200) throw NotFinal(response, http.StatusCode);

        // The body for a HEAD request has been discarded.
        var isHead = request.Method == HttpMethod.Head;
        var body = new FunctionBodyStream(isHead ? null : http.Body, MayHaveBody(http.StatusCode));
        var message = new HttpResponseMessage(http.StatusCode)
        {
            RequestMessage = request,
            Version = HttpVersion.Version11,
            Content = new StreamContent(body),
        };
        var keepLength = isHead || http.StatusCode == HttpStatusCode.NotModified;
        if (http.HasPrelude) AddHeaders(message, http, keepLength);
        else if (FunctionContentType.IsReported(response.ResponseStreamContentType))
            Add(message, HeaderNames.ContentType, [response.ResponseStreamContentType!]);
        return message;
    }

    // Source: RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
    private static bool MayHaveBody(HttpStatusCode status) =>
        status is not (HttpStatusCode.NoContent or HttpStatusCode.ResetContent or HttpStatusCode.NotModified);

    private static void AddHeaders(HttpResponseMessage message, HttpIntegrationResponse http, bool keepLength)
    {
        var connection = http.Headers.GetValueOrDefault(HeaderNames.Connection, "");
        var connectionOptions = HopByHopHeaders.ParseConnection(connection);
        foreach (var (name, values) in http.MultiValueHeaders)
        {
            if (HopByHopHeaders.Contains(name) || connectionOptions.Contains(name)) continue;

            // Skip Set-Cookie here: Cookies has the values of all Set-Cookie headers.
            if (name.Equals(HeaderNames.SetCookie, StringComparison.OrdinalIgnoreCase)) continue;

            // Drop Content-Length: the body ends with the response, even if the function has announced another length.
            if (!keepLength && name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase)) continue;
            Add(message, name, values);
        }

        Add(message, HeaderNames.SetCookie, http.Cookies);
    }

    // Names and values that HTTP does not allow are dropped, as API Gateway drops them. YARP can send the values over
    // HTTP/2, where a value must not begin or end with a space. Source: RFC 9113, section 8.2.1.
    private static void Add(HttpResponseMessage message, string name, IEnumerable<string> values)
    {
        var valid = values.Select(value => value.Trim(' ', '\t')).Where(HeaderNames.IsValidValue);
        foreach (var value in SingleValueHeaders.Contains(name) ? valid.TakeLast(1) : valid)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
                message.Content.Headers.TryAddWithoutValidation(name, value);
        }
    }

    private static PayloadFormatException NotFinal(InvokeWithResponseStreamResponse response, HttpStatusCode status) =>
        InvalidPrelude.Create(
            response, $"The HTTP prelude has the status {(int)status}, which is not a final status of HTTP");
}
