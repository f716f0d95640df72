using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Tests.ApprovedMessages;

/// <summary>
/// Calls without a response: failures of the network, of proxies, and of handlers of the caller's HttpClient.
/// </summary>
internal static class TransportScenarios
{
    public static MessageArea Area { get; } = new(
        "Transport failures",
        [.. NotSent(), .. Sent(), .. Proxies(), .. Others()]);

    private static IEnumerable<MessageScenario> NotSent() =>
    [
        NotSent("Name unknown", new HttpRequestException(
            HttpRequestError.NameResolutionError, "Name or service not known (proxy.example.com:3128)")),
        NotSent("TLS handshake failed", new HttpRequestException(HttpRequestError.SecureConnectionError, "x")),
        NotSent("TLS handshake failed with a reason", new HttpRequestException(
            HttpRequestError.SecureConnectionError, "x", new AuthenticationException("The certificate has expired."))),
        NotSent("No connection", new HttpRequestException(HttpRequestError.ConnectionError, "x")),
        NotSent("Connection refused", new HttpRequestException(
            HttpRequestError.ConnectionError, "x", new SocketException((int)SocketError.ConnectionRefused))),
        NotSent("Failure before sending", new IOException("It broke.")),
        NotSent("Failure of a handler before sending", new TimeZoneNotFoundException("No such zone.")),
        NotSent("Connect timeout of a handler", new OperationCanceledException("x", new TimeoutException())),
        new("Connect timeout of a handler, HttpClient without a timeout", () => Provocations.ReadAsync(
            Provocations.FailingBeforeSending(
                new OperationCanceledException("x", new TimeoutException()),
                Timeout.InfiniteTimeSpan))),
        new("Connect timeout", ConnectTimeoutAsync),
    ];

    private static IEnumerable<MessageScenario> Sent() =>
    [
        Sent("Connection lost after sending", new HttpRequestException(HttpRequestError.ResponseEnded, "x")),
        Sent("Response is not HTTP", new HttpRequestException(
            HttpRequestError.InvalidResponse, "Received an invalid status line: 'SSH-2.0-OpenSSH_9.6'.")),
        Sent("Response has too many headers", new HttpRequestException(
            HttpRequestError.ConfigurationLimitExceeded,
            "The HTTP response headers length exceeded the set limit of 65536 bytes.")),
        Sent("Failure of a handler after sending", new TimeZoneNotFoundException("No such zone.")),
        Sent("Timeout of the caller's HttpClient", new OperationCanceledException("x", new TimeoutException())),
        new("Timeout of a handler after sending", () => Provocations.ReadAsync(Provocations.FailingAfterSending(
            new OperationCanceledException("x", new TimeoutException()),
            Timeout.InfiniteTimeSpan))),
        new("Connection lost in a dry run", () => Provocations.ReadAsync(
            Provocations.FailingAfterSending(new IOException("It broke.")),
            Provocations.Request with { InvocationType = InvocationType.DryRun })),
        new("Failure without a payload and without a SendOnceHandler", () => Provocations.ReadAsync(
            Provocations.FailingBeforeSending(new HttpRequestException(HttpRequestError.ConnectionError, "x")),
            new InvokeWithResponseStreamRequest("my-function"))),
        new("Response headers timeout", ResponseHeadersTimeoutAsync),
    ];

    private static IEnumerable<MessageScenario> Proxies() =>
    [
        new("Proxy requires authentication", () => ThroughProxyAsync("https://lambda.example.com", 407)),
        new("Proxy forbids the connection", () => ThroughProxyAsync("https://lambda.example.com", 403)),
        new("Proxy fails", () => ThroughProxyAsync("https://lambda.example.com", 502)),
        new("Proxy requires authentication for an http endpoint", () => ThroughProxyAsync(
            "http://lambda.example.com", 407)),
        new("Response with status 407", () => Provocations.FailAsync(407, "")),
    ];

    private static IEnumerable<MessageScenario> Others() =>
    [
        new("Handler sends twice", () => Provocations.ReadAsync(Handling(async request =>
        {
            await request.Content!.CopyToAsync(Stream.Null, Provocations.Token);
            await request.Content!.CopyToAsync(Stream.Null, Provocations.Token);
        }))),
        new("Handler follows a redirect", () => Provocations.ReadAsync(Handling(async request =>
        {
            await request.Content!.CopyToAsync(Stream.Null, Provocations.Token);
            request.Method = HttpMethod.Get;
            request.RequestUri = new Uri("https://user:secret@elsewhere.example.com/page?token=secret");
        }))),
        new("No connection after an attempt that might have run", RetriedAsync),
        new("Another attempt of the call might have run", () =>
        {
            var exception = new LambdaTransportException("(The message of this attempt.)");
            exception.MarkOtherAttemptMayHaveRun();
            throw exception;
        }),
    ];

    private static MessageScenario NotSent(string name, Exception exception) =>
        new(name, () => Provocations.ReadAsync(Provocations.FailingBeforeSending(exception)));

    private static MessageScenario Sent(string name, Exception exception) =>
        new(name, () => Provocations.ReadAsync(Provocations.FailingAfterSending(exception)));

    private static LambdaStreamingClient Handling(Func<HttpRequestMessage, Task> handleAsync) => StubbedClient.Sending(
        async (request, _) =>
        {
            await handleAsync(request);
            return new HttpResponseMessage();
        },
        options => options.Retry = Provocations.NoRetry);

    private static Task ConnectTimeoutAsync()
    {
        var options = StubbedClient.Options();
        options.Retry = Provocations.NoRetry;
        options.ConnectTimeout = TimeSpan.FromMilliseconds(50);
        options.ConfigureHandler = handler => handler.ConnectCallback = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return Stream.Null;
        };
        return Provocations.ReadAsync(new LambdaStreamingClient(options));
    }

    private static async Task ResponseHeadersTimeoutAsync()
    {
        var clock = new FakeTimeProvider();
        var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                clock.Advance(TimeSpan.FromMinutes(2));
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                return new HttpResponseMessage();
            },
            options =>
            {
                options.Retry = Provocations.NoRetry;
                options.TimeProvider = clock;
                options.ResponseHeadersTimeout = TimeSpan.FromMinutes(2);
            });
        await Provocations.ReadAsync(client);
    }

    private static async Task ThroughProxyAsync(string endpoint, int status)
    {
        var response = RawServer.CreateResponse(status, [], "Proxy-Authenticate: Basic realm=\"office\"");
        await using var proxy = RawServer.Responding(response);
        var options = StubbedClient.Options();
        options.ServiceUrl = new Uri(endpoint);
        options.Retry = Provocations.NoRetry;
        options.ConfigureHandler = handler => handler.Proxy = new WebProxy(proxy.Url)
        {
            Credentials = new NetworkCredential("user", "password"),
        };
        await Provocations.ReadAsync(new LambdaStreamingClient(options));
    }

    private static Task RetriedAsync()
    {
        var sends = 0;
        var client = StubbedClient.Sending(
            async (request, cancellationToken) =>
            {
                if (++sends > 1) throw new HttpRequestException(HttpRequestError.ConnectionError, "x");
                await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
                throw new HttpRequestException("x");
            },
            options => options.Retry = new LambdaRetryOptions
            {
                Policy = LambdaRetryPolicy.AtLeastOnce,
                MaxAttempts = 2,
                BaseDelay = TimeSpan.Zero,
            });
        return Provocations.ReadAsync(client);
    }
}
