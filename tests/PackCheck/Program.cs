using System.Text;
using LambdaStreaming;
using LambdaStreaming.Testing;

await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("hello", async (_, response, cancellationToken) =>
{
    await response.WriteTextAsync("from the ", cancellationToken);
    await response.WriteTextAsync("packages", cancellationToken);
}));
using var client = server.CreateClient();
await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("hello"));

var text = new StringBuilder();
await foreach (var chunk in response.ReadChunksAsync()) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));

Console.WriteLine($"{text} on .NET {Environment.Version.Major}");
return text.ToString() == "from the packages" ? 0 : 1;
