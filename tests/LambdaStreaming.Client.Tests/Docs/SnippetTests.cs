using System.Text.RegularExpressions;

namespace LambdaStreaming.Tests.Docs;

/// <summary>Code that users are shown is code that compiles.</summary>
public class SnippetTests
{
    internal static readonly string Root = FindRoot();
    private static readonly Regex Block = new("(?:<!-- snippet: (?<name>[a-z-]+) -->\\n)?```csharp\\n(?<code>.*?)```\\n", RegexOptions.Singleline, TimeSpan.FromSeconds(5));

    // errors.md is made from the catalogue, by ErrorsPageTests.
    public static IEnumerable<TheoryDataRow<string>> Pages =>
        ((string[])["README.md", .. Files("docs"), .. Directory.GetDirectories(Path.Combine(Root, "src")).Select(folder => Path.Combine(folder, "README.md")).Where(File.Exists)])
            .Select(page => Path.GetRelativePath(Root, Path.Combine(Root, page)))
            .Where(page => Path.GetFileName(page) != "errors.md")
            .Select(page => new TheoryDataRow<string>(page));

    [Theory, MemberData(nameof(Pages))]
    public void Page_EachBlockOfCode_EqualsItsCompiledSnippet(string page)
    {
        var source = string.Concat(Directory.GetFiles(Path.Combine(Root, "tests"), "*Snippets.cs", SearchOption.AllDirectories).Select(Read));

        foreach (Match block in Block.Matches(Read(Path.Combine(Root, page))))
        {
            Assert.True(block.Groups["name"].Success, $"{page} shows code that is no snippet, so nobody compiles it:\n{block.Groups["code"].Value}");
            Assert.Equal(Snippet(source, block.Groups["name"].Value), block.Groups["code"].Value);
        }
    }

    [Theory, MemberData(nameof(Pages))]
    public void Page_EachRelativeLink_LeadsSomewhere(string page)
    {
        var folder = Path.GetDirectoryName(Path.Combine(Root, page))!;

        var broken = Regex.Matches(Read(Path.Combine(Root, page)), "\\]\\((?<target>[^)#:]+)(?:#[^)]*)?\\)", RegexOptions.None, TimeSpan.FromSeconds(5))
            .Select(link => link.Groups["target"].Value)
            .Where(target => !Path.Exists(Path.Combine(folder, target)));

        Assert.Empty(broken);
    }

    private static IEnumerable<string> Files(string folder) => Directory.GetFiles(Path.Combine(Root, folder), "*.md");

    private static string Snippet(string source, string name)
    {
        var lines = source.Split('\n');
        var begin = Array.FindIndex(lines, line => line.Trim() == $"// begin: {name}");
        var end = Array.FindIndex(lines, line => line.Trim() == $"// end: {name}");
        Assert.True(begin >= 0 && end > begin, $"No *Snippets.cs has a snippet '{name}'.");
        var indent = lines[begin].Length - lines[begin].TrimStart().Length;
        return string.Concat(lines[(begin + 1)..end].Select(line => (line.Length > indent ? line[indent..] : "") + "\n"));
    }

    private static string Read(string path) => File.ReadAllText(path).ReplaceLineEndings("\n");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LambdaStreaming.Client.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests do not run inside the repository, whose docs they read.");
    }
}
