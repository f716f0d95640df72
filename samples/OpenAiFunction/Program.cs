using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json.Nodes;
using LambdaStreaming.Http;
using LambdaStreaming.Testing;
using OpenAI;
using OpenAI.Chat;

// A private function that is compatible with OpenAI's chat completions. To call a function on AWS, use
// new LambdaStreamingClient() and no local server.
await using var server = await LocalLambdaServer.StartAsync(
    options => options.AddFunction("my-llm", CompleteChatAsync));
using var client = server.CreateClient();

using var http = new HttpClient(new LambdaHttpHandler(client, "my-llm")) { Timeout = Timeout.InfiniteTimeSpan };
var chat = new ChatClient("my-model", new ApiKeyCredential("unused"), new OpenAIClientOptions
{
    Endpoint = new Uri("https://my-llm/v1"),
    Transport = new HttpClientPipelineTransport(http),

    // By default, OpenAI's client sends a failed request up to 4 times, and the function runs again.
    RetryPolicy = new ClientRetryPolicy(maxRetries: 0),

    // The default of 100 s also limits each read. A function can be idle for longer.
    NetworkTimeout = Timeout.InfiniteTimeSpan,
});

await foreach (var update in chat.CompleteChatStreamingAsync("How do I call a private function?"))
{
    foreach (var part in update.ContentUpdate) Console.Write(part.Text);
}

Console.WriteLine();

static async Task CompleteChatAsync(
    FunctionInvocation invocation, FunctionResponse response, CancellationToken cancellationToken)
{
    // The HttpClient's request arrives as a function URL event; the HTTP body is in its `body` member.
    var functionUrlEvent = JsonNode.Parse(invocation.Payload.Span)!;
    var question = JsonNode.Parse((string)functionUrlEvent["body"]!)!["messages"]![0]!["content"];
    var headers = new Dictionary<string, string> { ["Content-Type"] = "text/event-stream" };
    await response.WriteHttpPreludeAsync(200, headers, cookies: null, cancellationToken);

    foreach (var word in $"You asked: {question} With an HttpClient, word by word.".Split(' '))
    {
        await WriteChunkAsync(new JsonObject { ["content"] = word + " " }, finishReason: null);
        await Task.Delay(60, cancellationToken);
    }

    await WriteChunkAsync([], finishReason: "stop");
    await response.WriteServerSentEventAsync("[DONE]", cancellationToken: cancellationToken);

    Task WriteChunkAsync(JsonObject delta, string? finishReason)
    {
        var choice = new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finishReason };
        var chunk = new JsonObject { ["id"] = "1", ["choices"] = new JsonArray(choice) };
        return response.WriteServerSentEventAsync(chunk.ToJsonString(), cancellationToken: cancellationToken);
    }
}
