using System.Text.Json.Nodes;

namespace LambdaStreaming.Http.Tests.Clients;

/// <summary>A function that is compatible with OpenAI's chat completions.</summary>
internal static class ChatFunction
{
    /// <summary>Starts a function that streams "first" and "second".</summary>
    public static Task<WebFunction> StartAsync(Fault? fault = null) => WebFunction.StartAsync(RunAsync, fault);

    private static async Task RunAsync(
        WebFunction web,
        HttpFunctionRequest request,
        HttpFunctionResponse response,
        CancellationToken cancellationToken)
    {
        Assert.Equal("/v1/chat/completions", request.Path);
        Assert.Equal("Bearer key", request.Header("authorization"));
        Assert.True(request.Json.GetProperty("stream").GetBoolean());
        response.Headers["Content-Type"] = "text/event-stream";
        await response.WriteEventAsync(Chunk("first", null), cancellationToken);
        await web.MiddleAsync(response, cancellationToken);
        await response.WriteEventAsync(Chunk("second", null), cancellationToken);
        await response.WriteEventAsync(Chunk(null, "stop"), cancellationToken);
        await response.WriteEventAsync("[DONE]", cancellationToken);
    }

    private static string Chunk(string? content, string? finishReason) => new JsonObject
    {
        ["id"] = "1",
        ["object"] = "chat.completion.chunk",
        ["created"] = 0,
        ["model"] = "m",
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["delta"] = content is null ? [] : new JsonObject { ["content"] = content },
            ["finish_reason"] = finishReason,
        }),
    }.ToJsonString();
}
