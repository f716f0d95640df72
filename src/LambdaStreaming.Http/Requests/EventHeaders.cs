using System.Diagnostics.CodeAnalysis;
using System.Net.Http.Headers;
using System.Text.Json;

namespace LambdaStreaming.Http.Requests;

/// <summary>The header fields of one request, in the form of the event.</summary>
internal sealed class EventHeaders
{
    private readonly Dictionary<string, string> _fields = new(StringComparer.Ordinal);
    private readonly List<string> _cookies = [];

    /// <summary>The value of <c>User-Agent</c>, or empty if the field is missing or not forwarded.</summary>
    public string UserAgent => _fields.GetValueOrDefault("user-agent", "");

    /// <summary>Whether the header fields declare the body to be text.</summary>
    public bool HasTextBody { get; private set; }

    public static EventHeaders Create(IEnumerable<KeyValuePair<string, string>> fields, Func<string, bool>? allowHeader)
    {
        var result = new EventHeaders();
        var contentType = "";
        var isEncoded = false;
        HashSet<string>? connectionOptions = null;
        foreach (var (name, value) in fields)
        {
            if (Is(name, HeaderNames.Connection))
            {
                connectionOptions ??= new HashSet<string>(StringComparer.OrdinalIgnoreCase);
                connectionOptions.UnionWith(HopByHopHeaders.ParseConnection(value));
            }

            if (Is(name, HeaderNames.ContentType)) contentType = value;
            if (Is(name, "Content-Encoding")) isEncoded |= value.Length > 0;
        }

        result.HasTextBody = !isEncoded && IsTextType(contentType);
        foreach (var (name, value) in fields)
        {
            if (IsForwarded(name, connectionOptions, allowHeader)) result.Add(name, value);
        }

        return result;
    }

    public void Write(Utf8JsonWriter json)
    {
        if (_cookies.Count > 0)
        {
            json.WriteStartArray("cookies"u8);
            foreach (var cookie in _cookies) json.WriteStringValue(cookie);
            json.WriteEndArray();
        }

        json.WriteStartObject("headers"u8);
        foreach (var (name, value) in _fields) json.WriteString(name, value);
        json.WriteEndObject();
    }

    private static bool IsForwarded(string name, HashSet<string>? connectionOptions, Func<string, bool>? allowHeader)
    {
        if (name.StartsWith(':') || HopByHopHeaders.Contains(name) || Is(name, "Expect")) return false;
        return connectionOptions?.Contains(name) != true && allowHeader?.Invoke(GetCanonicalName(name)) != false;
    }

    // Gives Authorization and Cookie one spelling, so that a filter that removes credentials does not depend on the
    // case of the name.
    private static string GetCanonicalName(string name) =>
        Is(name, HeaderNames.Authorization) ? HeaderNames.Authorization
        : Is(name, HeaderNames.Cookie) ? HeaderNames.Cookie
        : name;

    private static bool Is(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);

    // The rule by which API Gateway and function URLs decide whether a body is text.
    private static bool IsTextType(string contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var parsed)) return false;
        var name = parsed.MediaType ?? "";
        if (name.StartsWith("text/", StringComparison.OrdinalIgnoreCase)) return true;
        var suffix = name.AsSpan(name.LastIndexOf('+') + 1);
        return IsTextName(suffix)
            || (name.StartsWith("application/", StringComparison.OrdinalIgnoreCase) && IsTextName(GetSubtype(name)));
    }

    private static ReadOnlySpan<char> GetSubtype(string mediaType)
    {
        var subtype = mediaType.AsSpan(mediaType.IndexOf('/', StringComparison.Ordinal) + 1);
        return subtype.LastIndexOf('+') is >= 0 and var suffix ? subtype[..suffix] : subtype;
    }

    private static bool IsTextName(ReadOnlySpan<char> name) =>
        name.Equals("json", StringComparison.OrdinalIgnoreCase)
        || name.Equals("javascript", StringComparison.OrdinalIgnoreCase)
        || name.Equals("xml", StringComparison.OrdinalIgnoreCase);

    [SuppressMessage("Globalization", "CA1308", Justification = "Header names of these events are lower case.")]
    private void Add(string name, string value)
    {
        // A function URL sends cookies twice: as a list and as a header. API Gateway removes the header.
        // Source: captured events, see FunctionUrlEvent. Several fields are joined as in RFC 9113, section 8.2.3.
        var isCookie = Is(name, HeaderNames.Cookie);
        if (isCookie)
        {
            const StringSplitOptions Options = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
            _cookies.AddRange(value.Split(';', Options));
        }

        name = name.ToLowerInvariant();
        var separator = isCookie ? "; " : ",";
        _fields[name] = _fields.TryGetValue(name, out var earlier) ? $"{earlier}{separator}{value}" : value;
    }
}
