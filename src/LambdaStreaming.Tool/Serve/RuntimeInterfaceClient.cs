namespace LambdaStreaming.Tool.Serve;

/// <summary>Finds the npm package of AWS's runtime interface client, which runs Node.js functions.</summary>
internal static class RuntimeInterfaceClient
{
    public const string Package = "aws-lambda-ric";

    /// <summary>Finds the folder of the package.</summary>
    /// <param name="taskRoot">The folder of the function.</param>
    /// <param name="node">The path of the program node.</param>
    /// <returns>The folder, or <see langword="null"/>.</returns>
    public static string? Find(string taskRoot, string node) =>
        GetCandidates(taskRoot, node).FirstOrDefault(IsPackage);

    public static bool IsPackage(string folder) => File.Exists(Path.Combine(folder, "index.mjs"));

    private static IEnumerable<string> GetCandidates(string taskRoot, string node)
    {
        foreach (var start in (string[])[taskRoot, Environment.CurrentDirectory])
        {
            for (var folder = Path.GetFullPath(start); folder is not null; folder = Path.GetDirectoryName(folder))
                yield return Path.Combine(folder, "node_modules", Package);
        }

        // The usual destination of `npm install --global`.
        if (Path.GetDirectoryName(Path.GetDirectoryName(node)) is { } prefix)
            yield return Path.Combine(prefix, "lib", "node_modules", Package);
    }
}
