using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>A file that has its name only once it is whole: until then it is <c>FILE.partial</c>.</summary>
internal sealed class OutputFile : IAsyncDisposable
{
    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    // Source: path_resolution(7) of Linux: at most 40 links in one path.
    private const int MaxLinks = 40;

    private readonly string _path;
    private readonly string? _partialPath;
    private readonly FileStream _stream;
    private readonly bool _created;
    private bool _begun;
    private bool _whole;

    private OutputFile(string name, string path, FileStream stream, string? partialPath = null, bool created = false)
    {
        Name = name;
        _path = path;
        _stream = stream;
        _partialPath = partialPath;
        _created = created;
    }

    /// <summary>The path as it was given.</summary>
    public string Name { get; }

    public Stream Stream => _stream;

    /// <summary>Where the bytes are now.</summary>
    public string CurrentPath => _partialPath ?? _path;

    /// <summary>Whether the file still lacks its name.</summary>
    public bool IsPartial => _partialPath is not null && !_whole;

    /// <summary>Whether <see cref="CurrentPath"/> has something of this answer, and nothing else.</summary>
    public bool HasPart => IsPartial && _begun && _stream.Length > 0;

    /// <summary>Whether a path means the stream that is open already: opened anew, it would be written from its first byte, over what a shell's <c>&gt;&gt;</c> is to keep.</summary>
    public static bool IsStandardOutput(string path) => path == "-" || (!OperatingSystem.IsWindows() && DescriptorOf(path) == 1);

    /// <summary>Opens the file before the function runs: a function whose answer can't be kept had better not run.</summary>
    public static OutputFile Open(string path, string option)
    {
        try
        {
            // A rename would put a file in a device's or a pipe's place. /dev/stderr and /dev/fd/N are links to what may have no path.
            if (!OperatingSystem.IsWindows() && Path.GetFullPath(path) is var full && (IsDevice(full) || IsDevice(Resolve(full)))) return OpenDevice(path);

            // Through a link, so that the link stays one.
            var target = new FileInfo(path) is not { LinkTarget: not null } link ? path
                : OperatingSystem.IsWindows() ? link.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path : Resolve(Path.GetFullPath(path));
            if (Directory.Exists(target)) throw ToolException.Usage($"{option}: {path} is a folder; name a file in it. Nothing was sent.");
            if (IsPipe(target)) throw ToolException.Usage($"{option}: {path} is a named pipe; write to a file, or redirect standard output to the pipe. Nothing was sent.");
            return OpenPartial(path, target, option);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The file {path} can't be written: {exception.Message.TrimEnd('.')}. Nothing was sent.", exception);
        }
    }

    /// <summary>The answer's first byte is there: what an earlier call left in its place goes now, and no sooner, since a call may bring nothing.</summary>
    public void Begin()
    {
        if (_begun) return;
        if (_partialPath is not null) _stream.SetLength(0);
        _begun = true;
    }

    /// <summary>Lets others write at <see cref="CurrentPath"/>.</summary>
    public void Close()
    {
        _begun = true;
        _stream.Dispose();
    }

    /// <summary>The answer was whole: the file gets its name, and what had it before is replaced.</summary>
    public void Commit()
    {
        if (_partialPath is null) return;
        try
        {
            Begin();
            _whole = true;
            _stream.Dispose();
            File.Move(_partialPath, _path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(ExitCode.Local, $"The answer is whole, but {_partialPath} can't be renamed to {_path}: {exception.Message.TrimEnd('.')}.", exception);
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
            if (_created && new FileInfo(_partialPath).Length == 0) File.Delete(_partialPath);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    // A descriptor that a shell has opened is written to as it is: opened anew, a file behind it would be written over where the shell, or another program, appends to it.
    [SuppressMessage("Reliability", "CA2000", Justification = "The stream disposes the handle, which owns nothing.")]
    private static OutputFile OpenDevice(string path) =>
        new(path, path, DescriptorOf(path) is { } number && File.Exists(path)
            ? new FileStream(new SafeFileHandle(number, ownsHandle: false), FileAccess.Write, bufferSize: 0)
            : Create(path, new FileStreamOptions { Mode = FileMode.Open, Share = FileShare.ReadWrite }));

    private static int? DescriptorOf(string path)
    {
        if (path == "/dev/stdout") return 1;
        if (path == "/dev/stderr") return 2;
        var prefix = Array.Find(["/dev/fd/", "/proc/self/fd/"], prefix => path.StartsWith(prefix, StringComparison.Ordinal));
        return prefix is not null && int.TryParse(path.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static OutputFile OpenPartial(string name, string target, string option)
    {
        var partial = target + ".partial";

        // The rename would make FILE a link, after writing to whatever it leads to; and a pipe waits for a reader, for ever.
        if (new FileInfo(partial).LinkTarget is not null || IsPipe(partial)) throw ToolException.Usage($"{option}: {partial}, which the answer needs until it is whole, is a link or a pipe; remove it. Nothing was sent.");

        // Of two programs that write one file the second is refused. On Unix that keeps out .NET programs alone, and readers like tail stay welcome.
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Share = OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None };
        var created = !File.Exists(partial);
        if (OperatingSystem.IsWindows() || !File.Exists(target)) return new OutputFile(name, target, Create(partial, options), partial, created);

        // The new file takes the old one's place, so what others may not read they may not read now either. Set-user-ID and its like were given to other bytes.
        var mode = File.GetUnixFileMode(target) & Permissions;
        options.UnixCreateMode = mode;
        var stream = Create(partial, options);
        try
        {
            if (File.GetUnixFileMode(stream.SafeFileHandle) != mode) File.SetUnixFileMode(stream.SafeFileHandle, mode);
            return new OutputFile(name, target, stream, partial, created);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static FileStream Create(string path, FileStreamOptions options)
    {
        options.Access = FileAccess.Write;
        options.BufferSize = 0;
        return new FileStream(path, options);
    }

    // As the system follows links, in every part of the path. The platform's own takes a `..` in a link off the path's text, and so leaves the wrong folder.
    private static string Resolve(string fullPath)
    {
        var root = Path.GetPathRoot(fullPath)!;
        var real = root;
        var left = new Stack<string>(Parts(fullPath));
        for (var links = 0; left.TryPop(out var part);)
        {
            if (part is ".." or ".")
            {
                if (part == "..") real = Path.GetDirectoryName(real) ?? root;
                continue;
            }

            var next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MaxLinks) throw new IOException($"Too many levels of symbolic links in {fullPath}");
            if (Path.IsPathRooted(target)) real = root;
            foreach (var step in Parts(target)) left.Push(step);
        }

        return real;

        static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).AsEnumerable().Reverse();
    }

    // /dev/shm holds ordinary files; /proc has descriptors.
    private static bool IsDevice(string path) =>
        path.StartsWith("/proc/", StringComparison.Ordinal) || (path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal));

    // Opened for both, a named pipe does not wait for its other end.
    private static bool IsPipe(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path)) return false;
        using var probe = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        return !probe.CanSeek;
    }
}
