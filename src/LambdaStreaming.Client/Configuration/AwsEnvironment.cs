using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Util;

namespace LambdaStreaming.Configuration;

/// <summary>What lies outside the program and says how to call: environment variables, the AWS profiles, the instance. Tests put their own in its place.</summary>
internal sealed class AwsEnvironment
{
    public static AwsEnvironment Process { get; } = new();

    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Reads one profile from the shared files, with AWSSDK.Core's own parser; null where it is not there.</summary>
    public Func<string, CredentialProfile?> Profile { get; init; } = name => new CredentialProfileStoreChain().TryGetProfile(name, out var profile) ? profile : null;

    /// <summary>The endpoint that a profile gives, its <c>services</c> section included.</summary>
    public Func<string, string?> ProfileEndpointUrl { get; init; } = name => new ProfileConfig(name).ServiceURL;

    /// <summary>The region that the EC2 instance is in. Asks the network, and may take seconds where nobody answers.</summary>
    public Func<RegionEndpoint?> InstanceRegion { get; init; } = () => EC2InstanceMetadata.IsIMDSEnabled ? EC2InstanceMetadata.Region : null;

    /// <summary>A variable's value; one that is empty counts as not set, as in every AWS SDK.</summary>
    public string? this[string name] => Variable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;
}

/// <summary>A profile's name in the form in which AWSSDK.Core takes it. Nothing else of a client's configuration is used.</summary>
internal sealed class ProfileConfig : ClientConfig
{
    public ProfileConfig(string profile)
        : base(new NoDefaults())
    {
        Profile = new Profile(profile);
        // Source: AWS SDKs and Tools Reference Guide, "Identifiers for service-specific endpoints": Lambda is AWS_ENDPOINT_URL_LAMBDA and lambda.
        ServiceId = "Lambda";
    }

    public override string ServiceVersion => "2015-03-31";

    public override string UserAgent => Configuration.UserAgent.Product;

    public override string RegionEndpointServiceName => "lambda";

    public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters) => throw new NotSupportedException();

    private sealed class NoDefaults : IDefaultConfigurationProvider
    {
        public IDefaultConfiguration GetDefaultConfiguration(RegionEndpoint clientRegion, DefaultConfigurationMode? requestedConfigurationMode = null) => new DefaultConfiguration();
    }
}
