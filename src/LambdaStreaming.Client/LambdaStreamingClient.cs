using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Amazon;
using Amazon.Runtime;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Invocation;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming;

/// <summary>A client that invokes Lambda functions and streams their responses.</summary>
/// <remarks>
/// Thread-safe. Create one client and use it for the lifetime of the app: each client has its own connections, retry
/// quota and clock-skew correction.
/// </remarks>
public sealed class LambdaStreamingClient : ILambdaStreamingClient
{
    private readonly HttpClient _httpClient;
    private readonly bool _ownsHttpClient;
    private readonly InvocationExecutor _executor;
    private readonly TimeProvider _timeProvider;
    private bool _isDisposed;

    /// <summary>Initializes a new instance with default options.</summary>
    /// <remarks>Region, credentials and endpoint are read from the AWS environment at the first call.</remarks>
    public LambdaStreamingClient()
        : this(new LambdaStreamingClientOptions())
    {
    }

    /// <summary>Initializes a new instance that calls a region, with default options otherwise.</summary>
    /// <remarks>Credentials and endpoint are read from the AWS environment at the first call.</remarks>
    /// <param name="region">The region.</param>
    /// <exception cref="ArgumentNullException"><paramref name="region"/> is null.</exception>
    public LambdaStreamingClient(RegionEndpoint region)
        : this(new LambdaStreamingClientOptions
        {
            Region = region ?? throw new ArgumentNullException(nameof(region)),
        })
    {
    }

    /// <summary>
    /// Initializes a new instance that calls a region with credentials, with default options otherwise.
    /// </summary>
    /// <remarks>The endpoint is read from the AWS environment at the first call.</remarks>
    /// <param name="credentials">The credentials that sign the requests.</param>
    /// <param name="region">The region.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public LambdaStreamingClient(AWSCredentials credentials, RegionEndpoint region)
        : this(new LambdaStreamingClientOptions
        {
            Credentials = credentials ?? throw new ArgumentNullException(nameof(credentials)),
            Region = region ?? throw new ArgumentNullException(nameof(region)),
        })
    {
    }

    /// <summary>Initializes a new instance.</summary>
    /// <remarks>Settings are read and connections are opened at the first call, not by the constructor.</remarks>
    /// <param name="options">The options. They are copied; later changes have no effect.</param>
    /// <exception cref="ArgumentException">
    /// <paramref name="options"/> is null, or an option is not valid. The message names the option.
    /// </exception>
    // With the priority, `new LambdaStreamingClient(new() { ... })` is not ambiguous with the overload for a region.
    [OverloadResolutionPriority(1)]
    public LambdaStreamingClient(LambdaStreamingClientOptions options)
        : this(null, ValidatedCopy(options))
    {
    }

    /// <summary>Initializes a new instance that uses a custom <see cref="HttpClient"/>.</summary>
    /// <remarks>
    /// The <see cref="HttpClient"/> is not disposed with this client. Its handlers determine the behavior in the list
    /// below. To keep the default behavior, wrap the result of <see cref="CreateHandler"/> in a
    /// <see cref="SendOnceHandler"/>. Then only the last two items of the list (<see cref="HttpClient.Timeout"/> and
    /// <see cref="HttpClient.DefaultRequestHeaders"/>) differ from the default.
    /// <list type="bullet">
    /// <item>
    /// Options: <see cref="LambdaStreamingClientOptions.ConnectTimeout"/> and
    /// <see cref="LambdaStreamingClientOptions.ConfigureHandler"/> are used only by <see cref="CreateHandler"/>.
    /// </item>
    /// <item>
    /// TCP keep-alive: without it, a NAT gateway drops the connection of a function that sends nothing for 350 s.
    /// </item>
    /// <item>
    /// Redirects: if a handler follows a redirect, as .NET does by default, the call throws
    /// <see cref="LambdaTransportException"/>. The function does not run a second time, but <c>X-Amz-Security-Token</c>
    /// is sent to the redirect's address. Set <c>AllowAutoRedirect</c> to <see langword="false"/>.
    /// </item>
    /// <item>
    /// Duplicate sends: a handler that reads the request's content or copies the request can send it again, unless it
    /// wraps a <see cref="SendOnceHandler"/>.
    /// </item>
    /// <item>
    /// Cookies: the handler's <c>CookieContainer</c> stores the cookies of responses and sends them with later
    /// requests.
    /// </item>
    /// <item>
    /// Decompression: .NET disables it by default. Do not enable it, because a small compressed response can expand to
    /// any size.
    /// </item>
    /// <item>
    /// Disposal: the handler might read an abandoned response for up to 2 s or 1 MB before it closes the connection
    /// (<c>ResponseDrainTimeout</c>, <c>MaxResponseDrainSize</c>).
    /// </item>
    /// <item>
    /// Timeout: a finite <see cref="HttpClient.Timeout"/> (default: 100 s) limits the wait for the response headers,
    /// but not reading the response. The constructor logs a warning for a finite timeout. If the timeout elapses, the
    /// exception names it.
    /// </item>
    /// <item>
    /// Headers: <see cref="HttpClient.DefaultRequestHeaders"/> are sent, but not signed. If a name begins with
    /// <c>X-Amz-</c>, the service rejects the signature.
    /// </item>
    /// </list>
    /// </remarks>
    /// <param name="options">The options. They are copied; later changes have no effect.</param>
    /// <param name="httpClient">
    /// The client that sends the requests. Set its <see cref="HttpClient.Timeout"/> to
    /// <see cref="Timeout.InfiniteTimeSpan"/>: a function can take 15 minutes until its first byte.
    /// </param>
    /// <exception cref="ArgumentException">
    /// An argument is null, or an option is not valid. The message names the option.
    /// </exception>
    public LambdaStreamingClient(LambdaStreamingClientOptions options, HttpClient httpClient)
        : this(httpClient ?? throw new ArgumentNullException(nameof(httpClient)), ValidatedCopy(options))
    {
    }

    private LambdaStreamingClient(HttpClient? httpClient, LambdaStreamingClientOptions options)
    {
        _ownsHttpClient = httpClient is null;
        _httpClient = httpClient ?? CreateHttpClient(options);
        ILogger logger = options.LoggerFactory is { } loggers
            ? new ContainedLogger(loggers.CreateLogger(Log.Category))
            : NullLogger.Instance;
        if (_httpClient.Timeout != Timeout.InfiniteTimeSpan) Log.HttpClientHasTimeout(logger, _httpClient.Timeout);
        _executor = new InvocationExecutor(_httpClient, _ownsHttpClient, options, logger);
        _timeProvider = options.TimeProvider;
    }

    /// <summary>
    /// Creates the connection handler of a client with these options, for a custom <see cref="HttpClient"/>.
    /// </summary>
    /// <remarks>
    /// The handler disables redirects and cookies, enables TCP keep-alive, applies
    /// <see cref="LambdaStreamingClientOptions.ConnectTimeout"/>, and closes abandoned responses at once. Wrap it in a
    /// <see cref="SendOnceHandler"/>, and set <see cref="HttpClient.Timeout"/> to
    /// <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </remarks>
    /// <param name="options">
    /// The options. <see cref="LambdaStreamingClientOptions.ConnectTimeout"/> and
    /// <see cref="LambdaStreamingClientOptions.ConfigureHandler"/> are used.
    /// </param>
    /// <returns>The handler. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="options"/> is null, or an option is not valid. The message names the option.
    /// </exception>
    public static SocketsHttpHandler CreateHandler(LambdaStreamingClientOptions options) =>
        ConnectionHandler.Create(ValidatedCopy(options));

    /// <inheritdoc/>
    public async Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(
        InvokeWithResponseStreamRequest request,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ObjectDisposedException.ThrowIf(_isDisposed, this);

        // The call reads the mutable options later.
        if (request.Retry is { } retry) request = request with { Retry = retry.Copy() };
        request.Validate();
        if (cancellationToken.IsCancellationRequested)
            throw Cancellation.CreateException(request, null, null, cancellationToken);

        var telemetry = CallTelemetry.Start(request, _timeProvider);
        try
        {
            var response = await _executor.ExecuteAsync(request, telemetry, cancellationToken).ConfigureAwait(false);
            if (telemetry is not null) response.SetTelemetry(telemetry);
            return response;
        }
        catch (Exception exception) when (telemetry is not null)
        {
            telemetry.Fail(exception);
            throw;
        }
    }

    /// <summary>Prevents new calls, and frees the connections that this client created.</summary>
    /// <remarks>
    /// Without a custom <see cref="HttpClient"/>, calls that wait for the response headers end with a
    /// <see cref="LambdaTransportException"/>, and idle connections are closed. A custom <see cref="HttpClient"/> is
    /// not disposed, so calls that wait continue. A response that is being read can always be read to its end; dispose
    /// it separately.
    /// </remarks>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        if (_ownsHttpClient) _httpClient.Dispose();
    }

    private static LambdaStreamingClientOptions ValidatedCopy(LambdaStreamingClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.ValidatedCopy();
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The HttpClient disposes its handler.")]
    private static HttpClient CreateHttpClient(LambdaStreamingClientOptions options)
    {
        var handler = ConnectionHandler.Create(options);

        // ConfigureHandler can have changed it, and messages state it.
        options.ConnectTimeout = handler.ConnectTimeout;
        return new(new SendOnceHandler(handler), disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
