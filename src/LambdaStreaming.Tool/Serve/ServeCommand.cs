using System.CommandLine;
using System.Net.Sockets;
using System.Text;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The command <c>serve</c>, which runs <see cref="LocalLambdaServer"/> until Ctrl-C.</summary>
internal sealed class ServeCommand
{
    private readonly ToolConsole _console;
    private readonly ServeOptions _options;

    private ServeCommand(ToolConsole console, Option<bool> debug)
    {
        _console = console;
        _options = new ServeOptions(debug);
    }

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
        var functions = _options.GetFunctions(parsed);
        var faults = _options.GetFaults(parsed);
        List<Replay> replays = [];
        foreach (var replay in _options.GetReplays(parsed))
            replays.Add(await LoadAsync(replay, cancellationToken));
        string[] names = [.. functions.Select(function => function.Name), .. replays.Select(replay => replay.Name)];
        CheckNames(names, faults);

        var printer = new RequestPrinter(_console, TimeProvider.System, cancellationToken);
        await using (var server = await StartAsync(parsed, functions, replays, faults, printer, cancellationToken))
        {
            var url = server.ServiceUrl.ToString().TrimEnd('/');
            await PrintEnvironmentAsync(server, url);
            var endpoint = server.ServiceUrl == LocalService.DefaultUrl ? "" : $" --endpoint-url {url}";
            _console.WriteMessage(
                $"serving {string.Join(", ", names)} on {url}. In a shell, set the variables above, or run: "
                + $"lambda-stream invoke {names[0]} --local{endpoint}. Press Ctrl-C to stop.");
            try
            {
                await printer.PrintAsync(server);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C or SIGTERM.
            }
        }

        _console.WriteMessage("stopped");
        return ExitCode.Complete;
    }

    private static void CheckNames(string[] names, ServedFault[] faults)
    {
        if (names.Length == 0)
        {
            throw ToolException.Usage(
                "There is nothing to serve. Specify a function, e.g. --function chat=node:./chat.mjs#handler, "
                + "or a recording, --replay FILE.");
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
        ServedFunction[] functions,
        IReadOnlyList<Replay> replays,
        ServedFault[] faults,
        RequestPrinter printer,
        CancellationToken cancellationToken)
    {
        // Report a missing program or package before anything is started.
        var processes = functions
            .Select(function => (
                function.Name,
                Process: _options.GetProcess(parsed, function, line => printer.PrintOutput(function.Name, line))))
            .ToArray();
        var timing = _options.GetTiming(parsed);
        try
        {
            return await LocalLambdaServer.StartAsync(
                options =>
                {
                    _options.ApplyTo(options, parsed, _console);
                    LocalFunction[] added =
                    [
                        .. processes.Select(process => options.AddFunction(process.Name, process.Process)),
                        .. replays.Select(replay => options.AddFunction(replay.Name, replay.Recording, timing)),
                    ];
                    foreach (var function in added)
                        Configure(function, faults, _options.GetTimeout(parsed));
                },
                cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            throw new ToolException(
                ExitCode.Local,
                $"Port {_options.GetPort(parsed)} on 127.0.0.1 is not available: {exception.Message.TrimEnd('.')}. "
                + "Specify another --port, or --port 0 for a free port.",
                exception);
        }
    }

    private static void Configure(LocalFunction function, ServedFault[] faults, TimeSpan? timeout)
    {
        if (timeout is { } value)
            function.WithTimeout(value);

        // Faults for the same calls are combined in one behavior: the server uses only the last behavior of a call.
        var groups = faults
            .Where(fault => fault.Function == function.Name)
            .GroupBy(fault => (fault.First, fault.Last));
        foreach (var group in groups)
        {
            var calls = function.OnCalls(group.Key.First, group.Key.Last);
            foreach (var fault in group)
                fault.Apply(calls);
        }
    }

    private static async Task<Replay> LoadAsync(string argument, CancellationToken cancellationToken)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var path = equals > 0 ? argument[(equals + 1)..] : argument;
        var name = equals > 0 ? argument[..equals] : Path.GetFileNameWithoutExtension(path);
        ServedFunction.CheckName(name, "--replay");
        try
        {
            return new Replay(name, await RecordedStream.LoadAsync(path, cancellationToken));
        }
        catch (Exception exception) when (
            exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw ToolException.Usage($"--replay: the recording {path} cannot be read: {exception.Message}");
        }
    }

    // Prints in the syntax of the platform's usual shell. All other output of this command goes to standard error.
    private async Task PrintEnvironmentAsync(LocalLambdaServer server, string url)
    {
        var credentials = await server.Credentials.GetCredentialsAsync();
        (string Name, string Value)[] variables =
        [
            ("AWS_ENDPOINT_URL_LAMBDA", url),
            ("AWS_REGION", server.Region.SystemName),
            ("AWS_DEFAULT_REGION", server.Region.SystemName),
            ("AWS_ACCESS_KEY_ID", credentials.AccessKey),
            ("AWS_SECRET_ACCESS_KEY", credentials.SecretKey),
        ];
        var text = new StringBuilder();
        var windows = OperatingSystem.IsWindows();
        foreach (var (name, value) in variables)
            text.Append(windows ? $"$env:{name} = '{value}'\n" : $"export {name}={value}\n");

        // Remove variables of another session, which would take precedence over the keys above or be sent together with
        // them.
        text.Append(windows
            ? "Remove-Item Env:AWS_PROFILE, Env:AWS_SESSION_TOKEN -ErrorAction Ignore\n"
            : "unset AWS_PROFILE AWS_SESSION_TOKEN\n");
        await _console.Output.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()));
    }

    private sealed record Replay(string Name, RecordedStream Recording);
}
