using System.Runtime.InteropServices;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;

namespace LambdaStreaming.Signing;

/// <summary>The thin use of AWSSDK.Core's SigV4 signer.</summary>
internal static class RequestSigner
{
    // Source: botocore 1.43.11, lambda/2015-03-31/service-2, metadata.signingName.
    private const string ServiceName = "lambda";

    /// <summary>Signs <paramref name="request"/> and adds the headers that say so.</summary>
    /// <param name="request">The request, with the headers that are to be signed: all that begin with X-Amz-.</param>
    /// <param name="payload">Its body.</param>
    /// <param name="credentials">The keys.</param>
    /// <param name="region">The region of the credential scope.</param>
    /// <param name="signedAt">The time of the signature.</param>
    public static void Sign(HttpRequestMessage request, ReadOnlyMemory<byte> payload, ImmutableCredentials credentials, RegionEndpoint region, DateTimeOffset signedAt)
    {
        var headers = request.Headers.NonValidated.Where(header => header.Key.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)).Select(header => (header.Key, header.Value.ToString()));
        foreach (var (name, value) in Sign(request.Method, request.RequestUri!, headers, payload, credentials, region, signedAt))
        {
            if (name.Equals("Host", StringComparison.OrdinalIgnoreCase)) continue;
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    /// <summary>Reads the signature of a signed request.</summary>
    public static ReadOnlyMemory<char> SignatureOf(HttpRequestMessage request)
    {
        const string Name = "Signature=";
        if (!request.Headers.NonValidated.TryGetValues("Authorization", out var values)) return default;
        var authorization = values.ToString();
        return authorization.IndexOf(Name, StringComparison.Ordinal) is >= 0 and var start ? authorization.AsMemory(start + Name.Length) : default;
    }

    /// <summary>The headers that a signature adds.</summary>
    internal static IDictionary<string, string> Sign(HttpMethod method, Uri url, IEnumerable<(string Name, string Value)> headers, ReadOnlyMemory<byte> payload, ImmutableCredentials credentials, RegionEndpoint region, DateTimeOffset signedAt)
    {
        using var body = AsStream(payload);
        var signing = new AWSSigningRequest { HttpMethod = method, RequestUri = url, ContentStream = body };
        foreach (var (name, value) in headers) signing.Headers[name] = value;

        var parameters = new AWSSigV4Parameters
        {
            Credentials = credentials.UseToken ? new SessionAWSCredentials(credentials.AccessKey, credentials.SecretKey, credentials.Token) : new BasicAWSCredentials(credentials.AccessKey, credentials.SecretKey),
            Region = region,
            Service = ServiceName,
            SignPayload = true,
            SignedAt = signedAt.UtcDateTime,
        };
        return AWSSigV4Signer.Sign(signing, parameters).Headers;
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> payload) =>
        MemoryMarshal.TryGetArray(payload, out var array) && array.Array is not null
            ? new MemoryStream(array.Array, array.Offset, array.Count, writable: false)
            : new MemoryStream(payload.ToArray(), writable: false);
}
