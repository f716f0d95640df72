using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;
using LambdaStreaming.Signing;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Failures to get credentials, and the advice for each kind of AWS profile.</summary>
internal static class CredentialsScenarios
{
    private const string Role = "arn:aws:iam::123456789012:role/Reader";

    public static MessageArea Area { get; } = new("Credentials", [.. Explicit(), .. Profiles(), .. Chain()]);

    private static IEnumerable<MessageScenario> Explicit() =>
    [
        new("Credentials fail", () => ReadAsync(StubbedCredentials.Failing(new IOException("No such file.")))),
        new("Credential process fails", () => ReadAsync(
            StubbedCredentials.Failing(new ProcessAWSCredentialException("SECRET")))),
        new("Credentials without keys", () => ReadAsync(new AnonymousAWSCredentials())),
        new("Credentials do not arrive", TimeoutAsync),
        new("Access key that a header cannot contain", () => ReadAsync(Keys("AKID\n", "secret", null))),
        new("Secret access key with a line end", () => ReadAsync(Keys("AKID", "secret\n", null))),
        new("Secret access key with a comment", () => ReadAsync(Keys("AKID", "secret # mine", null))),
        new("Session token that a header cannot contain", () => ReadAsync(Keys("AKID", "secret", "to ken"))),
    ];

    private static IEnumerable<MessageScenario> Profiles() =>
    [
        Profile("credential process", new() { CredentialProcess = "process" }),
        Profile("role with MFA", new() { RoleArn = Role, MfaSerial = "arn:aws:iam::123456789012:mfa/me" }),
        Profile("role with a web identity", new() { RoleArn = Role, WebIdentityTokenFile = "token.jwt" }),
        Profile("role with a source profile", new() { RoleArn = Role, SourceProfile = "base" }),
        Profile("role with a credential source", new() { RoleArn = Role, CredentialSource = "Environment" }),
        Profile("IAM Identity Center", new() { SsoSession = "my-sso" }),
        Profile("console sign-in", new() { LoginSession = "arn:aws:iam::123456789012:user/me" }),
        Profile("incomplete settings", new() { AccessKey = "AKID" }),
        Profile("circular source", new() { RoleArn = Role, SourceProfile = "work" }),
        Profile(
            "reason of AWSSDK.Core",
            new() { RoleArn = Role, SourceProfile = "base" },
            new AmazonClientException("It failed.", new InvalidOperationException("The package is missing."))),
        Profile(
            "line without an equals sign",
            new() { AccessKey = "AKID", SecretKey = "b" },
            new InvalidDataException(
                "Line 3:<aws_secret_access_key SECRET\n> in file /f does not contain a section, property or comment.")),
    ];

    private static IEnumerable<MessageScenario> Chain() =>
    [
        new("No credentials anywhere", () => Throw(CredentialErrorMessages.ForChain(
            Environment(), "default", Redactor.None, null))),
        new("Web identity of the environment", () => Throw(CredentialErrorMessages.ForChain(
            Environment(("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")), "default", Redactor.None, null))),
        new("Line without an equals sign in a file", () => Throw(CredentialErrorMessages.ForChain(
            Environment(), "default", Redactor.None, new AmazonClientException(
                "Exception 1 of 2: No keys.\nException 2 of 2: Line 3:<aws_secret_access_key SECRET\n> in file /f does "
                + "not contain a section, property or comment.")))),
        new("Profile of the environment not found", () => Throw(CredentialErrorMessages.ForChain(
            Environment(), "nobody", Redactor.None, new ProfileNotFoundException("x")))),
    ];

    private static MessageScenario Profile(
        string name,
        CredentialProfileOptions options,
        Exception? exception = null) => new($"Profile: {name}", () =>
        {
            var profile = new CredentialProfile("work", options);
            Throw(CredentialErrorMessages.ForProfile(Environment(), profile, Redactor.None, exception));
        });

    private static void Throw(string message) => throw new LambdaConfigurationException(message);

    private static AwsEnvironment Environment(params (string Name, string Value)[] variables) => new()
    {
        Variable = name => variables.FirstOrDefault(variable => variable.Name == name).Value,
        Profile = _ => null,
    };

    private static StubbedCredentials Keys(string accessKey, string secretKey, string? token) =>
        new(_ => new ImmutableCredentials(accessKey, secretKey, token));

    private static Task ReadAsync(AWSCredentials credentials)
    {
        var options = StubbedClient.Options();
        options.Credentials = credentials;
        return Provocations.ReadAsync(StubbedClient.Streaming(Stream.Null, options));
    }

    private static Task TimeoutAsync()
    {
        var clock = new FakeTimeProvider();
        var options = StubbedClient.Options();
        options.TimeProvider = clock;
        options.Credentials = new StubbedCredentials(async _ =>
        {
            clock.Advance(options.CredentialsTimeout);
            await new TaskCompletionSource().Task;
            throw new NotSupportedException();
        });
        return Provocations.ReadAsync(StubbedClient.Streaming(Stream.Null, options));
    }
}
