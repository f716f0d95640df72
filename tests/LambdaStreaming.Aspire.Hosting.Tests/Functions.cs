using System.Diagnostics;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>The functions in tests/functions.</summary>
internal static class Functions
{
    public static string Root { get; } = FindRoot();

    public static string Node { get; } = Path.Combine(Root, "tests", "functions", "node", "bootstrap.mjs");

    public static string DotNet { get; } = Path.Combine(Root, "tests", "functions", "dotnet");

    /// <summary>Gets a program that writes COLOR and its process id, and responds with three chunks.</summary>
    public static RuntimeProcessOptions CreateGreeter()
    {
        SkipWithoutNode();
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        return new("/bin/sh") { Arguments = ["-c", $"echo \"process $$ $COLOR\"; exec node '{Node}'"] };
    }

    public static void SkipWithoutNode()
    {
        try
        {
            var start = new ProcessStartInfo("node", "--version")
            {
                RedirectStandardOutput = true,
                UseShellExecute = false,
            };
            using var node = Process.Start(start);
            node!.WaitForExit();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("Needs node.");
        }
    }

    /// <summary>Copies the .NET functions to a folder outside of this repository and its settings.</summary>
    /// <returns>The folder of the project Chat.</returns>
    public static string CopyDotNet(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(DotNet, "*", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(DotNet, file);
            if (path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")) continue;
            var copy = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return Path.Combine(folder, "Chat");
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LambdaStreaming.Client.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests read files of the repository, but do not run inside of it.");
    }
}
