using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Tool.Serve;

/// <summary>Finds node and AWS's runtime interface client, which Node.js functions require.</summary>
internal static class NodeRuntime
{
    private const string Package = RuntimeInterfaceClient.Package;

    /// <summary>Finds the folder of the runtime interface client. The last argument is that of <c>--ric</c>.</summary>
    public static string Find(string function, string taskRoot, string? folder)
    {
        if (ExecutablePath.Find("node") is not { } node)
        {
            throw ToolException.Usage(
                $"The function {function} requires Node.js, but node is not on PATH. "
                + "Install version 20 or later from https://nodejs.org.");
        }

        if (folder is null)
            return RuntimeInterfaceClient.Find(taskRoot, node) ?? throw CreateNotFound(function, taskRoot, node);
        if (RuntimeInterfaceClient.IsPackage(folder))
            return RuntimeInterfaceClient.HasNativePart(folder) ? folder : throw CreateIncomplete(folder);
        if (RuntimeInterfaceClient.DescribeOldVersion(folder) is { } old)
            throw ToolException.Usage($"--ric is not the folder of a supported npm package {Package}. {old}");
        throw ToolException.Usage(
            $"--ric {folder} is not the folder of the npm package {Package}, version 4 or later: it does not contain "
            + $"index.mjs. Specify the folder of the package, e.g. node_modules/{Package}.");
    }

    private static ToolException CreateNotFound(string function, string taskRoot, string node) =>
        RuntimeInterfaceClient.FindInstalled(taskRoot, node) is { } incomplete
            ? CreateIncomplete(incomplete)
            : ToolException.Usage(
                RuntimeInterfaceClient.DescribeMissing(function, taskRoot, node)
                + " (this compiles it, on Linux only, and requires cmake, make, a C++ compiler and python3), or use "
                + "--ric FOLDER.");

    private static ToolException CreateIncomplete(string folder) => ToolException.Usage(
        $"{RuntimeInterfaceClient.DescribeIncomplete(folder)} "
        + "On other systems, use exec: with a program that uses the Lambda Runtime API.");
}
