using System.Collections.ObjectModel;
using System.Net;

namespace LambdaStreaming.Invocation;

/// <summary>A copy of the status and headers of a response. It does not keep the response alive.</summary>
/// <param name="statusCode">The HTTP status.</param>
/// <param name="headers">All headers. If names differ only in case, the last one counts.</param>
internal sealed class ResponseHeaders(HttpStatusCode statusCode, KeyValuePair<string, string[]>[] headers)
{
    public HttpStatusCode StatusCode => statusCode;

    /// <summary>The value of a header. Several values are separated by commas.</summary>
    public string? this[string name]
    {
        get
        {
            var header = Array.FindLast(headers, item => item.Key.Equals(name, StringComparison.OrdinalIgnoreCase));
            return header.Value is { } values ? string.Join(", ", values) : null;
        }
    }

    /// <summary>Copies the headers of a response and of its content.</summary>
    public static ResponseHeaders From(HttpResponseMessage message)
    {
        var (response, content) = (message.Headers.NonValidated, message.Content.Headers.NonValidated);
        var headers = new KeyValuePair<string, string[]>[response.Count + content.Count];
        var count = 0;
        foreach (var (name, values) in response) headers[count++] = new(name, [.. values]);
        foreach (var (name, values) in content) headers[count++] = new(name, [.. values]);
        return new ResponseHeaders(message.StatusCode, headers);
    }

    public ReadOnlyDictionary<string, IReadOnlyList<string>> ToDictionary()
    {
        var dictionary = new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in headers) dictionary[name] = values;
        return dictionary.AsReadOnly();
    }
}
