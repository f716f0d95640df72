using System.Text;
using LambdaStreaming;
using LambdaStreaming.Http;
using LambdaStreaming.Testing;
#if NET10_0_OR_GREATER
using Aspire.Hosting;
#endif
using Microsoft.Extensions.DependencyInjection;

await using var server = await LocalLambdaServer.StartAsync(options => options.AddFunction("hello", RespondAsync));
var services = new ServiceCollection().AddSingleton(server.Credentials);
services.AddLambdaStreamingClient(options => (options.ServiceUrl, options.Region) = (server.ServiceUrl, server.Region));
await using var provider = services.BuildServiceProvider();
var client = provider.GetRequiredService<ILambdaStreamingClient>();
await using var response = await client.InvokeWithResponseStreamAsync(new InvokeWithResponseStreamRequest("hello"));

var text = new StringBuilder();
await foreach (var chunk in response.ReadChunksAsync()) text.Append(Encoding.UTF8.GetString(chunk.ToArray()));

using var http = new HttpClient(new LambdaHttpHandler(client, "hello"));
var body = await http.GetStringAsync("https://hello/");

#if NET10_0_OR_GREATER
var appHost = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
if (appHost.AddLambdaStreamingServer("lambda").Resource.Functions.Count > 0) return 1;
#endif

Console.WriteLine($"{text} on .NET {Environment.Version.Major}");
return text.ToString() == "from the packages" && body == text.ToString() ? 0 : 1;

static async Task RespondAsync(
    FunctionInvocation invocation,
    FunctionResponse response,
    CancellationToken cancellationToken)
{
    await response.WriteTextAsync("from the ", cancellationToken);
    await response.WriteTextAsync("packages", cancellationToken);
}
