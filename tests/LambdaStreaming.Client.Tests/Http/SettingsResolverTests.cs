using Amazon;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;

namespace LambdaStreaming.Tests.Http;

/// <summary>Options before environment before profile. The files themselves are read in ProfileTests.</summary>
public class SettingsResolverTests
{
    private readonly Dictionary<string, string> _variables = [];
    private readonly Dictionary<string, CredentialProfile> _profiles = [];
    private readonly Dictionary<string, string> _profileUrls = [];
    private RegionEndpoint? _instanceRegion;
    private int _instanceAsked;
    private Exception? _unreadable;
    private Exception? _instanceFailure;

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
    public async Task ResolveAsync_InstanceFails_IsNoInstance()
    {
        _instanceFailure = new HttpRequestException("Nobody is there.");

        Assert.Contains("AWS_REGION", await RefusalAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_NoRegion_SaysWhereToSetIt()
    {
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.Contains("AWS_REGION", exception.Message, StringComparison.Ordinal);
        Assert.False(exception.FunctionMayHaveRun);
    }

    [Theory, InlineData("AWS_REGION"), InlineData("AWS_DEFAULT_REGION")]
    public async Task ResolveAsync_RegionThatIsNoHostName_NamesTheVariable(string variable)
    {
        _variables[variable] = "us east";

        Assert.Contains(variable, await RefusalAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_ProfileCannotBeRead_SaysWhichAndWhy()
    {
        _unreadable = new UnauthorizedAccessException("Access to the path is denied.");

        Assert.Contains(_unreadable.Message, await RefusalAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_ProfileFailsInAnotherWay_DoesNotShowItsText()
    {
        _unreadable = new InvalidOperationException("SECRET");

        Assert.DoesNotContain("SECRET", await RefusalAsync(new()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Line 3:<aws_secret_access_key SECRET\n> in file /home/me/.aws/credentials does not contain a section, property or comment.", "Line 3 in file /home/me/.aws/credentials does not contain a section, property or comment.")]
    [InlineData("Line 3:<SECRET> in file /home/me\n/.aws/credentials is bad.", "Line 3 in file /home/me /.aws/credentials is bad.")]
    [InlineData("Something about SECRET", "InvalidDataException of AWSSDK.Core. Look for a line that is neither a section, a comment nor name = value.")]
    [InlineData("Line 3:<SECRET", "InvalidDataException of AWSSDK.Core. Look for a line that is neither a section, a comment nor name = value.")]
    [InlineData("Line 3> in file f:<SECRET", "InvalidDataException of AWSSDK.Core. Look for a line that is neither a section, a comment nor name = value.")]
    [InlineData("SECRET:<SECRET> in file f", "InvalidDataException of AWSSDK.Core. Look for a line that is neither a section, a comment nor name = value.")]
    public async Task ResolveAsync_LineOfTheProfileCannotBeRead_SaysWhichWithoutItsText(string words, string expected)
    {
        _unreadable = new InvalidDataException(words);

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.EndsWith(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", exception.ToString(), StringComparison.Ordinal);
    }

    [Theory, InlineData("https://user:SECRET@proxy.internal"), InlineData("https://proxy.internal/?key=SECRET"), InlineData("https//user:SECRET@proxy.internal")]
    public async Task ResolveAsync_AddressWithASecret_IsRefusedWithoutBeingShown(string address)
    {
        _variables["AWS_REGION"] = "us-east-1";
        _variables["AWS_ENDPOINT_URL_LAMBDA"] = address;

        var refusal = await RefusalAsync(new());

        Assert.Contains("AWS_ENDPOINT_URL_LAMBDA", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_PROFILE", null)]
    [InlineData(null, "work")]
    public async Task ResolveAsync_UnknownProfile_NamesIt(string? variable, string? option)
    {
        if (variable is not null) _variables[variable] = "work";

        Assert.Contains("'work'", await RefusalAsync(new() { Profile = option }), StringComparison.Ordinal);
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
    [InlineData("AWS_ENDPOINT_URL", "lambda.example.com")]
    [InlineData("AWS_ENDPOINT_URL", "ftp://lambda.example.com")]
    [InlineData("AWS_ENDPOINT_URL", "https://lambda.example.com/?a=b")]
    [InlineData("AWS_ENDPOINT_URL_LAMBDA", "lambda.example.com")]
    [InlineData("endpoint_url of the profile 'default'", "lambda.example.com")]
    public async Task ResolveAsync_EndpointThatIsNone_NamesItsSource(string source, string url)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        if (source.StartsWith("AWS", StringComparison.Ordinal)) _variables[source] = url;
        else _profileUrls["default"] = url;
        Profile("default");

        Assert.Contains(source, await RefusalAsync(new()), StringComparison.Ordinal);
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
    [InlineData("AWS_USE_FIPS_ENDPOINT", "AWS_ENDPOINT_URL")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT", "AWS_ENDPOINT_URL_LAMBDA")]
    [InlineData("use_fips_endpoint", "endpoint_url of the profile 'default'")]
    [InlineData("use_dualstack_endpoint", "ServiceUrl")]
    public async Task ResolveAsync_CustomEndpointWithFipsOrDualStack_NamesBothSources(string flag, string address)
    {
        const string Url = "http://custom:2";
        _variables["AWS_REGION"] = "eu-west-1";
        var profile = Profile("default");
        if (flag.StartsWith("AWS", StringComparison.Ordinal)) _variables[flag] = "true";
        else if (flag == "use_fips_endpoint") profile.UseFIPSEndpoint = true;
        else profile.UseDualstackEndpoint = true;
        if (address.StartsWith("AWS", StringComparison.Ordinal)) _variables[address] = Url;
        else if (address != "ServiceUrl") _profileUrls["default"] = Url;

        var refusal = await RefusalAsync(address == "ServiceUrl" ? new() { ServiceUrl = new Uri(Url) } : new());
        Assert.Contains(flag, refusal, StringComparison.Ordinal);
        Assert.Contains(address, refusal, StringComparison.Ordinal);
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

        Assert.Contains(variable, await RefusalAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_MaxAttemptsOfTheProfileIsNone_IsRefusedByName()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        Profile("default").MaxAttempts = 0;

        Assert.Contains("max_attempts", await RefusalAsync(new()), StringComparison.Ordinal);

        Profile("default").MaxAttempts = 1;
        Assert.Equal(1, (await ResolveAsync(new())).MaxAttempts);
    }

    [Fact]
    public async Task ResolveAsync_MaxAttemptsIsOne_IsTaken()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables["AWS_MAX_ATTEMPTS"] = "1";

        Assert.Equal(1, (await ResolveAsync(new())).MaxAttempts);
    }

    [Fact]
    public async Task ResolveAsync_ExecutionEnvironment_IsInTheUserAgent()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables["AWS_EXECUTION_ENV"] = "AWS_Lambda_dotnet10";

        Assert.EndsWith(" exec-env/AWS_Lambda_dotnet10", (await ResolveAsync(new())).UserAgent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_VariableIsBlank_CountsAsNotSet()
    {
        _variables["AWS_REGION"] = " \t";
        _variables["AWS_DEFAULT_REGION"] = " eu-north-1 ";

        Assert.Equal("eu-north-1", (await ResolveAsync(new())).Region.SystemName);
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
        var resolver = new ConfigurationResolver(new(), new AwsEnvironment
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

    private async Task<string> RefusalAsync(LambdaStreamingClientOptions options) => (await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(options))).Message;

    private CredentialProfile Profile(string name) => _profiles[name] = new CredentialProfile(name, new CredentialProfileOptions());

    private async Task<string> EndpointAsync(LambdaStreamingClientOptions options) => (await ResolveAsync(options)).Endpoint.AbsoluteUri;

    private Task<ResolvedConfiguration> ResolveAsync(LambdaStreamingClientOptions options) => Resolver(options).ResolveAsync(TestContext.Current.CancellationToken).AsTask();

    private ConfigurationResolver Resolver(LambdaStreamingClientOptions options) => new(options, new AwsEnvironment
    {
        Variable = _variables.GetValueOrDefault,
        Profile = name => _unreadable is null ? _profiles.GetValueOrDefault(name) : throw _unreadable,
        ProfileEndpointUrl = _profileUrls.GetValueOrDefault,
        InstanceRegion = () =>
        {
            _instanceAsked++;
            return _instanceFailure is null ? _instanceRegion : throw _instanceFailure;
        },
    });
}
