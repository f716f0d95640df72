using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>Reads the values of a trait from a model in the Smithy IDL.</summary>
/// <remarks>
/// Supports the values that the event-stream tests use: objects, arrays, strings, text blocks, numbers, names.
/// Source: Smithy 2.0 specification, Smithy IDL, Node values.
/// </remarks>
internal sealed partial class SmithyText
{
    private readonly List<string> _tokens;
    private int _at;

    private SmithyText(string text) => _tokens = [.. Token().Matches(text).Select(match => match.Value)];

    /// <summary>Returns the elements of all uses of a trait whose value is an array.</summary>
    public static List<JsonNode> ReadTraits(string text, string trait)
    {
        var elements = new List<JsonNode>();
        var start = $"@{trait}(";
        for (var at = text.IndexOf(start, StringComparison.Ordinal); at >= 0;)
        {
            var reader = new SmithyText(text[(at + start.Length)..]);
            elements.AddRange(reader.ReadValue()!.AsArray().Select(element => element!.DeepClone()));
            at = text.IndexOf(start, at + 1, StringComparison.Ordinal);
        }

        return elements;
    }

    private JsonNode? ReadValue()
    {
        var token = _tokens[_at++];
        switch (token[0])
        {
            case '{':
                var members = new JsonObject();
                while (_tokens[_at] != "}")
                {
                    var name = Unquote(_tokens[_at++]);
                    Assert.Equal(":", _tokens[_at++]);
                    members.Add(name, ReadValue());
                }

                _at++;
                return members;
            case '[':
                var elements = new JsonArray();
                while (_tokens[_at] != "]") elements.Add(ReadValue());
                _at++;
                return elements;
            case '"':
                return JsonValue.Create(Unquote(token));
            case '-' or (>= '0' and <= '9'):
                return JsonValue.Create(long.Parse(token, CultureInfo.InvariantCulture));
            default:
                return token is "true" or "false" ? JsonValue.Create(token is "true") : JsonValue.Create(token);
        }
    }

    private static string Unquote(string token)
    {
        if (token.StartsWith("\"\"\"", StringComparison.Ordinal))
        {
            // The first line is the rest of the line with the opening quotes. The common indentation is not content.
            var lines = token[3..^3].Split('\n')[1..];
            var indentation = lines.Min(line => line.Length - line.TrimStart(' ').Length);
            return string.Join('\n', lines.Select(line => line[indentation..]));
        }

        if (token[0] != '"') return token;
        Assert.DoesNotContain('\\', token);
        return token[1..^1];
    }

    // A comma is white space.
    [GeneratedRegex(
        """\"{3}.*?\"{3}|"[^"]*"|[{}\[\]:]|[\w.#$-]+""", RegexOptions.Singleline, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Token();
}
