using System.IO.Enumeration;
using System.Text.RegularExpressions;

namespace LambdaStreaming.Docs.Tests;

/// <summary>Rules of the files in .github that only a repeated or failed run on GitHub would show.</summary>
public class WorkflowTests
{
    private static readonly Regex Overwrite = Create(@"\n +overwrite: true\b");
    private static readonly Regex NoCache = Create(@"\n +cache: false\b");
    private static readonly Regex Ignored = Create("\n +- dependency-name: \"(?<name>[^\"]+)\"");
    private static readonly Regex Dependency = Create(@"\nnet\d+\.0 (?<name>\S+) \S+");
    private static readonly Regex Directories = Create(@"\n +directories: \[(?<list>[^\]]+)\]");

    // Source: action.yml of actions/upload-artifact. If a failed job is run again, its artifact of the first attempt
    // exists.
    [Fact]
    public void UploadArtifact_JobRunsAgain_ReplacesItsArtifact()
    {
        var steps = Directory.GetFiles(Path.Combine(Repository.Root, ".github", "workflows"), "*.yml")
            .SelectMany(file => GetSteps(Repository.Read(file)))
            .Where(step => step.Contains("uses: actions/upload-artifact@", StringComparison.Ordinal))
            .ToList();

        Assert.NotEmpty(steps);
        Assert.All(steps, step => Assert.Matches(Overwrite, step));
    }

    // Source: cache-save.ts of actions/setup-dotnet, which fails if the folder of packages does not exist.
    [Fact]
    public void Publish_JobRestoresNothing_DoesNotSaveACache()
    {
        var job = Repository.Read(".github", "workflows", "release.yml")
            .Split("\n  publish:\n")[1].Split("\n  release:\n")[0];
        var action = Repository.Read(".github", "actions", "setup", "action.yml");

        var setup = Assert.Single(
            GetSteps(job), step => step.Contains("./.github/actions/setup", StringComparison.Ordinal));
        Assert.Matches(NoCache, setup);
        Assert.Contains("\n        cache: ${{ inputs.cache }}\n", action, StringComparison.Ordinal);
    }

    // Source: dependabot-core, MSBuildHelper.TryGetDotNetToolsJsonPath, which searches only folders with this name.
    [Fact]
    public void Dependabot_ToolManifests_AreWhereItLooks()
    {
        const string Place = "/.config/dotnet-tools.json";
        var nuget = Repository.Read(".github", "dependabot.yml").Split("package-ecosystem: ")
            .Single(section => section.StartsWith("nuget\n", StringComparison.Ordinal));
        var directories = Directories.Match(nuget).Groups["list"].Value.Split(", ").Select(item => item.Trim('"'));

        var manifests = FindToolManifests();

        Assert.Equal(2, manifests.Count);
        Assert.All(manifests, path => Assert.EndsWith(Place, path, StringComparison.Ordinal));
        Assert.Superset(
            manifests.Select(path => path == Place ? "/" : path[..^Place.Length]).ToHashSet(StringComparer.Ordinal),
            directories.ToHashSet(StringComparer.Ordinal));
    }

    // A higher minimum version of a package needs a reason, and eng/pack-check.sh fails with it.
    [Fact]
    public void Dependabot_DependenciesOfThePackages_AreIgnored()
    {
        var ignored = Ignored.Matches(Repository.Read(".github", "dependabot.yml"))
            .Select(match => match.Groups["name"].Value);
        var dependencies = Dependency.Matches(Repository.Read("eng/pack-check.sh"))
            .Select(match => match.Groups["name"].Value)
            .Where(name => !name.StartsWith("LambdaStreaming.", StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal)
            .ToList();

        Assert.Contains("AWSSDK.Core", dependencies);
        Assert.All(
            dependencies,
            name => Assert.Contains(ignored, pattern => FileSystemName.MatchesSimpleExpression(pattern, name)));
    }

    private static List<string> FindToolManifests()
    {
        const string Name = "dotnet-tools.json";
        string[] excluded = [".git", "artifacts"];
        var files = Directory.GetDirectories(Repository.Root)
            .Where(folder => !excluded.Contains(Path.GetFileName(folder), StringComparer.Ordinal))
            .SelectMany(folder => Directory.GetFiles(folder, Name, SearchOption.AllDirectories))
            .Concat(Directory.GetFiles(Repository.Root, Name));
        return [.. files.Select(file => "/" + Path.GetRelativePath(Repository.Root, file).Replace('\\', '/'))];
    }

    private static IEnumerable<string> GetSteps(string text) => text.Split("\n      - ");

    private static Regex Create(string pattern) => new(pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
}
