using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Agreement of the C# and JavaScript blocks of all pages with code that tests run.</summary>
/// <remarks>
/// Each block is in a <c>*Snippets.cs</c> file between two comments, either inside a test or as a type that a test
/// uses. Complete programs are files in the folder Programs; <see cref="PastedProgramTests"/> runs them.
/// </remarks>
public class SnippetTests
{
    private static readonly Regex Begin = Create("^ *// begin: (?<name>[a-z-]+)$", RegexOptions.Multiline);
    private static readonly Regex Member = Create("^    (public|private|internal) ");
    private static readonly Regex Type = Create("^(public|internal) (sealed )?(partial )?(class|record) ");

    // Snippets that require a package of their own are in its test project.
    private static readonly string[] Folders = ["LambdaStreaming.Docs.Tests", "LambdaStreaming.Aspire.Hosting.Tests"];

    // A file in the folder Programs is one snippet.
    private static readonly string Source = string.Concat(Folders
        .SelectMany(folder => Directory.GetFiles(Path.Combine(Repository.Root, "tests", folder), "*Snippets.cs"))
        .Select(file => Repository.Read(file))
        .Concat(PastedProgram.Names.Select(
            name => $"// begin: {name}\n{PastedProgram.Read(name)}// end: {name}\n")));

    public static IEnumerable<TheoryDataRow<string>> Names =>
        Begin.Matches(Source).Select(begin => new TheoryDataRow<string>(begin.Groups["name"].Value));

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachBlock_HasALanguageAndEqualsItsSnippet(string path)
    {
        Assert.All(new Page(path).Blocks, block =>
        {
            Assert.Contains(block.Language, (string[])["csharp", "js", "sh", "json", "text"]);
            if (block.Language is not ("csharp" or "js")) return;
            Assert.True(
                block.Snippet.Length > 0,
                $"{path} contains code that is not a snippet, so no test runs it:\n{block.Code}");
            Assert.Equal(GetSnippet(block.Snippet), block.Code);
        });
    }

    [Theory, MemberData(nameof(Names))]
    public void Snippet_Each_IsOnAPageAndInATest(string name)
    {
        Assert.Contains(Page.All, page => page.Blocks.Any(block => block.Snippet == name));

        if (Type.IsMatch(GetSnippet(name)) || PastedProgram.Names.Contains(name)) return;
        var lines = Source.Split('\n');
        var member = Array.FindLastIndex(lines, GetStart(name), line => Member.IsMatch(line));
        var attributes = lines.Take(member).Reverse().TakeWhile(
            line => line.StartsWith("    [", StringComparison.Ordinal));
        Assert.Contains(attributes, attribute => attribute.Trim() is "[Fact]" || IsTheory(attribute));
    }

    private static string GetSnippet(string name)
    {
        var lines = Source.Split('\n');
        var begin = GetStart(name);
        var end = Array.FindIndex(lines, line => line.Trim() == $"// end: {name}");
        Assert.True(begin >= 0 && end > begin, $"No *Snippets.cs file has a snippet '{name}'.");
        var indent = lines[begin].Length - lines[begin].TrimStart().Length;
        return string.Concat(
            lines[(begin + 1)..end].Select(line => (line.Length > indent ? line[indent..] : "") + "\n"));
    }

    private static Regex Create(string pattern, RegexOptions options = RegexOptions.None) =>
        new(pattern, options | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));

    private static bool IsTheory(string attribute) => attribute.Contains("[Theory", StringComparison.Ordinal);

    private static int GetStart(string name) =>
        Array.FindIndex(Source.Split('\n'), line => line.Trim() == $"// begin: {name}");
}
