using System.Text.Json.Nodes;
using Amazon;
using LambdaStreaming.Configuration;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.Configuration;

public class LambdaEndpointTests
{
    [Fact]
    public void Create_EveryConformanceRow_ReturnsItsUrl()
    {
        var rows = ConformanceData.LoadFile(Path.Combine(ConformanceData.Root, "endpoints.json")).AsArray();

        var wrong = rows
            .Select(row => (Expected: new Uri((string)row!["url"]!), Actual: CreateEndpoint(row)))
            .Where(row => row.Actual.GetLeftPart(UriPartial.Path) != row.Expected.GetLeftPart(UriPartial.Path))
            .ToList();

        Assert.Equal(192, rows.Count);
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData(
        "https://lambda.example.com",
        "https://lambda.example.com/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData(
        "https://lambda.example.com:443/",
        "https://lambda.example.com/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("http://localhost:9001", "http://localhost:9001/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData(
        "https://proxy.example.com:8443/base/v1/",
        "https://proxy.example.com:8443/base/v1/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData(
        "http://bücher.example:81",
        "http://xn--bcher-kva.example:81/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("http://[::1]:9001/p", "http://[::1]:9001/p/2021-11-15/functions/f/response-streaming-invocations")]
    public void CreateUrl_EndpointHasPortOrPrefix_KeepsThem(string endpoint, string expected)
    {
        var url = LambdaEndpoint.CreateUrl(new Uri(endpoint), "f", null);

        Assert.Equal(expected, url.AbsoluteUri);
        Assert.Equal(new Uri(expected).Host, url.Host);
    }

    private static Uri CreateEndpoint(JsonNode row) => LambdaEndpoint.Create(
        RegionEndpoint.GetBySystemName((string)row["region"]!), (bool)row["fips"]!, (bool)row["dual_stack"]!);
}
