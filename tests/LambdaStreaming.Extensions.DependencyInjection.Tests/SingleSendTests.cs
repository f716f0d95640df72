using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.DependencyInjection.Tests;

/// <summary>Tests that no handler of an app sends a request twice.</summary>
/// <remarks>The server counts complete requests and resets the connection after each.</remarks>
public class SingleSendTests
{
    [Fact]
    public async Task InvokeWithResponseStreamAsync_StandardResilienceOnAllClients_SendsOneRequest()
    {
        await using var server = CreateResettingServer();
        await using var services = CreateServices(server, services =>
        {
            services.ConfigureHttpClientDefaults(http =>
                http.AddStandardResilienceHandler(options => options.Retry.Delay = TimeSpan.Zero));
            services.AddLambdaStreamingClient();
        });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);

        // The resilience handler was removed; the SendOnceHandler did not have to block a second send.
        Assert.DoesNotContain("second time", exception.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task InvokeWithResponseStreamAsync_RetryHandlerOnAllClients_SendsOneRequest(bool defaultsAfterwards)
    {
        await using var server = CreateResettingServer();
        await using var services = CreateServices(server, services =>
        {
            if (defaultsAfterwards) services.AddLambdaStreamingClient();
            services.ConfigureHttpClientDefaults(http => http.AddHttpMessageHandler(() => new RetryHandler(3)));
            if (!defaultsAfterwards) services.AddLambdaStreamingClient();
        });

        await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
    }

    // Handlers that an app adds to this client by name are kept. The innermost handler, SendOnceHandler, blocks their
    // second send, even if they have replaced the content that can be sent only once.
    [Theory]
    [InlineData(Rewrite.None)]
    [InlineData(Rewrite.BufferContent)]
    [InlineData(Rewrite.CopyWithOptions)]
    [InlineData(Rewrite.CopyWithoutOptions)]
    [InlineData(Rewrite.ReplaceContent)]
    public async Task InvokeWithResponseStreamAsync_RetryHandlerOnThisClient_SendsOneRequestAndReportsDuplicate(
        Rewrite rewrite)
    {
        await using var server = CreateResettingServer();
        await using var services = CreateServices(server, services => services.AddLambdaStreamingClient()
            .AddHttpMessageHandler(() => new RetryHandler(3))
            .AddHttpMessageHandler(() => new RewriteHandler(rewrite)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
        Assert.Contains("second time", exception.Message, StringComparison.Ordinal);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_RetryHandlerAndReplacedPrimaryHandler_SendsOneRequest()
    {
        await using var server = CreateResettingServer();
        await using var services = CreateServices(server, services => services.AddLambdaStreamingClient()
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false })
            .AddHttpMessageHandler(() => new RetryHandler(3))
            .AddHttpMessageHandler(() => new RewriteHandler(Rewrite.BufferContent)));

        await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_PrimaryHandlerContainsSendOnceHandler_SendsOneRequest()
    {
        await using var server = CreateResettingServer();
        await using var services = CreateServices(server, services => services.AddLambdaStreamingClient()
            .ConfigurePrimaryHttpMessageHandler(() => new RewriteHandler(Rewrite.None)
            {
                InnerHandler = new SendOnceHandler(new SocketsHttpHandler()),
            }));

        await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task InvokeWithResponseStreamAsync_AtLeastOncePolicy_RetriesAreSeparateAttempts()
    {
        await using var server = CreateResettingServer();
        await using var services = CreateServices(server, services => services.AddLambdaStreamingClient(options =>
            options.Retry = new LambdaRetryOptions
            {
                Policy = LambdaRetryPolicy.AtLeastOnce,
                MaxAttempts = 3,
                BaseDelay = TimeSpan.Zero,
            }));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(3, server.CompleteRequests);
        Assert.Equal(3, exception.Attempts);
    }

    private static RawServer CreateResettingServer() => new(async connection =>
    {
        if (await connection.ReadRequestAsync() is not null) connection.Reset();
    });

    private static ServiceProvider CreateServices(RawServer server, Action<IServiceCollection> add)
    {
        var services = new ServiceCollection();
        add(services);
        var stub = StubbedClient.Options();
        services.Configure<LambdaStreamingClientOptions>(options =>
        {
            options.ServiceUrl = server.Url;
            options.Region = stub.Region;
            options.Credentials = stub.Credentials;
            options.ConnectTimeout = stub.ConnectTimeout;
        });
        return services.BuildServiceProvider();
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(ServiceProvider services)
    {
        var request = InvokeWithResponseStreamRequest.FromJson("f", """{"pay":1}""");
        return services.GetRequiredService<ILambdaStreamingClient>()
            .InvokeWithResponseStreamAsync(request, TestContext.Current.CancellationToken);
    }

    public enum Rewrite
    {
        None,
        BufferContent,
        CopyWithOptions,
        CopyWithoutOptions,
        ReplaceContent,
    }

    /// <summary>Sends a request again after each failure.</summary>
    private sealed class RetryHandler(int maxAttempts) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            for (var remaining = maxAttempts - 1; ; remaining--)
            {
                try
                {
                    return await base.SendAsync(request, cancellationToken);
                }
                catch (Exception) when (remaining > 0)
                {
                    // Retry.
                }
            }
        }
    }

    /// <summary>Replaces the content that can be sent only once, in the ways of common handlers.</summary>
    private sealed class RewriteHandler(Rewrite rewrite) : DelegatingHandler
    {
        private byte[]? _body;

        protected override async Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken)
        {
            if (rewrite == Rewrite.BufferContent) await request.Content!.ReadAsStringAsync(cancellationToken);
            if (rewrite is Rewrite.None or Rewrite.BufferContent)
            {
                return await base.SendAsync(request, cancellationToken);
            }

            _body ??= rewrite == Rewrite.ReplaceContent
                ? """{"pay":1}"""u8.ToArray()
                : await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            var copy = new HttpRequestMessage(request.Method, request.RequestUri);
            copy.Content = new ByteArrayContent(_body);
            foreach (var header in request.Headers) copy.Headers.TryAddWithoutValidation(header.Key, header.Value);
            if (rewrite == Rewrite.CopyWithOptions)
            {
                foreach (var option in request.Options) ((IDictionary<string, object?>)copy.Options).Add(option);
            }

            return await base.SendAsync(copy, cancellationToken);
        }
    }
}
