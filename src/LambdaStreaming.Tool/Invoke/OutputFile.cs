namespace LambdaStreaming.Tool.Invoke;

/// <summary>The file of <c>--output</c> or <c>--to</c>.</summary>
/// <remarks>
/// Only a complete response replaces a regular file. Devices, pipes and descriptors are written directly.
/// </remarks>
internal sealed class OutputFile : IAsyncDisposable
{
    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    // Source: path_resolution(7) of Linux: at most 40 links in one path.
    private const int MaxLinks = 40;

    private readonly string _target;
    private string? _temporaryPath;

    private OutputFile(string name, string target, Stream stream, string? temporaryPath = null)
    {
        Name = name;
        _target = target;
        Stream = stream;
        _temporaryPath = temporaryPath;
        IsRegular = temporaryPath is not null;
    }

    /// <summary>The path from the command line.</summary>
    public string Name { get; }

    public Stream Stream { get; }

    /// <summary>Whether the path names a regular file, not a device, a pipe or a descriptor.</summary>
    public bool IsRegular { get; }

    /// <summary>Determines whether a path names standard output.</summary>
    /// <remarks>
    /// Such a path must not be opened: a redirected file would be overwritten from its start instead of appended to.
    /// </remarks>
    public static bool IsStandardOutput(string path) => path == "-" || DescriptorStream.FromPath(path) == 1;

    /// <summary>Opens the file before the function is invoked.</summary>
    /// <remarks>
    /// A function must not run if its response cannot be written. Opening a named pipe blocks until the pipe has a
    /// reader; cancellation ends that wait.
    /// </remarks>
    public static Task<OutputFile> OpenAsync(string path, string option, CancellationToken cancellationToken) =>
        Task.Run(() => Open(path, option), cancellationToken).WaitAsync(cancellationToken);

    /// <summary>Renames the temporary file to the target, which it replaces.</summary>
    public void Commit()
    {
        if (_temporaryPath is not { } temporaryPath)
            return;
        try
        {
            Stream.Dispose();
            _temporaryPath = null;
            File.Move(temporaryPath, _target, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(
                ExitCode.Local,
                $"{temporaryPath} contains all data, but it cannot be renamed to {_target}: "
                + $"{exception.Message.TrimEnd('.')}.",
                exception);
        }
    }

    /// <summary>Closes a file that was not committed, and renames it to <c>FILE.partial</c> or deletes it.</summary>
    /// <returns>The path of the file that contains the data; <see langword="null"/> if no data was kept.</returns>
    public string? Abandon(bool keepData)
    {
        if (_temporaryPath is not { } temporaryPath)
            return null;
        _temporaryPath = null;
        try
        {
            Stream.Dispose();
            if (!keepData || new FileInfo(temporaryPath).Length == 0)
            {
                File.Delete(temporaryPath);
                return null;
            }

            // A rename replaces a link or another user's file of that name instead of writing through it.
            File.Move(temporaryPath, _target + ".partial", overwrite: true);
            return _target + ".partial";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return temporaryPath;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Abandon(keepData: true);
        await Stream.DisposeAsync();
    }

    private static OutputFile Open(string path, string option)
    {
        try
        {
            if (Directory.Exists(path) || Path.EndsInDirectorySeparator(path))
                throw ToolException.Usage($"{option}: {path} is a folder. Specify a file. Nothing was sent.");
            var target = Resolve(path);
            if (DescriptorStream.FromPath(target) is { } descriptor)
                return OpenDescriptor(path, descriptor);
            if (!File.Exists(target))
                return CreateTemporary(path, target);

            var existing = new FileStream(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            if (IsDevice(target) || !existing.CanSeek)
                return new OutputFile(path, target, existing);
            existing.Dispose();
            return CreateTemporary(path, target);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ToolException(
                ExitCode.Local,
                $"The file {path} cannot be written: {exception.Message.TrimEnd('.')}. Nothing was sent.",
                exception);
        }
    }

    // Uses the inherited descriptor. Opening the path again would overwrite a file that a shell or another program
    // appends to.
    private static OutputFile OpenDescriptor(string path, int descriptor) => DescriptorStream.IsInherited(descriptor)
        ? new OutputFile(path, path, new DescriptorStream(descriptor))
        : throw new ToolException(ExitCode.Local, $"Descriptor {descriptor} is not open. Nothing was sent.");

    // Created in the folder of the target, so that the rename stays within one file system. CreateNew fails if the name
    // exists, even as a link.
    private static OutputFile CreateTemporary(string path, string target)
    {
        var temporaryPath = $"{target}.{Path.GetRandomFileName()}.partial";
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.Read,
            BufferSize = 0,
        };
        if (OperatingSystem.IsWindows() || !File.Exists(target))
            return new OutputFile(path, target, new FileStream(temporaryPath, options), temporaryPath);

        // The new file gets the permission bits of the old file, so that no additional user can read the new file. Bits
        // such as set-user-ID are not copied, because they were set for other content.
        var mode = File.GetUnixFileMode(target) & Permissions;
        options.UnixCreateMode = mode;
        var stream = new FileStream(temporaryPath, options);
        File.SetUnixFileMode(stream.SafeFileHandle, mode);
        return new OutputFile(path, target, stream, temporaryPath);
    }

    // Checks first whether a file or a link exists, because ResolveLinkTarget throws on Windows if neither exists.
    private static string ResolveOnWindows(FileInfo file) => file.Exists || file.LinkTarget is not null
        ? file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName
        : file.FullName;

    // Follows links as the operating system does. In contrast, .NET removes ".." from the target of a link before it
    // follows links in that target, which can lead to another folder.
    private static string Resolve(string path)
    {
        if (OperatingSystem.IsWindows())
            return ResolveOnWindows(new FileInfo(path));
        var links = 0;
        return Follow(Path.Combine(Environment.CurrentDirectory, path));

        string Follow(string absolute)
        {
            var real = "/";
            foreach (var part in absolute.Split('/', StringSplitOptions.RemoveEmptyEntries))
            {
                if (part == ".")
                    continue;
                var next = part == ".." ? Path.GetDirectoryName(real) ?? "/" : Path.Combine(real, part);

                // Links in /dev and /proc are not followed, because their targets might not have a path.
                if (part != ".." && !IsDevice(next) && new FileInfo(next).LinkTarget is { } target)
                {
                    if (++links > MaxLinks)
                        throw new IOException($"Too many levels of symbolic links in {path}");
                    next = Follow(Path.Combine(real, target));
                }

                real = next;
            }

            return real;
        }
    }

    // /dev/shm contains ordinary files; /proc contains descriptors.
    private static bool IsDevice(string path) =>
        path.StartsWith("/proc/", StringComparison.Ordinal)
        || (path.StartsWith("/dev/", StringComparison.Ordinal)
            && !path.StartsWith("/dev/shm/", StringComparison.Ordinal));
}
