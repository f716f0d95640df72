using LambdaStreaming.Testing;

var builder = DistributedApplication.CreateBuilder(args);

var lambda = builder.AddLambdaStreamingServer("lambda");
lambda.AddFunction<Projects.ChatFunction>("chat");

// dotnet run --project samples/AspireHost -- --Fault truncate
if (builder.Configuration["Fault"] == "truncate")
{
    lambda.Function("chat").OnEveryCall().TruncateAfterChunks(3, TruncationMode.Close);
}

builder.AddProject<Projects.ChatWeb>("web")
    .WithHttpEndpoint(port: 5080)
    .WithEnvironment("Chat__Function", "chat")
    .WithReference(lambda)
    .WaitFor(lambda);

await builder.Build().RunAsync();
