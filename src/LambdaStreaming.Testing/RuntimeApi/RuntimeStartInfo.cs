using System.Diagnostics;
using System.Globalization;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Creates the command line and environment of runtime processes.</summary>
internal static class RuntimeStartInfo
{
    // On Unix, a shell supervises the program. When the program ends, the shell kills the program's process group, so
    // that no child process remains. A background job (watch) also kills the group when the shell's standard input
    // closes, which happens even if this process is killed. The shell and that job ignore signals to this process's own
    // group, for example from timeout(1). They do so before the program starts. Otherwise, a signal right after the
    // start of the program would end the shell, and the program would remain. Output of the shell is not part of the
    // function's log.
    // macOS does not have setsid. Its shell is bash, which gives a job a process group if job control is on. With job
    // control, dash would become the foreground process of the terminal.
    internal const string Supervisor = """
        exec 3<&0
        trap '' HUP INT TERM
        if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"
        elif [ -n "${BASH_VERSION-}" ]; then set -m
        fi
        (
          trap - HUP TERM
          exec "$@"
        ) </dev/null 3<&- &
        child=$!
        set +m
        exec >/dev/null 2>&1
        { read -r _ <&3; kill -s KILL -- "-$child" || kill -s KILL "$child"; } &
        watch=$!
        exec 3<&-
        wait "$child"
        code=$?
        kill -s KILL -- "-$child"
        kill -s KILL "$watch"
        exit "$code"
        """;

    private const string RunProgram = "exec \"$@\"";

    /// <summary>Waits for the variables of <see cref="RuntimeProcessOptions.EnvironmentProvider"/>.</summary>
    public static async Task<RuntimeProcessOptions> AddProvidedVariablesAsync(
        RuntimeProcessOptions options, CancellationToken cancellationToken)
    {
        if (options.EnvironmentProvider is not { } provider) return options;
        var variables = await provider(cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        var environment = new Dictionary<string, string?>(options.Environment, StringComparer.Ordinal);
        foreach (var (name, value) in variables) environment[name] = value;
        return options with { Environment = environment };
    }

    /// <exception cref="DirectoryNotFoundException">The folder in which the program runs does not exist.</exception>
    public static ProcessStartInfo Create(
        RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName, string runtimeApi)
    {
        var folder = Path.GetFullPath(options.WorkingDirectory ?? options.TaskRoot);
        // .NET's message would name the shell rather than the folder.
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"The folder {folder} does not exist.");
        var info = new ProcessStartInfo
        {
            FileName = OperatingSystem.IsWindows() ? options.FullFileName : "/bin/sh",
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            // Without a console, such as that of a service or a test runner, Windows would show a window.
            CreateNoWindow = true,
        };
        SetLambdaVariables(info.Environment, options, server, functionName, runtimeApi);
        foreach ((var name, var value) in options.Environment)
        {
            if (value is null) info.Environment.Remove(name);
            else info.Environment[name] = value;
        }

        AddNoProxy(info.Environment, options);
        if (!OperatingSystem.IsWindows())
        {
            var script = CreateScript(info.Environment);
            foreach (var argument in (string[])["-c", script, "lambda-runtime", options.FullFileName])
                info.ArgumentList.Add(argument);
        }

        foreach (var argument in options.Arguments) info.ArgumentList.Add(argument);
        return info;
    }

    /// <summary>Adds the host of the Runtime API to the hosts that are called without a proxy.</summary>
    /// <remarks>
    /// Programs use one variable, and the other one only if the first does not exist. Therefore, a new variable gets
    /// the hosts of the other one. Variables in <see cref="RuntimeProcessOptions.Environment"/> stay unchanged.
    /// </remarks>
    internal static void AddNoProxy(IDictionary<string, string?> environment, RuntimeProcessOptions options)
    {
        var comparer = OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        var upper = environment.TryGetValue("NO_PROXY", out var value) ? value : null;
        var lower = environment.TryGetValue("no_proxy", out value) ? value : null;
        Set("NO_PROXY", upper ?? lower);
        Set("no_proxy", lower ?? upper);

        void Set(string name, string? hosts)
        {
            if (options.Environment.Keys.Contains(name, comparer)) return;
            environment[name] = NoProxy.AddHost(hosts, isDotNet: options.DotNetProgram is not null);
        }
    }

    /// <summary>Returns the supervisor's script, which passes on variables of any name.</summary>
    /// <remarks>
    /// Some shells drop variables whose names they cannot use, for example <c>ConnectionStrings__my-db</c>. macOS
    /// removes the variables of its dynamic linker, <c>DYLD_*</c>, when it starts a program of the system, such as the
    /// shell. The shell gets each of them as a name with its value, in another variable. The program gets the original.
    /// The values are not part of the shell's command line, which other users can read. They are part of that of
    /// <c>env</c>, until it starts the program.
    /// </remarks>
    private static string CreateScript(IDictionary<string, string?> environment)
    {
        string[] names = [.. environment.Keys.Where(name => name.Length > 0 && !ReachesShell(name))];
        if (names.Length == 0) return Supervisor;
        string[] variables = [.. names.Select((_, index) => $"LAMBDASTREAMING_ENV_{index}")];
        foreach (var (variable, name) in variables.Zip(names))
        {
            environment[variable] = $"{name}={environment[name]}";
            environment.Remove(name);
        }

        var pairs = string.Join(' ', variables.Select(variable => $"\"${variable}\""));
        var passOn = $"set -- env -- {pairs} \"$@\"\nunset {string.Join(' ', variables)}\n";
        return Supervisor.Replace(RunProgram, passOn + RunProgram, StringComparison.Ordinal);
    }

    // Source: Apple, System Integrity Protection Guide, "Runtime Protections".
    private static bool ReachesShell(string name) =>
        !char.IsAsciiDigit(name[0])
        && name.All(character => character == '_' || char.IsAsciiLetterOrDigit(character))
        && !name.StartsWith("DYLD_", StringComparison.Ordinal);

    // Source: Lambda developer guide, "Defined runtime environment variables" (the values of TZ, LANG and the execution
    // environment: not verified on the live service). aws-lambda-ric stops if one of the first eight is missing.
    private static void SetLambdaVariables(
        IDictionary<string, string?> environment,
        RuntimeProcessOptions options,
        LocalLambdaServerOptions server,
        string functionName,
        string runtimeApi)
    {
        var taskRoot = Path.GetFullPath(options.TaskRoot);
        environment["AWS_LAMBDA_RUNTIME_API"] = runtimeApi;
        environment["_HANDLER"] = options.Handler;
        environment["LAMBDA_TASK_ROOT"] = taskRoot;
        environment["AWS_LAMBDA_FUNCTION_NAME"] = functionName;
        environment["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
        environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "128";
        // The memory is not limited. Without this variable, a .NET function limits its heap to that size.
        // Source: aws/aws-lambda-dotnet, LambdaBootstrap.AdjustMemorySettings.
        environment.TryAdd("AWS_LAMBDA_DOTNET_DISABLE_MEMORY_LIMIT_CHECK", "true");
        environment["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/" + functionName;
        environment["AWS_LAMBDA_LOG_STREAM_NAME"] = "local";
        environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
        environment["AWS_REGION"] = server.Region.SystemName;
        environment["AWS_DEFAULT_REGION"] = server.Region.SystemName;
        environment["LAMBDA_RUNTIME_DIR"] = options.RuntimeFolder ?? taskRoot;
        environment["TZ"] = ":UTC";
        environment["LANG"] = "en_US.UTF-8";
        // Custom runtimes do not have an execution environment.
        if (options.RuntimeName is { } name) environment["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + name;
        else environment.Remove("AWS_EXECUTION_ENV");
        if (options.ConcurrencyPerProcess > 1)
        {
            environment["AWS_LAMBDA_MAX_CONCURRENCY"] =
                options.ConcurrencyPerProcess.ToString(CultureInfo.InvariantCulture);
        }
    }
}
