using System.Diagnostics.CodeAnalysis;
using LambdaStreaming.Http.Requests;
using LambdaStreaming.Http.Responses;

namespace LambdaStreaming.Http;

/// <summary>Sends HTTP requests to a Lambda function through the Invoke API. The function needs no URL.</summary>
/// <remarks>
/// <para>
/// <b>Other layers above this handler can retry, even POST requests, and run the function again.</b> OpenAI's client
/// sends a request up to 4 times, for example after the status 429 or 502 or an <see cref="HttpRequestException"/>: set
/// <c>RetryPolicy = new ClientRetryPolicy(0)</c>. <c>AddStandardResilienceHandler</c> also sends it up to 4 times: call
/// <c>options.Retry.DisableForUnsafeHttpMethods()</c>, or set the predicate below.
/// <code>
/// options.Retry.ShouldHandle = args => ValueTask.FromResult(
///     args.Outcome.Exception?.InnerException is LambdaStreamingException { IsSafeToRetry: true });
/// </code>
/// This predicate follows the rule of the client: retry only if the function cannot have run.
/// </para>
/// <para>
/// The function receives the same event as from a function URL (<see cref="FunctionUrlEvent"/>). It responds with an
/// HTTP prelude (status, headers and cookies as JSON), as <c>HttpResponseStream</c> of Node.js does, and then the body.
/// The response message is returned as soon as the HTTP prelude has been received; the body is streamed. A response
/// without an HTTP prelude gets the status 200.
/// </para>
/// <para>
/// A failure before the headers throws an <see cref="HttpRequestException"/>. A failure while the body is read throws
/// an <see cref="HttpIOException"/>. The inner exception of both is a <see cref="LambdaStreamingException"/>, which
/// reports <see cref="LambdaStreamingException.FunctionMayHaveRun"/>. If <see cref="HttpClient"/> itself reads the
/// body, it wraps the <see cref="HttpIOException"/> in an <see cref="HttpRequestException"/>. A body ends normally only
/// if the response is complete.
/// </para>
/// <para>
/// Disposing the response or its stream frees the connection at once. If you read the stream yourself, the token of
/// <c>SendAsync</c> has no effect after the headers: pass a token to each read. If <see cref="HttpClient"/> reads the
/// body, as <c>GetStringAsync</c> does, its token applies until the body is complete. Synchronous <c>Send</c> and
/// <c>Read</c> block the calling thread until the asynchronous operation completes. The handler is thread-safe.
/// </para>
/// <para>
/// Unlike <see cref="SocketsHttpHandler"/>, the handler cannot follow redirects, store cookies or decompress responses,
/// and it does not add trace headers such as <c>traceparent</c> to the event. A <see cref="DelegatingHandler"/> can.
/// </para>
/// </remarks>
public sealed class LambdaHttpHandler : HttpMessageHandler
{
    private readonly ILambdaStreamingClient _client;
    private readonly InvokeWithResponseStreamRequest _invocation;
    private readonly LambdaHttpHandlerOptions _options;
    private readonly PayloadReadOptions _readOptions;
    private volatile bool _isDisposed;

    /// <summary>Initializes a new instance.</summary>
    /// <param name="client">The client that invokes the function. The handler does not dispose it.</param>
    /// <param name="functionName">The function's name, partial ARN or ARN.</param>
    /// <param name="options">
    /// The options, which are copied. Default: the defaults of <see cref="LambdaHttpHandlerOptions"/>.
    /// </param>
    /// <exception cref="ArgumentException">
    /// <paramref name="functionName"/> is blank, or an option is not valid. The message names the option.
    /// </exception>
    public LambdaHttpHandler(
        ILambdaStreamingClient client,
        string functionName,
        LambdaHttpHandlerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _options = (options ?? new LambdaHttpHandlerOptions()).ValidatedCopy();
        _readOptions = new PayloadReadOptions { HttpPrelude = _options.HttpPrelude };
        _invocation = new InvokeWithResponseStreamRequest(functionName)
        {
            Qualifier = _options.Qualifier,
            ResponseHeadersTimeout = _options.ResponseHeadersTimeout,
            IdleTimeout = _options.IdleTimeout,
        };
    }

    /// <inheritdoc/>
    /// <exception cref="HttpRequestException">
    /// The function did not respond. The inner exception is a <see cref="LambdaStreamingException"/>.
    /// </exception>
    /// <exception cref="TaskCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="InvalidOperationException">
    /// The URI of the request is not an absolute HTTP URI, or <c>TransformRequest</c> returned null.
    /// </exception>
    /// <exception cref="ArgumentException">The function name or the qualifier is not valid.</exception>
    /// <exception cref="ObjectDisposedException">The handler or the client was disposed.</exception>
    [SuppressMessage("Reliability", "CA2000", Justification = "The source has no timer and no wait handle.")]
    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var url = GetUrl(request);

        // The response needs a separate token, because the caller's token must have no effect after the headers.
        // HttpClient passes a linked token and unlinks it after the headers. HttpMessageInvoker passes the caller's
        // token, so this method must unlink it.
        var lifetime = new CancellationTokenSource();
        var link = cancellationToken.UnsafeRegister(
            static state => ((CancellationTokenSource)state!).Cancel(),
            lifetime);
        HttpResponseMessage? message = null;
        try
        {
            message = await SendAsync(request, url, lifetime.Token).ConfigureAwait(false);

            // Does not wait for a cancellation in progress, whose callbacks can block. The caller's token shows it.
            link.Unregister();
            return cancellationToken.IsCancellationRequested ? throw Cancelled(cancellationToken) : message;
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            message?.Dispose();
            throw new TaskCanceledException(exception.Message, exception, cancellationToken);
        }
        catch (LambdaStreamingException exception)
        {
            throw HttpErrors.BeforeHeaders(exception);
        }
        finally
        {
            link.Unregister();
        }
    }

    /// <inheritdoc/>
    /// <remarks>Blocks the calling thread until the response headers have been received.</remarks>
    // Runs on a thread-pool thread, which has no synchronization context. On the caller's thread, an await in the
    // request's content could need the caller's context, which this method blocks.
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        Task.Run(() => SendAsync(request, cancellationToken), CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    /// <remarks>Responses that are being read are not affected, and the client is not disposed.</remarks>
    protected override void Dispose(bool disposing)
    {
        _isDisposed = true;
        base.Dispose(disposing);
    }

    private static Uri GetUrl(HttpRequestMessage request) =>
        request.RequestUri is { IsAbsoluteUri: true, Scheme: "http" or "https" } url
            ? url
            : throw new InvalidOperationException(
                "The URI of the request must be absolute, with the scheme http or https. Set HttpClient.BaseAddress.");

    private InvocationCanceledException Cancelled(CancellationToken cancellationToken) => new(
        $"The call of {_invocation.FunctionName} was cancelled when the response headers had been received. "
        + "The function might still be running: cancellation does not stop it.",
        functionMayHaveRun: true,
        innerException: null,
        cancellationToken);

    private async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        Uri url,
        CancellationToken cancellationToken)
    {
        var payload = await RequestPayload.CreateAsync(request, url, _options, cancellationToken).ConfigureAwait(false);
        var invocation = _invocation with { Payload = payload };
        if (_options.TransformRequest is { } transform)
        {
            invocation = transform(request, invocation) ?? throw new InvalidOperationException(
                $"{nameof(_options.TransformRequest)} returned null. It must return the request to send.");
        }

        var response = await _client.InvokeWithResponseStreamAsync(invocation, cancellationToken).ConfigureAwait(false);
        try
        {
            var http = await response.ReadHttpIntegrationResponseAsync(_readOptions, cancellationToken)
                .ConfigureAwait(false);
            if (request.Method == HttpMethod.Head)
                await DiscardBodyAsync(http, cancellationToken).ConfigureAwait(false);
            return ResponseMessage.Create(request, response, http);
        }
        catch
        {
            await response.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // The response to a HEAD request ends with its headers. Without an HTTP prelude, the function can still fail before
    // the first byte.
    private static async Task DiscardBodyAsync(HttpIntegrationResponse http, CancellationToken cancellationToken)
    {
        if (!http.HasPrelude) await http.Body.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
        await http.DisposeAsync().ConfigureAwait(false);
    }
}
