using System.Runtime.InteropServices;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;

namespace LambdaStreaming.Signing;

/// <summary>Signs requests with the SigV4 signer of AWSSDK.Core.</summary>
internal static class RequestSigner
{
    // Source: botocore 1.43.11, lambda/2015-03-31/service-2, metadata.signingName.
    private const string ServiceName = "lambda";

    /// <summary>Signs <paramref name="request"/> and adds the headers of the signature.</summary>
    /// <param name="request">The request. All its headers are signed.</param>
    /// <param name="payload">The body of the request.</param>
    /// <param name="credentials">The keys.</param>
    /// <param name="region">The region of the credential scope.</param>
    /// <param name="signedAt">The time of the signature.</param>
    public static void Sign(
        HttpRequestMessage request,
        ReadOnlyMemory<byte> payload,
        ImmutableCredentials credentials,
        RegionEndpoint region,
        DateTimeOffset signedAt)
    {
        using var body = AsStream(payload);
        var signing = new AWSSigningRequest
        {
            HttpMethod = request.Method,
            RequestUri = request.RequestUri!,
            ContentStream = body,
        };
        foreach (var (name, values) in request.Headers.NonValidated) signing.Headers[name] = values.ToString();
        foreach (var (name, value) in Sign(signing, credentials, region, signedAt))
            request.Headers.TryAddWithoutValidation(name, value);
    }

    /// <summary>Signs <paramref name="request"/> and returns the headers to add, such as Authorization.</summary>
    internal static IDictionary<string, string> Sign(
        AWSSigningRequest request,
        ImmutableCredentials credentials,
        RegionEndpoint region,
        DateTimeOffset signedAt)
    {
        var parameters = new AWSSigV4Parameters
        {
            Credentials = credentials.UseToken
                ? new SessionAWSCredentials(credentials.AccessKey, credentials.SecretKey, credentials.Token)
                : new BasicAWSCredentials(credentials.AccessKey, credentials.SecretKey),
            Region = region,
            Service = ServiceName,
            SignPayload = true,
            SignedAt = signedAt.UtcDateTime,
        };
        return AWSSigV4Signer.Sign(request, parameters).Headers;
    }

    /// <summary>Gets the signature of a signed request; empty if the request is not signed.</summary>
    public static ReadOnlyMemory<char> GetSignature(HttpRequestMessage request)
    {
        const string Name = "Signature=";
        if (!request.Headers.NonValidated.TryGetValues("Authorization", out var values)) return default;
        var authorization = values.ToString();
        var start = authorization.IndexOf(Name, StringComparison.Ordinal);
        return start < 0 ? default : authorization.AsMemory(start + Name.Length);
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> payload) =>
        MemoryMarshal.TryGetArray(payload, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count)
            : new MemoryStream(payload.ToArray());
}
