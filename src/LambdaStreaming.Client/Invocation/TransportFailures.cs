using System.Net.Sockets;
using System.Security.Authentication;
using LambdaStreaming.Errors;

namespace LambdaStreaming.Invocation;

/// <summary>Maps the failures of sending to exceptions of this library.</summary>
internal sealed class TransportFailures(
    HttpClient httpClient,
    bool ownsHttpClient,
    LambdaStreamingClientOptions options)
{
    /// <summary>The exception of an attempt that got no response.</summary>
    /// <param name="attempt">The attempt.</param>
    /// <param name="message">Its request.</param>
    /// <param name="exception">What .NET or a handler has thrown.</param>
    /// <param name="expired">The limit of the response headers, if that has passed.</param>
    public LambdaTransportException Create(
        InvocationAttempt attempt,
        HttpRequestMessage message,
        Exception exception,
        TimeSpan? expired)
    {
        if (expired is { } limit) return Create(attempt, exception, HeadersTimedOut(attempt, limit));
        return ProxyException.From(exception, message, handler: null, wasAuthenticated: true) is { } proxy
            ? Create(attempt, proxy)
            : Create(attempt, exception, Describe(attempt, exception));
    }

    /// <summary>The exception of an attempt that a proxy has refused.</summary>
    public static LambdaTransportException Create(InvocationAttempt attempt, ProxyException exception)
    {
        if (exception.KeptTheRequest) attempt.Guard.KeepByProxy();
        return Create(attempt, exception, new Failure(exception.Message, exception.Advice, exception.IsPermanent));
    }

    /// <summary>The exception for a strategy of a user's pipeline, which has cancelled its own token.</summary>
    public static OperationCanceledException AttemptCanceled(
        InvocationAttempt attempt,
        Exception exception,
        CancellationToken attemptToken) =>
        new(attempt.Redactor.Line(exception.Message), exception, attemptToken);

    private static LambdaTransportException Create(InvocationAttempt attempt, Exception exception, Failure failure)
    {
        var details = attempt.Describe();
        var advice = failure.Advice is null ? "" : failure.Advice + " ";
        return new LambdaTransportException(
            $"{failure.Text} {advice}{GetConsequence(attempt, details, exception)} {ExceptionMessages.Call(details)}",
            details with
            {
                StatusCode = (exception as ProxyException)?.StatusCode ?? default,
                FunctionMayHaveRun = attempt.MayHaveRun || details.FunctionMayHaveRun == true,
                IsTransient = !failure.IsPermanent && exception.InnerException is not AuthenticationException,
                Advice = failure.Advice,
            },
            exception);
    }

    private static string GetConsequence(InvocationAttempt attempt, LambdaErrorDetails details, Exception exception)
    {
        if (attempt.Invocation.IsDryRun) return "A dry run runs nothing.";
        return attempt.Guard.State switch
        {
            SendState.Sent => "The request had been sent, so the function may have run.",
            SendState.MaybeSent =>
                $"Without a payload, and without a {nameof(SendOnceHandler)} in the HttpClient that was given, "
                + "nothing tells whether the request was sent: the function may have run.",
            _ when details.FunctionMayHaveRun == true =>
                "Nothing was sent this time, but an earlier attempt may have run the function.",
            _ when exception is ProxyException { KeptTheRequest: true } =>
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
            OperationCanceledException { InnerException: TimeoutException } => TimedOut(endpoint, isSent),
            HttpRequestException { InnerException: OperationCanceledException } when !isSent => TimedOut(endpoint),
            HttpRequestException http => Describe(attempt, http, isSent),
            IOException or OperationCanceledException => Broken(attempt, exception, isSent),
            InvalidOperationException => Broken(attempt, exception, isSent),
            _ => HandlerFailed(attempt, exception),
        };
    }

    private static Failure Describe(InvocationAttempt attempt, HttpRequestException exception, bool isSent) =>
        exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => NameUnknown(GetEndpoint(attempt)),
            HttpRequestError.SecureConnectionError => HandshakeFailed(attempt, exception),
            HttpRequestError.ConnectionError when !isSent => NotConnected(GetEndpoint(attempt), exception),
            _ => Broken(attempt, exception, isSent),
        };

    private static Failure HeadersTimedOut(InvocationAttempt attempt, TimeSpan limit)
    {
        const string Option = nameof(LambdaStreamingClientOptions.ResponseHeadersTimeout);
        return new($"No response head came from {GetEndpoint(attempt)} within {limit} ({Option}).");
    }

    private static Failure SentTwice(Exception exception) => new(exception.Message, IsPermanent: true);

    private static Failure RedirectFollowed(InvocationAttempt attempt, RedirectFollowedException exception)
    {
        var target = attempt.Redactor.Address(exception.Target);
        return new(
            $"A handler below this client followed a redirect to {target}; "
            + "what came from there is no answer of Lambda.",
            "Set AllowAutoRedirect to false.",
            IsPermanent: true);
    }

    private Failure TimedOut(string endpoint, bool isSent = false)
    {
        const string Option = nameof(LambdaStreamingClientOptions.ConnectTimeout);
        if (isSent)
        {
            return new(
                $"The caller's HttpClient gave up on {endpoint} after its own Timeout of {httpClient.Timeout}.",
                "Set it to Timeout.InfiniteTimeSpan; this client has limits of its own.");
        }

        if (ownsHttpClient) return new($"No connection to {endpoint} within {options.ConnectTimeout} ({Option}).");
        var timeout = httpClient.Timeout == Timeout.InfiniteTimeSpan
            ? ""
            : $", or within its own Timeout of {httpClient.Timeout}";
        return new($"No connection to {endpoint} within the {Option} of the HttpClient's handler{timeout}.");
    }

    private static Failure NameUnknown(string endpoint) =>
        new($"The name of {endpoint} could not be resolved.", "Check the region and the network.");

    private static Failure HandshakeFailed(InvocationAttempt attempt, Exception exception)
    {
        var cause = exception.InnerException is { } inner ? $": {attempt.Redactor.Line(inner.Message)}" : ".";
        return new($"The TLS handshake with {GetEndpoint(attempt)} failed{cause}");
    }

    private static Failure NotConnected(string endpoint, Exception exception)
    {
        var code = exception.InnerException is SocketException socket ? $" ({socket.SocketErrorCode})" : "";
        return new($"No connection to {endpoint}{code}.", "Check the address, the network and any proxy.");
    }

    private static Failure Broken(InvocationAttempt attempt, Exception exception, bool isSent)
    {
        var endpoint = GetEndpoint(attempt);
        var text = isSent
            ? $"The connection to {endpoint} broke before an answer came."
            : $"The request to {endpoint} could not be sent: {attempt.Redactor.Line(exception.Message)}";
        return new(text, IsPermanent: exception is InvalidOperationException);
    }

    private static Failure HandlerFailed(InvocationAttempt attempt, Exception exception)
    {
        var text = attempt.Redactor.Line(exception.Message);
        return new($"A handler below this client failed with {exception.GetType().Name}: {text}");
    }

    private static string GetEndpoint(InvocationAttempt attempt) =>
        attempt.Invocation.Url.GetLeftPart(UriPartial.Authority);

    /// <param name="Text">What happened.</param>
    /// <param name="Advice">What to do.</param>
    /// <param name="IsPermanent">Whether a second attempt would fail in the same way.</param>
    private readonly record struct Failure(string Text, string? Advice = null, bool IsPermanent = false);
}
