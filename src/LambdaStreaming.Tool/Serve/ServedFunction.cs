using LambdaStreaming.Testing;
using LambdaStreaming.Testing.RuntimeApi;

namespace LambdaStreaming.Tool.Serve;

/// <summary>A value of <c>--function</c>: <c>NAME=KIND:TARGET</c>.</summary>
/// <param name="Name">The name of the function.</param>
/// <param name="Kind">What runs the function.</param>
/// <param name="Target">The file, program or text.</param>
/// <param name="Handler">The handler after <c>#</c>, or <see langword="null"/>.</param>
/// <param name="Arguments">The arguments of a program.</param>
internal sealed record ServedFunction(
    string Name, FunctionKind Kind, string Target, string? Handler, IReadOnlyList<string> Arguments)
{
    private const string DefaultHandler = "handler";

    // Source: AWS Lambda API reference, CreateFunction, FunctionName.
    private const int MaxNameLength = 64;

    /// <summary>The forms of a value, and what each runs.</summary>
    public static IReadOnlyList<(string Form, string Meaning)> Forms { get; } =
    [
        ("node:FILE#HANDLER", "a Node.js handler, e.g. node:./chat.mjs#handler (the default HANDLER is handler)"),
        ("dotnet:PROJECT", "an executable .NET project, its folder, or a built program, e.g. dotnet:./src/Chat"),
        ("dotnet:PROJECT#HANDLER", "a .NET class library, e.g. dotnet:./src/Chat#Chat::Chat.Function::Handle"),
        ("exec:COMMAND", "any program that uses the Runtime API, e.g. exec:'python3 handler.py'"),
        ("text:TEXT", "a text, streamed word by word"),
    ];

    /// <summary>The function of <c>--demo</c>.</summary>
    public static ServedFunction Demo { get; } = new("demo", FunctionKind.Text, TextFunction.DemoText, null, []);

    public static ServedFunction Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1)
            throw CreateException(text, "the name is missing");
        var name = CheckName(text[..equals], "--function");
        var value = text[(equals + 1)..];
        var colon = value.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !Enum.TryParse<FunctionKind>(value[..colon], ignoreCase: true, out var kind)
            || !value[..colon].All(char.IsAsciiLetter))
        {
            throw CreateException(text, "the kind, for example node: or dotnet:, is missing");
        }

        var target = value[(colon + 1)..];
        if (string.IsNullOrWhiteSpace(target))
            throw CreateException(text, "nothing follows the kind");
        return kind switch
        {
            FunctionKind.Text => new ServedFunction(name, kind, target, null, []),
            FunctionKind.Exec => ParseCommand(name, text, target),
            _ => ParseFile(name, text, kind, target),
        };
    }

    /// <summary>Checks a function name by Lambda's rule, so that every SDK can invoke the function.</summary>
    public static string CheckName(string name, string option)
    {
        if (name.Length is > 0 and <= MaxNameLength && name.All(IsNameCharacter))
            return name;
        var advice = option == "--replay" ? " Specify one: --replay NAME=FILE." : "";
        throw ToolException.Usage(
            $"{option}: '{name}' is not a valid function name. Use 1 to 64 letters, digits, - and _.{advice}");
    }

    /// <summary>Creates a valid function name from any text.</summary>
    public static string CreateName(string text)
    {
        // A name that begins with a hyphen would look like an option.
        var name = string.Concat(text.Select(c => IsNameCharacter(c) ? c : '-')).TrimStart('-');
        if (name.Length == 0)
            return "recording";
        return name.Length <= MaxNameLength ? name : name[..MaxNameLength];
    }

    /// <summary>Returns the program of the function, or <see langword="null"/> for a text.</summary>
    /// <exception cref="ToolException">A program or a package that the function requires was not found.</exception>
    public RuntimeProcessOptions? CreateProcess(string? runtimeInterfaceClient)
    {
        var folder = Path.GetDirectoryName(Target);
        switch (Kind)
        {
            case FunctionKind.Exec:
                return new RuntimeProcessOptions(Target)
                {
                    Arguments = Arguments,
                    // As on Lambda, a program runs in its own folder. A program from PATH runs in the current one.
                    TaskRoot = string.IsNullOrEmpty(folder) ? Environment.CurrentDirectory : folder,
                    Handler = Handler ?? DefaultHandler,
                };
            case FunctionKind.Node:
                var handler = $"{Path.GetFileNameWithoutExtension(Target)}.{Handler ?? DefaultHandler}";
                var client = NodeRuntime.Find(Name, folder!, runtimeInterfaceClient);
                return RuntimeProcessOptions.Node(folder!, handler, client);
            case FunctionKind.DotNet:
                try
                {
                    return RuntimeProcessOptions.DotNet(Target, Handler);
                }
                catch (FunctionBuildException exception)
                {
                    throw ToolException.Usage($"--function {Name}: {exception.Message}");
                }

            default:
                return null;
        }
    }

    /// <summary>Describes a file of the current folder that a program in another folder might not find.</summary>
    /// <returns><see langword="null"/> if no argument is such a file.</returns>
    public string? DescribeFileElsewhere()
    {
        if (Kind != FunctionKind.Exec || Path.GetDirectoryName(Target) is not { Length: > 0 } folder)
            return null;
        var file = Arguments.FirstOrDefault(word => File.Exists(word) && !File.Exists(Path.Combine(folder, word)));
        if (file is null)
            return null;
        var command = string.Join(' ', Arguments.Prepend(Target).Prepend("env").Select(ShellText.Quote))
            + (Handler is null ? "" : " #" + Handler);
        var advice = OperatingSystem.IsWindows()
            ? $"add {folder} to PATH, and write only the name of the program."
            : $"write exec:{ShellText.Quote(command)}.";
        return $"{Name} runs in the folder of its program, {folder}, which does not contain {file}. "
            + $"To run it in the current folder, {advice}";
    }

    private static bool IsNameCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_';

    private static ServedFunction ParseFile(string name, string text, FunctionKind kind, string target)
    {
        // The name of a folder can contain #, a handler cannot.
        var hash = Path.Exists(target) ? -1 : target.LastIndexOf('#');
        var handler = hash < 0 ? null : target[(hash + 1)..];
        if (hash == 0 || handler is "")
            throw CreateException(text, "the file or the handler is missing");
        var path = Path.GetFullPath(hash < 0 ? target : target[..hash]);
        if (!File.Exists(path) && (kind == FunctionKind.Node || !Directory.Exists(path)))
            throw ToolException.Usage($"--function {name}: {path} does not exist.");
        if (kind == FunctionKind.Node && NodeFile.FindProblem(path) is { } problem)
            throw ToolException.Usage($"--function {name}: {problem}");
        return new ServedFunction(name, kind, path, handler, []);
    }

    private static ServedFunction ParseCommand(string name, string text, string target)
    {
        if (!CommandWords.TrySplit(target, out var words, out var handler))
            throw CreateException(text, "a quotation mark is not closed");
        if (words.Count == 0 || handler is "")
            throw CreateException(text, "the program or the handler is missing");
        var program = words[0];
        if (ExecutablePath.IsPath(program))
        {
            program = Path.GetFullPath(program);
            if (!File.Exists(program))
                throw ToolException.Usage($"--function {name}: the program {program} does not exist.");
            if (!ExecutablePath.IsExecutable(program))
            {
                throw ToolException.Usage(
                    $"--function {name}: {program} is not executable. Run: chmod +x {ShellText.Quote(program)}");
            }
        }
        else if (ExecutablePath.Find(program) is null)
        {
            var local = ShellText.Quote($"./{program}");
            var advice = File.Exists(program) ? $" For the file in the current folder, write {local}." : "";
            throw ToolException.Usage($"--function {name}: the program {program} is not in PATH.{advice}");
        }

        return new ServedFunction(name, FunctionKind.Exec, program, handler, [.. words.Skip(1)]);
    }

    private static ToolException CreateException(string text, string reason) => ToolException.Usage(
        $"--function '{text}': {reason}. Use NAME=KIND, e.g. chat=node:./chat.mjs#handler, with KIND one of "
        + $"{string.Join(", ", Forms.Select(form => form.Form))}.");
}
