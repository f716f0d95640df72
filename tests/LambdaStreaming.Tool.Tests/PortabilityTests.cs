namespace LambdaStreaming.Tool.Tests;

/// <summary>Properties of the helpers of these tests that would only show on Windows or macOS.</summary>
public sealed class PortabilityTests
{
    [Fact]
    public void CreateErrorWriter_AnySystem_EndsLinesWithALineFeed()
    {
        using var writer = Run.CreateErrorWriter();

        Assert.Equal("\n", writer.NewLine);
    }

    // A StringWriter ends lines as the operating system does, but the tests compare text.
    [Fact]
    public void Tests_StandardError_IsWrittenByTheCommonWriter()
    {
        var folder = Path.Combine(Interop.Root, "tests", "LambdaStreaming.Tool.Tests");
        var files = Directory.GetFiles(folder, "*.cs").Where(file => Path.GetFileName(file) != "PortabilityTests.cs");

        Assert.All(
            files,
            file => Assert.DoesNotContain("new StringWriter(", File.ReadAllText(file), StringComparison.Ordinal));
    }

    [Fact]
    public void FollowLinks_FolderIsBelowALink_ReturnsThePathOfTheTarget()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Requires symbolic links.");
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.File("real/below"));
        Directory.CreateSymbolicLink(folder.File("linked"), "real");
        Directory.CreateSymbolicLink(folder.File("again"), "linked");

        Assert.Equal(folder.File("real/below"), TemporaryFolder.FollowLinks(folder.File("again/below")));
    }
}
