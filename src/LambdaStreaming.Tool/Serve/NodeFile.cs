namespace LambdaStreaming.Tool.Serve;

/// <summary>The file of a Node.js function.</summary>
internal static class NodeFile
{
    // A handler has no extension. The runtime interface client loads the first of these names that exists. Instead of a
    // folder, Node.js loads the .js file of that name, if there is one.
    // Source: aws-lambda-nodejs-runtime-interface-client, UserFunction.js, _tryRequire.
    private static readonly string[] Extensions = ["", ".js", ".mjs", ".cjs"];

    /// <summary>Finds out whether the runtime interface client can load a file.</summary>
    /// <returns>Why it cannot, and what to do, or <see langword="null"/>.</returns>
    public static string? FindProblem(string path)
    {
        if (Path.GetExtension(path) is not (".mjs" or ".js" or ".cjs"))
            return $"{path} is not a .mjs, .js or .cjs file. Compile TypeScript to JavaScript first.";
        if (Path.GetFileNameWithoutExtension(path).Contains('.', StringComparison.Ordinal))
            return $"rename {path}. For Lambda, the file name ends at the first dot of the handler.";
        var loaded = Extensions.Select(extension => Path.ChangeExtension(path, null) + extension)
            .First(candidate => candidate == path || File.Exists(candidate)
                || (Directory.Exists(candidate) && !path.EndsWith(".js", StringComparison.Ordinal)));
        return loaded == path
            ? null
            : $"rename {path} or {loaded}. For this handler, the runtime interface client loads {loaded}.";
    }
}
