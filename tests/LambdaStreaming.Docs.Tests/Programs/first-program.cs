using LambdaStreaming;

// Region and credentials come from the default AWS provider chain.
using var client = new LambdaStreamingClient();

await foreach (var text in client.InvokeTextAsync("my-function", """{"prompt":"Tell me a story"}"""))
{
    Console.Write(text);
}
