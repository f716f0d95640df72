using System.Net;
using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Errors;

/// <summary>What to do about a failure is a property, which the message has too.</summary>
public sealed class AdviceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Advice_OfAServiceError_NamesFunctionAndRegion()
    {
        var exception = await FailAsync(404, "ResourceNotFoundException");

        Assert.Contains("(f), the region (us-east-1)", exception.Advice, StringComparison.Ordinal);
        Assert.Contains(exception.Advice!, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(InvocationType.RequestResponse, true)]
    [InlineData(InvocationType.DryRun, false)]
    public async Task Advice_OfATransientError_WarnsOfASecondRunOnlyIfThereCanBeOne(InvocationType type, bool warns)
    {
        var exception = await FailAsync(500, "ServiceException", type);

        Assert.StartsWith("Send it again", exception.Advice, StringComparison.Ordinal);
        Assert.Equal(warns, exception.Advice!.Contains("twice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Advice_OfAnUnknownError_IsNone() => Assert.Null((await FailAsync(418, "FutureException")).Advice);

    [Fact]
    public async Task Advice_OfARefusedConnection_IsThatOfTheMessage()
    {
        var failure = new HttpRequestException(HttpRequestError.ConnectionError, "x");
        using var client = StubbedClient.Sending((_, _) => throw failure);

        var call = client.InvokeWithResponseStreamAsync(new("f"), Ct);
        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => call);

        Assert.Equal("Check the address, the network and any proxy.", exception.Advice);
        Assert.Contains(exception.Advice!, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FunctionErrorCodes.SandboxTimedout, true)]
    [InlineData(FunctionErrorCodes.Unhandled, false)]
    public async Task Advice_OfAFunctionError_DependsOnItsCode(string code, bool hasAdvice)
    {
        var wire = Messages.Complete($$"""{"ErrorCode":"{{code}}"}""");
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(() => response.ReadAsByteArrayAsync(cancellationToken: Ct));

        Assert.Equal(hasAdvice, exception.Advice is not null);
    }

    private static async Task<LambdaServiceException> FailAsync(
        int status,
        string code,
        InvocationType type = InvocationType.RequestResponse)
    {
        var body = Encoding.UTF8.GetBytes("{}");
        using var client = StubbedClient.Create(_ =>
            StubbedClient.Answer(new MemoryStream(body), (HttpStatusCode)status, ("x-amzn-ErrorType", code)));
        var request = new InvokeWithResponseStreamRequest("f")
        {
            InvocationType = type,
            Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never },
        };
        var call = client.InvokeWithResponseStreamAsync(request, Ct);
        return await Assert.ThrowsAnyAsync<LambdaServiceException>(() => call);
    }
}
