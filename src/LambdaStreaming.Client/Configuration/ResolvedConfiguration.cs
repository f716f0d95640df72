using System.Globalization;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Configuration;

/// <summary>What a call needs beyond its request: where it goes, who signs it, how often it may be sent, and what the client calls itself.</summary>
/// <param name="Endpoint">The address that paths are appended to.</param>
/// <param name="Region">The region of the signature.</param>
/// <param name="ProfileName">The name of the profile, of which there may be none.</param>
/// <param name="Profile">The profile.</param>
/// <param name="MaxAttempts">What environment or profile say, where the options say nothing; null where nobody does.</param>
/// <param name="UserAgent">The value of the header.</param>
internal sealed record ResolvedConfiguration(
    Uri Endpoint,
    RegionEndpoint Region,
    string ProfileName,
    CredentialProfile? Profile,
    int? MaxAttempts,
    string UserAgent);

/// <summary>Finds the settings that the options leave out, at the first call: options, then environment, then profile.</summary>
/// <remarks>Source of names and order: AWS SDKs and Tools Reference Guide, "Settings reference". Found once; a failure is not kept, so that the next call tries again.</remarks>
internal sealed class ConfigurationResolver(LambdaStreamingClientOptions options, AwsEnvironment environment)
{
    private const string DefaultProfile = "default";

    private readonly object _lock = new();
    private Task<ResolvedConfiguration>? _finding;
    private ResolvedConfiguration? _found;

    /// <summary>The settings. A caller that gives up leaves the search to the others: it belongs to none of them.</summary>
    public ValueTask<ResolvedConfiguration> ResolveAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _found) is { } found) return new(found);
        Task<ResolvedConfiguration> finding;
        lock (_lock)
        {
            // Files are read, and the instance is asked over the network, by calls that block: never on the caller's thread.
            if (_finding is null or { IsFaulted: true } or { IsCanceled: true }) _finding = Task.Run(Find, CancellationToken.None).IgnoreUnobservedException();
            finding = _finding;
        }

        return new(finding.WaitAsync(cancellationToken));
    }

    private ResolvedConfiguration Find()
    {
        var profileName = ProfileName();
        var profile = FindProfile(profileName);
        var region = ResolveRegion(profileName, profile);
        var endpoint = ResolveEndpoint(region, profileName, profile);
        var maxAttempts = options.Retry.HasMaxAttempts ? null : ResolveMaxAttempts(profile);
        var appId = environment["AWS_SDK_UA_APP_ID"] ?? profile?.ClientAppId;
        var found = new ResolvedConfiguration(endpoint, region, profileName, profile, maxAttempts, UserAgent.Create(appId, environment["AWS_EXECUTION_ENV"]));
        Volatile.Write(ref _found, found);
        return found;
    }

    private string ProfileName() => options.Profile ?? NotEmpty(AWSConfigs.AWSProfileName) ?? environment["AWS_PROFILE"] ?? DefaultProfile;

    private CredentialProfile? FindProfile(string name)
    {
        CredentialProfile? profile;
        try
        {
            profile = environment.Profile(name);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LambdaConfigurationException($"The profile '{Shown(name)}' could not be read from the AWS config and credentials files: {Redactor.None.Line(exception.Message)}", exception);
        }
        catch (Exception exception)
        {
            // AWSSDK.Core quotes the line that it can't read, and that may be the line of a key: its exception goes no further.
            throw new LambdaConfigurationException($"The profile '{Shown(name)}' could not be read from the AWS config and credentials files: {DescribeLocation(exception)}");
        }

        return profile is null && options.Profile is not null ? throw UnknownProfile(name) : profile;
    }

    // Source: AWSSDK.Core 4.0.102.19, IniFile: "Line {number}:<{text}> in file {path} does not contain a section, property or comment."
    private static string DescribeLocation(Exception exception)
    {
        var message = exception.Message;
        var (begin, end) = (message.IndexOf(":<", StringComparison.Ordinal), message.LastIndexOf("> in file ", StringComparison.Ordinal));
        return message.StartsWith("Line ", StringComparison.Ordinal) && begin > 0 && end > begin
            ? Redactor.None.Line($"{message[..begin]}{message[(end + 1)..]}".ReplaceLineEndings(" "))
            : $"{exception.GetType().Name} of AWSSDK.Core.{(exception is InvalidDataException ? " Look for a line that is neither a section, a comment nor name = value." : "")}";
    }

    private RegionEndpoint ResolveRegion(string profileName, CredentialProfile? profile)
    {
        if (options.Region is { } region) return region;
        if (NotEmpty(AWSConfigs.AWSRegion) is { } fromConfiguration) return ParseRegion("AWSConfigs.AWSRegion", fromConfiguration);
        if (environment["AWS_REGION"] is { } fromEnvironment) return ParseRegion("AWS_REGION", fromEnvironment);
        if (profile?.Region is { } fromProfile) return fromProfile;
        // The AWS CLI's own variable. The AWS SDK for .NET does not read it; here it comes after all that it reads, so that both agree wherever both find one.
        if (environment["AWS_DEFAULT_REGION"] is { } fromCli) return ParseRegion("AWS_DEFAULT_REGION", fromCli);
        if (profile is null && profileName != DefaultProfile) throw UnknownProfile(profileName);
        return InstanceRegion() ?? throw new LambdaConfigurationException(
            $"No region is set. Set {nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.Region)}, the environment variable AWS_REGION, or region in the AWS profile '{Shown(profileName)}'.");
    }

    private static RegionEndpoint ParseRegion(string source, string name)
    {
        try
        {
            return RegionEndpoint.GetBySystemName(name);
        }
        catch (AmazonClientException exception)
        {
            throw new LambdaConfigurationException($"{source} is '{Shown(name)}', which can't be the name of a region. It must be one like us-east-1.", exception);
        }
    }

    private RegionEndpoint? InstanceRegion()
    {
        try
        {
            return environment.InstanceRegion();
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    private Uri ResolveEndpoint(RegionEndpoint region, string profileName, CredentialProfile? profile)
    {
        var fips = Flag(options.ExplicitUseFipsEndpoint, nameof(options.UseFipsEndpoint), "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", profile?.UseFIPSEndpoint);
        var dualStack = Flag(options.ExplicitUseDualStackEndpoint, nameof(options.UseDualStackEndpoint), "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", profile?.UseDualstackEndpoint);
        if (CustomUrl(profileName, profile) is not { } custom) return LambdaEndpoint.Create(region, fips.IsSet, dualStack.IsSet);

        // Source: endpoint-rule-set-1, "FIPS and custom endpoint are not supported", "Dualstack and custom endpoint are not supported".
        if (fips.IsSet) throw new LambdaConfigurationException($"{fips.Source} asks for a FIPS endpoint and {custom.Source} for {custom.Url}; they can't be combined. Set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true or remove the address, or set {fips.Source} to false and give the address of a FIPS endpoint.");
        if (dualStack.IsSet) throw new LambdaConfigurationException($"{dualStack.Source} asks for a dual-stack endpoint and {custom.Source} for {custom.Url}; they can't be combined. Set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true or remove the address, or set {dualStack.Source} to false.");
        return custom.Url;
    }

    private (Uri Url, string Source)? CustomUrl(string profileName, CredentialProfile? profile)
    {
        if (options.ServiceUrl is { } url) return (url, nameof(LambdaStreamingClientOptions.ServiceUrl));
        if (Boolean("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") ?? profile?.IgnoreConfiguredEndpointUrls ?? false) return null;
        if (environment["AWS_ENDPOINT_URL_LAMBDA"] is { } ofLambda) return (ParseUrl("AWS_ENDPOINT_URL_LAMBDA", ofLambda), "AWS_ENDPOINT_URL_LAMBDA");
        if (environment["AWS_ENDPOINT_URL"] is { } ofAll) return (ParseUrl("AWS_ENDPOINT_URL", ofAll), "AWS_ENDPOINT_URL");
        if (profile is null || NotEmpty(environment.ProfileEndpointUrl(profileName)) is not { } ofProfile) return null;
        var source = $"endpoint_url of the profile '{Shown(profileName)}'";
        return (ParseUrl(source, ofProfile), source);
    }

    private static Uri ParseUrl(string source, string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && LambdaStreamingClientOptions.IsServiceUrl(url)
            ? url
            : throw new LambdaConfigurationException($"{source} is no address that can be called. It must be an absolute http or https address without user, query or fragment, like https://host:port/prefix.");

    private (bool IsSet, string Source) Flag(bool? option, string optionName, string variable, string profileKey, bool? fromProfile)
    {
        if (option is { } explicitly) return (explicitly, optionName);
        return Boolean(variable) is { } fromEnvironment ? (fromEnvironment, variable) : (fromProfile ?? false, profileKey);
    }

    // A wrong value is refused, not passed over: who asks for FIPS must not silently be sent elsewhere.
    private bool? Boolean(string variable)
    {
        if (environment[variable] is not { } value) return null;
        return bool.TryParse(value, out var parsed) ? parsed : throw new LambdaConfigurationException($"The environment variable {variable} is '{Shown(value)}'; it must be true or false.");
    }

    private int? ResolveMaxAttempts(CredentialProfile? profile)
    {
        if (environment["AWS_MAX_ATTEMPTS"] is { } value)
        {
            return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var attempts) && attempts >= 1
                ? attempts
                : throw new LambdaConfigurationException($"The environment variable AWS_MAX_ATTEMPTS is '{Shown(value)}'; it counts every send, so it must be a whole number of at least 1.");
        }

        return profile?.MaxAttempts is not { } fromProfile || fromProfile >= 1
            ? profile?.MaxAttempts
            : throw new LambdaConfigurationException($"max_attempts of the profile '{Shown(profile.Name)}' is {fromProfile}; it counts every send, so it must be at least 1.");
    }

    internal static LambdaConfigurationException UnknownProfile(string name) => new(
        $"There is no AWS profile '{Shown(name)}', or it holds a value that AWSSDK.Core does not take. It is looked for in the files that AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name, by default ~/.aws/config and ~/.aws/credentials. Set {nameof(LambdaStreamingClientOptions)}.{nameof(LambdaStreamingClientOptions.Profile)} or AWS_PROFILE to one that `aws configure list-profiles` shows.");

    private static string Shown(string value) => Redactor.None.Name(value);

    private static string? NotEmpty(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
