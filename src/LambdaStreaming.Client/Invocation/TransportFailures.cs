using System.Net.Sockets;
using System.Security.Authentication;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Invocation;

/// <summary>Maps failures of sending to exceptions of this library.</summary>
internal sealed class TransportFailures(
    HttpClient httpClient,
    bool ownsHttpClient,
    LambdaStreamingClientOptions options)
{
    /// <summary>Creates the exception of an attempt without a response.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="message">The request of the attempt.</param>
    /// <param name="exception">The exception of .NET or a handler.</param>
    /// <param name="expired">The timeout of the response headers, if it has expired.</param>
    public LambdaTransportException Create(
        InvocationAttempt attempt,
        HttpRequestMessage message,
        Exception exception,
        TimeSpan? expired)
    {
        if (expired is { } timeout) return Create(attempt, exception, HeadersTimedOut(attempt, timeout));
        return ProxyException.From(exception, message, handler: null, wasAuthenticated: true) is { } proxy
            ? Create(attempt, proxy)
            : Create(attempt, exception, Describe(attempt, exception));
    }

    /// <summary>Creates the exception of an attempt that a proxy has rejected.</summary>
    public static LambdaTransportException Create(InvocationAttempt attempt, ProxyException exception)
    {
        if (exception.IsRequestBlocked) attempt.Guard.MarkBlockedByProxy();
        return Create(attempt, exception, new Failure(exception.Message, exception.Advice, exception.IsPermanent));
    }

    /// <summary>
    /// Creates the exception of an attempt that was cancelled by the invocation's token or by a resilience strategy.
    /// </summary>
    /// <remarks>The strategy, for example a timeout or hedging, is in the ResiliencePipeline of the options.</remarks>
    public static OperationCanceledException AttemptCanceled(
        InvocationAttempt attempt,
        Exception exception,
        CancellationToken attemptToken) =>
        new(attempt.Redactor.Line(exception.Message), exception, attemptToken);

    private static LambdaTransportException Create(InvocationAttempt attempt, Exception exception, Failure failure)
    {
        var details = attempt.Describe();
        List<string> sentences = [failure.Text];
        if (failure.Advice is not null) sentences.Add(failure.Advice);
        sentences.Add(GetConsequence(attempt, details, exception, failure));
        sentences.Add(ExceptionMessages.DescribeCall(details));
        return new LambdaTransportException(
            string.Join(' ', sentences),
            details with
            {
                StatusCode = (exception as ProxyException)?.StatusCode ?? default,
                FunctionMayHaveRun = attempt.MayHaveRun || details.FunctionMayHaveRun == true,

                // A TLS handshake that was rejected, for example because of the certificate, would be rejected again.
                IsTransient = !failure.IsPermanent && exception.InnerException is not AuthenticationException,
                Advice = failure.Advice,
            },
            failure.IsTimeout ? new TimeoutException(failure.Text, exception) : exception);
    }

    private static string GetConsequence(
        InvocationAttempt attempt,
        LambdaErrorDetails details,
        Exception exception,
        Failure failure)
    {
        if (attempt.Invocation.IsDryRun) return "A dry run never runs the function.";
        return attempt.Guard.State switch
        {
            SendState.Sent when failure is { IsPermanent: false, Advice: null } =>
                "The request had been sent: the function might have run. Retry only if the function is idempotent.",
            SendState.Sent => "The request had been sent, so the function might have run.",
            SendState.MaybeSent =>
                "It is not known whether the request was sent, because it has no payload and no "
                + $"{nameof(SendOnceHandler)} has received it. The function might have run.",
            _ when details.FunctionMayHaveRun == true => ExceptionMessages.EarlierAttemptMightHaveRun,
            _ when exception is ProxyException { IsRequestBlocked: true } =>
                "The proxy did not forward the request, so the function did not run.",
            _ => "Nothing was sent, so the function did not run.",
        };
    }

    private Failure Describe(InvocationAttempt attempt, Exception exception)
    {
        var endpoint = GetEndpoint(attempt);
        var isSent = attempt.Guard.State == SendState.Sent;
        return exception switch
        {
            DuplicateSendException => SentTwice(exception),
            { InnerException: DuplicateSendException second } => SentTwice(second),
            RedirectFollowedException redirect => RedirectFollowed(attempt, redirect),
            _ when IsTimeout(exception, isSent) => TimedOut(endpoint, exception, isSent),
            HttpRequestException http => Describe(attempt, http, isSent),
            IOException or OperationCanceledException or InvalidOperationException =>
                Broken(attempt, exception, isSent),
            _ => HandlerFailed(attempt, exception),
        };
    }

    private static bool IsTimeout(Exception exception, bool isSent) => exception switch
    {
        // HttpClient.Timeout, or the ConnectTimeout of the handler.
        // Source: dotnet/runtime, HttpConnectionPool.CreateConnectTimeoutException.
        OperationCanceledException { InnerException: TimeoutException } => true,

        // Inferred: a ConnectCallback cancelled the connection, for example because its own timeout elapsed.
        HttpRequestException { InnerException: OperationCanceledException } => !isSent,
        _ => false,
    };

    private static Failure Describe(InvocationAttempt attempt, HttpRequestException exception, bool isSent) =>
        exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => NameUnknown(attempt, exception),
            HttpRequestError.SecureConnectionError => HandshakeFailed(attempt, exception),
            HttpRequestError.ConnectionError when !isSent => NotConnected(GetEndpoint(attempt), exception),
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded when isSent =>
                NotHttp(attempt, exception),
            _ => Broken(attempt, exception, isSent),
        };

    private static Failure HeadersTimedOut(InvocationAttempt attempt, TimeSpan timeout)
    {
        const string Option = nameof(LambdaStreamingClientOptions.ResponseHeadersTimeout);
        var duration = ExceptionMessages.FormatDuration(timeout);
        return new(
            $"No response headers were received from {GetEndpoint(attempt)} within {duration} ({Option}).",
            IsTimeout: true);
    }

    private static Failure SentTwice(Exception exception) => new(exception.Message, IsPermanent: true);

    private static Failure RedirectFollowed(InvocationAttempt attempt, RedirectFollowedException exception)
    {
        var target = attempt.Redactor.Address(exception.Target);
        return new(
            $"An HTTP handler followed a redirect to {target}, so the response is not from Lambda.",
            "Set AllowAutoRedirect to false.",
            IsPermanent: true);
    }

    private Failure TimedOut(string endpoint, Exception exception, bool isSent)
    {
        const string Option = nameof(LambdaStreamingClientOptions.ConnectTimeout);
        if (isSent && httpClient.Timeout == Timeout.InfiniteTimeSpan)
        {
            return new(
                $"A timeout of an HTTP handler elapsed before {endpoint} responded, for example its {Option}.",
                IsTimeout: true);
        }

        if (isSent)
        {
            return new(
                $"No response was received from {endpoint} within the HttpClient's {DescribeHttpClientTimeout()}.",
                "Set HttpClient.Timeout to Timeout.InfiniteTimeSpan: this client has separate timeouts.",
                IsTimeout: true);
        }

        if (ownsHttpClient)
        {
            var duration = ExceptionMessages.FormatDuration(options.ConnectTimeout);
            return new(
                exception is HttpRequestException
                    ? $"No connection to {endpoint} was established, because a ConnectCallback cancelled it."
                    : $"No connection to {endpoint} was established within {duration} ({Option}).",
                IsTimeout: true);
        }

        var alternative = httpClient.Timeout == Timeout.InfiniteTimeSpan
            ? ""
            : $", or within the HttpClient's {DescribeHttpClientTimeout()}";
        return new(
            $"No connection to {endpoint} was established within the {Option} of the HttpClient's handler"
            + $"{alternative}.",
            IsTimeout: true);
    }

    private string DescribeHttpClientTimeout() => $"Timeout of {ExceptionMessages.FormatDuration(httpClient.Timeout)}";

    // The host name can be that of a proxy. The message of .NET contains it.
    private static Failure NameUnknown(InvocationAttempt attempt, Exception exception) => new(
        ExceptionMessages.AddDetail(
            $"A host name could not be resolved on the way to {GetEndpoint(attempt)}",
            attempt.Redactor.Line(exception.Message)),
        "Check the region, the network and any proxy.");

    private static Failure HandshakeFailed(InvocationAttempt attempt, Exception exception)
    {
        var cause = exception.InnerException is { } inner ? attempt.Redactor.Line(inner.Message) : "";
        return new(ExceptionMessages.AddDetail($"The TLS handshake with {GetEndpoint(attempt)} failed", cause));
    }

    private static Failure NotConnected(string endpoint, Exception exception)
    {
        var code = exception.InnerException is SocketException socket ? $" ({socket.SocketErrorCode})" : "";
        return new(
            $"No connection to {endpoint} could be established{code}.",
            "Check the address, the network and any proxy.");
    }

    // For example, the port belongs to another protocol.
    private static Failure NotHttp(InvocationAttempt attempt, Exception exception) => new(
        ExceptionMessages.AddDetail(
            $"The response from {GetEndpoint(attempt)} could not be read as HTTP",
            attempt.Redactor.Line(exception.Message)),
        "Check the endpoint and any proxy.",
        IsPermanent: true);

    private static Failure Broken(InvocationAttempt attempt, Exception exception, bool isSent)
    {
        var endpoint = GetEndpoint(attempt);
        var text = isSent
            ? $"The connection to {endpoint} broke before a response was received."
            : ExceptionMessages.AddDetail(
                $"The request to {endpoint} could not be sent",
                attempt.Redactor.Line(exception.Message));
        return new(text, IsPermanent: exception is InvalidOperationException);
    }

    private static Failure HandlerFailed(InvocationAttempt attempt, Exception exception)
    {
        var text = $"An HTTP handler failed with {exception.GetType().Name}";
        return new(ExceptionMessages.AddDetail(text, attempt.Redactor.Line(exception.Message)));
    }

    private static string GetEndpoint(InvocationAttempt attempt) =>
        attempt.Invocation.Url.GetLeftPart(UriPartial.Authority);

    /// <param name="Text">What happened.</param>
    /// <param name="Advice">What to do.</param>
    /// <param name="IsPermanent">Whether a second attempt would fail in the same way.</param>
    /// <param name="IsTimeout">Whether a timeout of this client, a handler or the HttpClient elapsed.</param>
    private readonly record struct Failure(
        string Text,
        string? Advice = null,
        bool IsPermanent = false,
        bool IsTimeout = false);
}
