using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Links lead somewhere. Those to other sites are checked for their form only: tests use no network.</summary>
public class LinkTests
{
    private const string Home = "https://github.com/lambdastreaming/lambdastreaming-dotnet/blob/main/";

    private static readonly Regex Link = new(@"\]\((?<target>[^)\s]+)\)", RegexOptions.None, TimeSpan.FromSeconds(5));
    private static readonly Regex Heading = new(@"^#{1,6} (?<text>.+)$", RegexOptions.Multiline, TimeSpan.FromSeconds(5));
    private static readonly Regex Numbered = new(@"^\d+\. \[[^\]]+\]\((?<page>[^)]+)\)", RegexOptions.Multiline, TimeSpan.FromSeconds(5));
    private static readonly Regex Anchor = new("<a id=\"(?<id>[^\"]+)\">", RegexOptions.None, TimeSpan.FromSeconds(5));

    [Theory, MemberData(nameof(Page.Paths), MemberType = typeof(Page))]
    public void Page_EachLink_LeadsSomewhere(string path)
    {
        var page = new Page(path);

        Assert.All(Link.Matches(page.Prose).Select(link => link.Groups["target"].Value), target =>
        {
            // NuGet shows a package's README by itself: it links to the repository by its address.
            if (path.StartsWith("src/", StringComparison.Ordinal)) Assert.StartsWith("https://", target, StringComparison.Ordinal);
            if (target.StartsWith(Home, StringComparison.Ordinal)) AssertLeadsTo("", target[Home.Length..]);
            else if (target.Contains("://", StringComparison.Ordinal)) Assert.True(Uri.TryCreate(target, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps, target);
            else AssertLeadsTo(path, target);
        });
    }

    [Fact]
    public void Guide_LinksToEveryPageOfDocs()
    {
        var guide = new Page("docs/README.md");
        var linked = Link.Matches(guide.Prose).Select(link => link.Groups["target"].Value).ToHashSet(StringComparer.Ordinal);

        Assert.All(Page.All.Where(page => page.Path.StartsWith("docs/", StringComparison.Ordinal) && page.Path != guide.Path), page => Assert.Contains(page.Path["docs/".Length..], linked));
    }

    [Fact]
    public void Guide_EachPageInItsOrder_LeadsToTheNext()
    {
        var pages = Numbered.Matches(new Page("docs/README.md").Text).Select(line => line.Groups["page"].Value).ToList();

        Assert.True(pages.Count > 2);
        Assert.All(pages.Zip(pages.Skip(1)), pair => Assert.Matches($@"\nNext: \[[^\]]+\]\({Regex.Escape(pair.Second)}\)\n$", new Page("docs/" + pair.First).Text));
    }

    private static void AssertLeadsTo(string from, string target)
    {
        var (file, fragment) = target.Split('#') is [var name, var id] ? (name, id) : (target, null);
        var path = file.Length == 0 ? from : Path.Combine(Path.GetDirectoryName(from) ?? "", file);
        Assert.True(Path.Exists(Path.Combine(Repository.Root, path)), $"{from} links to {target}, which is not there.");
        if (fragment is null) return;
        var text = Repository.Read(path);
        var anchors = Heading.Matches(text).Select(heading => Slug(heading.Groups["text"].Value)).Concat(Anchor.Matches(text).Select(anchor => anchor.Groups["id"].Value));
        Assert.True(anchors.Contains(fragment, StringComparer.Ordinal), $"{from} links to {target}, which has no such heading.");
    }

    // As GitHub makes them.
    private static string Slug(string heading) =>
        string.Concat(heading.ToLowerInvariant().Where(letter => char.IsLetterOrDigit(letter) || letter is ' ' or '-' or '_')).Replace(' ', '-');
}
