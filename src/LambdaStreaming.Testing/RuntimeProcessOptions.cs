using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Testing;

/// <summary>A function that runs in a separate program, which gets its calls from the Lambda Runtime API.</summary>
/// <remarks>
/// The program is an official runtime interface client or a <c>bootstrap</c>, for example. The server starts a process
/// for a call if none is idle. A process handles one call at a time, unless <see cref="ConcurrencyPerProcess"/> is set.
/// The program inherits the environment of this process, the variables that Lambda sets, and <see cref="Environment"/>.
/// The program and its child processes are killed when the server is disposed. On Linux, and on macOS with its default
/// shell, they are also killed when this process ends or is killed.
/// </remarks>
public sealed record RuntimeProcessOptions
{
    /// <summary>Creates the options for a program.</summary>
    /// <param name="fileName">
    /// The executable: a path, or a name to find in PATH. A relative path, for example <c>bin/chat</c>, begins at the
    /// current directory.
    /// </param>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public RuntimeProcessOptions(string fileName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(fileName);
        FileName = fileName;
    }

    /// <summary>The executable: a path, or a name to find in PATH.</summary>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public string FileName
    {
        get;
        init
        {
            ArgumentException.ThrowIfNullOrWhiteSpace(value);
            field = value;
        }
    }

    /// <summary>The arguments of the program.</summary>
    /// <value>Default: empty. Not used for a class library of <see cref="DotNet"/>.</value>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>The folder with the function's code: the working directory, and <c>LAMBDA_TASK_ROOT</c>.</summary>
    /// <value>
    /// Default: the current directory, at which a relative path begins. Not used for <see cref="DotNet"/>: the working
    /// directory is the folder of the path, and <c>LAMBDA_TASK_ROOT</c> is the folder of the assembly.
    /// </value>
    public string TaskRoot { get; init; } = ".";

    /// <summary>The handler in the runtime's syntax, passed to the program as <c>_HANDLER</c>.</summary>
    /// <value>
    /// Default: <c>index.handler</c>. With <see cref="DotNet"/> and without a handler: the name of the file without
    /// extension.
    /// </value>
    public string Handler { get; init; } = "index.handler";

    /// <summary>Environment variables that override inherited ones and those that Lambda sets.</summary>
    /// <value>Default: empty. A <see langword="null"/> value removes a variable.</value>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } =
        new Dictionary<string, string?>(StringComparer.Ordinal);

    /// <summary>A callback that returns further environment variables when a process starts.</summary>
    /// <value>Default: <see langword="null"/>. The variables override <see cref="Environment"/>.</value>
    /// <remarks>
    /// For variables that are known only after the start of the server. A call waits for them, at most until its
    /// timeout. If the callback throws, the call fails with the error <c>Runtime.InvalidEntrypoint</c>. The token is
    /// cancelled when the server is disposed.
    /// </remarks>
    public Func<CancellationToken, Task<IReadOnlyDictionary<string, string?>>>? EnvironmentProvider { get; init; }

    /// <summary>The maximum number of concurrent processes. Further calls wait until a process is idle.</summary>
    /// <value>Default: 10. <see cref="int.MaxValue"/>: no limit.</value>
    /// <remarks>
    /// A call whose client has disconnected keeps its process busy until its end or timeout. If a call waits for one
    /// second, <see cref="OutputReceived"/> receives a line about it.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The number is not positive.</exception>
    public int MaxProcesses
    {
        get;
        init => field = value > 0
            ? value
            : throw CreateNotPositive(nameof(MaxProcesses), value, "For no limit, use int.MaxValue.");
    } = 10;

    /// <summary>The maximum number of concurrent calls of one process, as for Lambda Managed Instances.</summary>
    /// <value>Default: 1. A larger number is passed to the program as <c>AWS_LAMBDA_MAX_CONCURRENCY</c>.</value>
    /// <remarks>A line that the program writes is then part of the log of each call in progress.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The number is not positive.</exception>
    public int ConcurrencyPerProcess
    {
        get;
        init => field = value > 0
            ? value
            : throw CreateNotPositive(nameof(ConcurrencyPerProcess), value, "Use 1 for one call at a time.");
    } = 1;

    /// <summary>Whether a call after a change of the function's files starts a new process.</summary>
    /// <value>
    /// Default: <see langword="false"/>. The files are those below <see cref="TaskRoot"/>. For <see cref="DotNet"/>
    /// with a project, they are those in the folders of the project and of the projects that it references. Imported
    /// files and linked sources in other folders are not compared, for example a <c>Directory.Build.props</c> in a
    /// parent folder. Folders whose name begins with a dot, and the folders <c>node_modules</c>, <c>__pycache__</c>,
    /// <c>bin</c> and <c>obj</c> are not searched. Neither are the output folders of the function's own project.
    /// Temporary files of editors (<c>.*.sw?</c> and <c>.#*</c>) and <c>.DS_Store</c> are ignored.
    /// </value>
    /// <remarks>Calls in progress end in their process. A changed project is built first.</remarks>
    public bool RestartOnChange { get; init; }

    /// <summary>A callback for each line that the program writes to standard output or standard error.</summary>
    /// <value>
    /// Default: <see langword="null"/>. The lines of a call are part of its log tail even without a callback.
    /// </value>
    /// <remarks>
    /// Called on other threads, one for each stream, even between calls. Exceptions of the callback are ignored.
    /// With <see cref="DotNet"/>, the callback also receives the output of <c>dotnet build</c>. Messages of the server,
    /// for example about a changed file, are lines as well.
    /// </remarks>
    public Action<string>? OutputReceived { get; init; }

    /// <summary>The complete path of the executable, or its name to find in PATH.</summary>
    internal string FullFileName => ExecutablePath.IsPath(FileName) ? Path.GetFullPath(FileName) : FileName;

    /// <summary>The maximum number of concurrent calls of all processes.</summary>
    internal int MaxCalls => (int)Math.Min(int.MaxValue, (long)MaxProcesses * ConcurrencyPerProcess);

    /// <summary>The .NET project or program from which the command is derived, or <see langword="null"/>.</summary>
    internal DotNetProgram? DotNetProgram { get; init; }

    /// <summary>The working directory, if it is not <see cref="TaskRoot"/>.</summary>
    internal string? WorkingDirectory { get; init; }

    /// <summary>The folder of the runtime: <c>LAMBDA_RUNTIME_DIR</c>. Default: <see cref="TaskRoot"/>.</summary>
    internal string? RuntimeFolder { get; init; }

    /// <summary>The name of the managed runtime for <c>AWS_EXECUTION_ENV</c>, for example <c>nodejs22.x</c>.</summary>
    internal string? RuntimeName { get; init; }

    /// <summary>Passes a line to <see cref="OutputReceived"/>, and ignores its exceptions.</summary>
    internal void ReportLine(string line)
    {
        try
        {
            OutputReceived?.Invoke(line);
        }
#pragma warning disable CA1031 // An unhandled exception on a thread that reads output would end the test host.
        catch (Exception)
        {
        }
#pragma warning restore CA1031
    }

    /// <summary>Creates the options for a Node.js function that uses the official runtime interface client.</summary>
    /// <param name="taskRoot">The folder with the function's code.</param>
    /// <param name="handler">File and export, for example <c>index.handler</c>.</param>
    /// <param name="runtimeInterfaceClient">
    /// The folder of the npm package <c>aws-lambda-ric</c>, version 4 or later, for example
    /// <c>node_modules/aws-lambda-ric</c>.
    /// </param>
    /// <remarks>The native part of the package can be compiled on Linux only.</remarks>
    public static RuntimeProcessOptions Node(string taskRoot, string handler, string runtimeInterfaceClient)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(runtimeInterfaceClient);
        var client = Path.GetFullPath(runtimeInterfaceClient);
        return new("node")
        {
            Arguments = [Path.Combine(client, "index.mjs")],
            TaskRoot = taskRoot,
            Handler = handler,
            RuntimeFolder = client,
            RuntimeName = "nodejs22.x",
        };
    }

    /// <summary>Creates the options for a .NET function.</summary>
    /// <param name="path">
    /// A project file or its folder, which is built before the first call; or a built <c>.dll</c> or executable.
    /// </param>
    /// <param name="handler">
    /// For a class library: <c>Assembly::Namespace.Type::Method</c>. An executable project does not require a handler.
    /// </param>
    /// <remarks>
    /// <para>
    /// The start of a server builds the projects of the functions that its options contain. This requires the .NET SDK
    /// 8.0.300 or later.
    /// A function that is added later is built at its first call. If built files were deleted, for example by
    /// <c>dotnet clean</c>, the next call builds the project again.
    /// Servers in different processes do not wait for the builds of each other. If several test processes use one
    /// project, build it before, and specify its <c>.dll</c>.
    /// </para>
    /// <para>
    /// Executables are functions that use <c>Amazon.Lambda.RuntimeSupport</c> or Lambda's hosting package for ASP.NET
    /// Core. They are started as they are. A class library must reference <c>Amazon.Lambda.RuntimeSupport</c> as well.
    /// </para>
    /// </remarks>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="FunctionBuildException">
    /// The path does not exist, or it is not a program of .NET. Building and starting throw the same exception.
    /// </exception>
    public static RuntimeProcessOptions DotNet(string path, string? handler = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var program = DotNetProgram.Find(path, handler);
        return new("dotnet")
        {
            DotNetProgram = program,
            TaskRoot = program.Folder,
            Handler = handler ?? Path.GetFileNameWithoutExtension(program.FilePath),
        };
    }

    private static ArgumentOutOfRangeException CreateNotPositive(string name, int value, string advice) =>
        new(name, value, $"{name} must be at least 1. {advice}");
}
