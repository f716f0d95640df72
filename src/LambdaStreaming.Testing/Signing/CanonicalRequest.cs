using System.Security.Cryptography;
using System.Text;

namespace LambdaStreaming.Testing.Signing;

/// <summary>Computes the canonical request, string to sign and signature of Signature Version 4.</summary>
/// <remarks>Source: IAM User Guide, "Create a signed AWS API request", steps 1 to 3.</remarks>
internal static class CanonicalRequest
{
    public const string Algorithm = "AWS4-HMAC-SHA256";

    public static string Create(SignedRequest request, IReadOnlyList<string> signedHeaders)
    {
        var text = new StringBuilder();
        text.Append(request.Method).Append('\n')
            .Append(CanonicalizePath(request.Path)).Append('\n')
            .Append(CanonicalizeQuery(request.Query)).Append('\n');
        foreach (var name in signedHeaders)
            text.Append(name).Append(':').Append(CanonicalizeHeader(request.Headers, name)).Append('\n');

        return text.Append('\n')
            .AppendJoin(';', signedHeaders).Append('\n')
            .Append(ComputeHash(request.Body)).ToString();
    }

    public static string ComputeHash(ReadOnlyMemory<byte> body) => ToHex(SHA256.HashData(body.Span));

    public static string CreateStringToSign(string canonicalRequest, string amzDate, string scope)
    {
        var hash = ToHex(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest)));
        return string.Join('\n', Algorithm, amzDate, scope, hash);
    }

    public static string Sign(string secretAccessKey, string scope, string stringToSign)
    {
        // The scope is date/region/service/aws4_request. Each part derives the key for the next part.
        var key = Encoding.UTF8.GetBytes("AWS4" + secretAccessKey);
        foreach (var part in scope.Split('/'))
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return ToHex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(stringToSign)));
    }

    // For all services except S3: remove empty and dot segments, and encode each segment once more than in the request.
    private static string CanonicalizePath(string path)
    {
        var segments = new List<string>();
        foreach (var segment in path.Split('/'))
        {
            if (segment is "" or ".") continue;
            if (segment is not "..") segments.Add(Encode(segment));
            else if (segments.Count > 0) segments.RemoveAt(segments.Count - 1);
        }

        var canonical = "/" + string.Join('/', segments);
        return path.EndsWith('/') && segments.Count > 0 ? canonical + "/" : canonical;
    }

    private static string CanonicalizeQuery(string query)
    {
        if (query.Length == 0) return "";
        IEnumerable<(string Name, string Value)> pairs =
            from pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries)
            let separator = pair.IndexOf('=', StringComparison.Ordinal)
            let name = separator < 0 ? pair : pair[..separator]
            let value = separator < 0 ? "" : pair[(separator + 1)..]
            select (Encode(Uri.UnescapeDataString(name)), Encode(Uri.UnescapeDataString(value)));
        return string.Join('&', pairs
            .OrderBy(pair => pair.Name, StringComparer.Ordinal)
            .ThenBy(pair => pair.Value, StringComparer.Ordinal)
            .Select(pair => $"{pair.Name}={pair.Value}"));
    }

    // Trims a value and collapses its spaces, even within quotes. Repeated headers are joined in their order.
    private static string CanonicalizeHeader(IReadOnlyList<KeyValuePair<string, string>> headers, string name)
    {
        var values = headers
            .Where(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
            .Select(header => header.Value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Select(words => string.Join(' ', words));
        return string.Join(',', values);
    }

    // Encodes all bytes except A-Z a-z 0-9 - . _ ~ with upper-case hex digits, as SigV4 requires.
    private static string Encode(string value) => Uri.EscapeDataString(value);

#pragma warning disable CA1308 // SigV4 uses lower-case hex digits.
    private static string ToHex(byte[] bytes) => Convert.ToHexString(bytes).ToLowerInvariant();
#pragma warning restore CA1308
}
