using System.Text.RegularExpressions;

namespace LambdaStreaming.Tests;

/// <summary>
/// Allowed dependencies between the folders of the client.
/// Source: ARCHITECTURE.md, "Folders of LambdaStreaming.Client".
/// </summary>
public partial class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["EventStream"] = [],
        ["Diagnostics"] = [],
        ["Errors"] = [],
        ["Configuration"] = ["Errors"],
        ["Signing"] = ["Configuration", "Errors"],
        ["ResponseStream"] = ["EventStream", "Errors", "Diagnostics"],
        ["Payload"] = ["ResponseStream", "Configuration", "Errors"],
        ["Invocation"] = ["Configuration", "Signing", "ResponseStream", "Errors", "Diagnostics"],
    };

    private static string ClientFolder => Path.Combine(FindRepositoryRoot(), "src", "LambdaStreaming.Client");

    public static TheoryData<string> Folders => [.. Allowed.Keys];

    [Fact]
    public void Client_Folders_MatchTheTable()
    {
        var folders = Directory.GetDirectories(ClientFolder)
            .Select(folder => Path.GetFileName(folder)!)
            .Where(name => name is not ("bin" or "obj"));

        Assert.Equal(Allowed.Keys.Order(StringComparer.Ordinal), folders.Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Folders))]
    public void Folder_OtherFoldersItUses_AreAllowed(string folder)
    {
        var files = GetSourceFiles(folder);
        Assert.NotEmpty(files);

        var forbidden =
            from file in files
            let text = File.ReadAllText(file)
            from used in GetUsedFolders(text)
            where used != folder && Allowed.ContainsKey(used) && !Allowed[folder].Contains(used, StringComparer.Ordinal)
            select $"{Path.GetFileName(file)} uses {used}";

        Assert.Empty(forbidden);
    }

    [Theory, MemberData(nameof(Folders))]
    public void Folder_EachFile_HasTheNamespaceOfTheFolder(string folder)
    {
        var files = GetSourceFiles(folder);

        Assert.All(
            files,
            file => Assert.Contains(
                $"namespace LambdaStreaming.{folder};", File.ReadAllText(file), StringComparison.Ordinal));
    }

    private static string[] GetSourceFiles(string folder) =>
        Directory.GetFiles(Path.Combine(ClientFolder, folder), "*.cs", SearchOption.AllDirectories);

    private static IEnumerable<string> GetUsedFolders(string text) =>
        Usings().Matches(text)
            .Select(match => match.Groups["folder"].Value)
            .Concat(GetFoldersOfQualifiedNames(text))
            .Distinct(StringComparer.Ordinal);

    // Finds names such as "Errors.Redactor" in code. Comments are not dependencies.
    private static IEnumerable<string> GetFoldersOfQualifiedNames(string text) =>
        from line in text.Split('\n')
        where !line.TrimStart().StartsWith("//", StringComparison.Ordinal)
        from match in QualifiedName().Matches(line)
        select match.Groups["folder"].Value;

    private static string FindRepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "LambdaStreaming.Client.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }

    [GeneratedRegex(
        @"^(global )?using (static )?LambdaStreaming\.(?<folder>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Usings();

    [GeneratedRegex(
        @"(?<![\w.])(LambdaStreaming\.)?"
        + "(?<folder>EventStream|Diagnostics|Errors|Configuration|Signing|ResponseStream|Payload|Invocation)"
        + @"\.[A-Z]",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 10_000)]
    private static partial Regex QualifiedName();
}
