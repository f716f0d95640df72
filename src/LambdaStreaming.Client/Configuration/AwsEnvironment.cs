using System.Text.RegularExpressions;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Util;
using Amazon.Util;

namespace LambdaStreaming.Configuration;

/// <summary>
/// The sources of settings outside of the program: environment variables, AWS profiles and the EC2 instance.
/// </summary>
/// <remarks>Tests replace these sources.</remarks>
internal sealed class AwsEnvironment
{
    /// <summary>The profile that is used if no other one is set.</summary>
    public const string DefaultProfile = "default";

    public static AwsEnvironment Process { get; } = new();

    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Reads a profile from the shared files, with the parser of AWSSDK.Core.</summary>
    /// <remarks>Null if it does not exist, or if AWSSDK.Core does not accept one of its values.</remarks>
    public Func<string, CredentialProfile?> Profile { get; init; } = ReadProfile;

    /// <summary>
    /// Returns whether the shared files have a section for a profile, even if its values are not valid.
    /// </summary>
    public Func<string, bool> HasProfileSection { get; init; } = FindProfileSection;

    /// <summary>Gets the endpoint URL that a profile sets, directly or in its <c>services</c> section.</summary>
    public Func<CredentialProfile, string?> ProfileEndpointUrl { get; init; } = ReadProfileEndpointUrl;

    /// <summary>Gets the region of the EC2 instance.</summary>
    /// <remarks>Sends network requests, which can take seconds if nothing responds.</remarks>
    public Func<RegionEndpoint?> InstanceRegion { get; init; } =
        () => EC2InstanceMetadata.IsIMDSEnabled ? EC2InstanceMetadata.Region : null;

    /// <summary>Gets the trimmed value of a variable; null if it is not set or blank.</summary>
    public string? this[string name] =>
        Variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    private static CredentialProfile? ReadProfile(string name) =>
        new CredentialProfileStoreChain().TryGetProfile(name, out var profile) ? profile : null;

    // Compares as AWSSDK.Core does, also for a profile whose name begins with "profile".
    // Source: AWSSDK.Core 4.1.0, ProfileIniFile.TryGetSection.
    private static bool FindProfileSection(string name)
    {
        var marked = new Regex($"^profile[ \\t]+{Regex.Escape(name)}$", RegexOptions.NonBacktracking);
        return OpenFiles(name).Any(
            file => (!file.ProfileMarkerRequired && file.SectionExists(name)) || file.SectionExists(marked, out _));
    }

    // Not ClientConfig.ServiceURL or CredentialProfile.EndpointUrl of AWSSDK.Core: the first also depends on the
    // environment, and the second is null if the profile has a services section.
    // Source of the order and of the name `lambda`: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
    private static string? ReadProfileEndpointUrl(CredentialProfile profile)
    {
        string? url = null;
        foreach (var file in OpenFiles(profile.Name))
        {
            if (url is null
                && file.TryGetSection(profile.Name, isSsoSession: false, isServicesSection: false, out var own, out _))
            {
                own.TryGetValue("endpoint_url", out url);
            }

            // A section without the marker is a profile, which can have the same name.
            file.ProfileMarkerRequired = true;
            if (profile.Services is { } services
                && file.TryGetSection(services, isSsoSession: false, isServicesSection: true, out _, out var settings)
                && settings.TryGetValue("lambda", out var lambda)
                && lambda.TryGetValue("endpoint_url", out var ofLambda))
            {
                return ofLambda;
            }
        }

        return url;
    }

    // The files that AWSSDK.Core reads. Without AWS_CONFIG_FILE, it reads the config file that is next to the
    // credentials file. In the config file, the name of a section begins with "profile", except for the default
    // profile. Source: AWSSDK.Core 4.1.0, SharedCredentialsFile.
    private static ProfileIniFile[] OpenFiles(string profile)
    {
        var files = new SharedCredentialsFile();
        var config = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("AWS_CONFIG_FILE"))
            ? Path.Combine(Path.GetDirectoryName(files.FilePath) ?? "", "config")
            : files.ConfigFilePath;
        return
        [
            new ProfileIniFile(files.FilePath, profileMarkerRequired: false),
            new ProfileIniFile(config, profileMarkerRequired: profile != DefaultProfile),
        ];
    }
}

/// <summary>A configuration of AWSSDK.Core that sets only a profile name.</summary>
internal sealed class ProfileConfig : ClientConfig
{
    public ProfileConfig(string profile)
        : base(new NoDefaults()) =>
        Profile = new Profile(profile);

    public override string ServiceVersion => throw new NotSupportedException();

    public override string UserAgent => throw new NotSupportedException();

    public override string RegionEndpointServiceName => throw new NotSupportedException();

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) =>
        throw new NotSupportedException();

    private sealed class NoDefaults : IDefaultConfigurationProvider
    {
        public IDefaultConfiguration GetDefaultConfiguration(
            RegionEndpoint clientRegion,
            DefaultConfigurationMode? requestedConfigurationMode = null) =>
            new DefaultConfiguration();
    }
}
