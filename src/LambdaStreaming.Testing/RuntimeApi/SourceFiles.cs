using System.IO.Enumeration;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The folders with the files of a function.</summary>
/// <param name="Folders">The folders, searched with their subfolders.</param>
/// <param name="Excluded">Folders below them to which a build writes.</param>
internal sealed record SourceFolders(IReadOnlyList<string> Folders, IReadOnlyList<string> Excluded);

/// <summary>The files of a function at one time, to detect later changes.</summary>
/// <remarks>
/// Files are compared at each call. A file watcher could miss an edit right before a call, and needs a handle of the
/// operating system for each folder.
/// </remarks>
internal sealed class SourceFiles
{
    /// <summary>The maximum number of files. Comparing more would delay each call noticeably.</summary>
    internal const int MaxFiles = 20_000;

    private readonly SourceFolders _folders;
    private readonly Dictionary<string, (DateTime LastWrite, long Length)> _files;

    private SourceFiles(SourceFolders folders)
    {
        _folders = folders;
        _files = Read(folders);
    }

    /// <summary>Whether the folders have too many files, so that changes are not detected.</summary>
    public bool IsTooLarge => _files.Count > MaxFiles;

    public static SourceFiles Take(SourceFolders folders) => new(folders);

    /// <summary>Returns the path of a file that was added, changed or removed since.</summary>
    public string? FindChange()
    {
        if (IsTooLarge) return null;
        var current = Read(_folders);
        foreach ((var path, var state) in current)
        {
            if (!_files.TryGetValue(path, out var before) || before != state) return path;
        }

        return current.Count == _files.Count ? null : _files.Keys.FirstOrDefault(path => !current.ContainsKey(path));
    }

    /// <summary>Returns the path of a file that was written at or after a time.</summary>
    public string? FindWrittenSince(DateTime time) =>
        _files.FirstOrDefault(file => file.Value.LastWrite >= time).Key;

    private static Dictionary<string, (DateTime LastWrite, long Length)> Read(SourceFolders folders)
    {
        var files = new Dictionary<string, (DateTime LastWrite, long Length)>(StringComparer.Ordinal);
        var all = folders.Folders.SelectMany(folder => Enumerate(folder, folders.Excluded));
        foreach (var file in all.Take(MaxFiles + 1))
            files[file.Path] = (file.LastWrite, file.Length);
        return files;
    }

    private static FileSystemEnumerable<(string Path, DateTime LastWrite, long Length)> Enumerate(
        string folder, IReadOnlyList<string> excluded)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
        return new(
            folder,
            static (ref FileSystemEntry entry) =>
                (entry.ToFullPath(), entry.LastWriteTimeUtc.UtcDateTime, entry.Length),
            options)
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) => !entry.IsDirectory,
            // A link to a folder might point to a parent folder.
            ShouldRecursePredicate = (ref FileSystemEntry entry) =>
                !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)
                && IsSource(entry.FileName)
                && (excluded.Count == 0 || !excluded.Contains(entry.ToFullPath(), StringComparer.Ordinal)),
        };
    }

    private static bool IsSource(ReadOnlySpan<char> folder) =>
        folder is not ("node_modules" or "__pycache__" or "bin" or "obj") && folder is not ['.', ..];
}
