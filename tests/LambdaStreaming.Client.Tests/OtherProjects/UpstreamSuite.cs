using System.Text.Json.Nodes;
using Xunit.Sdk;

namespace LambdaStreaming.Tests.OtherProjects;

/// <summary>
/// Test data of another project, read from a copy of its repository. Without a copy, the tests are skipped.
/// </summary>
/// <remarks>tests/TestData/suites/README.md describes how to get the copies, and the lists of differences.</remarks>
/// <param name="differences">The name of the list of differences in tests/TestData/suites.</param>
/// <param name="path">The path of the data: the name of the repository, then the path in it.</param>
/// <param name="listCases">Returns the names of all cases in the data, which is a file or a folder.</param>
public sealed class UpstreamSuite(string differences, string path, Func<string, IEnumerable<string>> listCases)
{
    private const string Variable = "LAMBDASTREAMING_SUITES";
    private const string SkipReason = $"{Variable} is not set; see tests/TestData/suites/README.md.";

    private readonly Lazy<Dictionary<string, string>> _differences = new(() => LoadDifferences(differences));

    /// <summary>The path of the data on this machine. Skips the test without a copy.</summary>
    public string Location
    {
        get
        {
            var location = Find();
            Assert.SkipWhen(location is null, SkipReason);
            return location!;
        }
    }

    /// <summary>The names of all cases. Throws if there are none, because nothing would be tested.</summary>
    public IEnumerable<TheoryDataRow<string>> Cases => Find() is { } location
        ? List(location).Select(name => new TheoryDataRow<string>(name))
        : [new TheoryDataRow<string>("all cases") { Skip = SkipReason }];

    /// <summary>Runs a case. It must pass, or be listed as a difference and fail an assertion.</summary>
    public async Task CheckAsync(string name, Func<Task> run)
    {
        if (!_differences.Value.TryGetValue(name, out var reason))
        {
            await run();
            return;
        }

        try
        {
            await run();
        }
        catch (XunitException)
        {
            return;
        }

        Assert.Fail($"{name} passes, but {differences}.json lists it as a difference: {reason}");
    }

    /// <inheritdoc cref="CheckAsync"/>
    public Task CheckAsync(string name, Action run) => CheckAsync(name, () =>
    {
        run();
        return Task.CompletedTask;
    });

    /// <summary>Asserts that each listed difference is the name of a case.</summary>
    public void AssertDifferencesAreCases()
    {
        var cases = List(Location);
        Assert.All(_differences.Value.Keys, name => Assert.Contains(name, cases));
    }

    private List<string> List(string location)
    {
        List<string> names = [.. listCases(location).Order(StringComparer.Ordinal)];
        return names.Count > 0 ? names : throw new InvalidOperationException($"{location} contains no cases.");
    }

    // If the variable is set, the data must exist: otherwise, a wrong folder would look like a run without failures.
    private string? Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } root) return null;
        var location = Path.Combine(root, path);
        return Path.Exists(location)
            ? location
            : throw new InvalidOperationException($"{Variable} is set, but {location} does not exist.");
    }

    private static Dictionary<string, string> LoadDifferences(string name)
    {
        var file = Path.Combine(AppContext.BaseDirectory, "TestData", "suites", name + ".json");
        var pairs =
            from entry in JsonNode.Parse(File.ReadAllText(file))!.AsArray()
            from @case in entry["cases"]!.AsArray()
            select KeyValuePair.Create((string)@case!, (string)entry["reason"]!);
        return new(pairs, StringComparer.Ordinal);
    }
}
