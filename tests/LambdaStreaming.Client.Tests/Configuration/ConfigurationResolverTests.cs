using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Configuration;
using Polly;

namespace LambdaStreaming.Tests.Configuration;

/// <summary>Precedence of options, environment and profile, with profiles from memory. ProfileTests uses
/// files.</summary>
public class ConfigurationResolverTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private readonly Dictionary<string, string> _variables = [];
    private readonly Dictionary<string, CredentialProfile> _profiles = [];
    private readonly Dictionary<string, string> _profileUrls = [];
    private RegionEndpoint? _instanceRegion;
    private int _instanceReads;
    private Exception? _profileFailure;
    private bool _isProfileRejected;
    private Exception? _profileUrlFailure;
    private Exception? _instanceFailure;

    [Fact]
    public async Task ResolveAsync_RegionInEverySource_UsesTheFirstInOrder()
    {
        _instanceRegion = RegionEndpoint.SAEast1;
        Assert.Equal("sa-east-1", (await ResolveAsync(new())).Region.SystemName);
        Assert.Equal(1, _instanceReads);

        _variables["AWS_DEFAULT_REGION"] = "eu-north-1";
        Assert.Equal("eu-north-1", (await ResolveAsync(new())).Region.SystemName);

        AddProfile("default").Region = RegionEndpoint.EUWest1;
        Assert.Equal("eu-west-1", (await ResolveAsync(new())).Region.SystemName);

        _variables["AWS_REGION"] = "us-nowhere-9";
        Assert.Equal("us-nowhere-9", (await ResolveAsync(new())).Region.SystemName);
        Assert.Equal("ap-south-1", (await ResolveAsync(new() { Region = RegionEndpoint.APSouth1 })).Region.SystemName);
        Assert.Equal(1, _instanceReads);
    }

    [Fact]
    public async Task ResolveAsync_InstanceMetadataFails_ReportsTheMissingRegion()
    {
        _instanceFailure = new HttpRequestException("Connection refused.");

        Assert.Contains("AWS_REGION", await GetErrorMessageAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_NoRegion_MessageNamesTheVariable()
    {
        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.Contains("AWS_REGION", exception.Message, StringComparison.Ordinal);
        Assert.False(exception.FunctionMayHaveRun);
    }

    [Theory]
    [InlineData("AWS_REGION", "us east")]
    [InlineData("AWS_DEFAULT_REGION", "us east")]
    [InlineData("AWS_REGION", "mars")]
    [InlineData("AWS_DEFAULT_REGION", "eu-central")]
    public async Task ResolveAsync_RegionIsInvalid_MessageNamesTheVariable(string variable, string value)
    {
        _variables[variable] = value;

        Assert.Contains(variable, await GetErrorMessageAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_RegionOfTheProfileIsInvalid_MessageNamesTheProfile()
    {
        AddProfile("default").Region = RegionEndpoint.GetBySystemName("mars");

        var message = await GetErrorMessageAsync(new());

        Assert.Contains("profile 'default'", message, StringComparison.Ordinal);
        Assert.Contains("mars", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_ProfileNameHasControlCharacters_MessageDoesNotContainThem()
    {
        AddProfile("a\u001b[31m").Region = RegionEndpoint.GetBySystemName("mars");

        var message = await GetErrorMessageAsync(new() { Profile = "a\u001b[31m" });

        Assert.Contains("mars", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public async Task ResolveAsync_ProfileIsUnreadable_MessageHasTheReason()
    {
        _profileFailure = new UnauthorizedAccessException("Access to the path is denied.");

        Assert.Contains(_profileFailure.Message, await GetErrorMessageAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_ProfileThrowsAnotherException_MessageDoesNotContainItsText()
    {
        _profileFailure = new InvalidOperationException("SECRET");

        Assert.DoesNotContain("SECRET", await GetErrorMessageAsync(new()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "Line 3:<aws_secret_access_key SECRET\n> in file /home/me/.aws/credentials does not contain a section, property"
        + " or comment.",
        "Line 3 in file /home/me/.aws/credentials does not contain a section, property or comment.")]
    [InlineData(
        "Line 3:<SECRET> in file /home/me\n/.aws/credentials is bad.",
        "Line 3 in file /home/me /.aws/credentials is bad.")]
    [InlineData("Something about SECRET", "InvalidDataException")]
    [InlineData("Line 3:<SECRET", "InvalidDataException")]
    [InlineData("Line 3> in file f:<SECRET", "InvalidDataException")]
    [InlineData("SECRET:<SECRET> in file f", "InvalidDataException")]
    public async Task ResolveAsync_ProfileLineIsInvalid_MessageHasTheLineNumberButNotTheText(
        string message,
        string expected)
    {
        _profileFailure = new InvalidDataException(message);

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", exception.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://user:SECRET@proxy.internal")]
    [InlineData("https://proxy.internal/?key=SECRET")]
    [InlineData("https//user:SECRET@proxy.internal")]
    public async Task ResolveAsync_EndpointContainsASecret_ThrowsWithoutShowingIt(string address)
    {
        _variables["AWS_REGION"] = "us-east-1";
        _variables["AWS_ENDPOINT_URL_LAMBDA"] = address;

        var message = await GetErrorMessageAsync(new());

        Assert.Contains("AWS_ENDPOINT_URL_LAMBDA", message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_PROFILE", null)]
    [InlineData(null, "work")]
    public async Task ResolveAsync_UnknownProfile_MessageNamesIt(string? variable, string? option)
    {
        if (variable is not null) _variables[variable] = "work";

        Assert.Contains("'work'", await GetErrorMessageAsync(new() { Profile = option }), StringComparison.Ordinal);
        Assert.Equal(0, _instanceReads);
    }

    [Fact]
    public async Task ResolveAsync_ProfileIsSetByOption_TakesPrecedenceOverTheVariable()
    {
        _variables["AWS_PROFILE"] = "variable";
        AddProfile("variable").Region = RegionEndpoint.EUWest1;
        AddProfile("option").Region = RegionEndpoint.EUWest2;

        Assert.Equal("eu-west-1", (await ResolveAsync(new())).Region.SystemName);
        Assert.Equal("eu-west-2", (await ResolveAsync(new() { Profile = "option" })).Region.SystemName);
    }

    [Fact]
    public async Task ResolveAsync_EndpointInEverySource_UsesTheFirstInOrder()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        AddProfile("default");
        Assert.Equal("https://lambda.eu-west-1.amazonaws.com/", await ResolveEndpointAsync(new()));

        _profileUrls["default"] = "http://profile:1/p";
        Assert.Equal("http://profile:1/p", await ResolveEndpointAsync(new()));

        _variables["AWS_ENDPOINT_URL"] = "http://all:2";
        Assert.Equal("http://all:2/", await ResolveEndpointAsync(new()));

        _variables["AWS_ENDPOINT_URL_LAMBDA"] = "https://lambda:3/x";
        Assert.Equal("https://lambda:3/x", await ResolveEndpointAsync(new()));
        Assert.Equal("http://code:4/", await ResolveEndpointAsync(new() { ServiceUrl = new Uri("http://code:4") }));
    }

    [Fact]
    public async Task ResolveAsync_ConfiguredEndpointsAreIgnored_UsesOnlyTheOption()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables["AWS_ENDPOINT_URL_LAMBDA"] = "http://lambda:3";
        AddProfile("default").IgnoreConfiguredEndpointUrls = true;
        _profileUrls["default"] = "http://profile:1";

        Assert.Equal("https://lambda.eu-west-1.amazonaws.com/", await ResolveEndpointAsync(new()));
        Assert.Equal("http://code:4/", await ResolveEndpointAsync(new() { ServiceUrl = new Uri("http://code:4") }));

        _variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false";
        Assert.Equal("http://lambda:3/", await ResolveEndpointAsync(new()));
    }

    [Theory]
    [InlineData("AWS_ENDPOINT_URL", "lambda.example.com")]
    [InlineData("AWS_ENDPOINT_URL", "ftp://lambda.example.com")]
    [InlineData("AWS_ENDPOINT_URL", "https://lambda.example.com/?a=b")]
    [InlineData("AWS_ENDPOINT_URL_LAMBDA", "lambda.example.com")]
    [InlineData("endpoint_url of the AWS profile 'default'", "lambda.example.com")]
    public async Task ResolveAsync_EndpointIsInvalid_MessageNamesItsSource(string source, string url)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        if (source.StartsWith("AWS", StringComparison.Ordinal))
            _variables[source] = url;
        else
            _profileUrls["default"] = url;
        AddProfile("default");

        Assert.Contains(source, await GetErrorMessageAsync(new()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_FipsAndDualStackInEverySource_UsesTheFirstInOrder()
    {
        _variables["AWS_REGION"] = "cn-north-1";
        var profile = AddProfile("default");
        profile.UseFIPSEndpoint = true;
        profile.UseDualstackEndpoint = true;
        Assert.Equal("https://lambda-fips.cn-north-1.api.amazonwebservices.com.cn/", await ResolveEndpointAsync(new()));

        _variables["AWS_USE_FIPS_ENDPOINT"] = "False";
        _variables["AWS_USE_DUALSTACK_ENDPOINT"] = "false";
        Assert.Equal("https://lambda.cn-north-1.amazonaws.com.cn/", await ResolveEndpointAsync(new()));
        Assert.Equal(
            "https://lambda-fips.cn-north-1.amazonaws.com.cn/",
            await ResolveEndpointAsync(new() { UseFipsEndpoint = true }));

        _variables["AWS_USE_FIPS_ENDPOINT"] = "true";
        Assert.Equal(
            "https://lambda.cn-north-1.api.amazonwebservices.com.cn/",
            await ResolveEndpointAsync(new() { UseFipsEndpoint = false, UseDualStackEndpoint = true }));
    }

    [Theory]
    [InlineData("AWS_USE_FIPS_ENDPOINT", "AWS_ENDPOINT_URL")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT", "AWS_ENDPOINT_URL_LAMBDA")]
    [InlineData("use_fips_endpoint", "endpoint_url of the AWS profile 'default'")]
    [InlineData("use_dualstack_endpoint", "ServiceUrl")]
    public async Task ResolveAsync_CustomEndpointWithFipsOrDualStack_MessageNamesBothSources(
        string flag,
        string address)
    {
        const string Url = "http://custom:2";
        _variables["AWS_REGION"] = "eu-west-1";
        var profile = AddProfile("default");
        if (flag.StartsWith("AWS", StringComparison.Ordinal))
            _variables[flag] = "true";
        else if (flag == "use_fips_endpoint")
            profile.UseFIPSEndpoint = true;
        else
            profile.UseDualstackEndpoint = true;
        if (address.StartsWith("AWS", StringComparison.Ordinal))
            _variables[address] = Url;
        else if (address != "ServiceUrl")
            _profileUrls["default"] = Url;

        var message = await GetErrorMessageAsync(address == "ServiceUrl" ? new() { ServiceUrl = new Uri(Url) } : new());
        Assert.Contains(flag, message, StringComparison.Ordinal);
        Assert.Contains(address, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AWS_USE_FIPS_ENDPOINT", "yes")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT", "1")]
    [InlineData("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "no")]
    [InlineData("AWS_MAX_ATTEMPTS", "0")]
    [InlineData("AWS_MAX_ATTEMPTS", "many")]
    public async Task ResolveAsync_ValueIsInvalid_MessageNamesTheVariable(string variable, string value)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables[variable] = value;

        Assert.Contains(variable, await GetErrorMessageAsync(new()), StringComparison.Ordinal);
    }

    // The pipeline replaces the built-in retries, so the value is not used.
    [Fact]
    public async Task ResolveAsync_MaxAttemptsIsInvalidButAPipelineIsSet_IsIgnored()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _variables["AWS_MAX_ATTEMPTS"] = "many";

        Assert.Null((await ResolveAsync(new() { ResiliencePipeline = ResiliencePipeline.Empty })).MaxAttempts);
    }

    // For example if the file changes after the profile was read.
    [Fact]
    public async Task ResolveAsync_UrlOfTheProfileCannotBeRead_MessageHasNoValue()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        AddProfile("default");
        _profileUrlFailure = new InvalidDataException("SECRET");

        var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(new()));

        Assert.Contains("The AWS profile 'default' could not be read", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_MaxAttemptsIsOne_IsAccepted()
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

        var configuration = await ResolveAsync(new());
        Assert.EndsWith(" exec-env/AWS_Lambda_dotnet10", configuration.UserAgent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_VariableIsBlank_CountsAsNotSet()
    {
        _variables["AWS_REGION"] = " \t";
        _variables["AWS_DEFAULT_REGION"] = " eu-north-1 ";

        Assert.Equal("eu-north-1", (await ResolveAsync(new())).Region.SystemName);
    }

    [Fact]
    public async Task ResolveAsync_MaxAttemptsInEverySource_UsesTheFirstInOrder()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        Assert.Null((await ResolveAsync(new())).MaxAttempts);

        AddProfile("default").MaxAttempts = 7;
        Assert.Equal(7, (await ResolveAsync(new())).MaxAttempts);

        _variables["AWS_MAX_ATTEMPTS"] = "5";
        Assert.Equal(5, (await ResolveAsync(new())).MaxAttempts);
        Assert.Null((await ResolveAsync(new() { Retry = { MaxAttempts = 2 } })).MaxAttempts);
    }

    [Fact]
    public async Task ResolveAsync_AppIdInEverySource_UsesTheFirstInOrder()
    {
        _variables["AWS_REGION"] = "eu-west-1";
        AddProfile("default").ClientAppId = "of-profile";
        Assert.EndsWith(" app/of-profile", (await ResolveAsync(new())).UserAgent, StringComparison.Ordinal);

        _variables["AWS_SDK_UA_APP_ID"] = "of-environment";
        Assert.EndsWith(" app/of-environment", (await ResolveAsync(new())).UserAgent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResolveAsync_FirstCallFails_NextCallTriesAgain()
    {
        var resolver = CreateResolver(new());
        await Assert.ThrowsAsync<LambdaConfigurationException>(() => resolver.ResolveAsync(Ct).AsTask());

        _variables["AWS_REGION"] = "eu-west-1";
        var configuration = await resolver.ResolveAsync(Ct);

        _variables["AWS_REGION"] = "eu-west-2";
        Assert.Same(configuration, await resolver.ResolveAsync(Ct));
    }

    [Fact]
    public async Task ResolveAsync_ConcurrentCallsAndOneIsCancelled_LooksUpOnce()
    {
        using var mayContinue = new ManualResetEventSlim();
        var resolver = new ConfigurationResolver(new(), new AwsEnvironment
        {
            Variable = _ => null,
            Profile = _ => null,
            InstanceRegion = () =>
            {
                Interlocked.Increment(ref _instanceReads);
                mayContinue.Wait(Ct);
                return RegionEndpoint.SAEast1;
            },
        });
        using var cancelling = new CancellationTokenSource();

        var cancelledCall = resolver.ResolveAsync(cancelling.Token).AsTask();
        var others = Enumerable.Range(0, 20).Select(_ => resolver.ResolveAsync(Ct).AsTask()).ToList();
        await cancelling.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelledCall);
        mayContinue.Set();
        await Task.WhenAll(others);

        Assert.Equal(cancelling.Token, cancelled.CancellationToken);
        Assert.Equal(1, _instanceReads);
    }

    // The result is kept. With the context, it would keep the first caller's AsyncLocal values alive.
    [Fact]
    public async Task ResolveAsync_CallerHasAsyncLocalValues_DoesNotCaptureThem()
    {
        var local = new AsyncLocal<string?> { Value = "request" };
        var seen = "not read";
        var resolver = new ConfigurationResolver(new(), new AwsEnvironment
        {
            Variable = _ => null,
            Profile = _ => null,
            InstanceRegion = () =>
            {
                seen = local.Value;
                return RegionEndpoint.SAEast1;
            },
        });

        await resolver.ResolveAsync(Ct);

        Assert.Null(seen);
        Assert.Equal("request", local.Value);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("AWS_PROFILE")]
    public async Task ResolveAsync_OptionsHaveEverySetting_IgnoresAProfileThatCannotBeUsed(string? variable)
    {
        if (variable is not null) _variables[variable] = "work";
        _isProfileRejected = true;
        Assert.Null((await ResolveAsync(CreateCompleteOptions())).Profile);

        _profileFailure = new InvalidDataException("Line 3:<SECRET> in file f is bad.");
        Assert.Null((await ResolveAsync(CreateCompleteOptions())).Profile);
    }

    [Fact]
    public async Task ResolveAsync_OptionsHaveEverySettingAndAPipeline_IgnoresAProfileThatCannotBeUsed()
    {
        _isProfileRejected = true;
        var options = CreateCompleteOptions(except: "MaxAttempts");
        options.ResiliencePipeline = ResiliencePipeline.Empty;

        Assert.Null((await ResolveAsync(options)).Profile);
    }

    [Fact]
    public async Task ResolveAsync_OptionsHaveEverySetting_UsesTheAppIdOfTheProfile()
    {
        AddProfile("default").ClientAppId = "of-profile";

        var configuration = await ResolveAsync(CreateCompleteOptions());

        Assert.EndsWith(" app/of-profile", configuration.UserAgent, StringComparison.Ordinal);
    }

    public static TheoryData<string> SettingsOfAProfile =>
        ["Profile", "Region", "ServiceUrl", "Credentials", "UseFipsEndpoint", "UseDualStackEndpoint", "MaxAttempts"];

    [Theory, MemberData(nameof(SettingsOfAProfile))]
    public async Task ResolveAsync_OptionsHaveEverySettingButOne_RejectsAProfileThatCannotBeUsed(string setting)
    {
        _variables["AWS_REGION"] = "eu-west-1";
        _isProfileRejected = true;
        Assert.Contains(
            "does not accept one of the values",
            await GetErrorMessageAsync(CreateCompleteOptions(except: setting)),
            StringComparison.Ordinal);

        _profileFailure = new UnauthorizedAccessException("Access to the path is denied.");
        Assert.Contains(
            _profileFailure.Message,
            await GetErrorMessageAsync(CreateCompleteOptions(except: setting)),
            StringComparison.Ordinal);
    }

    private static LambdaStreamingClientOptions CreateCompleteOptions(string except = "")
    {
        var options = new LambdaStreamingClientOptions();
        if (except == "Profile") options.Profile = "work";
        if (except != "Region") options.Region = RegionEndpoint.EUWest1;
        if (except != "ServiceUrl") options.ServiceUrl = new Uri("http://code:4");
        if (except != "Credentials") options.Credentials = new AnonymousAWSCredentials();
        if (except != "UseFipsEndpoint") options.UseFipsEndpoint = false;
        if (except != "UseDualStackEndpoint") options.UseDualStackEndpoint = false;
        if (except != "MaxAttempts") options.Retry.MaxAttempts = 3;
        return options;
    }

    private async Task<string> GetErrorMessageAsync(LambdaStreamingClientOptions options) =>
        (await Assert.ThrowsAsync<LambdaConfigurationException>(() => ResolveAsync(options))).Message;

    private CredentialProfile AddProfile(string name) =>
        _profiles[name] = new CredentialProfile(name, new CredentialProfileOptions());

    private async Task<string> ResolveEndpointAsync(LambdaStreamingClientOptions options) =>
        (await ResolveAsync(options)).Endpoint.AbsoluteUri;

    private Task<ResolvedConfiguration> ResolveAsync(LambdaStreamingClientOptions options) =>
        CreateResolver(options).ResolveAsync(Ct).AsTask();

    private ConfigurationResolver CreateResolver(LambdaStreamingClientOptions options) =>
        new(options, new AwsEnvironment
        {
            Variable = _variables.GetValueOrDefault,
            Profile = name => _profileFailure is null ? _profiles.GetValueOrDefault(name) : throw _profileFailure,
            HasProfileSection = _ => _isProfileRejected,
            ProfileEndpointUrl = profile =>
                _profileUrlFailure is null ? _profileUrls.GetValueOrDefault(profile.Name) : throw _profileUrlFailure,
            InstanceRegion = () =>
            {
                _instanceReads++;
                return _instanceFailure is null ? _instanceRegion : throw _instanceFailure;
            },
        });
}
