using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>
/// Existence of the targets of all links. Only the format of external links is checked, without network access.
/// </summary>
public class LinkTests
{
    private const string Home = "https://github.com/lambdastreaming/lambdastreaming-dotnet/blob/main/";

    private static readonly Regex Link = Create(@"\]\((?<target>[^)\s]+)\)");
    private static readonly Regex Heading = Create(@"^#{1,6} (?<text>.+)$");
    private static readonly Regex Numbered = Create(@"^\d+\. \[[^\]]+\]\((?<page>[^)]+)\)");
    private static readonly Regex Anchor = Create("<a id=\"(?<id>[^\"]+)\">");

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachLink_HasATarget(string path)
    {
        var page = new Page(path);

        Assert.All(Link.Matches(page.Prose).Select(link => link.Groups["target"].Value), target =>
        {
            // nuget.org shows the README of a package outside of the repository, so its links must be absolute.
            if (path.StartsWith("src/", StringComparison.Ordinal))
                Assert.StartsWith("https://", target, StringComparison.Ordinal);

            if (target.StartsWith(Home, StringComparison.Ordinal)) AssertExists("", target[Home.Length..]);
            else if (target.Contains("://", StringComparison.Ordinal)) Assert.True(IsHttps(target), target);
            else AssertExists(path, target);
        });
    }

    [Fact]
    public void Guide_Links_IncludeEveryPageOfDocs()
    {
        var guide = new Page("docs/README.md");
        var linked = Link.Matches(guide.Prose).Select(link => link.Groups["target"].Value).ToHashSet(
            StringComparer.Ordinal);

        var pages = Page.All.Select(page => page.Path)
            .Where(path => path.StartsWith("docs/", StringComparison.Ordinal) && path != guide.Path);
        Assert.All(pages, path => Assert.Contains(path["docs/".Length..], linked));
    }

    [Fact]
    public void Guide_EachNumberedPage_LinksToTheNext()
    {
        var pages = Numbered.Matches(new Page("docs/README.md").Text)
            .Select(line => line.Groups["page"].Value)
            .ToList();

        Assert.True(pages.Count > 2);
        Assert.All(pages.Zip(pages.Skip(1)), pair => Assert.Matches(
            $@"\nNext: \[[^\]]+\]\({Regex.Escape(pair.Second)}\)\n$",
            new Page("docs/" + pair.First).Text));
    }

    private static Regex Create(string pattern) => new(pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(5));

    private static void AssertExists(string from, string target)
    {
        var (file, fragment) = target.Split('#') is [var name, var id] ? (name, id) : (target, null);
        var path = file.Length == 0 ? from : Path.Combine(Path.GetDirectoryName(from) ?? "", file);
        var exists = Path.Exists(Path.Combine(Repository.Root, path));
        Assert.True(exists, $"{from} links to {target}, which does not exist.");
        if (fragment is null) return;
        var text = Repository.Read(path);
        var anchors = Heading.Matches(text)
            .Select(heading => GetAnchor(heading.Groups["text"].Value))
            .Concat(Anchor.Matches(text).Select(anchor => anchor.Groups["id"].Value));
        Assert.True(
            anchors.Contains(fragment, StringComparer.Ordinal),
            $"{from} links to {target}, but the page does not contain that heading.");
    }

    private static bool IsHttps(string target) =>
        Uri.TryCreate(target, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps;

    // Follows the rules of GitHub for the anchors of headings.
    private static string GetAnchor(string heading)
    {
        var letters = heading.ToLowerInvariant()
            .Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_');
        return string.Concat(letters).Replace(' ', '-');
    }
}
