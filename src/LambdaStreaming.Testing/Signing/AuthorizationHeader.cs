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

    /// <summary>Parses the headers of a request.</summary>
    /// <returns>
    /// The service's error, or <see langword="null"/> if the headers are valid. <paramref name="header"/> is
    /// <see langword="null"/> if there is an error.
    /// </returns>
    public static SignatureError? Parse(SignedRequest request, out AuthorizationHeader header)
    {
        header = null!;
        if (request.FindHeader("Authorization") is not { } authorization)
            return new("MissingAuthenticationTokenException", "Missing Authentication Token");
        if (!authorization.StartsWith(CanonicalRequest.Algorithm + " ", StringComparison.Ordinal))
            return SignatureError.CreateIncomplete($"Unsupported AWS 'algorithm': '{authorization.Split(' ')[0]}'.");

        var parameters = ParseParameters(authorization[CanonicalRequest.Algorithm.Length..]);
        string[] required = ["Credential", "Signature", "SignedHeaders"];
        if (Array.Find(required, name => !parameters.ContainsKey(name)) is { } missing)
            return SignatureError.CreateIncomplete($"Authorization header requires '{missing}' parameter.");

        if (request.FindHeader("X-Amz-Date") is not { } amzDate)
        {
            return SignatureError.CreateIncomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
        }

        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!DateTimeOffset.TryParseExact(amzDate, DateFormat, CultureInfo.InvariantCulture, Utc, out var signedAt))
            return SignatureError.CreateIncomplete($"Date must be in ISO-8601 'basic format'. Got '{amzDate}'.");

        var credential = parameters["Credential"].Split('/');
        if (credential.Length != 5)
        {
            return SignatureError.CreateIncomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                + $"got '{parameters["Credential"]}'.");
        }

        header = new(
            credential, parameters["SignedHeaders"].Split(';'), parameters["Signature"], amzDate, signedAt);
        return null;
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
