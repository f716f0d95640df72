using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Signing;

/// <summary>What to do when credentials could not be had: the packages and commands that each kind of profile needs.</summary>
/// <remarks>Source of the packages: AWSSDK.Core 4.0.102.19, which loads them at run time: SSOServiceClientHelpers, AssumeRoleAWSCredentials, AssumeRoleWithWebIdentityCredentials, LoginAWSCredentials.</remarks>
internal static class CredentialErrorMessages
{
    private const string Role = "the app needs the package AWSSDK.SecurityToken, since the keys come from the service STS";

    public static string ForProfile(CredentialProfile profile, Redactor redactor, Exception? exception)
    {
        var options = profile.Options;
        var advice = options switch
        {
            { CredentialProcess: not null } => "It runs credential_process.",
            { MfaSerial: not null } => $"It assumes a role with an MFA code, for which nobody can be asked here. Make the credentials yourself, with AssumeRoleAWSCredentials and its MfaTokenCodeCallback, and give them as {nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.Credentials)}; {Role}.",
            { WebIdentityTokenFile: not null } => $"It assumes {Shown(options.RoleArn) ?? "a role"} with a web identity: {Role}, and the token file {Shown(options.WebIdentityTokenFile)} must be there and in date.",
            { RoleArn: not null } => $"It assumes {Shown(options.RoleArn)}{Source(options)}: {Role}, and the source must be allowed to assume that role.",
            _ when IsSso(options) => $"It signs in through IAM Identity Center (SSO): run `aws sso login --profile {Shown(profile.Name)}`, and again when the sign-in has ended; the app needs the packages AWSSDK.SSO and AWSSDK.SSOOIDC.",
            { LoginSession: not null } => $"It signs in through the console: run `aws login --profile {Shown(profile.Name)}`, and again when the sign-in has ended; the app needs the package AWSSDK.Signin.",
            _ => "Its settings are no combination that gives credentials: it takes aws_access_key_id with aws_secret_access_key, role_arn with source_profile, sso_session with sso_account_id and sso_role_name, or credential_process.",
        };
        return $"The AWS profile '{Shown(profile.Name)}' gave no credentials. {advice}{Words(redactor, exception)}";
    }

    public static string ForChain(AwsEnvironment environment, string profileName, Redactor redactor, Exception? exception)
    {
        if (exception is ProfileNotFoundException) return ConfigurationResolver.UnknownProfile(profileName).Message;
        if (environment["AWS_WEB_IDENTITY_TOKEN_FILE"] is { } file)
            return $"No AWS credentials came from the web identity that AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN give: {Role}, and the token file {Shown(file)} must be there and in date.{Words(redactor, exception)}";
        return $"No AWS credentials were found. Set {nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.Credentials)}, the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or an AWS profile (`aws configure`, `aws sso login`); on EC2, ECS and EKS give the instance or task a role.{Words(redactor, exception)}";
    }

    private static string? Shown(string? value) => value is null ? null : Redactor.None.Name(value);

    private static bool IsSso(CredentialProfileOptions options) => (options.SsoSession ?? options.SsoStartUrl ?? options.SsoAccountId ?? options.SsoRoleName) is not null;

    private static string Source(CredentialProfileOptions options) =>
        options.SourceProfile is { } profile ? $" with the profile '{Shown(profile)}'" : options.CredentialSource is { } source ? $" with credential_source {Shown(source)}" : "";

    /// <summary>What an exception of credentials says, in a line. What a credential process wrote to its errors is its own, and may be a key.</summary>
    public static string Describe(Redactor redactor, Exception exception) =>
        exception is ProcessAWSCredentialException ? "A credential process failed; run it by hand to see what it says." : redactor.Line(exception.Message.ReplaceLineEndings(" "));

    // The outer message often only says where it failed, an inner one why.
    private static string Words(Redactor redactor, Exception? exception)
    {
        var words = "";
        for (var depth = 0; exception is not null && depth < 3; depth++, exception = exception.InnerException)
        {
            if (exception is ProcessAWSCredentialException) return $"{Said(words)} {Describe(redactor, exception)}";
            var message = Describe(redactor, exception);
            if (!words.Contains(message, StringComparison.Ordinal) && !message.StartsWith("Exception of type", StringComparison.Ordinal)) words += " " + message;
        }

        return Said(words);

        static string Said(string words) => words.Length == 0 ? "" : $" AWSSDK.Core says:{words}";
    }
}
