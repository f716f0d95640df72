using System.Diagnostics;

namespace LambdaStreaming.Testing.RuntimeApi;

/// <summary>Creates the command line and environment of runtime processes.</summary>
internal static class RuntimeStartInfo
{
    // On Unix, a shell supervises the program. When the program ends, the shell kills the program's process group, so
    // that no child process remains. A background job (watch) also kills the group when the shell's standard input
    // closes, which happens even if this process is killed. That job ignores signals to this process's own group, for
    // example from timeout(1). Output of the shell is not part of the function's log.
    internal const string Supervisor = """
        exec 3<&0
        if command -v setsid >/dev/null 2>&1; then setsid "$@" </dev/null 3<&- & else "$@" </dev/null 3<&- & fi
        child=$!
        exec >/dev/null 2>&1
        { trap '' HUP INT TERM; read -r _ <&3; kill -s KILL -- "-$child" || kill -s KILL "$child"; } &
        watch=$!
        exec 3<&-
        wait "$child"
        code=$?
        kill -s KILL -- "-$child"
        kill -s KILL "$watch"
        exit "$code"
        """;

    public static ProcessStartInfo Create(
        RuntimeProcessOptions options, LocalLambdaServerOptions server, string functionName, string runtimeApi)
    {
        var taskRoot = Path.GetFullPath(options.TaskRoot);
        var info = new ProcessStartInfo
        {
            FileName = OperatingSystem.IsWindows() ? options.FileName : "/bin/sh",
            WorkingDirectory = taskRoot,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (!OperatingSystem.IsWindows())
        {
            foreach (var argument in (string[])["-c", Supervisor, "lambda-runtime", options.FileName])
                info.ArgumentList.Add(argument);
        }

        foreach (var argument in options.Arguments) info.ArgumentList.Add(argument);

        SetLambdaVariables(info, options, server, functionName, taskRoot, runtimeApi);
        foreach (var name in (string[])["NO_PROXY", "no_proxy"])
        {
            var hosts = info.Environment.TryGetValue(name, out var value) ? value : null;
            info.Environment[name] = string.IsNullOrEmpty(hosts) ? "127.0.0.1" : hosts + ",127.0.0.1";
        }

        foreach ((var name, var value) in options.Environment)
        {
            if (value is null) info.Environment.Remove(name);
            else info.Environment[name] = value;
        }

        return info;
    }

    // Source: Lambda developer guide, "Defined runtime environment variables". aws-lambda-ric stops if one of the first
    // eight is missing.
    private static void SetLambdaVariables(
        ProcessStartInfo info,
        RuntimeProcessOptions options,
        LocalLambdaServerOptions server,
        string functionName,
        string taskRoot,
        string runtimeApi)
    {
        info.Environment["AWS_LAMBDA_RUNTIME_API"] = runtimeApi;
        info.Environment["_HANDLER"] = options.Handler;
        info.Environment["LAMBDA_TASK_ROOT"] = taskRoot;
        info.Environment["AWS_LAMBDA_FUNCTION_NAME"] = functionName;
        info.Environment["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
        info.Environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "128";
        info.Environment["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/" + functionName;
        info.Environment["AWS_LAMBDA_LOG_STREAM_NAME"] = "local";
        info.Environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
        info.Environment["AWS_REGION"] = server.Region.SystemName;
        info.Environment["AWS_DEFAULT_REGION"] = server.Region.SystemName;
    }
}
