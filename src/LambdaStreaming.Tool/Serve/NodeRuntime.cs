namespace LambdaStreaming.Tool.Serve;

/// <summary>Finds what Node.js functions run on: node, and AWS's runtime interface client for it.</summary>
internal static class NodeRuntime
{
    private const string Package = "aws-lambda-ric";

    /// <returns>The folder of the npm package.</returns>
    public static string Find(string function, string taskRoot, string? given)
    {
        if (FindProgram("node") is not { } node) throw ToolException.Usage($"The function {function} needs Node.js, and there is no node on PATH. Install it, version 20 or later: https://nodejs.org.");
        if (given is not null)
        {
            if (IsPackage(given)) return given;
            throw ToolException.Usage($"--ric {given} is not the folder of the npm package {Package}: it has no index.mjs. Give the folder itself, e.g. node_modules/{Package}.");
        }

        return Candidates(taskRoot, node).FirstOrDefault(IsPackage) ?? throw ToolException.Usage(
            $"The function {function} needs AWS's runtime for Node.js, the npm package {Package}. It is in no node_modules of {taskRoot}, of this folder, or of the folders above them. "
            + $"Install it beside the function: npm install --prefix {taskRoot} {Package} (it is compiled then: that needs cmake, make, a C++ compiler and python3), or say where it is: --ric FOLDER.");
    }

    private static IEnumerable<string> Candidates(string taskRoot, string node)
    {
        foreach (var start in (string[])[taskRoot, Environment.CurrentDirectory])
        {
            for (var folder = Path.GetFullPath(start); folder is not null; folder = Path.GetDirectoryName(folder))
                yield return Path.Combine(folder, "node_modules", Package);
        }

        // Where `npm install --global` puts it.
        if (Path.GetDirectoryName(Path.GetDirectoryName(node)) is { } prefix) yield return Path.Combine(prefix, "lib", "node_modules", Package);
    }

    private static bool IsPackage(string folder) => File.Exists(Path.Combine(folder, "index.mjs"));

    private static string? FindProgram(string name)
    {
        var file = OperatingSystem.IsWindows() ? name + ".exe" : name;
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, file)).FirstOrDefault(File.Exists);
    }
}
