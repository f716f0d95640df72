using System.Net;
using LambdaStreaming.Configuration;
using LambdaStreaming.Diagnostics;
using LambdaStreaming.Errors;
using LambdaStreaming.ResponseStream;
using Microsoft.Extensions.Logging;

namespace LambdaStreaming.Invocation;

/// <summary>Creates the response of an attempt after its headers were received.</summary>
internal sealed class ResponseFactory(
    LambdaStreamingClientOptions options,
    ServiceErrors errors,
    ILogger logger)
{
    // Source: Smithy, event stream encoding: the media type of the response body.
    private const string EventStreamContentType = "application/vnd.amazon.eventstream";

    /// <exception cref="LambdaStreamingException">The HTTP response is not a response of the function.</exception>
    public async Task<InvokeWithResponseStreamResponse> CreateAsync(
        InvocationAttempt attempt,
        HttpResponseMessage message,
        CancellationToken attemptToken)
    {
        var invocation = attempt.Invocation;
        try
        {
            var requestId = ErrorResponse.GetRequestId(message, attempt.Redactor);
            LogHeaders(invocation, message, requestId);
            ThrowIfSentByProxy(attempt, message);
            if (!message.IsSuccessStatusCode)
                throw await errors.ReadAsync(attempt, message, attemptToken).ConfigureAwait(false);

            var details = attempt.Describe(message.StatusCode, requestId);
            ThrowIfUnexpectedStatus(invocation, details);
            if (!invocation.IsDryRun)
                return await OpenAsync(attempt, message, details, attemptToken).ConfigureAwait(false);
            CallerCode.Run(message, static message => message.Dispose());
            return Create(attempt, message, details, body: null);
        }
        catch
        {
            CallerCode.Run(message, static message => message.Dispose());
            throw;
        }
    }

    private void LogHeaders(InvocationContext invocation, HttpResponseMessage message, string? requestId)
    {
        if (!logger.IsEnabled(LogLevel.Debug)) return;
        var function = invocation.Request.FunctionName;
        Log.ResponseHeadersReceived(logger, function, (int)message.StatusCode, requestId);
    }

    private static void ThrowIfSentByProxy(InvocationAttempt attempt, HttpResponseMessage message)
    {
        if (message.StatusCode != HttpStatusCode.ProxyAuthenticationRequired) return;
        var failure = ProxyException.AuthenticationRequired(attempt.Invocation.Url, handler: null);
        throw TransportFailures.Create(attempt, failure);
    }

    private static void ThrowIfUnexpectedStatus(InvocationContext invocation, LambdaErrorDetails details)
    {
        if (details.StatusCode == (invocation.IsDryRun ? HttpStatusCode.NoContent : HttpStatusCode.OK)) return;
        var expected = invocation.IsDryRun ? "a dry run; expected 204" : "an invocation; expected 200";
        var text = $"Unexpected status HTTP {(int)details.StatusCode} for {expected}. {ExceptionMessages.SentByProxy}";
        throw new ResponseStreamCorruptException(
            $"{text} {ExceptionMessages.MightBeRunning} {ExceptionMessages.DescribeCall(details)}",
            ResponseStreamCorruptionReason.UnexpectedStatus,
            byteOffset: 0,
            // Also for a dry run: the server might have treated it as an invocation and run the function.
            details with { FunctionMayHaveRun = true });
    }

    private async Task<InvokeWithResponseStreamResponse> OpenAsync(
        InvocationAttempt attempt,
        HttpResponseMessage message,
        LambdaErrorDetails details,
        CancellationToken attemptToken)
    {
        var invocation = attempt.Invocation;
        Stream stream;
        try
        {
            var opening = message.Content.ReadAsStreamAsync(invocation.CancellationToken);
            if (!opening.IsCompleted) opening = WaitForStreamAsync(opening, attempt, details, attemptToken);
            stream = await opening.ConfigureAwait(false)
                ?? throw new InvalidOperationException("The content has no stream.");
        }
        catch (OperationCanceledException) when (invocation.IsCanceled(attemptToken))
        {
            throw;
        }
        catch (Exception exception) when (exception is not ResponseStreamIdleTimeoutException)
        {
            // Only content that a handler of the caller's HttpClient has substituted can fail here. It can throw any
            // exception type.
            var text = ExceptionMessages.AddDetail(
                $"The response from {details.FunctionName} started, but its body could not be opened",
                attempt.Redactor.Line(exception.Message));
            throw new ResponseStreamTruncatedException(
                ExceptionMessages.AddConsequence(text, details),
                details,
                exception);
        }

        // Keep only the content. The message would keep the request, and so the payload, alive.
        var body = new ResponseStreamBody(stream, message.Content, options.TimeProvider, GetIdleTimeout(invocation));
        body.RegisterCancellation(invocation.CancellationToken);
        return Create(attempt, message, details, body);
    }

    // Content that a handler of the caller's HttpClient has substituted, for example to buffer it, can open late, and
    // ignore its token.
    private async Task<Stream> WaitForStreamAsync(
        Task<Stream> opening,
        InvocationAttempt attempt,
        LambdaErrorDetails details,
        CancellationToken attemptToken)
    {
        var invocation = attempt.Invocation;
        var idleTimeout = GetIdleTimeout(invocation);
        using var limit = new TimeLimit(
            idleTimeout, options.TimeProvider, attemptToken, invocation.CancellationToken);
        try
        {
            return await opening.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (limit.Token.IsCancellationRequested)
        {
            opening.DisposeLateResult();
            if (invocation.IsCanceled(attemptToken))
                throw TransportFailures.AttemptCanceled(attempt, exception, attemptToken);
            var text = $"The response from {details.FunctionName} started, but its body could not be opened within "
                + $"{ExceptionMessages.FormatDuration(idleTimeout)} ({nameof(options.IdleTimeout)}).";
            throw new ResponseStreamIdleTimeoutException(ExceptionMessages.AddConsequence(text, details), details);
        }
    }

    private TimeSpan GetIdleTimeout(InvocationContext invocation) =>
        invocation.Request.IdleTimeout ?? options.IdleTimeout;

    private InvokeWithResponseStreamResponse Create(
        InvocationAttempt attempt,
        HttpResponseMessage message,
        LambdaErrorDetails details,
        ResponseStreamBody? body)
    {
        var readerOptions = new ResponseStreamReaderOptions
        {
            MaxMessageBytes = options.MaxMessageBytes,
            IdleTimeout = GetIdleTimeout(attempt.Invocation),
            TimeProvider = options.TimeProvider,
            Logger = logger,
            ThrowOnFunctionError = options.ThrowOnFunctionError,
            IncludeFunctionErrorDetails = options.IncludeFunctionErrorDetails,
            Redactor = attempt.Redactor,
            UnexpectedContent = FindUnexpectedContent(message, attempt.Redactor),
        };
        var reader = new ResponseStreamReader(body, readerOptions, details);
        var headers = ResponseHeaders.From(message);
        return new InvokeWithResponseStreamResponse(headers, details.RequestId ?? "", body, reader, readerOptions);
    }

    private static UnexpectedContent? FindUnexpectedContent(HttpResponseMessage message, Redactor redactor)
    {
        if (ErrorResponse.Header(message, "Content-Encoding") is { } encoding
            && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            return new UnexpectedContent(
                ResponseStreamCorruptionReason.UnexpectedContentEncoding,
                $"the content encoding is '{redactor.Name(encoding)}', which this client did not request");
        }

        var contentType = ErrorResponse.Header(message, "Content-Type");
        if (contentType is null || IsEventStream(contentType)) return null;
        var name = redactor.Name(message.Content.Headers.ContentType?.MediaType ?? contentType);
        return new UnexpectedContent(
            ResponseStreamCorruptionReason.UnexpectedContentType,
            $"the content type is '{name}'");
    }

    private static bool IsEventStream(ReadOnlySpan<char> contentType)
    {
        if (contentType.IndexOf(';') is >= 0 and var parameters) contentType = contentType[..parameters];
        return contentType.Trim().Equals(EventStreamContentType, StringComparison.OrdinalIgnoreCase);
    }
}
