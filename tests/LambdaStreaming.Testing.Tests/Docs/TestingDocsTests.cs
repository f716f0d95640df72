namespace LambdaStreaming.Testing.Tests.Docs;

public class TestingDocsTests
{
    [Fact]
    public Task FirstTest_Runs() => TestingSnippets.FirstTestAsync();

    [Fact]
    public Task Faults_Run() => TestingSnippets.FaultsAsync();

    [Fact]
    public Task Requests_Run() => TestingSnippets.RequestsAsync();

    [Fact]
    public Task Mock_Runs() => TestingSnippets.MockAsync();

    [Fact]
    public async Task Node_Runs()
    {
        Interop.NeedsNodeRuntime();

        Assert.StartsWith("hello Ada, ", await TestingSnippets.NodeAsync(Interop.Functions, Path.Combine(Interop.Folder, "node_modules", "aws-lambda-ric")));
    }

    [Fact]
    public async Task Record_Runs()
    {
        string path = Path.GetTempFileName();
        try
        {
            await using var lambda = await LocalLambdaServer.StartAsync(
                s => s.AddFunction("chat", (_, response, ct) => response.WriteTextAsync("live", ct)), TestContext.Current.CancellationToken);
            using var live = lambda.CreateClient();

            Assert.Equal("live", await TestingSnippets.RecordAsync(live, path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
