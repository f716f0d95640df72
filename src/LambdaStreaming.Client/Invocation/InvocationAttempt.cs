using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Amazon.Runtime;
using LambdaStreaming.Configuration;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;
using LambdaStreaming.ResponseStream;
using LambdaStreaming.Signing;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Invocation;

/// <summary>One call: what stays the same over its attempts.</summary>
internal sealed class InvocationCall(InvokeWithResponseStreamRequest request, CallSettings settings, int? maxAttempts, CallTelemetry? telemetry, CancellationToken cancellationToken)
{
    public InvokeWithResponseStreamRequest Request { get; } = request;

    public CallSettings Settings { get; } = settings;

    public Uri Url { get; } = LambdaEndpoint.UrlOf(settings.Endpoint, request.FunctionName, request.Qualifier);

    /// <summary>The same over all attempts of a call. Source: AWS SDKs send amz-sdk-invocation-id so.</summary>
    public string InvocationId { get; } = Guid.NewGuid().ToString();

    /// <summary>How often the request is sent at most; <see langword="null"/> where a user's own pipeline decides.</summary>
    public int? MaxAttempts { get; } = maxAttempts;

    /// <summary>Who is told of the call; <see langword="null"/> where nobody listens.</summary>
    public CallTelemetry? Telemetry { get; } = telemetry;

    /// <summary>The caller's own token, which governs the answer's body too. An attempt's token ends with the attempt.</summary>
    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>Whether nothing is run, whatever becomes of the request.</summary>
    public bool IsDryRun => Request.InvocationType == InvocationType.DryRun;

    private SingleUseContent? _latest;
    private int _attempts;
    private int _hasEnded;

    /// <summary>How often the request was sent, or given to be sent, so far.</summary>
    public int Attempts => Volatile.Read(ref _attempts);

    /// <summary>What the attempt before this one ended with.</summary>
    public LambdaStreamingException? LastFailure { get; set; }

    /// <summary>Whether the call has returned or thrown: no attempt may be sent after that.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded) != 0;

    /// <summary>Begins an attempt.</summary>
    /// <returns>The content that is sent, and the number of the attempt, from 1.</returns>
    public (SingleUseContent Content, int Number) BeginAttempt(bool ownsHttpClient)
    {
        var content = new SingleUseContent(this, canBeSentUnseen: !ownsHttpClient);
        do content.Previous = _latest;
        while (Interlocked.CompareExchange(ref _latest, content, content.Previous) != content.Previous);
        return (content, Interlocked.Increment(ref _attempts));
    }

    /// <summary>Ends the call. What <see cref="MayHaveRun"/> says afterwards does not change any more.</summary>
    public void End() => Interlocked.Exchange(ref _hasEnded, 1);

    /// <summary>
    /// Whether any attempt may have run the function, except for <paramref name="attempt"/>. An attempt counts from the
    /// moment that its content was asked for until its end shows that the function did not run.
    /// </summary>
    public bool MayHaveRun(SingleUseContent? attempt = null)
    {
        for (var other = Volatile.Read(ref _latest); other is not null; other = other.Previous)
        {
            if (!ReferenceEquals(other, attempt) && (other.MayHaveRun ?? (other.MayHaveBeenSent && !IsDryRun))) return true;
        }

        return false;
    }

    public LambdaErrorDetails Describe(SingleUseContent attempt, HttpStatusCode statusCode = default, string? requestId = null) => new()
    {
        StatusCode = statusCode,
        RequestId = requestId,
        FunctionName = Request.FunctionName,
        Region = Settings.Region.SystemName,
        Attempts = Attempts,
        MaxAttempts = MaxAttempts,
        FunctionMayHaveRun = MayHaveRun(attempt) ? true : IsDryRun ? false : null,
    };
}

/// <summary>One attempt: builds the request, signs it, sends it, and reads the head of the answer.</summary>
internal sealed class InvocationAttempt(HttpClient httpClient, bool ownsHttpClient, LambdaStreamingClientOptions options, ClockSkew clockSkew, ILogger logger)
{
    // Source: Smithy, event stream encoding: the media type of the answer's body.
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    public async Task<InvokeWithResponseStreamResponse> SendAsync(InvocationCall call, CancellationToken attemptToken)
    {
        var (content, number) = call.BeginAttempt(ownsHttpClient);
        try
        {
            var response = await SendOnceAsync(call, content, number, attemptToken).ConfigureAwait(false);
            content.MayHaveRun = !call.IsDryRun;
            return response;
        }
        catch (LambdaStreamingException exception)
        {
            call.LastFailure = exception;
            content.MayHaveRun = exception.FunctionMayHaveRun;
            throw;
        }
        finally
        {
            // Also for what a strategy of the user's own pipeline ended, so that the payload is not asked for again.
            content.MayHaveRun ??= content.MayHaveBeenSent && !call.IsDryRun;
        }
    }

    private async Task<InvokeWithResponseStreamResponse> SendOnceAsync(InvocationCall call, SingleUseContent content, int number, CancellationToken attemptToken)
    {
        if (number > 1) call.Telemetry?.Resend(number, call.LastFailure);
        var (message, redactor, skew) = await BuildAsync(call, content, number, attemptToken).ConfigureAwait(false);
        using var _ = message;

        Log.AttemptSent(logger, number, call.Request.FunctionName);
        var sentAt = options.TimeProvider.GetTimestamp();
        var response = await SendAsync(call, message, redactor, content, attemptToken).ConfigureAwait(false);
        try
        {
            if (logger.IsEnabled(LogLevel.Debug)) Log.AnswerBegins(logger, call.Request.FunctionName, (int)response.StatusCode, RequestIdOf(response, redactor));
            if (response.StatusCode == HttpStatusCode.ProxyAuthenticationRequired) throw TransportError(call, redactor, content, null, ProxyException.AuthenticationRequired(call.Url, handler: null));
            if ((int)response.StatusCode is < 200 or > 299) throw await ServiceErrorAsync(call, content, redactor, skew, sentAt, response, attemptToken).ConfigureAwait(false);
            var details = Accept(call, content, response, redactor);
            return Begin(call, response, redactor, details, call.IsDryRun ? null : await OpenAsync(call, response, redactor, details).ConfigureAwait(false));
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<(HttpRequestMessage Message, Redactor Redactor, TimeSpan Skew)> BuildAsync(InvocationCall call, SingleUseContent content, int number, CancellationToken cancellationToken)
    {
        var request = call.Request;
        var message = new HttpRequestMessage(HttpMethod.Post, call.Url) { Content = content, Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        try
        {
            // Source: AWS Lambda API reference, InvokeWithResponseStream, Request syntax.
            if (request.GivenInvocationType is { } invocationType) message.Headers.TryAddWithoutValidation("X-Amz-Invocation-Type", invocationType == InvocationType.DryRun ? "DryRun" : "RequestResponse");
            if (request.GivenLogType is { } logType) message.Headers.TryAddWithoutValidation("X-Amz-Log-Type", logType == LogType.Tail ? "Tail" : "None");
            if (request.ClientContext is { Length: > 0 } clientContext) message.Headers.TryAddWithoutValidation("X-Amz-Client-Context", clientContext);
            if (request.TenantId is { Length: > 0 } tenantId) message.Headers.TryAddWithoutValidation("X-Amz-Tenant-Id", tenantId);

            var keys = await KeysAsync(call, content, cancellationToken).ConfigureAwait(false);
            var skew = clockSkew.Of(call.Settings.Endpoint);
            RequestSigner.Sign(message, request.Payload, keys, call.Settings.Region, options.TimeProvider.GetUtcNow() + skew);

            // Not signed: what proxies and retries may change on the way. Source: AWSSDK.Core 4.0.102 leaves the same ones out of its signature.
            message.Headers.TryAddWithoutValidation("User-Agent", call.Settings.UserAgent);
            message.Headers.TryAddWithoutValidation("amz-sdk-invocation-id", call.InvocationId);
            message.Headers.TryAddWithoutValidation("amz-sdk-request", call.MaxAttempts is { } max ? $"attempt={number}; max={max}" : $"attempt={number}");
            TraceContext.AddTo(message, options.TraceHeaders, SettingsEnvironment.Process);
            return (message, Redactor.Create(request, keys.SecretKey.AsMemory(), keys.Token.AsMemory(), RequestSigner.SignatureOf(message)), skew);
        }
        catch
        {
            message.Dispose();
            throw;
        }
    }

    private async Task<ImmutableCredentials> KeysAsync(InvocationCall call, SingleUseContent content, CancellationToken cancellationToken)
    {
        try
        {
            return await call.Settings.Credentials.ReadAsync(call.Request, options, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (call.CancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The call of {call.Request.FunctionName} was cancelled while its credentials were being read. {(call.MayHaveRun(content) ? "An earlier attempt may have run the function." : "Nothing was sent.")}", exception, call.CancellationToken);
        }
        catch (LambdaConfigurationException exception)
        {
            // This attempt was not sent; those before it were.
            throw new LambdaConfigurationException(exception.Message, call.Describe(content) with { Attempts = call.Attempts - 1 }, exception.InnerException);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(InvocationCall call, HttpRequestMessage message, Redactor redactor, SingleUseContent content, CancellationToken attemptToken)
    {
        var headTimeout = call.Request.ResponseHeadTimeout ?? options.ResponseHeadTimeout;
        using var limit = new CancellationTokenSource(headTimeout, options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, attemptToken);
        try
        {
            var response = await HandOverAsync(message, content, linked.Token).ConfigureAwait(false);
            if (message.Method == HttpMethod.Post) return response;

            // A handler that follows a redirect makes a GET of a POST (RFC 9110, section 15.4.2 f.): this answer is another page's.
            response.Dispose();
            throw new RedirectFollowedException(message.RequestUri);
        }
        catch (OperationCanceledException exception) when (call.CancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The call of {call.Request.FunctionName} was cancelled. {(call.IsDryRun ? "A dry run runs nothing." : content.MayHaveBeenSent || call.MayHaveRun(content) ? "The function may have run, and is billed to its end." : "Nothing was sent.")}", exception, call.CancellationToken);
        }
        catch (OperationCanceledException exception) when (attemptToken.IsCancellationRequested)
        {
            // A strategy of the user's own pipeline ended the attempt; that strategy knows its own token.
            throw new OperationCanceledException(redactor.Line(exception.Message), exception, attemptToken);
        }
        catch (Exception exception)
        {
            // Of any type: the handlers of a caller's HttpClient throw their own, such as Polly's.
            throw TransportError(call, redactor, content, limit.IsCancellationRequested ? headTimeout : null, ProxyException.From(exception, message, handler: null, wasAuthenticated: true) ?? exception);
        }
    }

    private async Task<HttpResponseMessage> HandOverAsync(HttpRequestMessage message, SingleUseContent content, CancellationToken cancellationToken)
    {
        // Only this method's own flow has it: an async method gives its caller's flow back.
        content.IsHandedOver = true;
        if (!ownsHttpClient) content.Permit.Enter(message);
        try
        {
            return await httpClient.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            // A caller's HttpClient may send the head before it asks for the content, and without payload the head is the whole request.
            if (content.IsEmpty && message.Headers.ExpectContinue == true) content.MarkSendingBegan();
        }
    }

    private LambdaTransportException TransportError(InvocationCall call, Redactor redactor, SingleUseContent content, TimeSpan? headTimeout, Exception exception)
    {
        var endpoint = call.Url.GetLeftPart(UriPartial.Authority);
        var what = (headTimeout, exception) switch
        {
            ({ } limit, _) => $"No response head came from {endpoint} within {limit} ({nameof(LambdaStreamingClientOptions.ResponseHeadTimeout)}).",
            (_, SecondSendException or ProxyException) => exception.Message,
            (_, RedirectFollowedException redirect) => $"A handler below this client followed a redirect to {redactor.Address(redirect.Target)}; what came from there is no answer of Lambda. Set AllowAutoRedirect to false.",
            (_, { InnerException: SecondSendException second }) => second.Message,
            (_, OperationCanceledException { InnerException: TimeoutException } or HttpRequestException { InnerException: OperationCanceledException }) when !content.SendingBegan =>
                ownsHttpClient ? $"No connection to {endpoint} within {options.ConnectTimeout} ({nameof(LambdaStreamingClientOptions.ConnectTimeout)})."
                : $"No connection to {endpoint} within the {nameof(SocketsHttpHandler.ConnectTimeout)} of the HttpClient's handler{(httpClient.Timeout == Timeout.InfiniteTimeSpan ? "" : $", or within its own Timeout of {httpClient.Timeout}")}.",
            (_, OperationCanceledException { InnerException: TimeoutException }) => $"The caller's HttpClient gave up on {endpoint} after its own Timeout of {httpClient.Timeout}. Set it to Timeout.InfiniteTimeSpan; this client has limits of its own.",
            (_, HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError }) => $"The name of {endpoint} could not be resolved. Check the region and the network.",
            (_, HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }) => $"The TLS handshake with {endpoint} failed{(exception.InnerException is { } cause ? $": {redactor.Line(cause.Message)}" : ".")}",
            (_, HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }) when !content.SendingBegan => $"No connection to {endpoint}{(exception.InnerException is SocketException { SocketErrorCode: var code } ? $" ({code})" : "")}. Check the address, the network and any proxy.",
            _ when exception is not (HttpRequestException or IOException or OperationCanceledException or InvalidOperationException) => $"A handler below this client failed with {exception.GetType().Name}: {redactor.Line(exception.Message)}",
            _ when content.SendingBegan => $"The connection to {endpoint} broke before an answer came.",
            _ => $"The request to {endpoint} could not be sent: {redactor.Line(exception.Message)}",
        };
        var isKept = exception is ProxyException { KeptTheRequest: true };
        var mayHaveBeenSent = !isKept && content.MayHaveBeenSent;
        var consequence = call.IsDryRun ? "A dry run runs nothing."
            : isKept && !call.MayHaveRun(content) ? "The request was not passed on, so the function did not run."
            : mayHaveBeenSent && content.SendingBegan ? "The request had been sent, so the function may have run."
            : mayHaveBeenSent ? $"Without a payload, and without a {nameof(SendOnceHandler)} in the HttpClient that was given, nothing tells whether the request was sent: the function may have run."
            : call.MayHaveRun(content) ? "Nothing was sent this time, but an earlier attempt may have run the function."
            : "Nothing was sent, so the function did not run.";
        return new LambdaTransportException(
            $"{what} {consequence} {ErrorText.Call(call.Describe(content))}",
            call.Describe(content) with { FunctionMayHaveRun = (mayHaveBeenSent && !call.IsDryRun) || call.MayHaveRun(content), IsTransient = !IsPermanent(exception), StatusCode = (exception as ProxyException)?.StatusCode ?? default },
            exception);
    }

    // What a second attempt meets in the same way.
    private static bool IsPermanent(Exception exception) =>
        exception is SecondSendException or ProxyException { IsPermanent: true } || exception.InnerException is SecondSendException or AuthenticationException || exception is InvalidOperationException;

    private async Task<LambdaServiceException> ServiceErrorAsync(InvocationCall call, SingleUseContent content, Redactor redactor, TimeSpan skew, long sentAt, HttpResponseMessage response, CancellationToken attemptToken)
    {
        // Before the body, which may be slow: what the answer says of the time is of now.
        var (now, elapsed) = (options.TimeProvider.GetUtcNow(), options.TimeProvider.GetElapsedTime(sentAt));
        using var limit = new CancellationTokenSource(ErrorAnswer.BodyTimeout, options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, attemptToken);
        ErrorAnswer answer;
        try
        {
            answer = await ErrorAnswer.ReadAsync(response, linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (call.CancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The call of {call.Request.FunctionName} was cancelled while the error HTTP {(int)response.StatusCode} was being read.", exception, call.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The body does not come; the status and the head say enough.
            answer = ErrorAnswer.FromHead(response);
        }

        var details = call.Describe(content) with
        {
            StatusCode = response.StatusCode,
            RequestId = RequestIdOf(response, redactor),
            ErrorCode = answer.Code,
            ServiceMessage = answer.Message ?? "",
            Fields = answer.Fields,
            RetryAfter = ErrorAnswer.RetryAfterOf(response, now),
        };
        var entry = ErrorCatalogue.Of(details.ErrorCode, (int)details.StatusCode);
        // The signature was refused before the function, and the next one will be dated by the service's clock. Other errors say nothing of the clock: a proxy's, for one, has its own.
        if (entry.MayBeClockSkew && clockSkew.Observe(call.Settings.Endpoint, now, response, elapsed, skew)) details = details with { IsTransient = true, FunctionMayHaveRun = call.MayHaveRun(content) };
        return entry.Create(ErrorText.Service(details, entry, response, redactor), details);
    }

    private static LambdaErrorDetails Accept(InvocationCall call, SingleUseContent content, HttpResponseMessage response, Redactor redactor)
    {
        var dryRun = call.IsDryRun;
        var details = call.Describe(content, response.StatusCode, RequestIdOf(response, redactor));
        if (response.StatusCode == (dryRun ? HttpStatusCode.NoContent : HttpStatusCode.OK)) return details;
        throw new ResponseStreamCorruptException(
            $"HTTP {(int)response.StatusCode} is no answer to {(dryRun ? "a dry run (204 is)" : "an invocation (200 is)")}. Something between this client and Lambda may have answered in its place. {ErrorText.MayBeRunning} {ErrorText.Call(details)}",
            ResponseStreamCorruption.UnexpectedStatus,
            0,
            // What takes a dry run for an invocation has run the function.
            details with { FunctionMayHaveRun = true });
    }

    // Without a stream: a dry run, which has no body.
    private InvokeWithResponseStreamResponse Begin(InvocationCall call, HttpResponseMessage response, Redactor redactor, LambdaErrorDetails details, Stream? stream)
    {
        var readerOptions = new ResponseStreamReaderOptions
        {
            MaxMessageBytes = options.MaxMessageBytes,
            IdleTimeout = call.Request.IdleTimeout ?? options.IdleTimeout,
            TimeProvider = options.TimeProvider,
            Logger = logger,
            ThrowOnFunctionError = options.ThrowOnFunctionError,
            Redactor = redactor,
            UnexpectedContent = UnexpectedContentOf(response, redactor),
        };
        ResponseStreamBody? body = null;
        if (stream is null)
        {
            response.Dispose();
        }
        else
        {
            body = new ResponseStreamBody(stream, response, options.TimeProvider, readerOptions.IdleTimeout);
            body.AbortOn(call.CancellationToken);
        }

        return new InvokeWithResponseStreamResponse(response, details.RequestId ?? "", body, new ResponseStreamReader(body, readerOptions, details), readerOptions);
    }

    private static async Task<Stream> OpenAsync(InvocationCall call, HttpResponseMessage response, Redactor redactor, LambdaErrorDetails details)
    {
        try
        {
            return await response.Content.ReadAsStreamAsync(call.CancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !call.CancellationToken.IsCancellationRequested)
        {
            // A content that some handler of a caller's HttpClient put there.
            throw new ResponseStreamTruncatedException($"The answer of {call.Request.FunctionName} began, but could not be read: {redactor.Line(exception.Message)} {ErrorText.MayBeRunning} {ErrorText.Call(details)}", details, exception);
        }
    }

    private static string? RequestIdOf(HttpResponseMessage response, Redactor redactor) =>
        (ErrorAnswer.Header(response, "x-amzn-RequestId") ?? ErrorAnswer.Header(response, "x-amz-request-id")) is { } id ? redactor.Name(id) : null;

    private static UnexpectedContent? UnexpectedContentOf(HttpResponseMessage response, Redactor redactor)
    {
        if (ErrorAnswer.Header(response, "Content-Encoding") is { } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            return new UnexpectedContent(ResponseStreamCorruption.UnexpectedContentEncoding, $"content encoding is '{redactor.Name(encoding)}', which this client did not ask for,");
        if (ErrorAnswer.Header(response, "Content-Type") is not { } contentType || IsEventStream(contentType)) return null;
        return new UnexpectedContent(ResponseStreamCorruption.UnexpectedContentType, $"content type is '{redactor.Name(response.Content.Headers.ContentType?.MediaType ?? contentType)}'");
    }

    private static bool IsEventStream(ReadOnlySpan<char> contentType)
    {
        if (contentType.IndexOf(';') is >= 0 and var parameters) contentType = contentType[..parameters];
        return contentType.Trim().Equals(EventStreamContentType, StringComparison.OrdinalIgnoreCase);
    }
}
