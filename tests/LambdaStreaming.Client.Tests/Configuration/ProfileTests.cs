using System.Globalization;
using Amazon;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Configuration;

/// <summary>Tests that change the environment variables of the process. They do not run in parallel.</summary>
[CollectionDefinition(nameof(ProcessEnvironment), DisableParallelization = true)]
public sealed class ProcessEnvironment;

/// <summary>
/// Profile files, read by AWSSDK.Core. Each kind of profile leads to a successful call or to a message with advice.
/// </summary>
[Collection(nameof(ProcessEnvironment))]
public sealed class ProfileTests : IDisposable
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private const string SsoRole = "sso_account_id = 123456789012\nsso_role_name = Reader\n";
    private const string Role = "role_arn = arn:aws:iam::123456789012:role/Reader\n";
    private const string SourceProfile = "source_profile = {0}-source\n";
    private const string SourceKeys = "[profile {0}-source]\naws_access_key_id = a\naws_secret_access_key = b";

    private static int _profiles;

    private readonly string _folder = Directory.CreateTempSubdirectory("lambda-streaming-").FullName;
    private readonly Dictionary<string, string?> _originalValues = [];

    // AWSSDK.Core caches profiles by name, so each test has a different name.
    private readonly string _profile =
        string.Create(CultureInfo.InvariantCulture, $"profile-{Interlocked.Increment(ref _profiles)}");

    public void Dispose()
    {
        foreach (var (name, value) in _originalValues)
            Environment.SetEnvironmentVariable(name, value);
        File.WriteAllText(ModuleSetup.ConfigFile, "");
        File.WriteAllText(ModuleSetup.CredentialsFile, "");
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_AllSettingsFromAProfile_Succeeds(bool byOption)
    {
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"""
            region = {server.Region.SystemName}
            endpoint_url = {server.ServiceUrl}
            sdk_ua_app_id = my-app
            max_attempts = 9
            """);
        if (!byOption) Set("AWS_PROFILE", _profile);

        var request = await CallAsync(server, new() { Profile = byOption ? _profile : null });

        Assert.EndsWith(" app/my-app", request.Headers["User-Agent"], StringComparison.Ordinal);
        Assert.Equal("attempt=1; max=9", request.Headers["amz-sdk-request"]);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AllSettingsFromTheEnvironment_Succeeds()
    {
        await using var server = await StartAsync();
        await SetKeysAsync(server);
        Set("AWS_REGION", server.Region.SystemName);
        Set("AWS_ENDPOINT_URL_LAMBDA", server.ServiceUrl.AbsoluteUri);

        await CallAsync(server, new());
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public async Task InvokeWithResponseStreamAsync_VariableOfTheUrlIsBlank_UsesTheUrlOfTheProfile(string value)
    {
        Set("AWS_ENDPOINT_URL", value);
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"region = {server.Region.SystemName}\nendpoint_url = {server.ServiceUrl}");

        await CallAsync(server, new() { Profile = _profile });
    }

    // Without AWS_CONFIG_FILE, the config file is the one next to the credentials file.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_ServicesSectionHasALambdaUrl_UsesThatUrl(bool isConfigFileSet)
    {
        if (!isConfigFileSet) Set("AWS_CONFIG_FILE", null);
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"""
            region = {server.Region.SystemName}
            services = local-{_profile}
            endpoint_url = http://127.0.0.1:1

            [services local-{_profile}]
            s3 =
              endpoint_url = http://127.0.0.1:2
            lambda =
              endpoint_url = {server.ServiceUrl}
            """);

        await CallAsync(server, new() { Profile = _profile });
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ServicesSectionHasTheNameOfTheProfile_UsesItsLambdaUrl()
    {
        await using var server = await StartAsync();
        var keys = await server.Credentials.GetCredentialsAsync();
        File.WriteAllText(ModuleSetup.CredentialsFile, $"""
            [{_profile}]
            aws_access_key_id = {keys.AccessKey}
            aws_secret_access_key = {keys.SecretKey}
            """);
        Configure($"""
            region = {server.Region.SystemName}
            services = {_profile}

            [services {_profile}]
            lambda =
              endpoint_url = {server.ServiceUrl}
            """);

        await CallAsync(server, new() { Profile = _profile });
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ServicesSectionHasNoLambdaUrl_UsesTheUrlOfTheProfile()
    {
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"""
            region = {server.Region.SystemName}
            services = local-{_profile}
            endpoint_url = {server.ServiceUrl}

            [services local-{_profile}]
            s3 =
              endpoint_url = http://127.0.0.1:2
            """);

        await CallAsync(server, new() { Profile = _profile });
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProfileIsSetByOption_UsesItsKeysBeforeTheEnvironment()
    {
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"region = {server.Region.SystemName}");
        Set("AWS_ACCESS_KEY_ID", "AKIDOTHER");
        Set("AWS_SECRET_ACCESS_KEY", "other");

        await CallAsync(server, new() { Profile = _profile, ServiceUrl = server.ServiceUrl });
    }

    // AWS_SECRET_KEY is the older name, which AWSSDK.Core also accepts.
    [Theory, InlineData("AWS_SECRET_ACCESS_KEY"), InlineData("AWS_SECRET_KEY")]
    public async Task InvokeWithResponseStreamAsync_ProfileIsSetByVariable_UsesTheKeysOfTheEnvironment(string secret)
    {
        await using var server = await StartAsync();
        Configure("aws_access_key_id = AKIDOTHER\naws_secret_access_key = other");
        Set("AWS_PROFILE", _profile);
        await SetKeysAsync(server, secret);

        await CallAsync(server, new() { Region = server.Region, ServiceUrl = server.ServiceUrl });
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcess_SignsWithItsKeys()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command needs a POSIX shell.");
        await using var server = await StartAsync();
        var keys = await server.Credentials.GetCredentialsAsync();
        var output = Path.Combine(_folder, "keys.json");
        var json = $$"""{"Version":1,"AccessKeyId":"{{keys.AccessKey}}","SecretAccessKey":"{{keys.SecretKey}}"}""";
        await File.WriteAllTextAsync(output, json, Ct);
        Configure($"credential_process = cat {output}");

        await CallAsync(server, new() { Profile = _profile, Region = server.Region, ServiceUrl = server.ServiceUrl });
    }

    [Theory]
    [InlineData(
        "sso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\n" + SsoRole,
        "aws sso login --profile {0}",
        "AWSSDK.SSOOIDC")]
    [InlineData(
        "sso_session = my-sso\n" + SsoRole
        + "[sso-session my-sso]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start",
        "aws sso login --profile {0}",
        "AWSSDK.SSOOIDC")]
    [InlineData(Role + SourceProfile + SourceKeys, "'{0}-source'", "AWSSDK.SecurityToken")]
    [InlineData(Role + SourceProfile, "Source profile [{0}-source] was not found", "AWSSDK.SecurityToken")]
    [InlineData(Role + "credential_source = Environment", "Environment", "AWSSDK.SecurityToken")]
    [InlineData(
        Role + "mfa_serial = arn:aws:iam::123456789012:mfa/me\n" + SourceProfile + SourceKeys,
        "MfaTokenCodeCallback",
        "AWSSDK.SecurityToken")]
    [InlineData(Role + "web_identity_token_file = token.jwt", "token.jwt", "AWSSDK.SecurityToken")]
    [InlineData("login_session = arn:aws:iam::123456789012:user/me", "aws login --profile {0}", "AWSSDK.Signin")]
    [InlineData("credential_process = false", "credential_process", "credential_process")]
    [InlineData("aws_access_key_id = a", "aws_access_key_id", "aws_secret_access_key")]
    public async Task InvokeWithResponseStreamAsync_ProfileHasNoUsableKeys_MessageHasAdvice(
        string settings,
        string advice,
        string packageOrSetting)
    {
        Configure(settings.Replace("{0}", _profile, StringComparison.Ordinal));
        var url = new Uri("http://127.0.0.1:1");
        using var byOption = new LambdaStreamingClient(
            new() { Profile = _profile, Region = RegionEndpoint.USEast1, ServiceUrl = url });
        Set("AWS_PROFILE", _profile);
        using var byVariable = new LambdaStreamingClient(new() { Region = RegionEndpoint.USEast1, ServiceUrl = url });

        foreach (var client in (LambdaStreamingClient[])[byOption, byVariable])
        {
            var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync("f"));

            var expected = advice.Replace("{0}", _profile, StringComparison.Ordinal);
            Assert.Contains($"'{_profile}'", exception.Message, StringComparison.Ordinal);
            Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
            Assert.Contains(packageOrSetting, exception.Message, StringComparison.Ordinal);
            Assert.False(exception.FunctionMayHaveRun);
            Assert.Equal(0, exception.Attempts);
        }
    }

    [Theory]
    [InlineData(Role + "source_profile = {0}", "circular: {0}, {0}.")]
    [InlineData(
        Role + SourceProfile + "[profile {0}-source]\n" + Role + "source_profile = {0}",
        "circular: {0}, {0}-source, {0}.")]
    [InlineData("aws_access_key_id = AKID # mine\naws_secret_access_key = SECRETKEY", "A comment follows it")]
    [InlineData("aws_access_key_id = AKID\naws_secret_access_key = SECRETKEY\t ; mine", "A comment follows it")]
    [InlineData("region = eu-west-1 # mine\naws_secret_access_key = SECRETKEY", "a region with a comment")]
    public async Task InvokeWithResponseStreamAsync_MistakeInAProfile_MessageNamesTheCause(
        string settings,
        string cause)
    {
        Configure(settings.Replace("{0}", _profile, StringComparison.Ordinal));

        var exception = await FailAsync(new()
        {
            Profile = _profile,
            Region = RegionEndpoint.USEast1,
            ServiceUrl = new Uri("http://127.0.0.1:1"),
        });

        var expected = cause.Replace("{0}", _profile, StringComparison.Ordinal);
        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_SourceProfileHasKeysAndIsNotCircular_MessageDoesNotClaimIt()
    {
        Configure((Role + SourceProfile + SourceKeys).Replace("{0}", _profile, StringComparison.Ordinal));

        var exception = await FailAsync(new() { Profile = _profile, Region = RegionEndpoint.USEast1 });

        Assert.DoesNotContain("circular", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_WebIdentityInTheEnvironment_MessageNamesThePackage()
    {
        Set("AWS_WEB_IDENTITY_TOKEN_FILE", Path.Combine(_folder, "token"));
        Set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Reader");
        File.WriteAllText(Path.Combine(_folder, "token"), "token");

        var exception = await FailAsync(new() { Region = RegionEndpoint.USEast1 });

        Assert.Contains("AWS_WEB_IDENTITY_TOKEN_FILE", exception.Message, StringComparison.Ordinal);
        Assert.Contains("AWSSDK.SecurityToken", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoCredentials_MessageNamesTheVariable()
    {
        var exception = await FailAsync(new() { Region = RegionEndpoint.USEast1 });

        Assert.Contains("AWS_ACCESS_KEY_ID", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_UnknownProfile_MessageNamesIt(bool byOption)
    {
        Configure("region = us-east-1");
        if (!byOption) Set("AWS_PROFILE", "nobody");

        // Region and URL are set, so only the keys are read from the profile.
        var exception = await FailAsync(new()
        {
            Profile = byOption ? "nobody" : null,
            Region = RegionEndpoint.USEast1,
            ServiceUrl = new Uri("http://127.0.0.1:1"),
        });

        Assert.Contains("'nobody'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_CONFIG_FILE", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("use_fips_endpoint = yes", null)]
    [InlineData("max_attempts = many", null)]
    [InlineData("retry_mode = legacy", null)]
    [InlineData("use_fips_endpoint = yes", "option")]
    [InlineData("use_fips_endpoint = yes", "credentials file")]
    public async Task InvokeWithResponseStreamAsync_ProfileHasAnInvalidValue_IsNotIgnored(
        string setting,
        string? variant)
    {
        Set("AWS_PROFILE", _profile);
        Set("AWS_REGION", "us-east-1");
        Set("AWS_ACCESS_KEY_ID", "AKID");
        Set("AWS_SECRET_ACCESS_KEY", "SECRET");
        if (variant == "credentials file")
            File.WriteAllText(ModuleSetup.CredentialsFile, $"[{_profile}]\n{setting}\n");
        else
            Configure(setting);

        var exception = await FailAsync(new()
        {
            Profile = variant == "option" ? _profile : null,
            ServiceUrl = new Uri("http://127.0.0.1:1"),
        });

        Assert.Contains(
            $"does not accept one of the values in the AWS profile '{_profile}'",
            exception.Message,
            StringComparison.Ordinal);
    }

    // In the config file, the section of a profile is "[profile NAME]". The name of this profile begins with "profile".
    [Theory, InlineData(true), InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_SectionInTheConfigFileHasNoMarker_ProfileIsNotFound(bool byOption)
    {
        File.WriteAllText(ModuleSetup.ConfigFile, $"[{_profile}]\nregion = us-east-1\n");
        if (!byOption) Set("AWS_PROFILE", _profile);

        var exception = await FailAsync(new() { Profile = byOption ? _profile : null });

        Assert.Contains($"The AWS profile '{_profile}' was not found", exception.Message, StringComparison.Ordinal);
    }

    // In the config file, the section of this profile has no marker.
    [Fact]
    public async Task InvokeWithResponseStreamAsync_DefaultProfileHasAnInvalidValue_IsNotIgnored()
    {
        File.WriteAllText(ModuleSetup.ConfigFile, "[default]\nuse_fips_endpoint = yes\n");
        Set("AWS_REGION", "us-east-1");
        Set("AWS_ACCESS_KEY_ID", "AKID");
        Set("AWS_SECRET_ACCESS_KEY", "SECRET");

        var exception = await FailAsync(new() { ServiceUrl = new Uri("http://127.0.0.1:1") });

        Assert.Contains("one of the values in the AWS profile 'default'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ServicesSectionOfTheDefaultProfileHasNoLambdaUrl_UsesItsOwn()
    {
        await using var server = await StartAsync();
        await SetKeysAsync(server);
        File.WriteAllText(ModuleSetup.ConfigFile, $"""
            [default]
            region = {server.Region.SystemName}
            services = local-{_profile}
            endpoint_url = {server.ServiceUrl}

            [services local-{_profile}]
            s3 =
              endpoint_url = http://127.0.0.1:2
            """);

        await CallAsync(server, new());
    }

    [Theory]
    [InlineData("endpoint_url = user:SECRETKEY@host")]
    [InlineData("services = s\n[services s]\nlambda =\n  endpoint_url = SECRETKEY")]
    public async Task InvokeWithResponseStreamAsync_ProfileEndpointIsNotAUrl_MessageNamesTheSettingButNotTheValue(
        string settings)
    {
        Configure($"aws_access_key_id = a\naws_secret_access_key = b\nregion = us-east-1\n{settings}");

        var exception = await FailAsync(new() { Profile = _profile });

        Assert.Contains($"endpoint_url of the AWS profile '{_profile}'", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProfileLineHasNoEqualsSign_MessageHasTheLineNumberButNotTheKey()
    {
        Configure("aws_access_key_id = a\naws_secret_access_key SECRETKEY");

        var exception = await FailAsync(new() { Profile = _profile, Region = RegionEndpoint.USEast1 });

        Assert.Contains("Line 3 in file ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    // The keys are read again for each attempt, long after the settings.
    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProfileLineLosesItsEqualsSign_NextCallsDoNotShowTheKey()
    {
        await using var server = await StartAsync();
        await ConfigureAsync(server, "");
        using var client = new LambdaStreamingClient(
            new() { Profile = _profile, Region = server.Region, ServiceUrl = server.ServiceUrl });
        await using (await client.InvokeAsync("three"))
        {
        }

        Configure("aws_access_key_id = a\naws_secret_access_key SECRETKEY");
        var exception = await FailAtLine3Async(client);

        Assert.Contains("Line 3 in file ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoProfileAndALineLosesItsEqualsSign_NextCallsDoNotShowTheKey()
    {
        using var client = new LambdaStreamingClient(
            new() { Region = RegionEndpoint.USEast1, ServiceUrl = new Uri("http://127.0.0.1:1") });
        await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync("f"));

        Configure("aws_access_key_id = a\naws_secret_access_key SECRETKEY");
        var exception = await FailAtLine3Async(client);

        Assert.Contains("Line 3 in file ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcessWritesAKeyToStandardError_DoesNotShowIt()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command needs a POSIX shell.");
        Configure("credential_process = sh -c \"echo SECRETKEY >&2; exit 3\"");

        var exception = await FailAsync(new() { Profile = _profile, Region = RegionEndpoint.USEast1 });

        Assert.Contains("credential_process", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoRegion_MessageNamesTheVariable()
    {
        Configure("aws_access_key_id = a\naws_secret_access_key = b");

        var exception = await FailAsync(new() { Profile = _profile });

        Assert.Contains("AWS_REGION", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_KeysChangeInTheFile_NextCallsUseThem()
    {
        await using var server = await StartAsync();
        Configure("aws_access_key_id = AKIDOLD\naws_secret_access_key = old");
        using var client = new LambdaStreamingClient(
            new() { Profile = _profile, Region = server.Region, ServiceUrl = server.ServiceUrl });
        var before = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("three"));
        Assert.Equal("UnrecognizedClientException", before.ErrorCode);

        await ConfigureAsync(server, "");

        // AWSSDK.Core watches the file and reads it a little later.
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await using var response = await client.InvokeAsync("three");
                return;
            }
            catch (LambdaServiceException) when (TimeProvider.System.GetElapsedTime(started) < LocalService.TooLong)
            {
                await Task.Yield();
            }
        }
    }

    [Theory]
    [InlineData("retry_mode = legacy", false)]
    [InlineData("retry_mode = legacy", true)]
    [InlineData("aws_secret_access_key SECRETKEY", false)]
    public async Task CreateClient_ProfileOfTheMachineCannotBeUsed_Streams(string settings, bool replacesRetry)
    {
        Set("AWS_PROFILE", _profile);
        Configure(settings);
        await using var server = await StartAsync();
        using var client = server.CreateClient(options =>
        {
            if (replacesRetry) options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never };
        });

        await using var response = await client.InvokeAsync("three");

        Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Fact]
    public async Task CreateClient_DefaultProfileIsRejected_Streams()
    {
        File.WriteAllText(ModuleSetup.ConfigFile, "[default]\nretry_mode = legacy\n");
        await using var server = await StartAsync();
        using var client = server.CreateClient();

        await using var response = await client.InvokeAsync("three");

        Assert.Equal("onetwothree", await response.ReadAsStringAsync(cancellationToken: Ct));
    }

    [Theory]
    [InlineData("AWS_MAX_ATTEMPTS", "1")]
    [InlineData("AWS_MAX_ATTEMPTS", "many")]
    [InlineData("AWS_USE_FIPS_ENDPOINT", "true")]
    [InlineData("AWS_USE_DUALSTACK_ENDPOINT", "true")]
    public async Task CreateClient_VariableOfTheMachine_IsIgnored(string variable, string value)
    {
        Set(variable, value);
        await using var server = await StartAsync();
        using var client = server.CreateClient();
        using var withOtherRetries = server.CreateClient(options => options.Retry = new LambdaRetryOptions());
        using var withTwoAttempts = server.CreateClient(options => options.Retry.MaxAttempts = 2);

        foreach (var each in (LambdaStreamingClient[])[client, withOtherRetries, withTwoAttempts])
            await using (await each.InvokeAsync("three")) { }

        Assert.Equal(
            ["attempt=1; max=3", "attempt=1; max=3", "attempt=1; max=2"],
            server.Requests.Select(request => request.Headers["amz-sdk-request"]));
    }

    private static Task<LocalLambdaServer> StartAsync() =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("three", LocalService.Three), Ct);

    private static async Task<ReceivedRequest> CallAsync(LocalLambdaServer server, LambdaStreamingClientOptions options)
    {
        using var client = new LambdaStreamingClient(options);
        await using var response = await client.InvokeAsync("three");

        var bytes = 0L;
        await foreach (var chunk in response.ReadChunksAsync(Ct))
            bytes += chunk.Length;
        Assert.Equal("onetwothree".Length, bytes);
        return Assert.Single(server.Requests);
    }

    private static async Task<LambdaConfigurationException> FailAsync(LambdaStreamingClientOptions options)
    {
        using var client = new LambdaStreamingClient(options);
        return await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync("f"));
    }

    // AWSSDK.Core reads a changed file a little later.
    private static async Task<LambdaConfigurationException> FailAtLine3Async(LambdaStreamingClient client)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < LocalService.TooLong)
        {
            try
            {
                await using var response = await client.InvokeAsync("three");
            }
            catch (LambdaConfigurationException exception)
                when (exception.Message.Contains("Line 3", StringComparison.Ordinal))
            {
                return exception;
            }
            catch (LambdaConfigurationException)
            {
                // The file was not read again yet.
            }

            await Task.Yield();
        }

        throw new TimeoutException("The changed file was not read.");
    }

    private async Task ConfigureAsync(LocalLambdaServer server, string settings)
    {
        var keys = await server.Credentials.GetCredentialsAsync();
        Configure($"aws_access_key_id = {keys.AccessKey}\naws_secret_access_key = {keys.SecretKey}\n{settings}");
    }

    private void Configure(string settings) =>
        File.WriteAllText(ModuleSetup.ConfigFile, $"[profile {_profile}]\n{settings}\n");

    private async Task SetKeysAsync(LocalLambdaServer server, string secret = "AWS_SECRET_ACCESS_KEY")
    {
        var keys = await server.Credentials.GetCredentialsAsync();
        Set("AWS_ACCESS_KEY_ID", keys.AccessKey);
        Set(secret, keys.SecretKey);
    }

    private void Set(string name, string? value)
    {
        _originalValues.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}
