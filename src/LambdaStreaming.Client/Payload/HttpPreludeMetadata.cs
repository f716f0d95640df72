using System.Net;
using System.Text.Json;

namespace LambdaStreaming.Payload;

/// <summary>Status, headers and cookies of an HTTP prelude, or their defaults.</summary>
/// <remarks><see cref="HttpIntegrationPrelude"/> describes the HTTP prelude.</remarks>
internal sealed class HttpPreludeMetadata
{
    private const string SetCookie = "Set-Cookie";

    private static readonly StringComparer ByName = StringComparer.OrdinalIgnoreCase;

    private readonly Dictionary<string, IReadOnlyList<string>> _headers = new(ByName);

    public HttpPreludeMetadata()
    {
    }

    /// <exception cref="FormatException">The status is not an integer from 100 to 999.</exception>
    /// <exception cref="InvalidOperationException">
    /// The HTTP prelude or its headers are not a JSON object, or the cookies are not an array.
    /// </exception>
    public HttpPreludeMetadata(JsonElement prelude)
    {
        var single = CreateLists();
        var multi = CreateLists();
        List<string> cookies = [];
        foreach (var member in prelude.EnumerateObject())
        {
            // A status of null is invalid. Other members can be null.
            if (member.NameEquals("statusCode")) StatusCode = ToStatusCode(member.Value);
            if (member.Value.ValueKind == JsonValueKind.Null) continue;
            if (member.NameEquals("headers")) AddHeaders(single, member.Value);
            if (member.NameEquals("multiValueHeaders")) AddHeaders(multi, member.Value);
            if (member.NameEquals("cookies")) cookies.AddRange(ToTexts(member.Value));
        }

        cookies.AddRange(GetOrAddList(single, SetCookie));
        cookies.AddRange(GetOrAddList(multi, SetCookie));
        Cookies = [.. cookies.Distinct(StringComparer.Ordinal)];

        // The values of multiValueHeaders replace those of headers. Source: API Gateway, "Output format of a Lambda
        // function for proxy integration".
        foreach (var (name, values) in single.Concat(multi))
        {
            if (values.Count > 0) _headers[name] = values;
        }

        Headers = _headers.ToDictionary(header => header.Key, header => string.Join(", ", header.Value), ByName);
    }

    public HttpStatusCode StatusCode { get; } = HttpStatusCode.OK;

    public IReadOnlyDictionary<string, string> Headers { get; } = new Dictionary<string, string>(ByName);

    public IReadOnlyDictionary<string, IReadOnlyList<string>> MultiValueHeaders => _headers;

    public IReadOnlyList<string> Cookies { get; } = [];

    private static Dictionary<string, List<string>> CreateLists() => new(ByName);

    private static List<string> GetOrAddList(Dictionary<string, List<string>> lists, string name)
    {
        if (!lists.TryGetValue(name, out var values)) lists[name] = values = [];
        return values;
    }

    // Names that differ only in case are one header with several values. Some frameworks write an array as a value of
    // the member headers, too.
    private static void AddHeaders(Dictionary<string, List<string>> headers, JsonElement members)
    {
        foreach (var (name, value) in members.EnumerateObject().Select(header => (header.Name, header.Value)))
        {
            if (value.ValueKind == JsonValueKind.Null) continue;
            var values = GetOrAddList(headers, name);
            if (value.ValueKind == JsonValueKind.Array) values.AddRange(ToTexts(value));

            // Add the same value only once: two layers of a framework might both have set Content-Type.
            else if (values is not [var only] || only != ToText(value)) values.Add(ToText(value));
        }
    }

    private static HttpStatusCode ToStatusCode(JsonElement value)
    {
        // 200, 200.0 and 2e2 are the same JSON number.
        var isCode = value.ValueKind == JsonValueKind.Number
            && value.TryGetDecimal(out var number)
            && decimal.IsInteger(number)
            && number is >= 100 and <= 999;
        return isCode
            ? (HttpStatusCode)(int)value.GetDecimal()
            : throw new FormatException("A status code must be an integer from 100 to 999.");
    }

    private static IEnumerable<string> ToTexts(JsonElement array) =>
        array.EnumerateArray().Where(value => value.ValueKind != JsonValueKind.Null).Select(ToText);

    private static string ToText(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
}
