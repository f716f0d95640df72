using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>One page that users read: its fenced blocks, each with its language and the name of its snippet, and its prose.</summary>
internal sealed record Page(string Path)
{
    private static readonly Regex Fence = new("^(?:<!-- snippet: (?<snippet>[a-z-]+) -->\n)?```(?<language>[^\n]*)\n(?<code>.*?)^```\n", RegexOptions.Singleline | RegexOptions.Multiline, TimeSpan.FromSeconds(5));
    private static readonly Regex InlineCode = new("`(?<code>[^`\n]+)`", RegexOptions.None, TimeSpan.FromSeconds(5));

    /// <summary>README.md and its neighbours, docs/, and what NuGet shows of each package.</summary>
    public static IEnumerable<Page> All =>
        ((string[])["", "docs", .. Directory.GetDirectories(System.IO.Path.Combine(Repository.Root, "src"))])
            .SelectMany(folder => Directory.GetFiles(System.IO.Path.Combine(Repository.Root, folder), "*.md"))
            .Select(file => new Page(System.IO.Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')));

    public static IEnumerable<TheoryDataRow<string>> Paths => All.Select(page => new TheoryDataRow<string>(page.Path));

    public string Text { get; } = Repository.Read(Path);

    public IEnumerable<Block> Blocks => Fence.Matches(Text).Select(fence => new Block(fence.Groups["language"].Value, fence.Groups["snippet"].Value, fence.Groups["code"].Value));

    /// <summary>The page without its fenced blocks.</summary>
    public string Prose => Fence.Replace(Text, "\n");

    /// <summary>What a reader would type: each line of the blocks in sh, joined where a backslash continues it, without what comes after a number sign.</summary>
    public IEnumerable<string> Commands => Blocks.Where(block => block.Language == "sh")
        .SelectMany(block => block.Code.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        .Select(line => line.Split("  #")[0].Trim())
        .Where(line => line.Length > 0);

    /// <summary>Commands within the prose.</summary>
    public IEnumerable<string> InlineCommands => InlineCode.Matches(Prose).Select(match => match.Groups["code"].Value).Where(code => code.StartsWith("dotnet ", StringComparison.Ordinal) || code.StartsWith("tests/", StringComparison.Ordinal) || code.StartsWith("bash ", StringComparison.Ordinal));

    public sealed record Block(string Language, string Snippet, string Code);
}
