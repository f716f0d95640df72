using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Signing;

/// <summary>
/// Creates the messages for missing or invalid credentials. They name the packages and commands that a profile needs.
/// </summary>
/// <remarks>
/// Source: AWSSDK.Core 4.0.102.19. Its classes SSOServiceClientHelpers, AssumeRoleAWSCredentials,
/// AssumeRoleWithWebIdentityCredentials and LoginAWSCredentials load these packages at run time.
/// </remarks>
internal static class CredentialErrorMessages
{
    private const string CredentialsOption =
        $"{nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.Credentials)}";

    private const string StsPackage = "The app needs the package AWSSDK.SecurityToken to get credentials from STS.";

    // Maximum number of exceptions that a message describes: the outer exception and its inner exceptions.
    private const int MaxDepth = 3;

    public static string ForOption(AWSCredentials credentials, Redactor redactor, Exception? exception)
    {
        var reason = exception is null ? "." : $": {Describe(redactor, exception)}";
        return $"{CredentialsOption} ({credentials.GetType().Name}) did not provide credentials{reason}";
    }

    public static string ForProfile(
        AwsEnvironment environment,
        CredentialProfile profile,
        Redactor redactor,
        Exception? exception)
    {
        var message = $"The AWS profile '{Clean(profile.Name)}' did not provide credentials.";
        return SourceProfiles.FindCycle(environment, profile) is { } names
            ? $"{message} Its source_profile is circular: {string.Join(", ", names.Select(Clean))}. The last profile "
                + "of the sequence must have credentials of its own instead of a source_profile."
            : $"{message} {GetAdvice(profile)}{DescribeAll(redactor, exception)}";
    }

    public static string ForChain(
        AwsEnvironment environment,
        string profileName,
        Redactor redactor,
        Exception? exception)
    {
        if (exception is ProfileNotFoundException)
            return ConfigurationErrors.CreateUnknownProfile(profileName).Message;
        var message = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] is { } file
            ? "The web identity of AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN did not provide AWS credentials. "
                + $"{StsPackage} {DescribeTokenFile(file)}"
            : $"No AWS credentials were found. Set {CredentialsOption}, the environment variables AWS_ACCESS_KEY_ID "
                + "and AWS_SECRET_ACCESS_KEY, or an AWS profile (`aws configure`, `aws sso login`). On EC2, ECS and "
                + "EKS, assign a role to the instance or task.";
        return message + DescribeAll(redactor, exception);
    }

    public static string ForTimeout(TimeSpan timeout, string explanation) =>
        $"No credentials were received within {ExceptionMessages.FormatDuration(timeout)} "
        + $"({nameof(LambdaStreamingClientOptions.CredentialsTimeout)}). {explanation}";

    public static string ForInvalidCharacter(string name, string value, int index) =>
        $"The {name} contains an invalid character: U+{(int)value[index]:X4} at position {index + 1} of "
        + $"{value.Length}. It must be printable ASCII without spaces. "
        + (value.AsSpan(index).TrimStart() is ['#' or ';', ..]
            ? "A comment follows it, which AWSSDK.Core reads as part of the value. In AWS config and credentials "
                + "files, move the comment to a separate line."
            : "The usual cause is a line break at the end of a file or secret.");

    private static string GetAdvice(CredentialProfile profile) => profile.Options switch
    {
        { CredentialProcess: not null } => "It runs credential_process.",
        { MfaSerial: not null } =>
            "It assumes a role with MFA, and the client cannot ask for an MFA code. Create AssumeRoleAWSCredentials "
            + $"with an MfaTokenCodeCallback, and set {CredentialsOption} to them. {StsPackage}",
        { WebIdentityTokenFile: { } file, RoleArn: var role } =>
            $"It assumes {Clean(role) ?? "a role"} with a web identity. {StsPackage} {DescribeTokenFile(file)}",
        { RoleArn: { } role } options =>
            $"It assumes {Clean(role)}{DescribeSource(options)}. {StsPackage} The source must have permission to "
            + "assume the role.",
        var options when IsSso(options) =>
            $"It signs in through IAM Identity Center (SSO). Run `aws sso login --profile {Clean(profile.Name)}`, also "
            + "each time the sign-in has expired. The app needs the packages AWSSDK.SSO and AWSSDK.SSOOIDC.",
        { LoginSession: not null } =>
            $"It signs in through the console. Run `aws login --profile {Clean(profile.Name)}`, also each time the "
            + "sign-in has expired. The app needs the package AWSSDK.Signin.",
        _ =>
            "Its settings are not a combination that provides credentials. Set aws_access_key_id and "
            + "aws_secret_access_key, role_arn and source_profile, sso_session, sso_account_id and sso_role_name, or "
            + "credential_process.",
    };

    private static string DescribeTokenFile(string file) =>
        $"The token file {Clean(file)} must exist and must not be expired.";

    private static string? Clean(string? value) => value is null ? null : Redactor.None.Name(value);

    private static bool IsSso(CredentialProfileOptions options) =>
        (options.SsoSession ?? options.SsoStartUrl ?? options.SsoAccountId ?? options.SsoRoleName) is not null;

    private static string DescribeSource(CredentialProfileOptions options) => options switch
    {
        { SourceProfile: { } profile } => $" with the profile '{Clean(profile)}'",
        { CredentialSource: { } source } => $" with credential_source {Clean(source)}",
        _ => "",
    };

    // Returns one line. Omits the error output of a credential process, a quoted line of a file, and a quoted
    // Authorization header, because they can contain a key. Omits the other lines of a service's error, because those
    // of a signature error contain a session token.
    private static string Describe(Redactor redactor, Exception exception)
    {
        var message = ConfigurationErrors.RemoveQuotedLine(exception.Message);
        return exception switch
        {
            ProcessAWSCredentialException => "A credential process failed; run it by hand to see its output.",
            AmazonServiceException error when ConfigurationErrors.QuotesHeader(error) =>
                $"{redactor.Name(error.ErrorCode)}: the service did not accept the signature.",
            AmazonServiceException => redactor.Line(message),
            _ => redactor.Line(message.ReplaceLineEndings(" ")),
        };
    }

    // Includes inner exceptions: the outer exception often reports where the failure occurred, and an inner one why.
    private static string DescribeAll(Redactor redactor, Exception? exception)
    {
        var text = "";
        for (var depth = 0; exception is not null && depth < MaxDepth; depth++, exception = exception.InnerException)
        {
            var message = Describe(redactor, exception);
            if (exception is ProcessAWSCredentialException) return $"{Quote(text)} {message}";
            if (text.Contains(message, StringComparison.Ordinal)) continue;
            if (message.StartsWith("Exception of type", StringComparison.Ordinal)) continue;
            text += " " + message;
        }

        return Quote(text);

        static string Quote(string text) => text.Length == 0 ? "" : $" AWSSDK.Core reported:{text}";
    }
}
