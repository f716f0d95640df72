using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;

namespace LambdaStreaming.Testing.Signing;

/// <summary>Why a signature was refused, in the service's own words.</summary>
internal sealed record SignatureRefusal(string ErrorCode, string Message);

/// <summary>Verifies the Authorization header of a request, whichever SDK signed it.</summary>
/// <remarks>
/// Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, SignedHeaders=a;b, Signature=HEX.
/// Source: IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing".
/// </remarks>
internal sealed class SigV4Verifier(ImmutableCredentials credentials, string region, string service, TimeProvider timeProvider)
{
    private const string ContentHash = "x-amz-content-sha256";
    private const string DateFormat = "yyyyMMdd'T'HHmmss'Z'";

    // Source: IAM User Guide, "Troubleshoot Signature Version 4 signing": within five minutes of the time in the request.
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(5);

    // Those that some SDK sends without signing them: AWSSDK.Core the user agent and the trace id, botocore (on some services) the token.
    private static readonly HashSet<string> MayBeUnsigned =
        new(StringComparer.OrdinalIgnoreCase) { "x-amz-user-agent", "x-amz-security-token" };

    /// <summary>From when on the credentials count as expired.</summary>
    public DateTimeOffset? ExpireAt { get; init; }

    /// <returns><see langword="null"/> when the signature holds.</returns>
    public SignatureRefusal? Verify(SignedRequest request)
    {
        if (Header(request, "Authorization") is not { } authorization)
            return new("MissingAuthenticationTokenException", "Missing Authentication Token");
        if (!authorization.StartsWith(CanonicalRequest.Algorithm + " ", StringComparison.Ordinal))
            return Incomplete($"Unsupported AWS 'algorithm': '{authorization.Split(' ')[0]}'.");

        var parameters = Parameters(authorization[CanonicalRequest.Algorithm.Length..]);
        foreach (var required in (string[])["Credential", "Signature", "SignedHeaders"])
        {
            if (!parameters.ContainsKey(required))
                return Incomplete($"Authorization header requires '{required}' parameter.");
        }

        if (Header(request, "X-Amz-Date") is not { } amzDate)
            return Incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
        if (!DateTimeOffset.TryParseExact(amzDate, DateFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var signedAt))
            return Incomplete($"Date must be in ISO-8601 'basic format'. Got '{amzDate}'.");

        var credential = parameters["Credential"].Split('/');
        if (credential.Length != 5)
            return Incomplete($"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{parameters["Credential"]}'.");
        var scope = string.Join('/', credential[1..]);
        if (WrongScope(credential, signedAt) is { } wrongScope)
            return Invalid(wrongScope);
        if (WrongTime(amzDate, signedAt) is { } wrongTime)
            return Invalid(wrongTime);
        if (credential[0] != credentials.AccessKey || (Header(request, "X-Amz-Security-Token") ?? "") != (credentials.Token ?? ""))
            return new("UnrecognizedClientException", "The security token included in the request is invalid.");
        if (timeProvider.GetUtcNow() >= ExpireAt)
            return new("ExpiredTokenException", "The security token included in the request is expired");

        var signedHeaders = parameters["SignedHeaders"].Split(';');
        if (WrongList(request, signedHeaders) is { } wrongList)
            return wrongList;
        if (Unsigned(request, signedHeaders) is { } unsigned)
            return Invalid($"'{unsigned}' must be a 'SignedHeader' in the AWS Authorization.");

        // "UNSIGNED-PAYLOAD" and the like are for other services: here the body is always signed.
        if (signedHeaders.Contains(ContentHash, StringComparer.Ordinal) && Header(request, ContentHash) != CanonicalRequest.Hash(request.Body))
            return Invalid("The x-amz-content-sha256 header does not match the hash of the body.");

        var canonicalRequest = CanonicalRequest.Build(request, signedHeaders);
        var stringToSign = CanonicalRequest.StringToSign(canonicalRequest, amzDate, scope);
        var signature = CanonicalRequest.Signature(credentials.SecretKey, scope, stringToSign);
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(signature), Encoding.UTF8.GetBytes(parameters["Signature"]))
            ? null
            : Invalid(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
                + "Consult the service documentation for details.\n\n"
                + $"The Canonical String for this request should have been\n'{canonicalRequest}'\n\nThe String-to-Sign should have been\n'{stringToSign}'\n");
    }

    private string? WrongScope(string[] credential, DateTimeOffset signedAt)
    {
        var date = signedAt.UtcDateTime.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        if (credential[1] != date) return $"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{credential[1]}' != '{date}', from '{signedAt.UtcDateTime.ToString(DateFormat, CultureInfo.InvariantCulture)}'.";
        if (credential[2] != region) return $"Credential should be scoped to a valid region, not '{credential[2]}'. ";
        if (credential[3] != service) return $"Credential should be scoped to correct service: '{service}'. ";
        return credential[4] == "aws4_request" ? null : $"Credential should be scoped with a valid terminator: 'aws4_request', not '{credential[4]}'. ";
    }

    private string? WrongTime(string amzDate, DateTimeOffset signedAt)
    {
        var now = timeProvider.GetUtcNow();
        var nowText = now.UtcDateTime.ToString(DateFormat, CultureInfo.InvariantCulture);
        if (signedAt < now - MaxSkew)
            return $"Signature expired: {amzDate} is now earlier than {(now - MaxSkew).UtcDateTime.ToString(DateFormat, CultureInfo.InvariantCulture)} ({nowText} - 5 min.)";
        if (signedAt > now + MaxSkew)
            return $"Signature not yet current: {amzDate} is still later than {(now + MaxSkew).UtcDateTime.ToString(DateFormat, CultureInfo.InvariantCulture)} ({nowText} + 5 min.)";
        return null;
    }

    // Source: IAM User Guide, "Create a signed AWS API request": a list in lower case, sorted, of headers that the request has.
    private static SignatureRefusal? WrongList(SignedRequest request, string[] signedHeaders)
    {
        for (var i = 0; i < signedHeaders.Length; i++)
        {
            var name = signedHeaders[i];
            if (name.Any(char.IsAsciiLetterUpper) || (i > 0 && string.CompareOrdinal(signedHeaders[i - 1], name) >= 0))
                return Incomplete($"SignedHeaders must be in lower case, sorted, and each once; got '{string.Join(';', signedHeaders)}'.");
            if (Header(request, name) is null)
                return Incomplete($"SignedHeaders names '{name}', which the request does not have.");
        }

        return null;
    }

    // Source: IAM User Guide: the signed headers "must include the host header ... and any x-amz-* headers in the request".
    private static string? Unsigned(SignedRequest request, string[] signedHeaders)
    {
        if (!signedHeaders.Contains("host", StringComparer.Ordinal)) return "Host";
        return request.Headers.Select(header => header.Key)
            .FirstOrDefault(name => name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)
                && !MayBeUnsigned.Contains(name) && !signedHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));
    }

    private static Dictionary<string, string> Parameters(string text)
    {
        var parameters = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) parameters[part[..equals]] = part[(equals + 1)..];
        }

        return parameters;
    }

    private static string? Header(SignedRequest request, string name)
    {
        foreach ((var key, var value) in request.Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase)) return value;
        }

        return null;
    }

    private static SignatureRefusal Incomplete(string message) => new("IncompleteSignatureException", message);

    private static SignatureRefusal Invalid(string message) => new("InvalidSignatureException", message);
}
