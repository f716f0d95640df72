namespace LambdaStreaming.Tool.Invoke;

/// <summary>A file that has its name only once it is whole: until then it is <c>FILE.partial</c>.</summary>
internal sealed class OutputFile : IAsyncDisposable
{
    private readonly string _path;
    private readonly string? _partialPath;
    private readonly FileStream _stream;
    private bool _whole;

    private OutputFile(string path, string? partialPath, FileStream stream)
    {
        _path = path;
        _partialPath = partialPath;
        _stream = stream;
    }

    public Stream Stream => _stream;

    /// <summary>Where the bytes are now.</summary>
    public string CurrentPath => _partialPath ?? _path;

    /// <summary>Whether the file still lacks its name.</summary>
    public bool IsPartial => _partialPath is not null && !_whole;

    /// <summary>Opens the file before the function runs: a function whose answer can't be kept had better not run.</summary>
    public static OutputFile Open(string path, string option)
    {
        try
        {
            // A rename would put a file in a device's or a pipe's place. /dev/stdout and /dev/fd/N are links to what has no path.
            if (!OperatingSystem.IsWindows() && IsDevice(path)) return new OutputFile(path, null, Create(path, FileMode.Open, FileShare.ReadWrite));

            // Through a link, so that the link stays one.
            string target = new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path : path;
            if (Directory.Exists(target)) throw ToolException.Usage($"{option}: {path} is a folder; name a file in it. Nothing was sent.");
            if (!OperatingSystem.IsWindows() && IsDevice(target)) return new OutputFile(target, null, Create(target, FileMode.Open, FileShare.ReadWrite));
            if (IsPipe(target)) throw ToolException.Usage($"{option}: {path} is a named pipe; write to a file, or redirect standard output to the pipe. Nothing was sent.");
            string partial = target + ".partial";

            // Of two programs that write one file the second is refused. On Unix that keeps out .NET programs alone, and readers like tail stay welcome.
            return new OutputFile(target, partial, Create(partial, FileMode.Create, OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The file {path} can't be written: {e.Message.TrimEnd('.')}. Nothing was sent.", e);
        }

        static FileStream Create(string path, FileMode mode, FileShare share) => new(path, new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = share, BufferSize = 0 });
    }

    /// <summary>Lets others write at <see cref="CurrentPath"/>.</summary>
    public void Close() => _stream.Dispose();

    /// <summary>The answer was whole: the file gets its name, and what had it before is replaced.</summary>
    public void Commit()
    {
        _whole = true;
        if (_partialPath is null) return;
        try
        {
            _stream.Dispose();
            File.Move(_partialPath, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The answer is whole, but {_partialPath} can't be renamed to {_path}: {e.Message.TrimEnd('.')}.", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_whole || _partialPath is null)
        {
            await _stream.DisposeAsync();
            return;
        }

        // The file system may have failed already; that was said.
        try
        {
            await _stream.DisposeAsync();
            if (new FileInfo(_partialPath).Length == 0) File.Delete(_partialPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    // /dev/shm holds ordinary files.
    private static bool IsDevice(string path) => path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);

    // Opened for both, a named pipe does not wait for its other end.
    private static bool IsPipe(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path)) return false;
        using var probe = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        return !probe.CanSeek;
    }
}
