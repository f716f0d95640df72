using System.Text;
using System.Text.Json.Serialization;
using LambdaStreaming;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var request = InvokeWithResponseStreamRequest.FromJson("chat", """{"prompt":"Tell me about the sea"}""");
await using var response = await client.InvokeWithResponseStreamAsync(request, cancellationToken);
var path = "response.bin";
