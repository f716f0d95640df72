using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Aspire.Hosting.Tests;

/// <summary>The code of docs/aspire.md.</summary>
public sealed class AspireSnippets : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task AppHost_FunctionAndWebApp_WebAppWaitsForTheFunction()
    {
        await using var host = new TestAppHost();
        var builder = host.Builder;

        // begin: aspire-first
        var lambda = builder.AddLambdaStreamingServer("lambda");
        lambda.AddFunction<Projects.Chat>("chat");

        builder.AddProject<Projects.Web>("web")
            .WithReference(lambda)
            .WaitFor(lambda);
        // end: aspire-first

        var web = builder.Resources.OfType<ProjectResource>().Single();
        Assert.Contains(web.Annotations.OfType<WaitAnnotation>(), wait => wait.Resource == lambda.Resource);
        Assert.Equal("chat", Assert.Single(lambda.Resource.Functions).Key);
    }

    [Fact]
    public async Task AppHost_FunctionsInSeveralLanguages_AreResources()
    {
        Functions.SkipWithoutNode();
        DotNetFunctions.CopyTo(_folder.FullName);
        var node = _folder.CreateSubdirectory("node/node_modules/aws-lambda-ric");
        await File.WriteAllTextAsync(Path.Combine(node.FullName, "index.mjs"), "");
        await File.WriteAllTextAsync(Path.Combine(node.FullName, "rapid-client.node"), "");
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "node", "index.mjs"), "");
        await using var host = new TestAppHost(_folder.CreateSubdirectory("AppHost").FullName);
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");

        // begin: aspire-functions
        lambda.AddFunction<Projects.Chat>("chat").WithEnvironment("Tone", "friendly");
        lambda.AddFunction("greeter", "../Greeter", handler: "Greeter::Greeter.Function::GreetAsync");
        lambda.AddNodeFunction("story", "../node/index.mjs");
        var python = new RuntimeProcessOptions("python3") { Arguments = ["bootstrap.py"], TaskRoot = "../python" };
        lambda.AddFunction("summary", python with { RestartOnChange = true });
        // end: aspire-functions

        Assert.Equal(["chat", "greeter", "story", "summary"], lambda.Resource.Functions.Keys);
    }

    [Fact]
    public async Task Function_Faults_ApplyToTheNextCalls()
    {
        await using var host = new TestAppHost();
        var lambda = host.Builder.AddLambdaStreamingServer("lambda");
        lambda.AddFunction("chat", Functions.CreateGreeter());

        // begin: aspire-faults
        lambda.Function("chat").OnEveryCall().TruncateAfterChunks(3, TruncationMode.Close);
        // end: aspire-faults

        await host.StartAsync(lambda);
        var appHost = host.Builder;
        var cancellationToken = TestContext.Current.CancellationToken;

        // begin: aspire-test
        var resource = appHost.Resources.OfType<LambdaStreamingServerResource>().Single();
        resource.Functions["chat"].Function.OnEveryCall().Throttle();
        var server = await resource.GetServerAsync(cancellationToken);
        using var client = server.CreateClient(options => options.Retry.MaxAttempts = 1);
        // end: aspire-test

        await Assert.ThrowsAsync<TooManyRequestsException>(async () => await client.InvokeWithResponseStreamAsync(
            new InvokeWithResponseStreamRequest("chat"), cancellationToken));
    }
}
