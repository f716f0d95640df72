using System.Runtime.CompilerServices;

namespace LambdaStreaming.Tests;

/// <summary>Isolates the tests from the AWS settings of the machine and from the network.</summary>
/// <remarks>Part of each test project except that of the live tests: see tests/Directory.Build.props.</remarks>
internal static class ModuleSetup
{
    /// <summary>
    /// The AWS config file of this process. AWSSDK.Core determines the path once, so all tests have the same file.
    /// </summary>
    public static string ConfigFile { get; private set; } = "";

    /// <summary>The AWS credentials file of this process.</summary>
    public static string CredentialsFile { get; private set; } = "";

    [ModuleInitializer]
    internal static void IsolateFromTheMachine()
    {
        var folder = Directory.CreateTempSubdirectory("lambda-streaming-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        ConfigFile = Path.Combine(folder, "config");
        CredentialsFile = Path.Combine(folder, "credentials");
        File.WriteAllText(ConfigFile, "");
        File.WriteAllText(CredentialsFile, "");

        foreach (var name in Environment.GetEnvironmentVariables().Keys.Cast<string>())
        {
            if (name.StartsWith("AWS_", StringComparison.OrdinalIgnoreCase))
                Environment.SetEnvironmentVariable(name, null);
        }

        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", ConfigFile);
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", CredentialsFile);
        // Prevents network requests to the instance metadata service.
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");

        // A proxy of the machine cannot reach the servers of the tests. .NET reads the lowercase name first.
        var noProxy = Environment.GetEnvironmentVariable("no_proxy") ?? Environment.GetEnvironmentVariable("NO_PROXY");
        noProxy = string.IsNullOrEmpty(noProxy) ? "127.0.0.1,localhost" : noProxy + ",127.0.0.1,localhost";
        Environment.SetEnvironmentVariable("no_proxy", noProxy);
        Environment.SetEnvironmentVariable("NO_PROXY", noProxy);
        // For tests that build projects.
        Environment.SetEnvironmentVariable("DOTNET_CLI_TELEMETRY_OPTOUT", "1");
    }
}
