using System.Text;
using LambdaStreaming.Http;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The tables of docs/errors.md are those of the catalogue. With LAMBDASTREAMING_WRITE_DOCS=1 it writes the page instead.</summary>
public class ErrorsPageTests
{
    [Fact]
    public void Page_Tables_AreThoseOfTheCatalogue()
    {
        var page = Repository.Read("docs", "errors.md");

        var expected = Replace(Replace(page, "table: operation", Table(ErrorCatalogue.OfTheOperation)), "table: common", Table(ErrorCatalogue.Common));
        if (Environment.GetEnvironmentVariable("LAMBDASTREAMING_WRITE_DOCS") == "1")
        {
            File.WriteAllText(Path.Combine(Repository.Root, "docs", "errors.md"), expected);
            return;
        }

        Assert.True(expected == page, "docs/errors.md differs from the catalogue. Run this test with LAMBDASTREAMING_WRITE_DOCS=1 to write it anew.");
    }

    [Fact]
    public void Page_HasARowForEachType()
    {
        var page = Repository.Read("docs", "errors.md");
        var rows = page[page.IndexOf("<!-- table: operation -->", StringComparison.Ordinal)..].Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal) && line.Contains("Exception`", StringComparison.Ordinal)).ToList();
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
}
