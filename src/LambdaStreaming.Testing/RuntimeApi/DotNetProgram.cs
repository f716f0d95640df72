using System.Reflection.PortableExecutable;
using System.Text.Json;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>A .NET function: a project to build, an assembly, or an executable.</summary>
internal sealed class DotNetProgram(string filePath, string? handler)
{
    private const string RuntimeSupport = "Amazon.Lambda.RuntimeSupport";

    private const string Advice = "Specify a .csproj, .fsproj or .vbproj file, a built .dll, or an executable.";

    /// <summary>The path of the project file, the assembly or the executable.</summary>
    public string FilePath => filePath;

    public string Folder => Path.GetDirectoryName(FilePath)!;

    public SourceFolders Sources => new([Folder], []);

    // The managed runtime takes a handler of this form from a class library. Executables ignore it.
    private bool IsClassLibraryHandler => handler?.Contains("::", StringComparison.Ordinal) == true;

    /// <summary>Finds the program at a path.</summary>
    /// <exception cref="FunctionBuildException">The path does not exist, or is not a .NET program.</exception>
    public static DotNetProgram Find(string path, string? handler)
    {
        var full = Path.GetFullPath(path);
        if (File.Exists(full)) return IsProgram(full) ? new(full, handler) : throw CreateNotAProgram(full);
        if (!Directory.Exists(full)) throw new FunctionBuildException($"The .NET function {full} does not exist.");
        string[] projects = [.. Directory.EnumerateFiles(full, "*.*proj").Where(IsProject)];
        return projects switch
        {
            [var project] => new(project, handler),
            [] => throw new FunctionBuildException($"The folder {full} does not contain a project. {Advice}"),
            _ => throw new FunctionBuildException(
                $"The folder {full} contains {projects.Length} projects. Specify one of them, for example "
                + $"{Path.GetFileName(projects[0])}."),
        };
    }

    /// <summary>Builds the program if it is a project.</summary>
    /// <exception cref="FunctionBuildException">The build did not start.</exception>
    public async Task<DotNetBuild> BuildAsync(Action<string> outputReceived, CancellationToken cancellationToken) =>
        IsProject(FilePath)
            ? await DotNetBuild.RunAsync(FilePath, IsClassLibraryHandler, outputReceived, cancellationToken)
                .ConfigureAwait(false)
            : new(FilePath, Sources);

    /// <summary>Returns the command line of the program.</summary>
    /// <exception cref="FunctionBuildException">The build failed, or the program cannot be started.</exception>
    public RuntimeProcessOptions CreateCommand(RuntimeProcessOptions options, DotNetBuild build) =>
        build.Failure is null ? CreateCommand(options, build.TargetPath) : throw build.Failure;

    /// <summary>Finds the files that the processes need, and that this class creates or a build.</summary>
    /// <remarks>
    /// <c>dotnet clean</c> deletes those of a project. If <c>dotnet build</c> builds a class library, it deletes the
    /// last two.
    /// </remarks>
    public IReadOnlyList<string> FindBuiltFiles(DotNetBuild build)
    {
        string[] host = IsClassLibraryHandler ? [DotNetHost.FilePath] : [];
        if (!IsProject(FilePath)) return host;
        string[] files =
        [
            .. host,
            build.TargetPath,
            Path.ChangeExtension(build.TargetPath, ".deps.json"),
            Path.ChangeExtension(build.TargetPath, ".runtimeconfig.json"),
            GetRuntimeSupportPath(build.TargetPath),
        ];
        return [.. files.Where(File.Exists)];
    }

    private RuntimeProcessOptions CreateCommand(RuntimeProcessOptions options, string path)
    {
        if (path.Length == 0) throw CreateMissingTargetPath(FilePath);
        var taskRoot = Path.GetDirectoryName(path)!;
        var command = options with { TaskRoot = taskRoot, WorkingDirectory = Folder };
        if (Path.GetExtension(path) != ".dll") return command with { FileName = path };

        var runtimeConfig = Path.ChangeExtension(path, ".runtimeconfig.json");
        if (!IsClassLibraryHandler && !HasEntryPoint(path)) throw CreateMissingHandler(path);
        if (!File.Exists(runtimeConfig)) throw CreateMissingRuntimeConfig(path, runtimeConfig);
        command = command with { RuntimeName = FindRuntimeName(runtimeConfig) };
        if (!IsClassLibraryHandler) return command with { Arguments = ["exec", path, .. options.Arguments] };

        var dependencies = Path.ChangeExtension(path, ".deps.json");
        RequireRuntimeSupport(path, dependencies);
        return command with
        {
            Arguments =
            [
                "exec", "--depsfile", dependencies, "--runtimeconfig", runtimeConfig, DotNetHost.FilePath, handler!,
            ],
        };
    }

    /// <summary>Requires Lambda's runtime for class libraries in the program's own files.</summary>
    /// <remarks>Lambda's managed runtime contains a copy, so a function runs there without this package.</remarks>
    private static void RequireRuntimeSupport(string path, string dependencies)
    {
        var hasReference = File.Exists(dependencies)
            && File.ReadAllText(dependencies).Contains($"\"{RuntimeSupport}/", StringComparison.OrdinalIgnoreCase);
        if (!hasReference)
        {
            throw new FunctionBuildException(
                $"The class library {path} does not reference {RuntimeSupport}, which runs its handler outside "
                + $"Lambda's managed runtime. Add the package to the project: dotnet add package {RuntimeSupport}");
        }

        if (!File.Exists(GetRuntimeSupportPath(path)))
        {
            throw new FunctionBuildException(
                $"The folder of {path} does not contain {RuntimeSupport}.dll. Set CopyLocalLockFileAssemblies to true "
                + "in the project, and build it again, or specify the output folder of dotnet publish.");
        }
    }

    private static string GetRuntimeSupportPath(string path) =>
        Path.Combine(Path.GetDirectoryName(path)!, RuntimeSupport + ".dll");

    private static bool HasEntryPoint(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var image = new PEReader(file);
            return image.PEHeaders.CorHeader is { EntryPointTokenOrRelativeVirtualAddress: not 0 };
        }
        catch (BadImageFormatException exception)
        {
            throw new FunctionBuildException($"{path} is not a .NET assembly: {exception.Message}", exception);
        }
    }

    /// <summary>Returns the name of Lambda's managed runtime, for example <c>dotnet10</c>.</summary>
    private static string? FindRuntimeName(string runtimeConfig)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(runtimeConfig));
            var framework = json.RootElement.GetProperty("runtimeOptions").GetProperty("tfm").GetString();
            return framework?.StartsWith("net", StringComparison.Ordinal) == true
                ? "dotnet" + framework[3..].Split('.')[0]
                : null;
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsProject(string path) =>
        Path.GetExtension(path) is ".csproj" or ".fsproj" or ".vbproj";

    private static bool IsProgram(string path)
    {
        var extension = Path.GetExtension(path);
        if (IsProject(path) || extension == ".dll") return true;
        return OperatingSystem.IsWindows()
            ? extension.Equals(".exe", StringComparison.OrdinalIgnoreCase)
            : ExecutablePath.IsExecutable(path);
    }

    private static FunctionBuildException CreateNotAProgram(string path) =>
        new($"{path} is neither a .NET project nor an executable. {Advice}");

    private static FunctionBuildException CreateMissingTargetPath(string project) => new(
        $"The build of {project} does not have an output that can be started. Set TargetFramework in the project, or "
        + "specify another project.");

    private static FunctionBuildException CreateMissingHandler(string path) => new(
        $"{path} is a class library. Specify its handler, Assembly::Namespace.Type::Method, for example "
        + $"{Path.GetFileNameWithoutExtension(path)}::MyNamespace.Function::FunctionHandler. "
        + "Or make the project executable: set OutputType to Exe, and start LambdaBootstrap in Main.");

    private static FunctionBuildException CreateMissingRuntimeConfig(string path, string runtimeConfig) => new(
        $"{path} cannot be started: {Path.GetFileName(runtimeConfig)} is missing next to it. Set "
        + "GenerateRuntimeConfigurationFiles to true in the project, and build it again.");
}
