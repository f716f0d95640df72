using System.Globalization;
using System.Text.Json;

namespace LambdaStreaming.Tool.Serve;

/// <summary>Finds the npm package of AWS's runtime interface client, which runs Node.js functions.</summary>
internal static class RuntimeInterfaceClient
{
    public const string Package = "aws-lambda-ric";

    private const string NativePart = "rapid-client.node";

    /// <summary>Finds the folder of the package, with its native part.</summary>
    /// <param name="taskRoot">The folder of the function.</param>
    /// <param name="node">The path of the program node.</param>
    /// <returns>The folder, or <see langword="null"/>.</returns>
    public static string? Find(string taskRoot, string node) =>
        GetCandidates(taskRoot, node).FirstOrDefault(folder => IsPackage(folder) && HasNativePart(folder));

    /// <summary>Finds the folder of the package, with or without its native part.</summary>
    public static string? FindInstalled(string taskRoot, string node) =>
        GetCandidates(taskRoot, node).FirstOrDefault(IsPackage);

    public static bool IsPackage(string folder) => File.Exists(Path.Combine(folder, "index.mjs"));

    // On macOS, the installation succeeds without it.
    // Source: aws-lambda-ric 4.0.2, scripts/preinstall.sh and scripts/postinstall.sh.
    public static bool HasNativePart(string folder) => File.Exists(Path.Combine(folder, NativePart));

    /// <summary>Describes a package that was installed without its native part.</summary>
    public static string DescribeIncomplete(string folder)
    {
        // The folder that contains node_modules.
        var prefix = Path.GetFullPath(Path.Combine(folder, "..", ".."));
        return $"{Package} was installed without its native part: {Path.Combine(folder, NativePart)} does not exist. "
            + $"It can be compiled on Linux only: run npm rebuild --prefix {ShellText.Quote(prefix)} {Package}, and "
            + "allow npm to run its scripts.";
    }

    /// <summary>Describes why <see cref="Find"/> did not find the package, and how to install it.</summary>
    public static string DescribeMissing(string function, string taskRoot, string node)
    {
        var install = $"npm install --prefix {ShellText.Quote(taskRoot)} {Package}";
        var old = GetCandidates(taskRoot, node).Select(DescribeOldVersion).FirstOrDefault(text => text is not null);
        return old is not null
            ? $"The function {function} requires the npm package {Package}. {old} Install it with: {install}@4"
            : $"The function {function} requires the npm package {Package}, version 4 or later, which is not in a "
                + $"node_modules folder of {taskRoot}, the current folder or their parent folders. "
                + $"Install it with: {install}";
    }

    /// <summary>Describes a folder with a version of the package that does not have the file to run.</summary>
    /// <returns>
    /// <see langword="null"/> if the folder does not contain the package, or if its version is not too old.
    /// </returns>
    public static string? DescribeOldVersion(string folder)
    {
        try
        {
            using var package = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "package.json")));
            var version = package.RootElement.GetProperty("version").GetString();
            return package.RootElement.GetProperty("name").GetString() == Package
                && int.TryParse(version?.Split('.')[0], CultureInfo.InvariantCulture, out var major) && major < 4
                ? $"Version {version} in {folder} is too old; version 4 or later is required."
                : null;
        }
        catch (Exception exception) when (
            exception is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException
                or KeyNotFoundException)
        {
            return null;
        }
    }

    private static IEnumerable<string> GetCandidates(string taskRoot, string node)
    {
        foreach (var start in (string[])[taskRoot, Environment.CurrentDirectory])
        {
            for (var folder = Path.GetFullPath(start); folder is not null; folder = Path.GetDirectoryName(folder))
                yield return Path.Combine(folder, "node_modules", Package);
        }

        // The usual destination of `npm install --global`.
        if (Path.GetDirectoryName(Path.GetDirectoryName(node)) is { } prefix)
            yield return Path.Combine(prefix, "lib", "node_modules", Package);
    }
}
