namespace LambdaStreaming.Tool.Tests;

/// <summary>Properties of the code and of these tests that would only show on Windows or macOS.</summary>
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
        Assert.All(
            GetTests(),
            file => Assert.DoesNotContain("new StringWriter(", File.ReadAllText(file), StringComparison.Ordinal));
    }

    // System.CommandLine ends the lines of its completions as the operating system does.
    [Fact]
    public void Tests_OutputOfAProcess_IsComparedWithoutItsLineEndings()
    {
        Assert.All(
            GetTests(),
            file => Assert.DoesNotContain("output.TrimEnd('", File.ReadAllText(file), StringComparison.Ordinal));
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

    // Windows would show a console window if the program that starts the process does not have one.
    [Fact]
    public void Sources_StartOfAProcess_CreatesNoWindow()
    {
        var files = Directory.GetFiles(Path.Combine(Interop.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => File.ReadAllText(file).Contains("new ProcessStartInfo", StringComparison.Ordinal))
            .ToArray();

        Assert.NotEmpty(files);
        Assert.All(
            files, file => Assert.Contains("CreateNoWindow = true", File.ReadAllText(file), StringComparison.Ordinal));
    }

    private static IEnumerable<string> GetTests() =>
        Directory.GetFiles(Path.Combine(Interop.Root, "tests", "LambdaStreaming.Tool.Tests"), "*.cs")
            .Where(file => Path.GetFileName(file) != "PortabilityTests.cs");
}
