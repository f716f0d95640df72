using System.CommandLine;
using System.CommandLine.Parsing;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The part of the command line that says which function is called, and how; <c>invoke</c> and <c>record</c> share it.</summary>
internal sealed class InvocationOptions
{
    private const string AtMostOnce = "when-not-started";
    private const string AtLeastOnce = "at-least-once";
    private const string Never = "never";

    private readonly Argument<string> _function = new("FUNCTION") { Description = "The function: a name, a partial ARN or an ARN, each with or without :qualifier" };
    private readonly Option<string?> _payload = new("--payload", "-p") { HelpName = "JSON|@FILE|-", Description = "What the function is given: JSON text, @FILE for a file's bytes, - for standard input. Default: nothing" };
    private readonly Option<bool> _asIs = new("--as-is") { Description = "Send the payload without checking it. Lambda itself accepts only JSON in UTF-8" };
    private readonly Option<string?> _qualifier = new("--qualifier") { HelpName = "VERSION|ALIAS", Description = "The version or alias to run" };
    private readonly Option<string?> _clientContext = new("--client-context") { HelpName = "JSON|@FILE|BASE64", Description = "What the function finds in its context object: a JSON object, or base64 as the AWS CLI takes it" };
    private readonly Option<string?> _tenantId = new("--tenant-id") { HelpName = "ID", Description = "The tenant, for functions with tenant isolation" };
    private readonly Option<bool> _logTail = new("--log-tail") { Description = "Print the last 4 KB of the function's log to standard error at the end" };
    private readonly Option<string?> _region = new("--region") { HelpName = "REGION", Description = "The AWS region. Default: AWS_REGION, the profile's" };
    private readonly Option<string?> _profile = new("--profile") { HelpName = "NAME", Description = "The AWS profile. Default: AWS_PROFILE" };
    private readonly Option<Uri?> _endpointUrl = new("--endpoint-url") { HelpName = "URL", Description = "The endpoint to call in place of AWS's own. Default: AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL" };
    private readonly Option<bool> _local = new("--local") { Description = "Call `lambda-stream serve` on this machine: its default address, region and credentials, where no option says otherwise" };
    private readonly Option<TimeSpan?> _idleTimeout = new("--idle-timeout") { HelpName = "TIME", Description = "How long the service may be silent, before the answer and amid it (30s, 5m). Default: 16m", CustomParser = Duration.Parse };
    private readonly Option<string?> _retry = new("--retry") { HelpName = "WHEN", Description = $"Send again: {AtMostOnce} (the default), {AtLeastOnce} (the function may run twice) or {Never}" };
    private readonly Option<int?> _maxAttempts = new("--max-attempts") { HelpName = "N", Description = "How often to send at most. Default: AWS_MAX_ATTEMPTS, else 3" };
    private readonly Option<bool> _debug;

    public InvocationOptions(Option<bool> debug)
    {
        _debug = debug;
        _endpointUrl.CustomParser = ParseUrl;
        _retry.AcceptOnlyFromAmong(AtMostOnce, AtLeastOnce, Never);
        PositiveInteger.Require(_maxAttempts, 1);
        RequireRegion(_region);
        foreach (var text in (Option<string?>[])[_payload, _clientContext, _qualifier, _tenantId, _profile]) RequireText(text);
        _region.CompletionSources.Add(_ => RegionEndpoint.EnumerableAllRegions.Select(region => region.SystemName));
        _profile.CompletionSources.Add(_ => new CredentialProfileStoreChain().ListProfiles().Select(profile => profile.Name));
    }

    /// <summary>Refuses what is not a region name. AWSSDK accepts any host label, so that a typo would fail only at the call.</summary>
    public static void RequireRegion<T>(Option<T> option) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count != 1 || IsRegionName(result.Tokens[0].Value)) return;
        result.AddError($"{option.Name} '{result.Tokens[0].Value}' is no region: write one like eu-central-1.");
    });

    /// <summary>An empty value is most likely a script's variable that was never set: another version would run, or a file not be written, in silence.</summary>
    public static void RequireText<T>(Option<T> option) => option.Validators.Add(result =>
    {
        if (result.Tokens is [{ Value: var text }] && string.IsNullOrWhiteSpace(text)) result.AddError($"{option.Name} is empty: give it a value, or leave it out.");
    });

    /// <summary>The end of the function's log; as it came where it can't be decoded, since the answer is whole nonetheless.</summary>
    public static string? GetLog(InvokeComplete? complete)
    {
        try
        {
            return complete?.DecodeLogResult();
        }
        catch (FormatException)
        {
            return complete!.LogResult;
        }
    }

    public void AddTo(Command command)
    {
        command.Add(_function);
        foreach (var option in (Option[])[_payload, _asIs, _qualifier, _clientContext, _tenantId, _logTail, _region, _profile, _endpointUrl, _local, _idleTimeout, _retry, _maxAttempts]) command.Add(option);
    }

    public bool Debug(ParseResult parsed) => parsed.GetValue(_debug);

    /// <summary>Prints the function's log, where it was asked for and has come.</summary>
    public void PrintLog(ParseResult parsed, string? log, ToolConsole console)
    {
        if (parsed.GetValue(_logTail) && log is not null) console.Error.WriteLine($"--- the end of the function's log\n{ExternalText.ToLines(log, "| ")}\n---");
    }

    /// <summary>Reads the payload and makes the request.</summary>
    public async Task<InvokeWithResponseStreamRequest> ReadRequestAsync(ParseResult parsed, ToolConsole console, CancellationToken cancellationToken)
    {
        var function = parsed.GetRequiredValue(_function);
        if (string.IsNullOrWhiteSpace(function)) throw ToolException.Usage("The function's name is blank.");
        var request = new InvokeWithResponseStreamRequest(function)
        {
            Payload = await PayloadArgument.ReadAsync(parsed.GetValue(_payload), parsed.GetValue(_asIs), console, cancellationToken),
            Qualifier = parsed.GetValue(_qualifier),
            ClientContext = await PayloadArgument.ReadClientContextAsync(parsed.GetValue(_clientContext), cancellationToken),
            TenantId = parsed.GetValue(_tenantId),
            IdleTimeout = parsed.GetValue(_idleTimeout),
            ResponseHeadersTimeout = parsed.GetValue(_idleTimeout),
        };
        return parsed.GetValue(_logTail) ? request with { LogType = LogType.Tail } : request;
    }

    /// <summary>Makes a client of the options, the environment and the profile.</summary>
    public LambdaStreamingClient CreateClient(ParseResult parsed, ToolConsole console)
    {
        var options = new LambdaStreamingClientOptions
        {
            Profile = parsed.GetValue(_profile),
            Region = parsed.GetValue(_region) is { } region ? RegionEndpoint.GetBySystemName(region) : null,
            ServiceUrl = parsed.GetValue(_endpointUrl),
            LoggerFactory = parsed.GetValue(_debug) ? new ErrorLog(console.Error) : null,
        };
        if (parsed.GetValue(_local))
        {
            options.ServiceUrl ??= LocalService.DefaultUrl;
            options.Region ??= LocalService.Region;
            if (options.Profile is null) options.Credentials = LocalService.Credentials;
        }

        if (parsed.GetValue(_maxAttempts) is { } attempts) options.Retry.MaxAttempts = attempts;
        options.Retry.Policy = parsed.GetValue(_retry) switch
        {
            AtLeastOnce => LambdaRetryPolicy.AtLeastOnce,
            Never => LambdaRetryPolicy.Never,
            _ => LambdaRetryPolicy.AtMostOnce,
        };
        try
        {
            return new LambdaStreamingClient(options);
        }
        catch (ArgumentException exception)
        {
            throw WrongArgument(exception);
        }
    }

    /// <summary>Sends the request; what can never be right about it is an error of usage.</summary>
    public async Task<InvokeWithResponseStreamResponse> SendAsync(LambdaStreamingClient client, InvokeWithResponseStreamRequest request, ParseResult parsed, CancellationToken cancellationToken)
    {
        try
        {
            return await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        }
        catch (ArgumentException exception)
        {
            throw WrongArgument(exception);
        }
        catch (LambdaTransportException exception) when (parsed.GetValue(_local) && !exception.FunctionMayHaveRun)
        {
            throw new ToolException(ExitCode.Transport, $"{exception.Message} Is `lambda-stream serve` running, on that port?", exception);
        }
        catch (OperationCanceledException exception)
        {
            throw InterruptedException.BeforeResponse(exception);
        }
    }

    private static ToolException WrongArgument(ArgumentException exception) =>
        ToolException.Usage(GetOption(exception.ParamName) is { } option ? $"{option}: {exception.Message}" : exception.Message);

    private static string? GetOption(string? parameter) => parameter switch
    {
        nameof(InvokeWithResponseStreamRequest.FunctionName) => "FUNCTION",
        nameof(InvokeWithResponseStreamRequest.Qualifier) => "--qualifier",
        nameof(InvokeWithResponseStreamRequest.ClientContext) => "--client-context",
        nameof(InvokeWithResponseStreamRequest.TenantId) => "--tenant-id",
        nameof(LambdaStreamingClientOptions.Profile) => "--profile",
        nameof(LambdaStreamingClientOptions.ServiceUrl) => "--endpoint-url",
        _ => null,
    };

    // A region that this AWSSDK does not know must stay possible.
    private static bool IsRegionName(string text) =>
        text.Split('-') is [_, _, .., var number] parts
        && parts[..^1].All(part => part.Length > 0 && part.All(char.IsAsciiLetter))
        && number.Length > 0
        && number.All(char.IsAsciiDigit);

    private static Uri? ParseUrl(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
        result.AddError($"'{text}' is no http or https address, like http://127.0.0.1:{LocalService.DefaultPort}.");
        return null;
    }
}
