using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LambdaStreaming.Testing.Signing;

/// <summary>The pieces of an HTTP request that a signature covers, as they stood on the wire.</summary>
internal sealed record SignedRequest(
    string Method, string Path, string Query, IReadOnlyList<KeyValuePair<string, string>> Headers, ReadOnlyMemory<byte> Body);

/// <summary>Builds what Signature Version 4 signs, as the service lambda expects it.</summary>
/// <remarks>Source: IAM User Guide, "Create a signed AWS API request", steps 1 to 3.</remarks>
internal static class CanonicalRequest
{
    public const string Algorithm = "AWS4-HMAC-SHA256";

    public static string Build(SignedRequest request, IReadOnlyList<string> signedHeaders)
    {
        var text = new StringBuilder();
        text.Append(request.Method).Append('\n')
            .Append(Path(request.Path)).Append('\n')
            .Append(Query(request.Query)).Append('\n');
        foreach (var name in signedHeaders)
            text.Append(name).Append(':').Append(HeaderValue(request.Headers, name)).Append('\n');

        return text.Append('\n')
            .AppendJoin(';', signedHeaders).Append('\n')
            .Append(Hash(request.Body)).ToString();
    }

    public static string Hash(ReadOnlyMemory<byte> body) => Hex(SHA256.HashData(body.Span));

    public static string StringToSign(string canonicalRequest, string amzDate, string scope) =>
        string.Join('\n', Algorithm, amzDate, scope, Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalRequest))));

    public static string Signature(string secretAccessKey, string scope, string stringToSign)
    {
        // scope: date/region/service/aws4_request, each of which keys the next.
        var key = Encoding.UTF8.GetBytes("AWS4" + secretAccessKey);
        foreach (var part in scope.Split('/'))
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(part));
        return Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(stringToSign)));
    }

    // Every service but S3: empty and dot segments go, and each segment is encoded once more than on the wire.
    private static string Path(string path)
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

    private static string Query(string query)
    {
        if (query.Length == 0) return "";
        IEnumerable<(string Name, string Value)> pairs =
            from pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries)
            let cut = pair.IndexOf('=', StringComparison.Ordinal)
            let name = cut < 0 ? pair : pair[..cut]
            let value = cut < 0 ? "" : pair[(cut + 1)..]
            select (Encode(Uri.UnescapeDataString(name)), Encode(Uri.UnescapeDataString(value)));
        return string.Join('&', pairs
            .OrderBy(pair => pair.Name, StringComparer.Ordinal)
            .ThenBy(pair => pair.Value, StringComparer.Ordinal)
            .Select(pair => $"{pair.Name}={pair.Value}"));
    }

    // Outer blanks go, runs of blanks become one, also inside quotes; repeats are joined in their order.
    private static string HeaderValue(IReadOnlyList<KeyValuePair<string, string>> headers, string name) =>
        string.Join(',', headers
            .Where(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
            .Select(header => string.Join(' ', header.Value.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))));

    // All bytes but A-Z a-z 0-9 - . _ ~ ; upper-case hex.
    private static string Encode(string value)
    {
        var text = new StringBuilder(value.Length);
        foreach (var b in Encoding.UTF8.GetBytes(value))
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~') text.Append((char)b);
            else text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }

#pragma warning disable CA1308 // SigV4 writes hex in lower case.
    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes).ToLowerInvariant();
#pragma warning restore CA1308
}
