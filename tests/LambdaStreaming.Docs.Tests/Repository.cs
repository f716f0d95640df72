namespace LambdaStreaming.Docs.Tests;

/// <summary>The repository that the tests run in.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Read(params string[] path) => File.ReadAllText(Path.Combine([Root, .. path])).ReplaceLineEndings("\n");

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "LambdaStreaming.Client.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The tests do not run inside the repository, whose files they read.");
    }
}
