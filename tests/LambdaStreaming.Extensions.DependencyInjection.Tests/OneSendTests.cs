using Microsoft.Extensions.DependencyInjection;

namespace LambdaStreaming.DependencyInjection.Tests;

/// <summary>A function is run once, whatever handlers an app has: the server counts whole requests and resets the connection after each.</summary>
public class OneSendTests
{
    [Fact]
    public async Task Invoke_StandardResilienceOnAllClients_ResetAfterThePost_OneWholeRequest()
    {
        await using var server = ResettingServer();
        await using var services = Services(server, services =>
        {
            services.ConfigureHttpClientDefaults(http => http.AddStandardResilienceHandler(options => options.Retry.Delay = TimeSpan.Zero));
            services.AddLambdaStreamingClient();
        });

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.Contains("broke before an answer came", exception.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Invoke_ThreeTriesOnAllClients_ResetAfterThePost_OneWholeRequest(bool defaultsAfterwards)
    {
        await using var server = ResettingServer();
        await using var services = Services(server, services =>
        {
            if (defaultsAfterwards) services.AddLambdaStreamingClient();
            services.ConfigureHttpClientDefaults(http => http.AddHttpMessageHandler(() => new Tries(3)));
            if (!defaultsAfterwards) services.AddLambdaStreamingClient();
        });

        await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
    }

    // Handlers that are put on this client by name stay. What they do to get around the single-use content ends at the innermost handler.
    [Theory]
    [InlineData(Way.AsItIs)]
    [InlineData(Way.Buffered)]
    [InlineData(Way.CopiedWithItsOptions)]
    [InlineData(Way.CopiedBare)]
    [InlineData(Way.OtherContent)]
    public async Task Invoke_ThreeTriesOnThisClient_OneWholeRequestAndTheCallerIsTold(Way way)
    {
        await using var server = ResettingServer();
        await using var services = Services(server, services => services.AddLambdaStreamingClient().AddHttpMessageHandler(() => new Tries(3)).AddHttpMessageHandler(() => new Rewriter(way)));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
        Assert.Contains("a second time", exception.Message, StringComparison.Ordinal);
        Assert.True(exception.FunctionMayHaveRun);
        Assert.False(exception.IsSafeToRetry);
    }

    [Fact]
    public async Task Invoke_PrimaryHandlerReplacedToo_OneWholeRequest()
    {
        await using var server = ResettingServer();
        await using var services = Services(server, services => services.AddLambdaStreamingClient()
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false })
            .AddHttpMessageHandler(() => new Tries(3))
            .AddHttpMessageHandler(() => new Rewriter(Way.Buffered)));

        await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task Invoke_PrimaryHandlerHasASendOnceHandlerWithinIt_IsSent()
    {
        await using var server = ResettingServer();
        await using var services = Services(server, services => services.AddLambdaStreamingClient()
            .ConfigurePrimaryHttpMessageHandler(() => new Rewriter(Way.AsItIs) { InnerHandler = new SendOnceHandler(new SocketsHttpHandler()) }));

        await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(1, server.CompleteRequests);
    }

    [Fact]
    public async Task Invoke_ResendsAskedFor_AreAttemptsOfTheirOwn()
    {
        await using var server = ResettingServer();
        await using var services = Services(server, services => services.AddLambdaStreamingClient(options => options.Retry = new LambdaRetryOptions { Policy = LambdaRetryPolicy.AtLeastOnce, MaxAttempts = 3, BaseDelay = TimeSpan.Zero }));

        var exception = await Assert.ThrowsAsync<LambdaTransportException>(() => InvokeAsync(services));

        Assert.Equal(3, server.CompleteRequests);
        Assert.Equal(3, exception.Attempts);
    }

    private static RawServer ResettingServer() => new(async connection =>
    {
        if (await connection.ReadRequestAsync() is not null) connection.Reset();
    });

    private static ServiceProvider Services(RawServer server, Action<IServiceCollection> add)
    {
        var services = new ServiceCollection();
        add(services);
        var stub = StubbedClient.Options();
        services.Configure<LambdaStreamingClientOptions>(options => (options.ServiceUrl, options.Region, options.Credentials) = (server.Url, stub.Region, stub.Credentials));
        return services.BuildServiceProvider();
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(ServiceProvider services) =>
        services.GetRequiredService<ILambdaStreamingClient>().InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("f", """{"pay":1}"""), TestContext.Current.CancellationToken);

    public enum Way
    {
        AsItIs,
        Buffered,
        CopiedWithItsOptions,
        CopiedBare,
        OtherContent,
    }

    /// <summary>Sends again whatever happens, as often as it may.</summary>
    private sealed class Tries(int count) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            for (var left = count - 1; ; left--)
            {
                try
                {
                    return await base.SendAsync(request, cancellationToken);
                }
                catch (Exception) when (left > 0)
                {
                    // Again.
                }
            }
        }
    }

    /// <summary>Takes the single-use content out of the way, in the ways that handlers in the wild do.</summary>
    private sealed class Rewriter(Way way) : DelegatingHandler
    {
        private byte[]? _body;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (way == Way.Buffered) await request.Content!.ReadAsStringAsync(cancellationToken);
            if (way is Way.AsItIs or Way.Buffered) return await base.SendAsync(request, cancellationToken);

            _body ??= way == Way.OtherContent ? """{"pay":1}"""u8.ToArray() : await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Content = new ByteArrayContent(_body) };
            foreach (var header in request.Headers) copy.Headers.TryAddWithoutValidation(header.Key, header.Value);
            if (way == Way.CopiedWithItsOptions)
            {
                foreach (var option in request.Options) ((IDictionary<string, object?>)copy.Options).Add(option);
            }

            return await base.SendAsync(copy, cancellationToken);
        }
    }
}
