using System.CommandLine;
using System.CommandLine.Parsing;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using LambdaStreaming.Tool.Serve;

namespace LambdaStreaming.Tool.Invoke;

/// <summary>The options of function, request and client, shared by <c>invoke</c> and <c>record</c>.</summary>
internal sealed class InvocationOptions
{
    private const string AtMostOnce = "at-most-once";
    private const string AtLeastOnce = "at-least-once";
    private const string Never = "never";

    private readonly FunctionArgument _function = new();

    private readonly Option<string?> _payload = new("--payload", "-p")
    {
        HelpName = "JSON|@FILE|-",
        Description = "The payload: JSON text, @FILE or file://FILE for the bytes of a file, or - for standard input. "
            + "Default: an empty payload",
    };

    private readonly Option<bool> _asIs = new("--as-is")
    {
        Description = "Send the payload without checking it. Lambda itself accepts only JSON in UTF-8",
    };

    private readonly Option<string?> _qualifier = new("--qualifier")
    {
        HelpName = "VERSION|ALIAS",
        Description = "The version or alias to run",
    };

    private readonly Option<string?> _clientContext = new("--client-context")
    {
        HelpName = "JSON|@FILE|BASE64",
        Description = "The client context in the context object of the function: a JSON object, "
            + "or base64 as for the AWS CLI",
    };

    private readonly Option<string?> _tenantId = new("--tenant-id")
    {
        HelpName = "ID",
        Description = "The tenant, for functions with tenant isolation",
    };

    private readonly Option<bool> _logTail = new("--log-tail")
    {
        Description = "Print the last 4 KB of the function's log to standard error at the end",
    };

    private readonly Option<string?> _logType = new("--log-type")
    {
        Hidden = true,
        Description = "The spelling of the AWS CLI: Tail is --log-tail",
    };

    // The AWS CLI needs it to accept JSON. Here, a payload is always JSON.
    private readonly Option<string?> _binaryFormat = new("--cli-binary-format")
    {
        Hidden = true,
        Description = "Accepted for the AWS CLI's spelling of an invocation",
    };

    private readonly Option<string?> _region = new("--region")
    {
        HelpName = "REGION",
        Description = "The AWS region. Default: AWS_REGION, else the region of the profile",
    };

    private readonly Option<string?> _profile = new("--profile")
    {
        HelpName = "NAME",
        Description = "The AWS profile. Default: AWS_PROFILE",
    };

    private readonly Option<Uri?> _endpointUrl = new("--endpoint-url")
    {
        HelpName = "URL",
        Description = "The endpoint to use instead of the AWS endpoint. "
            + "Default: AWS_ENDPOINT_URL_LAMBDA, else AWS_ENDPOINT_URL",
    };

    private readonly Option<bool> _local = new("--local")
    {
        Description = "Invoke `lambda-stream serve` on this machine: use its default address, region and credentials, "
            + "unless other options override them",
    };

    private readonly Option<TimeSpan?> _idleTimeout = new("--idle-timeout")
    {
        HelpName = "TIME",
        Description = "Maximum time to wait for data, before and during the response (30s, 5m). Default: 16m",
        CustomParser = Duration.Parse,
    };

    private readonly Option<string?> _retry = new("--retry")
    {
        HelpName = "POLICY",
        Description = $"Failures to retry: {AtMostOnce} (default; only if the function cannot have run), "
            + $"{AtLeastOnce} (the function might run more than once) or {Never}",
    };

    private readonly Option<int?> _maxAttempts = new("--max-attempts")
    {
        HelpName = "N",
        Description = "Maximum number of attempts, including the first. "
            + "Default: AWS_MAX_ATTEMPTS, else 3; with --local, 3",
    };

    private readonly Option<bool> _debug;

    public InvocationOptions(Option<bool> debug)
    {
        _debug = debug;
        _endpointUrl.CustomParser = ParseUrl;
        OptionValidators.RequireOneOf(_retry, AtMostOnce, AtLeastOnce, Never);
        OptionValidators.RequireOneOf(_logType, "None", "Tail");
        OptionValidators.RequireOneOf(_binaryFormat, "raw-in-base64-out");
        OptionValidators.RequireInteger(_maxAttempts, 1);
        OptionValidators.RequireRegion(_region);
        foreach (var option in (Option<string?>[])[_payload, _clientContext, _qualifier, _tenantId, _profile])
            OptionValidators.RequireText(option);
        _profile.CompletionSources.Add(_ => ListProfiles());
    }

    /// <summary>Gets the last part of the function's log, decoded from base64.</summary>
    /// <remarks>A log that is not base64 is returned unchanged, because the response is complete anyway.</remarks>
    /// <returns><see langword="null"/> if the response contains no log.</returns>
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
        _function.AddTo(command);
        Option[] options =
        [
            _payload, _asIs, _qualifier, _clientContext, _tenantId, _logTail, _logType, _binaryFormat, _region,
            _profile, _endpointUrl, _local, _idleTimeout, _retry, _maxAttempts,
        ];
        foreach (var option in options)
            command.Add(option);
    }

    public bool IsDebug(ParseResult parsed) => parsed.GetValue(_debug);

    /// <summary>Prints the function's log if it was requested and received.</summary>
    public void PrintLog(ParseResult parsed, string? log, ToolConsole console)
    {
        if (!HasLog(parsed) || log is null)
            return;
        console.Error.WriteLine($"--- the end of the function's log\n{ExternalText.ToLines(log, "| ")}\n---");
    }

    /// <summary>Reads payload and client context from their sources and creates the request.</summary>
    public async Task<InvokeWithResponseStreamRequest> ReadRequestAsync(
        ParseResult parsed,
        ToolConsole console,
        CancellationToken cancellationToken)
    {
        var payload = parsed.GetValue(_payload);
        var clientContext = parsed.GetValue(_clientContext);
        var request = new InvokeWithResponseStreamRequest(_function.GetName(parsed))
        {
            Payload = await PayloadArgument.ReadAsync(payload, parsed.GetValue(_asIs), console, cancellationToken),
            Qualifier = parsed.GetValue(_qualifier),
            ClientContext = await PayloadArgument.ReadClientContextAsync(clientContext, cancellationToken),
            TenantId = parsed.GetValue(_tenantId),
            IdleTimeout = parsed.GetValue(_idleTimeout),
            ResponseHeadersTimeout = parsed.GetValue(_idleTimeout),
        };
        return HasLog(parsed) ? request with { LogType = LogType.Tail } : request;
    }

    /// <summary>Creates a client from the options, the environment and the profile.</summary>
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
            LocalService.ApplyTo(options);
        if (parsed.GetValue(_maxAttempts) is { } attempts)
            options.Retry.MaxAttempts = attempts;
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
            throw CreateUsageException(exception);
        }
    }

    /// <summary>Sends the request.</summary>
    /// <exception cref="ToolException">The client rejects a value, or the local server is not running.</exception>
    /// <exception cref="InterruptedException">The invocation was cancelled before the response headers.</exception>
    public async Task<InvokeWithResponseStreamResponse> SendAsync(
        LambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        ParseResult parsed,
        CancellationToken cancellationToken)
    {
        try
        {
            return await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        }
        catch (ArgumentException exception)
        {
            throw CreateUsageException(exception);
        }
        catch (LambdaTransportException exception) when (parsed.GetValue(_local) && !exception.FunctionMayHaveRun)
        {
            var message = $"{exception.Message} Check that `lambda-stream serve` is running on that port.";
            throw new ToolException(ExitCode.Transport, message, exception);
        }
        catch (OperationCanceledException exception)
        {
            throw InterruptedException.BeforeResponse(exception);
        }
    }

    // The message of an exception quotes the invalid line of a file, which can contain a key.
    private static IEnumerable<string> ListProfiles()
    {
        try
        {
            return [.. new CredentialProfileStoreChain().ListProfiles().Select(profile => profile.Name)];
        }
        catch (Exception)
        {
            return [];
        }
    }

    private bool HasLog(ParseResult parsed) => parsed.GetValue(_logTail) || parsed.GetValue(_logType) is "Tail";

    private static ToolException CreateUsageException(ArgumentException exception) => ToolException.Usage(
        GetOption(exception.ParamName) is { } option ? $"{option}: {exception.Message}" : exception.Message);

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

    private static Uri? ParseUrl(ArgumentResult result)
    {
        var text = result.Tokens.Single().Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return url;
        // Without the value, which can contain a password.
        result.AddError(
            "The endpoint is not an http or https URL. "
            + $"Use a URL such as http://127.0.0.1:{LocalService.DefaultPort}.");
        return null;
    }
}
