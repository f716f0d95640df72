using System.Text.Json;

namespace LambdaStreaming.Http.Requests;

/// <summary>Writes the decoded query of an event.</summary>
internal static class EventQuery
{
    public static void Write(Utf8JsonWriter json, string query)
    {
        // Names that differ in case only are different names.
        var parameters = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var separator = parameter.IndexOf('=', StringComparison.Ordinal);
            var name = Decode(separator < 0 ? parameter : parameter[..separator]);
            var value = separator < 0 ? "" : Decode(parameter[(separator + 1)..]);
            if (!parameters.TryGetValue(name, out var values)) parameters[name] = values = [];
            values.Add(value);
        }

        if (parameters.Count == 0) return;
        json.WriteStartObject("queryStringParameters"u8);
        foreach (var (name, values) in parameters) json.WriteString(name, string.Join(',', values));
        json.WriteEndObject();
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
