using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>A function from the command line: <c>NAME=node:FILE#HANDLER</c> or <c>NAME=exec:PROGRAM</c>.</summary>
internal sealed record ServedFunction(string Name, string Kind, string Path, string Handler)
{
    private const string Node = "node";
    private const string Exec = "exec";
    private const string Forms = "Write NAME=node:FILE#HANDLER, e.g. chat=node:./chat.mjs#handler, or NAME=exec:PROGRAM, e.g. hi=exec:./bootstrap.";

    public static ServedFunction Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1) throw ToolException.Usage($"--function '{text}' has no name. {Forms}");
        var name = CheckName(text[..equals], "--function");
        var kind = text[(equals + 1)..].Split(':')[0];
        if (kind is not (Node or Exec) || text.Length == equals + 1 + kind.Length) throw ToolException.Usage($"--function '{text}' does not say what runs it. {Forms}");

        var target = text[(equals + kind.Length + 2)..].Split('#', 2);
        var handler = target.Length > 1 ? target[1] : "handler";
        if (target[0].Length == 0 || handler.Length == 0) throw ToolException.Usage($"--function '{text}' names no file or no handler. {Forms}");
        var path = System.IO.Path.GetFullPath(target[0]);
        if (!File.Exists(path)) throw ToolException.Usage($"--function {name}: there is no file {path}.");
        if (kind == Node && System.IO.Path.GetExtension(path) is not (".mjs" or ".js" or ".cjs"))
            throw ToolException.Usage($"--function {name}: {path} is no .mjs, .js or .cjs file; TypeScript has to be compiled first.");
        if (kind == Node && System.IO.Path.GetFileNameWithoutExtension(path).Contains('.', StringComparison.Ordinal))
            throw ToolException.Usage($"--function {name}: Lambda takes the first dot for the end of the file's name; rename {path}.");
        if (kind == Exec && !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) == UnixFileMode.None)
            throw ToolException.Usage($"--function {name}: {path} may not be executed: chmod +x {path}.");
        return new ServedFunction(name, kind, path, handler);
    }

    /// <summary>Lambda's own rule for names, so that every SDK can call it.</summary>
    public static string CheckName(string name, string option)
    {
        // Source: AWS Lambda API reference, CreateFunction, FunctionName.
        if (name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) return name;
        throw ToolException.Usage($"{option}: '{name}' is no function's name: 1 to 64 letters, digits, - and _.{(option == "--replay" ? " Give it one: --replay NAME=FILE." : "")}");
    }

    public RuntimeProcessOptions ToProcess(string? runtimeInterfaceClient, int maxProcesses, Action<string> outputReceived)
    {
        var taskRoot = System.IO.Path.GetDirectoryName(Path)!;
        if (Kind == Exec) return new RuntimeProcessOptions(Path) { TaskRoot = taskRoot, Handler = Handler, MaxProcesses = maxProcesses, OutputReceived = outputReceived };

        var node = RuntimeProcessOptions.Node(taskRoot, $"{System.IO.Path.GetFileNameWithoutExtension(Path)}.{Handler}", NodeRuntime.Find(Name, taskRoot, runtimeInterfaceClient));
        return new RuntimeProcessOptions(node.FileName) { Arguments = node.Arguments, TaskRoot = node.TaskRoot, Handler = node.Handler, MaxProcesses = maxProcesses, OutputReceived = outputReceived };
    }
}
