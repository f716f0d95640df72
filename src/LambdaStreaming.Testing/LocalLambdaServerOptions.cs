using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing.RuntimeApi;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Testing;

/// <summary>What a <see cref="LocalLambdaServer"/> is started with.</summary>
public sealed class LocalLambdaServerOptions
{
    // Source: Lambda quotas, invocation payload 6 MB; Lambda's own emulator allows 6 MiB and 100 bytes (interop/model.go).
    private const int DefaultMaxPayloadBytes = (6 * 1024 * 1024) + 100;

    /// <summary>The TCP port on 127.0.0.1.</summary>
    /// <value>Default: 0, a free one.</value>
    public int Port { get; set; }

    /// <summary>Hosts that requests may name in their <c>Host</c> header, in addition to loopback with the server's port.</summary>
    /// <value>Default: none. Names or addresses without port, e.g. <c>host.docker.internal</c>; each is accepted with any port.</value>
    /// <remarks>
    /// For clients in containers, and behind a proxy or a forwarded port. All other hosts are refused with status 403,
    /// because the name of a web page can resolve to 127.0.0.1 (DNS rebinding). Add only names that nobody else can make
    /// resolve to this machine. Requests with an <c>Origin</c> header or a cross-site <c>Sec-Fetch-Site</c> are refused
    /// with any host. The list also applies to the Runtime API of real functions.
    /// </remarks>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Whether the server speaks TLS, with a certificate made for it alone.</summary>
    /// <value>Default: <see langword="false"/>. Clients must trust <see cref="LocalLambdaServer.Certificate"/>; those of <see cref="LocalLambdaServer.CreateClient"/> do.</value>
    public bool UseHttps { get; set; }

    /// <summary>The region that requests must be signed for.</summary>
    /// <value>Default: us-east-1.</value>
    public RegionEndpoint Region { get; set; } = RegionEndpoint.USEast1;

    /// <summary>The credentials that requests must be signed with.</summary>
    /// <value>Default: the example key of AWS's documentation, which opens nothing.</value>
    public AWSCredentials Credentials { get; set; } = new BasicAWSCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

    /// <summary>From when on requests are refused with <c>ExpiredTokenException</c>.</summary>
    /// <value>Default: never.</value>
    public DateTimeOffset? CredentialsExpireAt { get; set; }

    /// <summary>Whether signatures are verified.</summary>
    /// <value>Default: <see langword="true"/>.</value>
    public bool VerifySignatures { get; set; } = true;

    /// <summary>Whether a payload must be JSON in UTF-8, as on AWS; anything else is then answered with <c>InvalidRequestContentException</c>.</summary>
    /// <value>Default: <see langword="true"/>. An empty payload is always accepted.</value>
    public bool RequireJsonPayload { get; set; } = true;

    /// <summary>Above how many bytes of payload a request is answered with <c>RequestTooLargeException</c>.</summary>
    /// <value>Default: 6,291,556 bytes.</value>
    public int MaxPayloadBytes { get; set; } = DefaultMaxPayloadBytes;

    /// <summary>How many requests, with their payloads, the server remembers; of more the oldest are forgotten.</summary>
    /// <value>Default: all. At least 1. For a server that runs for long.</value>
    public int MaxRecordedRequests { get; set; } = int.MaxValue;

    /// <summary>After how many bytes of payload an answer is ended with the error <c>Function.ResponseSizeTooLarge</c>.</summary>
    /// <value>Default: <see langword="null"/>, no limit. On AWS: 209,715,200 bytes (200 MB).</value>
    public long? MaxResponseBytes { get; set; }

    /// <summary>Whether each answer flows as slowly as on AWS: 6 MiB at once, then 2 MiB a second.</summary>
    /// <value>Default: <see langword="false"/>.</value>
    public bool LimitBandwidth { get; set; }

    /// <summary>How many calls of all functions may run at once; one more is answered with <c>TooManyRequestsException</c>.</summary>
    /// <value>Default: <see langword="null"/>, no limit. On AWS: 1,000 for a new account.</value>
    public int? MaxConcurrency { get; set; }

    /// <summary>Whether the HTTP header <c>Content-Type</c> carries the function's own content type instead of the event stream's.</summary>
    /// <value>Default: <see langword="false"/>: <c>application/vnd.amazon.eventstream</c>, which was observed on the live service.</value>
    public bool SendFunctionContentType { get; set; }

    /// <summary>The account id in the ARNs that the server makes up.</summary>
    /// <value>Default: 123456789012.</value>
    public string AccountId { get; set; } = "123456789012";

    /// <summary>The clock for signatures, deadlines and delays.</summary>
    /// <value>Default: the system's.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Where the server's own log goes.</summary>
    /// <value>Default: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; set; }

    internal ConcurrentBag<IAsyncDisposable> Pools { get; } = [];

    internal ConcurrentDictionary<string, LocalFunction> Functions { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a function that answers with no chunk.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name) => AddFunction(name, static (_, _, _) => Task.CompletedTask);

    /// <summary>Adds a function written in C#.</summary>
    /// <param name="name">Its name; a function of that name is replaced.</param>
    /// <param name="handler">What it does.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name, FunctionHandler handler)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(handler);
        return Functions[name] = new LocalFunction(name, handler);
    }

    /// <summary>Adds a real function: a program that speaks the Lambda Runtime API.</summary>
    /// <param name="name">Its name; a function of that name is replaced.</param>
    /// <param name="process">The program that runs it.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "The server disposes the pools.")]
    public LocalFunction AddFunction(string name, RuntimeProcessOptions process)
    {
        ArgumentNullException.ThrowIfNull(process);
        var pool = new RuntimePool(name, process, this);
        Pools.Add(pool);
        return AddFunction(name, pool.InvokeAsync);
    }

    /// <summary>Adds a function that serves a recorded stream.</summary>
    /// <param name="name">Its name; a function of that name is replaced.</param>
    /// <param name="recording">The stream.</param>
    /// <param name="timing">How fast it comes.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name, RecordedStream recording, ReplayTiming timing)
    {
        ArgumentNullException.ThrowIfNull(recording);
        return AddFunction(name, (_, response, cancellationToken) => recording.ReplayAsync(response, timing, TimeProvider, cancellationToken));
    }
}
