using System.Text;
using LambdaStreaming.Http;

namespace LambdaStreaming.Tests;

/// <summary>Holds docs/errors.md equal to the catalogue and to compiled code. With LAMBDASTREAMING_WRITE_DOCS=1 it writes the page instead.</summary>
public class ErrorsPageTests
{
    private static readonly string Root = FindRoot();

    [Fact]
    public void Page_EqualsTheCatalogueAndTheCode()
    {
        var path = Path.Combine(Root, "docs", "errors.md");
        var page = File.ReadAllText(path).ReplaceLineEndings("\n");
        var snippets = File.ReadAllText(Path.Combine(Root, "tests", "LambdaStreaming.Client.Tests", "ErrorsPageSnippets.cs")).ReplaceLineEndings("\n");

        var expected = page;
        foreach (var name in (string[])["catch", "later"]) expected = Replace(expected, $"code: {name}", $"```csharp\n{Snippet(snippets, name)}```\n");
        expected = Replace(expected, "table: operation", Table(ErrorCatalogue.OfTheOperation));
        expected = Replace(expected, "table: common", Table(ErrorCatalogue.Common));
        if (Environment.GetEnvironmentVariable("LAMBDASTREAMING_WRITE_DOCS") == "1")
        {
            File.WriteAllText(path, expected);
            return;
        }

        Assert.True(expected == page, "docs/errors.md differs from the catalogue or the code. Run this test with LAMBDASTREAMING_WRITE_DOCS=1 to write it anew.");
    }

    [Fact]
    public void Page_HasARowForEachType()
    {
        var rows = File.ReadAllLines(Path.Combine(Root, "docs", "errors.md")).Where(line => line.StartsWith("| `", StringComparison.Ordinal) && line.Contains("Exception`", StringComparison.Ordinal)).ToList();
        var types = typeof(LambdaServiceException).Assembly.GetExportedTypes().Where(type => type.BaseType == typeof(LambdaServiceException)).ToList();

        Assert.Equal(35 + 19, types.Count);
        Assert.Equal(types.Count, rows.Count);
        Assert.All(types, type => Assert.Single(rows, row => row.StartsWith($"| `{type.Name}`", StringComparison.Ordinal)));
    }

    private static string Table(IReadOnlyList<ErrorCatalogueEntry> entries)
    {
        var table = new StringBuilder("| exception | HTTP | what happened | did the function run? | sent again by default? | what to do |\n|---|---|---|---|---|---|\n");
        foreach (var entry in entries)
        {
            var name = entry.Code == entry.Type.Name ? $"`{entry.Type.Name}`" : $"`{entry.Type.Name}`<br>named `{entry.Code}`";
            if (entry.Aliases.Count > 0) name += "<br>also " + string.Join(", ", entry.Aliases.Select(alias => $"`{alias}`"));
            var ran = entry.FunctionMayHaveRun ? "It may have." : "No.";
            var basis = entry.Basis == ErrorBasis.Documented ? "Documented" : "Inferred";
            var again = (entry.IsTransient, entry.FunctionMayHaveRun, entry.IsThrottling) switch
            {
                (true, false, true) => "yes, with the longer delays of throttling",
                (true, false, false) => "yes",
                (true, true, _) => "no; `AtLeastOnce` does",
                _ when entry.MayBeClockSkew => "only once a wrong clock of this machine is corrected",
                _ => "no",
            };
            var advice = entry.Advice.Replace("{function}", "the function", StringComparison.Ordinal).Replace("{region}", "the region", StringComparison.Ordinal).Replace(" (the function)", "", StringComparison.Ordinal).Replace(" (the region)", "", StringComparison.Ordinal);
            table.Append(System.Globalization.CultureInfo.InvariantCulture, $"| {name} | {entry.StatusCode} | {entry.Meaning} | {ran} {basis}: {entry.Because.Replace(ErrorCatalogue.ValidatedFirst, "[validated first](#validated-first)", StringComparison.Ordinal)} | {again} | {advice} |\n");
        }

        return table.ToString();
    }

    private static string Replace(string page, string mark, string content)
    {
        var (begin, end) = ($"<!-- {mark} -->\n", $"<!-- end of {mark} -->");
        var start = page.IndexOf(begin, StringComparison.Ordinal);
        var stop = page.IndexOf(end, StringComparison.Ordinal);
        Assert.True(start >= 0 && stop > start, $"docs/errors.md lacks the marks of {mark}.");
        return string.Concat(page.AsSpan(0, start + begin.Length), "\n", content, "\n" + page[stop..]);
    }

    private static string Snippet(string source, string name)
    {
        var lines = source.Split('\n');
        var begin = Array.FindIndex(lines, line => line.Trim() == $"// begin: {name}");
        var end = Array.FindIndex(lines, line => line.Trim() == $"// end: {name}");
        var indent = lines[begin].Length - lines[begin].TrimStart().Length;
        return string.Concat(lines[(begin + 1)..end].Select(line => (line.Length > indent ? line[indent..] : "") + "\n"));
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LambdaStreaming.Client.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests do not run inside the repository, whose docs they read.");
    }
}
