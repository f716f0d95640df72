using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Every test that a page names exists.</summary>
public class NamedTestsTests
{
    private static readonly Regex Named = new("`(?<class>[A-Z][A-Za-z]+Tests)\\.(?<method>[A-Z]\\w+)`", RegexOptions.None, TimeSpan.FromSeconds(5));

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachTestThatItNames_Exists(string path)
    {
        var sources = Directory.GetFiles(Path.Combine(Repository.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).ToLookup(file => Path.GetFileNameWithoutExtension(file));
        var names = Named.Matches(new Page(path).Text);

        Assert.All(names, name => Assert.True(
            sources[name.Groups["class"].Value].Any(file => File.ReadAllText(file).Contains($" {name.Groups["method"].Value}(", StringComparison.Ordinal)),
            $"{path} names {name.Value}, which no test file has."));
    }

    [Fact]
    public void SecurityPage_EachPromise_NamesATest()
    {
        var rows = new Page("docs/security.md").Text.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| ---", StringComparison.Ordinal) && !line.StartsWith("| what ", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Matches(Named, row));
    }
}
