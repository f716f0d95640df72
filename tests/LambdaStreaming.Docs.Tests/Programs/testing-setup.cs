using System.Text;
using LambdaStreaming;
using LambdaStreaming.Testing;
using Microsoft.AspNetCore.Mvc.Testing;          // only for WebApplicationFactory
using Microsoft.AspNetCore.TestHost;             // the same
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;         // only for the fake clock
using Moq;                                       // only for the mock
using Xunit;

await using var lambda = await LocalLambdaServer.StartAsync(server => server.AddFunction("chat"));

// Only for the examples that use them:
using var live = new LambdaStreamingClient();
var services = new ServiceCollection();
var functionFolder = "function";
var runtimeInterfaceClient = "function/node_modules/aws-lambda-ric";
var path = "chat.jsonl";
