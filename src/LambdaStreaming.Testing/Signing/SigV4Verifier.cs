using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;

namespace LambdaStreaming.Testing.Signing;

/// <summary>Verifies the signature of a request, which any AWS SDK might have created.</summary>
/// <remarks>
/// Source: IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature Version 4 signing".
/// </remarks>
internal sealed class SigV4Verifier(
    ImmutableCredentials credentials, string region, string service, TimeProvider timeProvider)
{
    private const string ContentHash = "x-amz-content-sha256";

    // The server must receive a request within five minutes of the time in the request. Source: IAM User Guide,
    // "Troubleshoot Signature Version 4 signing".
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(5);

    // Some SDKs do not sign these headers: AWSSDK.Core does not sign x-amz-user-agent, and botocore does not sign the
    // security token for some services.
    private static readonly HashSet<string> OptionallySigned =
        new(StringComparer.OrdinalIgnoreCase) { "x-amz-user-agent", "x-amz-security-token" };

    /// <summary>The time from which the credentials are expired.</summary>
    public DateTimeOffset? ExpireAt { get; init; }

    /// <summary>Verifies a request.</summary>
    /// <returns>The service's error, or <see langword="null"/> if the signature is valid.</returns>
    public SignatureError? Verify(SignedRequest request)
    {
        if (AuthorizationHeader.Parse(request, out var header) is { } error) return error;
        if ((FindScopeProblem(header) ?? FindTimeProblem(header)) is { } problem)
            return SignatureError.CreateInvalid(problem);
        return VerifyCredentials(request, header)
            ?? VerifySignedHeaders(request, header.SignedHeaders)
            ?? VerifyContentHash(request, header.SignedHeaders)
            ?? VerifySignature(request, header);
    }

    private string? FindScopeProblem(AuthorizationHeader header)
    {
        var credential = header.Credential;
        var date = header.SignedAt.UtcDateTime.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        if (credential[1] != date)
        {
            return "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                + $"'{credential[1]}' != '{date}', from '{Format(header.SignedAt)}'.";
        }

        if (credential[2] != region) return $"Credential should be scoped to a valid region, not '{credential[2]}'. ";
        if (credential[3] != service) return $"Credential should be scoped to correct service: '{service}'. ";
        if (credential[4] != "aws4_request")
            return $"Credential should be scoped with a valid terminator: 'aws4_request', not '{credential[4]}'. ";
        return null;
    }

    private string? FindTimeProblem(AuthorizationHeader header)
    {
        var now = timeProvider.GetUtcNow();
        if (header.SignedAt < now - MaxSkew)
        {
            return $"Signature expired: {header.AmzDate} is now earlier than {Format(now - MaxSkew)} "
                + $"({Format(now)} - 5 min.)";
        }

        if (header.SignedAt > now + MaxSkew)
        {
            return $"Signature not yet current: {header.AmzDate} is still later than {Format(now + MaxSkew)} "
                + $"({Format(now)} + 5 min.)";
        }

        return null;
    }

    private SignatureError? VerifyCredentials(SignedRequest request, AuthorizationHeader header)
    {
        var token = request.FindHeader("X-Amz-Security-Token") ?? "";
        if (header.AccessKey != credentials.AccessKey || token != (credentials.Token ?? ""))
            return new("UnrecognizedClientException", "The security token included in the request is invalid.");
        if (timeProvider.GetUtcNow() >= ExpireAt)
            return new("ExpiredTokenException", "The security token included in the request is expired");
        return null;
    }

    private static SignatureError? VerifySignedHeaders(SignedRequest request, string[] signedHeaders)
    {
        // SignedHeaders must be sorted, in lower case, and contain only headers that the request has. Source: IAM User
        // Guide, "Create a signed AWS API request".
        for (var i = 0; i < signedHeaders.Length; i++)
        {
            var name = signedHeaders[i];
            var isSorted = i == 0 || string.CompareOrdinal(signedHeaders[i - 1], name) < 0;
            if (name.Any(char.IsAsciiLetterUpper) || !isSorted)
            {
                return SignatureError.CreateIncomplete(
                    "SignedHeaders must be in lower case, sorted and unique; "
                    + $"got '{string.Join(';', signedHeaders)}'.");
            }

            if (request.FindHeader(name) is null)
            {
                return SignatureError.CreateIncomplete(
                    $"SignedHeaders names '{name}', which the request does not have.");
            }
        }

        return FindUnsignedHeader(request, signedHeaders) is { } unsigned
            ? SignatureError.CreateInvalid($"'{unsigned}' must be a 'SignedHeader' in the AWS Authorization.")
            : null;
    }

    // Source: IAM User Guide: the signed headers "must include the host header ... and any x-amz-* headers in the
    // request".
    private static string? FindUnsignedHeader(SignedRequest request, string[] signedHeaders)
    {
        if (!signedHeaders.Contains("host", StringComparer.Ordinal)) return "Host";
        return request.Headers.Select(header => header.Key).FirstOrDefault(name =>
            name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)
            && !OptionallySigned.Contains(name)
            && !signedHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));
    }

    private static SignatureError? VerifyContentHash(SignedRequest request, string[] signedHeaders)
    {
        // If the header is signed, its value must be the hash of the body. Values such as "UNSIGNED-PAYLOAD" are for
        // other services; Lambda requires a signed body.
        if (!signedHeaders.Contains(ContentHash, StringComparer.Ordinal)) return null;
        if (request.FindHeader(ContentHash) == CanonicalRequest.ComputeHash(request.Body)) return null;
        return SignatureError.CreateInvalid("The x-amz-content-sha256 header does not match the hash of the body.");
    }

    private SignatureError? VerifySignature(SignedRequest request, AuthorizationHeader header)
    {
        var canonicalRequest = CanonicalRequest.Create(request, header.SignedHeaders);
        var stringToSign = CanonicalRequest.CreateStringToSign(canonicalRequest, header.AmzDate, header.Scope);
        var expected = CanonicalRequest.Sign(credentials.SecretKey, header.Scope, stringToSign);
        if (AreEqual(expected, header.Signature)) return null;
        return SignatureError.CreateInvalid(
            "The request signature we calculated does not match the signature you provided. "
            + "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n"
            + $"The Canonical String for this request should have been\n'{canonicalRequest}'\n\n"
            + $"The String-to-Sign should have been\n'{stringToSign}'\n");
    }

    private static bool AreEqual(string left, string right) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));

    private static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString(AuthorizationHeader.DateFormat, CultureInfo.InvariantCulture);
}
