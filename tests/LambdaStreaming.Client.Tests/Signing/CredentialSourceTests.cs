using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;
using LambdaStreaming.Signing;

namespace LambdaStreaming.Tests.Signing;

/// <summary>
/// Which source of credentials is used, and the advice of its message. The profiles are not in any file, so reading
/// from them always fails.
/// </summary>
public sealed class CredentialSourceTests
{
    private const string ReportOfProfile = "The AWS profile 'reports' did not provide credentials.";
    private const string ReportOfChain = "No AWS credentials were found.";

    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);

    public static TheoryData<string, CredentialProfileOptions> CredentialSettings => new()
    {
        { "aws_access_key_id", new() { AccessKey = "x" } },
        { "aws_secret_access_key", new() { SecretKey = "x" } },
        { "role_arn", new() { RoleArn = "x" } },
        { "source_profile", new() { SourceProfile = "x" } },
        { "credential_process", new() { CredentialProcess = "x" } },
        { "web_identity_token_file", new() { WebIdentityTokenFile = "x" } },
        { "sso_start_url", new() { SsoStartUrl = "x" } },
        { "sso_session", new() { SsoSession = "x" } },
        { "sso_account_id", new() { SsoAccountId = "x" } },
        { "login_session", new() { LoginSession = "x" } },
        { "endpoint_name", new() { EndpointName = "x" } },
    };

    // The complete sources that precede a profile, and each of their variables alone.
    public static TheoryData<bool, string[]> Variables => new()
    {
        { true, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] },
        { true, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_KEY"] },
        { false, ["AWS_ACCESS_KEY_ID"] },
        { false, ["AWS_SECRET_ACCESS_KEY"] },
        { false, ["AWS_SECRET_KEY"] },
        { true, ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"] },
        { false, ["AWS_WEB_IDENTITY_TOKEN_FILE"] },
        { false, ["AWS_ROLE_ARN"] },
    };

    public static TheoryData<CredentialProfileOptions, string> Advice => new()
    {
        { new() { SsoAccountId = "1" }, "`aws sso login --profile reports`" },
        { new() { SsoRoleName = "Reader", SsoAccountId = "1" }, "`aws sso login --profile reports`" },
        { new() { SsoSession = "s" }, "`aws sso login --profile reports`" },
        { new() { SsoStartUrl = "https://example.com" }, "`aws sso login --profile reports`" },
        { new() { LoginSession = "l" }, "`aws login --profile reports`" },
        { new() { RoleArn = "r" }, "It assumes r. The app needs" },
        { new() { RoleArn = "r", SourceProfile = "base" }, "It assumes r with the profile 'base'. The app needs" },
        { new() { RoleArn = "r", CredentialSource = "Ec2" }, "It assumes r with credential_source Ec2. The app needs" },
        { new() { WebIdentityTokenFile = "t" }, "It assumes a role with a web identity. The app needs" },
        { new() { WebIdentityTokenFile = "t", RoleArn = "r" }, "It assumes r with a web identity. The app needs" },
        { new() { SecretKey = "x" }, "not a combination that provides credentials" },
    };

    [Theory, MemberData(nameof(CredentialSettings))]
    public async Task ReadAsync_ProfileHasACredentialSetting_ReportsTheProfile(
        string setting,
        CredentialProfileOptions options)
    {
        _ = setting;

        Assert.StartsWith(ReportOfProfile, await FailAsync(options), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadAsync_ProfileHasOtherSettingsOnly_ReportsAllSources() =>
        Assert.StartsWith(ReportOfChain, await FailAsync(new()), StringComparison.Ordinal);

    [Theory, MemberData(nameof(Variables))]
    public async Task ReadAsync_ProfileAndVariables_ReportsTheFirstCompleteSource(bool isComplete, string[] variables)
    {
        foreach (var variable in variables) _variables[variable] = "x";

        var message = await FailAsync(new() { SsoSession = "x" });

        Assert.NotEqual(isComplete, message.StartsWith(ReportOfProfile, StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Advice))]
    public async Task ReadAsync_ProfileFails_MessageHasTheAdviceForItsSettings(
        CredentialProfileOptions options,
        string advice) =>
        Assert.Contains(advice, await FailAsync(options), StringComparison.Ordinal);

    [Fact]
    public void ForProfile_ExceptionHasInnerExceptions_DescribesThree()
    {
        var exception = new IOException(
            "one", new IOException("two", new IOException("three", new IOException("four"))));

        Assert.EndsWith(" AWSSDK.Core reported: one two three", Describe(exception), StringComparison.Ordinal);
    }

    [Fact]
    public void ForProfile_MessagesRepeatOrSayNothing_DescribesTheOthers()
    {
        // .NET's text for an exception without a message is "Exception of type '...' was thrown."
        var exception = new IOException("one two", new UnnamedException(new IOException("two")));

        Assert.EndsWith(" AWSSDK.Core reported: one two", Describe(exception), StringComparison.Ordinal);
    }

    // The output of the process can contain a key.
    [Fact]
    public void ForProfile_CredentialProcessFails_OmitsItsOutput()
    {
        var text = Describe(new IOException("one", new ProcessAWSCredentialException("SECRETKEY")));

        Assert.EndsWith(
            " AWSSDK.Core reported: one A credential process failed; run it by hand to see its output.",
            text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void ForProfile_ServiceErrorQuotesTheAuthorizationHeader_OmitsIt()
    {
        var text = Describe(new AmazonServiceException("'Credential=AKID/x' is not valid")
        {
            ErrorCode = "IncompleteSignature",
        });

        Assert.EndsWith(
            " AWSSDK.Core reported: IncompleteSignature: the service did not accept the signature.",
            text,
            StringComparison.Ordinal);
    }

    private static string Describe(Exception exception) => CredentialErrorMessages.ForProfile(
        new AwsEnvironment { Profile = _ => null },
        new CredentialProfile("reports", new() { SsoSession = "x" }),
        Redactor.None,
        exception);

    private async Task<string> FailAsync(CredentialProfileOptions profileOptions)
    {
        var environment = new AwsEnvironment
        {
            Variable = _variables.GetValueOrDefault,
            Profile = _ => null,
        };
        var profile = new CredentialProfile("reports", profileOptions);
        var settings = new ResolvedConfiguration(
            new Uri("https://lambda.example.com"), false, RegionEndpoint.USEast1, profile.Name, profile, null, "test");
        var options = new LambdaStreamingClientOptions();
        var credentials = SigningCredentials.Create(options, settings, environment);

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(
            () => credentials.ReadAsync(new("f"), options, TestContext.Current.CancellationToken));
        return exception.Message;
    }

    private sealed class UnnamedException(Exception innerException) : Exception(null, innerException);
}
