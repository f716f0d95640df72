using System.Text;
using LambdaStreaming.Testing;

namespace LambdaStreaming.Tool.Tests;

/// <summary>Spellings of the AWS CLI, which people type from habit.</summary>
public sealed class AwsCliSpellingTests
{
    [Fact]
    public async Task FunctionName_AsOption_IsInvoked()
    {
        await using var server = await StartAsync();

        var run = await ExecuteAsync(server, "invoke", "--function-name", "f", "--payload", "1");

        Assert.Equal((0, "1"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task FunctionName_FileForTheResponseFollows_MessageNamesOutput()
    {
        await using var server = await StartAsync();

        var run = await ExecuteAsync(server, "invoke", "--function-name", "f", "response.json");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("--output response.json", run.Error);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("file://")]
    [InlineData("fileb://")]
    public async Task Payload_FileUrl_IsTheFile(string prefix)
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync();
        var path = folder.Write("payload.json", "[1]");

        var run = await ExecuteAsync(
            server, "invoke", "f", "--payload", prefix + path, "--cli-binary-format", "raw-in-base64-out");

        Assert.Equal((0, "[1]"), (run.ExitCode, run.Output));
    }

    [Fact]
    public async Task ClientContext_FileUrl_IsTheFile()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync();
        var path = folder.Write("context.json", """{"custom":{"a":"b"}}""");

        await ExecuteAsync(server, "invoke", "f", "--client-context", "file://" + path);

        var sent = Assert.Single(server.Requests).Headers["X-Amz-Client-Context"];
        Assert.Equal("""{"custom":{"a":"b"}}""", Encoding.UTF8.GetString(Convert.FromBase64String(sent)));
    }

    [Theory]
    [InlineData("Tail", true)]
    [InlineData("None", false)]
    public async Task LogType_Tail_PrintsTheLog(string type, bool isPrinted)
    {
        await using var server = await StartAsync();

        var run = await ExecuteAsync(server, "invoke", "f", "--log-type", type);

        Assert.Equal(isPrinted, run.Error.Contains("| hello log", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("DryRun", "", "The function did not run.")]
    [InlineData("RequestResponse", "1", "")]
    public async Task InvocationType_DryRun_DoesNotRunTheFunction(string type, string output, string message)
    {
        await using var server = await StartAsync();

        var run = await ExecuteAsync(server, "invoke", "f", "--payload", "1", "--invocation-type", type);

        Assert.Equal((0, output), (run.ExitCode, run.Output));
        Assert.Contains(message, run.Error);
        Assert.Equal(type, Assert.Single(server.Requests).Headers.GetValueOrDefault("X-Amz-Invocation-Type", type));
    }

    [Fact]
    public async Task Help_Invoke_DoesNotListThem()
    {
        var run = await Run.ExecuteAsync("invoke", "--help");

        Assert.DoesNotContain("--function-name", run.Output);
        Assert.DoesNotContain("--invocation-type", run.Output);
        Assert.Contains("FUNCTION", run.Output);
    }

    private static Task<LocalLambdaServer> StartAsync() => LocalLambdaServer.StartAsync(options =>
        options.AddFunction("f", async (invocation, response, token) =>
        {
            response.Log("hello log");
            await response.WriteAsync(invocation.Payload, token);
        }));

    private static Task<Run> ExecuteAsync(LocalLambdaServer server, params string[] args) =>
        Run.ExecuteAsync([.. args, .. Run.EndpointOptions(server)]);
}
