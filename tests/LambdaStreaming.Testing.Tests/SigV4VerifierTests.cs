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
    public void CanonicalRequest_OfCase_IsAsExpected(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var signedHeaders = ((string)data["expected"]!["signed_headers"]!).Split(';');

        Assert.Equal((string)data["expected"]!["canonical_request"]!, CanonicalRequest.Build(Request(data), signedHeaders));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_Case_Holds(string name)
    {
        var data = ConformanceData.Load(Folder, name);

        Assert.Null(Verifier(data).Verify(Request(data)));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_CaseWithAnotherBody_Refuses(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var request = Request(data);
        byte[] body = [.. request.Body.ToArray(), (byte)' '];

        Assert.Equal("InvalidSignatureException", Verifier(data).Verify(request with { Body = body })?.ErrorCode);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_CaseWithOneBitOfTheSignatureFlipped_Refuses(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var request = Request(data);
        var flipped = WithHeader(request, "Authorization", value => value[..^1] + (value[^1] == '0' ? '1' : '0'));

        Assert.Equal("InvalidSignatureException", Verifier(data).Verify(flipped)?.ErrorCode);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Verify_CaseWithAnotherPathQueryOrSignedHeader_Refuses(string name)
    {
        var data = ConformanceData.Load(Folder, name);
        var request = Request(data);
        var signedHeaders = ((string)data["expected"]!["signed_headers"]!).Split(';');
        var changed = new List<SignedRequest>
        {
            request with { Method = "PUT" },
            request with { Path = request.Path + "x" },
            request with { Query = request.Query + (request.Query.Length > 0 ? "&" : "") + "x=" },
        };
        changed.AddRange(signedHeaders.Where(header => header is not ("x-amz-date" or "x-amz-security-token"))
            .Select(header => WithHeader(request, header, value => value + "x")));

        Assert.All(changed, one => Assert.Equal("InvalidSignatureException", Verifier(data).Verify(one)?.ErrorCode));
    }

    [Theory]
    [InlineData(null, "MissingAuthenticationTokenException")]
    [InlineData("Bearer abc", "IncompleteSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/lambda/aws4_request, SignedHeaders=host;x-amz-date", "IncompleteSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/lambda, SignedHeaders=host, Signature=0", "IncompleteSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDOTHER/20240229/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0", "UnrecognizedClientException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240228/us-west-2/lambda/aws4_request, SignedHeaders=host, Signature=0", "InvalidSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0", "InvalidSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0", "InvalidSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240229/us-west-2/lambda/aws4_request, SignedHeaders=x-amz-date, Signature=0", "InvalidSignatureException")]
    public void Verify_WrongAuthorization_RefusesAsTheServiceDoes(string? authorization, string errorCode)
    {
        var data = ConformanceData.Load(Folder, "name-simple");
        var request = Request(data);
        request = request with { Headers = [.. request.Headers.Where(header => header.Key != "Authorization")] };
        if (authorization is not null) request = request with { Headers = [.. request.Headers, new("Authorization", authorization)] };

        Assert.Equal(errorCode, Verifier(data).Verify(request)?.ErrorCode);
    }

    [Theory]
    [InlineData(-301, "Signature not yet current")]
    [InlineData(-300, null)]
    [InlineData(300, null)]
    [InlineData(301, "Signature expired")]
    public void Verify_ClockDiffers_RefusesBeyondFiveMinutes(int secondsLater, string? message)
    {
        var data = ConformanceData.Load(Folder, "name-simple");

        var refusal = Verifier(data, secondsLater).Verify(Request(data));

        if (message is null) Assert.Null(refusal);
        else Assert.StartsWith(message, refusal?.Message);
    }

    [Fact]
    public void Verify_CredentialsHaveExpired_RefusesWithExpiredToken()
    {
        var data = ConformanceData.Load(Folder, "token");

        Assert.Equal("ExpiredTokenException", Verifier(data, expireAt: Timestamp(data)).Verify(Request(data))?.ErrorCode);
    }

    [Fact]
    public void Verify_AwsHeaderIsNotSigned_Refuses()
    {
        var data = ConformanceData.Load(Folder, "name-simple");
        var request = Request(data);

        var refusal = Verifier(data).Verify(request with { Headers = [.. request.Headers, new("X-Amz-Log-Type", "Tail")] });

        Assert.Equal("'X-Amz-Log-Type' must be a 'SignedHeader' in the AWS Authorization.", refusal?.Message);
    }

    [Theory]
    [InlineData("x-amz-date;host")]
    [InlineData("Host;x-amz-date")]
    [InlineData("host;host;x-amz-date")]
    [InlineData("host;x-amz-date;x-none")]
    [InlineData("")]
    public void Verify_ListOfSignedHeadersIsWrong_RefusesThoughTheSignatureFits(string list)
    {
        var data = ConformanceData.Load(Folder, "name-simple");

        Assert.Equal("IncompleteSignatureException", Verifier(data).Verify(Signed(data, Request(data), list))?.ErrorCode);
    }

    [Theory]
    [InlineData("UNSIGNED-PAYLOAD")]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    public void Verify_SignedHashIsNotThatOfTheBody_RefusesThoughTheSignatureFits(string hash)
    {
        var data = ConformanceData.Load(Folder, "name-simple");
        var request = WithHeader(Request(data), "x-amz-content-sha256", _ => hash) with { Body = "{}"u8.ToArray() };

        Assert.Equal("InvalidSignatureException", Verifier(data).Verify(Signed(data, request, "host;x-amz-content-sha256;x-amz-date"))?.ErrorCode);
    }

    [Fact]
    public void Verify_ListOfSignedHeadersIsRight_Holds()
    {
        var data = ConformanceData.Load(Folder, "name-simple");

        Assert.Null(Verifier(data).Verify(Signed(data, Request(data), "host;x-amz-content-sha256;x-amz-date")));
    }

    // Signs what the list says, however wrong.
    private static SignedRequest Signed(JsonNode data, SignedRequest request, string list)
    {
        var credentials = data["context"]!["credentials"]!;
        var date = request.Headers.First(header => header.Key == "X-Amz-Date").Value;
        var scope = $"{date[..8]}/{(string)data["context"]!["region"]!}/lambda/aws4_request";
        var toSign = CanonicalRequest.StringToSign(CanonicalRequest.Build(request, list.Split(';')), date, scope);
        var signature = CanonicalRequest.Signature((string)credentials["secret_access_key"]!, scope, toSign);
        return WithHeader(request, "Authorization", _ => $"{CanonicalRequest.Algorithm} Credential={(string)credentials["access_key_id"]!}/{scope}, SignedHeaders={list}, Signature={signature}");
    }

    private static SignedRequest Request(JsonNode data)
    {
        var request = data["request"]!;
        var context = data["context"]!;
        List<KeyValuePair<string, string>> headers =
        [
            .. request["headers"]!.AsArray().Select(header => KeyValuePair.Create((string)header![0]!, (string)header[1]!)),
            new("X-Amz-Date", Timestamp(data).ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)),
            new("x-amz-content-sha256", (string)data["expected"]!["payload_sha256"]!),
            new("Authorization", (string)data["expected"]!["authorization"]!),
        ];
        if ((string?)context["credentials"]!["session_token"] is { } token) headers.Add(new("X-Amz-Security-Token", token));
        return new((string)request["method"]!, (string)request["path"]!, (string)request["query"]!, headers, ConformanceData.Bytes(request["body"]!));
    }

    private static SigV4Verifier Verifier(JsonNode data, int secondsLater = 0, DateTimeOffset? expireAt = null)
    {
        var credentials = data["context"]!["credentials"]!;
        return new(
            new ImmutableCredentials((string)credentials["access_key_id"]!, (string)credentials["secret_access_key"]!, (string?)credentials["session_token"]),
            (string)data["context"]!["region"]!,
            "lambda",
            new FakeTimeProvider(Timestamp(data).AddSeconds(secondsLater)))
        {
            ExpireAt = expireAt,
        };
    }

    private static DateTimeOffset Timestamp(JsonNode data) =>
        DateTimeOffset.Parse((string)data["context"]!["timestamp"]!, CultureInfo.InvariantCulture);

    private static SignedRequest WithHeader(SignedRequest request, string name, Func<string, string> change) => request with
    {
        Headers = [.. request.Headers.Select(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase) ? new(header.Key, change(header.Value)) : header)],
    };
}
