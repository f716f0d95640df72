using System.Globalization;
using Amazon;
using Amazon.Runtime.CredentialManagement;

namespace LambdaStreaming.Configuration;

/// <summary>Resolves the settings at the first call: from options, then environment, then profile.</summary>
/// <remarks>
/// The result is cached. A failure is not cached, so the next call tries again.
/// Source of names and order: AWS SDKs and Tools Reference Guide, "Settings reference".
/// </remarks>
internal sealed class ConfigurationResolver(LambdaStreamingClientOptions options, AwsEnvironment environment)
{
    private readonly object _lock = new();
    private Task<ResolvedConfiguration>? _pending;

    // The options contain every setting that a profile can provide, except for the app id in the User-Agent. Without
    // that, a call can still be made.
    private bool IsProfileOptional => options is
    {
        Profile: null,
        Region: not null,
        ServiceUrl: not null,
        Credentials: not null,
        ExplicitUseFipsEndpoint: not null,
        ExplicitUseDualStackEndpoint: not null,
    } && !UsesConfiguredAttempts;

    // A custom pipeline replaces the built-in retries.
    private bool UsesConfiguredAttempts => options is { ResiliencePipeline: null, Retry.HasMaxAttempts: false };

    /// <summary>Resolves the settings.</summary>
    /// <remarks>Cancelling one caller does not cancel the lookup, which all callers share.</remarks>
    public ValueTask<ResolvedConfiguration> ResolveAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _pending) is { IsCompletedSuccessfully: true } completed) return new(completed);
        Task<ResolvedConfiguration> pending;
        lock (_lock)
        {
            // Resolve blocks while it reads files and calls the EC2 metadata service, so it runs on the thread pool.
            // The task would keep the ExecutionContext of the first call, with its AsyncLocal values, alive.
            if (_pending is null or { IsFaulted: true } or { IsCanceled: true })
            {
                using var suppressed = ExecutionContext.SuppressFlow();
                _pending = Task.Run(Resolve, CancellationToken.None).IgnoreUnobservedException();
            }

            pending = _pending;
        }

        return new(pending.WaitAsync(cancellationToken));
    }

    private ResolvedConfiguration Resolve()
    {
        var profileName = GetProfileName();
        var profile = ReadProfile(profileName);
        var region = ResolveRegion(profileName, profile);
        var (endpoint, isCustom) = ResolveEndpoint(region, profileName, profile);
        var maxAttempts = UsesConfiguredAttempts ? ResolveMaxAttempts(profile) : null;
        var appId = environment["AWS_SDK_UA_APP_ID"] ?? profile?.ClientAppId;
        var userAgent = UserAgent.Create(appId, environment["AWS_EXECUTION_ENV"]);
        return new ResolvedConfiguration(endpoint, isCustom, region, profileName, profile, maxAttempts, userAgent);
    }

    private string GetProfileName() =>
        options.Profile
        ?? NullIfBlank(AWSConfigs.AWSProfileName)
        ?? environment["AWS_PROFILE"]
        ?? AwsEnvironment.DefaultProfile;

    private CredentialProfile? ReadProfile(string name)
    {
        var profile = ReadFiles(name, () => environment.Profile(name));
        var isRejected = profile is null && ReadFiles(name, () => environment.HasProfileSection(name));
        // Without this exception, an invalid value would disable all settings of the profile, for example FIPS.
        if (isRejected && !IsProfileOptional) throw ConfigurationErrors.CreateRejectedProfile(name);
        return profile is null && options.Profile is not null
            ? throw ConfigurationErrors.CreateUnknownProfile(name)
            : profile;
    }

    private T? ReadFiles<T>(string profileName, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception) when (IsProfileOptional)
        {
            return default;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ConfigurationErrors.CreateUnreadableFile(profileName, exception);
        }
        catch (Exception exception)
        {
            // CreateUnreadableProfile takes only the location or the type from the exception, and does not attach it.
            // The message of the exception quotes the invalid line, which can contain a key.
            throw ConfigurationErrors.CreateUnreadableProfile(profileName, exception);
        }
    }

    private RegionEndpoint ResolveRegion(string profileName, CredentialProfile? profile)
    {
        if (options.Region is { } region) return region;
        if (NullIfBlank(AWSConfigs.AWSRegion) is { } global) return ParseRegion("AWSConfigs.AWSRegion", global);
        if (environment["AWS_REGION"] is { } variable) return ParseRegion("AWS_REGION", variable);
        if (profile?.Region is { } fromProfile)
            return ParseRegion(ConfigurationErrors.DescribeProfileRegion(profileName), fromProfile.SystemName);

        // AWS_DEFAULT_REGION belongs to the AWS CLI; the AWS SDK for .NET ignores it. It is read only after the SDK's
        // own settings, so that this client never uses another region than the SDK when those are set.
        if (environment["AWS_DEFAULT_REGION"] is { } ofCli) return ParseRegion("AWS_DEFAULT_REGION", ofCli);
        if (profile is null && profileName != AwsEnvironment.DefaultProfile)
            throw ConfigurationErrors.CreateUnknownProfile(profileName);
        return GetInstanceRegion() ?? throw ConfigurationErrors.CreateMissingRegion(profileName);
    }

    private static RegionEndpoint ParseRegion(string source, string name) => RegionName.IsValid(name)
        ? RegionEndpoint.GetBySystemName(name)
        : throw ConfigurationErrors.CreateInvalidRegion(source, name);

    private RegionEndpoint? GetInstanceRegion()
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

    private (Uri Url, bool IsCustom) ResolveEndpoint(
        RegionEndpoint region,
        string profileName,
        CredentialProfile? profile)
    {
        var fips = ResolveFlag(
            options.ExplicitUseFipsEndpoint,
            nameof(options.UseFipsEndpoint),
            "AWS_USE_FIPS_ENDPOINT",
            "use_fips_endpoint",
            profile?.UseFIPSEndpoint);
        var dualStack = ResolveFlag(
            options.ExplicitUseDualStackEndpoint,
            nameof(options.UseDualStackEndpoint),
            "AWS_USE_DUALSTACK_ENDPOINT",
            "use_dualstack_endpoint",
            profile?.UseDualstackEndpoint);
        if (GetCustomUrl(profileName, profile) is not { } custom)
            return (LambdaEndpoint.Create(region, fips.IsSet, dualStack.IsSet), false);

        // Source: endpoint-rule-set-1, "FIPS and custom endpoint are not supported", "Dualstack and custom endpoint are
        // not supported".
        if (fips.IsSet) throw ConfigurationErrors.CreateCustomFips(fips.Source, custom.Source, custom.Url);
        if (dualStack.IsSet)
            throw ConfigurationErrors.CreateCustomDualStack(dualStack.Source, custom.Source, custom.Url);
        return (custom.Url, true);
    }

    private (Uri Url, string Source)? GetCustomUrl(string profileName, CredentialProfile? profile)
    {
        if (options.ServiceUrl is { } url) return (url, nameof(LambdaStreamingClientOptions.ServiceUrl));
        if (ReadBoolean("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") ?? profile?.IgnoreConfiguredEndpointUrls ?? false)
            return null;
        foreach (var variable in (ReadOnlySpan<string>)["AWS_ENDPOINT_URL_LAMBDA", "AWS_ENDPOINT_URL"])
        {
            if (environment[variable] is { } value) return (ParseUrl(variable, value), variable);
        }

        if (profile is null) return null;
        var source = ConfigurationErrors.DescribeProfileEndpoint(profileName);
        return NullIfBlank(ReadFiles(profileName, () => environment.ProfileEndpointUrl(profile))) is { } ofProfile
            ? (ParseUrl(source, ofProfile), source)
            : null;
    }

    private static Uri ParseUrl(string source, string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && LambdaStreamingClientOptions.IsServiceUrl(url)
            ? url
            : throw ConfigurationErrors.CreateInvalidUrl(source);

    private (bool IsSet, string Source) ResolveFlag(
        bool? option,
        string optionName,
        string variable,
        string profileKey,
        bool? fromProfile)
    {
        if (option is { } value) return (value, optionName);
        if (ReadBoolean(variable) is { } fromEnvironment) return (fromEnvironment, variable);
        return (fromProfile ?? false, profileKey);
    }

    // An invalid value is rejected: a typing error must not disable FIPS.
    private bool? ReadBoolean(string variable)
    {
        if (environment[variable] is not { } value) return null;
        return bool.TryParse(value, out var parsed)
            ? parsed
            : throw ConfigurationErrors.CreateInvalidBoolean(variable, value);
    }

    private int? ResolveMaxAttempts(CredentialProfile? profile)
    {
        const string Variable = "AWS_MAX_ATTEMPTS";
        if (environment[Variable] is { } value)
        {
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var attempts);
            return isNumber && attempts >= 1
                ? attempts
                : throw ConfigurationErrors.CreateInvalidAttempts(Variable, value);
        }

        // AWSSDK.Core does not accept a profile with another value than a positive integer.
        return profile?.MaxAttempts;
    }

    private static string? NullIfBlank(string? value) => string.IsNullOrWhiteSpace(value) ? null : value.Trim();
}
