using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tests.Configuration;

/// <summary>
/// The constructors without options. Their endpoint comes from the environment, so the tests run alone.
/// </summary>
[Collection(NonParallelCollection.Name)]
public sealed class ConstructorTests : IAsyncLifetime
{
    private static readonly string[] Variables =
        ["AWS_ENDPOINT_URL_LAMBDA", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

    private LocalLambdaServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await LocalLambdaServer.StartAsync(options =>
        {
            options.Region = RegionEndpoint.EUCentral1;
            options.AddFunction("f", LocalService.Three);
        });
        Environment.SetEnvironmentVariable(Variables[0], _server.ServiceUrl.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var variable in Variables) Environment.SetEnvironmentVariable(variable, null);
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Constructor_CredentialsAndRegion_SignWithBoth()
    {
        using var client = new LambdaStreamingClient(_server.Credentials, RegionEndpoint.EUCentral1);

        await AssertCallsAsync(client);
    }

    [Fact]
    public async Task Constructor_Region_ReadsCredentialsFromTheEnvironment()
    {
        var keys = await _server.Credentials.GetCredentialsAsync();
        Environment.SetEnvironmentVariable(Variables[1], keys.AccessKey);
        Environment.SetEnvironmentVariable(Variables[2], keys.SecretKey);
        using var client = new LambdaStreamingClient(RegionEndpoint.EUCentral1);

        await AssertCallsAsync(client);
    }

    [Fact]
    public async Task Constructor_CredentialsOfAnotherRegion_AreRejectedByTheService()
    {
        using var client = new LambdaStreamingClient(_server.Credentials, RegionEndpoint.USEast1);

        await Assert.ThrowsAnyAsync<LambdaServiceException>(() => client.InvokeAsync("f"));
    }

    [Fact]
    public void Constructor_ArgumentIsNull_ThrowsArgumentNullException()
    {
        Assert.Throws<ArgumentNullException>("region", () => new LambdaStreamingClient((RegionEndpoint)null!));
        Assert.Throws<ArgumentNullException>(
            "region", () => new LambdaStreamingClient(new AnonymousAWSCredentials(), null!));
        Assert.Throws<ArgumentNullException>(
            "credentials", () => new LambdaStreamingClient((AWSCredentials)null!, RegionEndpoint.EUCentral1));
    }

    private static async Task AssertCallsAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeAsync("f");
        Assert.Equal(
            "onetwothree",
            await response.ReadAsStringAsync(cancellationToken: TestContext.Current.CancellationToken));
    }
}
