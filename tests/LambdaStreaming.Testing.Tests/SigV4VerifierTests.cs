using System.Globalization;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using LambdaStreaming.Testing.Signing;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class SigV4VerifierTests
{
    private const string Folder = "sigv4/lambda";

    public static IEnumerable<TheoryDataRow<string>> Cases => ConformanceData.Names(Folder);

    [Theory, MemberData(nameof(Cases))]
    public void CanonicalRequest_ConformanceCase_IsAsExpected(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var signedHeaders = ((string)data["expected"]!["signed_headers"]!).Split(';');

        var expected = (string)data["expected"]!["canonical_request"]!;
        Assert.Equal(expected, CanonicalRequest.Create(CreateRequest(data), signedHeaders));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_ConformanceCase_IsValid(string name)
    {
        var data = ConformanceData.Load(Folder, name);

        Assert.Null(CreateVerifier(data).Verify(CreateRequest(data)));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_ChangedBody_ReturnsInvalidSignatureException(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var request = CreateRequest(data);
        byte[] body = [.. request.Body.ToArray(), (byte)' '];

        Assert.Equal("InvalidSignatureException", CreateVerifier(data).Verify(request with { Body = body })?.ErrorCode);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_ChangedSignature_ReturnsInvalidSignatureException(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var request = CreateRequest(data);
        var flipped = WithHeader(request, "Authorization", value => value[..^1] + (value[^1] == '0' ? '1' : '0'));

        Assert.Equal("InvalidSignatureException", CreateVerifier(data).Verify(flipped)?.ErrorCode);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_ChangedMethodPathQueryOrSignedHeader_ReturnsInvalidSignatureException(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var request = CreateRequest(data);
        var signedHeaders = ((string)data["expected"]!["signed_headers"]!).Split(';');
        var changed = new List<SignedRequest>
        {
            request with { Method = "PUT" },
            request with { Path = request.Path + "x" },
            request with { Query = request.Query + (request.Query.Length > 0 ? "&" : "") + "x=" },
        };
        changed.AddRange(signedHeaders.Where(header => header is not ("x-amz-date" or "x-amz-security-token"))
            .Select(header => WithHeader(request, header, value => value + "x")));

        Assert.All(changed, altered =>
            Assert.Equal("InvalidSignatureException", CreateVerifier(data).Verify(altered)?.ErrorCode));
    }

    [Theory]
    [InlineData(null, "MissingAuthenticationTokenException")]
    [InlineData("Bearer abc", "IncompleteSignatureException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/lambda/aws4_request, SignedHeaders=host;x-amz-date",
        "IncompleteSignatureException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/lambda, SignedHeaders=host, Signature=0",
        "IncompleteSignatureException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDOTHER/20240229/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0",
        "UnrecognizedClientException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240228/us-west-2/lambda/aws4_request"
        + ", SignedHeaders=host, Signature=0",
        "InvalidSignatureException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-east-1/lambda/aws4_request"
        + ", SignedHeaders=host, Signature=0",
        "InvalidSignatureException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0",
        "InvalidSignatureException")]
    [InlineData(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/lambda/aws4_request"
        + ", SignedHeaders=x-amz-date, Signature=0",
        "InvalidSignatureException")]
    public void Verify_InvalidAuthorization_ReturnsTheServicesError(string? authorization, string errorCode)
    {
        var data = ConformanceData.Load(Folder, "name-simple");
        var request = CreateRequest(data);
        var headers = request.Headers.Where(header => header.Key != "Authorization").ToList();
        if (authorization is not null) headers.Add(new("Authorization", authorization));

        Assert.Equal(errorCode, CreateVerifier(data).Verify(request with { Headers = headers })?.ErrorCode);
    }

    [Theory]
    [InlineData(-301, "Signature not yet current")]
    [InlineData(-300, null)]
    [InlineData(300, null)]
    [InlineData(301, "Signature expired")]
    public void Verify_ClockDiffers_ReturnsErrorBeyondFiveMinutes(int secondsLater, string? message)
    {
        var data = ConformanceData.Load(Folder, "name-simple");

        var error = CreateVerifier(data, secondsLater).Verify(CreateRequest(data));

        if (message is null) Assert.Null(error);
        else Assert.StartsWith(message, error?.Message);
    }

    [Fact]
    public void Verify_CredentialsHaveExpired_ReturnsExpiredTokenException()
    {
        var data = ConformanceData.Load(Folder, "token");

        var error = CreateVerifier(data, expireAt: GetTimestamp(data)).Verify(CreateRequest(data));

        Assert.Equal("ExpiredTokenException", error?.ErrorCode);
    }

    [Fact]
    public void Verify_AwsHeaderIsNotSigned_ReturnsErrorWithItsName()
    {
        var data = ConformanceData.Load(Folder, "name-simple");
        var request = CreateRequest(data);

        KeyValuePair<string, string>[] headers = [.. request.Headers, new("X-Amz-Log-Type", "Tail")];
        var error = CreateVerifier(data).Verify(request with { Headers = headers });

        Assert.Equal("'X-Amz-Log-Type' must be a 'SignedHeader' in the AWS Authorization.", error?.Message);
    }

    [Theory]
    [InlineData("x-amz-date;host")]
    [InlineData("Host;x-amz-date")]
    [InlineData("host;host;x-amz-date")]
    [InlineData("host;x-amz-date;x-none")]
    [InlineData("")]
    public void Verify_InvalidSignedHeadersWithValidSignature_ReturnsIncompleteSignatureException(
        string signedHeaders)
    {
        var data = ConformanceData.Load(Folder, "name-simple");

        var error = CreateVerifier(data).Verify(Sign(data, CreateRequest(data), signedHeaders));

        Assert.Equal("IncompleteSignatureException", error?.ErrorCode);
    }

    [Theory]
    [InlineData("UNSIGNED-PAYLOAD")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public void Verify_WrongContentHashWithValidSignature_ReturnsInvalidSignatureException(string hash)
    {
        var data = ConformanceData.Load(Folder, "name-simple");
        var request = WithHeader(CreateRequest(data), "x-amz-content-sha256", _ => hash);
        request = request with { Body = "{}"u8.ToArray() };

        var error = CreateVerifier(data).Verify(Sign(data, request, "host;x-amz-content-sha256;x-amz-date"));

        Assert.Equal("InvalidSignatureException", error?.ErrorCode);
    }

    [Fact]
    public void Verify_ValidSignedHeaders_IsValid()
    {
        var data = ConformanceData.Load(Folder, "name-simple");

        var request = Sign(data, CreateRequest(data), "host;x-amz-content-sha256;x-amz-date");

        Assert.Null(CreateVerifier(data).Verify(request));
    }

    /// <summary>Signs a request with any list of signed headers, even if the list is invalid.</summary>
    private static SignedRequest Sign(JsonNode data, SignedRequest request, string signedHeaders)
    {
        var credentials = data["context"]!["credentials"]!;
        var date = request.Headers.First(header => header.Key == "X-Amz-Date").Value;
        var scope = $"{date[..8]}/{(string)data["context"]!["region"]!}/lambda/aws4_request";
        var canonicalRequest = CanonicalRequest.Create(request, signedHeaders.Split(';'));
        var stringToSign = CanonicalRequest.CreateStringToSign(canonicalRequest, date, scope);
        var signature = CanonicalRequest.Sign((string)credentials["secret_access_key"]!, scope, stringToSign);
        var credential = $"{(string)credentials["access_key_id"]!}/{scope}";
        return WithHeader(request, "Authorization", _ =>
            $"{CanonicalRequest.Algorithm} Credential={credential}, SignedHeaders={signedHeaders}, "
            + $"Signature={signature}");
    }

    private static SignedRequest CreateRequest(JsonNode data)
    {
        var request = data["request"]!;
        var context = data["context"]!;
        var givenHeaders = request["headers"]!.AsArray()
            .Select(header => KeyValuePair.Create((string)header![0]!, (string)header[1]!));
        List<KeyValuePair<string, string>> headers =
        [
            .. givenHeaders,
            new("X-Amz-Date", GetTimestamp(data).ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)),
            new("x-amz-content-sha256", (string)data["expected"]!["payload_sha256"]!),
            new("Authorization", (string)data["expected"]!["authorization"]!),
        ];
        if ((string?)context["credentials"]!["session_token"] is { } token)
            headers.Add(new("X-Amz-Security-Token", token));
        return new(
            (string)request["method"]!,
            (string)request["path"]!,
            (string)request["query"]!,
            headers,
            ConformanceData.Bytes(request["body"]!));
    }

    private static SigV4Verifier CreateVerifier(JsonNode data, int secondsLater = 0, DateTimeOffset? expireAt = null)
    {
        var credentials = data["context"]!["credentials"]!;
        return new(
            new ImmutableCredentials(
                (string)credentials["access_key_id"]!,
                (string)credentials["secret_access_key"]!,
                (string?)credentials["session_token"]),
            (string)data["context"]!["region"]!,
            "lambda",
            new FakeTimeProvider(GetTimestamp(data).AddSeconds(secondsLater)))
        {
            ExpireAt = expireAt,
        };
    }

    private static DateTimeOffset GetTimestamp(JsonNode data) =>
        DateTimeOffset.Parse((string)data["context"]!["timestamp"]!, CultureInfo.InvariantCulture);

    private static SignedRequest WithHeader(SignedRequest request, string name, Func<string, string> change)
    {
        var headers = request.Headers.Select(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)
            ? new(header.Key, change(header.Value))
            : header);
        return request with { Headers = [.. headers] };
    }
}
