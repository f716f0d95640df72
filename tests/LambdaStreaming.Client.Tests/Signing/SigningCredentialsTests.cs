using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Signing;

public class SigningCredentialsTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InvokeWithResponseStreamAsync_KeysRotate_ReadsThemForEveryAttempt()
    {
        var requests = 0;
        const string Throttled = "HTTP/1.1 429 Too Many Requests\r\n"
            + "x-amzn-ErrorType: TooManyRequestsException\r\n"
            + "Content-Length: 2\r\n\r\n"
            + "{}";
        await using var service = new RawService(_ => ++requests == 1 ? Throttled : RawService.EmptyResponse);
        var credentials = new StubbedCredentials(count => new ImmutableCredentials($"AKID{count}", "secret", null));
        var options = service.Options();
        options.Credentials = credentials;
        options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        using var client = new LambdaStreamingClient(options);
        Assert.Equal(0, credentials.Reads);

        await using var first = await client.InvokeWithResponseStreamAsync(DryRun, Ct);
        await using var second = await client.InvokeWithResponseStreamAsync(DryRun, Ct);

        var keys = service.RequestHeaders.Select(
            headers => RawService.Header(headers, "Authorization")!.Split('=', '/')[1]);
        Assert.Equal(["AKID1", "AKID2", "AKID3"], keys);
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task InvokeWithResponseStreamAsync_CredentialsFail_ThrowsLambdaConfigurationException(
        Exception failure)
    {
        using var client = CreateClient(StubbedCredentials.Failing(failure));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(
            () => client.InvokeWithResponseStreamAsync(DryRun, Ct));

        Assert.Same(failure, exception.InnerException);
        Assert.False(exception.FunctionMayHaveRun);
    }

    public static TheoryData<Exception> Failures => new()
    {
        new AmazonServiceException(
            "The security token is expired", ErrorType.Sender, "ExpiredTokenException", "id", HttpStatusCode.Forbidden),
        new AmazonClientException("SSO token has expired"),
        new IOException("no such file"),
        new TaskCanceledException("timed out"),
    };

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProcessCredentialsWriteAKeyToStandardError_DoesNotShowIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command needs a POSIX shell.");
        using var client = CreateClient(new ProcessAWSCredentials("sh -c \"echo SECRETKEY >&2; exit 3\""));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(
            () => client.InvokeWithResponseStreamAsync(DryRun, Ct));

        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    // AWSSDK.Core throws such exceptions for credentials that it reads from a file.
    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_ExceptionQuotesALineOfAFile_DoesNotShowIt(bool isAggregate)
    {
        var cause = new AmazonClientException(
            "Exception 1 of 2: Line 3:<key SECRETKEY\n> in file /f is wrong.\nException 2 of 2: No role.");
        Exception failure = isAggregate
            ? new AggregateException(new IOException("No such file."), cause)
            : new AmazonClientException("It failed.", cause);
        using var client = CreateClient(StubbedCredentials.Failing(failure));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(
            () => client.InvokeWithResponseStreamAsync(DryRun, Ct));

        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(" AKID", "secret", null)]
    [InlineData("AKID\n", "secret", null)]
    [InlineData("AKIDÉ", "secret", null)]
    [InlineData("AKID", "secret\n", null)]
    [InlineData("AKID", "secret\r\n", "token")]
    [InlineData("AKID", "secret", "token\r\nX-Injected: yes")]
    [InlineData("AKID", "secret", "to ken")]
    public async Task InvokeWithResponseStreamAsync_KeyIsNotAValidHeaderValue_ThrowsAndSendsNothing(
        string accessKey,
        string secretKey,
        string? token)
    {
        using var client = CreateClient(
            new StubbedCredentials(_ => new ImmutableCredentials(accessKey, secretKey, token)));

        var call = client.InvokeWithResponseStreamAsync(DryRun, Ct);
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => call);

        Assert.Equal((0, false), (exception.Attempts, exception.FunctionMayHaveRun));
        Assert.DoesNotContain("Injected", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AnonymousCredentials_ThrowsLambdaConfigurationException()
    {
        using var client = CreateClient(new AnonymousAWSCredentials());

        await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, Ct));
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialsHangAndBlock_CancellationEndsTheWait()
    {
        using var never = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var requested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var client = CreateClient(new StubbedCredentials(_ =>
        {
            requested.SetResult();
            never.Wait(Ct);
            return new ImmutableCredentials("a", "b", null);
        }));

        var call = client.InvokeWithResponseStreamAsync(DryRun, cancellation.Token);
        await requested.Task;
        await cancellation.CancelAsync();
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => call.WaitAsync(LocalService.TooLong, Ct));
        never.Set();

        Assert.Equal(cancellation.Token, exception.CancellationToken);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_TokenIsExpired_HasTheErrorCodeOfTheService()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            options => options.CredentialsExpireAt = DateTimeOffset.UnixEpoch, Ct);
        using var client = new LambdaStreamingClient(new()
        {
            Region = server.Region,
            Credentials = server.Credentials,
            ServiceUrl = server.ServiceUrl,
        });

        var exception = await Assert.ThrowsAnyAsync<LambdaServiceException>(
            () => client.InvokeWithResponseStreamAsync(DryRun, Ct));

        Assert.Equal("ExpiredTokenException", exception.ErrorCode);
        Assert.False(exception.FunctionMayHaveRun);
    }

    private static InvokeWithResponseStreamRequest DryRun => new("f") { InvocationType = InvocationType.DryRun };

    private static LambdaStreamingClient CreateClient(AWSCredentials credentials)
    {
        var options = StubbedClient.Options();
        options.Credentials = credentials;
        return StubbedClient.Create(_ => throw new InvalidOperationException("Nothing must be sent."), options);
    }
}
