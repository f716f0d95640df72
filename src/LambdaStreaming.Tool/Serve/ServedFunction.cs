using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>A value of <c>--function</c>: <c>NAME=node:FILE#HANDLER</c> or <c>NAME=exec:PROGRAM</c>.</summary>
internal sealed record ServedFunction(string Name, string Kind, string Path, string Handler)
{
    private const string Node = "node";
    private const string Exec = "exec";

    private const string Forms =
        "Use NAME=node:FILE#HANDLER, e.g. chat=node:./chat.mjs#handler, "
        + "or NAME=exec:PROGRAM, e.g. hi=exec:./bootstrap.";

    private const UnixFileMode AnyExecute =
        UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static ServedFunction Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw ToolException.Usage($"--function '{text}': the name is missing. {Forms}");
        var name = CheckName(text[..equals], "--function");
        var kind = text[(equals + 1)..].Split(':')[0];
        if (kind is not (Node or Exec) || text.Length == equals + 1 + kind.Length)
            throw ToolException.Usage($"--function '{text}': the kind, node: or exec:, is missing. {Forms}");

        var target = text[(equals + kind.Length + 2)..].Split('#', 2);
        var handler = target.Length > 1 ? target[1] : "handler";
        if (target[0].Length == 0 || handler.Length == 0)
            throw ToolException.Usage($"--function '{text}': the file or the handler is missing. {Forms}");
        var path = System.IO.Path.GetFullPath(target[0]);
        if (!File.Exists(path))
            throw ToolException.Usage($"--function {name}: the file {path} does not exist.");
        if (kind == Node)
            CheckNodeFile(name, path);
        else
            CheckExecutable(name, path);
        return new ServedFunction(name, kind, path, handler);
    }

    /// <summary>Checks a function name by Lambda's rule, so that every SDK can invoke the function.</summary>
    public static string CheckName(string name, string option)
    {
        // Source: AWS Lambda API reference, CreateFunction, FunctionName.
        if (name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
            return name;
        var advice = option == "--replay" ? " Specify one: --replay NAME=FILE." : "";
        throw ToolException.Usage(
            $"{option}: '{name}' is not a valid function name. Use 1 to 64 letters, digits, - and _.{advice}");
    }

    public RuntimeProcessOptions ToProcess(
        string? runtimeInterfaceClient,
        int maxProcesses,
        Action<string> outputReceived)
    {
        var taskRoot = System.IO.Path.GetDirectoryName(Path)!;
        if (Kind == Exec)
        {
            return new RuntimeProcessOptions(Path)
            {
                TaskRoot = taskRoot,
                Handler = Handler,
                MaxProcesses = maxProcesses,
                OutputReceived = outputReceived,
            };
        }

        var handler = $"{System.IO.Path.GetFileNameWithoutExtension(Path)}.{Handler}";
        var client = NodeRuntime.Find(Name, taskRoot, runtimeInterfaceClient);
        var node = RuntimeProcessOptions.Node(taskRoot, handler, client);
        return new RuntimeProcessOptions(node.FileName)
        {
            Arguments = node.Arguments,
            TaskRoot = node.TaskRoot,
            Handler = node.Handler,
            MaxProcesses = maxProcesses,
            OutputReceived = outputReceived,
        };
    }

    private static void CheckNodeFile(string name, string path)
    {
        if (System.IO.Path.GetExtension(path) is not (".mjs" or ".js" or ".cjs"))
        {
            throw ToolException.Usage(
                $"--function {name}: {path} is not a .mjs, .js or .cjs file. Compile TypeScript to JavaScript first.");
        }

        if (System.IO.Path.GetFileNameWithoutExtension(path).Contains('.', StringComparison.Ordinal))
        {
            throw ToolException.Usage(
                $"--function {name}: rename {path}. For Lambda, the file name ends at the first dot of the handler.");
        }
    }

    private static void CheckExecutable(string name, string path)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & AnyExecute) == UnixFileMode.None)
            throw ToolException.Usage($"--function {name}: {path} is not executable. Run: chmod +x {path}");
    }
}
