using System.Net;
using LambdaStreaming.Tests.EventStream;

namespace LambdaStreaming.Tests.Invocation;

/// <summary>Failures of a proxy. Messages have its host, port and status, but never its credentials.</summary>
public sealed class ProxyTests
{
    private const string User = "proxy-user";
    private const string Password = "proxy-password";
    private const string Challenge = "Proxy-Authenticate: Basic realm=\"office\"";

    public enum Client
    {
        /// <summary>A client with its own connection handler.</summary>
        Own,

        /// <summary>A client over an HttpClient with a <see cref="SendOnceHandler"/>.</summary>
        OverSendOnceHandler,

        /// <summary>A client over any HttpClient.</summary>
        OverHttpClient,
    }

    public static TheoryData<Client, int> Refusals => new()
    {
        { Client.Own, 407 },
        { Client.Own, 403 },
        { Client.OverSendOnceHandler, 407 },
        { Client.OverHttpClient, 407 },
        { Client.OverHttpClient, 403 },
    };

    [Theory, MemberData(nameof(Refusals))]
    public async Task InvokeWithResponseStreamAsync_ProxyRefusesTheTunnel_FailsAtOnceWithoutCredentials(
        Client kind,
        int status)
    {
        await using var proxy = RawServer.Responding(RawServer.CreateResponse(status, [], Challenge));
        using var client = Through(proxy, kind, "https://lambda.example.com");

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((1, false, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
        Assert.Equal(status, (int)exception.StatusCode);
        AssertNamesTheProxyOnly(exception);
        if (kind == Client.OverHttpClient) return;
        Assert.Contains(proxy.Url.Authority, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProxyRefusesAHandlersOwnRequest_DoesNotShowItsUser()
    {
        await using var proxy = RawServer.Responding(RawServer.CreateResponse(403, []));
        var options = Options("https://lambda.example.com");
        options.ConfigureHandler = handler => handler.Proxy = new WebProxy(proxy.Url);
        var connections = new SendOnceHandler(LambdaStreamingClient.CreateHandler(options));
        var address = new Uri($"https://{User}:{Password}@token.example.com/");
        using var client = new LambdaStreamingClient(options, new HttpClient(new GettingAToken(connections, address)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Contains("https://token.example.com ", exception.Message, StringComparison.Ordinal);
        AssertNamesTheProxyOnly(exception);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProxyCannotReachTheService_IsRetried()
    {
        await using var proxy = RawServer.Responding(RawServer.CreateResponse(502, []));
        using var client = Through(proxy, Client.Own, "https://lambda.example.com");

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((3, false), (exception.Attempts, exception.FunctionMayHaveRun));
        AssertNamesTheProxyOnly(exception);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_ProxyDoesNotSpeakHttp_IsRetriedAndNotAResponseOfTheService()
    {
        await using var proxy = RawServer.Responding("SSH-2.0-example\r\n"u8.ToArray());
        using var client = Through(proxy, Client.Own, "https://lambda.example.com");

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((3, false), (exception.Attempts, exception.FunctionMayHaveRun));
        Assert.DoesNotContain("response from", exception.Message, StringComparison.Ordinal);
    }

    // SocketsHttpHandler repeats the request with the credentials. The content rejects that, because the function could
    // run twice.
    [Theory, InlineData(Client.Own), InlineData(Client.OverSendOnceHandler)]
    public async Task InvokeWithResponseStreamAsync_HttpEndpointBehindAuthenticatingProxy_DidNotRunAndNamesTheProxy(
        Client kind)
    {
        await using var proxy = RawServer.Responding(RawServer.CreateResponse(407, [], Challenge));
        using var client = Through(proxy, kind, "http://lambda.example.com");

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((1, false, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, exception.StatusCode);
        Assert.Contains("https", exception.Message, StringComparison.Ordinal);
        AssertNamesTheProxyOnly(exception);
    }

    // A handler of the user might have set Proxy-Authorization. The header then does not prove that a proxy responded.
    [Fact]
    public async Task InvokeWithResponseStreamAsync_CallersHeaderAuthenticatesAndAHandlerSendsTwice_MayHaveRun()
    {
        await using var server = RawServer.Responding(RawServer.CreateResponse(500, []));
        using var http = new HttpClient(new SendingTwice(new SendOnceHandler(new SocketsHttpHandler())));
        http.DefaultRequestHeaders.TryAddWithoutValidation("Proxy-Authorization", "Basic eA==");
        using var client = new LambdaStreamingClient(Options(server.Url.ToString()), http);

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.True(exception.FunctionMayHaveRun);
    }

    [Theory, InlineData("http"), InlineData("https")]
    public async Task InvokeWithResponseStreamAsync_ResponseHasStatus407_NamesTheProxyAndDidNotRun(string scheme)
    {
        using var client = StubbedClient.Create(
            _ => StubbedClient.CreateResponse(Stream.Null, HttpStatusCode.ProxyAuthenticationRequired),
            Options($"{scheme}://lambda.example.com"));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal((1, false, false), (exception.Attempts, exception.FunctionMayHaveRun, exception.IsSafeToRetry));
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, exception.StatusCode);
        AssertNamesTheProxyOnly(exception);
    }

    // The exception of .NET 8 has the status only in its message.
    [Theory]
    [InlineData("status code '407'\".", 407)]
    [InlineData("status code '502'.", 502)]
    [InlineData("status code '100'.", 100)]
    [InlineData("status code '999'.", 999)]
    [InlineData("'407'", 407)]
    [InlineData("407", 0)]
    [InlineData("status code '099'.", 0)]
    [InlineData("status code '1407'.", 0)]
    [InlineData("status code 407.", 0)]
    [InlineData("status code '4o7'.", 0)]
    [InlineData("", 0)]
    public async Task InvokeWithResponseStreamAsync_StatusOfTheProxyIsInTheMessage_IsReported(
        string message,
        int expected)
    {
        using var client = StubbedClient.Sending(
            (_, _) => throw new HttpRequestException(HttpRequestError.ProxyTunnelError, message),
            options => options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.Never });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(client));

        Assert.Equal(expected, (int)exception.StatusCode);
        Assert.Contains(
            expected == 0 ? "lambda.us-east-1.amazonaws.com." : $" with HTTP {expected}.",
            exception.Message,
            StringComparison.Ordinal);
    }

    private static void AssertNamesTheProxyOnly(LambdaTransportException exception)
    {
        Assert.Contains("proxy", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(User, exception.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Password, exception.ToString(), StringComparison.Ordinal);
    }

    private static LambdaStreamingClient Through(RawServer proxy, Client kind, string endpoint)
    {
        var options = Options(endpoint);
        var address = new UriBuilder(proxy.Url) { UserName = User, Password = Password }.Uri;
        var credentials = new NetworkCredential(User, Password);
        options.ConfigureHandler = handler => handler.Proxy = new WebProxy(address) { Credentials = credentials };
        if (kind == Client.Own) return new LambdaStreamingClient(options);
        var connections = LambdaStreamingClient.CreateHandler(options);
        return new LambdaStreamingClient(
            options,
            new HttpClient(kind == Client.OverSendOnceHandler ? new SendOnceHandler(connections) : connections));
    }

    private static LambdaStreamingClientOptions Options(string endpoint)
    {
        var options = StubbedClient.Options();
        options.ServiceUrl = new Uri(endpoint);
        options.Retry = new LambdaRetryOptions { BaseDelay = TimeSpan.Zero };
        return options;
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(LambdaStreamingClient client) =>
        client.InvokeWithResponseStreamAsync(
            InvokeWithResponseStreamRequest.FromJson("f", "{}"),
            TestContext.Current.CancellationToken);

    private sealed class GettingAToken(HttpMessageHandler inner, Uri address) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            using var own = new HttpRequestMessage(HttpMethod.Get, address);
            (await base.SendAsync(own, cancellationToken)).Dispose();
            return await base.SendAsync(request, cancellationToken);
        }
    }

    private sealed class SendingTwice(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            (await base.SendAsync(request, cancellationToken)).Dispose();
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
