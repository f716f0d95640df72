using System.Net;
using Amazon.Runtime;
using LambdaStreaming.Tool.Tests;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Moq;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/testing.md.</summary>
public sealed class TestingSnippets
{
    [Fact]
    public async Task Idle()
    {
        // begin: testing-idle
        var clock = new FakeTimeProvider();
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.TimeProvider = clock;
            server.AddFunction("chat", (_, response, token) => response.WriteTextAsync("Hel", token))
                .OnEveryCall().StallAfterChunks(1);
        });
        using var client = lambda.CreateClient(options => options.IdleTimeout = TimeSpan.FromSeconds(30));

        await using var texts = client.InvokeTextAsync("chat").GetAsyncEnumerator();
        Assert.True(await texts.MoveNextAsync());
        var next = texts.MoveNextAsync().AsTask();     // waits, so the timer is running
        clock.Advance(TimeSpan.FromSeconds(30));

        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => next);
        // end: testing-idle
    }

    [Fact]
    public async Task HeadersTimeout()
    {
        // begin: testing-headers-timeout
        var clock = new FakeTimeProvider();
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.TimeProvider = clock;
            server.AddFunction("chat").OnEveryCall().StallBeforeHeaders();
        });
        using var client = lambda.CreateClient(options => options.ResponseHeadersTimeout = TimeSpan.FromSeconds(30));

        var asking = new Chat(client).AskAsync("{}");
        await lambda.WaitForRequestAsync();            // the timer is running
        clock.Advance(TimeSpan.FromSeconds(30));

        var failure = await Assert.ThrowsAsync<LambdaTransportException>(() => asking);
        Assert.IsType<TimeoutException>(failure.InnerException);
        // end: testing-headers-timeout
    }

    /// <summary>The section about failures before a request is sent.</summary>
    [Fact]
    public async Task FailuresBeforeSending()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction("chat"));
        using var withoutServer = lambda.CreateClient(options =>
        {
            options.ServiceUrl = new Uri("http://127.0.0.1:1");
            options.Retry.BaseDelay = TimeSpan.Zero;
        });
        using var withoutCredentials = lambda.CreateClient(options => options.Credentials = new MissingCredentials());

        await Assert.ThrowsAsync<LambdaConfigurationException>(() => new Chat(withoutCredentials).AskAsync("{}"));
        var refused = await Assert.ThrowsAsync<LambdaTransportException>(() => new Chat(withoutServer).AskAsync("{}"));

        Assert.False(refused.FunctionMayHaveRun);
        Assert.Empty(lambda.Requests);
    }

    /// <summary>The section about one server for several tests.</summary>
    [Fact]
    public async Task SharedServer()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction("other"));
        using var client = lambda.CreateClient(options => options.Retry.Policy = LambdaRetryPolicy.Never);

        lambda.AddFunction("chat", Write("first")).OnCall(1).Throttle();
        await Assert.ThrowsAsync<TooManyRequestsException>(() => new Chat(client).AskAsync("{}"));
        Assert.Equal("first", await new Chat(client).AskAsync("{}"));
        lambda.AddFunction("chat", Write("second")).OnCall(2).Throttle();
        Assert.Equal("second", await new Chat(client).AskAsync("{}"));
        await Assert.ThrowsAsync<TooManyRequestsException>(() => new Chat(client).AskAsync("{}"));
        lambda.AddFunction("chat", Write("third"));
        Assert.Equal("third", await new Chat(client).AskAsync("{}"));
        Assert.Equal("third", await new Chat(client).AskAsync("{}"));

        static FunctionHandler Write(string text) => (_, response, token) => response.WriteTextAsync(text, token);
    }

    [Fact]
    public async Task FirstTest()
    {
        // begin: testing-first
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.AddFunction("chat", async (invocation, response, cancellationToken) =>
            {
                await response.WriteTextAsync("Hello, ", cancellationToken);
                await response.WriteTextAsync(invocation.PayloadAsString(), cancellationToken);
            });
        });
        using var client = lambda.CreateClient();

        var text = await new Chat(client).AskAsync("\"Ada\"");

        Assert.Equal("Hello, \"Ada\"", text);
        // end: testing-first
    }

    [Fact]
    public async Task Faults()
    {
        // begin: testing-faults
        await using var lambda = await LocalLambdaServer.StartAsync(server => server
            .AddFunction("chat", async (_, response, cancellationToken) =>
            {
                await response.WriteTextAsync("Hello", cancellationToken);
            })
            .OnCalls(1, 2).Throttle()
            .OnCall(3).TruncateAfterBytes(50, TruncationMode.Close));
        using var client = lambda.CreateClient();

        // The client retries the two throttled attempts, but never a truncated response such as the third.
        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => new Chat(client).AskAsync("{}"));
        Assert.Equal([1, 2, 3], lambda.Requests.Select(request => request.Attempt));
        // end: testing-faults
    }

    [Fact]
    public async Task Requests()
    {
        // begin: testing-requests
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("chat").OnEveryCall().StallAfterChunks(0));
        using var client = lambda.CreateClient();
        using var cancellation = new CancellationTokenSource();

        var asking = new Chat(client).AskAsync("{}", cancellation.Token);
        var request = await lambda.WaitForRequestAsync();
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);

        // The client has closed the connection.
        await request.ClientDisconnected.WaitAsync(TimeSpan.FromSeconds(10));
        // end: testing-requests
    }

    [Fact]
    public async Task Node()
    {
        Interop.NeedsNodeRuntime();
        var functionFolder = Interop.Functions;
        var runtimeInterfaceClient = Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric");

        // begin: testing-node
        await using var lambda = await LocalLambdaServer.StartAsync(server => server
            .AddFunction("chat", RuntimeProcessOptions.Node(functionFolder, "index.text", runtimeInterfaceClient))
            .WithTimeout(TimeSpan.FromSeconds(30)));
        using var client = lambda.CreateClient();

        var text = await new Chat(client).AskAsync("""{"name":"Ada"}""");
        // end: testing-node

        Assert.StartsWith("hello Ada, ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Record()
    {
        using var live = new LambdaStreamingClient();
        using var folder = new TemporaryFolder();
        var path = folder.File("recording");

        // begin: testing-record
        var request = new InvokeWithResponseStreamRequest("chat");
        await using (var response = await live.InvokeWithResponseStreamAsync(request))
        {
            await (await RecordedStream.RecordAsync(response)).SaveAsync(path);
        }

        var recording = await RecordedStream.LoadAsync(path);
        await using var lambda = await LocalLambdaServer.StartAsync(
            server => server.AddFunction("chat", recording, ReplayTiming.Immediate));
        // end: testing-record

        using var client = lambda.CreateClient();
        Assert.Equal("Hello, world", await new Chat(client).AskAsync("{}"));
    }

    [Fact]
    public async Task Hosts()
    {
        // begin: testing-hosts
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.AllowedHosts.Add("host.docker.internal");
            server.AddFunction("chat");
        });
        // end: testing-hosts

        using var client = lambda.CreateClient();
        Assert.Equal("", await new Chat(client).AskAsync("{}"));
    }

    [Fact]
    public async Task Retries()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.TimeProvider = new FakeTimeProvider(DateTimeOffset.UtcNow);
            server.AddFunction("chat").OnCalls(1, 2).Throttle();
        });
        // begin: testing-retries
        using var client = lambda.CreateClient(options =>
        {
            options.Retry.BaseDelay = TimeSpan.Zero;
            options.Retry.ThrottlingBaseDelay = TimeSpan.Zero;
        });
        // end: testing-retries

        // The clock does not advance, so the client cannot have waited.
        Assert.Equal("", await new Chat(client).AskAsync("{}"));
        Assert.Equal(3, lambda.Requests.Count);
    }

    [Fact]
    public async Task Container()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
            server.AddFunction("chat", (_, response, token) => response.WriteTextAsync("Hello", token)));
        var services = new ServiceCollection();
        // begin: testing-services
        services.AddLambdaStreamingClient(lambda.ApplyTo);
        // end: testing-services
        await using var provider = services.AddSingleton<Chat>().BuildServiceProvider();

        Assert.Equal("Hello", await provider.GetRequiredService<Chat>().AskAsync("{}"));
    }

    [Fact]
    public async Task WebApp()
    {
        // begin: testing-web-app
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
            server.AddFunction("chat", (_, response, token) => response.WriteTextAsync("Hello", token)));
        await using var app = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
            builder.ConfigureTestServices(services =>
                services.PostConfigureAll<LambdaStreamingClientOptions>(lambda.ApplyTo)));
        using var browser = app.CreateClient();

        var text = await browser.GetStringAsync(new Uri("/chat", UriKind.Relative));

        Assert.Equal("Hello", text);
        Assert.Single(lambda.Requests);     // the app called the local server
        // end: testing-web-app
    }

    /// <summary>The app registers its client as the first program of docs/aspnetcore.md does.</summary>
    [Fact]
    public async Task WebApp_ClientOfTheApp_IsReplaced()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
            server.AddFunction("chat", (_, response, token) => response.WriteTextAsync("Hello", token)));
        await using var app = CreateAppWithItsOwnClient(services =>
        {
            // begin: testing-web-app-client
            services.AddSingleton<ILambdaStreamingClient>(_ => lambda.CreateClient());
            // end: testing-web-app-client
        });
        using var browser = app.CreateClient();

        Assert.Equal("Hello", await browser.GetStringAsync(new Uri("/chat", UriKind.Relative)));
        Assert.Single(lambda.Requests);
    }

    /// <summary>The reason for the warning of the page. The server of the environment represents AWS.</summary>
    [Fact]
    public async Task WebApp_ClientOfTheApp_IgnoresRegisteredOptions()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction("chat"));
        await using var app = CreateAppWithItsOwnClient(services =>
            services.PostConfigureAll<LambdaStreamingClientOptions>(lambda.ApplyTo));
        using var browser = app.CreateClient();

        Assert.Equal("Hello, world", await browser.GetStringAsync(new Uri("/chat", UriKind.Relative)));
        Assert.Empty(lambda.Requests);
    }

    [Fact]
    public async Task Invoke()
    {
        await using var lambda = await LocalLambdaServer.StartAsync(server =>
        {
            server.VerifySignatures = false;
            server.AddFunction("chat", (_, response, token) => response.WriteTextAsync("\"Hello\"", token));
        });
        using var http = new HttpClient { BaseAddress = lambda.ServiceUrl };
        using var content = new StringContent("{}");
        content.Headers.Add("X-Amz-Invocation-Type", "Event");
        using var accepted = await http.PostAsync(
            new Uri("/2015-03-31/functions/chat/invocations", UriKind.Relative),
            content,
            TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);

        // begin: testing-event
        var request = await lambda.WaitForRequestAsync(request => request.Operation == LambdaOperation.Invoke);
        await request.Completed.WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Null(request.FunctionErrorCode);
        // end: testing-event
    }

    [Fact]
    public async Task LocalFunctions()
    {
        // The project of the page does not exist here.
        await Assert.ThrowsAsync<FunctionBuildException>(async () =>
        {
            // begin: local-functions-test
            // BaseDirectory is bin/Debug/net10.0 in the folder of the test project, which is next to the folder src.
            var source = Path.Combine(AppContext.BaseDirectory, "../../../../src");
            await using var lambda = await LocalLambdaServer.StartAsync(server =>
            {
                var chat = RuntimeProcessOptions.DotNet(Path.Combine(source, "Chat"));
                server.AddFunction("chat", chat with { RestartOnChange = true });
                server.AddFunction("summary", new RuntimeProcessOptions("python3")
                {
                    Arguments = ["bootstrap.py"],
                    TaskRoot = Path.Combine(source, "Summary"),
                });
            });
            // end: local-functions-test
        });
    }

    [Fact]
    public async Task Mock()
    {
        // begin: testing-mock
        var client = new Mock<ILambdaStreamingClient>();
        var failure = new ResponseStreamTruncatedException("truncated");
        client
            .SetupSequence(mock => mock.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(),
                It.IsAny<CancellationToken>()))
            .ThrowsAsync(new TooManyRequestsException("slow down"))
            .ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hel", "lo"]))
            .ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hel"], failure: failure));
        var chat = new Chat(client.Object);

        await Assert.ThrowsAsync<TooManyRequestsException>(() => chat.AskAsync("{}"));
        Assert.Equal("Hello", await chat.AskAsync("{}"));
        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chat.AskAsync("{}"));
        // end: testing-mock
    }

    [Fact]
    public async Task MockIdleTimeout()
    {
        var client = new Mock<ILambdaStreamingClient>();
        client
            .Setup(mock => mock.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(),
                It.IsAny<CancellationToken>()))
            .ReturnsAsync(InvokeWithResponseStreamResponse.Create(
                ["Hel"],
                failure: new ResponseStreamIdleTimeoutException("idle")));

        await Assert.ThrowsAsync<ResponseStreamIdleTimeoutException>(() => new Chat(client.Object).AskAsync("{}"));
    }

    private static WebApplicationFactory<Program> CreateAppWithItsOwnClient(Action<IServiceCollection> configure) =>
        new WebApplicationFactory<Program>().WithWebHostBuilder(builder => builder
            .UseSetting("OwnClient", "true")
            .ConfigureTestServices(configure));

    private sealed class MissingCredentials : AWSCredentials
    {
        public override ImmutableCredentials GetCredentials() => throw new AmazonClientException("no keys");
    }

    // begin: testing-app
    public sealed class Chat(ILambdaStreamingClient client)
    {
        public async Task<string> AskAsync(string json, CancellationToken cancellationToken = default)
        {
            var request = InvokeWithResponseStreamRequest.FromJson("chat", json);
            await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
            return await response.ReadAsStringAsync(cancellationToken: cancellationToken);
        }
    }
    // end: testing-app
}
