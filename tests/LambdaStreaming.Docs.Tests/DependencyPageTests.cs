using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Completeness of docs/dependencies.md: every package of the lock files in src, with its licence.</summary>
public class DependencyPageTests
{
    private static readonly string Page = Repository.Read("docs", "dependencies.md");

    [Fact]
    public void Page_EachPackageOfTheLockFiles_IsListed()
    {
        var packages = Directory.GetDirectories(Path.Combine(Repository.Root, "src"))
            .Select(folder => Path.Combine(folder, "packages.lock.json"))
            .Where(File.Exists)
            .SelectMany(file => JsonNode.Parse(File.ReadAllText(file))!["dependencies"]!.AsObject())
            .SelectMany(framework => framework.Value!.AsObject())
            .Where(package => (string?)package.Value!["type"] != "Project")
            .Select(package => (Name: package.Key, Version: (string)package.Value!["resolved"]!))
            .Distinct()
            .ToList();

        Assert.NotEmpty(packages);
        Assert.All(packages, package => Assert.Matches(GetPattern(package.Name), Page));
        Assert.All(packages, package =>
        {
            if (GetLicence(package.Name, package.Version) is { } licence)
                Assert.Contains(licence, GetLine(package.Name), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void MinimumVersions_OfTheLockFiles_AreListed()
    {
        var minimums = new[] { "LambdaStreaming.Client", "LambdaStreaming.Extensions.DependencyInjection" }
            .Select(project => JsonNode.Parse(
                Repository.Read("src", project, "packages.lock.json"))!["dependencies"]!.AsObject())
            .SelectMany(frameworks => frameworks.SelectMany(
                framework => framework.Value!.AsObject(),
                (framework, package) => (Framework: framework.Key, Package: package.Key, Value: package.Value!)))
            .Where(row => (string?)row.Value["type"] == "Direct" && !IsBuildOnly(row.Package))
            .ToLookup(row => row.Package, row => (row.Framework, Version: (string)row.Value["resolved"]!));

        Assert.NotEmpty(minimums);
        Assert.All(minimums, package =>
        {
            var onNet10 = package.SingleOrDefault(row => row.Framework == "net10.0").Version ?? "–";
            var onNet8 = package.Single(row => row.Framework == "net8.0").Version;
            Assert.Contains($"| {package.Key} | {onNet10} | {onNet8} |\n", Page, StringComparison.Ordinal);
        });
    }

    private static bool IsBuildOnly(string package) =>
        package.EndsWith("Analyzer", StringComparison.Ordinal)
        || package.EndsWith("Analyzers", StringComparison.Ordinal)
        || package == "Microsoft.NET.ILLink.Tasks";

    private static string GetPattern(string name) => $@"(?<![\w.]){Regex.Escape(name)}(?![\w]|\.\w)";

    private static string GetLine(string name) => Page.Split('\n')
        .First(line => Regex.IsMatch(line, GetPattern(name), RegexOptions.None, TimeSpan.FromSeconds(5)));

    // Reads the manifest of the restored package. Returns null if the package is not on this machine, or if its
    // manifest does not have a license expression.
    private static string? GetLicence(string name, string version)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var folder = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(home, ".nuget", "packages");
        var manifest = Path.Combine(folder, name.ToLowerInvariant(), version, name.ToLowerInvariant() + ".nuspec");
        if (!File.Exists(manifest)) return null;
        var match = Regex.Match(
            File.ReadAllText(manifest),
            "<license type=\"expression\">(?<name>[^<]+)<",
            RegexOptions.None,
            TimeSpan.FromSeconds(5));
        return match.Success ? match.Groups["name"].Value : null;
    }
}
