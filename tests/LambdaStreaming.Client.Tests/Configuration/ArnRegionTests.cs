namespace LambdaStreaming.Tests.Configuration;

/// <summary>ARNs of functions in another region than the client's, which is us-east-1.</summary>
public class ArnRegionTests
{
    private const string Other = "arn:aws:lambda:eu-central-1:123456789012:function:f";

    [Theory]
    [InlineData(Other)]
    [InlineData(Other + ":live")]
    [InlineData("arn:aws-cn:lambda:cn-north-1:123456789012:function:f")]
    public async Task InvokeWithResponseStreamAsync_ArnOfAnotherRegion_ThrowsBeforeSending(string functionName)
    {
        var requests = 0;
        using var client = Create(() => requests++);

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync(functionName));

        Assert.Equal(0, requests);
        Assert.False(exception.FunctionMayHaveRun);
        Assert.Equal("us-east-1", exception.Region);
        Assert.Equal(functionName, exception.FunctionName);
    }

    [Theory]
    [InlineData("f")]
    [InlineData("123456789012:function:f")]
    [InlineData("arn:aws:lambda:us-east-1:123456789012:function:f")]
    [InlineData("arn:aws:lambda")]
    [InlineData("arn:aws:lambda::123456789012:function:f")]
    public async Task InvokeWithResponseStreamAsync_NoOtherRegion_IsSent(string functionName)
    {
        var requests = 0;
        using var client = Create(() => requests++);

        await using var response = await client.InvokeAsync(functionName);

        Assert.Equal(1, requests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CustomEndpoint_DecidesItself()
    {
        var requests = 0;
        using var client = Create(() => requests++, new Uri("https://vpce.example.com"));

        await using var response = await client.InvokeAsync(Other);

        Assert.Equal(1, requests);
    }

    private static LambdaStreamingClient Create(Action onRequest, Uri? serviceUrl = null)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = serviceUrl;
        return StubbedClient.Create(
            _ =>
            {
                onRequest();
                return StubbedClient.CreateResponse(Stream.Null);
            },
            options);
    }
}
