using LambdaStreaming.Configuration;
using LambdaStreaming.Invocation;


namespace LambdaStreaming.Tests.Http;

public class RequestHeadersTests
{
    [Fact]
    public async Task InvokeWithResponseStreamAsync_Resent_KeepsTheInvocationIdAndCountsAttempts()
    {
        var answers = 0;
        await using var service = new RawService(_ => Interlocked.Increment(ref answers) == 1 ? "HTTP/1.1 429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\nContent-Length: 2\r\n\r\n{}" : RawService.EmptyResponse);
        var options = service.Options();
        options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        options.Retry.MaxAttempts = 4;
        using var client = new LambdaStreamingClient(options);

        await using var response = await client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken);

        var heads = service.Heads.ToArray();
        Assert.Equal(["attempt=1; max=4", "attempt=2; max=4"], heads.Select(head => RawService.Header(head, "amz-sdk-request")));
        Assert.Single(heads.Select(head => RawService.Header(head, "amz-sdk-invocation-id")).Distinct());
        Assert.True(Guid.TryParse(RawService.Header(heads[0], "amz-sdk-invocation-id"), out _));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_UnsignedHeaders_AreNotInTheSignature()
    {
        await using var service = new RawService();
        using var client = new LambdaStreamingClient(service.Options());

        await using var response = await client.InvokeWithResponseStreamAsync(new("f") { InvocationType = InvocationType.DryRun }, TestContext.Current.CancellationToken);

        Assert.Contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-invocation-type,", RawService.Header(service.Head, "Authorization"), StringComparison.Ordinal);
        Assert.Equal(UserAgent.Create(null, null), RawService.Header(service.Head, "User-Agent"));
        Assert.Null(RawService.Header(service.Head, "X-Amzn-Trace-Id"));
    }

    [Fact]
    public void Of_NothingGiven_LeadsWithOurOwnNameAndClaimsNoSdk()
    {
        var value = UserAgent.Create(null, null);
        Assert.Contains(OperatingSystem.IsLinux() ? " os/linux " : OperatingSystem.IsMacOS() ? " os/macos " : OperatingSystem.IsWindows() ? " os/windows " : " os/other ", value, StringComparison.Ordinal);

        Assert.Matches(@"^lambda-streaming-dotnet/\d+\.\d+\.\d+\S* os/(linux|windows|macos|other) lang/dotnet#\d+\.\d+\.\d+$", value);
        Assert.DoesNotContain("aws-sdk", value, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_AppIdWithCharactersThatATokenCantHold_ReplacesThem() =>
        Assert.EndsWith(" exec-env/AWS_Lambda_dotnet10 app/my-app-1--x---y", UserAgent.Create("my app/1\r\nx(é)y", "AWS_Lambda_dotnet10"), StringComparison.Ordinal);

    [Theory]
    [InlineData("my-function", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")]
    [InlineData(null, "Root=1-5759e988-bd862e3fe1be46a994272793", null)]
    [InlineData("my-function", null, null)]
    [InlineData("my-function", "Root=1\r\nX-Evil: 1", null)]
    public void Of_TraceOfTheRunningInvocation_OnlyInsideLambda(string? functionName, string? traceId, string? expected)
    {
        var environment = new AwsEnvironment
        {
            Variable = name => name switch { "AWS_LAMBDA_FUNCTION_NAME" => functionName, "_X_AMZN_TRACE_ID" => traceId, _ => null },
        };

        Assert.Equal(expected, TraceContext.FromEnvironment(environment));
    }
}
