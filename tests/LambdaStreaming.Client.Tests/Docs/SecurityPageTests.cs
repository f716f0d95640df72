using System.Text.RegularExpressions;

namespace LambdaStreaming.Tests.Docs;

/// <summary>Every test that docs/security.md and docs/reliability.md name exists.</summary>
public class SecurityPageTests
{
    private static readonly Regex Named = new("`(?<class>[A-Z][A-Za-z]+Tests)\\.(?<method>[A-Z]\\w+)`", RegexOptions.None, TimeSpan.FromSeconds(5));

    [Theory, InlineData("security.md"), InlineData("reliability.md"), InlineData("comparison.md")]
    public void Page_EachTestThatItNames_Exists(string page)
    {
        var sources = Directory.GetFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).ToLookup(file => Path.GetFileNameWithoutExtension(file));
        var names = Named.Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", page)));

        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.True(
            sources[name.Groups["class"].Value].Any(file => File.ReadAllText(file).Contains($" {name.Groups["method"].Value}(", StringComparison.Ordinal)),
            $"{page} names {name.Value}, which no test file has."));
    }

    [Fact]
    public void SecurityPage_EachPromise_NamesATest()
    {
        var rows = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "security.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| ---", StringComparison.Ordinal) && !line.StartsWith("| what ", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Matches(Named, row));
    }
}
