using Amazon;

[assembly: AssemblyFixture(typeof(LambdaStreaming.Docs.Tests.LocalAws))]

namespace LambdaStreaming.Docs.Tests;

/// <summary>
/// A local server, and environment variables that refer to it. The code of the pages reads its configuration from them.
/// </summary>
public sealed class LocalAws : IAsyncLifetime
{
    public static LocalLambdaServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await LocalLambdaServer.StartAsync(options =>
        {
            options.Region = RegionEndpoint.EUCentral1;
            options.AddFunction("my-function", HelloAsync).AddVersion("7", HelloAsync).AddAlias("live", "7");
            options.AddFunction("chat", HelloAsync);
            options.AddFunction("demo", HelloAsync);
            options.AddFunction("tokens", async (invocation, response, token) =>
                await response.WriteTextAsync("""{"text":"You wrote: "}""" + invocation.PayloadAsString(), token));
            options.AddFunction("report", HelloAsync);
            options.AddFunction("pay", HelloAsync);
        });
        var credentials = await Server.Credentials.GetCredentialsAsync();
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_LAMBDA", Server.ServiceUrl.ToString());
        Environment.SetEnvironmentVariable("AWS_REGION", Server.Region.SystemName);
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", credentials.AccessKey);
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", credentials.SecretKey);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    private static async Task HelloAsync(
        FunctionInvocation invocation,
        FunctionResponse response,
        CancellationToken cancellationToken)
    {
        response.Log("said hello");
        await response.WriteTextAsync("Hello, ", cancellationToken);
        await response.WriteTextAsync("world", cancellationToken);
    }
}
