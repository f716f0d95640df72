using Amazon;
using LambdaStreaming.Configuration;
using LambdaStreaming.Tests.Conformance;

namespace LambdaStreaming.Tests.Http;

public class LambdaEndpointTests
{
    [Fact]
    public void Of_EveryConformanceRow_IsThatAddress()
    {
        var rows = ConformanceData.LoadFile(Path.Combine(ConformanceData.Root, "endpoints.json")).AsArray();

        var wrong = rows
            .Select(row => (Expected: (string)row!["url"]!, Actual: LambdaEndpoint.Create(RegionEndpoint.GetBySystemName((string)row["region"]!), (bool)row["fips"]!, (bool)row["dual_stack"]!)))
            .Where(row => row.Actual.GetLeftPart(UriPartial.Path) != new Uri(row.Expected).GetLeftPart(UriPartial.Path))
            .ToList();

        Assert.Equal(192, rows.Count);
        Assert.Empty(wrong);
    }

    [Theory]
    [InlineData("https://lambda.example.com", "https://lambda.example.com/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("https://lambda.example.com:443/", "https://lambda.example.com/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("http://localhost:9001", "http://localhost:9001/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("https://proxy.example.com:8443/base/v1/", "https://proxy.example.com:8443/base/v1/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("http://bücher.example:81", "http://xn--bcher-kva.example:81/2021-11-15/functions/f/response-streaming-invocations")]
    [InlineData("http://[::1]:9001/p", "http://[::1]:9001/p/2021-11-15/functions/f/response-streaming-invocations")]
    public void UrlOf_EndpointWithPortOrPrefix_KeepsThem(string endpoint, string expected) =>
        Assert.Equal((expected, new Uri(expected).Host), (LambdaEndpoint.CreateUrl(new Uri(endpoint), "f", null).AbsoluteUri, LambdaEndpoint.CreateUrl(new Uri(endpoint), "f", null).Host));
}
