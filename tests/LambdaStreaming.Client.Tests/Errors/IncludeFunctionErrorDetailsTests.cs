using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Errors;

/// <summary>The function's own error message in the message of the exception.</summary>
public class IncludeFunctionErrorDetailsTests
{
    private const string Payload = """{"secret":"of-the-payload"}""";

    [Theory]
    [InlineData("""{"errorType":"RangeError","errorMessage":"out of tokens"}""", "(RangeError): out of tokens. For")]
    [InlineData("out of tokens", "Function.Broken: out of tokens. For")]
    [InlineData("""{"other":"out of tokens"}""", "Function.Broken. For")]
    [InlineData("""{"errorMessage":"first\nsecond"}""", "Function.Broken: first. For")]
    [InlineData("""{"errorMessage":"a\u001b[31m b"}""", "Function.Broken: a [31m b. For")]
    public async Task FunctionErrorException_OptionIsSet_MessageContainsOneCleanLine(string details, string expected)
    {
        var exception = await FailAsync(details, include: true);

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FunctionErrorException_OptionIsNotSet_MessageDoesNotContainIt()
    {
        var exception = await FailAsync("""{"errorMessage":"out of tokens"}""", include: false);

        Assert.DoesNotContain("out of tokens", exception.ToString(), StringComparison.Ordinal);
        Assert.Equal("out of tokens", exception.FunctionErrorMessage);
    }

    [Fact]
    public async Task FunctionErrorException_TextIsLong_MessageIsBounded()
    {
        var exception = await FailAsync(new string('x', 100_000), include: true);

        Assert.InRange(exception.Message.Length, 1000, 1400);
    }

    [Fact]
    public async Task FunctionErrorException_TextQuotesThePayload_MessageDoesNotContainThePayload()
    {
        var exception = await FailAsync("Cannot process " + Payload, include: true);

        Assert.Contains("Cannot process …", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("of-the-payload", exception.Message, StringComparison.Ordinal);
    }

    private static async Task<FunctionErrorException> FailAsync(string details, bool include)
    {
        var token = TestContext.Current.CancellationToken;
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("f", (_, response, _) =>
            {
                response.Fail("Function.Broken", details);
                return Task.CompletedTask;
            }),
            token);
        using var client = lambda.CreateClient(options => options.IncludeFunctionErrorDetails = include);
        await using var response = await client.InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest.FromJson("f", Payload), token);
        return await Assert.ThrowsAsync<FunctionErrorException>(
            () => response.ReadAsStringAsync(cancellationToken: token));
    }
}
