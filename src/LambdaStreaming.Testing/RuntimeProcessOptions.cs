namespace LambdaStreaming.Testing;

/// <summary>A function that runs in a separate program, which gets its calls from the Lambda Runtime API.</summary>
/// <remarks>
/// The program is an official runtime interface client or a <c>bootstrap</c>, for example. The server starts a process
/// for a call if none is idle. A process handles one call at a time; concurrent calls get separate processes.
/// The program inherits the environment of this process, the variables that Lambda sets, and <see cref="Environment"/>.
/// On Unix, the program and its child processes are killed when this process ends, even if this process is killed.
/// </remarks>
public sealed class RuntimeProcessOptions
{
    /// <summary>Creates the options for a program.</summary>
    /// <param name="fileName">The executable: a path, or a name to find in PATH.</param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public RuntimeProcessOptions(string fileName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fileName);
        FileName = fileName;
    }

    /// <summary>The executable.</summary>
    public string FileName { get; }

    /// <summary>The arguments of the program.</summary>
    /// <value>Default: empty.</value>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The folder with the function's code: the working directory, and <c>LAMBDA_TASK_ROOT</c>.</summary>
    /// <value>Default: the current directory.</value>
    public string TaskRoot { get; init; } = ".";

    /// <summary>The handler in the runtime's syntax, passed to the program as <c>_HANDLER</c>.</summary>
    /// <value>Default: <c>index.handler</c>.</value>
    public string Handler { get; init; } = "index.handler";

    /// <summary>Environment variables that override all others.</summary>
    /// <value>Default: empty. A <see langword="null"/> value removes a variable.</value>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } =
        new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>The maximum number of concurrent processes. Further calls wait until a process is idle.</summary>
    /// <value>Default: 10.</value>
    public int MaxProcesses { get; init; } = 10;

    /// <summary>A callback for each line that the program writes to standard output or standard error.</summary>
    /// <value>
    /// Default: <see langword="null"/>. The lines of a call are part of its log tail even without a callback.
    /// </value>
    /// <remarks>
    /// Called on other threads, one for each stream, even between calls. Exceptions of the callback are ignored.
    /// </remarks>
    public Action<string>? OutputReceived { get; init; }

    /// <summary>Creates the options for a Node.js function that uses the official runtime interface client.</summary>
    /// <param name="taskRoot">The folder with the function's code.</param>
    /// <param name="handler">File and export, for example <c>index.handler</c>.</param>
    /// <param name="runtimeInterfaceClient">
    /// The folder of the npm package <c>aws-lambda-ric</c>, for example <c>node_modules/aws-lambda-ric</c>.
    /// </param>
    public static RuntimeProcessOptions Node(string taskRoot, string handler, string runtimeInterfaceClient) =>
        new("node")
        {
            Arguments = [Path.Combine(Path.GetFullPath(runtimeInterfaceClient), "index.mjs")],
            TaskRoot = taskRoot,
            Handler = handler,
        };
}
