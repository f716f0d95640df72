using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Signing;

public class SigningCredentialsTests
{
    [Fact]
    public async Task InvokeWithResponseStreamAsync_KeysThatRotate_AreReadOnEveryAttempt()
    {
        var answers = 0;
        await using var service = new RawService(_ => ++answers == 1 ? "HTTP/1.1 429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\nContent-Length: 2\r\n\r\n{}" : RawService.EmptyResponse);
        var credentials = new StubbedCredentials(count => new ImmutableCredentials($"AKID{count}", "secret", null));
        var options = service.Options();
        options.Credentials = credentials;
        options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        using var client = new LambdaStreamingClient(options);
        Assert.Equal(0, credentials.Reads);

        await using var first = await client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken);
        await using var second = await client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken);

        Assert.Equal(["AKID1", "AKID2", "AKID3"], service.Heads.Select(head => RawService.Header(head, "Authorization")!.Split('=', '/')[1]));
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task InvokeWithResponseStreamAsync_CredentialsFail_IsAConfigurationError(Exception failure)
    {
        using var client = Client(StubbedCredentials.Failing(failure));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));

        Assert.Same(failure, exception.InnerException);
        Assert.False(exception.FunctionMayHaveRun);
    }

    public static TheoryData<Exception> Failures => new()
    {
        new AmazonServiceException("The security token is expired", ErrorType.Sender, "ExpiredTokenException", "id", System.Net.HttpStatusCode.Forbidden),
        new AmazonClientException("SSO token has expired"),
        new IOException("no such file"),
        new TaskCanceledException("timed out"),
    };

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcessGivenByCodeWritesAKeyToItsErrors_TheMessageLeavesItOut()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is a POSIX shell's.");
        using var client = Client(new ProcessAWSCredentials("sh -c \"echo SECRETKEY >&2; exit 3\""));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));

        Assert.DoesNotContain("SECRETKEY", exception.Message, StringComparison.Ordinal);
        Assert.Contains("SECRETKEY", exception.InnerException!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AKID\n", "secret", null)]
    [InlineData("AKIDÉ", "secret", null)]
    [InlineData("AKID", "secret\n", null)]
    [InlineData("AKID", "secret\r\n", "token")]
    [InlineData("AKID", "secret", "token\r\nX-Injected: yes")]
    [InlineData("AKID", "secret", "to ken")]
    public async Task InvokeWithResponseStreamAsync_KeyThatNoHeaderCanCarry_IsAConfigurationErrorAndNothingIsSent(
        string accessKey,
        string secretKey,
        string? token)
    {
        using var client = Client(new StubbedCredentials(_ => new ImmutableCredentials(accessKey, secretKey, token)));

        var call = client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken);
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => call);

        Assert.Equal((0, false), (exception.Attempts, exception.FunctionMayHaveRun));
        Assert.DoesNotContain("Injected", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AnonymousCredentials_IsAConfigurationError()
    {
        using var client = Client(new AnonymousAWSCredentials());

        await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialsHangAndBlock_CancellationEndsTheWait()
    {
        using var never = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = Client(new StubbedCredentials(_ =>
        {
            asked.SetResult();
            never.Wait(TestContext.Current.CancellationToken);
            return new ImmutableCredentials("a", "b", null);
        }));

        var call = client.InvokeWithResponseStreamAsync(DryRun, cancellation.Token);
        await asked.Task;
        await cancellation.CancelAsync();
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(LocalService.TooLong, TestContext.Current.CancellationToken));
        never.Set();

        Assert.Equal(cancellation.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TokenExpired_TheServiceSaysSo()
    {
        await using var server = await LocalLambdaServer.StartAsync(options => options.CredentialsExpireAt = DateTimeOffset.UnixEpoch, TestContext.Current.CancellationToken);
        using var client = new LambdaStreamingClient(new() { Region = server.Region, Credentials = server.Credentials, ServiceUrl = server.ServiceUrl });

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));

        Assert.Equal("ExpiredTokenException", exception.ErrorCode);
        Assert.False(exception.FunctionMayHaveRun);
    }

    private static InvokeWithResponseStreamRequest DryRun => new("f") { InvocationType = InvocationType.DryRun };

    private static LambdaStreamingClient Client(AWSCredentials credentials)
    {
        var options = StubbedClient.Options();
        options.Credentials = credentials;
        return StubbedClient.Create(_ => throw new InvalidOperationException("Nothing must be sent."), options);
    }
}
