using System.Collections.Concurrent;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>The official MCP client over the handler, with an MCP server that is a function.</summary>
public sealed class ModelContextProtocolTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CallToolAsync_ListsToolsAndReportsProgressAsItArrives()
    {
        await using var web = await WebFunction.StartAsync(ServeAsync);
        await using var client = await ConnectAsync(web);

        var tool = Assert.Single(await client.ListToolsAsync(cancellationToken: Token));
        Assert.Equal("count", tool.Name);
        var progress = new FirstProgress(web);
        var result = await client.CallToolAsync("count", progress: progress, cancellationToken: Token)
            .AsTask().WaitAsync(WebFunction.TooLong, Token);

        Assert.Equal("done", Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text);
        Assert.Equal([1f], progress.Values);
    }

    // Only faults that the function itself causes. The local server would inject its faults into the other calls of the
    // MCP client, too.
    [Theory]
    [InlineData(Fault.Close)]
    [InlineData(Fault.Reset)]
    [InlineData(Fault.EndOfBody)]
    [InlineData(Fault.FunctionError)]
    [InlineData(Fault.Idle)]
    public async Task CallToolAsync_FaultInTheMiddle_Throws(Fault fault)
    {
        await using var web = await WebFunction.StartAsync(ServeAsync, clock: WebFunction.CreateClock(fault));
        await using var client = await ConnectAsync(web);
        web.Inject(fault);
        var progress = new FirstProgress(web);

        await Assert.ThrowsAsync<McpException>(
            () => client.CallToolAsync("count", progress: progress, cancellationToken: Token)
                .AsTask().WaitAsync(WebFunction.TooLong, Token));
    }

    private static Task<McpClient> ConnectAsync(WebFunction web) => McpClient.CreateAsync(
        new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Endpoint = new Uri("https://web/mcp"),
                TransportMode = HttpTransportMode.StreamableHttp,
            },
            web.Http),
        cancellationToken: Token);

    private static async Task ServeAsync(
        WebFunction web,
        HttpFunctionRequest request,
        HttpFunctionResponse response,
        CancellationToken cancellationToken)
    {
        if (request.Method != "POST")
        {
            response.StatusCode = 405;
            return;
        }

        response.Headers["Content-Type"] = "application/json";
        var method = request.Json.GetProperty("method").GetString();
        if (method == "tools/call") await CallAsync(web, request, response, cancellationToken);
        else if (method == "tools/list") await response.WriteAsync(Result(request, Tools), cancellationToken);
        else if (method == "server/discover") await response.WriteAsync(Result(request, Discovery), cancellationToken);
        else response.StatusCode = 202;
    }

    private static async Task CallAsync(
        WebFunction web,
        HttpFunctionRequest request,
        HttpFunctionResponse response,
        CancellationToken cancellationToken)
    {
        var progressToken = request.Json.GetProperty("params").GetProperty("_meta").GetProperty("progressToken");
        response.Headers["Content-Type"] = "text/event-stream";
        await response.WriteEventAsync(Progress(progressToken), cancellationToken);
        await web.MiddleAsync(response, cancellationToken);
        await response.WriteEventAsync(Result(request, Done), cancellationToken);
    }

    private const string Discovery =
        """
        {
          "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
          "serverInfo": { "name": "f", "version": "1" }, "ttlMs": 0, "cacheScope": "private"
        }
        """;

    private const string Tools =
        """
        {
          "resultType": "complete", "tools": [{ "name": "count", "inputSchema": { "type": "object" } }],
          "ttlMs": 0, "cacheScope": "private"
        }
        """;

    private const string Done = """{"resultType":"complete","content":[{"type":"text","text":"done"}]}""";

    private static string Progress(JsonElement token)
    {
        var parameters = $$"""{"progressToken":{{token.GetRawText()}},"progress":1,"total":2}""";
        return $$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{{parameters}}}""";
    }

    private static string Result(HttpFunctionRequest request, string result) =>
        $$"""{"jsonrpc":"2.0","id":{{request.Json.GetProperty("id").GetRawText()}},"result":{{result}}}""";

    private sealed class FirstProgress(WebFunction web) : IProgress<ProgressNotificationValue>
    {
        private readonly ConcurrentQueue<float> _values = [];

        public IEnumerable<float> Values => _values;

        public void Report(ProgressNotificationValue value)
        {
            _values.Enqueue(value.Progress);
            web.FirstPartSeen();
        }
    }
}
