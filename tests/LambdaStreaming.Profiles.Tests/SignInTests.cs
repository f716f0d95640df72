using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests;

/// <summary>Profiles whose credentials come from another AWS service, which a local server replaces.</summary>
/// <remarks>
/// This project references the packages that these profiles require. Each test sets environment variables, so all tests
/// must be in this class, because the tests of one class run sequentially. If LAMBDASTREAMING_TOOL is set, the program
/// that it names (lambda-stream) runs instead of the client.
/// </remarks>
public sealed class SignInTests : IDisposable
{
    private const string Role = "arn:aws:iam::123456789012:role/Reader";
    private const string StartUrl = "https://example.awsapps.com/start";

    private static readonly string? Tool = Environment.GetEnvironmentVariable("LAMBDASTREAMING_TOOL");

    private static int _profiles;

    private readonly SessionAWSCredentials _keys = new(
        "ASIAEXAMPLE",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "token");
    private readonly string _home = Directory.CreateTempSubdirectory("lambda-streaming-home-").FullName;
    private readonly string _profile = $"signs-in-{Interlocked.Increment(ref _profiles)}";
    private readonly Dictionary<string, string?> _before = [];

    public SignInTests()
    {
        Set("HOME", _home);
        Set("USERPROFILE", _home);
        Set("AWS_REGION", "us-east-1");
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before) Environment.SetEnvironmentVariable(name, value);
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProfileWithRole_UsesTheCredentialsOfTheRole()
    {
        await using var sts = new RawService(_ => Xml(CreateStsResult("AssumeRole")));
        Set("AWS_ENDPOINT_URL_STS", sts.Url.AbsoluteUri);
        ConfigureRole("aws_access_key_id = source-key\naws_secret_access_key = b");

        await AssertCallsAsync();

        var authorization = RawService.Header(sts.SingleRequestHeaders, "Authorization");
        Assert.Contains("Credential=source-key/", authorization, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RoleIsDenied_MessageNamesRoleAndReason()
    {
        const string Denial =
            """
            <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <Error>
                <Type>Sender</Type>
                <Code>AccessDenied</Code>
                <Message>User a is not authorized to perform: sts:AssumeRole</Message>
              </Error>
              <RequestId>1</RequestId>
            </ErrorResponse>
            """;
        await using var sts = new RawService(_ => Xml(Denial, "403 Forbidden"));
        Set("AWS_ENDPOINT_URL_STS", sts.Url.AbsoluteUri);
        ConfigureRole("aws_access_key_id = a\naws_secret_access_key = b");

        var (message, _) = await FailAsync();

        Assert.Contains($"It assumes {Role} with the profile '{_profile}-source'", message, StringComparison.Ordinal);
        Assert.Contains("not authorized to perform: sts:AssumeRole", message, StringComparison.Ordinal);
    }

    // STS quotes the canonical request, which contains the session token of the source profile.
    [Fact]
    public async Task InvokeWithResponseStreamAsync_StsQuotesTheCanonicalRequest_MessageDoesNotContainTheToken()
    {
        const string Error =
            """
            <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <Error>
                <Type>Sender</Type>
                <Code>SignatureDoesNotMatch</Code>
                <Message>The request signature we calculated does not match the signature you provided.

            The Canonical String for this request should have been
            'POST
            /

            x-amz-security-token:SESSIONTOKEN
            '</Message>
              </Error>
              <RequestId>1</RequestId>
            </ErrorResponse>
            """;
        await using var sts = new RawService(_ => Xml(Error, "403 Forbidden"));
        Set("AWS_ENDPOINT_URL_STS", sts.Url.AbsoluteUri);
        ConfigureRole("aws_access_key_id = a\naws_secret_access_key = b\naws_session_token = SESSIONTOKEN");

        var (message, text) = await FailAsync();

        Assert.Contains("does not match the signature you provided", message, StringComparison.Ordinal);
        Assert.DoesNotContain("SESSIONTOKEN", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcessWritesAKeyToStandardError_DoesNotShowIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command requires a POSIX shell.");
        ConfigureRole("credential_process = sh -c \"echo SECRETKEY >&2; exit 3\"");

        var (message, text) = await FailAsync();

        Assert.Contains("A credential process failed; run it by hand", message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProfileWithWebIdentity_UsesTheCredentialsOfTheRole()
    {
        await using var sts = new RawService(_ => Xml(CreateStsResult("AssumeRoleWithWebIdentity")));
        Set("AWS_ENDPOINT_URL_STS", sts.Url.AbsoluteUri);
        var token = Path.Combine(_home, "token.jwt");
        await File.WriteAllTextAsync(token, "jwt", TestContext.Current.CancellationToken);
        Configure($"role_arn = {Role}\nrole_session_name = test\nweb_identity_token_file = {token}");

        await AssertCallsAsync();
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_SsoProfileIsSignedIn_UsesTheCredentialsOfTheRole()
    {
        Assert.SkipWhen(
            OperatingSystem.IsWindows(),
            "AWSSDK.Core asks Windows for the folder of the user, and a test cannot replace it.");
        var expiration = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds();
        var credentials =
            $$"""
            {
              "roleCredentials": {
                "accessKeyId": "ASIAEXAMPLE",
                "secretAccessKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                "sessionToken": "token",
                "expiration": {{expiration}}
              }
            }
            """;
        await using var sso = new RawService(_ => CreateResponse("200 OK", "application/json", credentials));
        Set("AWS_ENDPOINT_URL_SSO", sso.Url.AbsoluteUri);
        ConfigureSso();
        SignIn(TimeProvider.System.GetUtcNow().AddHours(1));

        await AssertCallsAsync();

        Assert.Equal("sso-token", RawService.Header(sso.SingleRequestHeaders, "x-amz-sso_bearer_token"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(-1)]
    public async Task InvokeWithResponseStreamAsync_SsoProfileIsNotSignedIn_MessageHasTheCommand(int? hours)
    {
        await using var sso = new RawService(_ => CreateResponse("400 Bad Request", "application/json", "{}"));
        Set("AWS_ENDPOINT_URL_SSO", sso.Url.AbsoluteUri);
        Set("AWS_ENDPOINT_URL_SSO_OIDC", sso.Url.AbsoluteUri);
        ConfigureSso();
        if (hours is { } given) SignIn(TimeProvider.System.GetUtcNow().AddHours(given));

        var (message, _) = await FailAsync();

        Assert.Contains($"`aws sso login --profile {_profile}`", message, StringComparison.Ordinal);
    }

    private async Task AssertCallsAsync()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            options =>
            {
                options.Credentials = _keys;
                options.AddFunction("f");
            },
            TestContext.Current.CancellationToken);
        if (Tool is not null)
        {
            var run = await RunToolAsync(server.ServiceUrl);
            Assert.Equal((0, ""), run);
        }
        else
        {
            using var client = new LambdaStreamingClient(
                new() { Profile = _profile, Region = server.Region, ServiceUrl = server.ServiceUrl });
            await using var response =
                await client.InvokeWithResponseStreamAsync(new("f"), TestContext.Current.CancellationToken);
        }

        Assert.Equal("token", Assert.Single(server.Requests).Headers["x-amz-security-token"]);
    }

    /// <returns>The message, and the complete text of the exception.</returns>
    private async Task<(string Message, string Text)> FailAsync()
    {
        var url = new Uri("http://127.0.0.1:1");
        if (Tool is not null)
        {
            var (exitCode, error) = await RunToolAsync(url);
            Assert.Equal(7, exitCode);
            return (error, error);
        }

        var options = new LambdaStreamingClientOptions { Profile = _profile, ServiceUrl = url };
        using var client = new LambdaStreamingClient(options);
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(
            () => client.InvokeWithResponseStreamAsync(new("f"), TestContext.Current.CancellationToken));
        TestContext.Current.TestOutputHelper?.WriteLine(exception.Message);
        return (exception.Message, exception.ToString());
    }

    private async Task<(int ExitCode, string Error)> RunToolAsync(Uri url)
    {
        string[] arguments = ["invoke", "f", "--profile", _profile, "--endpoint-url", url.ToString()];
        var info = new ProcessStartInfo(Tool!, arguments) { RedirectStandardError = true, UseShellExecute = false };
        using var process = Process.Start(info)!;
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, error);
    }

    private void Configure(string settings) =>
        File.WriteAllText(ModuleSetup.ConfigFile, $"[profile {_profile}]\n{settings}\n");

    private void ConfigureRole(string sourceSettings) => Configure(
        $"role_arn = {Role}\nsource_profile = {_profile}-source\n[profile {_profile}-source]\n{sourceSettings}");

    private void ConfigureSso() => Configure(
        $"""
        sso_start_url = {StartUrl}
        sso_region = us-east-1
        sso_account_id = 123456789012
        sso_role_name = Reader
        """);

    // Writes the token file that `aws sso login` creates. Its name is the SHA-1 of the start URL.
    // Source: AWS SDKs and Tools Reference Guide, "IAM Identity Center credential provider".
    private void SignIn(DateTimeOffset expiresAt)
    {
        var cache = Directory.CreateDirectory(Path.Combine(_home, ".aws", "sso", "cache")).FullName;
#pragma warning disable CA5350, CA1308 // AWS defines this file name.
        var name = Convert.ToHexString(SHA1.HashData(Encoding.UTF8.GetBytes(StartUrl))).ToLowerInvariant();
#pragma warning restore CA5350, CA1308
        var token =
            $$"""
            {
              "startUrl": "{{StartUrl}}",
              "region": "us-east-1",
              "accessToken": "sso-token",
              "expiresAt": "{{expiresAt:yyyy-MM-ddTHH:mm:ssZ}}"
            }
            """;
        File.WriteAllText(Path.Combine(cache, name + ".json"), token);
    }

    private static string CreateStsResult(string action) =>
        $"""
        <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <{action}Result>
            <AssumedRoleUser>
              <Arn>{Role}/s</Arn>
              <AssumedRoleId>A:s</AssumedRoleId>
            </AssumedRoleUser>
            <Credentials>
              <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
              <SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY</SecretAccessKey>
              <SessionToken>token</SessionToken>
              <Expiration>{TimeProvider.System.GetUtcNow().AddHours(1):yyyy-MM-ddTHH:mm:ssZ}</Expiration>
            </Credentials>
          </{action}Result>
          <ResponseMetadata>
            <RequestId>1</RequestId>
          </ResponseMetadata>
        </{action}Response>
        """;

    private static string Xml(string body, string status = "200 OK") => CreateResponse(status, "text/xml", body);

    private static string CreateResponse(string status, string contentType, string body) =>
        $"HTTP/1.1 {status}\r\nContent-Type: {contentType}\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    private void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}
