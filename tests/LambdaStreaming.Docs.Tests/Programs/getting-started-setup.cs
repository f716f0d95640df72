using System.Buffers;
using System.Text.Json.Serialization; // only for user input
using LambdaStreaming;
using LambdaStreaming.Testing; // only for the last example, which needs that package

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var request = InvokeWithResponseStreamRequest.FromJson("my-function", """{"prompt":"Tell me a story"}""");
await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
var output = Console.OpenStandardOutput();
var line = "Tell me a \"story\"";

void Show(ReadOnlySequence<byte> payload) => Console.Write($"[{payload.Length} bytes]");
void Report(string message) => Console.Error.WriteLine(message);
