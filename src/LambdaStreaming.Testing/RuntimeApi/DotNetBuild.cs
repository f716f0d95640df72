using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>The result of <c>dotnet build</c>.</summary>
/// <param name="TargetPath">The path of the built assembly.</param>
/// <param name="Sources">The folders of the project and of the projects that it references.</param>
/// <param name="Failure">Why the build failed, or <see langword="null"/>.</param>
internal sealed record DotNetBuild(string TargetPath, SourceFolders Sources, FunctionBuildException? Failure = null)
{
    // The name of the error for a switch that MSBuild does not know. A later line ends with the switch.
    private const string UnknownSwitch = "MSB1001";

    // Those of the build below that an old MSBuild does not know. -getResultOutputFile requires MSBuild 17.10.
    private static readonly string[] NewSwitches = [": -getProperty:", ": -getResultOutputFile:"];

    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(5);

    // Functions can have a project or references in common, and two builds would write the same files.
    private static readonly SemaphoreSlim Gate = new(1);

    /// <summary>Builds a project with its references. One build runs at a time.</summary>
    /// <param name="project">The path of the project.</param>
    /// <param name="isClassLibrary">Whether to create the files that a library needs to be started by a host.</param>
    /// <param name="outputReceived">Receives each line of the build's output.</param>
    /// <param name="cancellationToken">Stops the build.</param>
    /// <exception cref="FunctionBuildException">The build did not start.</exception>
    public static async Task<DotNetBuild> RunAsync(
        string project, bool isClassLibrary, Action<string> outputReceived, CancellationToken cancellationToken)
    {
        await Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await RunAloneAsync(project, isClassLibrary, outputReceived, cancellationToken)
                .ConfigureAwait(false);
        }
        finally
        {
            Gate.Release();
        }
    }

    private static async Task<DotNetBuild> RunAloneAsync(
        string project, bool isClassLibrary, Action<string> outputReceived, CancellationToken cancellationToken)
    {
        var results = Path.GetTempFileName();
        try
        {
            // Most projects have one target framework. For all others, an attempt would build all frameworks.
            if (!await NamesTargetFrameworksAsync(project, cancellationToken).ConfigureAwait(false))
            {
                var build = await BuildAsync(null).ConfigureAwait(false);
                if (build.LastFramework is null) return build.Result;
            }

            // A restore for one framework would not restore references that have another framework.
            var restore = CreateStartInfo(project, results, "-target:Restore");
            var restored = await RunAsync(project, restore, results, outputReceived, cancellationToken)
                .ConfigureAwait(false);
            if (restored.Result.Failure is not null) return restored.Result;
            return (await BuildAsync(restored.LastFramework).ConfigureAwait(false)).Result;
        }
        finally
        {
            File.Delete(results);
        }

        Task<Output> BuildAsync(string? framework)
        {
            var build = CreateStartInfo(project, results, GetBuildArguments(isClassLibrary, framework));
            return RunAsync(project, build, results, outputReceived, cancellationToken);
        }
    }

    private static async Task<bool> NamesTargetFrameworksAsync(string project, CancellationToken cancellationToken)
    {
        if (!File.Exists(project)) throw new FunctionBuildException($"The project {project} does not exist.");
        var text = await File.ReadAllTextAsync(project, cancellationToken).ConfigureAwait(false);
        return text.Contains("<TargetFrameworks", StringComparison.OrdinalIgnoreCase);
    }

    private static async Task<Output> RunAsync(
        string project,
        ProcessStartInfo startInfo,
        string results,
        Action<string> outputReceived,
        CancellationToken cancellationToken)
    {
        using var process = new Process { StartInfo = startInfo };
        var output = new StringBuilder();
        process.OutputDataReceived += OnLineReceived;
        process.ErrorDataReceived += OnLineReceived;
        try
        {
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Win32Exception exception)
        {
            throw new FunctionBuildException(
                $"dotnet did not start, which builds {project}: {exception.Message}. Install the .NET SDK.",
                exception);
        }
        catch (OperationCanceledException)
        {
            await KillAsync(process).ConfigureAwait(false);
            throw;
        }

        string text;
        lock (output) text = output.ToString();
        if (process.ExitCode != 0) text += ReportOldSdk(project, text, outputReceived);
        var json = await File.ReadAllBytesAsync(results, cancellationToken).ConfigureAwait(false);
        var failure = process.ExitCode == 0 ? null : CreateBuildFailed(project, process.ExitCode, text);
        return Output.Parse(project, json, failure);

        void OnLineReceived(object sender, DataReceivedEventArgs line)
        {
            if (string.IsNullOrEmpty(line.Data)) return;
            lock (output) output.Append(line.Data).Append('\n');
            outputReceived(line.Data);
        }
    }

    private static async Task KillAsync(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (AggregateException)
        {
            // A process that the build started has other privileges.
        }

        // A process that is not part of the tree might keep the output open.
        await process.WaitForExitAsync(CancellationToken.None)
            .WaitAsync(KillTimeout, TimeProvider.System, CancellationToken.None)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static string[] GetBuildArguments(bool isClassLibrary, string? framework)
    {
        string[] target = ["-target:Build", framework is null ? "-restore" : $"-property:TargetFramework={framework}"];
        return isClassLibrary
            ? [
                .. target,
                "-property:CopyLocalLockFileAssemblies=true",
                "-property:GenerateRuntimeConfigurationFiles=true",
            ]
            : target;
    }

    /// <summary>Returns a command that runs a target of a project, and writes the project's properties.</summary>
    private static ProcessStartInfo CreateStartInfo(string project, string results, params string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = Path.GetDirectoryName(project)!,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            ArgumentList =
            {
                // As `dotnet build`, without its summary.
                "msbuild",
                project,
                "-nologo",
                "-verbosity:quiet",
                "-getProperty:TargetPath",
                "-getProperty:TargetFrameworks",
                "-getProperty:OutDir",
                "-getProperty:BaseIntermediateOutputPath",
                "-getProperty:ArtifactsPath",
                "-getItem:ProjectReference",
                $"-getResultOutputFile:{results}",
                // No process of the build remains after it.
                "-nodeReuse:false",
                "-property:UseSharedCompilation=false",
            },
        };
        foreach (var argument in arguments) info.ArgumentList.Add(argument);
        // The CLI and MSBuildLocator set these for the SDK of this process. The folder of the project can have another.
        // Source: dotnet/msbuild#14701; dotnet/sdk, MSBuildForwardingAppWithoutLogging.GetMSBuildSDKsPath.
        foreach (var name in (string[])["MSBuildSDKsPath", "MSBuildExtensionsPath", "MSBUILD_EXE_PATH"])
            info.Environment.Remove(name);
        info.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        return info;
    }

    /// <summary>Adds advice to the output of a build, if the SDK does not know the switches.</summary>
    /// <returns>The added line, or an empty string.</returns>
    private static string ReportOldSdk(string project, string output, Action<string> outputReceived)
    {
        if (!output.Contains(UnknownSwitch, StringComparison.Ordinal)
            || !NewSwitches.Any(name => output.Contains(name, StringComparison.Ordinal)))
        {
            return "";
        }

        var folder = Path.GetDirectoryName(project);
        var advice = $"The .NET SDK that is used in {folder} is older than 8.0.300, which the build of a function "
            + "requires. Install a newer SDK, change global.json if it selects that SDK, or specify the built .dll "
            + "instead of the project.";
        outputReceived(advice);
        return advice + '\n';
    }

    private static FunctionBuildException CreateBuildFailed(string project, int exitCode, string output)
    {
        const int MaxLines = 20;
        // A project can have many warnings before its error.
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.Ordinal)
            .OrderByDescending(line => line.Contains(": error ", StringComparison.Ordinal));
        var message = new StringBuilder($"dotnet build {project} failed with exit code {exitCode}:");
        foreach (var line in lines.Take(MaxLines)) message.Append('\n').Append(line);
        return new FunctionBuildException(message.ToString(), output);
    }

    /// <summary>The properties and items that the build wrote.</summary>
    private sealed record Output(DotNetBuild Result, string TargetFrameworks)
    {
        /// <summary>The last of several frameworks, or <see langword="null"/> if one framework was built.</summary>
        public string? LastFramework => Result.TargetPath.Length > 0
            ? null
            : TargetFrameworks
                .Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .LastOrDefault();

        /// <param name="project">The path of the project.</param>
        /// <param name="json">
        /// The written text. It is empty or incomplete if the project could not be evaluated, or if the disk is full.
        /// </param>
        /// <param name="failure">Why the build failed, or <see langword="null"/>.</param>
        public static Output Parse(string project, byte[] json, FunctionBuildException? failure)
        {
            var folder = Path.GetDirectoryName(project)!;
            using var document = TryParse(json, failure);
            if (document is null) return new(new("", new SourceFolders([folder], []), failure), "");

            var properties = document.RootElement.GetProperty("Properties");
            var references = document.RootElement.GetProperty("Items").GetProperty("ProjectReference")
                .EnumerateArray()
                .Select(item => item.GetProperty("FullPath").GetString()!);
            var folders = references.Prepend(project)
                .Select(path => Path.GetDirectoryName(path)!)
                .Distinct(StringComparer.Ordinal);
            string[] names = ["OutDir", "BaseIntermediateOutputPath", "ArtifactsPath"];
            var outputs = names.Select(GetProperty)
                .Where(path => path.Length > 0)
                .Select(path => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path, folder)));
            var sources = new SourceFolders([.. folders], [.. outputs]);
            return new(new(GetProperty(nameof(TargetPath)), sources, failure), GetProperty(nameof(TargetFrameworks)));

            string GetProperty(string name) => properties.GetProperty(name).GetString() ?? "";
        }

        private static JsonDocument? TryParse(byte[] json, FunctionBuildException? failure)
        {
            try
            {
                return JsonDocument.Parse(json);
            }
            catch (JsonException) when (failure is not null)
            {
                return null;
            }
        }
    }
}
