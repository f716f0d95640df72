using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LambdaStreaming.Testing;

/// <summary>An HTTP server on 127.0.0.1 that implements InvokeWithResponseStream and Invoke.</summary>
/// <remarks>
/// It sends real event-stream messages and verifies signatures. Its members are thread-safe. It does not read
/// configuration files or environment variables, write to the console, or handle signals.
/// </remarks>
public sealed class LocalLambdaServer : IAsyncDisposable
{
    private readonly LocalLambdaServerOptions _options;
    private readonly KestrelServer _kestrel;
    private readonly ConnectionLog _connections;
    private readonly RequestLog _requests;
    private readonly CancellationTokenSource _stopping;
    private readonly Lazy<Task> _disposal;

    private LocalLambdaServer(
        LocalLambdaServerOptions options,
        KestrelServer kestrel,
        ConnectionLog connections,
        RequestLog requests,
        CancellationTokenSource stopping)
    {
        _options = options;
        _kestrel = kestrel;
        _connections = connections;
        _requests = requests;
        _stopping = stopping;
        _disposal = new(DisposeOnceAsync);
        var address = Loopback.GetAddress(kestrel);
        ServiceUrl = connections.Certificate is null ? address : new Uri($"https://{address.Authority}");
    }

    /// <summary>The service URL for clients, for example <c>http://127.0.0.1:41231</c>.</summary>
    public Uri ServiceUrl { get; }

    /// <summary>The server's TLS certificate.</summary>
    /// <value><see langword="null"/> without <see cref="LocalLambdaServerOptions.UseHttps"/>.</value>
    public X509Certificate2? Certificate => _connections.Certificate;

    /// <summary>The credentials that requests must be signed with.</summary>
    public AWSCredentials Credentials => _options.Credentials;

    /// <summary>The region that requests must be signed for.</summary>
    public RegionEndpoint Region => _options.Region;

    /// <summary>The requests that the server has accepted or rejected so far, oldest first.</summary>
    /// <value>At most <see cref="LocalLambdaServerOptions.MaxRecordedRequests"/>, the most recent ones.</value>
    /// <remarks>
    /// A request is added when it is accepted or rejected. By then its signature is verified, and the timers of its
    /// injected delay and the function's timeout are running. A test that sees the request can advance the server's
    /// <see cref="TimeProvider"/>.
    /// </remarks>
    public IReadOnlyList<ReceivedRequest> Requests => _requests.Snapshot();

    /// <summary>The number of connections opened so far.</summary>
    public int TotalConnections => _connections.Count.Total;

    /// <summary>The number of currently open connections.</summary>
    public int OpenConnections => _connections.Count.Open;

    /// <summary>Starts a server.</summary>
    /// <param name="configure">Adds functions and sets options.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="ArgumentException">
    /// An entry of <see cref="LocalLambdaServerOptions.AllowedHosts"/> is not a host.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A number of the options is out of range.</exception>
    /// <exception cref="IOException">The port is in use.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The operating system rejects the port.</exception>
    /// <exception cref="FunctionBuildException">The project of a .NET function cannot be built.</exception>
    public static Task<LocalLambdaServer> StartAsync(
        Action<LocalLambdaServerOptions> configure, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new LocalLambdaServerOptions();
        configure(options);
        return StartAsync(options, cancellationToken);
    }

    /// <summary>Starts a server with options that were created before.</summary>
    /// <param name="options">The options. Use them for one server only, which owns their functions.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <exception cref="ArgumentException">
    /// An entry of <see cref="LocalLambdaServerOptions.AllowedHosts"/> is not a host.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A number of the options is out of range.</exception>
    /// <exception cref="IOException">The port is in use.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The operating system rejects the port.</exception>
    /// <exception cref="FunctionBuildException">The project of a .NET function cannot be built.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The returned server disposes them.")]
    public static async Task<LocalLambdaServer> StartAsync(
        LocalLambdaServerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        var guard = new WebPageGuard(options.AllowedHosts);
        if (options.BuildFunctionsAtStart)
        {
            foreach (var function in options.Functions.Values)
                await function.BuildAsync(cancellationToken).ConfigureAwait(false);
        }

        var credentials = await options.Credentials.GetCredentialsAsync()
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        var verifier = new SigV4Verifier(credentials, options.Region.SystemName, "lambda", options.TimeProvider)
        {
            ExpireAt = options.CredentialsExpireAt,
        };
        var certificate = options.UseHttps ? SelfSignedCertificate.Create(options.TimeProvider.GetUtcNow()) : null;
        var connections = new ConnectionLog(certificate);
        var requests = new RequestLog(options.MaxRecordedRequests);
        var stopping = new CancellationTokenSource();
        var kestrel = Loopback.Create(options.Port, options.LoggerFactory, connections.RunAsync);
        try
        {
            var service = new LambdaService(options, guard, verifier, requests, stopping.Token);
            await kestrel.StartAsync(service, cancellationToken).ConfigureAwait(false);
            return new LocalLambdaServer(options, kestrel, connections, requests, stopping);
        }
        catch
        {
            kestrel.Dispose();
            stopping.Dispose();
            certificate?.Dispose();
            throw;
        }
    }

    /// <summary>Creates a client with the URL, region, credentials and clock of this server.</summary>
    /// <param name="configure">
    /// Sets further options, or <see langword="null"/>. It runs after <see cref="ApplyTo"/>.
    /// </param>
    /// <returns>A client. The caller must dispose it.</returns>
    /// <remarks>
    /// The client does not depend on the AWS settings and the proxy of the machine, except for the application id in
    /// the <c>User-Agent</c>.
    /// </remarks>
    public LambdaStreamingClient CreateClient(Action<LambdaStreamingClientOptions>? configure = null)
    {
        var options = new LambdaStreamingClientOptions();
        ApplyTo(options);
        configure?.Invoke(options);
        // Again, because the callback might have replaced the retry options.
        SetMaxAttempts(options);
        return new LambdaStreamingClient(options);
    }

    /// <summary>Sets the URL, region, credentials and clock of this server, for a client of an app.</summary>
    /// <param name="options">
    /// The options. <see cref="LambdaStreamingClientOptions.Profile"/> and the choices of another endpoint are reset.
    /// <see cref="LambdaStreamingClientOptions.ConnectTimeout"/> is set to one minute, because a machine that is busy
    /// with tests can take longer than the default. If <see cref="LambdaRetryOptions.MaxAttempts"/> is not set, it is
    /// set to 3, so that neither <c>AWS_MAX_ATTEMPTS</c> nor a profile of the machine changes it.
    /// A proxy is used only if you add a callback to <see cref="LambdaStreamingClientOptions.ConfigureHandler"/> later
    /// that sets <see cref="SocketsHttpHandler.Proxy"/>.
    /// With <see cref="LocalLambdaServerOptions.UseHttps"/>, the client also trusts the certificate of this server.
    /// </param>
    /// <example>
    /// An app whose clients <c>AddLambdaStreamingClient</c> registered:
    /// <c>services.PostConfigureAll&lt;LambdaStreamingClientOptions&gt;(server.ApplyTo)</c>. This has no effect on
    /// other clients: replace them with those of <see cref="CreateClient"/>.
    /// </example>
    public void ApplyTo(LambdaStreamingClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Profile = null;
        options.UseFipsEndpoint = false;
        options.UseDualStackEndpoint = false;
        options.ServiceUrl = ServiceUrl;
        options.Region = Region;
        options.Credentials = Credentials;
        options.TimeProvider = _options.TimeProvider;
        options.ConnectTimeout = TimeSpan.FromMinutes(1);
        SetMaxAttempts(options);
        Loopback.BypassProxy(options);
        if (Certificate is { } certificate)
        {
            options.ConfigureHandler += handler => handler.SslOptions.RemoteCertificateValidationCallback =
                (_, presented, _, _) => presented?.GetCertHashString() == certificate.GetCertHashString();
        }
    }

    /// <summary>Adds a function while the server is running.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <param name="handler">The code of the function.</param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name, FunctionHandler handler) => _options.AddFunction(name, handler);

    /// <summary>Adds a function with an empty response while the server is running.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name) => _options.AddFunction(name);

    /// <summary>Adds a function in a runtime process while the server is running.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <param name="process">
    /// The program that runs the function. If another function replaces it, its idle processes remain until the server
    /// is disposed.
    /// </param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name, RuntimeProcessOptions process) => _options.AddFunction(name, process);

    /// <summary>Adds a function that replays a recording while the server is running.</summary>
    /// <param name="name">The name. An existing function of that name is replaced.</param>
    /// <param name="recording">The recording.</param>
    /// <param name="timing">The timing of the chunks.</param>
    /// <returns>The function, to set its limits and inject faults.</returns>
    public LocalFunction AddFunction(string name, RecordedStream recording, ReplayTiming timing) =>
        _options.AddFunction(name, recording, timing);

    /// <summary>Waits for the next of the <see cref="Requests"/>.</summary>
    /// <remarks>The first call returns the first request, the second call the second request, and so on.</remarks>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<ReceivedRequest> WaitForRequestAsync(CancellationToken cancellationToken = default) =>
        _requests.WaitForNextAsync(cancellationToken);

    /// <summary>Waits for the first present or future request that matches a predicate.</summary>
    /// <param name="predicate">Returns true if the request matches.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<ReceivedRequest> WaitForRequestAsync(
        Func<ReceivedRequest, bool> predicate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return _requests.WaitForFirstAsync(predicate, cancellationToken);
    }

    /// <summary>Waits until a number of connections is open.</summary>
    /// <param name="count">The exact number of open connections.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task WaitForOpenConnectionsAsync(int count, CancellationToken cancellationToken = default) =>
        _connections.Count.WaitForOpenAsync(count, cancellationToken);

    /// <summary>Stops the server: cancels functions, aborts connections and kills processes.</summary>
    /// <remarks>Each call waits until the server has stopped.</remarks>
    public ValueTask DisposeAsync() => new(_disposal.Value);

    /// <summary>Sets the maximum number of attempts to its present value, even if that is the default.</summary>
    private static void SetMaxAttempts(LambdaStreamingClientOptions options)
    {
        // The constructor of the client rejects null.
        if (options.Retry is not { } retry) return;
        var attempts = retry.MaxAttempts;
        retry.MaxAttempts = attempts;
    }

    private async Task DisposeOnceAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _kestrel.StopAsync(new CancellationToken(canceled: true)).ConfigureAwait(false);
        foreach (var pool in _options.Pools) await pool.DisposeAsync().ConfigureAwait(false);
        _kestrel.Dispose();
        _stopping.Dispose();
        Certificate?.Dispose();
    }
}
