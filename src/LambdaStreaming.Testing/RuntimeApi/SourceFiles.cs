using System.IO.Enumeration;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The folders with the files of a function.</summary>
/// <param name="Folders">The folders, searched with their subfolders.</param>
/// <param name="Excluded">Folders below them to which a build writes.</param>
internal sealed record SourceFolders(IReadOnlyList<string> Folders, IReadOnlyList<string> Excluded)
{
    public SourceFolders Union(SourceFolders other) => new(
        [.. Folders.Union(other.Folders, StringComparer.Ordinal)],
        [.. Excluded.Union(other.Excluded, StringComparer.Ordinal)]);
}

/// <summary>The files of a function at one time, to detect later changes.</summary>
/// <remarks>
/// Files are compared at each call. A file watcher could miss an edit right before a call, and needs a handle of the
/// operating system for each folder.
/// </remarks>
internal sealed class SourceFiles(SourceFolders folders)
{
    /// <summary>The maximum number of files. Comparing more would delay each call noticeably.</summary>
    internal const int MaxFiles = 20_000;

    private readonly Dictionary<string, FileState> _files = Read(folders);

    /// <summary>Whether the folders have too many files, so that changes are not detected.</summary>
    public bool IsTooLarge => _files.Count > MaxFiles;

    /// <summary>Returns the path of a file that was added, changed or removed since.</summary>
    public string? FindChange()
    {
        if (IsTooLarge) return null;
        var current = Read(folders);
        foreach ((var path, var state) in current)
        {
            if (!_files.TryGetValue(path, out var before) || before != state) return path;
        }

        return current.Count == _files.Count ? null : _files.Keys.FirstOrDefault(path => !current.ContainsKey(path));
    }

    /// <summary>Returns the path of a file that was changed between an earlier state and this one.</summary>
    /// <remarks>A file that was added with an older time, or removed, is not found.</remarks>
    /// <param name="earlier">The earlier state, which might not have all folders.</param>
    /// <param name="time">The time of the earlier state. It decides for files that are not part of that state.</param>
    public string? FindChangeSince(SourceFiles earlier, DateTime time)
    {
        if (IsTooLarge) return null;
        // A file can have a time in the future, for example of another machine.
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        return _files.FirstOrDefault(file => HasChanged(file.Key, file.Value)).Key;

        bool HasChanged(string path, FileState state) => earlier._files.TryGetValue(path, out var before)
            ? before != state
            : IsBetween(state.LastWrite) || IsBetween(state.LinkLastWrite);

        bool IsBetween(DateTime? write) => time <= write && write <= now;
    }

    private static Dictionary<string, FileState> Read(SourceFolders folders)
    {
        var files = new Dictionary<string, FileState>(StringComparer.Ordinal);
        // A project can reference another one that does not exist.
        var all = folders.Folders.Where(Directory.Exists).SelectMany(folder => Enumerate(folder, folders.Excluded));
        foreach (var (path, state) in all)
        {
            // A folder can be in another one, so that a file occurs twice.
            files[path] = state;
            if (files.Count > MaxFiles) break;
        }

        return files;
    }

    private static FileSystemEnumerable<(string Path, FileState State)> Enumerate(
        string folder, IReadOnlyList<string> excluded)
    {
        var options = new EnumerationOptions
        {
            RecurseSubdirectories = true,
            IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.None,     // by default, files such as .env are skipped on Unix
        };
        return new(
            folder,
            static (ref FileSystemEntry entry) => (entry.ToFullPath(), GetState(ref entry)),
            options)
        {
            ShouldIncludePredicate = static (ref FileSystemEntry entry) =>
                !entry.IsDirectory && !IsTemporary(entry.FileName),
            // A link to a folder might point to a parent folder.
            ShouldRecursePredicate = (ref FileSystemEntry entry) =>
                !entry.Attributes.HasFlag(FileAttributes.ReparsePoint)
                && IsSource(entry.FileName)
                && (excluded.Count == 0 || !excluded.Contains(entry.ToFullPath(), StringComparer.Ordinal)),
        };
    }

    private static FileState GetState(ref FileSystemEntry entry)
    {
        var state = new FileState(entry.LastWriteTimeUtc.UtcDateTime, entry.Length, null);
        if (!entry.Attributes.HasFlag(FileAttributes.ReparsePoint)) return state;
        try
        {
            // The values of the entry are those of the link.
            return File.ResolveLinkTarget(entry.ToFullPath(), returnFinalTarget: true) is FileInfo { Exists: true } file
                ? new(file.LastWriteTimeUtc, file.Length, state.LastWrite)
                : state;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return state;   // the target does not exist, or links form a cycle
        }
    }

    private static bool IsSource(ReadOnlySpan<char> folder) =>
        folder is not ("node_modules" or "__pycache__" or "bin" or "obj") && folder is not ['.', ..];

    // While a file is edited, Vim and Nano write .NAME.swp (or .swo, .swn), and Emacs creates a link .#NAME. Finder on
    // macOS writes .DS_Store.
    private static bool IsTemporary(ReadOnlySpan<char> file) =>
        file is ['.', .., '.', 's', 'w', _] or ['.', '#', ..] or ".DS_Store";

    /// <summary>The state of a file, or of the target of a link.</summary>
    private readonly record struct FileState(DateTime LastWrite, long Length, DateTime? LinkLastWrite);
}
