using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Testing.Http;
using LambdaStreaming.Testing.Signing;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LambdaStreaming.Testing;

/// <summary>The service's side of InvokeWithResponseStream, on loopback: real HTTP, real messages, signatures verified.</summary>
/// <remarks>Thread-safe. Reads no configuration file and no environment variable, writes nothing to the console and handles no signal.</remarks>
public sealed class LocalLambdaServer : IAsyncDisposable
{
    private readonly LocalLambdaServerOptions _options;
    private readonly KestrelServer _kestrel;
    private readonly ConnectionLog _connections;
    private readonly RequestLog _requests;
    private readonly CancellationTokenSource _stopping;
    private readonly Lazy<Task> _disposal;

    private LocalLambdaServer(
        LocalLambdaServerOptions options, KestrelServer kestrel, ConnectionLog connections, RequestLog requests, CancellationTokenSource stopping)
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

    /// <summary>The address to give to a client, e.g. <c>http://127.0.0.1:41231</c>.</summary>
    public Uri ServiceUrl { get; }

    /// <summary>The certificate that the server shows.</summary>
    /// <value><see langword="null"/> without <see cref="LocalLambdaServerOptions.UseHttps"/>.</value>
    public X509Certificate2? Certificate => _connections.Certificate;

    /// <summary>The credentials that requests must be signed with.</summary>
    public AWSCredentials Credentials => _options.Credentials;

    /// <summary>The region that requests must be signed for.</summary>
    public RegionEndpoint Region => _options.Region;

    /// <summary>The requests that were accepted or refused so far, in that order.</summary>
    /// <remarks>
    /// The last <see cref="LocalLambdaServerOptions.MaxRecordedRequests"/> of them. A request is contained from when it was refused,
    /// or accepted: its signature was verified, and the delay of its script and the function's time-out run. A test that sees it can
    /// advance the server's <see cref="TimeProvider"/>.
    /// </remarks>
    public IReadOnlyList<ReceivedRequest> Requests => _requests.Snapshot();

    /// <summary>How many connections were opened so far.</summary>
    public int TotalConnections => _connections.Count.Opened;

    /// <summary>How many connections are open now.</summary>
    public int OpenConnections => _connections.Count.Open;

    /// <summary>Starts a server.</summary>
    /// <param name="configure">Adds functions and sets options.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="ArgumentException">An entry of <see cref="LocalLambdaServerOptions.AllowedHosts"/> is not a host.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The server that is returned disposes them.")]
    public static async Task<LocalLambdaServer> StartAsync(Action<LocalLambdaServerOptions> configure, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var options = new LocalLambdaServerOptions();
        configure(options);

        var guard = new WebPageGuard(options.AllowedHosts);
        var credentials = await options.Credentials.GetCredentialsAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        var verifier = new SigV4Verifier(credentials, options.Region.SystemName, "lambda", options.TimeProvider) { ExpireAt = options.CredentialsExpireAt };
        var connections = new ConnectionLog(options.UseHttps ? SelfSignedCertificate.Create(options.TimeProvider.GetUtcNow()) : null);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRecordedRequests, 1);
        var requests = new RequestLog(options.MaxRecordedRequests);
        var stopping = new CancellationTokenSource();
        var kestrel = Loopback.Create(options.Port, options.LoggerFactory, connections.RunAsync);
        try
        {
            await kestrel.StartAsync(new LambdaEndpoint(options, guard, verifier, requests, stopping.Token), cancellationToken).ConfigureAwait(false);
            return new LocalLambdaServer(options, kestrel, connections, requests, stopping);
        }
        catch
        {
            kestrel.Dispose();
            stopping.Dispose();
            throw;
        }
    }

    /// <summary>Makes a client of this server: its address, region, credentials and clock are set.</summary>
    /// <param name="configure">Sets further options, or <see langword="null"/>.</param>
    /// <returns>A client, to be disposed by the caller.</returns>
    public LambdaStreamingClient CreateClient(Action<LambdaStreamingClientOptions>? configure = null)
    {
        var options = new LambdaStreamingClientOptions { ServiceUrl = ServiceUrl, Region = Region, Credentials = Credentials, TimeProvider = _options.TimeProvider };
        if (Certificate is { } certificate)
        {
            options.ConfigureHandler = handler => handler.SslOptions.RemoteCertificateValidationCallback =
                (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString();
        }

        configure?.Invoke(options);
        return new LambdaStreamingClient(options);
    }

    /// <summary>Adds a function, or replaces the one of that name, while the server runs.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="handler">What it does.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name, FunctionHandler handler) => _options.AddFunction(name, handler);

    /// <summary>Adds a function that answers with no chunk, or replaces the one of that name, while the server runs.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name) => _options.AddFunction(name);

    /// <summary>Adds a real function, or replaces the one of that name, while the server runs.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="process">The program that runs it.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name, RuntimeProcessOptions process) => _options.AddFunction(name, process);

    /// <summary>Adds a function that serves a recorded stream, or replaces the one of that name, while the server runs.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="recording">The stream.</param>
    /// <param name="timing">How fast it comes.</param>
    /// <returns>The function, to say what its calls meet.</returns>
    public LocalFunction AddFunction(string name, RecordedStream recording, ReplayTiming timing) => _options.AddFunction(name, recording, timing);

    /// <summary>Waits for the next of the <see cref="Requests"/>: the first call returns the first, the second call the second.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ReceivedRequest> WaitForRequestAsync(CancellationToken cancellationToken = default) => _requests.NextAsync(cancellationToken);

    /// <summary>Waits for the first of the <see cref="Requests"/>, present and future, that fits.</summary>
    /// <param name="predicate">Whether a request fits.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<ReceivedRequest> WaitForRequestAsync(Func<ReceivedRequest, bool> predicate, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        return _requests.FirstAsync(predicate, cancellationToken);
    }

    /// <summary>Waits until so many connections are open.</summary>
    /// <param name="count">How many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task WaitForOpenConnectionsAsync(int count, CancellationToken cancellationToken = default) =>
        _connections.Count.WaitForOpenAsync(count, cancellationToken);

    /// <summary>Stops the server: functions are cancelled, connections aborted, processes killed.</summary>
    /// <remarks>Each call waits until that is done.</remarks>
    public ValueTask DisposeAsync() => new(_disposal.Value);

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
