using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Code that users are shown is code that a test runs.</summary>
/// <remarks>Each block of C# stands in a <c>*Snippets.cs</c> between two comments, within a test, or as a type that one uses.</remarks>
public class SnippetTests
{
    private static readonly Regex Begin = new("^ *// begin: (?<name>[a-z-]+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
    private static readonly Regex Member = new("^    (public|private|internal) ", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
    private static readonly Regex Type = new(@"^(public|internal) (sealed )?(partial )?(class|record) ", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));

    private static readonly string Source = string.Concat(Directory.GetFiles(Path.Combine(Repository.Root, "tests", "LambdaStreaming.Docs.Tests"), "*Snippets.cs").Select(file => Repository.Read(file)));

    public static IEnumerable<TheoryDataRow<string>> Names => Begin.Matches(Source).Select(begin => new TheoryDataRow<string>(begin.Groups["name"].Value));

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachBlock_SaysItsLanguageAndEqualsItsSnippet(string path)
    {
        Assert.All(new Page(path).Blocks, block =>
        {
            Assert.Contains(block.Language, (string[])["csharp", "sh", "json", "text"]);
            if (block.Language != "csharp") return;
            Assert.True(block.Snippet.Length > 0, $"{path} shows code that is no snippet, so nobody runs it:\n{block.Code}");
            Assert.Equal(Snippet(block.Snippet), block.Code);
        });
    }

    [Theory, MemberData(nameof(Names))]
    public void Snippet_Each_IsShownAndRuns(string name)
    {
        Assert.Contains(Page.All, page => page.Blocks.Any(block => block.Snippet == name));

        if (Type.IsMatch(Snippet(name))) return;
        var lines = Source.Split('\n');
        var member = Array.FindLastIndex(lines, GetStart(name), line => Member.IsMatch(line));
        var attributes = lines.Take(member).Reverse().TakeWhile(line => line.StartsWith("    [", StringComparison.Ordinal));
        Assert.Contains(attributes, attribute => attribute.Contains("[Fact]", StringComparison.Ordinal) || attribute.Contains("[Theory", StringComparison.Ordinal));
    }

    private static string Snippet(string name)
    {
        var lines = Source.Split('\n');
        var begin = GetStart(name);
        var end = Array.FindIndex(lines, line => line.Trim() == $"// end: {name}");
        Assert.True(begin >= 0 && end > begin, $"No *Snippets.cs has a snippet '{name}'.");
        var indent = lines[begin].Length - lines[begin].TrimStart().Length;
        return string.Concat(lines[(begin + 1)..end].Select(line => (line.Length > indent ? line[indent..] : "") + "\n"));
    }

    private static int GetStart(string name) => Array.FindIndex(Source.Split('\n'), line => line.Trim() == $"// begin: {name}");
}
