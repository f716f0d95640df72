using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Testing;

/// <summary>Options of a <see cref="LocalLambdaServer"/>.</summary>
public sealed class LocalLambdaServerOptions
{
    // Source: Lambda quotas, invocation payload 6 MB; Lambda's own emulator allows 6 MiB and 100 bytes
    // (interop/model.go).
    private const int DefaultMaxPayloadBytes = (6 * 1024 * 1024) + 100;

    /// <summary>The TCP port on 127.0.0.1.</summary>
    /// <value>Default: 0, which selects a free port.</value>
    public int Port { get; set; }

    /// <summary>Hosts accepted in the <c>Host</c> header, in addition to loopback with the server's port.</summary>
    /// <value>
    /// Default: empty. Names or addresses without port, for example <c>host.docker.internal</c>. Each is accepted with
    /// any port.
    /// </value>
    /// <remarks>
    /// For clients in containers, and behind a proxy or a forwarded port. All other hosts are rejected with status
    /// 403, because the name of a web page can resolve to 127.0.0.1 (DNS rebinding). Add only names that nobody else
    /// can make resolve to this machine. Requests with an <c>Origin</c> header or a cross-site <c>Sec-Fetch-Site</c>
    /// are rejected with any host. The list also applies to the Runtime API of functions in runtime processes.
    /// </remarks>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Whether the server uses TLS, with a certificate created for this server.</summary>
    /// <value>
    /// Default: <see langword="false"/>. Clients must trust <see cref="LocalLambdaServer.Certificate"/>. The clients of
    /// <see cref="LocalLambdaServer.CreateClient"/> do.
    /// </value>
    public bool UseHttps { get; set; }

    /// <summary>The region that requests must be signed for.</summary>
    /// <value>Default: us-east-1.</value>
    /// <remarks>
    /// Functions in runtime processes get it as <c>AWS_REGION</c> and <c>AWS_DEFAULT_REGION</c>, and do not inherit
    /// these variables.
    /// </remarks>
    public RegionEndpoint Region { get; set; } = RegionEndpoint.USEast1;

    /// <summary>The credentials that requests must be signed with.</summary>
    /// <value>Default: the example key of the AWS documentation, which is not valid on AWS.</value>
    public AWSCredentials Credentials { get; set; } =
        new BasicAWSCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

    /// <summary>The time from which requests are rejected with <c>ExpiredTokenException</c>.</summary>
    /// <value>Default: <see langword="null"/>, never.</value>
    public DateTimeOffset? CredentialsExpireAt { get; set; }

    /// <summary>Whether signatures are verified.</summary>
    /// <value>Default: <see langword="true"/>.</value>
    public bool VerifySignatures { get; set; } = true;

    /// <summary>Whether a payload must be JSON in UTF-8, as on AWS.</summary>
    /// <value>
    /// Default: <see langword="true"/>. Other payloads get the response <c>InvalidRequestContentException</c>. An empty
    /// payload is always accepted.
    /// </value>
    public bool RequireJsonPayload { get; set; } = true;

    /// <summary>The maximum payload size. Larger requests get the response <c>RequestTooLargeException</c>.</summary>
    /// <value>
    /// Default: 6,291,556 bytes. For the invocation type <c>Event</c>, the maximum is never above 1,048,576 bytes.
    /// Invoke responds with <c>RequestEntityTooLargeException</c>, as on AWS.
    /// </value>
    public int MaxPayloadBytes { get; set; } = DefaultMaxPayloadBytes;

    /// <summary>The maximum number of requests in <see cref="LocalLambdaServer.Requests"/>.</summary>
    /// <value>Default: unlimited; at least 1. Above the limit, the oldest request is removed.</value>
    /// <remarks>Each request is kept with its payload, so set a limit for a server that runs for a long time.</remarks>
    public int MaxRecordedRequests { get; set; } = int.MaxValue;

    /// <summary>The maximum payload size of a response.</summary>
    /// <value>
    /// Default: <see langword="null"/>, no limit. On AWS: 209,715,200 bytes (200 MB). At the limit, a response ends
    /// with the error <c>Function.ResponseSizeTooLarge</c>. For Invoke, the maximum is never above 6,291,556 bytes.
    /// </value>
    public long? MaxResponseBytes { get; set; }

    /// <summary>Whether the start of the server builds the projects of .NET functions.</summary>
    /// <value>
    /// Default: <see langword="true"/>. Otherwise, a project is built at the first call of its function, or by
    /// <see cref="LocalFunction.BuildAsync"/>.
    /// </value>
    public bool BuildFunctionsAtStart { get; set; } = true;

    /// <summary>Whether streams have the bandwidth of AWS: 6 MiB without limit, then 2 MiB per second.</summary>
    /// <value>Default: <see langword="false"/>.</value>
    public bool LimitBandwidth { get; set; }

    /// <summary>The maximum number of concurrent calls of all functions.</summary>
    /// <value>
    /// Default: <see langword="null"/>, no limit. On AWS: 1,000 for a new account. Further calls get the response
    /// <c>TooManyRequestsException</c>.
    /// </value>
    public int? MaxConcurrency { get; set; }

    /// <summary>Whether the header <c>Content-Type</c> contains the content type of the function.</summary>
    /// <value>
    /// Default: <see langword="false"/>: <c>application/vnd.amazon.eventstream</c>, which the live service sends
    /// according to the issue awslabs/aws-sdk-rust#1075.
    /// </value>
    public bool SendFunctionContentType { get; set; }

    /// <summary>The account id in the ARNs that the server creates.</summary>
    /// <value>Default: 123456789012.</value>
    public string AccountId { get; set; } = "123456789012";

    /// <summary>The clock for signatures, deadlines and delays.</summary>
    /// <value>Default: the system clock.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>The logger factory for the server's own log.</summary>
    /// <value>Default: <see langword="null"/>, no log.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    internal ConcurrentBag<RuntimePool> Pools { get; } = [];

    internal ConcurrentDictionary<string, LocalFunction> Functions { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a function with an empty response.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name) => AddFunction(name, static (_, _, _) => Task.CompletedTask);

    /// <summary>Adds a function written in C#.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <param name="handler">The code of the function.</param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name, FunctionHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return Add(name, LocalFunction.RunOnThreadPool(handler));
    }

    /// <summary>Adds a function in a separate program, which gets its calls from the Lambda Runtime API.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <param name="process">
    /// The program that runs the function. If another function replaces it, its idle processes remain until the server
    /// is disposed.
    /// </param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "The server disposes the pools.")]
    public LocalFunction AddFunction(string name, RuntimeProcessOptions process)
    {
        ArgumentNullException.ThrowIfNull(process);
        var pool = new RuntimePool(name, process, this);
        Pools.Add(pool);
        var function = Add(name, pool.InvokeAsync);
        function.Pool = pool;
        return function;
    }

    /// <summary>Adds a function that replays a recording.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <param name="recording">The recording.</param>
    /// <param name="timing">The timing of the chunks.</param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name, RecordedStream recording, ReplayTiming timing)
    {
        ArgumentNullException.ThrowIfNull(recording);
        return AddFunction(name, (_, response, cancellationToken) =>
            recording.ReplayAsync(response, timing, TimeProvider, cancellationToken));
    }

    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Port, IPEndPoint.MinPort);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Port, IPEndPoint.MaxPort);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRecordedRequests, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxPayloadBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxResponseBytes ?? 0, nameof(MaxResponseBytes));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxConcurrency ?? 0, nameof(MaxConcurrency));
    }

    private LocalFunction Add(string name, FunctionHandler handler)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Functions[name] = new LocalFunction(name, handler);
    }
}
