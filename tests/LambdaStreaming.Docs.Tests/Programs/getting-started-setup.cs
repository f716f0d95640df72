using System.Buffers;
using LambdaStreaming;
using LambdaStreaming.Testing; // only for the last example, which needs that package

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var request = InvokeWithResponseStreamRequest.FromJson("my-function", """{"prompt":"Tell me a story"}""");
await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
var output = Console.OpenStandardOutput();

void Show(ReadOnlySequence<byte> payload) => Console.Write($"[{payload.Length} bytes]");
void Report(string message) => Console.Error.WriteLine(message);
