using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>docs/dependencies.md names every package that the lock files of src name, with the licence of its manifest.</summary>
public class DependencyPageTests
{
    private static readonly string Page = Repository.Read("docs", "dependencies.md");

    [Fact]
    public void Page_EachPackageOfTheLockFiles_IsListed()
    {
        var packages = Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(folder => Path.Combine(folder, "packages.lock.json")).Where(File.Exists)
            .SelectMany(file => JsonNode.Parse(File.ReadAllText(file))!["dependencies"]!.AsObject().SelectMany(framework => framework.Value!.AsObject()))
            .Where(package => (string?)package.Value!["type"] != "Project")
            .Select(package => (Name: package.Key, Version: (string)package.Value!["resolved"]!)).Distinct().ToList();

        Assert.NotEmpty(packages);
        Assert.All(packages, package => Assert.Matches($@"(?<![\w.]){Regex.Escape(package.Name)}(?![\w]|\.\w)", Page));
        Assert.All(packages, package =>
        {
            if (LicenceOf(package.Name, package.Version) is { } licence) Assert.Contains(licence, LineOf(package.Name), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void MinimumVersions_OfTheLockFiles_AreListed()
    {
        var minimums = new[] { "LambdaStreaming.Client", "LambdaStreaming.Extensions.DependencyInjection" }
            .Select(project => JsonNode.Parse(Repository.Read("src", project, "packages.lock.json"))!["dependencies"]!.AsObject())
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

    private static string LineOf(string name) => Page.Split('\n').First(line => Regex.IsMatch(line, $@"(?<![\w.]){Regex.Escape(name)}(?![\w]|\.\w)", RegexOptions.None, TimeSpan.FromSeconds(5)));

    // As restored on this machine; elsewhere there is nothing to compare with.
    private static string? LicenceOf(string name, string version)
    {
        var folder = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var manifest = Path.Combine(folder, name.ToLowerInvariant(), version, name.ToLowerInvariant() + ".nuspec");
        if (!File.Exists(manifest)) return null;
        return Regex.Match(File.ReadAllText(manifest), "<license type=\"expression\">(?<name>[^<]+)<", RegexOptions.None, TimeSpan.FromSeconds(5)) is { Success: true } match ? match.Groups["name"].Value : null;
    }
}
