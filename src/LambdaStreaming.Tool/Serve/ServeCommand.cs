using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Text;
using Amazon;
using LambdaStreaming.Testing;
using LambdaStreaming.Tool.Invoke;

namespace LambdaStreaming.Tool.Serve;

/// <summary><c>lambda-stream serve</c>: <see cref="LocalLambdaServer"/> as a program.</summary>
internal sealed class ServeCommand
{
    // Enough for the log, which takes each as it comes.
    private const int KeptRequests = 100;

    private readonly ToolConsole _console;
    private readonly Option<bool> _debug;
    private readonly Option<string[]> _function = new("--function", "-f") { HelpName = "NAME=KIND:FILE", Description = "A real function: NAME=node:FILE#HANDLER, e.g. chat=node:./chat.mjs#handler, or NAME=exec:PROGRAM, which speaks the Lambda Runtime API. Repeatable" };
    private readonly Option<string[]> _replay = new("--replay") { HelpName = "[NAME=]FILE", Description = "A recorded answer as a function, as `lambda-stream record` makes it; without NAME the file's name. Repeatable" };
    private readonly Option<bool> _replayAtOnce = new("--replay-at-once") { Description = "Replay without the recorded pauses" };
    private readonly Option<int> _port = new("--port") { HelpName = "N", Description = "The TCP port on 127.0.0.1; 0 takes a free one", DefaultValueFactory = _ => LocalService.DefaultPort };
    private readonly Option<string> _region = new("--region") { HelpName = "REGION", Description = "The region that requests must be signed for", DefaultValueFactory = _ => LocalService.Region.SystemName };
    private readonly Option<bool> _anySignature = new("--any-signature") { Description = "Take requests of any credentials and any region, or unsigned" };
    private readonly Option<TimeSpan?> _timeout = new("--timeout") { HelpName = "TIME", Description = "How long a call of a function may run. Default: 15m, as on AWS at most", CustomParser = Duration.Parse };
    private readonly Option<int?> _concurrency = new("--concurrency") { HelpName = "N", Description = "How many calls may run at once; one more is throttled. Default: no limit" };
    private readonly Option<int> _processes = new("--processes") { HelpName = "N", Description = "How many processes of each function may run at once; further calls wait", DefaultValueFactory = _ => 10 };
    private readonly Option<long?> _maxResponse = new("--max-response-bytes") { HelpName = "N", Description = "End answers over N bytes as Lambda does (there 209715200). Default: no limit" };
    private readonly Option<bool> _limitBandwidth = new("--limit-bandwidth") { Description = "Answer as slowly as Lambda: 6 MiB at once, then 2 MiB a second" };
    private readonly Option<string[]> _fault = new("--fault") { HelpName = "NAME[@CALLS]=FAULT", Description = "What goes wrong with a function's calls, e.g. chat=cut:137, chat@1-2=throttle. Repeatable; see below" };
    private readonly Option<string?> _ric = new("--ric") { HelpName = "FOLDER", Description = "The npm package aws-lambda-ric. Default: the nearest node_modules" };

    private ServeCommand(ToolConsole console, Option<bool> debug)
    {
        _console = console;
        _debug = debug;
        foreach (var repeatable in (Option<string[]>[])[_function, _replay, _fault]) repeatable.AllowMultipleArgumentsPerToken = false;
        _region.CompletionSources.Add(_ => RegionEndpoint.EnumerableAllRegions.Select(region => region.SystemName));
        PositiveInteger.Require(_port, 0, 65535);
        PositiveInteger.Require(_processes, 1, 1000);
        PositiveInteger.Require(_concurrency, 0);
        PositiveInteger.Require(_maxResponse, 0, long.MaxValue);
        InvocationOptions.RequireRegion(_region);
    }

    public static Command Create(ToolConsole console, Option<bool> debug)
    {
        var serve = new ServeCommand(console, debug);
        var command = new Command("serve", "Serves functions on 127.0.0.1 as Lambda does, for this tool and any AWS SDK; prints the environment to point them at it, then a log of requests. Ctrl-C stops it.");
        foreach (var option in (Option[])[serve._function, serve._replay, serve._replayAtOnce, serve._port, serve._region, serve._anySignature, serve._timeout, serve._concurrency, serve._processes, serve._maxResponse, serve._limitBandwidth, serve._fault, serve._ric]) command.Add(option);
        command.SetAction(serve.RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        ServedFunction[] functions = [.. (parsed.GetValue(_function) ?? []).Select(ServedFunction.Parse)];
        ServedFault[] faults = [.. (parsed.GetValue(_fault) ?? []).Select(ServedFault.Parse)];
        List<(string Name, RecordedStream Recording)> replays = [];
        foreach (var replay in parsed.GetValue(_replay) ?? []) replays.Add(await LoadAsync(replay, cancellationToken));

        string[] names = [.. functions.Select(function => function.Name), .. replays.Select(replay => replay.Name)];
        if (names.Length == 0) throw ToolException.Usage("There is nothing to serve: name a function, e.g. --function chat=node:./chat.mjs#handler, or a recording, --replay FILE.");
        if (names.GroupBy(name => name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice) throw ToolException.Usage($"Two functions are named {twice.Key}.");
        if (faults.FirstOrDefault(fault => !names.Contains(fault.Function, StringComparer.Ordinal)) is { } unknown) throw ToolException.Usage($"--fault: no function is named '{unknown.Function}'; there are {string.Join(", ", names)}.");

        var printer = new RequestPrinter(_console, TimeProvider.System, cancellationToken);
        await using (var server = await StartAsync(parsed, functions, replays, faults, printer, cancellationToken))
        {
            var url = server.ServiceUrl.ToString().TrimEnd('/');
            await PrintEnvironmentAsync(server, url);
            _console.Say($"serving {string.Join(", ", names)} on {url}. Set the above in a shell, or: lambda-stream invoke {names[0]} --local{(server.ServiceUrl == LocalService.DefaultUrl ? "" : $" --endpoint-url {url}")}. Ctrl-C stops it.");
            try
            {
                await printer.PrintAsync(server);
            }
            catch (OperationCanceledException)
            {
                // How a server is meant to end.
            }
        }

        _console.Say("stopped");
        return ExitCode.Complete;
    }

    private async Task<LocalLambdaServer> StartAsync(
        ParseResult parsed, ServedFunction[] functions, IReadOnlyList<(string Name, RecordedStream Recording)> replays, ServedFault[] faults, RequestPrinter printer, CancellationToken cancellationToken)
    {
        // What is missing is said before anything is started.
        var processes = functions.Select(function => (function.Name, Process: function.ToProcess(parsed.GetValue(_ric), parsed.GetValue(_processes), line => printer.PrintOutput(function.Name, line)))).ToArray();
        try
        {
            return await LocalLambdaServer.StartAsync(
                options =>
                {
                    options.Port = parsed.GetValue(_port);
                    options.Region = RegionEndpoint.GetBySystemName(parsed.GetRequiredValue(_region));
                    options.VerifySignatures = !parsed.GetValue(_anySignature);
                    options.MaxConcurrency = parsed.GetValue(_concurrency);
                    options.MaxResponseBytes = parsed.GetValue(_maxResponse);
                    options.LimitBandwidth = parsed.GetValue(_limitBandwidth);
                    options.MaxRecordedRequests = KeptRequests;
                    options.LoggerFactory = parsed.GetValue(_debug) ? new ErrorLog(_console.Error) : null;
                    var timing = parsed.GetValue(_replayAtOnce) ? ReplayTiming.Immediate : ReplayTiming.AsRecorded;
                    LocalFunction[] added = [.. processes.Select(process => options.AddFunction(process.Name, process.Process)), .. replays.Select(replay => options.AddFunction(replay.Name, replay.Recording, timing))];
                    foreach (var function in added)
                    {
                        if (parsed.GetValue(_timeout) is { } timeout) function.WithTimeout(timeout);
                        AddFaults(function, faults);
                    }
                },
                cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            throw new ToolException(ExitCode.Local, $"Port {parsed.GetValue(_port)} of 127.0.0.1 can't be had: {exception.Message.TrimEnd('.')}. Give another --port, or --port 0 for a free one.", exception);
        }
    }

    // Faults of the same calls add up; else the server would let the last alone count.
    private static void AddFaults(LocalFunction function, ServedFault[] faults)
    {
        foreach (var calls in faults.Where(fault => fault.Function == function.Name).GroupBy(fault => (fault.First, fault.Last)))
        {
            var script = function.OnCalls(calls.Key.First, calls.Key.Last);
            foreach (var fault in calls) fault.Apply(script);
        }
    }

    private static async Task<(string Name, RecordedStream Recording)> LoadAsync(string argument, CancellationToken cancellationToken)
    {
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var path = equals > 0 ? argument[(equals + 1)..] : argument;
        var name = ServedFunction.CheckName(equals > 0 ? argument[..equals] : Path.GetFileNameWithoutExtension(path), "--replay");
        try
        {
            return (name, await RecordedStream.LoadAsync(path, cancellationToken));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw ToolException.Usage($"--replay: the recording {path} can't be read: {exception.Message}");
        }
    }

    // In the words of the shell that a person here most likely has; everything else of this command goes to standard error.
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
        foreach (var (name, value) in variables) text.Append(windows ? $"$env:{name} = '{value}'\n" : $"export {name}={value}\n");

        // Left over from another session, these would win over the keys above, or be sent along with them.
        text.Append(windows ? "Remove-Item Env:AWS_PROFILE, Env:AWS_SESSION_TOKEN -ErrorAction Ignore\n" : "unset AWS_PROFILE AWS_SESSION_TOKEN\n");
        await _console.Output.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
