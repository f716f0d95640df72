using System.Globalization;
using Amazon;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Http;

/// <summary>What changes the environment of the process runs alone.</summary>
[CollectionDefinition(nameof(ProcessEnvironment), DisableParallelization = true)]
public sealed class ProcessEnvironment;

/// <summary>The files themselves, as AWSSDK.Core reads them: every kind of profile ends in a call or in a message that says what to do.</summary>
[Collection(nameof(ProcessEnvironment))]
public sealed class ProfileTests : IDisposable
{
    private static int _profiles;

    private readonly string _folder = Directory.CreateTempSubdirectory("lambda-streaming-").FullName;
    private readonly Dictionary<string, string?> _before = [];

    // AWSSDK.Core keeps profiles by name, so each test has a name of its own.
    private readonly string _profile = string.Create(CultureInfo.InvariantCulture, $"profile-{Interlocked.Increment(ref _profiles)}");

    public ProfileTests()
    {
        foreach (var name in (string[])["AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"])
            Set(name, null);
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before) Environment.SetEnvironmentVariable(name, value);
        File.WriteAllText(ModuleSetup.ConfigFile, "");
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_EverythingFromAProfile_Calls(bool byOption)
    {
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"""
            region = {server.Region.SystemName}
            endpoint_url = {server.ServiceUrl}
            sdk_ua_app_id = my-app
            max_attempts = 9
            """);
        if (!byOption) Set("AWS_PROFILE", _profile);

        var seen = await CallAsync(server, new() { Profile = byOption ? _profile : null });

        Assert.EndsWith(" app/my-app", seen.Headers["User-Agent"], StringComparison.Ordinal);
        Assert.Equal("attempt=1; max=9", seen.Headers["amz-sdk-request"]);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_EverythingFromTheEnvironment_Calls()
    {
        await using var server = await StartAsync();
        await SetKeysAsync(server);
        Set("AWS_REGION", server.Region.SystemName);
        Set("AWS_ENDPOINT_URL_LAMBDA", server.ServiceUrl.AbsoluteUri);

        await CallAsync(server, new());
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ServicesSection_ItsLambdaUrlIsCalled()
    {
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
    public async Task InvokeWithResponseStreamAsync_ProfileByOption_ItsKeysComeBeforeTheEnvironments()
    {
        await using var server = await StartAsync();
        await ConfigureAsync(server, $"region = {server.Region.SystemName}");
        Set("AWS_ACCESS_KEY_ID", "AKIDOTHER");
        Set("AWS_SECRET_ACCESS_KEY", "other");

        await CallAsync(server, new() { Profile = _profile, ServiceUrl = server.ServiceUrl });
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProfileByVariable_TheEnvironmentsKeysComeFirst()
    {
        await using var server = await StartAsync();
        Configure("aws_access_key_id = AKIDOTHER\naws_secret_access_key = other");
        Set("AWS_PROFILE", _profile);
        await SetKeysAsync(server);

        await CallAsync(server, new() { Region = server.Region, ServiceUrl = server.ServiceUrl });
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcess_ItsKeysSign()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is a POSIX shell's.");
        await using var server = await StartAsync();
        var keys = await server.Credentials.GetCredentialsAsync();
        var output = Path.Combine(_folder, "keys.json");
        await File.WriteAllTextAsync(output, $$"""{"Version":1,"AccessKeyId":"{{keys.AccessKey}}","SecretAccessKey":"{{keys.SecretKey}}"}""", TestContext.Current.CancellationToken);
        Configure($"credential_process = cat {output}");

        await CallAsync(server, new() { Profile = _profile, Region = server.Region, ServiceUrl = server.ServiceUrl });
    }

    [Theory]
    [InlineData("sso_start_url = https://example.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = Reader", "aws sso login --profile {0}", "AWSSDK.SSO and AWSSDK.SSOOIDC")]
    [InlineData("sso_session = my-sso\nsso_account_id = 123456789012\nsso_role_name = Reader\n[sso-session my-sso]\nsso_region = us-east-1\nsso_start_url = https://example.awsapps.com/start", "aws sso login --profile {0}", "AWSSDK.SSO and AWSSDK.SSOOIDC")]
    [InlineData("role_arn = arn:aws:iam::123456789012:role/Reader\nsource_profile = {0}-source\n[profile {0}-source]\naws_access_key_id = a\naws_secret_access_key = b", "arn:aws:iam::123456789012:role/Reader with the profile '{0}-source'", "AWSSDK.SecurityToken")]
    [InlineData("role_arn = arn:aws:iam::123456789012:role/Reader\nsource_profile = {0}-source", "Source profile [{0}-source] was not found", "AWSSDK.SecurityToken")]
    [InlineData("role_arn = arn:aws:iam::123456789012:role/Reader\ncredential_source = Environment", "credential_source Environment", "AWSSDK.SecurityToken")]
    [InlineData("role_arn = arn:aws:iam::123456789012:role/Reader\nmfa_serial = arn:aws:iam::123456789012:mfa/me\nsource_profile = {0}-source\n[profile {0}-source]\naws_access_key_id = a\naws_secret_access_key = b", "MfaTokenCodeCallback", "AWSSDK.SecurityToken")]
    [InlineData("role_arn = arn:aws:iam::123456789012:role/Reader\nweb_identity_token_file = token.jwt", "token file token.jwt", "AWSSDK.SecurityToken")]
    [InlineData("login_session = arn:aws:iam::123456789012:user/me", "aws login --profile {0}", "AWSSDK.Signin")]
    [InlineData("credential_process = false", "credential_process", "run it by hand")]
    [InlineData("aws_access_key_id = a", "no combination that gives credentials", "aws_secret_access_key")]
    public async Task InvokeWithResponseStreamAsync_ProfileWithoutUsableKeys_SaysWhatToDo(string settings, string advice, string packages)
    {
        Configure(settings.Replace("{0}", _profile, StringComparison.Ordinal));
        using var byOption = new LambdaStreamingClient(new() { Profile = _profile, Region = RegionEndpoint.USEast1, ServiceUrl = new Uri("http://127.0.0.1:1") });
        Set("AWS_PROFILE", _profile);
        using var byVariable = new LambdaStreamingClient(new() { Region = RegionEndpoint.USEast1, ServiceUrl = new Uri("http://127.0.0.1:1") });

        foreach (var client in (LambdaStreamingClient[])[byOption, byVariable])
        {
            var exception = await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync("f"));

            Assert.StartsWith($"The AWS profile '{_profile}' gave no credentials.", exception.Message, StringComparison.Ordinal);
            Assert.Contains(advice.Replace("{0}", _profile, StringComparison.Ordinal), exception.Message, StringComparison.Ordinal);
            Assert.Contains(packages, exception.Message, StringComparison.Ordinal);
            Assert.False(exception.FunctionMayHaveRun);
            Assert.Equal(0, exception.Attempts);
        }
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_WebIdentityInTheEnvironment_NamesThePackage()
    {
        Set("AWS_WEB_IDENTITY_TOKEN_FILE", Path.Combine(_folder, "token"));
        Set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/Reader");
        File.WriteAllText(Path.Combine(_folder, "token"), "token");

        var exception = await FailAsync(new() { Region = RegionEndpoint.USEast1 });

        Assert.Contains("AWS_WEB_IDENTITY_TOKEN_FILE", exception.Message, StringComparison.Ordinal);
        Assert.Contains("AWSSDK.SecurityToken", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoCredentialsAnywhere_SaysWhereToSetThem()
    {
        var exception = await FailAsync(new() { Region = RegionEndpoint.USEast1 });

        Assert.StartsWith("No AWS credentials were found.", exception.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_ACCESS_KEY_ID", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task InvokeWithResponseStreamAsync_UnknownProfile_NamesIt(bool byOption)
    {
        Configure("region = us-east-1");
        if (!byOption) Set("AWS_PROFILE", "nobody");

        // Region and address are there; the keys are what is looked for in the profile.
        var exception = await FailAsync(new() { Profile = byOption ? "nobody" : null, Region = RegionEndpoint.USEast1, ServiceUrl = new Uri("http://127.0.0.1:1") });

        Assert.StartsWith("There is no AWS profile 'nobody'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_CONFIG_FILE", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_EqualsSignIsMissing_SaysWhichLineWithoutTheKey()
    {
        Configure("aws_access_key_id = a\naws_secret_access_key SECRETKEY");

        var exception = await FailAsync(new() { Profile = _profile, Region = RegionEndpoint.USEast1 });

        Assert.Contains("Line 3 in file ", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_CredentialProcessWritesAKeyToItsErrors_TheMessageLeavesItOut()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The command is a POSIX shell's.");
        Configure("credential_process = sh -c \"echo SECRETKEY >&2; exit 3\"");

        var exception = await FailAsync(new() { Profile = _profile, Region = RegionEndpoint.USEast1 });

        Assert.Contains("run it by hand", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRETKEY", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_NoRegionAnywhere_SaysWhereToSetIt()
    {
        Configure("aws_access_key_id = a\naws_secret_access_key = b");

        var exception = await FailAsync(new() { Profile = _profile });

        Assert.StartsWith("No region is set.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_KeysChangedInTheFile_TheNextCallSignsWithThem()
    {
        await using var server = await StartAsync();
        Configure("aws_access_key_id = AKIDOLD\naws_secret_access_key = old");
        using var client = new LambdaStreamingClient(new() { Profile = _profile, Region = server.Region, ServiceUrl = server.ServiceUrl });
        var before = await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("three"));
        Assert.Equal("UnrecognizedClientException", before.ErrorCode);

        await ConfigureAsync(server, "");

        // AWSSDK.Core hears of the change from the file system, a little later.
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                await using var response = await client.InvokeAsync("three");
                return;
            }
            catch (LambdaServiceException) when (TimeProvider.System.GetElapsedTime(deadline) < LocalService.TooLong)
            {
                await Task.Yield();
            }
        }
    }

    private static Task<LocalLambdaServer> StartAsync() =>
        LocalLambdaServer.StartAsync(options => options.AddFunction("three", LocalService.Three), TestContext.Current.CancellationToken);

    private static async Task<ReceivedRequest> CallAsync(LocalLambdaServer server, LambdaStreamingClientOptions options)
    {
        using var client = new LambdaStreamingClient(options);
        await using var response = await client.InvokeAsync("three");

        var bytes = 0L;
        await foreach (var chunk in response.ReadChunksAsync(TestContext.Current.CancellationToken)) bytes += chunk.Length;
        Assert.Equal("onetwothree".Length, bytes);
        return Assert.Single(server.Requests);
    }

    private static async Task<LambdaConfigurationException> FailAsync(LambdaStreamingClientOptions options)
    {
        using var client = new LambdaStreamingClient(options);
        return await Assert.ThrowsAsync<LambdaConfigurationException>(() => client.InvokeAsync("f"));
    }

    private async Task ConfigureAsync(LocalLambdaServer server, string settings)
    {
        var keys = await server.Credentials.GetCredentialsAsync();
        Configure($"aws_access_key_id = {keys.AccessKey}\naws_secret_access_key = {keys.SecretKey}\n{settings}");
    }

    private void Configure(string settings) => File.WriteAllText(ModuleSetup.ConfigFile, $"[profile {_profile}]\n{settings}\n");

    private async Task SetKeysAsync(LocalLambdaServer server)
    {
        var keys = await server.Credentials.GetCredentialsAsync();
        Set("AWS_ACCESS_KEY_ID", keys.AccessKey);
        Set("AWS_SECRET_ACCESS_KEY", keys.SecretKey);
    }

    private void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}
