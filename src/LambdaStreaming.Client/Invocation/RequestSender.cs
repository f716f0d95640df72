using LambdaStreaming.Configuration;
using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Invocation;

/// <summary>Sends the request of an attempt, and waits for the response headers within the timeout.</summary>
internal sealed class RequestSender(
    HttpClient httpClient,
    bool ownsHttpClient,
    LambdaStreamingClientOptions options,
    TransportFailures failures,
    ILogger logger)
{
    // How long a call that ends waits for code of the caller. Only code that ignores its token takes that long.
    private static readonly TimeSpan HandlerGracePeriod = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Returns whether a handler of a custom HttpClient can send the request without <see cref="SendGuard"/> noticing.
    /// </summary>
    /// <remarks>
    /// Such a handler can send a request that has no payload without reading its content. A read of the content is how
    /// the guard detects a send.
    /// </remarks>
    public bool HandlersCanBypassGuard(InvokeWithResponseStreamRequest request) =>
        !ownsHttpClient && request.Payload.IsEmpty;

    /// <returns>The response, after its headers were received.</returns>
    /// <exception cref="LambdaTransportException">No response was received.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        InvocationAttempt attempt,
        HttpRequestMessage message,
        CancellationToken attemptToken)
    {
        var invocation = attempt.Invocation;
        if (attempt.Number > 1) invocation.Telemetry?.RecordRetry(attempt.Number, invocation.LastFailure);
        Log.AttemptSent(logger, attempt.Number, invocation.Request.FunctionName);

        var timeout = invocation.Request.ResponseHeadersTimeout ?? options.ResponseHeadersTimeout;
        using var limit = new TimeLimit(timeout, options.TimeProvider, attemptToken);
        // In a caller's HttpClient, a SendOnceHandler finds the guard of this attempt by the registration. The client's
        // own HttpClient does not need it: no handler buffers or copies the content, which has the guard.
        SendGuard.Registration? registration = ownsHttpClient ? null : attempt.Guard.Register();
        Task<HttpResponseMessage>? sending = null;
        try
        {
            attempt.SentAt = options.TimeProvider.GetTimestamp();
            attempt.Guard.MarkHandedOver();
            sending = httpClient.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            // A handler of the caller, or a stream of ConfigureHandler, can ignore the token.
            var response = await sending.WaitAsync(limit.Token).ConfigureAwait(false);
            ThrowIfRedirectFollowed(message);
            return response;
        }
        catch (Exception exception)
        {
            // Before the state is read, so that it does not change any more.
            attempt.Guard.Close();
            if (sending is not null) await EndAsync(sending).ConfigureAwait(false);
            if (exception is OperationCanceledException && invocation.IsCanceled(attemptToken))
                throw TransportFailures.AttemptCanceled(attempt, exception, attemptToken);
            var expired = limit.HasElapsed ? timeout : (TimeSpan?)null;
            throw failures.Create(attempt, message, exception, expired);
        }
        finally
        {
            // Also after a response: a handler can return one of its own while its request is still connecting.
            attempt.Guard.Close();
            registration?.Dispose();
        }
    }

    // Waits until the handlers have stopped reading the payload, which the caller can change after the call.
    // WaitAsync ends before HttpClient begins to cancel the request, because a token runs its newest callback first.
    // The time is that of the system, so that a clock of the caller cannot hold the call.
    private static async Task EndAsync(Task<HttpResponseMessage> sending)
    {
        // A handler that ignored its token can still receive a response. One that followed a redirect has one.
        sending.DisposeLateResult();
        await ((Task)sending).WaitAsync(HandlerGracePeriod).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // After a 301, 302 or 303, a handler changes POST to GET: the method shows that it followed the redirect. After a
    // 307 or 308 it keeps POST, and SingleSendContent blocks the second send. Source: RFC 9110, section 15.4.
    private static void ThrowIfRedirectFollowed(HttpRequestMessage message)
    {
        if (message.Method != HttpMethod.Post) throw new RedirectFollowedException(message.RequestUri);
    }
}
