using Amazon;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Http;

namespace LambdaStreaming.Tests.Http;

/// <summary>Options before environment before profile. The files themselves are read in ProfileTests.</summary>
public class SettingsResolverTests
{
    private readonly Dictionary<string, string> _variables = [];
    private readonly Dictionary<string, CredentialProfile> _profiles = [];
    private readonly Dictionary<string, string> _profileUrls = [];
    private RegionEndpoint? _instanceRegion;
    private int _instanceAsked;

    [Fact]
    public async Task ResolveAsync_RegionEverywhere_TheFirstInOrderWins()
    {
        _instanceRegion = RegionEndpoint.SAEast1;
        Assert.Equal("sa-east-1", (await ResolveAsync(new())).Region.SystemName);
        Assert.Equal(1, _instanceAsked);

        _variables["AWS_DEFAULT_REGION"] = "eu-north-1";
        Assert.Equal("eu-north-1", (await ResolveAsync(new())).Region.SystemName);

        Profile("default").Region = RegionEndpoint.EUWest1;
        Assert.Equal("eu-west-1", (await ResolveAsync(new())).Region.SystemName);

        _variables["AWS_REGION"] = "us-nowhere-9";
        Assert.Equal("us-nowhere-9", (await ResolveAsync(new())).Region.SystemName);
        Assert.Equal("ap-south-1", (await ResolveAsync(new() { Region = RegionEndpoint.APSouth1 })).Region.SystemName);
        Assert.Equal(1, _instanceAsked);
    }

    [Fact]
    public async Task ResolveAsync_NoRegion_SaysWhereToSetIt()
    {
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.Contains("AWS_REGION", exception.Message, StringComparison.Ordinal);
        Assert.Contains("LambdaStreamingClientOptions.Region", exception.Message, StringComparison.Ordinal);
        Assert.False(exception.FunctionMayHaveRun);
    }

    [Fact]
    public async Task ResolveAsync_RegionThatIsNoHostName_NamesTheVariable()
    {
        _variables["AWS_REGION"] = "us east";

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.StartsWith("AWS_REGION is 'us east'", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_PROFILE", null)]
    [InlineData(null, "work")]
    public async Task ResolveAsync_UnknownProfile_NamesIt(string? variable, string? option)
    {
        if (variable is not null) _variables[variable] = "work";

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new() { Profile = option }));

        Assert.StartsWith("There is no AWS profile 'work'", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, _instanceAsked);
    }

    [Fact]
    public async Task ResolveAsync_ProfileByOption_ComesBeforeTheVariable()
    {
        _variables["AWS_PROFILE"] = "variable";
        Profile("variable").Region = RegionEndpoint.EUWest1;
        Profile("option").Region = RegionEndpoint.EUWest2;

        Assert.Equal("eu-west-1", (await ResolveAsync(new())).Region.SystemName);
        Assert.Equal("eu-west-2", (await ResolveAsync(new() { Profile = "option" })).Region.SystemName);
    }

    [Fact]
    public async Task ResolveAsync_EndpointEverywhere_TheFirstInOrderWins()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        Profile("default");
        Assert.Equal("https://lambda.eu-west-1.amazonaws.com/", await EndpointAsync(new()));

        _profileUrls["default"] = "http://profile:1/p";
        Assert.Equal("http://profile:1/p", await EndpointAsync(new()));

        _variables["AWS_ENDPOINT_URL"] = "http://all:2";
        Assert.Equal("http://all:2/", await EndpointAsync(new()));

        _variables["AWS_ENDPOINT_URL_LAMBDA"] = "https://lambda:3/x";
        Assert.Equal("https://lambda:3/x", await EndpointAsync(new()));
        Assert.Equal("http://code:4/", await EndpointAsync(new() { ServiceUrl = new Uri("http://code:4") }));
    }

    [Fact]
    public async Task ResolveAsync_ConfiguredEndpointsIgnored_OnlyTheOptionCounts()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables["AWS_ENDPOINT_URL_LAMBDA"] = "http://lambda:3";
        Profile("default").IgnoreConfiguredEndpointUrls = true;
        _profileUrls["default"] = "http://profile:1";

        Assert.Equal("https://lambda.eu-west-1.amazonaws.com/", await EndpointAsync(new()));
        Assert.Equal("http://code:4/", await EndpointAsync(new() { ServiceUrl = new Uri("http://code:4") }));

        _variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false";
        Assert.Equal("http://lambda:3/", await EndpointAsync(new()));
    }

    [Theory]
    [InlineData("lambda.example.com")]
    [InlineData("ftp://lambda.example.com")]
    [InlineData("https://user@lambda.example.com")]
    [InlineData("https://lambda.example.com/?a=b")]
    public async Task ResolveAsync_EndpointThatIsNone_NamesTheVariable(string url)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables["AWS_ENDPOINT_URL"] = url;

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.StartsWith("AWS_ENDPOINT_URL is '", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_FipsAndDualStackEverywhere_TheFirstInOrderWins()
    {
        _variables["AWS_REGION"] = "cn-north-1";
        var profile = Profile("default");
        profile.UseFIPSEndpoint = true;
        profile.UseDualstackEndpoint = true;
        Assert.Equal("https://lambda-fips.cn-north-1.api.amazonwebservices.com.cn/", await EndpointAsync(new()));

        _variables["AWS_USE_FIPS_ENDPOINT"] = "False";
        _variables["AWS_USE_DUALSTACK_ENDPOINT"] = "false";
        Assert.Equal("https://lambda.cn-north-1.amazonaws.com.cn/", await EndpointAsync(new()));
        Assert.Equal("https://lambda-fips.cn-north-1.amazonaws.com.cn/", await EndpointAsync(new() { UseFipsEndpoint = true }));

        _variables["AWS_USE_FIPS_ENDPOINT"] = "true";
        Assert.Equal("https://lambda.cn-north-1.api.amazonwebservices.com.cn/", await EndpointAsync(new() { UseFipsEndpoint = false, UseDualStackEndpoint = true }));
    }

    [Theory]
    [InlineData("AWS_USE_FIPS_ENDPOINT")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT")]
    public async Task ResolveAsync_CustomEndpointWithFipsOrDualStack_NamesBothSources(string variable)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables[variable] = "true";
        _variables["AWS_ENDPOINT_URL"] = "http://all:2";

        var ofEnvironment = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));
        _variables.Remove("AWS_ENDPOINT_URL");
        var ofCode = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new() { ServiceUrl = new Uri("http://code:4") }));

        Assert.Contains(variable, ofEnvironment.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_ENDPOINT_URL for http://all:2/", ofEnvironment.Message, StringComparison.Ordinal);
        Assert.Contains("ServiceUrl for http://code:4/", ofCode.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_USE_FIPS_ENDPOINT", "yes")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT", "1")]
    [InlineData("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "no")]
    [InlineData("AWS_MAX_ATTEMPTS", "0")]
    [InlineData("AWS_MAX_ATTEMPTS", "many")]
    public async Task ResolveAsync_ValueThatIsNone_IsRefusedByName(string variable, string value)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables[variable] = value;

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.StartsWith($"The environment variable {variable} is '{value}'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_MaxAttemptsEverywhere_TheFirstInOrderWins()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        Assert.Null((await ResolveAsync(new())).MaxAttempts);

        Profile("default").MaxAttempts = 7;
        Assert.Equal(7, (await ResolveAsync(new())).MaxAttempts);

        _variables["AWS_MAX_ATTEMPTS"] = "5";
        Assert.Equal(5, (await ResolveAsync(new())).MaxAttempts);
        Assert.Null((await ResolveAsync(new() { Retry = { MaxAttempts = 2 } })).MaxAttempts);
    }

    [Fact]
    public async Task ResolveAsync_AppIdEverywhere_TheFirstInOrderWins()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        Profile("default").ClientAppId = "of-profile";
        Assert.EndsWith(" app/of-profile", (await ResolveAsync(new())).UserAgent, StringComparison.Ordinal);

        _variables["AWS_SDK_UA_APP_ID"] = "of-environment";
        Assert.EndsWith(" app/of-environment", (await ResolveAsync(new())).UserAgent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_FailedOnce_TriesAgain()
    {
        var resolver = Resolver(new());
        await Assert.ThrowsAsync<LambdaConfigurationException>(() => resolver.ResolveAsync(TestContext.Current.CancellationToken).AsTask());

        _variables["AWS_REGION"] = "eu-west-1";
        var settings = await resolver.ResolveAsync(TestContext.Current.CancellationToken);

        _variables["AWS_REGION"] = "eu-west-2";
        Assert.Same(settings, await resolver.ResolveAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ResolveAsync_ManyAtOnce_FindsOnceAndOneMayGiveUp()
    {
        using var mayGoOn = new ManualResetEventSlim();
        var resolver = new SettingsResolver(new(), new SettingsEnvironment
        {
            Variable = _ => null,
            Profile = _ => null,
            InstanceRegion = () =>
            {
                Interlocked.Increment(ref _instanceAsked);
                mayGoOn.Wait(TestContext.Current.CancellationToken);
                return RegionEndpoint.SAEast1;
            },
        });
        using var impatient = new CancellationTokenSource();

        var givesUp = resolver.ResolveAsync(impatient.Token).AsTask();
        var others = Enumerable.Range(0, 20).Select(_ => resolver.ResolveAsync(TestContext.Current.CancellationToken).AsTask()).ToList();
        await impatient.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givesUp);
        mayGoOn.Set();
        await Task.WhenAll(others);

        Assert.Equal(impatient.Token, cancelled.CancellationToken);
        Assert.Equal(1, _instanceAsked);
    }

    private CredentialProfile Profile(string name) => _profiles[name] = new CredentialProfile(name, new CredentialProfileOptions());

    private async Task<string> EndpointAsync(LambdaStreamingClientOptions options) => (await ResolveAsync(options)).Endpoint.AbsoluteUri;

    private Task<CallSettings> ResolveAsync(LambdaStreamingClientOptions options) => Resolver(options).ResolveAsync(TestContext.Current.CancellationToken).AsTask();

    private SettingsResolver Resolver(LambdaStreamingClientOptions options) => new(options, new SettingsEnvironment
    {
        Variable = _variables.GetValueOrDefault,
        Profile = _profiles.GetValueOrDefault,
        ProfileEndpointUrl = _profileUrls.GetValueOrDefault,
        InstanceRegion = () =>
        {
            _instanceAsked++;
            return _instanceRegion;
        },
    });
}
