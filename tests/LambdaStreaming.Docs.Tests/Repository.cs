namespace LambdaStreaming.Docs.Tests;

/// <summary>The repository that contains the tests.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Read(params string[] path) =>
        File.ReadAllText(Path.Combine([Root, .. path])).ReplaceLineEndings("\n");

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LambdaStreaming.Client.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests read files of the repository, but do not run inside of it.");
    }
}
