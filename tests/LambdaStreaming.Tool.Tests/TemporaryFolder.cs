namespace LambdaStreaming.Tool.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    // On macOS, the folder of temporary files is below a link, and the program reports the path of the target.
    private readonly string _path = FollowLinks(Directory.CreateTempSubdirectory("lambda-stream-").FullName);

    public string File(string name) => Path.Combine(_path, name);

    public string Write(string name, string text)
    {
        System.IO.File.WriteAllText(File(name), text);
        return File(name);
    }

    public string[] Files() =>
        [.. Directory.GetFiles(_path).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    /// <summary>Returns the path of an existing folder without links.</summary>
    public static string FollowLinks(string folder)
    {
        if (Path.GetDirectoryName(folder) is not { } parent) return folder;
        return Directory.ResolveLinkTarget(folder, returnFinalTarget: true) is { } target
            ? FollowLinks(target.FullName)
            : Path.Combine(FollowLinks(parent), Path.GetFileName(folder));
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
