using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Signing;

public class SigningCredentialsTests
{
    [Fact]
    public async Task InvokeWithResponseStreamAsync_KeysThatRotate_AreReadOnEveryAttempt()
    {
        var answers = 0;
        await using var service = new RawService(_ => ++answers == 1 ? "HTTP/1.1 429 Too Many Requests\r\nx-amzn-ErrorType: TooManyRequestsException\r\nContent-Length: 2\r\n\r\n{}" : RawService.EmptyAnswer);
        var credentials = new StubbedCredentials(count => new ImmutableCredentials($"AKID{count}", "secret", null));
        var options = service.Options();
        options.Credentials = credentials;
        options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        using var client = new LambdaStreamingClient(options);
        Assert.Equal(0, credentials.Asked);

        await using var first = await client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken);
        await using var second = await client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken);

        Assert.Equal(["AKID1", "AKID2", "AKID3"], service.Heads.Select(head => RawService.Header(head, "Authorization")!.Split('=', '/')[1]));
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task InvokeWithResponseStreamAsync_CredentialsFail_IsAConfigurationErrorWithTheirWords(string words, Exception failure)
    {
        using var client = Client(new StubbedCredentials(_ => throw failure));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));

        Assert.Contains(nameof(StubbedCredentials), exception.Message, StringComparison.Ordinal);
        Assert.Contains(words, exception.Message, StringComparison.Ordinal);
        Assert.Same(failure, exception.InnerException);
        Assert.False(exception.FunctionMayHaveRun);
    }

    public static TheoryData<string, Exception> Failures => new()
    {
        { "The security token is expired", new AmazonServiceException("The security token is expired", ErrorType.Sender, "ExpiredTokenException", "id", System.Net.HttpStatusCode.Forbidden) },
        { "SSO token has expired", new AmazonClientException("SSO token has expired") },
        { "no such file", new IOException("no such file") },
        { "timed out", new TaskCanceledException("timed out") },
    };

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcessGivenByCodeWritesAKeyToItsErrors_TheMessageLeavesItOut()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is a POSIX shell's.");
        using var client = Client(new ProcessAWSCredentials("sh -c \"echo SECRETKEY >&2; exit 3\""));

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));

        Assert.Equal("The LambdaStreamingClientOptions.Credentials (ProcessAWSCredentials) gave no keys: A credential process failed; run it by hand to see what it says.", exception.Message);
        Assert.Contains("SECRETKEY", exception.InnerException!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AKID\n", "secret", null, "access key", "U+000A, number 5 of 5")]
    [InlineData("AKIDÉ", "secret", null, "access key", "U+00C9, number 5 of 5")]
    [InlineData("AKID", "secret\n", null, "secret access key", "U+000A, number 7 of 7")]
    [InlineData("AKID", "secret\r\n", "token", "secret access key", "U+000D, number 7 of 8")]
    [InlineData("AKID", "secret", "token\r\nX-Injected: yes", "session token", "U+000D, number 6 of 22")]
    [InlineData("AKID", "secret", "to ken", "session token", "U+0020, number 3 of 6")]
    public async Task InvokeWithResponseStreamAsync_KeyThatNoHeaderCanCarry_IsAConfigurationErrorAndNothingIsSent(
        string accessKey,
        string secretKey,
        string? token,
        string what,
        string where)
    {
        using var client = Client(new StubbedCredentials(_ => new ImmutableCredentials(accessKey, secretKey, token)));

        var call = client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken);
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => call);

        Assert.StartsWith(
            $"The {what} of the credentials has a character ({where}) that no {what} has",
            exception.Message,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Injected", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AnonymousCredentials_SaysThatTheyHaveNoKeys()
    {
        using var client = Client(new AnonymousAWSCredentials());

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeWithResponseStreamAsync(DryRun, TestContext.Current.CancellationToken));

        Assert.Contains("AnonymousAWSCredentials", exception.Message, StringComparison.Ordinal);
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
        Assert.Contains("Nothing was sent", exception.Message, StringComparison.Ordinal);
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

    private sealed class StubbedCredentials(Func<int, ImmutableCredentials> get) : AWSCredentials
    {
        private int _asked;

        public int Asked => _asked;

        public override ImmutableCredentials GetCredentials() => get(Interlocked.Increment(ref _asked));
    }
}
