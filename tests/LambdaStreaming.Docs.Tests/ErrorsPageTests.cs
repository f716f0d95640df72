using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The tables of docs/errors.md, generated from ServiceErrorTable and docs/errors.json.</summary>
/// <remarks>
/// With the environment variable LAMBDASTREAMING_WRITE_DOCS=1, the test of the tables writes the page.
/// </remarks>
public class ErrorsPageTests
{
    private static readonly Dictionary<string, Explanation> Explanations =
        JsonSerializer.Deserialize<Dictionary<string, Explanation>>(
            Repository.Read("docs", "errors.json"), JsonSerializerOptions.Web)!;

    private static readonly ServiceErrorEntry[] Entries =
        [.. ServiceErrorTable.OperationErrors, .. ServiceErrorTable.Common];

    public static IEnumerable<TheoryDataRow<string>> Codes =>
        Entries.Select(entry => new TheoryDataRow<string>(entry.Code!));

    [Fact]
    public void Explanations_EachError_HasOne()
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
    public void Page_Tables_EqualServiceErrorTable()
    {
        var page = Repository.Read("docs", "errors.md");

        var expected = Replace(page, "table: operation", Table(ServiceErrorTable.OperationErrors));
        expected = Replace(expected, "table: common", Table(ServiceErrorTable.Common));
        if (Environment.GetEnvironmentVariable("LAMBDASTREAMING_WRITE_DOCS") == "1")
        {
            File.WriteAllText(Path.Combine(Repository.Root, "docs", "errors.md"), expected);
            return;
        }

        Assert.True(
            expected == page,
            "docs/errors.md differs from ServiceErrorTable. Run this test with LAMBDASTREAMING_WRITE_DOCS=1.");
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

    [Fact]
    public void Page_EachFunctionErrorCode_HasARow()
    {
        var codes = typeof(FunctionErrorCodes).GetFields().Select(field => (string)field.GetRawConstantValue()!);
        var rows = ReadFirstColumn("### Function error codes");

        Assert.NotEmpty(codes);
        Assert.All(codes, code => Assert.Single(rows, row => row.Contains($"`{code}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void Page_ErrorsInYourCode_QuoteTheMessages()
    {
        var messages = Repository.Read("tests", "LambdaStreaming.Client.Tests", "Messages", "messages.approved.md");
        var quotations = ReadFirstColumn("### Errors in your code")
            .SelectMany(row => row.Split('"').Where((_, index) => index % 2 == 1))
            .ToList();

        Assert.NotEmpty(quotations);
        Assert.All(quotations, quotation => Assert.Contains($"\n> {quotation}", messages, StringComparison.Ordinal));
    }

    // The summary must agree, because IntelliSense shows it to users.
    [Theory, MemberData(nameof(Codes))]
    public void Summary_EachExceptionType_AgreesWithServiceErrorTable(string code)
    {
        var entry = ServiceErrorTable.Find(code)!;
        var documentation = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "LambdaStreaming.Client.xml"));
        var member = documentation.Descendants("member")
            .Single(element => (string)element.Attribute("name")! == "T:" + GetExceptionType(entry).FullName);
        foreach (var see in member.Descendants("see").ToList())
            see.ReplaceWith(((string)see.Attribute("cref")!).Split('.')[^1]);
        var words = member.Element("summary")!.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

        var ran = entry.FunctionMayHaveRun ? "The function might have run" : "The function did not run";
        var retried = (entry.IsTransient, entry.FunctionMayHaveRun) switch
        {
            (true, false) => "retried by default",
            (true, true) => "retried only with AtLeastOnce",
            _ when entry.MayBeClockSkew => "retried only if the local clock is wrong, with the corrected time",
            _ => "never retried",
        };
        var meaning = Explanations[code].Meaning[..^1];
        Assert.Equal($"{meaning} (HTTP {entry.StatusCode}). {ran}; {retried}.", string.Join(' ', words));
    }

    private static List<string> ReadFirstColumn(string heading)
    {
        var page = Repository.Read("docs", "errors.md");
        var start = page.IndexOf(heading + "\n", StringComparison.Ordinal);
        Assert.True(start >= 0, $"docs/errors.md does not contain the heading {heading}.");
        var end = page.IndexOf("\n#", start, StringComparison.Ordinal);
        return [.. page[start..end].Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Split('|')[1])];
    }

    private static string Table(IReadOnlyList<ServiceErrorEntry> entries)
    {
        const string Header =
            "| exception | HTTP | what happened | did the function run? | retried by default? | what to do |\n";
        var table = new StringBuilder(Header).Append("|---|---|---|---|---|---|\n");
        foreach (var entry in entries)
        {
            var explanation = Explanations[entry.Code!];
            var ran = entry.FunctionMayHaveRun ? "It might have." : "No.";
            string[] cells =
            [
                GetNames(entry), entry.StatusCode.ToString(CultureInfo.InvariantCulture), explanation.Meaning,
                $"{ran} {explanation.Basis}: {explanation.Because}", GetRetried(entry), GetAdvice(entry),
            ];
            table.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        }

        return table.ToString();
    }

    private static string GetNames(ServiceErrorEntry entry)
    {
        var type = GetExceptionType(entry).Name;
        var names = entry.Code == type ? $"`{type}`" : $"`{type}`<br>named `{entry.Code}`";
        var aliases = string.Join(", ", entry.Aliases.Select(alias => $"`{alias}`"));
        return aliases.Length == 0 ? names : $"{names}<br>also {aliases}";
    }

    private static string GetRetried(ServiceErrorEntry entry) =>
        (entry.IsTransient, entry.FunctionMayHaveRun, entry.IsThrottling) switch
        {
            (true, false, true) => "yes, with the longer delays of throttling",
            (true, false, false) => "yes",
            (true, true, _) => "only with `AtLeastOnce`",
            _ when entry.MayBeClockSkew => "only if the local clock is wrong, with the corrected time",
            _ => "no",
        };

    private static string GetAdvice(ServiceErrorEntry entry) => entry.Advice
        .Replace("{function}", "the function", StringComparison.Ordinal)
        .Replace("{region}", "the region", StringComparison.Ordinal)
        .Replace(" (the function)", "", StringComparison.Ordinal)
        .Replace(" (the region)", "", StringComparison.Ordinal);

    private static Type GetExceptionType(ServiceErrorEntry entry) =>
        entry.Create("m", new LambdaErrorDetails()).GetType();

    private static string Replace(string page, string mark, string content)
    {
        var (begin, end) = ($"<!-- {mark} -->\n", $"<!-- end of {mark} -->");
        var start = page.IndexOf(begin, StringComparison.Ordinal);
        var stop = page.IndexOf(end, StringComparison.Ordinal);
        Assert.True(start >= 0 && stop > start, $"docs/errors.md does not contain the markers of {mark}.");
        return string.Concat(page.AsSpan(0, start + begin.Length), "\n", content, "\n" + page[stop..]);
    }

    private sealed record Explanation(string Meaning, string Basis, string Because);
}
