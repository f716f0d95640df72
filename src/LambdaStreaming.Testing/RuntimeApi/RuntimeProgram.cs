namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The program of a function. A .NET project is built; changed files lead to a new version.</summary>
#pragma warning disable CA1001 // The semaphore has no wait handle to dispose.
internal sealed class RuntimeProgram(RuntimeProcessOptions options)
#pragma warning restore CA1001
{
    // Windows does not replace the files of a running program, for example while a call is in progress. Another process
    // can build the same project at the same time. MSB3021: a file cannot be copied. The next three: it cannot be
    // written. Other tasks show the exception or its message; that of NuGet's restore does not have a code.
    // Sources: dotnet/msbuild, Strings.resx; dotnet/roslyn, ErrorCode.cs and Errors.vb; dotnet/runtime, Strings.resx.
    private static readonly string[] FileInUse =
    [
        "error MSB3021:",
        "error MSB3491:",
        "error CS2012:",
        "error BC2012:",
        "System.IO.IOException:",
        "being used by another process",
    ];

    private readonly SemaphoreSlim _gate = new(1);
    private Version? _current;

    /// <summary>Returns the current version, after a build if one is necessary.</summary>
    /// <param name="retireProcesses">Ends the idle processes of the current version, before a build.</param>
    /// <param name="cancellationToken">Stops the build.</param>
    /// <exception cref="FunctionBuildException">
    /// The project cannot be built, or the program cannot be started.
    /// </exception>
    public async Task<Version> GetVersionAsync(Func<Task> retireProcesses, CancellationToken cancellationToken)
    {
        Version version;
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_current is null || HasChanged(_current))
            {
                // Windows does not replace the files of a running program.
                if (_current is not null) await retireProcesses().ConfigureAwait(false);
                _current = await CreateVersionAsync(cancellationToken).ConfigureAwait(false);
            }

            version = _current;
        }
        finally
        {
            _gate.Release();
        }

        // A failed build is not repeated before a file changes.
        return version.Failure is null ? version : throw version.Failure;
    }

    private bool HasChanged(Version version)
    {
        if (version.BuiltFiles.FirstOrDefault(file => !File.Exists(file)) is { } deleted)
        {
            options.ReportLine($"{GetName(deleted)} was deleted. It is created again.");
            return true;
        }

        if (version.Files is not { } files) return false;
        if ((version.ChangedFile ?? files.FindChange()) is not { } path) return false;
        options.ReportLine($"{GetName(path)} changed. The next call uses a new process.");
        return true;

        string GetName(string file) => Path.GetRelativePath(options.TaskRoot, file);
    }

    private async Task<Version> CreateVersionAsync(CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetUtcNow().UtcDateTime;
        var known = _current?.Sources
            ?? options.DotNetProgram?.Sources
            ?? new SourceFolders([Path.GetFullPath(options.TaskRoot)], []);
        var before = options is { RestartOnChange: true, DotNetProgram: not null } ? new SourceFiles(known) : null;
        var version = options.DotNetProgram is { } program
            ? await BuildAsync(program, known, cancellationToken).ConfigureAwait(false)
            : new(options, known, [], null);
        if (!options.RestartOnChange) return version;
        var files = new SourceFiles(version.Sources);
        if (files.IsTooLarge)
        {
            var folder = version.Sources.Folders[0];
            options.ReportLine(
                $"Changed files are not detected: {folder} contains more than {SourceFiles.MaxFiles} files.");
        }

        // The build might not have read a file that was written during the build.
        var changedFile = before is null ? null : files.FindChangeSince(before, started);
        return version with { Files = files, ChangedFile = changedFile };
    }

    /// <exception cref="FunctionBuildException">
    /// A file cannot be read, written or copied. The next call builds again, because no source has to change before.
    /// </exception>
    private async Task<Version> BuildAsync(
        DotNetProgram program, SourceFolders known, CancellationToken cancellationToken)
    {
        var sources = known;
        try
        {
            var build = await program.BuildAsync(options.ReportLine, cancellationToken).ConfigureAwait(false);
            // A failed build might not know all references.
            sources = build.Failure is null ? build.Sources : known.Union(build.Sources);
            return new(program.CreateCommand(options, build), sources, program.FindBuiltFiles(build), null);
        }
        catch (FunctionBuildException exception) when (
            !FileInUse.Any(error => exception.BuildOutput.Contains(error, StringComparison.Ordinal)))
        {
            return new(options, sources, [], exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new FunctionBuildException(
                $"{program.FilePath} cannot be built or started: {exception.Message}", exception);
        }
    }

    /// <summary>A command that can be started, and the state of the files that it was created from.</summary>
    /// <param name="Command">The command.</param>
    /// <param name="Sources">The folders with the files.</param>
    /// <param name="BuiltFiles">The built files that new processes need.</param>
    /// <param name="Failure">Why this version cannot be started, or <see langword="null"/>.</param>
    /// <param name="Files">The files, or <see langword="null"/> if changes are ignored.</param>
    /// <param name="ChangedFile">A file that changed while this version was created.</param>
    internal sealed record Version(
        RuntimeProcessOptions Command,
        SourceFolders Sources,
        IReadOnlyList<string> BuiltFiles,
        FunctionBuildException? Failure,
        SourceFiles? Files = null,
        string? ChangedFile = null);
}
