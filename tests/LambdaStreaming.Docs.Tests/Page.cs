using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>A page for users: its prose, and its code blocks with their language and snippet name.</summary>
internal sealed record Page(string Path)
{
    private static readonly Regex Fence = new(
        "^(?:<!-- snippet: (?<snippet>[a-z-]+) -->\n)?```(?<language>[^\n]*)\n(?<code>.*?)^```\n",
        RegexOptions.Singleline | RegexOptions.Multiline,
        TimeSpan.FromSeconds(5));

    private static readonly Regex InlineCode = new(
        "`(?<code>[^`\n]+)`",
        RegexOptions.None,
        TimeSpan.FromSeconds(5));

    private static readonly string[] CommandPrefixes = ["dotnet ", "tests/", "bash "];

    /// <summary>The Markdown files in the root folder, in docs/, and in the folders of the packages.</summary>
    public static IEnumerable<Page> All =>
        ((string[])["", "docs", .. Directory.GetDirectories(System.IO.Path.Combine(Repository.Root, "src"))])
            .SelectMany(folder => Directory.GetFiles(System.IO.Path.Combine(Repository.Root, folder), "*.md"))
            .Select(file => new Page(System.IO.Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')));

    public static IEnumerable<TheoryDataRow<string>> Paths => All.Select(page => new TheoryDataRow<string>(page.Path));

    public string Text { get; } = Repository.Read(Path);

    public IEnumerable<Block> Blocks => Fence.Matches(Text).Select(fence => new Block(
        fence.Groups["language"].Value,
        fence.Groups["snippet"].Value,
        fence.Groups["code"].Value));

    /// <summary>The page without its code blocks.</summary>
    public string Prose => Fence.Replace(Text, "\n");

    /// <summary>The commands in the sh blocks.</summary>
    /// <remarks>Lines that end with a backslash are joined, and comments are removed.</remarks>
    public IEnumerable<string> Commands => Blocks.Where(block => block.Language == "sh")
        .SelectMany(block => block.Code.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
        .Select(line => line.Split("  #")[0].Trim())
        .Where(line => line.Length > 0);

    /// <summary>The commands in the prose.</summary>
    public IEnumerable<string> InlineCommands => InlineCode.Matches(Prose)
        .Select(match => match.Groups["code"].Value)
        .Where(code => CommandPrefixes.Any(prefix => code.StartsWith(prefix, StringComparison.Ordinal)));

    public sealed record Block(string Language, string Snippet, string Code);
}
