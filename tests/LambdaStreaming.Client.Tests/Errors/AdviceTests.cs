using System.Net;
using System.Text;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Errors;

/// <summary>The advice about a failure is a property and part of the message.</summary>
public sealed class AdviceTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Advice_ServiceError_NamesFunctionAndRegion()
    {
        var exception = await FailAsync(404, "ResourceNotFoundException");

        Assert.Matches(@"\bf\b", exception.Advice);
        Assert.Contains("us-east-1", exception.Advice, StringComparison.Ordinal);
        Assert.Contains(exception.Advice!, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(InvocationType.RequestResponse, true)]
    [InlineData(InvocationType.DryRun, false)]
    public async Task Advice_TransientError_WarnsOfASecondRunOnlyIfItIsPossible(InvocationType type, bool warns)
    {
        var exception = await FailAsync(500, "ServiceException", type);

        Assert.NotNull(exception.Advice);
        Assert.Equal(
            warns, exception.Advice != (await FailAsync(500, "ServiceException", InvocationType.DryRun)).Advice);
    }

    [Fact]
    public async Task Advice_UnknownError_IsNull() => Assert.Null((await FailAsync(418, "FutureException")).Advice);

    [Fact]
    public async Task Advice_ConnectionRefused_IsInTheMessage()
    {
        var failure = new HttpRequestException(HttpRequestError.ConnectionError, "x");
        using var client = StubbedClient.Sending((_, _) => throw failure);

        var call = client.InvokeWithResponseStreamAsync(new("f"), Ct);
        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => call);

        Assert.Contains("proxy", exception.Advice, StringComparison.Ordinal);
        Assert.Contains(exception.Advice!, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FunctionErrorCodes.SandboxTimedout, true)]
    [InlineData(FunctionErrorCodes.Unhandled, false)]
    public async Task Advice_FunctionError_DependsOnItsCode(string code, bool hasAdvice)
    {
        var wire = Messages.Complete($$"""{"ErrorCode":"{{code}}"}""");
        await using var response = InvokeWithResponseStreamResponse.Create(new MemoryStream(wire));

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.ReadAsByteArrayAsync(cancellationToken: Ct));

        Assert.Equal(hasAdvice, exception.Advice is not null);
    }

    private static async Task<LambdaServiceException> FailAsync(
        int status,
        string code,
        InvocationType type = InvocationType.RequestResponse)
    {
        var body = Encoding.UTF8.GetBytes("{}");
        using var client = StubbedClient.Create(_ =>
            StubbedClient.CreateResponse(new MemoryStream(body), (HttpStatusCode)status, ("x-amzn-ErrorType", code)));
        var request = new InvokeWithResponseStreamRequest("f")
        {
            InvocationType = type,
            Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never },
        };
        var call = client.InvokeWithResponseStreamAsync(request, Ct);
        return await Assert.ThrowsAnyAsync<LambdaServiceException>(() => call);
    }
}
