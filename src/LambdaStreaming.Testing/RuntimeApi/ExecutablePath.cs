namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Finds programs.</summary>
/// <remarks>LambdaStreaming.Tool uses this class, and LambdaStreaming.Aspire.Hosting compiles this file.</remarks>
internal static class ExecutablePath
{
    private const UnixFileMode AnyExecute =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Whether a program is specified by a path rather than by a name to find in PATH.</summary>
    public static bool IsPath(string program) =>
        program.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal)
        || program.Contains(Path.AltDirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>Whether a file has permission to be run. Always true on Windows.</summary>
    public static bool IsExecutable(string path) =>
        OperatingSystem.IsWindows() || (File.GetUnixFileMode(path) & AnyExecute) != UnixFileMode.None;

    /// <summary>Finds a program in PATH. As in a shell, files without execute permission are skipped.</summary>
    /// <returns>Its path, or <see langword="null"/>.</returns>
    public static string? Find(string name) => Find(name, Environment.GetEnvironmentVariable("PATH") ?? "");

    internal static string? Find(string name, string folders)
    {
        // Without a shell, Windows starts only .exe files.
        var file = OperatingSystem.IsWindows() && !Path.HasExtension(name) ? name + ".exe" : name;
        return folders
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, file))
            .FirstOrDefault(path => File.Exists(path) && IsExecutable(path));
    }
}
