using System.Globalization;
using System.Text.Json.Nodes;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using LambdaStreaming.Signing;
using LambdaStreaming.Tests.Conformance;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.Signing;

/// <summary>Requests and signatures of the cases in conformance/sigv4/lambda.</summary>
public class SigningConformanceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private const string Folder = "sigv4/lambda";

    public static IEnumerable<TheoryDataRow<string>> Cases => ConformanceData.Names(Folder);

    [Theory, MemberData(nameof(Cases))]
    public async Task InvokeWithResponseStreamAsync_ConformanceCase_SendsItsRequestAndSignature(string name)
    {
        var @case = ConformanceData.Load(Folder, name);
        using var handler = new StubbedClient(_ => new HttpResponseMessage(System.Net.HttpStatusCode.BadRequest));
        using var httpClient = new HttpClient(handler);
        using var client = new LambdaStreamingClient(CreateOptions(@case), httpClient);

        if (name == "odd-double-dot-name")
        {
            // Clients must reject this name, because URL libraries normalize the path. Source: the README of the cases.
            await Assert.ThrowsAsync<ArgumentException>(
                () => client.InvokeWithResponseStreamAsync(CreateRequest(@case), Ct));
            return;
        }

        await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(CreateRequest(@case), Ct));

        var sent = Assert.Single(handler.Requests);
        var expected = @case["request"]!;
        Assert.Equal((string)expected["method"]!, sent.Method.Method);
        Assert.Equal(GetPathAndQuery(expected), sent.RequestUri!.PathAndQuery);
        Assert.Equal(GetHeaders(expected).First(header => header.Name == "Host").Value, sent.RequestUri.Authority);
        Assert.Equal(
            GetHeaders(expected)
                .Where(header => IsAmzHeader(header.Name))
                .OrderBy(header => header.Name, StringComparer.Ordinal),
            sent.Headers
                .Where(header => IsAmzHeader(header.Key) && !IsAddedBySigner(header.Key))
                .Select(header => (Name: header.Key, Value: Assert.Single(header.Value)))
                .OrderBy(header => header.Name, StringComparer.Ordinal));

        // This case signs content headers, which the client does not pass to the signer.
        if (name == "header-content-type-length") return;
        var authorization = Assert.Single(sent.Headers.GetValues("Authorization"));
        Assert.Equal((string)@case["expected"]!["authorization"]!, authorization);
    }

    [Theory, MemberData(nameof(Cases))]
    public void Sign_ConformanceCase_ReturnsItsAuthorization(string name)
    {
        // Uri normalizes this path, so the client rejects the request (see the test above).
        if (name == "odd-double-dot-name") return;
        var @case = ConformanceData.Load(Folder, name);
        var expected = @case["request"]!;
        var headers = GetHeaders(expected);
        var host = headers.First(header => header.Name == "Host").Value;
        var url = new Uri($"https://{host}{GetPathAndQuery(expected)}");

        using var body = new MemoryStream(ConformanceData.Bytes(expected["body"]));
        var request = new AWSSigningRequest { HttpMethod = HttpMethod.Post, RequestUri = url, ContentStream = body };
        foreach (var header in headers.Where(header => header.Name != "Host"))
            request.Headers[header.Name] = header.Value;

        var signed = RequestSigner.Sign(
            request,
            CreateCredentials(@case).GetCredentials(),
            RegionEndpoint.GetBySystemName((string)@case["context"]!["region"]!),
            GetTime(@case));

        Assert.Equal((string)@case["expected"]!["authorization"]!, signed["Authorization"]);
    }

    private static LambdaStreamingClientOptions CreateOptions(JsonNode @case) => new()
    {
        Region = RegionEndpoint.GetBySystemName((string)@case["context"]!["region"]!),
        Credentials = CreateCredentials(@case),
        ServiceUrl = @case["operation"]!["endpoint"] is { } endpoint ? new Uri((string)endpoint!) : null,
        UseFipsEndpoint = (bool?)@case["operation"]!["use_fips"] ?? false,
        UseDualStackEndpoint = (bool?)@case["operation"]!["use_dualstack"] ?? false,
        TimeProvider = new FakeTimeProvider(GetTime(@case)),
        Retry = { Policy = LambdaRetryPolicy.Never },
    };

    private static InvokeWithResponseStreamRequest CreateRequest(JsonNode @case)
    {
        var operation = @case["operation"]!;
        var request = new InvokeWithResponseStreamRequest((string)operation["FunctionName"]!)
        {
            Qualifier = (string?)operation["Qualifier"],
            ClientContext = (string?)operation["ClientContext"],
            TenantId = (string?)operation["TenantId"],
            Payload = ConformanceData.Bytes(@case["request"]!["body"]),
        };
        if ((string?)operation["InvocationType"] is { } type)
            request = request with { InvocationType = Enum.Parse<InvocationType>(type) };
        if ((string?)operation["LogType"] is { } log)
            request = request with { LogType = Enum.Parse<LogType>(log) };
        return request;
    }

    private static AWSCredentials CreateCredentials(JsonNode @case)
    {
        var keys = @case["context"]!["credentials"]!;
        return (string?)keys["session_token"] is { } token
            ? new SessionAWSCredentials((string)keys["access_key_id"]!, (string)keys["secret_access_key"]!, token)
            : new BasicAWSCredentials((string)keys["access_key_id"]!, (string)keys["secret_access_key"]!);
    }

    private static DateTimeOffset GetTime(JsonNode @case) =>
        DateTimeOffset.Parse((string)@case["context"]!["timestamp"]!, CultureInfo.InvariantCulture);

    private static List<(string Name, string Value)> GetHeaders(JsonNode request) =>
        [.. request["headers"]!.AsArray().Select(header => ((string)header![0]!, (string)header[1]!))];

    private static string GetPathAndQuery(JsonNode request)
    {
        var query = (string)request["query"]!;
        return (string)request["path"]! + (query.Length > 0 ? "?" + query : "");
    }

    private static bool IsAmzHeader(string name) => name.StartsWith("X-Amz-", StringComparison.Ordinal);

    private static bool IsAddedBySigner(string name) =>
        name == "X-Amz-Date" || name.Equals("X-Amz-Content-SHA256", StringComparison.OrdinalIgnoreCase);
}
