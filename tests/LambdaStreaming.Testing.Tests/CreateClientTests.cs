using System.Net;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace LambdaStreaming.Testing.Tests;

public class CreateClientTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CreateClient_Invocation_StreamsTheResponse()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("hello", async (invocation, response, cancellationToken) =>
            {
                await response.WriteTextAsync("you said ", cancellationToken);
                await response.WriteAsync(invocation.Payload, cancellationToken);
            }),
            Token);
        using var client = server.CreateClient();

        var request = InvokeWithResponseStreamRequest.FromJson("hello", "\"hi\"");
        await using var response = await client.InvokeWithResponseStreamAsync(request, Token);

        Assert.Equal("you said \"hi\"", await ReadAsync(response));
        Assert.NotNull(response.InvokeComplete);
    }

    [Fact]
    public async Task CreateClient_TwoHundredConcurrentCalls_ReceiveCompleteResponses()
    {
        await using var server = await LocalLambdaServer.StartAsync(
            s => s.AddFunction("counts", async (invocation, response, cancellationToken) =>
            {
                var payload = invocation.PayloadAsString();
                for (var i = 0; i < 50; i++) await response.WriteTextAsync($"{payload}:{i} ", cancellationToken);
            }),
            Token);
        using var client = server.CreateClient();

        var texts = await Task.WhenAll(Enumerable.Range(0, 200).Select(async n =>
        {
            var request = InvokeWithResponseStreamRequest.FromJson("counts", $"{n}");
            await using var response = await client.InvokeWithResponseStreamAsync(request, Token);
            return await ReadAsync(response);
        }));

        var expected = Enumerable.Range(0, 200).Select(n =>
            string.Concat(Enumerable.Range(0, 50).Select(i => $"{n}:{i} ")));
        Assert.Equal(expected, texts);
        Assert.Equal(200, server.Requests.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ApplyTo_OptionsOfAnApp_ClientCallsTheServer(bool useHttps)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-30));
        await using var server = await LocalLambdaServer.StartAsync(
            s =>
            {
                s.UseHttps = useHttps;
                // A certificate is valid only now.
                s.TimeProvider = useHttps ? TimeProvider.System : clock;
                s.AddFunction("hello", (_, response, cancellationToken) =>
                    response.WriteTextAsync("hello", cancellationToken));
            },
            Token);
        var handlers = 0;
        var options = new LambdaStreamingClientOptions
        {
            Profile = "production",
            Region = Amazon.RegionEndpoint.EUWest1,
            ServiceUrl = new Uri("https://lambda.example"),
            UseFipsEndpoint = true,
            UseDualStackEndpoint = true,
            ConfigureHandler = _ => handlers++,
            IdleTimeout = TimeSpan.FromSeconds(77),
        };

        server.ApplyTo(options);
        using var client = new LambdaStreamingClient(options);
        await using var response = await client.InvokeWithResponseStreamAsync(new("hello"), Token);

        Assert.Equal("hello", await ReadAsync(response));
        Assert.Equal((1, TimeSpan.FromSeconds(77)), (handlers, options.IdleTimeout));
        Assert.Equal(TimeSpan.FromMinutes(1), options.ConnectTimeout);
    }

    [Fact]
    public async Task ApplyTo_MachineHasAProxy_IsNotUsedUnlessACallbackSetsItLater()
    {
        await using var server = await LocalLambdaServer.StartAsync(_ => { }, Token);
        var options = new LambdaStreamingClientOptions();
        var proxy = new WebProxy("http://proxy.example");
        using var handler = new SocketsHttpHandler();

        server.ApplyTo(options);
        options.ConfigureHandler!(handler);
        var isBypassed = handler.Proxy!.IsBypassed(server.ServiceUrl);
        options.ConfigureHandler += handler => handler.Proxy = proxy;
        options.ConfigureHandler(handler);

        Assert.True(isBypassed);
        Assert.Same(proxy, handler.Proxy);
    }

    private static async Task<string> ReadAsync(InvokeWithResponseStreamResponse response)
    {
        var text = new StringBuilder();
        await foreach (var chunk in response.ReadChunksAsync(Token))
            text.Append(Encoding.UTF8.GetString(chunk.ToArray()));
        return text.ToString();
    }
}
