using LambdaStreaming.Configuration;
using LambdaStreaming.Invocation;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Invocation;

public class RequestHeadersTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InvokeWithResponseStreamAsync_Retried_KeepsTheInvocationIdAndCountsAttempts()
    {
        var requests = 0;
        const string Throttled = "HTTP/1.1 429 Too Many Requests\r\n"
            + "x-amzn-ErrorType: TooManyRequestsException\r\n"
            + "Content-Length: 2\r\n\r\n"
            + "{}";
        await using var service = new RawService(
            _ => Interlocked.Increment(ref requests) == 1 ? Throttled : RawService.EmptyResponse);
        var options = service.Options();
        options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        options.Retry.MaxAttempts = 4;
        using var client = new LambdaStreamingClient(options);

        var request = new InvokeWithResponseStreamRequest("f") { InvocationType = InvocationType.DryRun };
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);

        var attempts = service.RequestHeaders.Select(headers => RawService.Header(headers, "amz-sdk-request"));
        var ids = service.RequestHeaders.Select(headers => RawService.Header(headers, "amz-sdk-invocation-id"));
        Assert.Equal(["attempt=1; max=4", "attempt=2; max=4"], attempts);
        Assert.True(Guid.TryParse(Assert.Single(ids.Distinct()), out _));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_UnsignedHeaders_AreNotInTheSignature()
    {
        await using var service = new RawService();
        using var client = new LambdaStreamingClient(service.Options());

        var request = new InvokeWithResponseStreamRequest("f") { InvocationType = InvocationType.DryRun };
        await using var response = await client.InvokeWithResponseStreamAsync(request, Ct);

        Assert.Contains(
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-invocation-type,",
            RawService.Header(service.SingleRequestHeaders, "Authorization"),
            StringComparison.Ordinal);
        Assert.Equal(UserAgent.Create(null, null), RawService.Header(service.SingleRequestHeaders, "User-Agent"));
        Assert.Null(RawService.Header(service.SingleRequestHeaders, "X-Amzn-Trace-Id"));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_HandlerChangesTheContentType_ChangesOnlyThatRequest()
    {
        List<string> types = [];
        using var changing = StubbedClient.Create(request =>
        {
            var type = request.Content!.Headers.ContentType!;
            types.Add(type.ToString());
            type.Parameters.Add(new("boundary", "x"));
            return StubbedClient.CreateResponse(new MemoryStream(Messages.Complete()));
        });
        using var other = StubbedClient.Create(request =>
        {
            types.Add(request.Content!.Headers.ContentType!.ToString());
            return StubbedClient.CreateResponse(new MemoryStream(Messages.Complete()));
        });

        foreach (var client in (LambdaStreamingClient[])[changing, changing, other])
        {
            await using var response = await client.InvokeAsync("f");
        }

        Assert.Equal(Enumerable.Repeat("application/octet-stream", 3), types);
    }

    [Fact]
    public void UserAgent_NoAppId_StartsWithOurNameAndNamesNoSdk()
    {
        var value = UserAgent.Create(null, null);

        Assert.Contains($" os/{GetOperatingSystem()} ", value, StringComparison.Ordinal);
        Assert.Matches(
            @"^lambda-streaming-dotnet/\d+\.\d+\.\d+\S* os/(linux|windows|macos|other) lang/dotnet#\d+\.\d+\.\d+$",
            value);
        Assert.DoesNotContain("aws-sdk", value, StringComparison.Ordinal);
    }

    [Fact]
    public void UserAgent_AppIdHasInvalidCharacters_ReplacesThem() =>
        Assert.EndsWith(
            " exec-env/AWS_Lambda_dotnet10 app/my-app-1--x---y",
            UserAgent.Create("my app/1\r\nx(é)y", "AWS_Lambda_dotnet10"),
            StringComparison.Ordinal);

    [Theory]
    [InlineData(
        "my-function",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")]
    [InlineData(null, "Root=1-5759e988-bd862e3fe1be46a994272793", null)]
    [InlineData("my-function", null, null)]
    [InlineData("my-function", "Root=1\r\nX-Evil: 1", null)]
    public void FromEnvironment_TraceIdIsSet_IsReturnedOnlyInsideLambda(
        string? functionName,
        string? traceId,
        string? expected)
    {
        var environment = new AwsEnvironment
        {
            Variable = name => name switch
            {
                "AWS_LAMBDA_FUNCTION_NAME" => functionName,
                "_X_AMZN_TRACE_ID" => traceId,
                _ => null,
            },
        };

        Assert.Equal(expected, TraceContext.FromEnvironment(environment));
    }

    private static string GetOperatingSystem()
    {
        if (OperatingSystem.IsLinux()) return "linux";
        if (OperatingSystem.IsMacOS()) return "macos";
        return OperatingSystem.IsWindows() ? "windows" : "other";
    }
}
