using System.Runtime.CompilerServices;

namespace LambdaStreaming.Tests;

/// <summary>Keeps the tests away from the machine's own AWS settings, and from other machines.</summary>
internal static class ModuleSetup
{
    /// <summary>The config file of this process. AWSSDK.Core looks for its files once, so that they can't be others in another test.</summary>
    public static string ConfigFile { get; private set; } = "";

    [ModuleInitializer]
    internal static void LeaveTheMachineAlone()
    {
        var folder = Directory.CreateTempSubdirectory("lambda-streaming-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        ConfigFile = Path.Combine(folder, "config");
        var credentialsFile = Path.Combine(folder, "credentials");
        File.WriteAllText(ConfigFile, "");
        File.WriteAllText(credentialsFile, "");

        Environment.SetEnvironmentVariable("AWS_CONFIG_FILE", ConfigFile);
        Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", credentialsFile);
        // The instance's metadata service is another machine.
        Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
    }
}
