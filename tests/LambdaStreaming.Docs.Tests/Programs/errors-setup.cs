using System.Text.Json;
using LambdaStreaming;

using var client = new LambdaStreamingClient();
var cancellationToken = CancellationToken.None;
var request = InvokeWithResponseStreamRequest.FromJson("chat", """{"prompt":"Hello"}""");
var output = Console.OpenStandardOutput();

Task SendLaterAsync(InvokeWithResponseStreamRequest request) => Task.CompletedTask;
