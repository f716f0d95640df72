using System.Runtime.CompilerServices;

namespace LambdaStreaming.Tests;

/// <summary>Isolates the tests from the AWS settings of the machine and from the network.</summary>
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

        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", ConfigFile);
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", CredentialsFile);
        // Prevents network requests to the instance metadata service.
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
    }
}
