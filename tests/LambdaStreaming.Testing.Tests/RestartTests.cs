namespace LambdaStreaming.Testing.Tests;

/// <summary>Changes of a function's files while the server runs.</summary>
public sealed class RestartTests : IDisposable
{
    // Responds with its process id.
    private const string Bootstrap = """
        api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
        while true; do
          id=$(curl -sS -D - -o /dev/null "$api/next" | grep -i '^lambda-runtime-aws-request-id:' | tr -d ' \r' | cut -d: -f2)
          curl -sS -o /dev/null "$api/$id/response" -d "$$"
        done
        """;

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("handler.py", true, true)]
    [InlineData("package/module.py", true, true)]
    [InlineData("handler.py", false, false)]
    [InlineData("node_modules/index.js", true, false)]
    [InlineData("package/__pycache__/module.pyc", true, false)]
    [InlineData(".git/HEAD", true, false)]
    [InlineData(".env", true, true)]
    [InlineData("package/.env.local", true, true)]
    [InlineData(".handler.py.swp", true, false)]
    [InlineData("package/.#module.py", true, false)]
    [InlineData(".DS_Store", true, false)]
    public async Task RestartOnChange_FileIsAdded(string file, bool restartOnChange, bool restarts)
    {
        await using var server = await StartAsync(restartOnChange);
        using var client = server.CreateClient();

        var first = await InvokeAsync(client);
        Write(file, "new");
        var second = await InvokeAsync(client);

        Assert.Equal(restarts, first != second);
    }

    [Fact]
    public async Task RestartOnChange_FileIsChangedThenRemoved_RestartsTwice()
    {
        Write("data.json", "one");
        await using var server = await StartAsync(restartOnChange: true);
        using var client = server.CreateClient();

        var first = await InvokeAsync(client);
        var unchanged = await InvokeAsync(client);
        Write("data.json", "three");
        var changed = await InvokeAsync(client);
        File.Delete(Path.Combine(_folder.FullName, "data.json"));
        var removed = await InvokeAsync(client);

        Assert.Equal(first, unchanged);
        Assert.Equal(3, new[] { first, changed, removed }.Distinct().Count());
    }

    [Fact]
    public async Task RestartOnChange_TargetOfALinkIsChanged_Restarts()
    {
        Interop.NeedsCurl();
        var shared = Directory.CreateTempSubdirectory();
        try
        {
            var target = Path.Combine(shared.FullName, "shared.py");
            await File.WriteAllTextAsync(target, "one", Token);
            Link("handler.py", Path.Combine(_folder.FullName, "next.py"));
            Link("next.py", target);
            Link("missing.py", Path.Combine(shared.FullName, "missing.py"));
            Link("cycle.py", Path.Combine(_folder.FullName, "cycle.py"));
            await using var server = await StartAsync(restartOnChange: true);
            using var client = server.CreateClient();

            var first = await InvokeAsync(client);
            var unchanged = await InvokeAsync(client);
            await File.WriteAllTextAsync(target, "three", Token);
            var changed = await InvokeAsync(client);
            await File.WriteAllTextAsync(Path.Combine(shared.FullName, "missing.py"), "new", Token);
            var created = await InvokeAsync(client);

            Assert.Equal(first, unchanged);
            Assert.Equal(3, new[] { first, changed, created }.Distinct().Count());
        }
        finally
        {
            shared.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task RestartOnChange_LinkHasAnotherTarget_Restarts()
    {
        Interop.NeedsCurl();
        var time = DateTime.UtcNow.AddDays(-1);
        foreach (var name in (string[])["bin/one.py", "bin/two.py"])
        {
            Write(name, "same");
            File.SetLastWriteTimeUtc(Path.Combine(_folder.FullName, name), time);
        }

        Link("handler.py", Path.Combine("bin", "one.py"));
        await using var server = await StartAsync(restartOnChange: true);
        using var client = server.CreateClient();

        var first = await InvokeAsync(client);
        File.Delete(Path.Combine(_folder.FullName, "handler.py"));
        Link("handler.py", Path.Combine("bin", "two.py"));
        var changed = await InvokeAsync(client);

        Assert.NotEqual(first, changed);
    }

    [Fact]
    public async Task RestartOnChange_CallIsInProgress_EndsInItsProcess()
    {
        FakeRuntime.SkipIfNotSupported();
        using var runtime = new FakeRuntime();
        var options = runtime.Options with { RestartOnChange = true, TaskRoot = _folder.FullName };
        await using var server = await LocalLambdaServer.StartAsync(s => s.AddFunction("f", options), Token);
        using var client = server.CreateClient();

        var first = InvokeAsync(client);
        var process = await runtime.NextProcessAsync();
        var id = await process.NextIdAsync();
        Write("handler.py", "new");
        var second = InvokeAsync(client);
        var newProcess = await runtime.NextProcessAsync();
        using var acceptedSecond = await newProcess.RespondAsync(await newProcess.NextIdAsync(), "new");
        using var acceptedFirst = await process.RespondAsync(id, "old");

        Assert.Equal(("old", "new"), (await first, await second));
    }

    private void Write(string file, string text)
    {
        var path = Path.Combine(_folder.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private void Link(string file, string target) =>
        File.CreateSymbolicLink(Path.Combine(_folder.FullName, file), target);

    private Task<LocalLambdaServer> StartAsync(bool restartOnChange)
    {
        Interop.NeedsCurl();
        var process = new RuntimeProcessOptions("/bin/sh")
        {
            Arguments = ["-c", Bootstrap],
            TaskRoot = _folder.FullName,
            RestartOnChange = restartOnChange,
            MaxProcesses = 1,   // the next call waits for the process, however long it takes to request a call
        };
        return LocalLambdaServer.StartAsync(s => s.AddFunction("f", process), Token);
    }

    private static async Task<string> InvokeAsync(LambdaStreamingClient client)
    {
        await using var response = await client.InvokeWithResponseStreamAsync(new("f"), Token).WaitAsync(Soon, Token);
        var text = "";
        await foreach (var part in response.ReadTextAsync(cancellationToken: Token)) text += part;
        return text;
    }
}
