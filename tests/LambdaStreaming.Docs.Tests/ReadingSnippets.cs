using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Amazon.S3.Transfer;
using LambdaStreaming.Tool.Tests;
using Moq;

namespace LambdaStreaming.Docs.Tests;

/// <summary>The code in docs/reading.md.</summary>
public sealed class ReadingSnippets
{
    private readonly RecordingConsole _console = new();

    private RecordingConsole Console => _console;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task OneLiner()
    {
        var (client, cancellationToken) = (Client("To", "kens"), Ct);

        // begin: one-liner
        var json = """{"prompt":"Tell me about the sea"}""";
        await foreach (var text in client.InvokeTextAsync("chat", json, cancellationToken: cancellationToken))
        {
            Console.Write(text);
        }
        // end: one-liner

        Assert.Equal("Tokens", _console.Text);
    }

    [Fact]
    public async Task Text()
    {
        var (client, request, cancellationToken) =
            (Client("To", "kens"), new InvokeWithResponseStreamRequest("chat"), Ct);

        // begin: text
        await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
        await foreach (var text in response.ReadTextAsync(cancellationToken: cancellationToken))
        {
            Console.Write(text);
        }
        // end: text

        Assert.Equal("Tokens", _console.Text);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task ServerSentEvents(bool hasError)
    {
        var response = Response(
            "data: {\"choices\":[]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n",
            "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
            hasError ? "data: {\"error\":{\"message\":\"overloaded\"}}\n\n" : "data: [DONE]\n\n");
        var cancellationToken = Ct;

        if (!hasError) await RunAsync();
        else await Assert.ThrowsAsync<InvalidOperationException>(RunAsync);

        Assert.Equal("Hi", _console.Text);

        async Task RunAsync()
        {
            // begin: openai
            var chunkType = ChatJson.Default.ChatChunk;
            var events = response.ReadServerSentEventsAsync(chunkType, cancellationToken: cancellationToken);
            await foreach (var item in events)
            {
                if (item.Data?.Error is { } error) throw new InvalidOperationException(error.Message);
                if (item.Data?.Choices is [{ Delta.Content: { } text }, ..]) Console.Write(text);
            }
            // end: openai
        }
    }

    [Fact]
    public async Task Json()
    {
        var (response, cancellationToken) =
            (Response("{\"id\":\"a\",\"total\":1}\n{\"id\":\"b\",\"to", "tal\":x}"), Ct);

        // begin: json
        try
        {
            var orderType = OrderJson.Default.Order;
            await foreach (var order in response.ReadJsonValuesAsync(orderType, cancellationToken: cancellationToken))
            {
                Console.WriteLine($"{order!.Id}: {order.Total}");
            }
        }
        catch (PayloadFormatException exception)
        {
            // The previous orders have been delivered.
            Console.WriteLine($"Order {exception.ValueIndex} is invalid at byte {exception.ByteOffset}.");
        }
        // end: json

        Assert.Equal("a: 1\nOrder 1 is invalid at byte 39.\n", _console.Text);
    }

    [Fact]
    public async Task JsonTyped()
    {
        var client = Client("{\"id\":\"a\",\"total\":1}\n{\"id\":\"b\",\"to", "tal\":2}");

        // begin: json-typed
        var (query, types) = (new Query("open"), OrderJson.Default);
        await foreach (var order in client.InvokeJsonValuesAsync("orders", query, types.Query, types.Order))
        {
            Console.WriteLine($"{order!.Id}: {order.Total}");
        }
        // end: json-typed

        Assert.Equal("a: 1\nb: 2\n", _console.Text);
    }

    [Fact]
    public async Task JsonWithReflection()
    {
        var (response, cancellationToken) = (Response("{\"id\":\"a\",\"total\":1}"), Ct);

        // begin: json-reflection
        var json = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        };
        var orderType = (JsonTypeInfo<Order>)json.GetTypeInfo(typeof(Order));
        await foreach (var order in response.ReadJsonValuesAsync(orderType, cancellationToken: cancellationToken))
        {
            Console.WriteLine($"{order!.Id}: {order.Total}");
        }
        // end: json-reflection

        Assert.Equal("a: 1\n", _console.Text);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Download(bool isComplete)
    {
        var (received, cancellationToken) = (new string('a', 1024) + new string('b', 1024), Ct);
        using var folder = new TemporaryFolder();
        var path = folder.Write("download", "previous");
        var response = InvokeWithResponseStreamResponse.Create(
            [received[..1024], received[1024..]],
            failure: isComplete ? null : new ResponseStreamTruncatedException("truncated"));

        if (isComplete) await RunAsync();
        else await Assert.ThrowsAsync<ResponseStreamTruncatedException>(RunAsync);

        Assert.Equal("\r1 KiB\r2 KiB", _console.Text);
        Assert.Equal(isComplete ? received : "previous", await File.ReadAllTextAsync(path, Ct));
        Assert.Equal(isComplete ? ["download"] : ["download", "download.tmp"], folder.Files());
        if (!isComplete) Assert.Equal(received, await File.ReadAllTextAsync(path + ".tmp", Ct));

        async Task RunAsync()
        {
            // begin: download
            var temporary = path + ".tmp";
            await using (var file = File.Create(temporary))
            {
                long bytes = 0;
                await foreach (var chunk in response.ReadChunksAsync(cancellationToken))
                {
                    foreach (var segment in chunk.Payload) await file.WriteAsync(segment, cancellationToken);
                    bytes += chunk.Length;
                    Console.Write($"\r{bytes / 1024} KiB");
                }
            }

            File.Move(temporary, path, overwrite: true);     // the response was complete, and the file is closed
            // end: download
        }
    }

    [Theory]
    [InlineData(null, "initiate, part 1, complete")]
    [InlineData(1, "initiate, abort")]
    [InlineData(6 * 1024 * 1024, "initiate, part 1, abort")]
    public async Task UploadToS3(int? bytesBeforeFailure, string expectedRequests)
    {
        var service = new LocalS3();
        using var s3 = service.CreateClient();
        var cancellationToken = Ct;
        var response = InvokeWithResponseStreamResponse.Create(
            [new string('a', bytesBeforeFailure ?? 10)],
            failure: bytesBeforeFailure is null ? null : new ResponseStreamTruncatedException("truncated"));

        if (bytesBeforeFailure is null) await RunAsync();
        else await Assert.ThrowsAsync<ResponseStreamTruncatedException>(RunAsync);

        Assert.Equal(expectedRequests, string.Join(", ", service.Requests));

        async Task RunAsync()
        {
            // begin: export-to-bucket
            using var transfer = new TransferUtility(s3);
            var upload = new TransferUtilityUploadRequest
            {
                BucketName = "my-bucket",
                Key = "report.csv",
                InputStream = response.AsStream(),
            };
            await transfer.UploadAsync(upload, cancellationToken);
            // end: export-to-bucket
        }
    }

    [Fact]
    public async Task Http()
    {
        var response = Response(
            "{\"statusCode\":404,\"headers\":{\"Content-Type\":\"text/plain\"}}\0\0\0\0",
            "\0\0\0\0none\n");
        var cancellationToken = Ct;

        // begin: http
        await using var http = await response.ReadHttpIntegrationResponseAsync(cancellationToken: cancellationToken);
        Console.WriteLine($"{(int)http.StatusCode} {http.Headers.GetValueOrDefault("content-type")}");
        await foreach (var line in http.ReadLinesAsync(cancellationToken: cancellationToken))
        {
            Console.WriteLine(line);
        }
        // end: http

        Assert.Equal("404 text/plain\nnone\n", _console.Text);
    }

    [Fact]
    public async Task Options()
    {
        var (response, cancellationToken) = (Response("line"), Ct);

        // begin: reading-options
        var options = new PayloadReadOptions { MaxLineBytes = 64 * 1024, Encoding = Encoding.Latin1 };
        await foreach (var line in response.ReadLinesAsync(options, cancellationToken))
        {
            Console.WriteLine(line);
        }
        // end: reading-options

        Assert.Equal("line\n", _console.Text);
    }

    [Fact]
    public async Task InATest()
    {
        // begin: test
        await using var response = InvokeWithResponseStreamResponse.Create(
            ["data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\nda", "ta: [DONE]\n\n"],
            new InvokeComplete { ErrorCode = "Unhandled", ErrorDetails = "out of tokens" });

        var exception = await Assert.ThrowsAsync<FunctionErrorException>(
            () => ChatAsync(response, CancellationToken.None));

        Assert.Equal("out of tokens", exception.ErrorDetails);
        // end: test
    }

    // The test on the page calls this method instead of the app's own code. It has the same loop as the page's section
    // about server-sent events.
    private static async Task ChatAsync(InvokeWithResponseStreamResponse response, CancellationToken cancellationToken)
    {
        var chunkType = ChatJson.Default.ChatChunk;
        await foreach (var _ in response.ReadServerSentEventsAsync(chunkType, cancellationToken: cancellationToken))
        {
        }
    }

    private static InvokeWithResponseStreamResponse Response(params string[] chunks) =>
        InvokeWithResponseStreamResponse.Create(chunks);

    private static ILambdaStreamingClient Client(params string[] chunks)
    {
        var client = new Mock<ILambdaStreamingClient>();
        client
            .Setup(mock => mock.InvokeWithResponseStreamAsync(
                It.IsAny<InvokeWithResponseStreamRequest>(),
                It.IsAny<CancellationToken>()))
            .ReturnsAsync(() => Response(chunks));
        return client.Object;
    }
}

// begin: chat-types
internal sealed record ChatChunk(IReadOnlyList<ChatChoice>? Choices, ChatError? Error);

internal sealed record ChatChoice(ChatDelta? Delta);

internal sealed record ChatDelta(string? Content);

internal sealed record ChatError(string? Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ChatChunk))]
internal sealed partial class ChatJson : JsonSerializerContext;
// end: chat-types

// begin: order-types
internal sealed record Order(string Id, int Total);

internal sealed record Query(string State);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(Query))]
internal sealed partial class OrderJson : JsonSerializerContext;
// end: order-types
