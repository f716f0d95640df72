using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Existence of the tests that pages name.</summary>
public class NamedTestsTests
{
    private static readonly Regex Named = new(
        "`(?<class>[A-Z][A-Za-z]+Tests)\\.(?<method>[A-Z]\\w+)`",
        RegexOptions.None,
        TimeSpan.FromSeconds(5));

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachNamedTest_Exists(string path)
    {
        var folder = Path.Combine(Repository.Root, "tests");
        var files = Directory.GetFiles(folder, "*Tests.cs", SearchOption.AllDirectories)
            .ToLookup(file => Path.GetFileNameWithoutExtension(file));

        Assert.All(Named.Matches(new Page(path).Text), name =>
        {
            var method = $" {name.Groups["method"].Value}(";
            var exists = files[name.Groups["class"].Value]
                .Any(file => File.ReadAllText(file).Contains(method, StringComparison.Ordinal));
            Assert.True(exists, $"{path} names {name.Value}, which does not exist.");
        });
    }

    [Fact]
    public void SecurityPage_EachPromise_NamesATest()
    {
        var rows = new Page("docs/security.md").Text.Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Where(line => !line.StartsWith("| ---", StringComparison.Ordinal))
            .Where(line => !line.StartsWith("| what ", StringComparison.Ordinal))
            .ToList();

        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Matches(Named, row));
    }
}
