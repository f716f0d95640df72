using System.Runtime.CompilerServices;
using Amazon;

[assembly: AssemblyFixture(typeof(LambdaStreaming.Docs.Tests.LocalAws))]

namespace LambdaStreaming.Docs.Tests;

/// <summary>
/// A local server, and environment variables that refer to it. The code of the pages reads its configuration from them.
/// </summary>
public sealed class LocalAws : IAsyncLifetime
{
    private static readonly string Folder = Directory.CreateTempSubdirectory("lambda-streaming-docs-").FullName;

    public static LocalLambdaServer Server { get; private set; } = null!;

    // AWSSDK.Core reads the paths of the profile files from the environment once, so set them before its first use.
    [ModuleInitializer]
    internal static void IsolateEnvironment()
    {
        var names = Environment.GetEnvironmentVariables().Keys
            .Cast<string>()
            .Where(name => name.StartsWith("AWS_", StringComparison.Ordinal));
        foreach (var name in names.ToList()) Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", Path.Combine(Folder, "config"));
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", Path.Combine(Folder, "credentials"));
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
    }

    public async ValueTask InitializeAsync()
    {
        Server = await LocalLambdaServer.StartAsync(options =>
        {
            options.Region = RegionEndpoint.EUCentral1;
            options.AddFunction("my-function", HelloAsync).AddVersion("7", HelloAsync).AddAlias("live", "7");
            options.AddFunction("chat", HelloAsync);
            options.AddFunction("demo", HelloAsync);
            options.AddFunction("tokens", async (_, response, token) =>
                await response.WriteTextAsync("""{"Text":"Hello"}{"Text":", world"}""", token));
            options.AddFunction("report", HelloAsync);
            options.AddFunction("pay", HelloAsync);
        });
        var credentials = await Server.Credentials.GetCredentialsAsync();
        Environment.SetEnvironmentVariable("AWS_ENDPOINT_URL_LAMBDA", Server.ServiceUrl.ToString());
        Environment.SetEnvironmentVariable("AWS_REGION", Server.Region.SystemName);
        Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", credentials.AccessKey);
        Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", credentials.SecretKey);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

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
