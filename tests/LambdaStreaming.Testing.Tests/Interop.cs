using System.Diagnostics;
using LambdaStreaming.Tests;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Runs the official clients in tests/interop, and skips tests on machines that do not have them.</summary>
internal static class Interop
{
    public static string Root { get; } = FindRepositoryRoot();

    public static string Folder { get; } = Path.Combine(Root, "tests", "interop");

    public static string Functions { get; } = Path.Combine(Folder, "functions");

    public static string RuntimeInterfaceClient { get; } = Path.Combine(Folder, "node_modules", "aws-lambda-ric");

    private static string JavaScriptSdk { get; } = Path.Combine(Folder, "node_modules", "@aws-sdk", "client-lambda");

    public static void NeedsNodeRuntime() => Assert.SkipUnless(
        Runs("node", "--version") && File.Exists(Path.Combine(RuntimeInterfaceClient, "rapid-client.node")),
        "Needs node and the npm package aws-lambda-ric: run eng/install-interop.sh.");

    public static void NeedsJavaScriptSdk() => Assert.SkipUnless(
        Runs("node", "--version") && Directory.Exists(JavaScriptSdk),
        "Needs node and the npm package @aws-sdk/client-lambda: run eng/install-interop.sh.");

    public static void NeedsBoto3() =>
        Assert.SkipUnless(Runs("python3", "-c", "import boto3"), "Needs python3 with boto3.");

    public static void NeedsAwsCli() =>
        Assert.SkipUnless(Runs("aws", "--version"), "Needs the AWS CLI (aws), for example of Debian's package awscli.");

    public static void NeedsCurl() => Assert.SkipUnless(
        !OperatingSystem.IsWindows() && Runs("curl", "--version"),
        "Needs a Unix shell and curl.");

    public static RuntimeProcessOptions Node(string handler) =>
        RuntimeProcessOptions.Node(Functions, "index." + handler, RuntimeInterfaceClient);

    public static async Task<string> RunAsync(LocalLambdaServer server, string fileName, params string[] arguments)
    {
        var credentials = await server.Credentials.GetCredentialsAsync();
        var info = CreateStartInfo(fileName, arguments);
        info.WorkingDirectory = Folder;
        info.Environment["AWS_ACCESS_KEY_ID"] = credentials.AccessKey;
        info.Environment["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey;
        info.Environment["AWS_REGION"] = info.Environment["AWS_DEFAULT_REGION"] = server.Region.SystemName;
        info.Environment["AWS_ENDPOINT_URL_LAMBDA"] = server.ServiceUrl.ToString().TrimEnd('/');
        info.Environment["AWS_EC2_METADATA_DISABLED"] = "true";
        // Without these files, AWSSDK.Core reads those of the user.
        info.Environment["AWS_CONFIG_FILE"] = ModuleSetup.ConfigFile;
        info.Environment["AWS_SHARED_CREDENTIALS_FILE"] = ModuleSetup.CredentialsFile;
        info.Environment["NO_PROXY"] = info.Environment["no_proxy"] = "127.0.0.1";
        info.Environment.Remove("AWS_SESSION_TOKEN");
        info.Environment.Remove("AWS_PROFILE");
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{fileName} exited with {process.ExitCode}: {await error}");
        return await output;
    }

    public static bool Runs(string fileName, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(CreateStartInfo(fileName, arguments))!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static ProcessStartInfo CreateStartInfo(string fileName, string[] arguments) => new(fileName, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        UseShellExecute = false,
    };

    private static string FindRepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "LambdaStreaming.Client.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
