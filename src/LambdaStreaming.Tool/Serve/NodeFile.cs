namespace LambdaStreaming.Tool.Serve;

/// <summary>The file of a Node.js function.</summary>
internal static class NodeFile
{
    /// <summary>Finds out whether the runtime interface client can load a file.</summary>
    /// <returns>Why it cannot, and what to do, or <see langword="null"/>.</returns>
    public static string? FindProblem(string path)
    {
        if (Path.GetExtension(path) is not (".mjs" or ".js" or ".cjs"))
            return $"{path} is not a .mjs, .js or .cjs file. Compile TypeScript to JavaScript first.";
        return Path.GetFileNameWithoutExtension(path).Contains('.', StringComparison.Ordinal)
            ? $"rename {path}. For Lambda, the file name ends at the first dot of the handler."
            : null;
    }
}
