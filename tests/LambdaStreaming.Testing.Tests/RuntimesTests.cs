using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace LambdaStreaming.Testing.Tests;

/// <summary>Real programs in other languages, with only their standard libraries: tests/functions.</summary>
public sealed class RuntimesTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private static readonly string Functions = Path.Combine(Interop.Root, "tests", "functions");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("python3", "ValueError")]
    [InlineData("go", "errorString")]
    [InlineData("node", "RangeError")]
    [InlineData("bun", "RangeError")]
    public async Task Program_StreamsInTimeAndFailsWithItsOwnError(string runtime, string errorCode)
    {
        await using var server = await StartAsync(runtime);
        using var client = server.CreateClient(options => options.ConnectTimeout = Soon);
        var gate = Path.Combine(_folder.FullName, "gate");

        // The program writes its second word only after the first one has arrived here.
        await using var response = await InvokeAsync(client, new { name = "Ada", gate });
        var text = new StringBuilder();
        await foreach (var chunk in response.ReadOwnedChunksAsync(Token))
        {
            text.Append(Encoding.UTF8.GetString(chunk.Span));
            await File.WriteAllTextAsync(gate, "", Token);
        }

        Assert.Equal("hello Ada", text.ToString());
        await using var failing = await InvokeAsync(client, new { name = "Ada", fail = true });
        var error = await Assert.ThrowsAsync<FunctionErrorException>(async () =>
        {
            await foreach (var chunk in failing.ReadOwnedChunksAsync(Token)) _ = chunk;
        });
        Assert.Equal(errorCode, error.ErrorCode);
        Assert.Contains("no more words", error.ErrorDetails);
    }

    private Task<LocalLambdaServer> StartAsync(string runtime)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs programs of a Unix system.");
        var process = runtime switch
        {
            "python3" => new RuntimeProcessOptions("python3") { Arguments = [GetPath("python", "bootstrap.py")] },
            "go" => new RuntimeProcessOptions(BuildGo()),
            _ => new RuntimeProcessOptions(Find(runtime)) { Arguments = [GetPath("node", "bootstrap.mjs")] },
        };
        Assert.SkipUnless(
            runtime == "go" || Interop.Runs(process.FileName, "--version"), $"Needs {runtime}.");
        return LocalLambdaServer.StartAsync(s => s.AddFunction("f", process), Token);
    }

    private static string GetPath(string folder, string name) =>
        Path.GetFullPath(Path.Combine(Functions, folder, name));

    // Bun is installed with the other npm packages of the interop tests.
    private static string Find(string runtime)
    {
        var installed = Path.Combine(Interop.Folder, "node_modules", ".bin", runtime);
        return File.Exists(installed) ? installed : runtime;
    }

    private string BuildGo()
    {
        Assert.SkipUnless(Interop.Runs("go", "version"), "Needs go.");
        var program = Path.Combine(_folder.FullName, "greet");
        var info = new ProcessStartInfo("go", ["build", "-o", program, "."])
        {
            WorkingDirectory = Path.Combine(Functions, "go"),
        };
        info.Environment["CGO_ENABLED"] = "0";
        // The build uses no network, and not the cache of the user. Without a cache, it needs half a minute.
        info.Environment["GOTOOLCHAIN"] = "local";
        info.Environment["GOPROXY"] = "off";
        info.Environment["GOCACHE"] = Path.Combine(Interop.Root, "artifacts", "go-cache");
        using var build = Process.Start(info)!;
        build.WaitForExit();
        Assert.Equal(0, build.ExitCode);
        return program;
    }

    private static Task<InvokeWithResponseStreamResponse> InvokeAsync(LambdaStreamingClient client, object payload) =>
        client.InvokeWithResponseStreamAsync(
                InvokeWithResponseStreamRequest.FromJson("f", JsonSerializer.Serialize(payload)), Token)
            .WaitAsync(Soon, Token);
}
