using Moq;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code of docs/testing.md.</summary>
public sealed class TestingSnippets
{
    [Fact]
    public async Task FirstTest()
    {
        // begin: testing-first
        await using var lambda = await LocalLambdaServer.StartAsync(s => s.AddFunction("chat", async (invocation, response, ct) =>
        {
            await response.WriteTextAsync("Hello, ", ct);
            await response.WriteTextAsync(invocation.PayloadAsString(), ct);
        }));
        using var client = lambda.CreateClient();

        var text = await new Chat(client).AskAsync("\"Ada\"");

        Assert.Equal("Hello, \"Ada\"", text);
        // end: testing-first
    }

    [Fact]
    public async Task Faults()
    {
        // begin: testing-faults
        await using var lambda = await LocalLambdaServer.StartAsync(s => s
            .AddFunction("chat", async (invocation, response, ct) => await response.WriteTextAsync("Hello", ct))
            .OnCalls(1, 2).Throttle()
            .OnCall(3).TruncateAfterBytes(50, TruncationMode.Reset));
        using var client = lambda.CreateClient();

        // Two throttled attempts are repeated by the client; the third is cut amid the answer, and that is never repeated.
        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => new Chat(client).AskAsync("{}"));
        Assert.Equal([1, 2, 3], lambda.Requests.Select(request => request.Attempt));
        // end: testing-faults
    }

    [Fact]
    public async Task Requests()
    {
        // begin: testing-requests
        await using var lambda = await LocalLambdaServer.StartAsync(s => s.AddFunction("chat").OnEveryCall().StallAfterChunks(0));
        using var client = lambda.CreateClient();
        using var patience = new CancellationTokenSource();

        var asking = new Chat(client).AskAsync("{}", patience.Token);
        var request = await lambda.WaitForRequestAsync();
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking);
        await request.ClientDisconnected.WaitAsync(TimeSpan.FromSeconds(10));       // the connection was given up, not leaked
        // end: testing-requests
    }

    [Fact]
    public async Task Node()
    {
        Interop.NeedsNodeRuntime();
        var (functionFolder, runtimeInterfaceClient) = (Interop.Functions, Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric"));

        // begin: testing-node
        await using var lambda = await LocalLambdaServer.StartAsync(s => s
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
        var path = Path.GetTempFileName();

        // begin: testing-record
        await using (var response = await live.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("chat")))
        {
            await (await RecordedStream.RecordAsync(response)).SaveAsync(path);
        }

        var recording = await RecordedStream.LoadAsync(path);
        await using var lambda = await LocalLambdaServer.StartAsync(s => s.AddFunction("chat", recording, ReplayTiming.Immediate));
        // end: testing-record

        using var client = lambda.CreateClient();
        Assert.Equal("Hello, world", await new Chat(client).AskAsync("{}"));
        File.Delete(path);
    }

    [Fact]
    public async Task Hosts()
    {
        // begin: testing-hosts
        await using var lambda = await LocalLambdaServer.StartAsync(s =>
        {
            s.AllowedHosts.Add("host.docker.internal");
            s.AddFunction("chat");
        });
        // end: testing-hosts

        using var client = lambda.CreateClient();
        Assert.Equal("", await new Chat(client).AskAsync("{}"));
    }

    [Fact]
    public async Task Mock()
    {
        // begin: testing-mock
        var client = new Mock<ILambdaStreamingClient>();
        client.SetupSequence(c => c.InvokeWithResponseStreamAsync(It.IsAny<InvokeWithResponseStreamRequest>(), It.IsAny<CancellationToken>()))
            .ThrowsAsync(new TooManyRequestsException("slow down"))
            .ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hel", "lo"]))
            .ReturnsAsync(InvokeWithResponseStreamResponse.Create(["Hel"], failure: new ResponseStreamTruncatedException("cut")));
        var chat = new Chat(client.Object);

        await Assert.ThrowsAsync<TooManyRequestsException>(() => chat.AskAsync("{}"));
        Assert.Equal("Hello", await chat.AskAsync("{}"));
        await Assert.ThrowsAsync<ResponseStreamTruncatedException>(() => chat.AskAsync("{}"));
        // end: testing-mock
    }

    // begin: testing-app
    public sealed class Chat(ILambdaStreamingClient client)
    {
        public async Task<string> AskAsync(string json, CancellationToken cancellationToken = default)
        {
            await using var response = await client.InvokeWithResponseStreamAsync(InvokeWithResponseStreamRequest.FromJson("chat", json), cancellationToken);
            return await response.ReadAsStringAsync(cancellationToken: cancellationToken);
        }
    }
    // end: testing-app
}
