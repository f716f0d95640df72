using System.Buffers;
using System.Net;
using System.Runtime.ExceptionServices;
using LambdaStreaming.AspNetCore.Diagnostics;
using LambdaStreaming.AspNetCore.Requests;
using LambdaStreaming.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LambdaStreaming.AspNetCore.Responses;

/// <summary>Forwards the response of one invocation to an HTTP client.</summary>
internal sealed class ResponseForwarder(HttpContext context, LambdaStreamOptions options) : IDisposable
{
    // Measured in Chromium (docs/internals/browsers.md): with up to 50 ms, events were lost; with 200 ms, none.
    // 0.5 s is sufficient if a packet is lost and sent a second time after TCP's usual minimum of 0.2 s.
    private static readonly TimeSpan DelayBeforeIncompleteEnd = TimeSpan.FromSeconds(0.5);

    private readonly ContainedLogger _logger = new(
        (context.RequestServices.GetService<ILoggerFactory>() ?? NullLoggerFactory.Instance)
            .CreateLogger(Log.Category));

    private readonly TimeProvider _timeProvider =
        context.RequestServices.GetService<TimeProvider>() ?? TimeProvider.System;

    private readonly TrackingPipeWriter _body = new(context);
    private EventStreamWriter? _events;
    private CancellationTokenSource? _invocation;
    private bool _canAppend;
    private bool _isStartedEarly;
    private RequestOrigin _origin;

    /// <summary>Invokes a function and forwards its response.</summary>
    public static async Task InvokeAsync(
        HttpContext context,
        LambdaStreamOptions options,
        Func<CancellationToken, Task<EndpointRequest>> createRequest)
    {
        using var forwarder = new ResponseForwarder(context, options);
        await forwarder.RunAsync(InvokeAsync).ConfigureAwait(false);

        async Task<InvokeWithResponseStreamResponse> InvokeAsync(CancellationToken cancellationToken)
        {
            (var request, forwarder._origin) = await createRequest(cancellationToken).ConfigureAwait(false);
            var client = ClientResolver.GetClient(context, options);
            await forwarder.StartEarlyAsync(cancellationToken).ConfigureAwait(false);
            return await forwarder.InvokeAsync(client, request, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Forwards an existing response.</summary>
    public static async Task ForwardAsync(
        HttpContext context,
        LambdaStreamOptions options,
        InvokeWithResponseStreamResponse response)
    {
        using var forwarder = new ResponseForwarder(context, options);
        await forwarder.RunAsync(_ => Task.FromResult(response)).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _events?.Dispose();
        _invocation?.Dispose();
    }

    private async Task RunAsync(Func<CancellationToken, Task<InvokeWithResponseStreamResponse>> getResponse)
    {
        var cancellationToken = context.RequestAborted;
        try
        {
            var response = await getResponse(cancellationToken).ConfigureAwait(false);
            await using var _ = ((IAsyncDisposable)response).ConfigureAwait(false);
            await StartEarlyAsync(cancellationToken).ConfigureAwait(false);
            await ForwardAsync(response, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception)
            when (cancellationToken.IsCancellationRequested || exception is ClientStoppedReadingException)
        {
            var isEnded = _body.HasStarted
                ? TryEndAborted()
                : await TryRespondAbortedAsync(exception).ConfigureAwait(false);

            // Without the exception, middleware would treat the incomplete response as complete.
            if (!isEnded) ExceptionDispatchInfo.Throw(exception);
        }
        catch (Exception exception) when (_body.HasStarted)
        {
            await HandleFailureAsync(exception, cancellationToken).ConfigureAwait(false);

            // If middleware still holds the complete body, it discards the body, and the server returns 500.
            ExceptionDispatchInfo.Throw(exception);
        }
        catch (Exception exception) when (ProblemResponse.FromException(exception, _origin) is { } problem)
        {
            await problem.WriteAsync(context, options, _logger).ConfigureAwait(false);
        }
    }

    /// <summary>Responds after RequestAborted was cancelled before the first byte.</summary>
    /// <returns>Whether the request must end without an exception.</returns>
    private Task<bool> TryRespondAbortedAsync(OperationCanceledException exception)
    {
        if (RequestTimeout.IsElapsed(context)) return RequestTimeout.TryRespondAsync(context, exception, _logger);

        // The client has disconnected. Only the app's own log shows this status.
        Log.ClientDisconnected(_logger, context.Request.Path);
        OutputCaching.TryExclude(context);
        context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        return Task.FromResult(true);
    }

    /// <summary>Aborts the connection after RequestAborted was cancelled, or the client stopped reading.</summary>
    /// <remarks>
    /// Usually the client has disconnected. A request timeout or the app can also have cancelled the token. ASP.NET
    /// Core's exception handler swallows the exception in all of these cases, so the connection is aborted here. It
    /// stays open only if nothing has been sent and the middleware of the request timeout can still respond.
    /// </remarks>
    /// <returns>Whether the request must end without an exception.</returns>
    private bool TryEndAborted()
    {
        var isTimedOut = RequestTimeout.IsElapsed(context);
        if (!isTimedOut) Log.ClientDisconnected(_logger, context.Request.Path);
        else if (!context.Response.HasStarted) return false;
        context.Abort();
        return OutputCaching.TryExclude(context);
    }

    /// <summary>Reports a failure, and makes sure that the client sees the response as incomplete.</summary>
    /// <remarks>
    /// In HTTP/1.1 and HTTP/2, rethrowing the exception is enough: the server omits the last chunk or resets the
    /// stream. In HTTP/1.0, closing the connection means complete, so the connection is reset instead. A delay before
    /// the end lets the client receive the bytes already written. Without it, Kestrel discards queued bytes when it
    /// resets an HTTP/2 stream, and browsers discard bytes that the page has not yet read.
    /// </remarks>
    private async Task HandleFailureAsync(Exception exception, CancellationToken cancellationToken)
    {
        var protocol = context.Request.Protocol;
        var isWritten = await TryWriteFailureAsync(exception, cancellationToken).ConfigureAwait(false);
        if (isWritten || HttpProtocol.IsHttp2(protocol) || HttpProtocol.IsHttp3(protocol))
        {
            await Task.Delay(DelayBeforeIncompleteEnd, _timeProvider, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (context.Response.HasStarted && HttpProtocol.IsHttp10(protocol)) context.Abort();
    }

    /// <summary>Sends the headers before the function is invoked, if the app knows that it returns events.</summary>
    /// <remarks>The status and headers of an HTTP prelude can no longer be applied afterwards.</remarks>
    private async Task StartEarlyAsync(CancellationToken cancellationToken)
    {
        if (_isStartedEarly
            || !ResponseHeaderMapper.IsEventStream(options.ContentType)
            || options.KeepAliveInterval == Timeout.InfiniteTimeSpan
            || options.HttpPrelude == HttpPreludeDetection.Always
            || !ResponseHeaderMapper.CanHaveBody(context))
        {
            return;
        }

        _isStartedEarly = true;
        ResponseHeaderMapper.ApplyDefaults(context, null, options);
        PrepareBody();
        await _body.FlushHeadersAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<InvokeWithResponseStreamResponse> InvokeAsync(
        ILambdaStreamingClient client,
        InvokeWithResponseStreamRequest request,
        CancellationToken cancellationToken)
    {
        if (_events is null)
        {
            return await client.InvokeWithResponseStreamAsync(request, cancellationToken).ConfigureAwait(false);
        }

        _invocation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var invocation = client.InvokeWithResponseStreamAsync(request, _invocation.Token);
        try
        {
            return await _events.WaitAsync(invocation, cancellationToken).ConfigureAwait(false);
        }
        catch when (!invocation.IsFaulted && !invocation.IsCanceled)
        {
            // A keep-alive comment could not be written. Cancel the pending invocation: it would otherwise continue.
            await _invocation.CancelAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ((Task)invocation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (invocation.IsCompletedSuccessfully)
                await ((IAsyncDisposable)await invocation.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task ForwardAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        var readOptions = new PayloadReadOptions { HttpPrelude = options.HttpPrelude };
        var reading = response.ReadHttpIntegrationResponseAsync(readOptions, cancellationToken);
        using var http = await (_events?.WaitAsync(reading, cancellationToken) ?? reading).ConfigureAwait(false);
        await ApplyHeadersAsync(response, http, cancellationToken).ConfigureAwait(false);
        if (!ResponseHeaderMapper.CanHaveBody(context))
        {
            if (http.HasPrelude) return;

            // Read one byte, because a failure before the first byte can still change the status.
            _ = await http.Body.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false);
            return;
        }

        // The headers are sent by the first flush, so a failure before the first byte can still change the status.
        if (_events is null) await http.CopyToAsync(_body, cancellationToken).ConfigureAwait(false);
        else await _events.CopyFromAsync(http.Body, cancellationToken).ConfigureAwait(false);

        // A server can report a disconnected client by FlushResult.IsCompleted instead of throwing.
        // The response has then not been forwarded completely.
        if (response.InvokeComplete is null && response.StatusCode != HttpStatusCode.NoContent)
        {
            throw new ClientStoppedReadingException(cancellationToken);
        }
    }

    private async Task ApplyHeadersAsync(
        InvokeWithResponseStreamResponse response,
        HttpIntegrationResponse http,
        CancellationToken cancellationToken)
    {
        if (http.HasPrelude) ResponseHeaderMapper.ValidatePrelude(response, http, _isStartedEarly);
        if (_isStartedEarly)
        {
            if (http.HasPrelude) Log.PreludeDropped(_logger, context.Request.Path);
            return;
        }

        if (!http.HasPrelude)
        {
            ResponseHeaderMapper.ApplyDefaults(context, response.ResponseStreamContentType, options);
            PrepareBody();
            return;
        }

        // Send the headers before the first byte of the body arrives.
        ResponseHeaderMapper.ApplyPrelude(context, http, options, _logger);
        PrepareBody();
        await _body.FlushHeadersAsync(cancellationToken).ConfigureAwait(false);
    }

    // Called before the headers are sent: then, compression middleware adds a Content-Encoding of its own.
    private void PrepareBody()
    {
        _canAppend = ResponseHeaderMapper.CanAppend(context);
        if (!_canAppend || !ResponseHeaderMapper.IsEventStream(context.Response.ContentType)) return;
        var interval = options.KeepAliveInterval ?? LambdaStreamOptions.DefaultKeepAliveInterval;
        _events = new EventStreamWriter(_body, _timeProvider, interval);
    }

    private async Task<bool> TryWriteFailureAsync(Exception exception, CancellationToken cancellationToken)
    {
        if (!_canAppend || _events is { CanEndEvent: false }) return false;
        var writer = options.FailureWriter ?? GetDefaultFailureWriter();
        try
        {
            var failure = ProblemResponse.CreateFailure(exception, _origin, context, options);
            var buffer = new ArrayBufferWriter<byte>();
            writer(failure, buffer);
            if (buffer.WrittenCount == 0) return false;
            _events?.EndEvent();
            _body.Write(buffer.WrittenSpan);
            await _body.FlushAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception writeException)
        {
            // The original failure must reach the server.
            Log.FailureNotWritten(_logger, context.Request.Path, writeException);
            return false;
        }
    }

    // Browsers ignore an event without a listener, and other clients see the incomplete response as before.
    private LambdaStreamFailureWriter GetDefaultFailureWriter()
    {
        if (_events is null) return LambdaStreamFailureWriters.None;
        return context.Response.Headers["x-vercel-ai-ui-message-stream"] == "v1"
            ? LambdaStreamFailureWriters.AISdkUI
            : LambdaStreamFailureWriters.ServerSentEvents;
    }
}
