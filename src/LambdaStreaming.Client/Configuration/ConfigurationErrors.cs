using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Configuration;

/// <summary>Creates the exceptions for settings that are missing or not valid.</summary>
/// <remarks>Values of settings are shown only if they cannot contain a secret.</remarks>
internal static class ConfigurationErrors
{
    private const string Options = nameof(LambdaStreamingClientOptions);

    public static LambdaConfigurationException CreateMissingRegion(string profileName) => new(
        $"No region is set. Set {Options}.{nameof(LambdaStreamingClientOptions.Region)}, the environment variable "
        + $"AWS_REGION, or region in the AWS profile '{Clean(profileName)}'.");

    public static LambdaConfigurationException CreateInvalidRegion(string source, string name) =>
        new($"{source} is '{Clean(name)}', which is not a valid region. Use a name such as us-east-1.");

    public static LambdaConfigurationException CreateOtherRegion(
        string functionName,
        string arnRegion,
        RegionEndpoint region) => new(
        $"The ARN of the function is in the region {Clean(arnRegion)}, but this client calls {region.SystemName}. "
        + "Nothing was sent, so the function did not run. Use a client for the region of the ARN.",
        new LambdaErrorDetails { FunctionName = functionName, Region = region.SystemName });

    public static LambdaConfigurationException CreateUnknownPartition(RegionEndpoint region) => new(
        $"This version does not know the dual-stack endpoint of the partition {region.PartitionName} (region "
        + $"{region.SystemName}). Set {Options}.{nameof(LambdaStreamingClientOptions.ServiceUrl)} to its address, and "
        + "disable dual stack.");

    public static LambdaConfigurationException CreateUnknownProfile(string name) => new(
        $"The AWS profile '{Clean(name)}' was not found. The files are those in AWS_CONFIG_FILE and "
        + "AWS_SHARED_CREDENTIALS_FILE, by default ~/.aws/config and ~/.aws/credentials. Set "
        + $"{Options}.{nameof(LambdaStreamingClientOptions.Profile)} or AWS_PROFILE to a profile that "
        + "`aws configure list-profiles` shows.");

    public static LambdaConfigurationException CreateRejectedProfile(string name) => new(
        $"AWSSDK.Core does not accept one of the values in the AWS profile '{Clean(name)}', so no setting of the "
        + "profile applies. Look for settings such as use_fips_endpoint (true or false), max_attempts (an integer of "
        + "at least 1) and retry_mode (standard or adaptive; legacy is not supported). Correct the value, or use "
        + "another profile.");

    public static LambdaConfigurationException CreateUnreadableFile(string profileName, Exception exception) =>
        new(DescribeUnreadable(profileName, Redactor.None.Line(exception.Message)), innerException: exception);

    public static LambdaConfigurationException CreateUnreadableProfile(string profileName, Exception exception) =>
        new(DescribeUnreadable(profileName, DescribeLocation(exception)));

    public static LambdaConfigurationException CreateInvalidUrl(string source) => new(
        $"{source} is not a valid endpoint. It must be an absolute http or https address without user, query or "
        + "fragment, such as https://host:port/prefix.");

    public static LambdaConfigurationException CreateCustomFips(string source, string urlSource, Uri url) => new(
        $"{source} selects a FIPS endpoint, but {urlSource} is {url}. They cannot be combined. Remove the address (or "
        + $"set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true), or set {source} to false and use the address of a FIPS "
        + "endpoint.");

    public static LambdaConfigurationException CreateCustomDualStack(string source, string urlSource, Uri url) => new(
        $"{source} selects a dual-stack endpoint, but {urlSource} is {url}. They cannot be combined. Remove the "
        + $"address (or set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true), or set {source} to false.");

    public static LambdaConfigurationException CreateInvalidBoolean(string variable, string value) =>
        new($"The environment variable {variable} is '{Clean(value)}'. It must be true or false.");

    public static LambdaConfigurationException CreateInvalidAttempts(string variable, string value) => new(
        $"The environment variable {variable} is '{Clean(value)}'. It must be an integer of at least 1, which includes "
        + "the first attempt.");

    public static string DescribeProfileRegion(string profileName) =>
        $"region of the AWS profile '{Clean(profileName)}'";

    public static string DescribeProfileEndpoint(string profileName) =>
        $"endpoint_url of the AWS profile '{Clean(profileName)}'";

    /// <summary>Removes the line of a file that a message of AWSSDK.Core quotes.</summary>
    /// <remarks>
    /// The line can contain a key. Several lines are removed together with the text between them, because a line can
    /// contain any text.
    /// Source: AWSSDK.Core 4.0.102.19, IniFile: "Line {number}:&lt;{text}&gt; in file {path} does not contain a
    /// section, property or comment."
    /// </remarks>
    public static string RemoveQuotedLine(string message) =>
        FindQuotedLine(message) is var (begin, end) ? $"{message[..begin]}{message[end..]}" : message;

    /// <summary>Returns whether the text of an exception, or of an inner exception, can contain a key.</summary>
    /// <remarks>
    /// Texts with keys are the error output of a credential process and a quoted line of a file. A signature error can
    /// have the session token in a later line, or quote the Authorization header.
    /// </remarks>
    public static bool CanContainKey(Exception exception)
    {
        if (exception is ProcessAWSCredentialException) return true;
        if (exception is AmazonServiceException error && (QuotesHeader(error) || HasSeveralLines(error))) return true;
        if (FindQuotedLine(exception.Message) is not null) return true;
        return exception is AggregateException aggregate
            ? aggregate.InnerExceptions.Any(CanContainKey)
            : exception.InnerException is { } inner && CanContainKey(inner);
    }

    /// <summary>Returns whether the error quotes the Authorization header, with key id and signature.</summary>
    /// <remarks>Source: the message of IncompleteSignature.</remarks>
    public static bool QuotesHeader(AmazonServiceException exception) =>
        exception.Message.Contains("Credential=", StringComparison.Ordinal)
        || exception.Message.Contains("Signature=", StringComparison.Ordinal);

    private static bool HasSeveralLines(AmazonServiceException exception) =>
        exception.Message.AsSpan().ContainsAny('\r', '\n');

    private static string DescribeUnreadable(string profileName, string reason) =>
        $"The AWS profile '{Clean(profileName)}' could not be read from the config and credentials files. {reason}";

    // Shows the number of the invalid line, but not its text, which can contain a key. If the message has another form,
    // shows only the type of the exception.
    private static string DescribeLocation(Exception exception)
    {
        var message = RemoveQuotedLine(exception.Message);
        if (message.StartsWith("Line ", StringComparison.Ordinal) && message != exception.Message)
            return Redactor.None.Line(message.ReplaceLineEndings(" "));
        var description = $"AWSSDK.Core failed with {exception.GetType().Name}.";
        return exception switch
        {
            InvalidDataException =>
                $"{description} Look for a line that is not a section, a comment or a name = value pair.",

            // Source: AWSSDK.Core 4.1.0: RegionEndpoint rejects a region that is not a host label.
            AmazonClientException =>
                $"{description} Look for a value that is not valid, for example a region with a comment on the same "
                + "line: the comment is read as part of the value.",
            _ => description,
        };
    }

    private static (int Begin, int End)? FindQuotedLine(string message)
    {
        var begin = message.IndexOf(":<", StringComparison.Ordinal);
        var end = message.LastIndexOf("> in file ", StringComparison.Ordinal);
        return begin >= 0 && end > begin ? (begin, end + 1) : null;
    }

    private static string Clean(string value) => Redactor.None.Name(value);
}
