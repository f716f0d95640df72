using System.Diagnostics.CodeAnalysis;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Invocation;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming;

/// <summary>Invokes Lambda functions and reads their answers while they are being made.</summary>
/// <remarks>Thread-safe, and meant to live as long as the app: connections, the resend budget and the clock correction are its own.</remarks>
public sealed class LambdaStreamingClient : ILambdaStreamingClient
{
    private readonly HttpClient _httpClient;
    private readonly bool _ownsHttpClient;
    private readonly InvocationExecutor _executor;
    private readonly TimeProvider _timeProvider;
    private bool _disposed;

    /// <summary>Makes a client that takes everything from the AWS environment: region, credentials and endpoint are looked up at the first call.</summary>
    public LambdaStreamingClient()
        : this(new LambdaStreamingClientOptions())
    {
    }

    /// <summary>Makes a client. Nothing is looked up or opened before the first call.</summary>
    /// <param name="options">Copied; later changes have no effect.</param>
    /// <exception cref="ArgumentException">An option can't be right; the message names it.</exception>
    public LambdaStreamingClient(LambdaStreamingClientOptions options)
        : this(null, (options ?? throw new ArgumentNullException(nameof(options))).ValidatedCopy())
    {
    }

    /// <summary>Makes a client over the caller's own <see cref="HttpClient"/>, which it does not dispose.</summary>
    /// <remarks>
    /// What then lapses, since it belongs to that client's handler (that of <see cref="CreateHandler"/>, in a <see cref="SendOnceHandler"/>, keeps all of it but the timeout):
    /// <list type="bullet">
    /// <item><see cref="LambdaStreamingClientOptions.ConnectTimeout"/> and <see cref="LambdaStreamingClientOptions.ConfigureHandler"/> are ignored.</item>
    /// <item>TCP keep-alive: behind a NAT gateway a function that is silent for 350 s is cut off, unless the handler sets it.</item>
    /// <item>Redirects: a handler that follows one (the platform's default) ends in a <see cref="LambdaTransportException"/>. The function is not run a second time, but <c>X-Amz-Security-Token</c> goes to the address of the redirect: set <c>AllowAutoRedirect</c> to <see langword="false"/>.</item>
    /// <item>One send of each attempt: a handler that reads the request's content or copies the request can send it again, unless a <see cref="SendOnceHandler"/> stands below it.</item>
    /// <item>Cookies: the handler's container keeps and sends them. Decompression: off by default, leave it so.</item>
    /// <item>An answer that is given up may be read on for up to 2 s or 1 MB by the handler before its connection is closed (<c>MaxResponseDrainSize</c>, <c>ResponseDrainTimeout</c>).</item>
    /// <item>A finite <see cref="HttpClient.Timeout"/> (100 s by default) ends the wait for the head of the answer; a warning is logged here, and the exception then names it. It does not limit the body.</item>
    /// <item><see cref="HttpClient.DefaultRequestHeaders"/> are sent too, unsigned; one that begins with <c>X-Amz-</c> makes the service refuse the signature.</item>
    /// </list>
    /// </remarks>
    /// <param name="options">Copied; later changes have no effect.</param>
    /// <param name="httpClient">Its <see cref="HttpClient.Timeout"/> should be infinite: a function may take 15 minutes to its first byte.</param>
    /// <exception cref="ArgumentException">An option can't be right; the message names it.</exception>
    public LambdaStreamingClient(LambdaStreamingClientOptions options, HttpClient httpClient)
        : this(httpClient ?? throw new ArgumentNullException(nameof(httpClient)), (options ?? throw new ArgumentNullException(nameof(options))).ValidatedCopy())
    {
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The HttpClient disposes its handler.")]
    private LambdaStreamingClient(HttpClient? httpClient, LambdaStreamingClientOptions options)
    {
        _ownsHttpClient = httpClient is null;
        _httpClient = httpClient ?? new HttpClient(new SendOnceHandler(ConnectionHandler.Create(options)), disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
        var logger = options.LoggerFactory?.CreateLogger(Log.Category) ?? NullLogger.Instance;
        if (httpClient is not null && httpClient.Timeout != Timeout.InfiniteTimeSpan) Log.HttpClientHasTimeout(logger, httpClient.Timeout);
        _executor = new InvocationExecutor(_httpClient, _ownsHttpClient, options, logger);
        _timeProvider = options.TimeProvider;
    }

    /// <summary>Makes the connection handler that a client of these options uses, for an <see cref="HttpClient"/> with handlers of your own: no redirects, no cookies, TCP keep-alive, the connect limit, an end at once to answers that are given up.</summary>
    /// <remarks>Put a <see cref="SendOnceHandler"/> around it, and set <see cref="HttpClient.Timeout"/> to <see cref="Timeout.InfiniteTimeSpan"/>.</remarks>
    /// <param name="options"><see cref="LambdaStreamingClientOptions.ConnectTimeout"/> and <see cref="LambdaStreamingClientOptions.ConfigureHandler"/> are used. Copied.</param>
    /// <returns>The handler, to be disposed by the caller.</returns>
    /// <exception cref="ArgumentException">An option can't be right; the message names it.</exception>
    public static SocketsHttpHandler CreateHandler(LambdaStreamingClientOptions options) =>
        ConnectionHandler.Create((options ?? throw new ArgumentNullException(nameof(options))).ValidatedCopy());

    /// <inheritdoc/>
    public async Task<InvokeWithResponseStreamResponse> InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ObjectDisposedException.ThrowIf(_disposed, this);
        request.Validate();
        if (cancellationToken.IsCancellationRequested) throw Cancellation.OfCall(request, null, null, cancellationToken);

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

    /// <summary>Ends calls that wait for their head, and closes idle connections. An answer that is being read goes on to its end: dispose that itself. A caller's own <see cref="HttpClient"/> is left alone.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        if (_ownsHttpClient) _httpClient.Dispose();
    }
}
