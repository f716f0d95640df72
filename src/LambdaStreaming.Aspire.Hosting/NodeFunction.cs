using Aspire.Hosting;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.RuntimeApi;
using LambdaStreaming.Tool;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Aspire.Hosting;

/// <summary>The process of a Node.js function.</summary>
internal static class NodeFunction
{
    /// <exception cref="DistributedApplicationException">
    /// A file or a program was not found, or the file cannot be a function.
    /// </exception>
    public static RuntimeProcessOptions CreateProcess(string name, string file, string export)
    {
        if (!File.Exists(file)) throw new DistributedApplicationException($"Function {name}: {file} does not exist.");
        if (NodeFile.FindProblem(file) is { } problem)
            throw new DistributedApplicationException($"Function {name}: {problem}");
        if (ExecutablePath.Find("node") is not { } node)
        {
            throw new DistributedApplicationException(
                $"The function {name} requires Node.js, but node is not on PATH. "
                + "Install version 20 or later from https://nodejs.org.");
        }

        var folder = Path.GetDirectoryName(file)!;
        if (RuntimeInterfaceClient.Find(folder, node) is not { } client)
        {
            if (RuntimeInterfaceClient.FindInstalled(folder, node) is { } incomplete)
                throw CreateIncomplete(name, incomplete);
            throw new DistributedApplicationException(
                RuntimeInterfaceClient.DescribeMissing(name, folder, node));
        }

        var handler = $"{Path.GetFileNameWithoutExtension(file)}.{export}";
        return RuntimeProcessOptions.Node(folder, handler, client) with { RestartOnChange = true };
    }

    private static DistributedApplicationException CreateIncomplete(string name, string folder) => new(
        $"The function {name} does not start: {RuntimeInterfaceClient.DescribeIncomplete(folder)} "
        + "On other systems, use AddFunction with a program that uses the Lambda Runtime API.");
}
