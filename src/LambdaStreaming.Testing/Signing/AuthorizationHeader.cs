using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace LambdaStreaming.Testing.Signing;

/// <summary>The headers Authorization and X-Amz-Date of a signed request.</summary>
/// <remarks>
/// Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=HEX.
/// </remarks>
internal sealed record AuthorizationHeader(
    string[] Credential, string[] SignedHeaders, string Signature, string AmzDate, DateTimeOffset SignedAt)
{
    public const string DateFormat = "yyyyMMdd'T'HHmmss'Z'";

    public string AccessKey => Credential[0];

    /// <summary>The credential scope: date/region/service/aws4_request.</summary>
    public string Scope => string.Join('/', Credential[1..]);

    public static bool TryParse(
        SignedRequest request,
        [NotNullWhen(true)] out AuthorizationHeader? header,
        [NotNullWhen(false)] out SignatureError? error)
    {
        header = null;
        if (!TryParseParameters(request, out var parameters, out error)) return false;
        if (!TryParseDate(request, out var amzDate, out var signedAt, out error)) return false;

        var credential = parameters["Credential"].Split('/');
        if (credential.Length != 5)
        {
            error = SignatureError.CreateIncomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                + $"got '{parameters["Credential"]}'.");
            return false;
        }

        var signedHeaders = parameters["SignedHeaders"].Split(';');
        header = new(credential, signedHeaders, parameters["Signature"], amzDate, signedAt);
        return true;
    }

    private static bool TryParseParameters(
        SignedRequest request,
        [NotNullWhen(true)] out Dictionary<string, string>? parameters,
        [NotNullWhen(false)] out SignatureError? error)
    {
        parameters = null;
        if (request.FindHeader("Authorization") is not { } authorization)
        {
            error = new("MissingAuthenticationTokenException", "Missing Authentication Token");
            return false;
        }

        if (!authorization.StartsWith(CanonicalRequest.Algorithm + " ", StringComparison.Ordinal))
        {
            error = SignatureError.CreateIncomplete($"Unsupported AWS 'algorithm': '{authorization.Split(' ')[0]}'.");
            return false;
        }

        var values = ParseParameters(authorization[CanonicalRequest.Algorithm.Length..]);
        string[] required = ["Credential", "Signature", "SignedHeaders"];
        var missing = Array.Find(required, name => !values.ContainsKey(name));
        if (missing is not null)
        {
            error = SignatureError.CreateIncomplete($"Authorization header requires '{missing}' parameter.");
            return false;
        }

        parameters = values;
        error = null;
        return true;
    }

    private static bool TryParseDate(
        SignedRequest request,
        [NotNullWhen(true)] out string? amzDate,
        out DateTimeOffset signedAt,
        [NotNullWhen(false)] out SignatureError? error)
    {
        signedAt = default;
        amzDate = request.FindHeader("X-Amz-Date");
        if (amzDate is null)
        {
            error = SignatureError.CreateIncomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
            return false;
        }

        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!DateTimeOffset.TryParseExact(amzDate, DateFormat, CultureInfo.InvariantCulture, Utc, out signedAt))
        {
            error = SignatureError.CreateIncomplete($"Date must be in ISO-8601 'basic format'. Got '{amzDate}'.");
            return false;
        }

        error = null;
        return true;
    }

    private static Dictionary<string, string> ParseParameters(string text)
    {
        const StringSplitOptions TrimAndRemoveEmpty =
            StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(',', TrimAndRemoveEmpty))
        {
            var separator = part.IndexOf('=', StringComparison.Ordinal);
            if (separator > 0) parameters[part[..separator]] = part[(separator + 1)..];
        }

        return parameters;
    }
}
