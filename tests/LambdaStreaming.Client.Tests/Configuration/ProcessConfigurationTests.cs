using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Configuration;

/// <summary>
/// Settings in AWSConfigs, which an app sets for all AWS clients of its process. They take precedence over environment
/// and profile, but not over the options. The tests run alone, because these settings affect every other test.
/// </summary>
[Collection(NonParallelCollection.Name)]
public class ProcessConfigurationTests
{
    private string _profile = "";

    [Fact]
    public async Task ResolveAsync_AWSConfigsHasARegion_TakesPrecedenceOverTheVariable()
    {
        AWSConfigs.AWSRegion = "sa-east-1";
        try
        {
            Assert.Equal("sa-east-1", (await ResolveAsync(new())).Region.SystemName);
            Assert.Equal(
                "ap-south-1", (await ResolveAsync(new() { Region = RegionEndpoint.APSouth1 })).Region.SystemName);

            AWSConfigs.AWSRegion = "us east";
            var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));
            Assert.Contains("AWSConfigs.AWSRegion", exception.Message, StringComparison.Ordinal);
        }
        finally
        {
            AWSConfigs.AWSRegion = null;
        }
    }

    [Fact]
    public async Task ResolveAsync_AWSConfigsHasAProfile_TakesPrecedenceOverTheVariable()
    {
        AWSConfigs.AWSProfileName = "of-process";
        try
        {
            await ResolveAsync(new());

            Assert.Equal("of-process", _profile);
        }
        finally
        {
            AWSConfigs.AWSProfileName = null;
        }
    }

    private async Task<ResolvedConfiguration> ResolveAsync(LambdaStreamingClientOptions options)
    {
        options.Credentials = new BasicAWSCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI");
        var environment = new AwsEnvironment
        {
            Variable = name => name switch
            {
                "AWS_REGION" => "eu-west-1",
                "AWS_PROFILE" => "of-environment",
                _ => null,
            },
            Profile = name =>
            {
                _profile = name;
                return null;
            },
        };
        return await new ConfigurationResolver(options, environment).ResolveAsync(
            TestContext.Current.CancellationToken);
    }
}
