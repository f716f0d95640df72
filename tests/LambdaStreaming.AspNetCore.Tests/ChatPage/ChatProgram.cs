using System.Diagnostics;
using LambdaStreaming.Testing;
using LambdaStreaming.Tests;

namespace LambdaStreaming.AspNetCore.Tests.ChatPage;

/// <summary>A process that runs samples/ChatWeb.</summary>
internal sealed class ChatProgram : IDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly Process _process;

    private ChatProgram(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    /// <summary>Starts the program, with its own function or with a function of a local server.</summary>
    public static async Task<ChatProgram> StartAsync(LocalLambdaServer? server, string? function)
    {
        // The outputs of all projects are in artifacts/bin/NAME/CONFIGURATION.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(output.Parent!.Parent!.FullName, "ChatWeb", output.Name, "ChatWeb.dll");
        var info = new ProcessStartInfo("dotnet", [program, "--urls", "http://127.0.0.1:0"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = Path.GetTempPath(),
        };
        if (function is not null) info.ArgumentList.Add($"--Chat:Function={function}");
        if (server is not null)
        {
            var credentials = await server.Credentials.GetCredentialsAsync();
            info.Environment["AWS_ACCESS_KEY_ID"] = credentials.AccessKey;
            info.Environment["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey;
            info.Environment["AWS_REGION"] = server.Region.SystemName;
            info.Environment["AWS_ENDPOINT_URL_LAMBDA"] = server.ServiceUrl.ToString();
        }

        info.Environment["AWS_EC2_METADATA_DISABLED"] = "true";
        // Without these files, AWSSDK.Core reads those of the user.
        info.Environment["AWS_CONFIG_FILE"] = ModuleSetup.ConfigFile;
        info.Environment["AWS_SHARED_CREDENTIALS_FILE"] = ModuleSetup.CredentialsFile;
        info.Environment["NO_PROXY"] = info.Environment["no_proxy"] = "127.0.0.1";
        info.Environment.Remove("AWS_SESSION_TOKEN");
        info.Environment.Remove("AWS_PROFILE");

        var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            while (await ReadLineAsync(process) is { } line)
            {
                if (line.IndexOf(Listening, StringComparison.Ordinal) is not (>= 0 and var at)) continue;
                _ = process.StandardOutput.ReadToEndAsync();   // so that further output does not fill the pipe
                return new ChatProgram(process, new Uri(line[(at + Listening.Length)..].Trim()));
            }

            throw new InvalidOperationException($"{program} did not start: {await errors}");
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private static Task<string?> ReadLineAsync(Process process) =>
        process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken)
            .AsTask()
            .WaitAsync(TimeSpan.FromMinutes(2));
}
