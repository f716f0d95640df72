using System.Diagnostics;
using System.Text.Json;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Runs the scripts of tests/browser in Chromium, if this machine has it.</summary>
internal static class Browser
{
    private static readonly string[] Packages = ["playwright-core", "esbuild", "ai", "@ai-sdk/react", "@ag-ui/client"];
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

    private static string Folder { get; } = Path.Combine(Interop.Root, "tests", "browser");

    /// <summary>Returns the path of Chromium. Skips the test if Chromium, node or playwright-core is missing.</summary>
    public static string RequireChromium()
    {
        Assert.SkipUnless(FindOnPath("node") is not null, "Needs node 20 or later.");
        Assert.SkipUnless(
            Packages.All(name => Directory.Exists(Path.Combine(Folder, "node_modules", name))),
            $"Needs the npm packages {string.Join(", ", Packages)}: run eng/install-browser.sh.");
        var chromium = Environment.GetEnvironmentVariable("CHROMIUM_PATH") is { Length: > 0 } configured
            ? configured
            : Names.Select(FindOnPath).FirstOrDefault(path => path is not null);
        Assert.SkipUnless(
            File.Exists(chromium),
            "Needs Chromium or Chrome on PATH, or its path in CHROMIUM_PATH; on Debian: apt-get install chromium.");
        return chromium!;
    }

    /// <summary>Runs a script.</summary>
    /// <param name="script">The name of the file in tests/browser.</param>
    /// <param name="arguments">The arguments of the script.</param>
    /// <param name="input">What the script reads from its standard input.</param>
    /// <returns>The observations of the script, by step.</returns>
    public static async Task<Dictionary<string, JsonElement>> RunAsync(
        string script,
        IEnumerable<string> arguments,
        string input = "")
    {
        var info = new ProcessStartInfo("node", [script, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = Folder,
        };
        var cancellationToken = TestContext.Current.CancellationToken;
        using var process = Process.Start(info)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
            process.StandardInput.Close();
            await process.WaitForExitAsync(cancellationToken).WaitAsync(TimeSpan.FromMinutes(4));
            Assert.True(process.ExitCode == 0, $"The browser's script failed.\n{await output}\n{await error}");
            return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => JsonDocument.Parse(line).RootElement)
                .ToDictionary(step => step.GetProperty("step").GetString()!, StringComparer.Ordinal);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static string? FindOnPath(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name))
            .FirstOrDefault(File.Exists);
}
