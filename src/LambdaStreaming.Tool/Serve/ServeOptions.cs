using System.CommandLine;
using Amazon;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Serve;

/// <summary>The options of <c>serve</c>.</summary>
internal sealed class ServeOptions
{
    // The log prints each request as it arrives, so older requests are not needed.
    private const int MaxRecordedRequests = 100;

    private const int MaxPort = 65535;

    private readonly Option<string[]> _function = new("--function", "-f")
    {
        HelpName = "NAME=KIND:TARGET",
        Description = "A function, e.g. chat=node:./chat.mjs#handler or chat=dotnet:./src/Chat (see below). "
            + "Repeatable",
    };

    private readonly Option<bool> _demo = new("--demo")
    {
        Description = "Add a function named demo, which streams a short text",
    };

    private readonly Option<bool> _noReload = new("--no-reload")
    {
        Description = "Keep processes when files of their function change. Default: the next call uses a new process",
    };

    private readonly Option<string[]> _replay = new("--replay")
    {
        HelpName = "[NAME=]FILE",
        Description = "A recording of `lambda-stream record`, served as a function. Default NAME: the file name. "
            + "Repeatable",
    };

    private readonly Option<bool> _replayImmediately = new("--replay-immediately")
    {
        Description = "Replay without the recorded pauses",
    };

    private readonly Option<int> _port = new("--port")
    {
        HelpName = "N",
        Description = "The TCP port on 127.0.0.1; 0 selects a free port",
        DefaultValueFactory = _ => LocalService.DefaultPort,
    };

    private readonly Option<bool> _functionUrls = new("--function-urls")
    {
        Description = "Serve each function also at an HTTP address, as a function URL does, for browsers and curl. "
            + "The ports follow that of the server",
    };

    private readonly Option<string> _region = new("--region")
    {
        HelpName = "REGION",
        Description = "The region for which requests must be signed. Functions get it as AWS_REGION and "
            + "AWS_DEFAULT_REGION, instead of those of the environment",
        DefaultValueFactory = _ => LocalService.Region.SystemName,
    };

    private readonly Option<bool> _anySignature = new("--any-signature")
    {
        Description = "Accept requests with any credentials and any region, or unsigned",
    };

    private readonly Option<string[]> _allowHost = new("--allow-host")
    {
        HelpName = "HOST",
        Description = "Accept requests with this host, without port, in their Host header, e.g. host.docker.internal "
            + "for containers. Use only names whose DNS you control. Repeatable",
    };

    private readonly Option<TimeSpan?> _timeout = new("--timeout")
    {
        HelpName = "TIME",
        Description = "Maximum duration of one call of a function. Default: 15m, the maximum on AWS",
        CustomParser = Duration.Parse,
    };

    private readonly Option<int?> _concurrency = new("--concurrency")
    {
        HelpName = "N",
        Description = "Maximum number of concurrent calls; further calls are throttled. Default: no limit",
    };

    private readonly Option<int> _processes = new("--processes")
    {
        HelpName = "N",
        Description = "Maximum number of concurrent processes of each function; further calls wait",
        DefaultValueFactory = _ => 10,
    };

    private readonly Option<long?> _maxResponse = new("--max-response-bytes")
    {
        HelpName = "N",
        Description = "End responses of more than N bytes as Lambda does (there: 209715200). Default: no limit",
    };

    private readonly Option<bool> _limitBandwidth = new("--limit-bandwidth")
    {
        Description = "Limit the bandwidth as Lambda does: 6 MiB at full speed, then 2 MiB per second",
    };

    private readonly Option<string[]> _fault = new("--fault")
    {
        HelpName = "NAME[@CALLS]=FAULT",
        Description = "A fault in calls of a function, e.g. chat=truncate:137, chat@1-2=throttle (see below). "
            + "Repeatable",
    };

    private readonly Option<string?> _ric = new("--ric")
    {
        HelpName = "FOLDER",
        Description = "The folder of the npm package aws-lambda-ric, version 4 or later. Default: the first in the "
            + "node_modules folders of the function, the current folder, their parents, and node",
    };

    private readonly Option<bool> _debug;

    public ServeOptions(Option<bool> debug)
    {
        _debug = debug;
        OptionValidators.RequireInteger(_port, 0, MaxPort);
        OptionValidators.RequireInteger(_processes, 1, 1000);
        OptionValidators.RequireInteger(_concurrency, 0);
        OptionValidators.RequireInteger(_maxResponse, 0, long.MaxValue);
        OptionValidators.RequireRegion(_region);
        OptionValidators.RequireHosts(_allowHost);
        OptionValidators.RequireText(_ric);
    }

    public void AddTo(Command command)
    {
        Option[] options =
        [
            _function, _demo, _noReload, _functionUrls, _replay, _replayImmediately, _port, _region, _anySignature,
            _allowHost, _timeout, _concurrency, _processes, _maxResponse, _limitBandwidth, _fault, _ric,
        ];
        foreach (var option in options)
            command.Add(option);
    }

    public int GetPort(ParseResult parsed) => parsed.GetValue(_port);

    /// <summary>Returns the port of the first function URL; <see langword="null"/> without function URLs.</summary>
    public int? GetFirstUrlPort(ParseResult parsed) =>
        !parsed.GetValue(_functionUrls) ? null : GetPort(parsed) is > 0 and var port ? port + 1 : 0;

    /// <summary>Checks that each function URL has a valid port.</summary>
    public void CheckUrlPorts(ParseResult parsed, int functions)
    {
        if (GetFirstUrlPort(parsed) is not { } first || first + functions - 1 <= MaxPort)
            return;
        throw ToolException.Usage(
            $"{_port.Name}: {GetPort(parsed)} is too large: {_functionUrls.Name} uses the ports that follow it. "
            + $"Use at most {MaxPort - functions}, or 0 for free ports.");
    }

    public TimeSpan? GetTimeout(ParseResult parsed) => parsed.GetValue(_timeout);

    public ReplayTiming GetTiming(ParseResult parsed) =>
        parsed.GetValue(_replayImmediately) ? ReplayTiming.Immediate : ReplayTiming.AsRecorded;

    public ServedFunction[] GetFunctions(ParseResult parsed)
    {
        var functions = (parsed.GetValue(_function) ?? []).Select(ServedFunction.Parse);
        return parsed.GetValue(_demo) ? [.. functions, ServedFunction.Demo] : [.. functions];
    }

    public ServedFault[] GetFaults(ParseResult parsed) =>
        [.. (parsed.GetValue(_fault) ?? []).Select(ServedFault.Parse)];

    public string[] GetAllowedHosts(ParseResult parsed) => parsed.GetValue(_allowHost) ?? [];

    /// <summary>Returns the region of the environment, if functions get another one by default.</summary>
    /// <returns><see langword="null"/> if the command line has a region, or if the regions are equal.</returns>
    public string? FindReplacedRegion(ParseResult parsed)
    {
        if (parsed.GetResult(_region) is { Implicit: false })
            return null;
        string[] names = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        var inherited = names.Select(Environment.GetEnvironmentVariable)
            .FirstOrDefault(value => value is { Length: > 0 });
        return inherited == parsed.GetRequiredValue(_region) ? null : inherited;
    }

    public string[] GetReplays(ParseResult parsed) => parsed.GetValue(_replay) ?? [];

    /// <summary>Returns the program of a function, or <see langword="null"/> if it does not have one.</summary>
    public RuntimeProcessOptions? GetProcess(
        ParseResult parsed,
        ServedFunction function,
        Action<string> outputReceived)
    {
        if (function.CreateProcess(parsed.GetValue(_ric)) is not { } process)
            return null;
        return process with
        {
            MaxProcesses = parsed.GetValue(_processes),
            RestartOnChange = !parsed.GetValue(_noReload),
            OutputReceived = outputReceived,
        };
    }

    public void ApplyTo(LocalLambdaServerOptions options, ParseResult parsed, ToolConsole console)
    {
        options.Port = parsed.GetValue(_port);
        options.Region = RegionEndpoint.GetBySystemName(parsed.GetRequiredValue(_region));
        foreach (var host in GetAllowedHosts(parsed))
            options.AllowedHosts.Add(host);
        options.VerifySignatures = !parsed.GetValue(_anySignature);
        options.MaxConcurrency = parsed.GetValue(_concurrency);
        options.MaxResponseBytes = parsed.GetValue(_maxResponse);
        options.LimitBandwidth = parsed.GetValue(_limitBandwidth);
        options.MaxRecordedRequests = MaxRecordedRequests;
        options.LoggerFactory = parsed.GetValue(_debug) ? new ErrorLog(console.Error) : null;
    }
}
