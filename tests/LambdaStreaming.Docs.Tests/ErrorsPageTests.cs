using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Docs.Tests;

/// <summary>
/// The tables of docs/errors.md are the rows of the catalogue with the explanations of docs/errors.json. With
/// LAMBDASTREAMING_WRITE_DOCS=1 the test of the tables writes the page.
/// </summary>
public class ErrorsPageTests
{
    private static readonly Dictionary<string, Explanation> Explanations =
        JsonSerializer.Deserialize<Dictionary<string, Explanation>>(
            Repository.Read("docs", "errors.json"), JsonSerializerOptions.Web)!;

    private static readonly ServiceErrorEntry[] Entries =
        [.. ServiceErrorTable.OfTheOperation, .. ServiceErrorTable.Common];

    public static IEnumerable<TheoryDataRow<string>> Codes =>
        Entries.Select(entry => new TheoryDataRow<string>(entry.Code!));

    [Fact]
    public void Explanations_OneForEachError_AreComplete()
    {
        Assert.Equal(Entries.Select(entry => entry.Code), Explanations.Keys);
        Assert.All(Explanations, row =>
        {
            Assert.EndsWith(".", row.Value.Meaning, StringComparison.Ordinal);
            Assert.Contains(row.Value.Basis, (string[])["Documented", "Inferred"]);
            Assert.NotEmpty(row.Value.Because);
        });
    }

    [Fact]
    public void Page_Tables_AreThoseOfTheCatalogue()
    {
        var page = Repository.Read("docs", "errors.md");

        var expected = Replace(page, "table: operation", Table(ServiceErrorTable.OfTheOperation));
        expected = Replace(expected, "table: common", Table(ServiceErrorTable.Common));
        if (Environment.GetEnvironmentVariable("LAMBDASTREAMING_WRITE_DOCS") == "1")
        {
            File.WriteAllText(Path.Combine(Repository.Root, "docs", "errors.md"), expected);
            return;
        }

        Assert.True(
            expected == page,
            "docs/errors.md differs from the catalogue. Run this test with LAMBDASTREAMING_WRITE_DOCS=1 to write it.");
    }

    [Fact]
    public void Page_EachExceptionType_HasOneRow()
    {
        var page = Repository.Read("docs", "errors.md");
        var tables = page[page.IndexOf("<!-- table: operation -->", StringComparison.Ordinal)..];
        var rows = tables.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).ToList();
        var types = typeof(LambdaServiceException).Assembly.GetExportedTypes()
            .Where(type => type.BaseType == typeof(LambdaServiceException))
            .ToList();

        Assert.Equal(40 + 19, types.Count);
        Assert.Equal(types.Count, rows.Count);
        Assert.All(
            types, type => Assert.Single(rows, row => row.StartsWith($"| `{type.Name}`", StringComparison.Ordinal)));
    }

    // The summary of each type is what IntelliSense shows.
    [Theory, MemberData(nameof(Codes))]
    public void Summary_OfEachType_AgreesWithTheCatalogue(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;
        var documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "LambdaStreaming.Client.xml"));
        var member = documentation.Descendants("member")
            .Single(element => (string)element.Attribute("name")! == "T:" + TypeOf(entry).FullName);
        foreach (var see in member.Descendants("see").ToList())
            see.ReplaceWith(((string)see.Attribute("cref")!).Split('.')[^1]);
        var words = member.Element("summary")!.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

        var ran = entry.FunctionMayHaveRun ? "The function may have run" : "The function did not run";
        var retried = (entry.IsTransient, entry.FunctionMayHaveRun) switch
        {
            (true, false) => "sent again by default",
            (true, true) => "sent again only under AtLeastOnce",
            _ when entry.MayBeClockSkew => "sent again only once a wrong clock of this machine is corrected",
            _ => "never sent again",
        };
        var meaning = Explanations[code].Meaning[..^1];
        Assert.Equal($"{meaning} (HTTP {entry.StatusCode}). {ran}; {retried}.", string.Join(' ', words));
    }

    private static string Table(IReadOnlyList<ServiceErrorEntry> entries)
    {
        const string Header =
            "| exception | HTTP | what happened | did the function run? | sent again by default? | what to do |\n";
        var table = new StringBuilder(Header).Append("|---|---|---|---|---|---|\n");
        foreach (var entry in entries)
        {
            var explanation = Explanations[entry.Code!];
            var ran = entry.FunctionMayHaveRun ? "It may have." : "No.";
            string[] cells =
            [
                NamesOf(entry), entry.StatusCode.ToString(CultureInfo.InvariantCulture), explanation.Meaning,
                $"{ran} {explanation.Basis}: {explanation.Because}", RetriedByDefault(entry), GetAdvice(entry),
            ];
            table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        }

        return table.ToString();
    }

    private static string NamesOf(ServiceErrorEntry entry)
    {
        var type = TypeOf(entry).Name;
        var names = entry.Code == type ? $"`{type}`" : $"`{type}`<br>named `{entry.Code}`";
        var aliases = string.Join(", ", entry.Aliases.Select(alias => $"`{alias}`"));
        return aliases.Length == 0 ? names : $"{names}<br>also {aliases}";
    }

    private static string RetriedByDefault(ServiceErrorEntry entry) =>
        (entry.IsTransient, entry.FunctionMayHaveRun, entry.IsThrottling) switch
        {
            (true, false, true) => "yes, with the longer delays of throttling",
            (true, false, false) => "yes",
            (true, true, _) => "no; `AtLeastOnce` does",
            _ when entry.MayBeClockSkew => "only once a wrong clock of this machine is corrected",
            _ => "no",
        };

    private static string GetAdvice(ServiceErrorEntry entry) => entry.Advice
        .Replace("{function}", "the function", StringComparison.Ordinal)
        .Replace("{region}", "the region", StringComparison.Ordinal)
        .Replace(" (the function)", "", StringComparison.Ordinal)
        .Replace(" (the region)", "", StringComparison.Ordinal);

    private static Type TypeOf(ServiceErrorEntry entry) => entry.Create("m", new LambdaErrorDetails()).GetType();

    private static string Replace(string page, string mark, string content)
    {
        var (begin, end) = ($"<!-- {mark} -->\n", $"<!-- end of {mark} -->");
        var start = page.IndexOf(begin, StringComparison.Ordinal);
        var stop = page.IndexOf(end, StringComparison.Ordinal);
        Assert.True(start >= 0 && stop > start, $"docs/errors.md lacks the marks of {mark}.");
        return string.Concat(page.AsSpan(0, start + begin.Length), "\n", content, "\n" + page[stop..]);
    }

    private sealed record Explanation(string Meaning, string Basis, string Because);
}
