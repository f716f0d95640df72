using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>Invalid configuration in the environment and in AWS profiles.</summary>
internal static class ConfigurationScenarios
{
    private const string Region = "AWS_REGION";

    public static MessageArea Area { get; } = new(
        "Configuration",
        [.. Regions(), .. Profiles(), .. Endpoints(), .. Values()]);

    private static IEnumerable<MessageScenario> Regions() =>
    [
        new("No region", () => ResolveAsync([])),
        new("Region that is not a region", () => ResolveAsync([(Region, "us east")])),
        new("ARN of another region", async () =>
        {
            var settings = await new ConfigurationResolver(StubbedClient.Options(), AwsEnvironment.Process)
                .ResolveAsync(Provocations.Token);
            settings.RequireRegionOf("arn:aws:lambda:eu-central-1:123456789012:function:f");
        }),
    ];

    private static IEnumerable<MessageScenario> Profiles() =>
    [
        new("Profile not found", () => ResolveAsync([], new() { Profile = "work" })),
        new("Files of profiles cannot be opened", () => ResolveAsync(
            [], failure: new IOException("Access is denied."))),
        new("Line of a profile cannot be read", () => ResolveAsync([], failure: new InvalidDataException(
            "Line 3:<aws_secret_access_key SECRET> in file /home/me/.aws/credentials does not contain a section."))),
        new("Profile cannot be read, line unknown", () => ResolveAsync(
            [], failure: new InvalidDataException("SECRET"))),
        new("Profile cannot be read, value not valid", () => ResolveAsync(
            [], failure: new AmazonClientException("SECRET"))),
        new("Profile with a value that AWSSDK.Core does not accept", () => ResolveAsync([], hasSection: true)),
        new("Profile cannot be read", () => ResolveAsync([], failure: new InvalidOperationException("SECRET"))),
    ];

    private static IEnumerable<MessageScenario> Endpoints() =>
    [
        new("Endpoint of a variable is not an address", () => ResolveAsync(
            [(Region, "eu-west-1"), ("AWS_ENDPOINT_URL", "host")])),
        new("Endpoint of a profile is not an address", () => ResolveAsync(
            [(Region, "eu-west-1")], profile: Profile(_ => { }), profileUrl: "host")),
        new("FIPS and a custom endpoint", () => ResolveAsync(
            [(Region, "eu-west-1"), ("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_ENDPOINT_URL", "http://custom:2")])),
        new("Dual stack and a custom endpoint", () => ResolveAsync(
            [(Region, "eu-west-1")],
            new() { ServiceUrl = new Uri("http://custom:2") },
            Profile(profile => profile.UseDualstackEndpoint = true))),
    ];

    private static IEnumerable<MessageScenario> Values() =>
    [
        new("Variable is neither true nor false", () => ResolveAsync(
            [(Region, "eu-west-1"), ("AWS_USE_FIPS_ENDPOINT", "yes")])),
        new("Attempts of a variable", () => ResolveAsync([(Region, "eu-west-1"), ("AWS_MAX_ATTEMPTS", "many")])),
    ];

    private static CredentialProfile Profile(Action<CredentialProfile> configure)
    {
        var profile = new CredentialProfile("default", new CredentialProfileOptions());
        configure(profile);
        return profile;
    }

    private static Task ResolveAsync(
        (string Name, string Value)[] variables,
        LambdaStreamingClientOptions? options = null,
        CredentialProfile? profile = null,
        string? profileUrl = null,
        bool hasSection = false,
        Exception? failure = null)
    {
        var environment = new AwsEnvironment
        {
            Variable = name => variables.FirstOrDefault(variable => variable.Name == name).Value,
            Profile = _ => failure is null ? profile : throw failure,
            HasProfileSection = _ => hasSection,
            ProfileEndpointUrl = _ => profileUrl,
            InstanceRegion = () => null,
        };
        return new ConfigurationResolver(options ?? new(), environment).ResolveAsync(Provocations.Token).AsTask();
    }
}
