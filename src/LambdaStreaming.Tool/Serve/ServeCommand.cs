using System.CommandLine;
using System.Net.Sockets;
using System.Text;
using LambdaStreaming.Testing;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.AspNetCore.Connections;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The command <c>serve</c>, which runs <see cref="LocalLambdaServer"/> until Ctrl-C.</summary>
internal sealed class ServeCommand(ToolConsole console, Option<bool> debug)
{
    // Variables of another session. A profile would take precedence over the printed keys, and a token would be sent
    // together with them.
    private static readonly string[] RemovedVariables =
        ["AWS_PROFILE", "AWS_SESSION_TOKEN", .. ServerVariables.Conflicting];

    // Those for http. With such a proxy, SDKs call the server only if it is excluded.
    private static readonly string[] ProxyVariables = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

    private readonly ServeOptions _options = new(debug);

    public static Command Create(ToolConsole console, Option<bool> debug)
    {
        var serve = new ServeCommand(console, debug);
        var command = new Command(
            "serve",
            "Serves functions on 127.0.0.1 as Lambda does, for this tool and any AWS SDK. "
            + "Prints the environment variables that an SDK needs, then a log of requests. Press Ctrl-C to stop.");
        serve._options.AddTo(command);
        command.SetAction(serve.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            return await ServeAsync(parsed, cancellationToken);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new ToolException(
                console.InterruptedExitCode, "Interrupted before the server started.", exception);
        }
    }

    private async Task<int> ServeAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var printer = new RequestPrinter(console, TimeProvider.System, cancellationToken);
        // Report a missing program, package or file before anything is started.
        var functions = await PrepareAsync(parsed, printer, cancellationToken);
        var faults = _options.GetFaults(parsed);
        string[] names = [.. functions.Select(function => function.Name)];
        CheckNames(names, faults);
        _options.CheckUrlPorts(parsed, names.Length);

        await using (var server = await StartAsync(parsed, functions, faults, cancellationToken))
        await using (var urls = _options.GetFirstUrlPort(parsed) is { } port
            ? await FunctionUrls.StartAsync(server, names, port, _options.GetAllowedHosts(parsed), cancellationToken)
            : null)
        {
            var url = server.ServiceUrl.ToString().TrimEnd('/');
            await PrintEnvironmentAsync(server);
            if (functions.Exists(function => function.RunsInProcess))
                WriteReplacedRegion(parsed, server);
            var endpoint = server.ServiceUrl == LocalService.DefaultUrl ? "" : $" --endpoint-url {url}";
            var regionName = server.Region.SystemName;
            var region = regionName == LocalService.Region.SystemName ? "" : $" --region {regionName}";
            console.WriteMessage(
                $"serving {string.Join(", ", names)} on {url}. In a shell, set the variables above, or run: "
                + $"lambda-stream invoke {names[0]} --local{endpoint}{region}. Press Ctrl-C to stop.");
            foreach (var (name, address) in urls?.Addresses ?? [])
                console.WriteMessage($"function URL of {name}: {address}");
            try
            {
                await printer.PrintAsync(server);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C or SIGTERM.
            }
        }

        console.WriteMessage("stopped");
        return ExitCode.Complete;
    }

    private async Task<List<PreparedFunction>> PrepareAsync(
        ParseResult parsed, RequestPrinter printer, CancellationToken cancellationToken)
    {
        var prepared = new List<PreparedFunction>();
        foreach (var function in _options.GetFunctions(parsed))
        {
            var name = function.Name;
            var process = _options.GetProcess(parsed, function, line => printer.PrintOutput(name, line));
            if (function.DescribeFileElsewhere() is { } advice)
                console.WriteMessage(advice);
            prepared.Add(new(name, process is not null, options => process is null
                ? options.AddFunction(name, TextFunction.Create(function.Target))
                : options.AddFunction(name, process)));
        }

        var timing = _options.GetTiming(parsed);
        foreach (var replay in _options.GetReplays(parsed))
        {
            var (name, recording) = await LoadAsync(replay, cancellationToken);
            prepared.Add(new(name, RunsInProcess: false, options => options.AddFunction(name, recording, timing)));
        }

        return prepared;
    }

    private static void CheckNames(string[] names, ServedFault[] faults)
    {
        if (names.Length == 0)
        {
            throw ToolException.Usage(
                "There is nothing to serve. Specify a function, e.g. --function chat=node:./chat.mjs#handler or "
                + "--function chat=dotnet:./src/Chat, a recording, --replay FILE, or --demo.");
        }

        var duplicates = names.GroupBy(name => name, StringComparer.Ordinal).Where(group => group.Count() > 1);
        if (duplicates.FirstOrDefault() is { } duplicate)
            throw ToolException.Usage($"Two functions are named {duplicate.Key}.");
        if (faults.FirstOrDefault(fault => !names.Contains(fault.Function, StringComparer.Ordinal)) is { } unknown)
        {
            throw ToolException.Usage(
                $"--fault: no function is named '{unknown.Function}'. The functions are {string.Join(", ", names)}.");
        }
    }

    private async Task<LocalLambdaServer> StartAsync(
        ParseResult parsed,
        List<PreparedFunction> functions,
        ServedFault[] faults,
        CancellationToken cancellationToken)
    {
        try
        {
            return await LocalLambdaServer.StartAsync(
                options =>
                {
                    _options.ApplyTo(options, parsed, console);
                    foreach (var function in functions)
                        Configure(function.AddTo(options), faults, _options.GetTimeout(parsed));
                },
                cancellationToken);
        }
        catch (FunctionBuildException exception)
        {
            // The output of the build was printed as it arrived.
            var message = exception.BuildOutput.Length == 0
                ? exception.Message
                : "The build of a function failed, with the errors above. Nothing is served.";
            throw new ToolException(ExitCode.Local, message, exception);
        }
        catch (Exception exception) when (
            exception is IOException { InnerException: AddressInUseException } or SocketException)
        {
            throw LocalService.CreatePortNotAvailable(_options.GetPort(parsed), exception);
        }
    }

    private static void Configure(LocalFunction function, ServedFault[] faults, TimeSpan? timeout)
    {
        if (timeout is { } value)
            function.WithTimeout(value);

        // Faults for the same calls are combined in one behavior: the server uses only the last behavior of a call.
        var groups = faults
            .Where(fault => fault.Function == function.Name)
            .GroupBy(fault => (fault.First, fault.Last))
            .OrderBy(group => Array.LastIndexOf(faults, group.Last()));
        foreach (var group in groups)
        {
            var calls = function.OnCalls(group.Key.First, group.Key.Last);
            foreach (var fault in group)
                fault.Apply(calls);
        }
    }

    private static async Task<(string Name, RecordedStream Recording)> LoadAsync(
        string argument, CancellationToken cancellationToken)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var path = equals > 0 ? argument[(equals + 1)..] : argument;
        var name = equals > 0 ? argument[..equals] : Path.GetFileNameWithoutExtension(path);
        ServedFunction.CheckName(name, "--replay");
        if (string.IsNullOrWhiteSpace(path))
            throw ToolException.Usage($"--replay: '{argument}' does not contain a file. Specify NAME=FILE.");
        try
        {
            return (name, await RecordedStream.LoadAsync(path, cancellationToken));
        }
        catch (Exception exception) when (
            exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw ToolException.Usage(
                $"--replay: the recording {path} cannot be read: {exception.Message.TrimEnd('.')}.");
        }
    }

    private void WriteReplacedRegion(ParseResult parsed, LocalLambdaServer server)
    {
        if (_options.FindReplacedRegion(parsed) is not { } replaced)
            return;
        console.WriteMessage(
            $"functions get AWS_REGION={server.Region.SystemName}, the region of this server, instead of {replaced}, "
            + $"that of the environment. To change it, use --region {ShellText.Quote(replaced)}.");
    }

    // Prints in the syntax of the platform's usual shell. All other output of this command goes to standard error.
    private async Task PrintEnvironmentAsync(LocalLambdaServer server)
    {
        var text = new StringBuilder();
        var windows = OperatingSystem.IsWindows();
        var hasProxy = ProxyVariables.Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 });
        var noProxy = hasProxy ? NoProxy.GetInherited(isDotNet: false) : [];
        foreach (var (name, value) in (await ServerVariables.GetAsync(server)).Concat(noProxy))
        {
            text.Append(windows
                ? $"$env:{name} = {ShellText.QuoteAlways(value)}\n"
                : $"export {name}={ShellText.Quote(value)}\n");
        }

        text.Append(windows
            ? $"Remove-Item {string.Join(", ", RemovedVariables.Select(name => "Env:" + name))} -ErrorAction Ignore\n"
            : $"unset {string.Join(' ', RemovedVariables)}\n");
        await console.Output.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()));
    }

    /// <summary>A function whose program or recording was found.</summary>
    private sealed record PreparedFunction(
        string Name, bool RunsInProcess, Func<LocalLambdaServerOptions, LocalFunction> AddTo);
}
