using LambdaStreaming.Testing;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>The functions in tests/functions.</summary>
internal static class Functions
{
    public static string Node { get; } = Path.Combine(Interop.Root, "tests", "functions", "node", "bootstrap.mjs");

    /// <summary>Gets a program that writes COLOR and its process id, and responds with three chunks.</summary>
    public static RuntimeProcessOptions CreateGreeter()
    {
        SkipWithoutNode();
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a Unix shell.");
        return new("/bin/sh") { Arguments = ["-c", $"echo \"process $$ $COLOR\"; exec node '{Node}'"] };
    }

    public static void SkipWithoutNode() => Assert.SkipUnless(Interop.Runs("node", "--version"), "Needs node.");
}
