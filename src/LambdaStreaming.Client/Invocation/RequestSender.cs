using LambdaStreaming.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Invocation;

/// <summary>Sends the request of an attempt, and waits for the response headers within the limit.</summary>
internal sealed class RequestSender(
    HttpClient httpClient,
    bool ownsHttpClient,
    LambdaStreamingClientOptions options,
    TransportFailures failures,
    ILogger logger)
{
    /// <summary>Whether handlers of a caller can send the request without asking for its empty content.</summary>
    public bool CanBeSentUnseen(InvokeWithResponseStreamRequest request) => !ownsHttpClient && request.Payload.IsEmpty;

    /// <returns>The response, of which the headers have been received.</returns>
    /// <exception cref="LambdaTransportException">There is no response.</exception>
    public async Task<HttpResponseMessage> SendAsync(
        InvocationAttempt attempt,
        HttpRequestMessage message,
        CancellationToken attemptToken)
    {
        var invocation = attempt.Invocation;
        if (attempt.Number > 1) invocation.Telemetry?.Resend(attempt.Number, invocation.LastFailure);
        Log.AttemptSent(logger, attempt.Number, invocation.Request.FunctionName);

        var timeout = invocation.Request.ResponseHeadersTimeout ?? options.ResponseHeadersTimeout;
        using var limit = new CancellationTokenSource(timeout, options.TimeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, attemptToken);
        SendGuard.Registration? registration = ownsHttpClient ? null : attempt.Guard.Register();
        try
        {
            attempt.SentAt = options.TimeProvider.GetTimestamp();
            attempt.Guard.HandOver();
            var response = await httpClient.SendAsync(
                message,
                HttpCompletionOption.ResponseHeadersRead,
                linked.Token).ConfigureAwait(false);
            ThrowIfRedirectFollowed(message, response);
            return response;
        }
        catch (Exception exception)
        {
            NoteHeadersThatAreTheRequest(attempt, message);
            if (exception is OperationCanceledException && IsCanceled(invocation, attemptToken))
                throw TransportFailures.AttemptCanceled(attempt, exception, attemptToken);
            var expired = limit.IsCancellationRequested ? timeout : (TimeSpan?)null;
            throw failures.Create(attempt, message, exception, expired);
        }
        finally
        {
            registration?.Dispose();
        }
    }

    private static bool IsCanceled(InvocationContext invocation, CancellationToken attemptToken) =>
        attemptToken.IsCancellationRequested || invocation.CancellationToken.IsCancellationRequested;

    // A caller's HttpClient may send the headers before it asks for the content; without a payload they are all.
    private static void NoteHeadersThatAreTheRequest(InvocationAttempt attempt, HttpRequestMessage message)
    {
        if (message.Headers.ExpectContinue == true && attempt.Invocation.Request.Payload.IsEmpty)
            attempt.Guard.RequestContent();
    }

    // A handler that follows a redirect makes a GET of a POST. Source: RFC 9110, section 15.4.2 f.
    private static void ThrowIfRedirectFollowed(HttpRequestMessage message, HttpResponseMessage response)
    {
        if (message.Method == HttpMethod.Post) return;
        response.Dispose();
        throw new RedirectFollowedException(message.RequestUri);
    }
}
