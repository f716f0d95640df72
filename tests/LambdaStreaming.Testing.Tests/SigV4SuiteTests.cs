using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using LambdaStreaming.Testing.Signing;
using LambdaStreaming.Tests.OtherProjects;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

/// <summary>AWS's test suite for Signature Version 4, as published with aws-c-auth.</summary>
/// <remarks>
/// A case of the suite has two signed requests: one with an Authorization header, one with a presigned query.
/// </remarks>
public class SigV4SuiteTests
{
    private static readonly UpstreamSuite Suite = new(
        "sigv4",
        "aws-c-auth/tests/aws-signing-test-suite/v4",
        location => Directory.GetDirectories(location)
            .Select(Path.GetFileName)
            .SelectMany(name => new[] { $"{name}/header", $"{name}/query" }));

    public static IEnumerable<TheoryDataRow<string>> Cases => Suite.Cases;

    // Both have the skipped row for all cases, if the data does not exist.
    public static IEnumerable<TheoryDataRow<string>> HeaderCases =>
        Suite.Cases.Where(row => !row.Data.EndsWith("/query", StringComparison.Ordinal));

    public static IEnumerable<TheoryDataRow<string>> QueryCases =>
        Suite.Cases.Where(row => !row.Data.EndsWith("/header", StringComparison.Ordinal));

    [Theory, MemberData(nameof(HeaderCases))]
    public Task Verify_SuiteCase_AcceptsItsRequest(string name) => Suite.CheckAsync(name, () =>
    {
        var @case = new SuiteCase(Suite.Location, name);

        Assert.Null(@case.CreateVerifier().Verify(@case.SignedRequest));
    });

    [Theory, MemberData(nameof(HeaderCases))]
    public void Verify_SuiteCaseWithAnotherSignature_ReturnsInvalidSignatureException(string name)
    {
        var @case = new SuiteCase(Suite.Location, name);
        var text = @case.Read("signed-request");
        var changed = text.Replace(@case.Read("signature"), new string('0', 64), StringComparison.Ordinal);
        Assert.NotEqual(text, changed);

        var error = @case.CreateVerifier().Verify(SuiteCase.Parse(changed));

        Assert.Equal("InvalidSignatureException", error?.ErrorCode);
    }

    [Theory, MemberData(nameof(QueryCases))]
    public void Verify_PresignedSuiteCase_ReturnsMissingAuthenticationTokenException(string name)
    {
        var @case = new SuiteCase(Suite.Location, name);

        var error = @case.CreateVerifier().Verify(@case.SignedRequest);

        Assert.Equal("MissingAuthenticationTokenException", error?.ErrorCode);
    }

    [Theory, MemberData(nameof(Cases))]
    public Task CanonicalRequest_SuiteCase_HasItsTextAndSignature(string name) => Suite.CheckAsync(name, () =>
    {
        var @case = new SuiteCase(Suite.Location, name);
        var (request, signedHeaders, amzDate, scope) = @case.GetSignedParts();

        var canonicalRequest = CanonicalRequest.Create(request, signedHeaders);
        var stringToSign = CanonicalRequest.CreateStringToSign(canonicalRequest, amzDate, scope);

        Assert.Equal(@case.Read("canonical-request"), canonicalRequest);
        Assert.Equal(@case.Read("string-to-sign"), stringToSign);
        Assert.Equal(@case.Read("signature"), CanonicalRequest.Sign(@case.SecretKey, scope, stringToSign));
    });

    [Fact]
    public void Differences_AllEntries_AreCasesOfTheSuite() => Suite.AssertDifferencesAreCases();

    private sealed class SuiteCase(string location, string name)
    {
        private readonly string _folder = Path.Combine(location, name.Split('/')[0]);
        private readonly string _kind = name.Split('/')[1];

        public SignedRequest SignedRequest => Parse(Read("signed-request"));

        public string SecretKey => (string)Context["credentials"]!["secret_access_key"]!;

        private JsonNode Context => JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "context.json")))!;

        public string Read(string part) => File.ReadAllText(Path.Combine(_folder, $"{_kind}-{part}.txt"));

        public SigV4Verifier CreateVerifier()
        {
            var keys = Context["credentials"]!;
            var credentials = new ImmutableCredentials(
                (string)keys["access_key_id"]!, SecretKey, (string?)keys["token"]);
            var signedAt = DateTimeOffset.Parse((string)Context["timestamp"]!, CultureInfo.InvariantCulture);
            return new SigV4Verifier(
                credentials, (string)Context["region"]!, (string)Context["service"]!, new FakeTimeProvider(signedAt));
        }

        /// <summary>Gets the parts of the request that the signature covers, and what it states about itself.</summary>
        public (SignedRequest Request, string[] SignedHeaders, string AmzDate, string Scope) GetSignedParts()
        {
            var request = SignedRequest;
            if (_kind == "header")
            {
                Assert.Null(AuthorizationHeader.Parse(request, out var header));
                return (request, header.SignedHeaders, header.AmzDate, header.Scope);
            }

            // The signature is added to the query after signing; in some cases, the session token as well.
            List<string> parameters = [.. request.Query.Split('&')];
            parameters.RemoveAll(parameter => parameter.StartsWith("X-Amz-Signature=", StringComparison.Ordinal));
            if ((bool?)Context["omit_session_token"] == true)
                parameters.RemoveAll(item => item.StartsWith("X-Amz-Security-Token=", StringComparison.Ordinal));
            string Get(string parameter) => Uri.UnescapeDataString(
                parameters.Single(item => item.StartsWith(parameter + "=", StringComparison.Ordinal)).Split('=')[1]);
            return (
                request with { Query = string.Join('&', parameters) },
                Get("X-Amz-SignedHeaders").Split(';'),
                Get("X-Amz-Date"),
                Split(Get("X-Amz-Credential"), "/").Right);
        }

        // A request line whose path can contain spaces, header lines "Name:value", an empty line, the body. A line
        // that starts with a space continues the header before it.
        public static SignedRequest Parse(string text)
        {
            var (head, body) = Split(text, "\n\n");
            var lines = head.Replace("\n ", " ", StringComparison.Ordinal).Split('\n');
            var (method, rest) = Split(lines[0], " ");
            var (path, query) = Split(rest[..rest.LastIndexOf(' ')], "?");
            var headers = lines[1..]
                .Select(line => Split(line, ":"))
                .Select(pair => KeyValuePair.Create(pair.Left, pair.Right));
            return new SignedRequest(method, path, query, [.. headers], Encoding.UTF8.GetBytes(body));
        }

        private static (string Left, string Right) Split(string text, string separator)
        {
            var at = text.IndexOf(separator, StringComparison.Ordinal);
            return at < 0 ? (text, "") : (text[..at], text[(at + separator.Length)..]);
        }
    }
}
