namespace LambdaStreaming.Testing.Tests;

/// <summary>The projects in tests/functions/dotnet.</summary>
internal static class DotNetFunctions
{
    public static string Source { get; } = Path.Combine(Interop.Root, "tests", "functions", "dotnet");

    /// <summary>Copies the projects to a folder outside of this repository and its settings.</summary>
    /// <returns>The folder of the project Chat.</returns>
    public static string CopyTo(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Source, "*", SearchOption.AllDirectories))
        {
            var path = Path.GetRelativePath(Source, file);
            if (path.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj")) continue;
            var copy = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return Path.Combine(folder, "Chat");
    }
}
