namespace LambdaStreaming.Testing;

/// <summary>A real function: a program that speaks the Lambda Runtime API, such as an official runtime interface client or a <c>bootstrap</c>.</summary>
/// <remarks>
/// The program is started at the first call that finds none idle, and takes one call after another; calls at the same time get a process each.
/// It gets this process's environment, the variables that Lambda sets, and <see cref="Environment"/>. On Unix it dies with this process, even when that is killed, and what it leaves running dies with it.
/// </remarks>
public sealed class RuntimeProcessOptions
{
    /// <summary>Describes a program.</summary>
    /// <param name="fileName">The executable: a path, or a name to be found on PATH.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public RuntimeProcessOptions(string fileName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fileName);
        FileName = fileName;
    }

    /// <summary>The executable.</summary>
    public string FileName { get; }

    /// <summary>Its arguments.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The folder with the function's code: the working directory, and <c>LAMBDA_TASK_ROOT</c>.</summary>
    /// <value>Default: the current directory.</value>
    public string TaskRoot { get; init; } = ".";

    /// <summary>The handler, in the runtime's own form, e.g. <c>index.handler</c>; <c>_HANDLER</c>.</summary>
    /// <value>Default: <c>index.handler</c>.</value>
    public string Handler { get; init; } = "index.handler";

    /// <summary>Further environment variables; they win over all others. A <see langword="null"/> removes one.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>How many processes may run at once; further calls wait for one to become idle.</summary>
    /// <value>Default: 10.</value>
    public int MaxProcesses { get; init; } = 10;

    /// <summary>Called with each line that the program writes to its output or error stream.</summary>
    /// <value>Default: <see langword="null"/>; the lines of a call are in its log tail in any case.</value>
    /// <remarks>Called on other threads, one for each stream, also when no call runs. What it throws is ignored.</remarks>
    public Action<string>? OutputReceived { get; init; }

    /// <summary>Describes a Node.js function that runs on the official runtime interface client.</summary>
    /// <param name="taskRoot">The folder with the function's code.</param>
    /// <param name="handler">File and export, e.g. <c>index.handler</c>.</param>
    /// <param name="runtimeInterfaceClient">The folder of the npm package <c>aws-lambda-ric</c>, e.g. <c>node_modules/aws-lambda-ric</c>.</param>
    public static RuntimeProcessOptions Node(string taskRoot, string handler, string runtimeInterfaceClient) => new("node")
    {
        Arguments = [Path.Combine(Path.GetFullPath(runtimeInterfaceClient), "index.mjs")],
        TaskRoot = taskRoot,
        Handler = handler,
    };
}
