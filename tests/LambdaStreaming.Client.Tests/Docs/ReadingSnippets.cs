using System.Text;
using System.Text.Json.Serialization;

namespace LambdaStreaming.Tests.Docs;

/// <summary>The code of docs/reading.md. Each method runs in <see cref="ReadingDocsTests"/>.</summary>
internal sealed class ReadingSnippets(ILambdaStreamingClient client, Action<string> write)
{
    public async Task TokensInALineAsync(CancellationToken cancellationToken)
    {
        // begin: one-liner
        await foreach (var text in client.InvokeTextAsync("chat", """{"prompt":"Tell me of the sea"}""", cancellationToken))
        {
            Console.Write(text);
        }
        // end: one-liner
    }

    public async Task TokensAsync(InvokeWithResponseStreamRequest request, CancellationToken cancellationToken)
    {
        // begin: text
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        await foreach (var text in response.ReadTextAsync(cancellationToken))
        {
            Console.Write(text);
        }
        // end: text
    }

    public async Task ChatAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        // begin: openai
        await foreach (var item in response.ReadServerSentEventsAsync(ChatJson.Default.ChatChunk, cancellationToken))
        {
            Console.Write(item.Data?.Choices[0].Delta.Content);
        }
        // end: openai
    }

    public async Task ObjectsAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        // begin: json
        try
        {
            await foreach (var order in response.ReadJsonAsync(OrderJson.Default.Order, cancellationToken))
            {
                Console.WriteLine($"{order!.Id}: {order.Total}");
            }
        }
        catch (PayloadFormatException exception)
        {
            // The orders before it were delivered.
            Console.WriteLine($"Order {exception.ValueIndex} is broken at byte {exception.ByteOffset}.");
        }
        // end: json
    }

    public async Task DownloadAsync(InvokeWithResponseStreamResponse response, string path, CancellationToken cancellationToken)
    {
        // begin: download
        await using var file = File.Create(path);
        long bytes = 0;
        await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
        {
            foreach (var segment in chunk.Payload) await file.WriteAsync(segment, cancellationToken);
            bytes += chunk.Length;
            Console.Write($"\r{bytes / 1024} KiB");
        }
        // end: download
    }

    public async Task HttpAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        // begin: http
        await using var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken);
        Console.WriteLine($"{(int)http.StatusCode} {http.Headers.GetValueOrDefault("content-type")}");
        await foreach (var line in http.ReadLinesAsync(cancellationToken))
        {
            Console.WriteLine(line);
        }
        // end: http
    }

    public async Task OptionsAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        // begin: reading-options
        var options = new PayloadReadOptions { MaxLineBytes = 64 * 1024, Encoding = Encoding.Latin1 };
        await foreach (var line in response.ReadLinesAsync(options, cancellationToken))
        {
            Console.WriteLine(line);
        }
        // end: reading-options
    }

    public async Task TestAsync()
    {
        // begin: test
        await using var response = InvokeWithResponseStreamResponse.Create(
            ["data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\nda", "ta: [DONE]\n\n"],
            new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = "out of tokens" });

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(() => ChatAsync(response, CancellationToken.None));

        Assert.Equal("out of tokens", exception.ErrorDetails);
        // end: test
    }

    // The snippets say Console, as a reader would write; here it is the test's ear.
    private WriterConsole Console => new(write);

    private sealed class WriterConsole(Action<string> write)
    {
        public void Write(string? text) => write(text ?? "");

        public void WriteLine(string text) => write(text + "\n");
    }
}

// begin: chat-types
internal sealed record ChatChunk(IReadOnlyList<ChatChoice> Choices);

internal sealed record ChatChoice(ChatDelta Delta);

internal sealed record ChatDelta(string? Content);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ChatChunk))]
internal sealed partial class ChatJson : JsonSerializerContext;
// end: chat-types

internal sealed record Order(string Id, int Total);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Order))]
internal sealed partial class OrderJson : JsonSerializerContext;
